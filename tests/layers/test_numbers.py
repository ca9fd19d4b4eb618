"""Layers take NumPy's numbers for Python's, and refuse sizes and rates that are none."""

import json

import numpy as np
import pytest

import keras_classics as kc

# By layer: what it needs, and its sizes and rates with a value each admits.
LAYERS = {
    "BinaryConv2D": ({}, {"filters": 4, "kernel_size": 3, "strides": 2, "padding": 1}),
    "BinaryDense": ({}, {"units": 3}),
    "CeilAveragePooling2D": ({}, {"pool_size": 3, "strides": 2}),
    "CircularPadding2D": ({}, {"amount": 2}),
    "ColumnDraw": ({}, {"columns": 3, "rate": 0.25}),
    "ConnectionTableConv2D": ({"table": [[0]]}, {"kernel_size": 3, "strides": 2}),
    "ConvHighway": ({}, {"kernel_size": 3}),
    "CourseGRUCell": ({}, {"units": 3}),
    "DeepTransitionCell": ({}, {"units": 3, "depth": 2}),
    "DiracConv2D": ({}, {"filters": 4, "kernel_size": 3}),
    "EuclideanRBF": ({}, {"units": 3}),
    "FractalJoin": ({"columns": [1, 2]}, {"rate": 0.25}),
    "LSTMVariantCell": ({}, {"units": 3, "projection": 2}),
    "LocalResponseNormalization": ({}, {"size": 3}),
    "LocallyConnected2D": ({}, {"filters": 4, "kernel_size": 3, "strides": 2}),
    "Maxout": ({}, {"pieces": 2}),
    "MultiDimensionalLSTM": ({}, {"units": 3}),
    "MultiplicativeRNNCell": ({}, {"units": 3, "factors": 2}),
    "OneHot": ({}, {"size": 3}),
    "OutputFeedbackCell": ({}, {"units": 3, "outputs": 2}),
    "PaddedMaxPooling2D": ({}, {"pool_size": 3, "strides": 2, "padding": 1}),
    "RecurrentDecoder": (
        {}, {"vocabulary_size": 9, "units": 4, "embedding_size": 5, "depth": 2, "dropout": 0.25}
    ),
    "RecurrentHighwayCell": ({}, {"units": 3, "depth": 2}),
    "SAFPooling": ({}, {"pool_size": 2, "rate": 0.25}),
    "StackedConv2D": ({}, {"depth": 2, "kernel_size": 3}),
    "StepwiseAdditiveAttention": ({}, {"units": 4}),
    "StochasticDepth": ({}, {"survival": 0.5}),
    "TrainableSubsampling": ({}, {"pool_size": 2}),
    "NormalizedSteps": ({}, {"stride": 2}),
    "ValidSteps": ({}, {"stride": 2}),
    "WeightedAggregation": ({}, {"edge_dropout": 0.25}),
    "ZeroPaddedShortcut": ({}, {"filters": 8, "strides": 2}),
}  # fmt: skip
SIZES = [(name, size) for name, (_, sizes) in LAYERS.items() for size in sizes]


@pytest.mark.parametrize("name", LAYERS)
def test_numbers_of_numpy_are_numbers_that_a_file_can_hold(name):
    needed, sizes = LAYERS[name]
    layer = getattr(kc.layers, name)
    theirs = {key: np.array(value)[()] for key, value in sizes.items()}
    config = layer(**needed, **theirs, name="one").get_config()
    assert json.loads(json.dumps(config)) == json.loads(
        json.dumps(layer(**needed, **sizes, name="one").get_config())
    )


@pytest.mark.parametrize(("name", "argument"), SIZES, ids=map("-".join, SIZES))
def test_what_is_no_size_and_no_rate_is_refused(name, argument):
    needed, sizes = LAYERS[name]
    whole = isinstance(sizes[argument], int)
    for bad in (-1, "3", float("nan"), 2.5 if whole else 1.5, True if whole else -0.1):
        with pytest.raises(kc.InputError, match=f"{argument}=.* was given.*Allowed: "):
            getattr(kc.layers, name)(**needed, **{**sizes, argument: bad})


@pytest.mark.parametrize("argument", ["kernel_size", "strides"])
def test_sizes_for_both_directions_are_one_or_two(argument):
    made = [
        kc.layers.LocallyConnected2D(**{"filters": 2, "kernel_size": 3, argument: size})
        for size in (2, (2, 2), np.array([2, 2]))
    ]
    assert [getattr(layer, argument) for layer in made] == [(2, 2)] * 3
    for bad in ((2, 2, 2), (), (0, 1), "22"):
        with pytest.raises(kc.InputError, match=argument):
            kc.layers.LocallyConnected2D(**{"filters": 2, "kernel_size": 3, argument: bad})


def test_circular_padding_of_nothing_is_nothing():
    picture = np.arange(12.0, dtype="float32").reshape(1, 3, 4, 1)
    np.testing.assert_array_equal(kc.layers.CircularPadding2D(0)(picture), picture)


def test_circular_padding_takes_no_more_than_there_is():
    picture = np.ones((1, 2, 5, 1), "float32")
    with pytest.raises(kc.InputError, match="amount=3 was given for an image.*Pass amount=2"):
        kc.layers.CircularPadding2D(3)(picture)
    assert kc.layers.CircularPadding2D(2)(picture).shape == (1, 6, 9, 1)
