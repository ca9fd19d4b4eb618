"""Folding: fewer layers, the same function."""

import keras
import numpy as np
import pytest

import keras_classics as kc


def randomized(model):
    draw = np.random.default_rng(3)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([draw.uniform(0.5, 1.5, w.shape) for w in layer.weights])
        elif layer.weights:
            # Values that move every bias and scale away from its start, and stay of that size.
            layer.set_weights([w + 0.1 * draw.normal(size=w.shape) for w in layer.get_weights()])
    return model


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("diracnet_18", {"width": 0.125, "input_shape": (32, 32, 3), "units": (2, 2)}),
        ("diracnet_28_5_cifar", {"width": 0.1, "version": 1, "units": (2, 2, 2)}),
        ("vgg_a", {"width": 0.1, "dense_units": 16, "input_shape": (32, 32, 3),
                   "batch_norm": True}),
        ("resnet_20_cifar", {"repeats": (1, 1), "shortcut": "B"}),
        ("wide_resnet_16_8_cifar", {"width": 0.1, "units": 1}),
    ],
)  # fmt: skip
def test_folding_keeps_the_function(name, arguments, tmp_path):
    model = randomized(kc.create_model(name, classifier_activation=None, **arguments))
    folded = kc.export.fold(model)
    x = np.random.default_rng(0).normal(size=(3, *model.input_shape[1:])).astype("float32")
    expected = np.asarray(model(x))
    assert np.linalg.norm(folded(x) - expected) < 1e-5 * np.linalg.norm(expected)
    # The pictures' outputs differ by much more: an error would show.
    assert np.linalg.norm(expected[0] - expected[1]) > 1e-3 * np.linalg.norm(expected)
    folded.save(tmp_path / "folded.keras")
    loaded = keras.saving.load_model(tmp_path / "folded.keras")
    np.testing.assert_array_equal(loaded(x), folded(x))


@pytest.mark.parametrize(
    ("name", "parameters"), [("diracnet_18", 11_511_784), ("diracnet_34", 21_616_232)]
)
def test_a_folded_dirac_net_is_a_chain_of_plain_convolutions(name, parameters):
    folded = kc.export.fold(kc.create_model(name))
    assert folded.count_params() == parameters
    kinds = {type(layer).__name__ for layer in folded.layers if layer.weights}
    assert kinds == {"Conv2D", "Dense"}


def test_a_normalisation_before_a_convolution_stays():
    model = kc.models.WideResNet16_8CIFAR(width=0.1, units=1)
    names = {layer.name for layer in kc.export.fold(model).layers}
    # The first normalises a sum; the second normalises a convolution, and is gone.
    assert "stage2_block1_norm1" in names
    assert "stage2_block1_norm2" not in names


def test_a_convolution_read_twice_keeps_its_normalisation():
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(3, 3, padding="same", name="conv")(image)
    y = keras.layers.BatchNormalization(name="norm")(x)
    model = randomized(keras.Model(image, keras.layers.Add()([x, y])))
    folded = kc.export.fold(model)
    assert "norm" in {layer.name for layer in folded.layers}
    pictures = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    np.testing.assert_array_equal(folded(pictures), model(pictures))


def test_the_folded_model_has_its_own_weights():
    model = kc.models.DiracNet28_5CIFAR(width=0.05, units=(1, 1, 1))
    folded = kc.export.fold(model)
    before = folded.get_weights()
    model.set_weights([w + 1 for w in model.get_weights()])
    for old, new in zip(before, folded.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_convolution_called_twice_keeps_its_normalisation():
    image = keras.Input((8, 8, 3))
    conv = keras.layers.Conv2D(3, 3, padding="same", name="conv")
    x = keras.layers.BatchNormalization(name="norm")(conv(image))
    model = randomized(keras.Model(image, conv(x)))
    folded = kc.export.fold(model)
    assert "norm" in {layer.name for layer in folded.layers}
    pictures = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    np.testing.assert_array_equal(folded(pictures), model(pictures))


def test_layers_that_are_called_several_times_alike_are_folded_once():
    image = keras.Input((8, 8, 3), name="image")
    conv = keras.layers.Conv2D(3, 3, padding="same", name="conv")
    norm = keras.layers.BatchNormalization(name="norm")
    tall, wide = (norm(conv(each)) for each in (image, keras.layers.Permute((2, 1, 3))(image)))
    pictures = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    for outputs, gone in (([tall, wide], True), ([tall, wide, norm(image)], False)):
        model = randomized(keras.Model({"image": image}, outputs))
        folded = kc.export.fold(model)
        assert ("norm" not in {layer.name for layer in folded.layers}) == gone
        for one, other in zip(folded({"image": pictures}), model({"image": pictures}), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


def test_layers_that_also_stand_in_another_model_are_folded_where_they_stand():
    encoder = kc.models.ResNet20CIFAR(repeats=(1,), include_top=False, pooling="avg")
    randomized(encoder)
    image = keras.Input((32, 32, 3), name="image")
    model = keras.Model({"image": image}, encoder(image))
    inlined = kc.models.captioner(encoder, 9, 4)
    folded = kc.export.fold(kc.models.split_captioner(inlined)[0])
    pictures = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(folded(pictures), model({"image": pictures}), atol=1e-5)
    assert len(folded.layers) < len(encoder.layers)


@pytest.mark.parametrize("nested", [False, True])
def test_a_function_of_ones_own_stays_in_the_folded_model(nested):
    factor = np.float32(2.5)
    image = keras.Input((8, 8, 3))
    x = keras.layers.Lambda(lambda z: z * factor)(image)
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(x))
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    if nested:
        model = keras.Model(image, keras.layers.Dense(2)(model(image)))
    folded = kc.export.fold(model)
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(folded(x), model(x), rtol=1e-4, atol=1e-5)
    assert not {id(w) for w in folded.weights} & {id(w) for w in model.weights}
