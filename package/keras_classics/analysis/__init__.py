"""Looking into models: what they cost, and later what they see."""

from keras_classics.analysis.complexity import (
    LayerCost,
    costs,
    multiply_adds,
    trainable_parameters,
    weight_bytes,
)
from keras_classics.analysis.family_tree import draw_family_tree, family_tree

__all__ = [
    "LayerCost",
    "costs",
    "draw_family_tree",
    "family_tree",
    "multiply_adds",
    "trainable_parameters",
    "weight_bytes",
]
