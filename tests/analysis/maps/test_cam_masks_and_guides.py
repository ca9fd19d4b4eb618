"""Score-CAM beside a plain loop over masks; guided back-propagation beside the rule by hand."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_classics as kc
from analysis.maps.cam_networks import CLASSES, IMAGES, chained, network, redrawn


def score_cam_by_hand(model, image, target):
    """One mask after the other through `predict`."""
    look = keras.Model(model.input, model.get_layer("stage2_relu").output)
    maps = ops.convert_to_numpy(look(image[None]))[0]
    scores, used = [], []
    for k in range(maps.shape[-1]):
        mask = ops.image.resize(maps[..., k : k + 1], image.shape[:2], data_format="channels_last")
        mask = ops.convert_to_numpy(mask)
        if np.ptp(maps[..., k]) > 0:
            mask = (mask - mask.min()) / (mask.max() - mask.min())
            scores.append(model.predict((image * mask)[None], verbose=0)[0, target])
            used.append(k)
    weights = np.exp(np.array(scores) - max(scores))
    return np.maximum(maps[..., used] @ (weights / weights.sum()), 0)


def network_with_a_dead_map():
    model = network(head=None)
    *_, scale, shift, mean, variance = model.get_layer("stage2_norm").get_weights() * 1
    shift[2], scale[2] = -1.0, 0.0
    model.get_layer("stage2_norm").set_weights([scale, shift, mean, variance])
    return model


def test_score_cam_is_the_loop_over_masks_in_chunks_of_any_size():
    model = network_with_a_dead_map()
    images, classes = IMAGES[:2], [3, 1]
    expected = [score_cam_by_hand(model, *pair) for pair in zip(images, classes, strict=True)]
    for batch_size in (1, 6, 64):
        maps = kc.analysis.cam(
            model, images, method="score_cam", target=classes, size=None, batch_size=batch_size
        )
        np.testing.assert_allclose(maps, expected, atol=1e-5)


def test_score_cam_of_few_channels_takes_those_that_deviate_most():
    model = network_with_a_dead_map()
    settings = {"method": "score_cam", "size": None}
    whole, most, one = (
        kc.analysis.cam(model, IMAGES, channels=count, **settings) for count in (None, 7, 1)
    )
    np.testing.assert_allclose(most, whole, atol=1e-6)
    look = keras.Model(model.input, model.get_layer("stage2_relu").output)
    maps = ops.convert_to_numpy(look(IMAGES))
    for own, image in zip(one, maps, strict=True):
        np.testing.assert_allclose(own, image[..., image.std((0, 1)).argmax()], atol=1e-5)


def test_score_cam_of_a_layer_that_sees_nothing_is_zero():
    model = network(head=None)
    model.get_layer("stage2_norm").gamma.assign(np.zeros(8))
    assert not kc.analysis.cam(model, IMAGES, method="score_cam").any()


def test_guided_gradients_follow_the_rule_at_each_relu():
    # Convolutions of single pixels: every pixel is a small dense network of its own.
    image = keras.Input(IMAGES.shape[1:])
    x = layers.Conv2D(6, 1, activation="relu")(image)
    x = layers.Conv2D(5, 1)(x)
    x = layers.ReLU()(x)
    model = redrawn(keras.Model(image, layers.Conv2D(CLASSES, 1)(x)))
    k1, b1, k2, b2, k3, _ = model.get_weights()
    first = np.maximum(IMAGES @ k1[0, 0] + b1, 0)
    second = np.maximum(first @ k2[0, 0] + b2, 0)
    back = np.broadcast_to(k3[0, 0, :, 1], second.shape) / IMAGES[0, :, :, 0].size
    back = ((second > 0) * np.maximum(back, 0)) @ k2[0, 0].T
    back = ((first > 0) * np.maximum(back, 0)) @ k1[0, 0].T
    found = kc.analysis.guided_gradients(model, IMAGES, target=1)
    np.testing.assert_allclose(found, back, atol=1e-7)


RELUS = {
    "Activation": lambda: layers.Activation("relu"),
    "ReLU": lambda: layers.ReLU(),
    "operation": lambda: ops.relu,
    "ReLU in Activation": lambda: layers.Activation(layers.ReLU()),
    "fused": lambda: None,
}


@pytest.mark.parametrize("kind", RELUS)
def test_all_kinds_of_relu_are_guided_and_leaky_ones_are_not(kind):
    def model(relu):
        image = keras.Input(IMAGES.shape[1:])
        x = layers.Conv2D(6, 3, activation=None if relu else "relu")(image)
        x = relu(x) if relu else x
        return redrawn(keras.Model(image, chained(x, [layers.Flatten(), layers.Dense(CLASSES)])))

    found = kc.analysis.guided_gradients(model(RELUS[kind]()), IMAGES, target=0)
    plain = model(RELUS[kind]())
    kernel, bias, dense, _ = plain.get_weights()
    # The gradient of the maps is the same everywhere; guided, only its positive part passes.
    steered = np.maximum(dense[:, 0], 0)
    bounded = redrawn(model(layers.ReLU(max_value=1e9)))
    np.testing.assert_allclose(
        found, kc.analysis.guided_gradients(bounded, IMAGES, target=0), atol=1e-6
    )
    dense[:, 0] = steered
    bounded.set_weights([kernel, bias, dense, np.zeros(CLASSES)])
    np.testing.assert_allclose(
        found, kc.analysis.guided_gradients(bounded, IMAGES, target=0), atol=1e-6
    )
    with pytest.raises(kc.InputError, match="has no ReLU"):
        kc.analysis.guided_gradients(model(layers.LeakyReLU()), IMAGES)


def test_guided_grad_cam_is_the_map_times_the_guided_gradient():
    model = network("nested")
    maps = kc.analysis.cam(model, IMAGES, method="grad_cam", target=2)
    colours = kc.analysis.guided_gradients(model, IMAGES, target=2)
    assert colours.shape == IMAGES.shape
    found = kc.analysis.cam(model, IMAGES, method="guided_grad_cam", target=2)
    np.testing.assert_allclose(found, np.abs(colours * maps[..., None]).max(-1), rtol=1e-5)
    assert found.any()
