"""ResNet v2 and Wide ResNet: identity shortcuts, strides, stems."""

import keras
import numpy as np
import pytest

import keras_classics as kc


def middle(model, *names):
    return keras.Model(model.input, [model.get_layer(name).output for name in names])


@pytest.mark.parametrize(
    ("name", "arguments", "last"),
    [
        ("resnet_50_v2", {"repeats": (2,)}, 3),
        ("resnet_164_v2_cifar", {"repeats": (2,)}, 3),
        ("wide_resnet_16_8_cifar", {"units": 2}, 2),
    ],
)
def test_a_unit_whose_branch_is_zero_passes_its_input_untouched(name, arguments, last):
    model = kc.create_model(name, include_top=False, input_shape=(32, 32, 3), **arguments)
    conv = model.get_layer(f"stage1_block2_conv{last}")
    conv.kernel.assign(np.zeros(conv.kernel.shape))
    pictures = np.random.default_rng(0).normal(size=(1, 32, 32, 3))
    before, after = middle(model, "stage1_block1_out", "stage1_out")(pictures)
    np.testing.assert_array_equal(before, after)
    # Unlike in the first version, where a rectifier stands behind the sum.
    assert np.min(before) < 0


def test_the_projection_reads_the_activation_it_shares_with_the_branch():
    model = kc.models.ResNet164V2CIFAR(repeats=(1,))
    shortcut = model.get_layer("stage1_block1_shortcut_conv")
    assert shortcut.input is model.get_layer("stage1_block1_relu1").output
    assert shortcut.input is model.get_layer("stage1_block1_conv1").input


def test_stride_in_and_stem_move_multiply_adds_not_parameters():
    model = kc.models.ResNet200V2(stride_in="1x1", stem="pool_first")
    assert kc.analysis.trainable_parameters(model) == kc.card("resnet_200_v2").parameters
    assert round(kc.analysis.multiply_adds(model) / 1e9, 3) == 14.776


def test_pool_first_leaves_activation_to_the_first_unit():
    model = kc.models.ResNet50V2(stem="pool_first", repeats=(1,))
    names = {layer.name for layer in model.layers}
    assert "stem_norm" not in names and "stage1_block1_norm1" in names
    # The pool sees negative values at the border: zeros would win there.
    assert isinstance(model.get_layer("stem_pool"), kc.layers.PaddedMaxPooling2D)
    names = {layer.name for layer in kc.models.ResNet50V2(repeats=(1,)).layers}
    assert "stem_norm" in names and "stage1_block1_norm1" not in names


@pytest.mark.parametrize(
    ("name", "trainable", "total"),
    [
        ("resnet_50_v2", 25_568_360, 25_613_800),
        pytest.param("resnet_101_v2", 44_577_896, 44_675_560, marks=pytest.mark.slow),
        pytest.param("resnet_152_v2", 60_236_904, 60_380_648, marks=pytest.mark.slow),
    ],
)
def test_keras_v2_layout_has_the_counts_of_keras_applications(name, trainable, total):
    model = kc.create_model(name, keras_v2_layout=True)
    assert (kc.analysis.trainable_parameters(model), model.count_params()) == (trainable, total)


def test_keras_v2_layout_strides_in_the_last_unit_of_all_but_the_last_stage():
    model = kc.models.ResNet50V2(keras_v2_layout=True, repeats=(2, 3, 2), width=0.125)
    convolutions = [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]
    assert [x.name for x in convolutions if x.strides == (2, 2)] == [
        "stem_conv", "stage1_block2_conv2", "stage2_block3_conv2",
    ]  # fmt: skip
    shortcuts = [layer.name for layer in model.layers if "shortcut" in layer.name]
    assert shortcuts == [
        "stage1_block1_shortcut_conv", "stage1_block2_shortcut_pool",
        "stage2_block1_shortcut_conv", "stage2_block3_shortcut_pool",
        "stage3_block1_shortcut_conv",
    ]  # fmt: skip


def test_keras_v2_layout_is_refused_where_keras_applications_has_no_twin():
    with pytest.raises(ValueError, match="keras_v2_layout=True was given to 'resnet_164_v2_cifar'"):
        kc.models.ResNet164V2CIFAR(keras_v2_layout=True)


def test_wide_resnet_for_100_classes_has_the_papers_count():
    model = kc.models.WideResNet28_10CIFAR(classes=100)
    assert kc.analysis.trainable_parameters(model) == 36_536_884


def test_dropout_stands_before_the_second_convolution_only():
    model = kc.models.WideResNet16_8CIFAR(dropout=0.3, width=0.125, units=1)
    dropouts = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert [layer.name for layer in dropouts] == [f"stage{s}_block1_dropout" for s in (1, 2, 3)]
    for layer in dropouts:
        conv = model.get_layer(layer.name.replace("dropout", "conv2"))
        assert conv.input is layer.output
