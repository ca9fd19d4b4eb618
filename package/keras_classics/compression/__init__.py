"""Networks made small and fast: binary weights packed into words.

Importing this package imports no engine.
"""

from keras_classics.compression.packed_files import load_packed
from keras_classics.compression.packed_layer import PackedLayer
from keras_classics.compression.packed_model import PackedModel
from keras_classics.compression.packed_signs import pack_signs, xnor_convolution, xnor_dot
from keras_classics.compression.packing import pack

__all__ = [
    "PackedLayer",
    "PackedModel",
    "load_packed",
    "pack",
    "pack_signs",
    "xnor_convolution",
    "xnor_dot",
]
