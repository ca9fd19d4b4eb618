"""Steps of feature inversion beside the loop that everybody writes with a tape."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import keras
import numpy as np
import pandas as pd

import keras_classics as kc
from benchmarks.measuring import CLOCKS, MEASURED, console, turns

TIMED = "lenet_5_modern:stage2_out,resnet_20_cifar:stage2_out"
RATE, MOMENTUM, SMOOTHNESS = 0.004, 0.9, 5.0


def inversion(
    *,
    layers: Annotated[str, "our names of models and their layers, with commas"] = TIMED,
    images: Annotated[int, "pictures that are looked for together"] = 8,
    steps: Annotated[int, "steps of a turn"] = 40,
    repeats: Annotated[int, "turns; the fastest counts"] = 3,
) -> pd.DataFrame:
    """Milliseconds of a step of feature inversion, beside a loop with `tf.GradientTape`.

    The objective is the same, of the paper, and so are the errors on the way; the loop neither
    keeps the pictures within bounds nor looks for a step that leads astray.
    """
    rows = []
    for pair in layers.split(","):
        name, layer = pair.split(":")
        model = kc.create_model(name, weights=None)
        shape = (images, *model.input_shape[1:])
        pictures = np.random.default_rng(0).normal(size=shape).astype("float32")
        inverter = kc.analysis.Inverter(
            model, layer, bounds=(-1e3, 1e3), steps=steps, rate=RATE, smoothness=SMOOTHNESS,
            alpha_weight=0,
        )  # fmt: skip
        features = keras.Model(model.input, model.get_layer(layer).output)
        contenders = {
            "ours": partial(inverter, pictures, mean=0),
            "peer": partial(by_the_loop, features, pictures, steps),
        }
        own, other = contenders["ours"]().history[..., 0], contenders["peer"]()
        console.print(f"{pair}: largest difference {np.abs(own[: len(other)] - other).max():.1g}")
        taken = turns(contenders, repeats) * 1e3 / steps
        for clock, note in CLOCKS.items():
            rows.append({"model": f"{name}, {layer}{note}", **taken[clock].to_dict()})
    facts = {"setting": f"{images} pictures", "beside": "a loop with a tape", "unit": "ms"}
    return pd.DataFrame(rows).assign(**facts).reindex(columns=MEASURED)


def by_the_loop(features: keras.Model, pictures: np.ndarray, steps: int) -> np.ndarray:
    """Errors `(steps, pictures)`, of the authors' schedule of rates."""
    import tensorflow as tf

    wanted = tf.reshape(features(pictures), (len(pictures), -1))
    norms = tf.reduce_sum(wanted**2, axis=1)
    sigma = np.sqrt((pictures**2).sum(axis=(1, 2, 3))).mean()
    noise = np.random.default_rng(0).normal(size=(1, *pictures.shape[1:]))
    start = np.repeat(noise / np.sqrt((noise**2).sum()), len(pictures), axis=0)
    x, velocity, errors = tf.Variable(start.astype("float32")), 0.0, []
    for number in range(steps):
        if number in (steps // 4, 3 * steps // 4):
            velocity = 0.0
        rate = RATE * (1 if number < steps // 4 else 0.1 if number < 3 * steps // 4 else 0.01)
        with tf.GradientTape() as tape:
            found = tf.reshape(features(sigma * x), (len(pictures), -1))
            distance = tf.reduce_sum((found - wanted) ** 2, axis=1) / norms
            across = tf.reduce_sum((x[:, :, 1:] - x[:, :, :-1]) ** 2)
            down = tf.reduce_sum((x[:, 1:] - x[:, :-1]) ** 2)
            loss = tf.reduce_sum(distance) + SMOOTHNESS * (across + down)
        errors.append(tf.sqrt(distance).numpy())
        velocity = MOMENTUM * velocity - rate * tape.gradient(loss, x)
        x.assign_add(velocity)
    return np.stack(errors)
