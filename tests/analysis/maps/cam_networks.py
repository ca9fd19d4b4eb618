"""A small network in every form a user may have it in, and its maps on whichever backend is set."""

import keras
import numpy as np
from keras import layers

import keras_classics as kc

IMAGES = np.random.default_rng(1).normal(size=(5, 12, 10, 3)).astype("float32")
CLASSES = 4
FORMS = ("functional", "nested", "sequential", "nested_sequential")


def stages():
    return [
        layers.Conv2D(6, 3, padding="same", activation="relu", name="stage1_conv"),
        layers.MaxPooling2D(name="stage1_pool"),
        layers.Conv2D(8, 3, padding="same", name="stage2_conv"),
        layers.BatchNormalization(name="stage2_norm"),
        layers.ReLU(name="stage2_relu"),
    ]


def network(form="functional", head="softmax", classes=CLASSES):
    """The same function in each form: convolutions, normalisation, pooling and a classifier."""
    tail = [
        layers.Dropout(0.5, seed=3, name="head_dropout"),
        layers.GlobalAveragePooling2D(name="head_pool"),
        layers.Dense(classes, activation=head, name="predictions"),
    ]
    image = keras.Input(IMAGES.shape[1:], name="image")
    if form == "sequential":
        model = keras.Sequential([image, *stages(), *tail])
    elif form == "functional":
        model = keras.Model(image, chained(image, [*stages(), *tail]))
    elif form == "nested":
        inner = keras.Input(IMAGES.shape[1:])
        backbone = keras.Model(inner, chained(inner, stages()), name="backbone")
        model = keras.Model(image, chained(image, [backbone, *tail]))
    else:
        backbone = keras.Sequential([keras.Input(IMAGES.shape[1:]), *stages()], name="backbone")
        classifier = keras.Sequential(tail, name="classifier")
        model = keras.Sequential([image, backbone, classifier])
    return redrawn(model)


def chained(x, steps):
    for step in steps:
        x = step(x)
    return x


def redrawn(model, seed=0):
    """The model with other weights, of a size at which maps differ from class to class."""
    draw = np.random.default_rng(seed)
    for weight in model.weights:
        values = draw.normal(0, 0.4, weight.shape)
        # Variances and scales are positive.
        weight.assign(
            np.abs(values) + 0.5 if weight.name in ("moving_variance", "gamma") else values
        )
    return model


def maps_of_every_method():
    """NumPy arrays by name, to compare between backends; `moved` after other weights."""
    found = {"backend": np.asarray(keras.config.backend())}
    model = network("nested_sequential")
    for method in kc.analysis.MAP_METHODS:
        # Batches of unequal size, but where there are thousands of images.
        size = 3 if method in kc.analysis.CAM_METHODS else 200
        found[method] = kc.analysis.map_explainer(model, method, batch_size=size)(IMAGES)
    found["guided"] = kc.analysis.guided_gradients(model, IMAGES, target=1)
    explainer = kc.analysis.CAM(model, layer=["stage1_conv", "backbone"], size=None)
    found["early"], found["late"] = explainer(IMAGES, target=[0, 1, 2, 3, 0])
    redrawn(model, seed=5)
    found["moved"] = explainer(IMAGES, target=2)[1]
    return found
