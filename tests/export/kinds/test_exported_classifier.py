"""Shipped classifiers give probabilities of classes, whatever the model ends in and takes."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc

NAMES = ["circle", "square", "star", "tree"]
# From logits to the output, and from logits to probabilities by hand.
ENDS = {
    "softmax": (layers.Softmax, lambda z: np.exp(z) / np.exp(z).sum(-1, keepdims=True)),
    "logits": (layers.Identity, lambda z: np.exp(z) / np.exp(z).sum(-1, keepdims=True)),
    "sigmoids": (lambda: layers.Activation("sigmoid"), lambda z: 1 / (1 + np.exp(-z))),
    "percent": (
        lambda: keras.Sequential([layers.Softmax(), layers.Rescaling(100.0)]),
        lambda z: np.exp(z) / np.exp(z).sum(-1, keepdims=True),
    ),
    "one sigmoid": (
        lambda: layers.Activation("sigmoid"),
        lambda z: np.concatenate([1 / (1 + np.exp(z)), 1 / (1 + np.exp(-z))], -1),
    ),
}


def preparation(crops=1):
    return kc.data.Preparation(
        size=8,
        channels=3,
        flat=False,
        resize=8,
        augmentation=(),
        normalization=kc.training.step("range"),
        test_crops=crops,
        arrays={"shift": np.float32(0), "gain": np.float32(1 / 255)},
    )


def networks(end):
    """A classifier, and the same without its end."""
    image = keras.Input((8, 8, 3))
    units = 1 if end == "one sigmoid" else 4
    z = layers.Dense(units)(layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3)(image)))
    return keras.Model(image, ENDS[end][0]()(z)), keras.Model(image, z)


@pytest.mark.parametrize("end", ENDS)
def test_probabilities_come_out_whatever_the_model_ends_in(end, tmp_path):
    import tensorflow as tf

    model, logits = networks(end)
    names = NAMES[:2] if end == "one sigmoid" else NAMES
    kc.export.export_classifier(model, preparation(), names, tmp_path / "m", best=2)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), "uint8")
    shipped = tf.saved_model.load(str(tmp_path / "m"))
    said = shipped.serve(pictures)
    prepared = preparation().views(pictures)[:, 0]
    expected = ENDS[end][1](logits.predict(np.asarray(prepared), verbose=0))
    np.testing.assert_allclose(said["all_probabilities"], expected, rtol=1e-4)
    best = np.argsort(-expected, axis=1)[:, :2]
    assert [[x.decode() for x in row] for row in said["classes"].numpy()] == [
        [names[n] for n in row] for row in best
    ]
    found = kc.data.predict_classes(model, preparation(), list(pictures))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_names_are_counted_by_classes_and_unreadable_ends_are_refused(tmp_path):
    with pytest.raises(kc.InputError, match="3 names were given for 2 classes"):
        kc.export.export_classifier(
            networks("one sigmoid")[0], preparation(), NAMES[:3], tmp_path / "m"
        )
    model, _ = networks("softmax")
    clipped = keras.Model(model.inputs, keras.ops.clip(model.outputs[0], 0.1, 1))
    with pytest.raises(kc.InputError, match="of type Clip"):
        kc.export.export_classifier(clipped, preparation(), NAMES, tmp_path / "m")
    assert not (tmp_path / "m").exists()
