"""Packed networks: what the network says, and its signs to the last one."""

import json

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from keras_classics.compression import packed_layer, packed_signs
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


def called_twice():
    """A nested model in the place of three, each behind another."""
    x = keras.Input((6, 6, 12))
    same = keras.Sequential(
        [keras.Input((6, 6, 12)), layers.BatchNormalization(), layers.LeakyReLU(),
         BinaryConv2D(12, input_scale=False, name="inside"), layers.Conv2D(12, 1)]
    )  # fmt: skip
    y = layers.add([same(same(x)), same(layers.ReLU()(x))])
    return keras.Model(x, BinaryConv2D(3, input_scale=False)(y))


def pooled_for_two():
    x = keras.Input((8, 8, 6))
    pooled = layers.MaxPooling2D(2)(BinaryConv2D(6)(x))
    y = BinaryConv2D(6)(layers.BatchNormalization()(pooled))
    return keras.Model(x, layers.add([y, pooled]))


def towers():
    """Two models of one builder, whose layers have equal names."""

    def tower():
        x = keras.Input((9,))
        y = layers.Dense(5, name="hidden")(x)
        return keras.Model(x, BinaryDense(4, input_scale=False, name="signs")(y))

    x = keras.Input((9,))
    return keras.Model(x, layers.add([tower()(x), tower()(x)]))


NETWORKS = {
    "towers": towers,
    "another axis": lambda: keras.Sequential(
        [keras.Input((6, 5, 7)), layers.BatchNormalization(axis=1),
         BinaryConv2D(4, input_scale=False)]
    ),
    "pooled for two": pooled_for_two,
    "nested": lambda: keras.Sequential(
        [keras.Input((8, 8, 12)), layers.BatchNormalization(), inner(),
         layers.BatchNormalization(), BinaryConv2D(9, input_scale=False)]
    ),
    "called twice": called_twice,
    # What bits and comparisons cannot be of: windows that end outside, pooled rows and channels,
    # numbers that are rounded to eight bits. Before a layer that takes signs, and one that does not.
    "rounded up": lambda: keras.Sequential(
        [keras.Input((8, 8, 5)), BinaryConv2D(7), PaddedMaxPooling2D(3, 2, ceil_mode=True),
         layers.BatchNormalization(), BinaryConv2D(6, input_scale=False),
         PaddedMaxPooling2D(3, 2, ceil_mode=True), layers.BatchNormalization(),
         BinaryConv2D(4, 1, input_scale=False)]
    ),
    "channels first": lambda: keras.Sequential(
        [keras.Input((8, 8, 12)), BinaryConv2D(16),
         layers.MaxPooling2D(2, data_format="channels_first"), layers.BatchNormalization(),
         BinaryConv2D(12, input_scale=False),
         layers.MaxPooling2D(2, data_format="channels_first"), layers.BatchNormalization(),
         BinaryConv2D(4, 1, input_scale=False)]
    ),
    "normalised in half precision": lambda: keras.Sequential(
        [keras.Input((6, 6, 5), dtype="bfloat16"), BinaryConv2D(7, input_scale=False),
         layers.BatchNormalization(dtype="bfloat16"), BinaryConv2D(6, input_scale=False),
         layers.BatchNormalization(dtype="bfloat16"), BinaryConv2D(4)]
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


def test_numbers_at_the_very_threshold_are_the_networks_where_two_layers_take_their_signs():
    x = keras.Input((4, 4, 16))
    norm = layers.BatchNormalization()
    y = norm(x)
    read = [BinaryConv2D(3, 1, input_scale=False, use_bias=False)(y) for _ in range(2)]
    model = drawn(keras.Model(x, read))
    norm.beta.assign(np.zeros(16))
    # What the normalisation makes 0, another order of the same arithmetic makes 1e-8 or -1e-8.
    maps = np.broadcast_to(norm.moving_mean.numpy(), (1, 4, 4, 16))
    for found, expected in zip(
        kc.compression.pack(model)(maps), model(maps, training=False), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_a_normalisation_behind_two_poolings_rounds_as_the_network_where_signs_are_taken():
    x = keras.Input((8, 8, 6))
    y = layers.MaxPooling2D(2)(layers.BatchNormalization(name="norm")(layers.MaxPooling2D(2)(x)))
    model = drawn(keras.Model(x, BinaryConv2D(3, 1, input_scale=False)(y)))
    norm = model.get_layer("norm")
    norm.beta.assign(np.zeros(6))
    maps = np.broadcast_to(norm.moving_mean.numpy(), (1, 8, 8, 6))
    packed = kc.compression.pack(model)
    assert not any(isinstance(step, Normalize) for step in packed.steps)
    np.testing.assert_array_equal(packed(maps), model(maps, training=False))


def test_parts_that_threads_share_are_the_whole(monkeypatch):
    monkeypatch.setattr(packed_signs, "_WORDS_OF_A_THREAD", 1)
    monkeypatch.setattr(packed_layer, "_NUMBERS_OF_A_THREAD", 1)
    shares, parted = set(), packed_signs.in_parts

    def in_parts(work, count, threads):
        shares.add(threads)
        parted(work, count, threads)

    for module in (packed_signs, packed_layer):
        monkeypatch.setattr(module, "in_parts", in_parts)
    model = drawn(
        keras.Sequential(
            [keras.Input((5, 4, 70)), BinaryConv2D(100), layers.BatchNormalization(),
             BinaryConv2D(90, 3, padding=0, input_scale=False),
             layers.Flatten(), BinaryDense(200, input_scale=False)]
        )
    )  # fmt: skip
    # Of one picture the last layers have fewer windows than blocks of outputs.
    for rows in (1, 2):
        x = np.random.default_rng(1).normal(size=(rows, 5, 4, 70)).astype("float32")
        packed = kc.compression.pack(model, engine=ENGINE)
        shares.clear()
        alone = packed.predict(x, threads=1)
        assert shares <= {0, 1}
        np.testing.assert_array_equal(packed.predict(x, threads=3), alone)
        assert ENGINE == "numpy" or 3 in shares
        np.testing.assert_allclose(packed(x), model(x, training=False), rtol=1e-4, atol=1e-4)


def test_networks_in_half_precision_are_refused_and_the_remedy_works():
    def build():
        return keras.Sequential([keras.Input((9,)), BinaryDense(5), layers.Dense(2)])

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = drawn(build())
    finally:
        keras.config.set_dtype_policy(before)
    with pytest.raises(InputError, match="computes in bfloat16.*twin.set_weights"):
        kc.compression.pack(model)
    twin = build()
    twin.set_weights(model.get_weights())
    x = np.ones((2, 9), "float32")
    np.testing.assert_allclose(kc.compression.pack(twin)(x), twin.predict(x, verbose=0), rtol=1e-5)


def test_outputs_within_outputs_are_refused_and_the_remedy_works():
    x = keras.Input((9,))
    y = BinaryDense(5)(x)
    model = keras.Model(x, {"a": [y, x]})
    with pytest.raises(InputError, match="lists or dicts of others.*keras.tree.flatten"):
        kc.compression.pack(model)
    flat = keras.Model(model.input, keras.tree.flatten(model.output))
    assert len(kc.compression.pack(flat)(np.ones((2, 9)))) == 2


def test_a_layer_that_is_called_twice_is_counted_and_written_once(tmp_path):
    model = drawn(NETWORKS["shared"]())
    packed = kc.compression.pack(model)
    packed.save(tmp_path / "a.npz")
    again = kc.compression.load_packed(tmp_path / "a.npz")
    for each in (packed, again):
        assert list(each.sizes()["layer"]).count(model.layers[1].name) == 1
    with np.load(tmp_path / "a.npz") as arrays:
        assert sum(name.endswith("kernel") for name in arrays) == 1


def test_thresholds_are_in_the_sizes():
    packed = kc.compression.pack(NETWORKS["dense"]())
    # Of 30 inputs float32, of 70 products int64, and two words of turns for each 64 of both.
    expected = 4 * 30 + 8 * 70 + 8 * 2 * (1 + 2)
    assert packed.sizes().set_index("layer").loc["thresholds", "packed"] == expected


def test_rows_of_several_lengths_and_inputs_of_several_rows_are_refused():
    packed = kc.compression.pack(drawn(NETWORKS["several"]()))
    one, six = np.ones((1, 9)), np.ones((6, 9))
    with pytest.raises(InputError, match="Inputs of 6 and 1 rows"):
        packed.predict([six, one])
    single = kc.compression.pack(NETWORKS["dense"]())
    for wrong in ([[1.0] * 30, [1.0]], np.full((2, 30), "a")):
        with pytest.raises(InputError, match="no array of numbers"):
            single.predict(wrong)


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
        ("1.least", lambda a: a + 2**40),
        ("2.kernel", lambda a: np.concatenate([a, a], axis=2)),
        ("0.thresholds", lambda a: a[None]),
        ("1.scales", lambda a: a * np.nan),
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


@pytest.mark.parametrize(
    "change",
    [
        # Signs to a layer that is scaled by its inputs, to a model, and numbers to thresholds.
        lambda steps: steps[1]["config"]["config"].update(input_scale=True),
        lambda steps: steps[2]["config"]["config"].update(input_scale=True),
        lambda steps: steps[3].update(inputs=[steps[0]["output"]]),
        lambda steps: steps[1].update(input=0),
        lambda steps: steps[2].update(like=0),
        # A step that writes over what another has made.
        lambda steps: (steps[2].update(output=0), steps[3].update(inputs=[0])),
    ],
)
def test_steps_that_take_what_others_do_not_give_are_refused(tmp_path, change):
    kc.compression.pack(NETWORKS["dense"]()).save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as arrays:
        changed = dict(arrays)
    program = json.loads(changed["program"].tobytes())
    assert [step["kind"] for step in program["steps"]] == [
        "compare", "multiply", "multiply", "stretch",
    ]  # fmt: skip
    change(program["steps"])
    changed["program"] = np.frombuffer(json.dumps(program).encode(), "uint8")
    np.savez(tmp_path / "a.npz", **changed)
    with pytest.raises(InputError, match="a complete file of a packed network"):
        kc.compression.load_packed(tmp_path / "a.npz")


def test_an_empty_batch_is_answered_and_a_lambda_is_not_written(tmp_path):
    model = keras.Sequential(
        [keras.Input((6, 6, 3)), layers.BatchNormalization(), BinaryConv2D(4),
         layers.Lambda(lambda x: x + 1), layers.GlobalAveragePooling2D()]
    )  # fmt: skip
    packed = kc.compression.pack(model)
    assert packed.predict(np.zeros((0, 6, 6, 3))).shape == (0, 4)
    with pytest.raises(InputError, match="is a Lambda.*register_keras_serializable"):
        packed.save(tmp_path / "a.npz")
    assert not list(tmp_path.iterdir())


def test_without_numba_numpy_computes(monkeypatch):
    monkeypatch.setattr(packed_signs.importlib.util, "find_spec", lambda name: None)
    assert packed_signs.best_engine() == "numpy"


@pytest.mark.parametrize(
    "change",
    [
        lambda program: program["inputs"][0].__setitem__(2, "nonsense"),
        lambda program: program.update(output_names=["one", "another"]),
        lambda program: program.update(output_names="a"),
        lambda program: program["steps"][1]["config"]["config"].update(dilation_rate=[10**6] * 2),
        lambda program: program["steps"][1]["config"]["config"].update(padding=10**6),
        lambda program: program["steps"][0].update(
            pooling=[[2, 2], [2, 2], [1, 1], [[10**6, 0], [0, 0]]]
        ),
    ],
)
def test_programs_that_would_fail_or_take_all_memory_are_refused(tmp_path, change):
    image = keras.Input((6, 6, 3))
    x = kc.layers.BinaryConv2D(4, 3, input_scale=False)(image)
    kc.compression.pack(keras.Model(image, x)).save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as arrays:
        changed = dict(arrays)
    program = json.loads(changed["program"].tobytes())
    change(program)
    changed["program"] = np.frombuffer(json.dumps(program).encode(), "uint8")
    np.savez(tmp_path / "a.npz", **changed)
    with pytest.raises(InputError, match="a complete file of a packed network"):
        kc.compression.load_packed(tmp_path / "a.npz")


def test_what_is_no_number_has_no_sign():
    image = keras.Input((6, 6, 3))
    model = keras.Model(image, kc.layers.BinaryConv2D(4, 3, input_scale=False)(image))
    with pytest.raises(InputError, match="NaN.*Leave the examples out"):
        kc.compression.pack(model).predict(np.full((1, 6, 6, 3), np.nan))
    model.layers[-1].kernel.assign(np.full((3, 3, 3, 4), np.nan))
    with pytest.raises(InputError, match="kernel are not all finite"):
        kc.compression.pack(model)


def test_a_binary_layer_within_another_is_named_and_the_remedy_works():
    image = keras.Input((5, 8))
    wrapped = layers.TimeDistributed(BinaryDense(4, name="signs"))(image)
    with pytest.raises(InputError, match="'signs' is within another layer.*takes sequences"):
        kc.compression.pack(keras.Model(image, wrapped))
    kc.compression.pack(keras.Model(image, BinaryDense(4)(image)))


@pytest.mark.parametrize("layer", [layers.ReLU, layers.LeakyReLU])
def test_rectifiers_never_fall(layer):
    """Keras refuses those that would, and signs behind them would not be one comparison."""
    with pytest.raises(ValueError, match="negative"):
        layer(negative_slope=-0.1)
