"""Johnson's networks: his table, any size of picture, and tiles."""

import keras
import numpy as np
import pytest

import keras_classics as kc

DRAW = np.random.default_rng(0)


def sizes(model, picture):
    """Height, width and channels of each layer's map of a picture."""
    outputs = {x.name: x.output for x in model.layers[1:]}
    found = keras.Model(model.input, outputs)(picture)
    return {name: tuple(x.shape[1:]) for name, x in found.items()}


@pytest.mark.parametrize("normalization, numbers", [("instance", 2), ("batch", 4)])
def test_the_style_network_is_the_papers_table(normalization, numbers):
    model = kc.models.style_network(normalization=normalization)
    kernels = 81 * 3 * 32 + 9 * 32 * 64 + 9 * 64 * 128 + 10 * 9 * 128 * 128
    kernels += 9 * 128 * 64 + 9 * 64 * 32 + 81 * 32 * 3
    widths = 32 + 64 + 128 + 10 * 128 + 64 + 32
    assert model.count_params() == kernels + widths + 3 + numbers * widths


def test_maps_are_the_papers_and_the_picture_keeps_its_size():
    model = kc.models.style_network(filters=1)
    found = sizes(model, np.zeros((1, 256, 256, 3), "float32"))
    assert found["border"] == (336, 336, 3)
    assert found["stage1_conv"][:2] == (336, 336) and found["stage3_conv"][:2] == (84, 84)
    ends = [found[f"stage3_block{n}_out"][0] for n in range(1, 6)]
    assert ends == [80, 76, 72, 68, 64]
    assert found["stage5_conv"][:2] == (256, 256) == found["styled"][:2]
    small = kc.models.style_network(filters=2, blocks=1)
    for size in ((16, 16), (17, 22), (9, 31)):
        picture = DRAW.uniform(0, 255, (1, *size, 3)).astype("float32")
        assert small(picture).shape == (1, *size, 3)


def test_maps_are_normalised_picture_by_picture_and_channel_by_channel():
    model = kc.models.style_network(filters=3, blocks=1)
    pictures = DRAW.uniform(0, 255, (2, 16, 20, 3)).astype("float32") * [[[[1]]], [[[0.3]]]]
    maps = keras.Model(model.input, model.get_layer("stage1_in").output)(pictures)
    maps = keras.ops.convert_to_numpy(maps)
    np.testing.assert_allclose(maps.mean(axis=(1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(maps.std(axis=(1, 2)), 1, atol=1e-3)
    bent = [x.name for x in model.layers if isinstance(x, keras.layers.ReLU)]
    # In a block between the convolutions, none after the sum.
    stages = [f"stage{number}_relu" for number in (1, 2, 3)]
    ends = ["stage4_relu", "stage5_relu"]
    assert bent == [*stages, "stage3_block1_conv1_relu", *ends]


def test_colours_are_those_about_the_means_of_imagenet():
    means = np.array([123.68, 116.779, 103.939], "float32")
    model = kc.models.style_network(filters=1, blocks=1)
    np.testing.assert_allclose(model.get_layer("centre")(means[None, None, None]), 0, atol=1e-4)
    plain = kc.models.super_resolution(4, normalization="none", filters=1, blocks=1)
    centred = plain.get_layer("centre")(means[None, None, None] + 150)
    np.testing.assert_allclose(centred, np.ones((1, 1, 1, 3)), atol=1e-5)
    # As far as tanh goes, of red down to -26, of blue to -46.
    layer = model.get_layer("picture_conv")
    for sign in (-1, 1):
        layer.set_weights([np.zeros(layer.kernel.shape), np.full(3, sign * 99.0)])
        made = model(np.zeros((1, 8, 8, 3), "float32"))[0, 0, 0]
        np.testing.assert_allclose(made, means + sign * 150, atol=1e-3)
        assert -47 < float(made[2]) < 274


@pytest.mark.parametrize("network", [kc.models.style_network, kc.models.super_resolution])
def test_each_pixel_four_times_leaves_no_chequered_pattern(network):
    options = dict(filters=2, blocks=1)
    grey = np.full((1, 48, 48, 3), 200, "float32")

    def pattern(enlarging):
        keras.utils.set_random_seed(1)
        # Statistics of training, with which an even picture stays one within its border.
        model = network(**options, enlarging=enlarging, normalization="batch")
        made = keras.ops.convert_to_numpy(model(grey))[0]
        middle = slice(len(made) // 2 - 4, len(made) // 2 + 4)
        return np.ptp(made[middle, middle], axis=(0, 1)).max()

    assert pattern("nearest") < 1e-2 < pattern("transposed")
    with pytest.raises(kc.InputError, match="'transposed', 'nearest'"):
        network(enlarging="bicubic")


@pytest.mark.parametrize("factor", [4, 8])
def test_super_resolution_is_the_papers_table(factor):
    model = kc.models.super_resolution(factor)
    steps = {4: 2, 8: 3}[factor]
    kernels = 2 * 81 * 3 * 64 + (8 + steps) * 9 * 64 * 64
    widths = 64 * (1 + 8 + steps)
    assert model.count_params() == kernels + widths + 3 + 4 * widths
    small = kc.models.super_resolution(factor, filters=2, blocks=1)
    assert small(np.zeros((1, 5, 7, 3), "float32")).shape == (1, 5 * factor, 7 * factor, 3)
    with pytest.raises(kc.InputError, match="4 or 8"):
        kc.models.super_resolution(5)


def test_a_residual_network_begins_at_the_bilinear_enlargement():
    model = kc.models.super_resolution(4, normalization="none", residual=True, filters=2, blocks=1)
    picture = DRAW.uniform(0, 255, (1, 6, 5, 3)).astype("float32")
    plain = keras.ops.image.resize(picture, (24, 20), "bilinear")
    np.testing.assert_allclose(model(picture), plain, atol=1e-3)
    assert not any("bn" in x.name for x in model.layers)
    model.get_layer("picture_conv").bias.assign([1.0, 0.0, -1.0])
    detail = 150 * np.tanh([1.0, 0.0, -1.0])
    np.testing.assert_allclose(
        model(picture) - plain, np.broadcast_to(detail, (1, 24, 20, 3)), atol=1e-3
    )


@pytest.mark.parametrize("factor", [4, 8])
def test_the_enlargement_of_any_size_is_keras_bilinear_one(factor):
    small = kc.models.super_resolution(
        factor, normalization="none", residual=True, filters=2, blocks=1
    )
    for height, width in ((1, 1), (1, 5), (7, 4)):
        picture = DRAW.uniform(0, 255, (2, height, width, 3)).astype("float32")
        plain = keras.ops.image.resize(picture, (factor * height, factor * width), "bilinear")
        np.testing.assert_allclose(small(picture), plain, atol=2e-3)


@pytest.mark.slow
def test_a_residual_network_is_exported_for_pictures_of_any_size(tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    model = kc.models.super_resolution(
        4, normalization="none", residual=True, filters=2, blocks=1, enlarging="nearest"
    )
    model.get_layer("picture_conv").bias.assign([0.1, 0.0, -0.1])
    kc.export.export_model(model, tmp_path / "saved")
    kc.export.export_model(model, tmp_path / "large.onnx", "onnx")
    saved = kc.export.load_saved_model(tmp_path / "saved")
    session = runtime.InferenceSession(str(tmp_path / "large.onnx"))
    for shape in ((1, 7, 5, 3), (2, 16, 9, 3)):
        picture = DRAW.uniform(0, 255, shape).astype("float32")
        wanted = keras.ops.convert_to_numpy(model(picture))
        (answer,) = session.run(None, {"picture": picture})
        for found in (np.asarray(saved.serve(picture)["picture_values"]), answer):
            np.testing.assert_allclose(found, wanted, atol=1e-2)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_makes_nearly_the_same_in_single(policy):
    """Of large values: what is summed over pixels must not overflow."""
    picture = np.full((1, 64, 64, 3), 255, "float32") * (DRAW.uniform(size=(1, 64, 64, 1)) > 0.5)
    keras.utils.set_random_seed(1)
    whole = kc.models.style_network(filters=2, blocks=1)
    keras.config.set_dtype_policy(policy)
    try:
        half = kc.models.style_network(filters=2, blocks=1)
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(whole.get_weights())
    found = keras.ops.convert_to_numpy(half(picture))
    assert found.dtype == "float32"
    assert np.abs(found - whole(picture)).mean() < {"mixed_float16": 1, "mixed_bfloat16": 4}[policy]


def test_tiles_are_the_whole():
    keras.utils.set_random_seed(1)
    model = kc.models.super_resolution(4, filters=3, blocks=1)
    picture = DRAW.integers(0, 256, (23, 30, 3)).astype("uint8")
    (whole,) = kc.models.transform_pictures(model, [picture])
    assert whole.shape == (92, 120, 3) and whole.dtype == "uint8"
    (tiled,) = kc.models.transform_pictures(model, [picture], tile=9, overlap=9)
    # Sums in another order may round to the next number.
    assert np.abs(tiled.astype(int) - whole).max() <= 1
    (apart,) = kc.models.transform_pictures(model, [picture], tile=9, overlap=0)
    assert np.abs(apart.astype(int) - whole).max() > 1


@pytest.mark.parametrize("tile, height, width", [(13, 71, 90), (16, 69, 74)])
def test_tiles_of_any_side_are_the_whole_of_a_network_with_strides(tile, height, width):
    keras.utils.set_random_seed(1)
    model = kc.models.style_network(filters=2, blocks=1, normalization="batch")
    picture = DRAW.integers(0, 256, (height, width, 3)).astype("uint8")
    (whole,) = kc.models.transform_pictures(model, [picture])
    (tiled,) = kc.models.transform_pictures(model, [picture], tile=tile, overlap=25)
    assert tiled.shape == whole.shape
    assert np.abs(tiled.astype(int) - whole).max() <= 1


def test_the_default_border_is_as_wide_as_the_default_networks_see():
    keras.utils.set_random_seed(1)
    model = kc.models.style_network(filters=1, normalization="batch")
    model.set_weights([2 * each for each in model.get_weights()])
    picture = DRAW.integers(0, 256, (24, 200, 3)).astype("uint8")
    (whole,) = kc.models.transform_pictures(model, [picture])
    (tiled,) = kc.models.transform_pictures(model, [picture], tile=60)
    assert np.abs(tiled.astype(int) - whole).max() <= 1
    (apart,) = kc.models.transform_pictures(model, [picture], tile=60, overlap=32)
    assert np.abs(apart.astype(int) - whole).max() > 1


def test_what_is_no_picture_or_makes_none_is_refused():
    model, picture = kc.models.style_network(filters=2, blocks=1), np.zeros((8, 8, 3), "float32")
    for given, told in (
        (picture[..., 0], r"shape \(8, 8\)"),
        (picture + np.nan, "nan to nan"),
        (picture + 256, "256 to 256"),
    ):
        with pytest.raises(kc.InputError, match=f"Picture 1 has .*{told}"):
            kc.models.transform_pictures(model, [picture, given])
    pooled = keras.layers.GlobalAveragePooling2D()(model.output)
    with pytest.raises(kc.InputError, match="style_network"):
        kc.models.transform_pictures(keras.Model(model.input, pooled), [picture])


def test_tiles_that_shrink_are_refused():
    image = keras.Input((None, None, 3))
    halved = keras.Model(image, keras.layers.AveragePooling2D(2)(image))
    picture = np.zeros((21, 22, 3), "uint8")
    with pytest.raises(kc.InputError, match="Leave tile out"):
        kc.models.transform_pictures(halved, [picture], tile=8)
    assert kc.models.transform_pictures(halved, [picture])[0].shape == (10, 11, 3)


def test_it_comes_back_from_a_file(tmp_path):
    model = kc.models.style_network(filters=2, blocks=1)
    model.save(tmp_path / "style.keras")
    twin = keras.saving.load_model(tmp_path / "style.keras")
    picture = DRAW.uniform(0, 255, (1, 12, 14, 3)).astype("float32")
    np.testing.assert_array_equal(twin(picture), model(picture))


def test_pictures_that_are_not_finite_are_not_written():
    model = kc.models.style_network(filters=1, blocks=1)
    picture, kept = np.full((8, 8, 3), 100, "uint8"), model.get_weights()
    model.set_weights([np.full_like(each, np.nan) for each in kept])
    with pytest.raises(kc.InputError, match="not finite"):
        kc.models.transform_pictures(model, [picture])
    model.set_weights(kept)
    assert kc.models.transform_pictures(model, [picture])[0].shape == (8, 8, 3)


def test_a_tile_of_which_nothing_is_made_is_refused():
    image = keras.Input((None, None, 3))
    nothing = keras.Model(image, image[:, :0, :0])
    with pytest.raises(kc.InputError, match="makes a picture of 0 x 0 of a tile.*Leave tile out"):
        kc.models.transform_pictures(nothing, [np.full((8, 8, 3), 9, "uint8")], tile=4, overlap=0)
