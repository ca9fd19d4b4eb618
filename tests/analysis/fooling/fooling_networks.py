"""A small classifier of pictures from 0 to 255 that needs no training, and all attacks on it."""

from functools import cache, partial

import keras
import numpy as np
from keras import layers

import keras_classics as kc

fooling = kc.analysis.fooling
CLASSES, SIDE, BOUNDS = 4, 6, (0, 255)


def pictures(count=24, seed=0):
    """Noisy copies of a picture of each class, and their classes."""
    draw = np.random.default_rng(seed)
    patterns = np.random.default_rng(7).uniform(60, 195, (CLASSES, SIDE, SIDE, 1))
    labels = np.arange(count, dtype="int32") % CLASSES
    images = patterns[labels] + draw.normal(0, 25, (count, SIDE, SIDE, 1))
    return np.clip(images, *BOUNDS).astype("float32"), labels


@cache
def network(form="functional", head="softmax", scale=1.0):
    """The same one for all who do not change it, so that it is compiled once."""
    return built(form, head, scale)


def built(form="functional", head="softmax", scale=1.0):
    """Random features and the least squares on them, preparation of pictures within."""
    images, labels = pictures(400, seed=1)
    draw = np.random.default_rng(2)
    inward, shift = draw.normal(0, 0.35, (SIDE * SIDE, 24)), draw.normal(0, 0.3, 24)
    hidden = np.tanh((images / 127.5 - 1).reshape(len(images), -1) @ inward + shift)
    wanted = 8 * (np.eye(CLASSES)[labels] - 0.25)
    grammar = hidden.T @ hidden + 0.5 * np.eye(24)
    outward = np.linalg.solve(grammar, hidden.T @ wanted)
    steps = [
        layers.Rescaling(1 / 127.5, offset=-1.0),
        layers.Flatten(),
        layers.Dense(24, "tanh"),
        layers.Dropout(0.5),
        layers.Dense(CLASSES, head, name="predictions"),
    ]
    image = keras.Input((SIDE, SIDE, 1), name="image")
    if form == "sequential":
        model = keras.Sequential([image, *steps])
    elif form == "nested":
        inner = keras.Input((SIDE, SIDE, 1))
        trunk = keras.Model(inner, chained(inner, steps[:3]), name="trunk")
        model = keras.Model(image, chained(image, [trunk, *steps[3:]]))
    else:
        model = keras.Model(image, chained(image, steps))
    model.set_weights([inward, shift, outward * scale, np.zeros(CLASSES)])
    return model


def chained(x, steps):
    for step in steps:
        x = step(x)
    return x


def linear(weights, bias=0.0, head=None):
    """Logits that are linear in pictures `(2, 2, 1)`: what attacks do to it is known by hand."""
    weights = np.asarray(weights, "float32")
    image = keras.Input((2, 2, 1))
    model = keras.Model(image, layers.Dense(weights.shape[1], head)(layers.Flatten()(image)))
    model.set_weights([weights, np.full(weights.shape[1], bias, "float32")])
    return model


def answers(model, images):
    return np.asarray(model.predict_on_batch(images)).argmax(axis=1)


# By name: the attack with settings that are quick, the norm of its perturbations, its size at
# which some images are fooled, and how many steps it makes.
L2, LINF = 60.0, 12.0
ATTACKS = {
    "fgsm": (fooling.fgsm, "linf", LINF),
    "fgsm_l2": (partial(fooling.fgsm, norm="l2"), "l2", L2),
    "fgsm_l1": (partial(fooling.fgsm, norm="l1"), "l1", 200.0),
    "bim": (fooling.bim, "linf", LINF),
    "pgd": (partial(fooling.pgd, steps=10, restarts=2), "linf", LINF),
    "pgd_l2": (partial(fooling.pgd, norm="l2", steps=10), "l2", L2),
    "mi_fgsm": (fooling.mi_fgsm, "linf", LINF),
    "least_likely": (fooling.least_likely, "linf", 4 * LINF),
    "deepfool": (fooling.deepfool, "l2", L2),
    "deepfool_linf": (partial(fooling.deepfool, norm="linf"), "linf", LINF),
    "carlini_wagner": (partial(fooling.carlini_wagner, steps=60, searches=6, learning_rate=0.03,
                               weight=0.1), "l2", L2),
    "lbfgs": (partial(fooling.lbfgs, bisections=1, iterations=8, limits=(1, 100)), "l2", L2),
    "lbfgs_smallest": (partial(fooling.lbfgs, c="smallest", bisections=1, iterations=8,
                               limits=(1, 100)), "l2", L2),
    "universal": (partial(fooling.universal, fooled=1.0, passes=2), "linf", 2 * LINF),
    "apgd": (partial(fooling.apgd, steps=15), "linf", LINF),
    "apgd_l2": (partial(fooling.apgd, steps=15, norm="l2", restarts=2), "l2", L2),
    "apgd_dlr": (partial(fooling.apgd, steps=15, loss="dlr"), "linf", LINF),
    "fab": (partial(fooling.fab, steps=10), "linf", LINF),
    "fab_l2": (partial(fooling.fab, steps=10, norm="l2"), "l2", L2),
    "square": (partial(fooling.square, queries=150), "linf", LINF),
    "square_l2": (partial(fooling.square, queries=150, norm="l2"), "l2", 2 * L2),
}  # fmt: skip


def results():
    """What every attack gives, to compare between backends."""
    model, (images, labels) = network("nested"), pictures(8)
    found = {"backend": np.asarray(keras.config.backend())}
    for name, (attack, _, size) in ATTACKS.items():
        found[name] = attack(model, images, labels, epsilon=size, bounds=BOUNDS)
    targeted = ATTACKS["pgd"][0]
    found["targeted"] = targeted(
        model, images, labels, epsilon=LINF, bounds=BOUNDS, targets=(labels + 1) % CLASSES
    )
    evaluation = fooling.auto_attack(
        model, images, labels, epsilon=LINF, bounds=BOUNDS, steps=8, queries=30
    )
    found["auto_attack"] = np.asarray([*evaluation.accuracy.values()])
    return found
