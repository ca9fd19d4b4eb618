"""Layers of the papers that Keras lacks, one file per idea."""

from keras_classics.layers.activations import scaled_tanh
from keras_classics.layers.attention import StepwiseAdditiveAttention
from keras_classics.layers.connection_table import ConnectionTableConv2D
from keras_classics.layers.decoder import RecurrentDecoder
from keras_classics.layers.normalization import LocalResponseNormalization
from keras_classics.layers.pooling import PaddedMaxPooling2D, TrainableSubsampling
from keras_classics.layers.rbf import EuclideanRBF
from keras_classics.layers.scheduled_sampling import ScheduledSampler
from keras_classics.layers.shortcuts import ZeroPaddedShortcut
from keras_classics.layers.stochastic_depth import StochasticDepth

__all__ = [
    "ConnectionTableConv2D",
    "EuclideanRBF",
    "LocalResponseNormalization",
    "PaddedMaxPooling2D",
    "RecurrentDecoder",
    "ScheduledSampler",
    "StepwiseAdditiveAttention",
    "StochasticDepth",
    "TrainableSubsampling",
    "ZeroPaddedShortcut",
    "scaled_tanh",
]
