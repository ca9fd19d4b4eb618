"""ResNet and VGG: strides, shortcuts, twins, and keras.applications with the same weights."""

import keras
import numpy as np
import pytest

import keras_classics as kc


def test_stride_in_moves_multiply_adds_not_parameters():
    first, second = kc.models.ResNet50(), kc.models.ResNet50(stride_in="3x3")
    assert first.count_params() == second.count_params()
    assert kc.analysis.multiply_adds(second) == 4_089_184_256


@pytest.mark.parametrize(
    ("name", "arguments", "parameters"),
    [
        ("resnet_34", {"shortcut": "A"}, 21_623_848),
        ("resnet_20_cifar", {"shortcut": "B"}, 272_474),
        ("resnet_110_cifar", {"shortcut": "B"}, 1_730_714),
        ("resnet_50", {"conv_bias": True}, 25_583_592),
        ("resnet_101", {"conv_bias": True}, 44_601_832),
        ("vgg_d", {"batch_norm": True}, 138_365_992),
        ("vgg_e", {"batch_norm": True}, 143_678_248),
    ],
)
def test_options_change_the_count_as_computed(name, arguments, parameters):
    model = kc.create_model(name, **arguments)
    assert kc.analysis.trainable_parameters(model) == parameters


def test_option_a_keeps_every_second_pixel_and_appends_zeros():
    x = np.arange(2 * 5 * 5 * 3, dtype="float32").reshape(2, 5, 5, 3)
    y = np.asarray(kc.layers.ZeroPaddedShortcut(7, 2)(x))
    assert y.shape == (2, 3, 3, 7)
    np.testing.assert_array_equal(y[..., :3], x[:, ::2, ::2])
    assert not y[..., 3:].any()


def test_a_block_whose_branch_is_zero_passes_its_input():
    model = kc.models.ResNet20CIFAR(repeats=(2,), include_top=False)
    model.get_layer("stage1_block2_norm2").gamma.assign(np.zeros(16))
    # "out" is the rectified sum, and the input of the block was already rectified.
    inside = keras.Model(
        model.input,
        [model.get_layer("stage1_block1_out").output, model.get_layer("stage1_out").output],
    )
    before, after = inside(np.random.default_rng(0).normal(size=(1, 32, 32, 3)))
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(("ours", "theirs"), [("vgg_d", "VGG16"), ("vgg_e", "VGG19")])
def test_vgg_equals_keras_applications(ours, theirs):
    reference = getattr(keras.applications, theirs)(
        weights=None, include_top=False, input_shape=(64, 64, 3)
    )
    model = kc.create_model(ours, include_top=False, input_shape=(64, 64, 3))
    model.set_weights(reference.get_weights())
    x = np.random.default_rng(0).normal(size=(2, 64, 64, 3)).astype("float32")
    np.testing.assert_allclose(model(x), reference(x), rtol=1e-4, atol=1e-6)


def test_resnet_50_equals_keras_applications():
    reference = keras.applications.ResNet50(weights=None, include_top=False)
    model = kc.models.ResNet50(include_top=False, conv_bias=True, norm_epsilon=1.001e-5)
    stages = {f"conv{stage + 1}": f"stage{stage}" for stage in range(1, 5)}
    draw = np.random.default_rng(0)
    moved = 0
    for layer in reference.layers:
        if not layer.weights:
            continue
        values = [
            draw.uniform(0.5, 1.5, w.shape) if w.ndim == 1 and w.name in ("gamma", "moving_variance")
            else draw.normal(size=w.shape) / np.sqrt(max(1, np.prod(w.shape[:-1])))
            for w in layer.weights
        ]  # fmt: skip
        layer.set_weights(values)
        head, *rest = layer.name.split("_")
        if head == "conv1":
            name = {"conv": "stem_conv", "bn": "stem_norm"}[rest[0]]
        else:
            stage, block = stages[head], rest[0].removeprefix("block")
            kind = {"conv": "conv", "bn": "norm"}[rest[2]]
            inner = f"shortcut_{kind}" if rest[1] == "0" else f"{kind}{rest[1]}"
            name = f"{stage}_block{block}_{inner}"
        model.get_layer(name).set_weights(values)
        moved += 1
    assert moved == sum(1 for layer in model.layers if layer.weights)
    x = draw.normal(size=(2, 64, 64, 3)).astype("float32")
    expected = np.asarray(reference(x))
    assert np.linalg.norm(model(x) - expected) < 1e-4 * np.linalg.norm(expected)
