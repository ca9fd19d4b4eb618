"""Every layer says in half precision what it says in single, also to large inputs."""

import inspect

import keras
import numpy as np
import pytest
from keras import ops

import keras_classics as kc
from support import check_half_precision

DRAW = np.random.default_rng(5)
MAPS = DRAW.normal(size=(3, 6, 6, 4)).astype("float32")
SEQUENCES = DRAW.normal(size=(3, 5, 4)).astype("float32")
VECTORS = DRAW.normal(size=(3, 4)).astype("float32")
BOXES = np.tile(np.float32([[0, 0, 6, 6], [1, 2, 5, 4]]), (3, 1, 1))
CLIPS = DRAW.normal(size=(3, 5, 4, 4, 2)).astype("float32")
IDS = np.array([[1, 3, 5], [1, 8, 2], [2, 2, 2]])
SEGMENTS = np.array([[1, 1, 2, 2, 2], [0, 1, 1, 0, 0], [1, 1, 1, 1, 1]])

# Arguments and what the layer is called on, for every layer of the public face.
LAYERS = {
    "AnnealedUnits": ({"sweeps": 20, "seed": 1}, VECTORS),
    "AssociationUnits": ({"units": 6, "excitatory": 2, "inhibitory": 1}, VECTORS),
    "BinaryConv2D": ({"filters": 4}, MAPS),
    "BinaryDense": ({"units": 3}, VECTORS),
    "BlankPadding": ({}, SEQUENCES),
    "CeilAveragePooling2D": ({"pool_size": 3, "strides": 2}, MAPS),
    "CircularPadding2D": ({}, MAPS),
    "ColumnDraw": ({"columns": 3}, MAPS),
    "ConnectionTableConv2D": ({"table": [[0], [1, 3]], "kernel_size": 3}, MAPS),
    "ContinuousMemory": ({}, VECTORS),
    "ConvHighway": ({}, MAPS),
    "CropToReference": ({"offset": (1, 0)}, [MAPS, MAPS[:, :4, :5]]),
    "DenseMemory": ({"patterns": 2, "seed": 1}, VECTORS),
    "DiracConv2D": ({"filters": 5}, MAPS),
    "EuclideanRBF": ({"units": 3}, VECTORS),
    "FoldTime": ({}, CLIPS),
    "FractalJoin": ({"columns": [1, 2]}, [np.zeros(3, "int32"), MAPS, 2 * MAPS]),
    "FrameDifferences": ({}, CLIPS),
    "GRU": ({"units": 3}, SEQUENCES),
    "Highway": ({}, VECTORS),
    "HighwayMerge": ({}, [VECTORS, VECTORS[::-1]]),
    "HopfieldMemory": ({"seed": 1}, VECTORS),
    "KernelExpansion": ({"units": 3, "examples": 2}, VECTORS),
    "LSTM": ({"units": 3}, SEQUENCES),
    "LearnedInitialState": ({"widths": [3, 2]}, SEQUENCES),
    "LocalResponseNormalization": ({}, MAPS),
    "LocallyConnected2D": ({"filters": 4, "kernel_size": 3}, MAPS),
    "Maxout": ({"pieces": 2}, MAPS),
    "MeanFieldCRF": ({"grid": 3, "iterations": 2}, [MAPS, 100 + 50 * MAPS[..., :3]]),
    "MiddleFrame": ({}, CLIPS),
    "MultiDimensionalLSTM": ({"units": 3, "directions": 4, "leaky": True}, MAPS),
    "MultiDimensionalRNN": ({"units": 3}, MAPS),
    "NCReLU": ({}, MAPS),
    "NearestScale": ({"window": 4}, [BOXES, 2 * BOXES]),
    "OneHot": ({"size": 9}, IDS),
    "PaddedMaxPooling2D": ({"pool_size": 3, "strides": 2, "padding": 1}, MAPS),
    "ReflectionPadding2D": ({}, MAPS),
    "RegionMaxPooling": ({"size": 2, "stride": 1}, MAPS, BOXES),
    "ResizeToReference": ({"factor": 0.5}, [MAPS, MAPS]),
    "ReverseSequence": ({}, SEQUENCES),
    "SAFPooling": ({}, MAPS),
    "SegmentMean": ({}, [SEQUENCES, SEGMENTS]),
    "ShorterSide": ({"pixels": 9}, MAPS, BOXES),
    "SoftmaxMemory": ({"patterns": 2}, VECTORS),
    "SpatialPyramidPooling": ({"levels": [1, 2], "stride": 1}, MAPS, BOXES),
    "StackedConv2D": ({"depth": 3}, MAPS),
    "StepwiseAdditiveAttention": ({"units": 4}, SEQUENCES, VECTORS),
    "StepwiseDotAttention": ({"units": 4}, SEQUENCES, VECTORS),
    "StochasticDepth": ({}, MAPS),
    "SumOverTime": ({}, SEQUENCES),
    "TrainableSubsampling": ({}, MAPS),
    "UnfoldTime": ({}, [np.repeat(VECTORS, 5, 0), CLIPS]),
    "NormalizedSteps": ({}, [SEQUENCES, np.array([5, 2, 0])]),
    "ValidSteps": ({}, [SEQUENCES, np.array([5, 2, 0])]),
    "WeightedAggregation": ({}, [MAPS, 2 * MAPS]),
    "ZeroInterleaving2D": ({}, MAPS),
    "ZeroPaddedShortcut": ({"filters": 6}, MAPS),
}
# These only choose what others compute, or train what others are, and have tests beside them.
OTHERS = {"RecurrentDecoder", "ScheduledSampler", "FakeQuantConv2D", "FakeQuantDense"}


def test_no_layer_is_left_out():
    public = {name: getattr(kc.layers, name) for name in kc.layers.__all__}
    kinds = {
        name
        for name, value in public.items()
        if inspect.isclass(value) and issubclass(value, keras.layers.Layer)
    }
    cells = {name for name in kinds if name.endswith("Cell")}
    assert kinds - cells == set(LAYERS) | OTHERS


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    arguments, *inputs = LAYERS[name]
    check_half_precision(lambda dtype: getattr(kc.layers, name)(**arguments, dtype=dtype), *inputs)


@pytest.mark.parametrize("cell", kc.layers.RECURRENT_LAYERS)
def test_recurrent_layers(cell):
    check_half_precision(lambda dtype: kc.layers.recurrent_layer(cell, 3, dtype=dtype), SEQUENCES)


@pytest.mark.parametrize("attention", [None, "additive", "luong_general"])
def test_decoders(attention):
    encoded = SEQUENCES if attention else VECTORS
    check_half_precision(
        lambda dtype: kc.layers.RecurrentDecoder(9, 4, attention=attention, dtype=dtype),
        IDS, encoded / 100,
    )  # fmt: skip


def test_response_normalisation_of_300_is_not_0():
    x = np.full((1, 1, 1, 5), 300.0)
    expected = 300 / (2 + 1e-4 * np.array([3, 4, 5, 4, 3]) * 300**2) ** 0.75
    found = kc.layers.LocalResponseNormalization(dtype="mixed_float16")(x)
    np.testing.assert_allclose(found[0, 0, 0], expected, rtol=2e-3)


@pytest.mark.parametrize(("dtype", "bias"), [("mixed_float16", -18.0), ("float32", -120.0)])
@pytest.mark.parametrize("training", [False, True])
def test_a_leaky_cell_whose_forget_gates_underflow_is_the_mean_of_its_neighbours(
    dtype, bias, training
):
    layer = kc.layers.MultiDimensionalLSTM(1, leaky=True, forget_bias=bias, dtype=dtype)
    grids = np.ones((1, 3, 4, 1))
    layer.build(grids.shape)
    kernel, recurrent, biases = layer.get_weights()
    # Input gates of one half, candidates of tanh(1), open output gates.
    biases[0, [0, 3, 4]] = 0, 1, 9
    layer.set_weights([0 * kernel, 0 * recurrent, biases])
    cells = np.zeros((4, 5))
    for i, j in np.ndindex(3, 4):
        cells[i + 1, j + 1] = 0.5 * np.tanh(1) + 0.25 * (cells[i, j + 1] + cells[i + 1, j])
    found = ops.cast(layer(grids, training=training), "float32")[0, :, :, 0]
    np.testing.assert_allclose(found, np.tanh(cells[1:, 1:]), rtol=3e-3)


def test_a_dirac_filter_of_zeros_is_the_identity_in_float16():
    layer = kc.layers.DiracConv2D(4, kernel_initializer="zeros", dtype="mixed_float16")
    np.testing.assert_array_equal(layer(MAPS), MAPS.astype("float16"))


def test_a_dirac_filter_too_small_for_float16_keeps_its_direction():
    big, small = (
        kc.layers.DiracConv2D(4, alpha=0.0, beta=1.0, dtype="mixed_float16") for _ in range(2)
    )
    for layer in (big, small):
        layer.build(MAPS.shape)
    kernel, *scales = big.get_weights()
    small.set_weights([1e-6 * kernel, *scales])
    np.testing.assert_allclose(small(MAPS), big(MAPS), atol=2e-3)


def test_means_of_long_segments_do_not_overflow():
    steps, segments = np.full((1, 300, 2), 400.0), np.ones((1, 300), "int32")
    found = kc.layers.SegmentMean(dtype="mixed_float16")([steps, segments])
    np.testing.assert_allclose(found[:, 0], [[400.0, 400.0]], rtol=2e-3)


@pytest.mark.parametrize("attention", ["additive", "luong_dot"])
def test_a_decoder_keeps_its_own_policy_under_another(attention):
    keras.utils.set_random_seed(1)
    decoder = kc.layers.RecurrentDecoder(9, 4, attention=attention, dtype="float32")
    expected = decoder(IDS, SEQUENCES)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        found = decoder(IDS, SEQUENCES)
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_array_equal(found, expected)


def test_networks_that_were_built_answer_exactly():
    rng = np.random.default_rng(1)
    x = 3 * rng.normal(size=(80, 6))
    labels = (np.sum(x**2, axis=1) > 40).astype(int)
    # A thousand units, of which bfloat16 can count 256.
    table = rng.random(2048) < 0.5
    rows = 2.0 * (np.arange(2048)[:, None] >> np.arange(11)[::-1] & 1) - 1
    adding = kc.models.adding_automaton()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        said = ops.convert_to_numpy(kc.models.boolean_network(table)(rows))[:, 0]
        np.testing.assert_array_equal(said, np.where(table, 1, -1))
        model = kc.models.kernel_perceptron(x)
        assert kc.models.fit_kernel_perceptron(model, labels).converged
        np.testing.assert_array_equal(ops.convert_to_numpy(model(x))[:, 0] > 0, labels)
        symbols = rng.integers(4, size=(3, 50))
        sums = ops.convert_to_numpy(ops.argmax(kc.models.automaton(adding)(symbols), -1))
        np.testing.assert_array_equal(sums, [adding.run(row) for row in symbols])
        drawing = kc.models.rnn("one_to_many", outputs=2, input_size=2, units=3, mixture=2)
        assert drawing.output.dtype == "float32"
    finally:
        keras.config.set_dtype_policy("float32")
