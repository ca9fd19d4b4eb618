"""Layers of the papers that Keras lacks, one file per idea."""

from keras_classics.layers.activations import scaled_tanh
from keras_classics.layers.connection_table import ConnectionTableConv2D
from keras_classics.layers.normalization import LocalResponseNormalization
from keras_classics.layers.pooling import TrainableSubsampling
from keras_classics.layers.rbf import EuclideanRBF
from keras_classics.layers.shortcuts import ZeroPaddedShortcut

__all__ = [
    "ConnectionTableConv2D",
    "EuclideanRBF",
    "LocalResponseNormalization",
    "TrainableSubsampling",
    "ZeroPaddedShortcut",
    "scaled_tanh",
]
