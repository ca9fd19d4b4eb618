"""Small trainings with everything a callback could disturb, and all that they leave behind."""

from __future__ import annotations

import random

import keras
import numpy as np
from keras import layers

import keras_classics as kc

WORDS = kc.data.Vocabulary(["one", "two", "three", "four", "five"])
SENTENCES = ["one two three", "five four"]


def classifier():
    """Convolutions, batch normalisation, dropout and softmax; its data has three classes."""
    image = keras.Input((12, 12, 3))
    x = layers.Conv2D(6, 3, padding="same", name="first")(image)
    x = layers.BatchNormalization()(x)
    x = layers.SpatialDropout2D(0.2)(layers.ReLU(name="first_relu")(x))
    x = layers.Conv2D(5, 3, strides=2, activation="relu", name="second")(x)
    x = layers.GlobalAveragePooling2D()(layers.Dropout(0.3)(x))
    model = keras.Model(image, layers.Dense(3, "softmax", name="predictions")(x))
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    draw = np.random.default_rng(0)
    return model, draw.normal(size=(24, 12, 12, 3)).astype("float32"), draw.integers(0, 3, 24)


def captioner():
    """A captioner with attention over a map of a network with normalisation and dropout."""
    image = keras.Input((12, 12, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, strides=3, padding="same")(image))
    encoder = keras.Model(image, layers.Dropout(0.2)(x))
    model = kc.models.captioner(encoder, len(WORDS), 6, attention="additive", dropout=0.2)
    return _compiled(model, "image", np.random.default_rng(0).normal(size=(24, 12, 12, 3)))


def translator():
    """A bidirectional translator with attention."""
    model = kc.models.translator(
        len(WORDS), len(WORDS), units=6, attention="additive", bidirectional=True, dropout=0.2
    )
    return _compiled(model, "source", np.random.default_rng(1).integers(4, len(WORDS), (24, 6)))


def _compiled(model, name, source):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=WORDS.PAD)
    model.compile(keras.optimizers.Adam(0.01), loss)
    tokens = np.random.default_rng(0).integers(4, len(WORDS), (24, 5))
    kind = "int32" if name == "source" else "float32"
    return model, {name: source.astype(kind), "target_in": tokens}, tokens


def train(make, callbacks=(), epochs=2, **arguments):
    """Train for six steps; returns the model."""
    keras.utils.set_random_seed(5)
    model, x, y = make()
    model.fit(x, y, batch_size=8, epochs=epochs, verbose=0, callbacks=list(callbacks), **arguments)
    return model


def left_behind(model):
    """All numbers a training leaves: of the model, its optimizer and every random generator."""
    drawn = keras.random.uniform((3,))
    variables = [*model.variables, *model.optimizer.variables]
    everything = {
        # Not by their names, which Keras numbers through.
        **{f"{_kind(each)} {number}": each for number, each in enumerate(variables)},
        "metric": model.get_metrics_result()["loss"],
        "Keras draws": drawn,
    }
    if keras.config.backend() == "torch":
        gradients = [each.value.grad for each in model.trainable_variables]
        everything |= {f"gradient {number}": each for number, each in enumerate(gradients)}
        everything["mode"] = model.training
    everything = {name: keras.ops.convert_to_numpy(value) for name, value in everything.items()}
    return {**everything, "Python draws": random.random(), "NumPy draws": np.random.random()}


def _kind(variable):
    return "seed" if "seed" in variable.path else "variable"


def check_same(make, *callbacks, **arguments):
    """Training with the callbacks leaves, bit for bit, what it leaves without."""
    alone = left_behind(train(make, **arguments))
    model = train(make, callbacks, **arguments)
    seen = left_behind(model)
    assert any(name.startswith("seed") for name in alone), "nothing is drawn"
    assert list(seen) == list(alone)
    for name, value in alone.items():
        np.testing.assert_array_equal(seen[name], value, err_msg=name)
    return model


def classifier_callbacks(folder, **arguments):
    """One of each kind, for two pictures."""
    _, images, labels = classifier()
    known = (images[:2], folder, labels[:2], ["cat", "dog", "owl"])
    return [
        kc.callbacks.GradCAM(*known, **arguments),
        kc.callbacks.Gradients(*known, **arguments),
        kc.callbacks.Activations(images[:2], folder, **arguments),
    ]


def caption_callback(folder, **arguments):
    """For two pictures."""
    _, inputs, _ = captioner()
    references = ["one two", "three"]
    return kc.callbacks.Attention(
        inputs["image"][:2], folder, WORDS, references=references, max_words=4, **arguments
    )


def translation_callback(folder, **arguments):
    """For two sentences."""
    return kc.callbacks.Attention(
        SENTENCES, folder, WORDS, source_vocabulary=WORDS, max_words=4, **arguments
    )


def check_last_page(model, folder):
    """The last page is of the weights that training ends with, and has all that stands on it."""
    from PIL import Image

    from keras_classics.analysis.drawing.pages import map_pairs, tiles
    from keras_classics.callbacks import classifier_pictures

    _, images, labels = classifier()
    maps = kc.analysis.cam(model, images[:2])
    found = kc.analysis.class_probabilities(model, images[:2])
    expected = tiles(
        map_pairs(images[:2], kc.analysis.normalized(maps)),
        classifier_pictures.titles(found, labels[:2], ["cat", "dog", "owl"]),
        inks=classifier_pictures.inks(found, labels[:2]),
        columns=4,
        heading="Evidence for the answer (grad_cam), step 6",
    )
    page = np.asarray(Image.open(folder / "grad-cam-step-0000006.png"))
    assert page.shape == expected.shape
    # Maps of a batch and of a fresh compilation may round otherwise.
    assert np.mean(page == expected) > 0.99
    assert abs(page.astype(int) - expected).max() <= 8


def check_classifier(folder):
    """Training with all callbacks of a classifier, beside one without; their pages."""
    model = check_same(classifier, *classifier_callbacks(folder, every_steps=2))
    check_last_page(model, folder)
    kinds = ("activations", "grad-cam", "gradients")
    expected = [f"{kind}-step-000000{n}.png" for kind in kinds for n in (2, 4, 6)]
    assert sorted(path.name for path in folder.iterdir()) == expected
