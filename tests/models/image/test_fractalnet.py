"""FractalNet: the counts of every depth, the recursion, its columns, and drop-path across joins."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.layers import FractalJoin

TINY = {"filters": (6, 8), "dropout": (0.0, 0.0), "input_shape": (8, 8, 3), "classes": 4}
PICTURES = np.random.default_rng(0).normal(size=(16, 8, 8, 3)).astype("float32")


def tiny(**arguments):
    """A small FractalNet whose moving statistics are not those of the start."""
    keras.utils.set_random_seed(1)
    model = kc.models.FractalNet20CIFAR(**TINY | arguments)
    draw = np.random.default_rng(2)
    model.set_weights(
        [
            draw.uniform(0.5, 1.5, weight.shape)
            if "variance" in weight.path
            else draw.normal(size=weight.shape) / np.sqrt(max(1, np.prod(weight.shape[:-1])))
            for weight in model.weights
        ]
    )
    return model


def joins(model):
    return [layer for layer in model.layers if isinstance(layer, FractalJoin)]


# Columns, parameters, millions of multiply-adds of the paper's study of depth (C100 head).
DEPTHS = [
    (1, 257_924, 4.6),
    (2, 846_612, 19.2),
    (3, 2_122_628, 53.8),
    (4, 4_773_300, 128.6),
    (5, 10_173_284, 283.6),
    (6, 21_071_892, 599.0),
]


@pytest.mark.parametrize(("columns", "parameters", "millions"), DEPTHS)
def test_counts_of_the_study_of_depth(columns, parameters, millions):
    filters = (16, 32, 64, 128, 128)
    model = kc.models.FractalNet20CIFAR(columns=columns, filters=filters, classes=100)
    assert kc.analysis.trainable_parameters(model) == parameters
    assert round(kc.analysis.multiply_adds(model) / 1e6, 1) == millions
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(convolutions) == 5 * (2**columns - 1)
    # In a block two columns or more meet wherever the second deepest has a layer.
    assert len(joins(model)) == (5 * 2 ** (columns - 2) if columns > 1 else 0)


@pytest.mark.parametrize(
    ("column", "parameters"), [(1, 3_962_084), (2, 9_456_292), (3, 20_444_708), (4, 42_421_540)]
)
def test_counts_of_single_columns(column, parameters):
    model = kc.models.FractalNet20CIFAR(columns=column, column=column, classes=100)
    assert kc.analysis.trainable_parameters(model) == parameters
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(convolutions) == 5 * 2 ** (column - 1)
    assert joins(model) == []


def test_count_for_a_hundred_classes():
    model = kc.models.FractalNet20CIFAR(classes=100)
    assert kc.analysis.trainable_parameters(model) == 33_760_484


def by_recursion(model, pictures, columns, pool_after_join):
    """The network's output by the paper's recursion, layer after layer."""

    def pool(x):
        return keras.ops.max_pool(x, 2, 2)

    def mean(tensors):
        return sum(tensors) / len(tensors)

    x = pictures
    for stage in (1, 2):
        used = dict.fromkeys(range(1, columns + 1), 0)

        def layer(z, column, stage=stage, used=used):
            used[column] += 1
            for kind in ("conv", "norm", "relu"):
                z = model.get_layer(f"stage{stage}_branch{column}_{kind}{used[column]}")(z)
            return z

        def fractal(z, first, layer=layer):
            if first == columns:
                return [layer(z, first)]
            halfway = mean(fractal(z, first + 1))
            return [*fractal(halfway, first + 1), layer(z, first)]

        ends = fractal(x, 1)
        assert used == {column: 2 ** (column - 1) for column in used}
        x = pool(mean(ends)) if pool_after_join else mean([pool(end) for end in ends])
    return model.get_layer("predictions")(keras.ops.mean(x, axis=(1, 2)))


@pytest.mark.parametrize("pool_after_join", [False, True])
@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_the_graph_is_the_papers_recursion(columns, pool_after_join):
    model = tiny(columns=columns, pool_after_join=pool_after_join)
    expected = by_recursion(model, PICTURES, columns, pool_after_join)
    np.testing.assert_allclose(model(PICTURES), expected, atol=1e-5)


@pytest.mark.parametrize("column", [1, 2, 3])
def test_a_column_is_a_plain_chain_with_the_networks_weights(column, tmp_path):
    model = tiny()
    x = PICTURES
    for stage in (1, 2):
        for index in range(1, 2 ** (column - 1) + 1):
            for kind in ("conv", "norm", "relu"):
                x = model.get_layer(f"stage{stage}_branch{column}_{kind}{index}")(x)
        x = keras.ops.max_pool(x, 2, 2)
    expected = model.get_layer("predictions")(keras.ops.mean(x, axis=(1, 2)))
    taken = kc.models.fractal_column(model, column)
    np.testing.assert_allclose(taken(PICTURES), expected, atol=1e-5)

    model.save_weights(tmp_path / "whole.weights.h5")
    built = kc.models.FractalNet20CIFAR(
        **TINY, column=column, weights=tmp_path / "whole.weights.h5"
    )
    np.testing.assert_array_equal(built(PICTURES), taken(PICTURES))
    assert built.name == f"fractalnet_20_cifar_column{column}"


def test_the_deepest_column_of_a_saved_network_shares_its_layers(tmp_path):
    model = tiny(columns=2)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    deepest = kc.models.fractal_column(loaded)
    np.testing.assert_array_equal(deepest(PICTURES), kc.models.fractal_column(model, 2)(PICTURES))
    assert deepest.get_layer("stage2_branch2_conv2") is loaded.get_layer("stage2_branch2_conv2")
    before = np.asarray(loaded(PICTURES))
    deepest.compile("sgd", "sparse_categorical_crossentropy")
    deepest.train_on_batch(PICTURES, np.arange(16) % 4)
    assert not np.allclose(loaded(PICTURES), before)


def traced(model):
    """A model of the draw and of every join's inputs and output."""
    layers = joins(model)
    draw = model.get_layer("stem_columns").output
    return keras.Model(model.input, [draw, [(join.input[1:], join.output) for join in layers]])


def test_global_drop_path_is_one_column_through_all_joins():
    model = tiny(global_drop_path=1.0, columns=3)
    draw, meetings = traced(model)(np.concatenate([PICTURES] * 4), training=True)
    draw = np.asarray(draw)
    assert set(draw) == {1, 2, 3}
    for join, (inputs, output) in zip(joins(model), meetings, strict=True):
        passed = 0
        for place, column in enumerate(join.columns):
            np.testing.assert_array_equal(
                np.asarray(output)[draw == column], np.asarray(inputs[place])[draw == column]
            )
            passed += np.sum(draw == column)
        assert passed > 0
    # All columns meet at the end of each block.
    assert [len(join.columns) for join in joins(model)] == [2, 3, 2, 3]


def test_local_drop_path_draws_anew_in_every_join_and_keeps_something():
    model = tiny(global_drop_path=0.0, drop_path=0.5, columns=2)
    draw, meetings = traced(model)(np.concatenate([PICTURES] * 16), training=True)
    assert not np.any(draw)
    chosen = []
    for inputs, output in meetings:
        output, (deep, shallow) = np.asarray(output), map(np.asarray, inputs)
        candidates = {"deep": deep, "shallow": shallow, "both": (deep + shallow) / 2}
        matches = [
            [name for name, value in candidates.items() if np.allclose(value[row], output[row])]
            for row in range(len(output))
        ]
        assert all(matches)
        chosen.append([names[0] for names in matches])
    assert {"deep", "shallow", "both"} == set(chosen[0]) == set(chosen[1])
    assert chosen[0] != chosen[1]


def test_inference_draws_nothing_and_training_does():
    model = tiny()
    np.testing.assert_array_equal(model(PICTURES), model(PICTURES))
    assert not np.allclose(model(PICTURES, training=True), model(PICTURES, training=True))
    still = tiny(drop_path=0.0, global_drop_path=0.0)
    np.testing.assert_array_equal(still(PICTURES, training=True), still(PICTURES, training=True))


def test_widening_by_1x1_leaves_all_3x3_convolutions_at_one_width():
    model = kc.models.FractalNet20CIFAR1x1()
    shapes = [layer.kernel.shape for layer in model.layers if hasattr(layer, "kernel")][:-1]
    assert all(rows == 1 or before == after for rows, _, before, after in shapes)
    assert [shape[2:] for shape in shapes if shape[0] == 1] == [
        (3, 64), (64, 128), (128, 256), (256, 512),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": 0}, "columns=0"),
        ({"widen": "5x5"}, "widen='5x5'.*'3x3', '1x1'"),
        ({"filters": (4, 4)}, "2 filters and 5 dropout rates"),
        ({"column": 4}, "column=4.*1, 2, 3"),
        ({"drop_path": 1.0}, "rate=1.0"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kc.models.FractalNet20CIFAR(**arguments)
