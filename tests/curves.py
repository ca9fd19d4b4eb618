"""Short trainings whose losses must not depend on how many devices share the batches.

Everything that goes over a batch is in them: batch norm, means over what is not padding, weighted
means, clipped gradients, carried states, a validation whose last batch is smaller.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from unittest import mock

import keras
import numpy as np

import keras_classics as kc

OF_PICTURES = ("styled", "adversarial", "coded")
CASES = ("convolutional", "normalized", "captioner", "translator", "windows", *OF_PICTURES)


def losses(strategy: str, cases: tuple[str, ...] = CASES) -> dict[str, list[float]]:
    """Losses of some trainings, epoch by epoch; of one in validation too."""
    place = kc.distribution.strategy(strategy)
    return {case: _losses(case, place) for case in cases}


def _losses(case: str, place) -> list[float]:
    import tensorflow as tf

    if case in OF_PICTURES:
        return _of_pictures(case, place)
    keras.utils.set_random_seed(0)
    draw = np.random.default_rng(0)
    images = draw.normal(1.0, 2.0, (16, 32, 32, 3)).astype("float32")
    words = padded(draw, (16, 6))
    inputs, targets = {
        "convolutional": (images, words[:, 0]),
        "normalized": (images, words[:, 0]),
        "captioner": ({"image": images, "target_in": words}, words),
        "translator": ({"source": padded(draw, (16, 5)), "target_in": words}, words),
        "windows": (None, None),
    }[case]
    with place:
        if case == "windows":
            network = kc.models.language_model(9, units=8, depth=1)
            model = kc.training.TruncatedBPTT(network, batch_size=4, k1=5, k2=10)
            windows = kc.data.text_windows(draw.integers(1, 9, (3, 33)), batch_size=4, k1=5, k2=10)
            settings = {"x": windows.batches(), "steps_per_epoch": windows.steps}
        else:
            model = _model(case)
            data = tf.data.Dataset.from_tensor_slices((inputs, targets))
            settings = {"x": data.batch(8)}
            if case == "normalized":
                settings["validation_data"] = data.take(13).batch(8)
        model.compile(
            keras.optimizers.SGD(0.1, global_clipnorm=0.3),
            keras.losses.SparseCategoricalCrossentropy(
                from_logits=True,
                ignore_class=None if case == "windows" else 0,
                reduction="mean_with_sample_weight" if case == "windows" else "sum_over_batch_size",
            ),
        )
        history = model.fit(**settings, epochs=3, shuffle=False, verbose=0).history
    return history["loss"] + history.get("val_loss", [])


def _of_pictures(case: str, place) -> list[float]:
    """Of trainers with losses of their own, which are means over the batch."""
    keras.utils.set_random_seed(0)
    pictures = np.random.default_rng(0).uniform(0, 255, (16, 8, 8, 3)).astype("float32")
    with place:
        if case == "styled":
            seen = keras.Input((None, None, 3))
            seeing = keras.Model(seen, keras.layers.Conv2D(3, 3, name="seen")(seen))
            model = kc.training.PerceptualTrainer(
                kc.models.style_network(filters=1, blocks=1),
                kc.training.PerceptualLoss(seeing, prepare=lambda x: x / 255),
                style=pictures[0],
            )
            model.compile(keras.optimizers.SGD(0.01))
        elif case == "coded":
            halves = kc.models.vae_encoder, kc.models.vae_decoder
            model = kc.training.VAETrainer(
                *(half((8, 8, 3), latent=2, units=(4,)) for half in halves)
            )
            model.compile(keras.optimizers.SGD(1e-3))
            pictures = pictures / 255
        else:
            code, seen = keras.Input((1,)), keras.Input((8, 8, 3))
            # What is drawn differs from replica to replica, and counts nothing here.
            made = keras.layers.Reshape((8, 8, 3))(keras.layers.Dense(192, "tanh")(0.0 * code))
            told = keras.layers.Dense(1)(keras.layers.Flatten()(seen))
            model = kc.training.GANTrainer(keras.Model(code, made), keras.Model(seen, told))
            model.compile("sgd", "adam")
            pictures = pictures / 127.5 - 1
        # A code's noise differs from replica to replica: here there is none.
        with mock.patch.object(keras.random, "normal", lambda size, seed: keras.ops.zeros(size)):
            return model.fit(
                pictures, batch_size=8, epochs=3, shuffle=False, verbose=0
            ).history["loss"]  # fmt: skip


def _model(case: str) -> keras.Model:
    encoder = {"input_shape": (32, 32, 3), "include_top": False, "pooling": "avg"}
    if case == "captioner":
        return kc.models.captioner(kc.models.LeNet5Modern(**encoder), 9, 8)
    if case == "translator":
        return kc.models.translator(9, 9, units=8, attention="additive")
    x = image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(8, 3, strides=4)(x)
    if case == "normalized":
        x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(x))
    return keras.Model(image, keras.layers.Dense(9)(x))


def padded(draw: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Rows of 1 to 8, with 0 behind their lengths."""
    lengths = draw.integers(1, shape[1] + 1, (shape[0], 1))
    return np.where(np.arange(shape[1]) < lengths, draw.integers(1, 9, shape), 0).astype("int32")


def resumable(strategy: str, folder: str | Path, pause: float = 0.0) -> None:
    """Train on batches that are pure functions of their number, from a checkpoint if there is one.

    Args:
        strategy: Where.
        folder: Of the run.
        pause: Seconds to wait after every step.
    """
    import tensorflow as tf

    folder = kc.distribution.own_folder(folder, strategy)
    place = kc.distribution.strategy(strategy)
    keras.utils.set_random_seed(0)

    def stream(first: int) -> tf.data.Dataset:
        def batches():
            for number in range(first, 10**9):
                draw = np.random.default_rng(number)
                yield draw.normal(size=(8, 4)).astype("float32"), draw.integers(0, 3, 8)

        signature = tf.TensorSpec((8, 4), "float32"), tf.TensorSpec((8,), "int64")
        return tf.data.Dataset.from_generator(batches, output_signature=signature)

    with place:
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss)
        waiting = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: time.sleep(pause)
        )
        kc.training.fit(
            model,
            stream,
            steps_per_epoch=10,
            epochs=20,
            folder=folder,
            callbacks=[waiting],
            verbose=0,
            save_seconds=0.2,
        )


def show(*strategies: str, cases: tuple[str, ...] = CASES) -> None:
    """Print the losses, for a test in another process."""
    print("LOSSES", json.dumps([losses(strategy, cases) for strategy in strategies]), flush=True)


def read(output: str) -> list[dict[str, list[float]]]:
    """What `show` printed, once or several times."""
    lines = [line for line in output.splitlines() if line.startswith("LOSSES")]
    return [each for line in lines for each in json.loads(line.removeprefix("LOSSES"))]
