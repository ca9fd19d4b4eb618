"""Layers of the papers that Keras lacks, one file per idea."""

from keras_classics.layers.activations import scaled_tanh, threshold
from keras_classics.layers.aggregation import WeightedAggregation
from keras_classics.layers.attention import StepwiseAdditiveAttention, StepwiseDotAttention
from keras_classics.layers.binary import BinaryConv2D, BinaryDense, binary_sign
from keras_classics.layers.binary_kernels import (
    PackedLayer,
    pack_signs,
    xnor_convolution,
    xnor_dot,
)
from keras_classics.layers.cells import RECURRENT_LAYERS, recurrent_layer
from keras_classics.layers.connection_table import ConnectionTableConv2D
from keras_classics.layers.decoder import RecurrentDecoder
from keras_classics.layers.dirac import DiracConv2D, NCReLU
from keras_classics.layers.fractal import ColumnDraw, FractalJoin
from keras_classics.layers.highway import ConvHighway, Highway, HighwayMerge
from keras_classics.layers.hoisted import GRU, LSTM
from keras_classics.layers.initial_state import LearnedInitialState
from keras_classics.layers.lengths import BlankPadding, ValidSteps
from keras_classics.layers.locally_connected import LocallyConnected2D
from keras_classics.layers.lstm_cells import LSTMVariantCell
from keras_classics.layers.maxout import Maxout
from keras_classics.layers.multidimensional import MultiDimensionalLSTM, MultiDimensionalRNN
from keras_classics.layers.multiplicative_cells import MultiplicativeLSTMCell, MultiplicativeRNNCell
from keras_classics.layers.normalization import LocalResponseNormalization
from keras_classics.layers.one_hot import OneHot
from keras_classics.layers.pooling import (
    CeilAveragePooling2D,
    PaddedMaxPooling2D,
    SAFPooling,
    TrainableSubsampling,
)
from keras_classics.layers.rbf import EuclideanRBF
from keras_classics.layers.recurrent_cells import (
    CourseGRUCell,
    DeepTransitionCell,
    OutputFeedbackCell,
    RecurrentHighwayCell,
)
from keras_classics.layers.reverse import ReverseSequence
from keras_classics.layers.scheduled_sampling import ScheduledSampler
from keras_classics.layers.shortcuts import ZeroPaddedShortcut
from keras_classics.layers.stacked import CircularPadding2D, StackedConv2D
from keras_classics.layers.stochastic_depth import StochasticDepth
from keras_classics.layers.time_pooling import SegmentMean, SumOverTime
from keras_classics.layers.upsampling import ZeroInterleaving2D

__all__ = [
    "RECURRENT_LAYERS",
    "BinaryConv2D",
    "BinaryDense",
    "BlankPadding",
    "CeilAveragePooling2D",
    "CircularPadding2D",
    "ColumnDraw",
    "ConnectionTableConv2D",
    "ConvHighway",
    "CourseGRUCell",
    "DeepTransitionCell",
    "DiracConv2D",
    "EuclideanRBF",
    "FractalJoin",
    "GRU",
    "Highway",
    "HighwayMerge",
    "LSTM",
    "LSTMVariantCell",
    "LearnedInitialState",
    "LocalResponseNormalization",
    "LocallyConnected2D",
    "Maxout",
    "MultiDimensionalLSTM",
    "MultiDimensionalRNN",
    "MultiplicativeLSTMCell",
    "MultiplicativeRNNCell",
    "NCReLU",
    "OneHot",
    "OutputFeedbackCell",
    "PackedLayer",
    "PaddedMaxPooling2D",
    "RecurrentDecoder",
    "RecurrentHighwayCell",
    "ReverseSequence",
    "SAFPooling",
    "ScheduledSampler",
    "SegmentMean",
    "StackedConv2D",
    "StepwiseAdditiveAttention",
    "StepwiseDotAttention",
    "StochasticDepth",
    "SumOverTime",
    "TrainableSubsampling",
    "ValidSteps",
    "ZeroInterleaving2D",
    "WeightedAggregation",
    "ZeroPaddedShortcut",
    "binary_sign",
    "pack_signs",
    "recurrent_layer",
    "scaled_tanh",
    "threshold",
    "xnor_convolution",
    "xnor_dot",
]
