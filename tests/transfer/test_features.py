"""`features`: every level of every family, on built models and on files."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.transfer.features import levels_of
from models.image.test_families import SMALL, pictures, small

MAPS = [name for name in SMALL if len(kc.card(name).input_shape) == 3]
# Layers of the levels of the networks at their native size; widths do not matter here.
LEVELS = {
    "resnet_50": {f"P{n}": f"stage{n - 1}_out" for n in (2, 3, 4, 5)} | {"P1": "stem_relu"},
    "resnet_50_v2": {f"P{n}": f"stage{n - 1}_out" for n in (2, 3, 4, 5)},
    "densenet_121": {f"P{n}": f"stage{n - 1}_out" for n in (2, 3, 4, 5)},
    "vgg_d": {
        "P1": "stage2_relu2", "P2": "stage3_relu3", "P3": "stage4_relu3", "P4": "stage5_relu3",
        "P5": "stage5_out",
    },
    "googlenet": {"P2": "stem_lrn2", "P3": "stage1_out", "P4": "stage2_out", "P5": "stage3_out"},
    "inception_v4": {
        "P2": "stem_block2_out", "P3": "stage1_out", "P4": "stage2_out", "P5": "stage3_out",
    },
    "squeezenet_1_0": {"P2": "stage1_out", "P3": "stage2_out", "P4": "stage3_out"},
    "alexnet": {"P2": "stage1_lrn", "P3": "stage2_lrn", "P4": "stage3_relu3", "P5": "stage3_out"},
}  # fmt: skip
SIDES = {
    "resnet_50": (112, 56, 28, 14, 7), "resnet_50_v2": (112, 56, 28, 14, 7),
    "densenet_121": (112, 56, 28, 14, 7), "vgg_d": (112, 56, 28, 14, 7),
    "googlenet": (112, 56, 28, 14, 7), "inception_v4": (147, 71, 35, 17, 8),
    "squeezenet_1_0": (109, 54, 27, 13), "alexnet": (None, 55, 27, 13, 6),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def forget_models():
    yield
    keras.utils.clear_session(free_memory=True)


def thin(name):
    return kc.create_model(name, **({} if "squeeze" in name else {"width": 0.1}))


@pytest.mark.parametrize("name", LEVELS)
def test_levels_at_native_size_are_the_layers_and_sides_known(name):
    found = levels_of(thin(name))
    assert {level: found[level].name for level in LEVELS[name]} == LEVELS[name]
    for number, side in enumerate(SIDES[name], start=1):
        assert (f"P{number}" in found) == (side is not None)
        assert side is None or found[f"P{number}"].tensor.shape[1:3] == (side, side)


@pytest.mark.parametrize("name", ["resnet_50", "densenet_121", "inception_v4", "googlenet"])
def test_full_models_without_size_have_the_same_levels(name):
    model = kc.create_model(name, include_top=False, width=0.1)
    assert model.input_shape[1:3] == (None, None)
    found = levels_of(model)
    assert {level: found[level].name for level in LEVELS[name]} == LEVELS[name]


@pytest.mark.parametrize("name", MAPS)
def test_levels_of_every_family_are_the_same_in_the_file(name, tmp_path):
    model = small(name)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    ours, theirs = levels_of(model), levels_of(loaded)
    assert len(ours) >= 2 or min(model.input_shape[1:3]) < 8
    assert [(*x[:1], *x[2:]) for x in ours.values()] == [(*x[:1], *x[2:]) for x in theirs.values()]
    if name in ("resnet_18", "googlenet", "squeezenet_1_1"):
        x = pictures(model, count=1)
        ours, theirs = (kc.transfer.features(m, tuple(ours))(x) for m in (model, loaded))
        for level in ours:
            np.testing.assert_array_equal(ours[level], theirs[level])


@pytest.mark.parametrize("name", [name for name in SMALL if name not in MAPS])
def test_networks_without_maps_say_so(name):
    with pytest.raises(kc.InputError, match="none: it has no feature maps"):
        kc.transfer.features(small(name), "P3")


@pytest.mark.parametrize("name", ["resnet_18", "vgg_c", "googlenet_bn", "densenet_40_k12_cifar"])
def test_a_step_in_a_level_is_its_stride_in_pixels(name):
    # Moving the picture by the stride moves the map by one, away from its edges.
    model = kc.create_model(
        name, include_top=False, input_shape=(None, None, 3), **({"width": 0.1})
    )
    found = levels_of(model)
    level = "P3" if "P3" in found else "P2"
    stride = found[level].stride
    assert stride == 2 ** int(level[1])
    maps = kc.transfer.features(model, (level,))
    x = np.random.default_rng(0).normal(size=(1, 200 + stride, 200 + stride, 3)).astype("float32")
    one, other = (
        np.asarray(maps(part)[level]) for part in (x[:, :200, :200], x[:, stride:, stride:])
    )
    inner = slice(200 // stride // 2 - 1, 200 // stride // 2 + 1)
    moved = slice(inner.start + 1, inner.stop + 1)
    np.testing.assert_allclose(one[:, moved, moved], other[:, inner, inner], atol=1e-4)


@pytest.mark.parametrize("size", [(33, 65), (224, 224), (97, 113)])
def test_sides_are_the_picture_s_over_the_stride_rounded_up_or_down(size):
    model = kc.models.SqueezeNet1_1(include_top=False, input_shape=(*size, 3))
    for level, point in levels_of(model).items():
        for pixels, side in zip(size, point.tensor.shape[1:3], strict=True):
            # Valid convolutions take an edge off besides.
            assert pixels // point.stride - 1 <= side <= -(-pixels // point.stride), level


def test_layer_names_count_as_levels_and_weights_are_shared():
    model = small("resnet_18")
    maps = kc.transfer.features(model, ("stem_norm", "P3"))
    assert list(maps.output) == ["stem_norm", "P3"]
    assert maps.get_layer("stem_conv") is model.get_layer("stem_conv")


def test_missing_levels_are_refused_with_those_there_are():
    with pytest.raises(kc.InputError, match="has no 'P5', 'neck'.*P0, P1, P2, P3"):
        kc.transfer.features(small("resnet_18"), ("P3", "P5", "neck"))
    with pytest.raises(kc.InputError, match="no graph of layers"):
        kc.transfer.features(keras.Sequential([keras.layers.Dense(2)]))


def test_inlined_shared_and_nested_networks_have_levels_too():
    image = keras.Input((64, 64, 3), dtype="uint8")
    scaled = keras.layers.Rescaling(1 / 255)(image)
    inlined = kc.models.ResNet18(input_tensor=scaled, width=0.1, include_top=False)
    assert levels_of(inlined)["P5"].name == "stage4_out"

    from keras_classics.core.cards.image_builder import inline

    trunk = kc.models.ResNet18(include_top=False, width=0.1, input_shape=(64, 64, 3))
    other = keras.Input((96, 96, 3))
    shared = keras.Model(other, inline(trunk, other))
    assert levels_of(shared)["P4"].tensor.shape[1:3] == (6, 6)
    assert levels_of(trunk)["P4"].tensor.shape[1:3] == (4, 4)

    image = keras.Input((64, 64, 3))
    nested = keras.Model(image, keras.layers.Conv2D(2, 1, name="neck")(trunk(image)))
    assert levels_of(nested)["P5"].name == "neck"


def test_a_picture_enlarged_inside_halves_the_strides():
    model = kc.models.RoadAlexNet(input_shape=(64, 96, 3), width=0.1, scale=2.0)
    found = levels_of(model)
    assert found["P3"].tensor.shape[1:3] == (8, 12)


def test_calls_of_a_layer_that_is_called_again_are_told_apart():
    image = keras.Input((8, 8, 3))
    conv = keras.layers.Conv2D(3, 3, padding="same", name="conv")
    model = keras.Model(image, keras.layers.GlobalMaxPooling2D()(conv(conv(image))))
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    found = kc.transfer.features(model, ["conv(0)", "conv(1)"])(x)
    np.testing.assert_allclose(found["conv(0)"], conv(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["conv(1)"], conv(conv(x)), rtol=1e-5, atol=1e-6)
    with pytest.raises(
        kc.InputError, match=r"no 'conv'\. .*Did you mean 'conv\(0\)' or 'conv\(1\)'"
    ):
        kc.transfer.features(model, "conv")
    kc.transfer.freeze(model, "conv")
    assert not conv.trainable
