"""Networks made small and fast: binary weights packed into words.

Importing this package imports no engine.
"""

from keras_classics.compression.popcount_kernels import (
    PackedLayer,
    pack_signs,
    xnor_convolution,
    xnor_dot,
)

__all__ = ["PackedLayer", "pack_signs", "xnor_convolution", "xnor_dot"]
