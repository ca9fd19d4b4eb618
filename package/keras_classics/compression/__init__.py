"""Networks made small and fast: pruned, with shared weights, distilled, or of packed bits.

Numbers of eight bits are a way of shipping: `kc.export.quantize`.
"""

from keras_classics.compression.distillation import ClassDistillation, distiller
from keras_classics.compression.packed_files import load_packed
from keras_classics.compression.packed_layer import PackedLayer
from keras_classics.compression.packed_model import PackedModel
from keras_classics.compression.packed_signs import pack_signs, xnor_convolution, xnor_dot
from keras_classics.compression.packing import pack
from keras_classics.compression.pruning import (
    Masks,
    cubic_sparsity,
    nonzeros,
    prune,
    prune_filters,
)
from keras_classics.compression.shared_weights import (
    Shared,
    huffman_bits,
    share_weights,
    zipped_bytes,
)
from keras_classics.compression.zero_channels import strip

__all__ = [
    "ClassDistillation",
    "Masks",
    "PackedLayer",
    "PackedModel",
    "Shared",
    "cubic_sparsity",
    "distiller",
    "huffman_bits",
    "load_packed",
    "nonzeros",
    "pack",
    "pack_signs",
    "prune",
    "prune_filters",
    "share_weights",
    "strip",
    "xnor_convolution",
    "xnor_dot",
    "zipped_bytes",
]
