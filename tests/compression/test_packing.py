"""Packed networks: what the network says, and its signs to the last one."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from keras_classics.compression import packed_signs
from keras_classics.compression.packed_model import Compare, Multiply, Normalize, Stretch
from keras_classics.core.errors import InputError
from keras_classics.layers import BinaryConv2D, BinaryDense
from keras_classics.layers.image.pooling import PaddedMaxPooling2D

ENGINE = packed_signs.best_engine()


def drawn(model, seed=0):
    """A model with weights as after a training: gains of both signs, and some that are 0."""
    draw = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            drawn(layer, seed)
        for weight in layer.weights:
            values = draw.normal(size=weight.shape)
            if weight.name == "moving_variance":
                values = draw.uniform(0.5, 2, weight.shape)
            if weight.name == "gamma":
                values *= draw.integers(0, 6, weight.shape) > 0
            weight.assign(values * (5 if weight.name == "moving_mean" else 1))
    return model


def network(draw):
    """Two binary convolutions and what may stand between, of sizes and kinds that are drawn."""

    def convolution(filters):
        kind = draw.integers(4)
        return BinaryConv2D(
            filters,
            tuple(int(side) for side in draw.integers(1, 4, 2)),
            int(draw.integers(1, 3)) if kind != 3 else 1,
            [None, "same", "valid", int(draw.integers(0, 3))][draw.integers(4)],
            dilation_rate=int(draw.integers(1, 3)) if kind == 3 else 1,
            use_bias=bool(draw.integers(2)),
            activation=[None, "relu"][draw.integers(2)],
            input_scale=False,
        )

    sides = (int(side) for side in draw.integers(7, 15, 2))
    inputs = keras.Input((*sides, int(draw.integers(1, 140))))
    x = layers.BatchNormalization()(inputs) if draw.integers(2) else inputs
    x = convolution(int(draw.integers(1, 140)))(x)
    between = [
        lambda: layers.BatchNormalization(scale=bool(draw.integers(2))),
        lambda: layers.ReLU(negative_slope=0.1),
        lambda: layers.Activation("hard_tanh"),
        lambda: layers.Dropout(0.5),
    ]
    for _ in range(draw.integers(3)):
        x = between[draw.integers(len(between))]()(x)
    pooling = draw.integers(4)
    if pooling == 1 and min(x.shape[1:3]) > 1:
        x = layers.MaxPooling2D(2, 1 + int(draw.integers(2)))(x)
    elif pooling == 2:
        x = layers.MaxPooling2D(3, 2, "same")(x)
    elif pooling == 3:
        x = PaddedMaxPooling2D(3, 2, 1)(x)
    x = layers.BatchNormalization()(x)
    # Never smaller than its kernel.
    outputs = BinaryConv2D(int(draw.integers(1, 70)), 3, input_scale=False)(x)
    return drawn(keras.Model(inputs, outputs), int(draw.integers(1000)))


@pytest.mark.parametrize("seed", range(5))
def test_signs_are_the_networks_on_hundreds_of_shapes(seed):
    draw = np.random.default_rng(seed)
    for number in range(20):
        model = network(draw)
        x = draw.normal(size=(2, *model.input_shape[1:])).astype("float32")
        packed = kc.compression.pack(model, engine="numpy" if number == 0 else ENGINE)
        # One sign that differs would change a whole number in the second product.
        np.testing.assert_array_equal(packed(x), model(x, training=False))


def test_between_layers_without_scales_there_are_bits_only():
    model = kc.models.XNORAlexNet(
        weights=None, input_shape=(63, 63, 3), classes=5, width=0.25, dense_units=70,
        input_scale=False,
    )  # fmt: skip
    drawn(model)
    packed = kc.compression.pack(model)
    kinds = [type(step) for step in packed.steps]
    assert kinds == [Stretch, Compare, *[Multiply] * 6, Stretch]
    assert [step.least is None for step in packed.steps[2:8]] == [*[False] * 5, True]
    x = np.random.default_rng(1).normal(size=(3, 63, 63, 3)).astype("float32")
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(packed.predict(x, batch_size=2, threads=2), expected, atol=1e-6)
    sizes = packed.sizes().set_index("layer")
    assert sizes.loc["head_conv2", "float32"] == 4 * 70 * 70
    assert sizes.loc["head_conv2", "packed"] == 8 * 70 * 2
    whole = sizes.loc["stage3_conv2"]
    assert whole["float32"] == 24 * whole["packed"]  # 96 channels are one and a half words


@pytest.mark.parametrize("build", [kc.models.XNORAlexNet, kc.models.BWNAlexNet])
def test_catalogue_models_answer_as_before_and_their_files_are_small(build, tmp_path):
    model = build(weights=None, input_shape=(63, 63, 3), classes=5, width=0.25, dense_units=64)
    drawn(model)
    x = np.random.default_rng(1).normal(size=(2, 63, 63, 3)).astype("float32")
    expected = model.predict(x, verbose=0)
    packed = kc.compression.pack(model)
    np.testing.assert_allclose(packed(x), expected, rtol=1e-4, atol=1e-5)
    packed.save(tmp_path / "a.npz")
    again = kc.compression.load_packed(tmp_path / "a.npz")
    np.testing.assert_array_equal(again(x), packed(x))
    rest = packed.sizes().set_index("layer")["packed"]
    # Beside the arrays the file has their headers and the description of the layers.
    assert (tmp_path / "a.npz").stat().st_size < rest.sum() + 60_000


def written(packed, folder):
    packed.save(folder / "a.npz")
    return folder / "a.npz"


def inner():
    x = keras.Input((8, 8, 12))
    y = layers.MaxPooling2D(2)(BinaryConv2D(20, input_scale=False, name="inside")(x))
    return keras.Model(x, y, name="inner")


def residual():
    x = keras.Input((6, 6, 12))
    y = layers.BatchNormalization()(x)
    z = BinaryConv2D(12, input_scale=False)(y)
    z = BinaryConv2D(12, input_scale=False)(layers.add([z, y]))
    return keras.Model(x, {"sum": z + y, "mean": layers.GlobalAveragePooling2D()(z)})


def shared():
    x = keras.Input((6, 6, 12))
    same = BinaryConv2D(12, input_scale=False)
    return keras.Model(x, same(layers.BatchNormalization()(same(x))))


def pooled_for_two():
    x = keras.Input((8, 8, 6))
    pooled = layers.MaxPooling2D(2)(BinaryConv2D(6)(x))
    y = BinaryConv2D(6)(layers.BatchNormalization()(pooled))
    return keras.Model(x, layers.add([y, pooled]))


NETWORKS = {
    "pooled for two": pooled_for_two,
    "nested": lambda: keras.Sequential(
        [keras.Input((8, 8, 12)), layers.BatchNormalization(), inner(),
         layers.BatchNormalization(), BinaryConv2D(9, input_scale=False)]
    ),
    "residual": residual,
    "shared": shared,
    "dense": lambda: keras.Sequential(
        [keras.Input((30,)), BinaryDense(70, input_scale=False), layers.BatchNormalization(),
         BinaryDense(10, input_scale=False), layers.Softmax()]
    ),
    "flattened": lambda: keras.Sequential(
        [keras.Input((6, 6, 5)), BinaryConv2D(7, input_scale=False), layers.MaxPooling2D(2),
         layers.BatchNormalization(), layers.Flatten(), BinaryDense(4)]
    ),
    "scaled": lambda: keras.Sequential(
        [keras.Input((9, 9, 5)), BinaryConv2D(7), layers.MaxPooling2D(3, 2),
         layers.BatchNormalization(), BinaryConv2D(6),
         kc.layers.PaddedMaxPooling2D(3, 2, 1), layers.BatchNormalization(scale=False),
         BinaryConv2D(6), layers.MaxPooling2D(2, padding="same"), layers.BatchNormalization(),
         layers.Flatten(), BinaryDense(4), layers.BatchNormalization(center=False)]
    ),
    "sequences": lambda: keras.Sequential(
        [keras.Input((5, 30)), BinaryDense(7, input_scale=False), BinaryDense(3)]
    ),
    "dense on maps": lambda: keras.Sequential(
        [keras.Input((2, 3, 30)), BinaryDense(7, input_scale=False),
         BinaryDense(3, input_scale=False)]
    ),
    "curved": lambda: keras.Sequential(
        [keras.Input((6, 6, 5)), BinaryConv2D(7, input_scale=False, activation="gelu"),
         layers.BatchNormalization(), BinaryConv2D(4, input_scale=False)]
    ),
    "several": lambda: (lambda a, b: keras.Model(
        [a, b], [BinaryDense(3)(a), BinaryDense(3, binarize="weights")(layers.add([a, b]))]
    ))(keras.Input((9,), name="a"), keras.Input((9,), name="b")),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_ones_own(name, tmp_path):
    model = drawn(NETWORKS[name]())
    draw = np.random.default_rng(1)
    x = [draw.normal(size=(3, *each.shape[1:])).astype("float32") for each in model.inputs]
    x = x if len(x) > 1 else x[0]
    expected = model.predict(x, verbose=0)
    packed = kc.compression.pack(model)
    packed.save(tmp_path / "a.npz")
    for each in (packed, kc.compression.load_packed(tmp_path / "a.npz")):
        found = each.predict(x, threads=1)
        keras.tree.map_structure(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), found, expected
        )


def test_the_nested_layer_is_packed():
    packed = kc.compression.pack(drawn(NETWORKS["nested"]()))
    assert [layer.layer.name for layer in packed.layers][0] == "inside"
    assert not any(isinstance(step, Stretch) for step in packed.steps)


def test_between_layers_with_scaled_inputs_the_backend_is_not_called():
    packed = kc.compression.pack(drawn(NETWORKS["scaled"]()))
    pooled = [step.pooling is not None for step in packed.steps if isinstance(step, Normalize)]
    # Flattened maps are the backend's.
    assert pooled == [True, True, False]
    assert sum(isinstance(step, Stretch) for step in packed.steps) == 1
    # Gain and shift of 7, 6 and 4 channels, and four vectors of the normalisation that is left.
    assert packed.sizes().set_index("layer").loc["all other layers", "weights"] == 2 * 17 + 4 * 6


@pytest.mark.parametrize(("name", "change"), [("1.gains", 1), ("1.shifts", 1), ("1.gains", 2)])
def test_normalisations_that_do_not_fit_are_refused(tmp_path, name, change):
    kc.compression.pack(NETWORKS["scaled"]()).save(tmp_path / "a.npz")
    arrays = dict(np.load(tmp_path / "a.npz"))
    arrays[name] = arrays[name][:-1] if change == 1 else arrays[name][None]
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match="a normalisation in it has no numbers"):
        kc.compression.load_packed(tmp_path / "a.npz")


def test_the_packed_model_does_not_follow_the_models_training():
    model = drawn(NETWORKS["flattened"]())
    packed = kc.compression.pack(model)
    x = np.ones((1, 6, 6, 5), "float32")
    before = packed(x)
    drawn(model, 1)
    np.testing.assert_array_equal(packed(x), before)


def test_a_model_without_binary_layers_is_refused():
    with pytest.raises(InputError, match="has no binary layer.*BinaryConv2D.*quantize"):
        kc.compression.pack(keras.Sequential([keras.Input((3,)), layers.Dense(2)]))


def test_inputs_of_another_shape_and_other_endings_are_refused(tmp_path):
    packed = kc.compression.pack(NETWORKS["dense"]())
    for wrong in (np.ones((2, 31)), np.ones(30)):
        with pytest.raises(InputError, match=r"of shape .* were given.*of shape \(any, 30\)"):
            packed.predict(wrong)
    with pytest.raises(InputError, match="a file ending in .npz"):
        packed.save(tmp_path / "a.keras")


def test_a_damaged_file_is_told_in_one_sentence_or_says_the_same(tmp_path):
    model = drawn(NETWORKS["flattened"]())
    packed = kc.compression.pack(model)
    packed.save(tmp_path / "a.npz")
    whole = (tmp_path / "a.npz").read_bytes()
    x = np.ones((1, 6, 6, 5), "float32")
    draw, refused = np.random.default_rng(0), 0
    for number in range(60):
        damaged = bytearray(whole)
        if number % 3:
            damaged[draw.integers(len(whole))] ^= 1 << int(draw.integers(8))
        else:
            damaged = damaged[: draw.integers(len(whole))]
        (tmp_path / "b.npz").write_bytes(damaged)
        try:
            found = kc.compression.load_packed(tmp_path / "b.npz")(x)
        except InputError as error:
            assert "\n" not in str(error)
            refused += 1
        else:
            np.testing.assert_array_equal(found, packed(x))
    assert refused > 40


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("1.kernel", lambda a: a[:, :, :, :-1]),
        ("1.kernel", lambda a: a.astype("int64")),
        ("1.scales", lambda a: a[:-1]),
        ("1.least", lambda a: a[:-1]),
        ("1.before", lambda a: a[:0]),
        ("2.kernel", lambda a: np.concatenate([a, a], axis=2)),
        ("0.thresholds", lambda a: a[None]),
    ],
)
def test_arrays_that_do_not_fit_are_refused_before_anything_is_computed(tmp_path, name, change):
    packed = kc.compression.pack(NETWORKS["dense"]())
    kc.compression.load_packed(written(packed, tmp_path))
    with np.load(tmp_path / "a.npz") as arrays:
        changed = dict(arrays)
    changed[name] = change(changed[name])
    np.savez(tmp_path / "a.npz", **changed)
    with pytest.raises(InputError, match="a complete file of a packed network"):
        kc.compression.load_packed(tmp_path / "a.npz")


def test_without_numba_numpy_computes(monkeypatch):
    monkeypatch.setattr(packed_signs.importlib.util, "find_spec", lambda name: None)
    assert packed_signs.best_engine() == "numpy"
