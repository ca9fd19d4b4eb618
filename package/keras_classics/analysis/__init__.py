"""Looking into models: what they cost, and later what they see."""

from keras_classics.analysis.complexity import (
    LayerCost,
    costs,
    multiply_adds,
    trainable_parameters,
)

__all__ = ["LayerCost", "costs", "multiply_adds", "trainable_parameters"]
