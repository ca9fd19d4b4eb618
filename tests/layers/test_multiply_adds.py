"""What the layers multiply, counted by hand."""

import keras
import pytest

import keras_classics as kc

MAP = (6, 6, 4)
COUNTS = [
    ("BinaryConv2D", {"filters": 5, "kernel_size": (3, 5), "strides": 2}, MAP, 3 * 3 * 15 * 4 * 5),
    ("BinaryDense", {"units": 3}, (4,), 4 * 3),
    ("ConnectionTableConv2D", {"table": [[0], [1, 3]], "kernel_size": 3}, MAP, 4 * 4 * 9 * 3),
    ("ConvHighway", {}, MAP, 2 * 6 * 6 * 9 * 4 * 4),
    ("ConvHighway", {"kernel_size": 5, "carry_gate": True}, MAP, 3 * 6 * 6 * 25 * 4 * 4),
    ("DiracConv2D", {"filters": 5}, MAP, 6 * 6 * 9 * 4 * 5),
    ("EuclideanRBF", {"units": 3}, (4,), 3 * 4),
    ("Highway", {}, (4,), 2 * 4 * 4),
    ("Highway", {"carry_gate": True}, (7, 4), 7 * 3 * 4 * 4),
    ("LocallyConnected2D", {"filters": 5, "kernel_size": 3}, MAP, 4 * 4 * 9 * 4 * 5),
    ("MultiDimensionalLSTM", {"units": 3, "directions": 4}, MAP, 4 * 6 * 6 * 5 * 3 * (4 + 2 * 3)),
    ("MultiDimensionalRNN", {"units": 3}, MAP, 6 * 6 * 3 * (4 + 2 * 3)),
    ("StackedConv2D", {"depth": 7, "kernel_size": 5}, MAP, 7 * 6 * 6 * 25 * 4 * 4),
]


@pytest.mark.parametrize(("name", "arguments", "shape", "count"), COUNTS)
def test_a_layer_multiplies_as_often_as_its_formula(name, arguments, shape, count):
    image = keras.Input(shape)
    model = keras.Model(image, getattr(kc.layers, name)(**arguments)(image))
    assert kc.analysis.multiply_adds(model) == count


def test_a_merge_multiplies_for_its_gate():
    symbols = [keras.Input((7, 4)), keras.Input((7, 4))]
    model = keras.Model(symbols, kc.layers.HighwayMerge()(symbols))
    assert kc.analysis.multiply_adds(model) == 7 * 4 * 4
