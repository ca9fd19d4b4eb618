"""Layers of the papers that Keras lacks, one file per idea."""

from keras_classics.layers.image.activations import scaled_tanh, sign, threshold
from keras_classics.layers.image.aggregation import WeightedAggregation
from keras_classics.layers.image.association_units import AssociationUnits
from keras_classics.layers.image.binary import BinaryConv2D, BinaryDense, binary_sign
from keras_classics.layers.image.connection_table import ConnectionTableConv2D
from keras_classics.layers.image.crf import MeanFieldCRF
from keras_classics.layers.image.dirac import DiracConv2D, NCReLU
from keras_classics.layers.image.fake_quant import FakeQuantConv2D, FakeQuantDense
from keras_classics.layers.image.fractal import ColumnDraw, FractalJoin
from keras_classics.layers.image.highway import ConvHighway, Highway, HighwayMerge
from keras_classics.layers.image.kernel_expansion import KernelExpansion
from keras_classics.layers.image.locally_connected import LocallyConnected2D
from keras_classics.layers.image.maxout import Maxout
from keras_classics.layers.image.normalization import LocalResponseNormalization
from keras_classics.layers.image.picture_scales import NearestScale, ShorterSide
from keras_classics.layers.image.pooling import (
    CeilAveragePooling2D,
    PaddedMaxPooling2D,
    SAFPooling,
    TrainableSubsampling,
)
from keras_classics.layers.image.rbf import EuclideanRBF
from keras_classics.layers.image.reflection import ReflectionPadding2D
from keras_classics.layers.image.region_pooling import RegionMaxPooling, SpatialPyramidPooling
from keras_classics.layers.image.shortcuts import ZeroPaddedShortcut
from keras_classics.layers.image.stacked import CircularPadding2D, StackedConv2D
from keras_classics.layers.image.stochastic_depth import StochasticDepth
from keras_classics.layers.image.upsampling import (
    CropToReference,
    ResizeToReference,
    ZeroInterleaving2D,
)
from keras_classics.layers.memory.annealed_units import AnnealedUnits
from keras_classics.layers.memory.hopfield_memory import ContinuousMemory, HopfieldMemory
from keras_classics.layers.memory.pattern_memories import DenseMemory, SoftmaxMemory
from keras_classics.layers.recurrent.attention import (
    StepwiseAdditiveAttention,
    StepwiseDotAttention,
)
from keras_classics.layers.recurrent.by_name import RECURRENT_LAYERS, recurrent_layer
from keras_classics.layers.recurrent.decoder import RecurrentDecoder
from keras_classics.layers.recurrent.feedback_and_course_cells import (
    CourseGRUCell,
    DeepTransitionCell,
    OutputFeedbackCell,
    RecurrentHighwayCell,
)
from keras_classics.layers.recurrent.folded_time import (
    FoldTime,
    FrameDifferences,
    MiddleFrame,
    UnfoldTime,
)
from keras_classics.layers.recurrent.hoisted import GRU, LSTM
from keras_classics.layers.recurrent.initial_state import LearnedInitialState
from keras_classics.layers.recurrent.lengths import BlankPadding, NormalizedSteps, ValidSteps
from keras_classics.layers.recurrent.lstm_cells import LSTMVariantCell
from keras_classics.layers.recurrent.multidimensional import (
    MultiDimensionalLSTM,
    MultiDimensionalRNN,
)
from keras_classics.layers.recurrent.multiplicative_cells import (
    MultiplicativeLSTMCell,
    MultiplicativeRNNCell,
)
from keras_classics.layers.recurrent.one_hot import OneHot
from keras_classics.layers.recurrent.reverse import ReverseSequence
from keras_classics.layers.recurrent.scheduled_sampler import ScheduledSampler
from keras_classics.layers.recurrent.time_pooling import SegmentMean, SumOverTime

__all__ = [
    "ReflectionPadding2D",
    "RECURRENT_LAYERS",
    "AnnealedUnits",
    "BinaryConv2D",
    "AssociationUnits",
    "BinaryDense",
    "BlankPadding",
    "CeilAveragePooling2D",
    "CircularPadding2D",
    "ColumnDraw",
    "ConnectionTableConv2D",
    "ConvHighway",
    "ContinuousMemory",
    "CourseGRUCell",
    "CropToReference",
    "DenseMemory",
    "DeepTransitionCell",
    "DiracConv2D",
    "EuclideanRBF",
    "FakeQuantConv2D",
    "FakeQuantDense",
    "FoldTime",
    "FractalJoin",
    "GRU",
    "FrameDifferences",
    "Highway",
    "HighwayMerge",
    "HopfieldMemory",
    "KernelExpansion",
    "LSTM",
    "LSTMVariantCell",
    "LearnedInitialState",
    "LocalResponseNormalization",
    "LocallyConnected2D",
    "Maxout",
    "MeanFieldCRF",
    "MiddleFrame",
    "MultiDimensionalLSTM",
    "MultiDimensionalRNN",
    "MultiplicativeLSTMCell",
    "MultiplicativeRNNCell",
    "NCReLU",
    "NearestScale",
    "NormalizedSteps",
    "OneHot",
    "OutputFeedbackCell",
    "PaddedMaxPooling2D",
    "RecurrentDecoder",
    "RecurrentHighwayCell",
    "RegionMaxPooling",
    "ResizeToReference",
    "ReverseSequence",
    "SAFPooling",
    "ScheduledSampler",
    "SegmentMean",
    "ShorterSide",
    "SoftmaxMemory",
    "SpatialPyramidPooling",
    "StackedConv2D",
    "StepwiseAdditiveAttention",
    "StepwiseDotAttention",
    "StochasticDepth",
    "SumOverTime",
    "TrainableSubsampling",
    "UnfoldTime",
    "ValidSteps",
    "ZeroInterleaving2D",
    "WeightedAggregation",
    "ZeroPaddedShortcut",
    "binary_sign",
    "recurrent_layer",
    "scaled_tanh",
    "sign",
    "threshold",
]
