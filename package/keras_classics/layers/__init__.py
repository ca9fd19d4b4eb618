"""Layers of the papers that Keras lacks, one file per idea."""

from keras_classics.layers.activations import scaled_tanh, threshold
from keras_classics.layers.attention import StepwiseAdditiveAttention
from keras_classics.layers.connection_table import ConnectionTableConv2D
from keras_classics.layers.decoder import RecurrentDecoder
from keras_classics.layers.dirac import DiracConv2D, NCReLU
from keras_classics.layers.highway import ConvHighway, Highway
from keras_classics.layers.maxout import Maxout
from keras_classics.layers.normalization import LocalResponseNormalization
from keras_classics.layers.pooling import (
    CeilAveragePooling2D,
    PaddedMaxPooling2D,
    SAFPooling,
    TrainableSubsampling,
)
from keras_classics.layers.rbf import EuclideanRBF
from keras_classics.layers.scheduled_sampling import ScheduledSampler
from keras_classics.layers.shortcuts import ZeroPaddedShortcut
from keras_classics.layers.stochastic_depth import StochasticDepth

__all__ = [
    "CeilAveragePooling2D",
    "ConnectionTableConv2D",
    "ConvHighway",
    "DiracConv2D",
    "EuclideanRBF",
    "Highway",
    "LocalResponseNormalization",
    "Maxout",
    "NCReLU",
    "PaddedMaxPooling2D",
    "RecurrentDecoder",
    "SAFPooling",
    "ScheduledSampler",
    "StepwiseAdditiveAttention",
    "StochasticDepth",
    "TrainableSubsampling",
    "ZeroPaddedShortcut",
    "scaled_tanh",
    "threshold",
]
