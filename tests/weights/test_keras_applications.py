"""`load_keras_applications`: our logits become those of the other model, or nothing changes."""

import re

import keras
import numpy as np
import pytest

import keras_classics as kc
from support import undrawn

EXACT = {"conv_bias": True, "norm_epsilon": 1.001e-5}
EXACT_V2 = {"keras_v2_layout": True, "norm_epsilon": 1.001e-5}
# Ours, theirs, our arguments, side of the images.
TWINS = [
    ("vgg_d", "VGG16", {}, 32),
    ("resnet_50", "ResNet50", EXACT, 64),
    ("resnet_50_v2", "ResNet50V2", EXACT_V2, 64),
    ("densenet_121", "DenseNet121", {}, 64),
]
LARGE_TWINS = [
    ("vgg_e", "VGG19", {}, 32),
    ("resnet_101", "ResNet101", EXACT, 64),
    ("resnet_152", "ResNet152", EXACT, 64),
    ("resnet_101_v2", "ResNet101V2", EXACT_V2, 64),
    ("resnet_152_v2", "ResNet152V2", EXACT_V2, 64),
    ("densenet_169", "DenseNet169", {}, 64),
    ("densenet_201", "DenseNet201", {}, 64),
    ("inception_resnet_v2_released", "InceptionResNetV2", {}, 96),
]


@pytest.fixture(autouse=True)
def forget_models_between_tests():
    yield
    keras.utils.clear_session(free_memory=True)


def applications(name, size, **arguments):
    """A keras.applications model with every weight drawn, moving statistics too."""
    with undrawn():
        model = getattr(keras.applications, name)(
            weights=None, input_shape=(size, size, 3), classes=7, classifier_activation=None,
            **arguments,
        )  # fmt: skip
    draw = np.random.default_rng(0)
    for variable in model.weights:
        if variable.path.endswith(("gamma", "variance")):
            values = draw.uniform(0.5, 1.5, variable.shape)
        else:
            fan_in = max(1, np.prod(variable.shape[:-1]))
            values = draw.standard_normal(variable.shape, "float32") / np.sqrt(fan_in)
        variable.assign(values)
    return model


def ours(name, size, **arguments):
    with undrawn():
        return kc.create_model(
            name, input_shape=(size, size, 3), classes=7, classifier_activation=None, **arguments
        )


@pytest.mark.parametrize(
    ("name", "theirs", "arguments", "size"),
    [*TWINS, *(pytest.param(*twin, marks=pytest.mark.slow) for twin in LARGE_TWINS)],
)
def test_logits_are_those_of_keras_applications(name, theirs, arguments, size):
    # Layers that were built before must not shift the numbers in names.
    keras.layers.Conv2D(2, 1)
    reference, model = applications(theirs, size), ours(name, size, **arguments)
    kc.weights.load_keras_applications(model, reference)
    x = np.random.default_rng(1).normal(size=(2, size, size, 3)).astype("float32")
    expected = np.asarray(reference(x))
    assert np.linalg.norm(model(x) - expected) < 2e-5 * np.linalg.norm(expected)


def test_weights_come_from_a_file_too(tmp_path):
    reference, model = applications("VGG16", 32), ours("vgg_d", 32)
    reference.save_weights(tmp_path / "vgg16.weights.h5")
    kc.weights.load_keras_applications(model, tmp_path / "vgg16.weights.h5")
    for mine, other in zip(model.weights, reference.weights, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.fixture(scope="module")
def resnet_50():
    return applications("ResNet50", 64)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "surplus: conv1_conv/bias, "),
        ({"conv_bias": True, "norm_epsilon": 1e-3}, "stem_norm has epsilon=0.001 instead of"),
        ({"conv_bias": True, "stride_in": "3x3"}, r"stage2_block1_conv1 has strides=\(1, 1\)"),
        ({"conv_bias": True, "width": 0.5}, r"conv1_conv/kernel float32\[7, 7, 3, 64\] instead of"),
        ({"conv_bias": True, "repeats": (3, 4, 7, 3)}, "missing: conv4_block7_1_conv/kernel, "),
    ],
)
def test_what_does_not_fit_is_listed_and_nothing_changes(resnet_50, arguments, message):
    model = ours("resnet_50", 64, **arguments)
    before = [np.asarray(w) for w in model.weights]
    with pytest.raises(kc.InputError, match=message):
        kc.weights.load_keras_applications(model, resnet_50)
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "stem_norm|no foreign naming"),
        ({"stem": "pool_first"}, r"stage1_block3_conv2 has strides=\(1, 1\) instead of \(2, 2\)"),
    ],
)
def test_the_papers_layout_of_resnet_v2_is_refused(arguments, message):
    reference, model = applications("ResNet50V2", 64), ours("resnet_50_v2", 64, **arguments)
    with pytest.raises(kc.InputError, match=message):
        kc.weights.load_keras_applications(model, reference)


@pytest.mark.parametrize("name", ["ResNet50", "ResNet50V2"])
def test_the_remedy_is_true(name):
    model = getattr(kc.models, name)(weights=None, input_shape=(64, 64, 3), classes=7)
    twin = applications(name, 64)
    with pytest.raises(kc.InputError) as caught:
        kc.weights.load_keras_applications(model, twin)
    said = re.search(
        r"Build it with (.*), and with the source's classes and top", str(caught.value)
    )
    form = eval(f"dict({said[1]})")
    model = getattr(kc.models, name)(
        weights=None, input_shape=(64, 64, 3), classes=twin.output_shape[-1], **form
    )
    kc.weights.load_keras_applications(model, twin)


def test_a_model_without_a_twin_is_refused():
    with pytest.raises(kc.InputError, match="no foreign naming knows"):
        kc.weights.load_keras_applications(kc.models.LeNet5(), applications("VGG16", 32))
    with pytest.raises(kc.InputError, match="A file was given for the model 'lenet_5'"):
        kc.weights.load_keras_applications(kc.models.LeNet5(), "vgg16.weights.h5")
