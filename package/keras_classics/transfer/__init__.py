"""Trained networks for other tasks: their features, frozen parts, new heads and channels."""

from keras_classics.transfer.channels import adapt_channels
from keras_classics.transfer.embedder import embedder
from keras_classics.transfer.features import features
from keras_classics.transfer.freezing import freeze, layer_groups
from keras_classics.transfer.heads import replace_head

__all__ = ["adapt_channels", "embedder", "features", "freeze", "layer_groups", "replace_head"]
