"""Inception-v4 and Inception-ResNet: widths of the mended figures, order of kernels, residuals."""

import keras
import numpy as np
import pytest

import keras_classics as kc

ONE_EACH = {"repeats": (1, 1, 1), "include_top": False, "input_shape": (299, 299, 3)}


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("inception_v4", (384, 1024, 1536)),
        ("inception_resnet_v1", (256, 896, 1792)),
        ("inception_resnet_v2", (384, 1152, 2144)),
        ("inception_resnet_v2_released", (320, 1088, 2080)),
    ],
)
def test_stages_have_the_papers_sizes_and_channels(name, channels):
    model = kc.create_model(name, **ONE_EACH)
    outs = [model.get_layer(f"stage{stage}_out").output.shape[1:] for stage in (1, 2, 3)]
    assert outs == [(side, side, c) for side, c in zip((35, 17, 8), channels, strict=True)]


def test_the_stem_of_v4_has_its_count():
    model = kc.models.InceptionV4(**ONE_EACH)
    stem = [layer for layer in model.layers if layer.name.startswith("stem")]
    weights = [weight for layer in stem for weight in layer.trainable_weights]
    assert sum(np.prod(weight.shape) for weight in weights) == 605_728


def test_released_order_turns_three_pairs_of_kernels_and_no_count():
    paper, released = (
        kc.models.InceptionV4(repeats=(1, 1, 1), width=0.1, order=order)
        for order in ("paper", "released")
    )
    assert paper.count_params() == released.count_params()
    assert kc.analysis.multiply_adds(paper) == kc.analysis.multiply_adds(released)
    turned = {
        layer.name
        for layer in paper.layers
        if isinstance(layer, keras.layers.Conv2D)
        and layer.kernel_size != released.get_layer(layer.name).kernel_size
    }
    assert turned == {
        "stem_block2_branch2_conv2", "stem_block2_branch2_conv3",
        *(f"stage2_block2_branch3_conv{depth}" for depth in (2, 3, 4, 5)),
        "stage3_block2_branch3_conv2", "stage3_block2_branch3_conv3",
    }  # fmt: skip
    assert paper.get_layer("stage2_block2_branch3_conv2").kernel_size == (1, 7)


def test_a_scale_of_zero_passes_the_input():
    model = kc.models.InceptionResNetV1(
        repeats=(2, 1, 1), scales=(0, 0, 0), width=0.1, input_shape=(75, 75, 3), include_top=False
    )
    inside = keras.Model(
        model.input, [model.get_layer("stem_relu7").output, model.get_layer("stage1_out").output]
    )
    before, after = inside(np.random.default_rng(0).normal(size=(1, 75, 75, 3)))
    np.testing.assert_array_equal(before, after)


def test_a_block_adds_its_scaled_linear_map():
    model = kc.models.InceptionResNetV2(repeats=(1, 1, 1), width=0.1, input_shape=(75, 75, 3))
    tensors = [
        model.get_layer(name).output
        for name in ("stage2_block1_out", "stage2_block2_conv", "stage2_out")
    ]
    x = np.random.default_rng(0).normal(size=(1, 75, 75, 3))
    before, linear, after = map(np.asarray, keras.Model(model.input, tensors)(x))
    np.testing.assert_allclose(after, np.maximum(before + 0.1 * linear, 0), atol=1e-5)
    assert linear.min() < 0


def test_the_extra_block_of_released_code_is_not_rectified():
    plain, extra = (
        kc.models.InceptionResNetV1(repeats=(1, 1, 1), extra_block=added) for added in (False, True)
    )
    added = kc.analysis.trainable_parameters(extra) - kc.analysis.trainable_parameters(plain)
    # 1792 to 192 twice, 1x3 and 3x1 with their normalisations, and back with a bias.
    assert added == 2 * 1792 * 192 + 2 * 3 * 192 * 192 + 4 * 2 * 192 + 384 * 1792 + 1792
    assert isinstance(plain.get_layer("stage3_out"), keras.layers.ReLU)
    assert isinstance(extra.get_layer("stage3_out"), keras.layers.Add)


def test_another_order_is_refused():
    with pytest.raises(ValueError, match="order='timm'.*'paper', 'released'"):
        kc.models.InceptionV4(order="timm")


def test_the_papers_network_says_who_calls_another_one_so(capsys):
    remedy = "Build InceptionResNetV2Released for what keras.applications"
    model = kc.models.InceptionResNetV2(
        weights=None, repeats=(1, 1, 1), width=0.1, input_shape=(75, 75, 3), include_top=False
    )
    foreign = keras.Sequential([keras.Input((3,))])
    for load in (
        lambda: kc.models.InceptionResNetV2(weights="imagenet"),
        lambda: kc.create_model("inceptionresnetv2", pretrained=True),
        lambda: kc.weights.preprocess(np.ones((1, 75, 75, 3)), "InceptionResNetV2"),
        lambda: kc.weights.decode_predictions(np.ones((1, 1000)), "InceptionResNetV2"),
        lambda: kc.weights.load_keras_applications(model, foreign),
        lambda: kc.weights.load_torch(model, {"conv2d_1a.conv.weight": np.ones((1, 1, 1, 1))}),
    ):
        with pytest.raises(kc.InputError, match=remedy):
            load()
    assert remedy in kc.card("InceptionResNetV2").namesake
    assert "keras.applications" in kc.models.InceptionResNetV2Released.__doc__.splitlines()[0]
    assert "released" in kc.models.InceptionResNetV2.__doc__.splitlines()[0]
    for typed in (["list", "inception*"], ["card", "inception_resnet_v2"]):
        kc.cli.main(typed)
        assert remedy in " ".join(capsys.readouterr().out.split())
    kc.cli.main(["list", "lenet*"])
    assert "Released" not in capsys.readouterr().out
