"""Ends of models and what each gives, computed by hand from the logits `z = mean(image) W + b`.

On whichever backend is set, so that others can be asked in a process of their own.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

import keras_classics as kc
from keras_classics.core.graphs.capture import Capture

IMAGES = np.random.default_rng(4).normal(size=(6, 2, 2, 3)).astype("float32")
DRAW = np.random.default_rng(5)
KERNELS = {n: DRAW.normal(size=(3, n)).astype("float32") for n in (1, 4)}
BIASES = {n: DRAW.normal(size=n).astype("float32") for n in (1, 4)}


def dense(units, activation=None, **arguments):
    return layers.Dense(
        units,
        activation,
        kernel_initializer=lambda shape, dtype: ops.convert_to_tensor(KERNELS[units], dtype),
        bias_initializer=lambda shape, dtype: ops.convert_to_tensor(BIASES[units], dtype),
        **arguments,
    )


def convolution(units, activation=None):
    return layers.Conv2D(
        units,
        1,
        activation=activation,
        kernel_initializer=lambda shape, dtype: ops.reshape(KERNELS[units], shape),
        bias_initializer=lambda shape, dtype: ops.convert_to_tensor(BIASES[units], dtype),
    )


def logits(units, images=IMAGES):
    return images.mean(axis=(1, 2)) @ KERNELS[units] + BIASES[units]


def softmax(z):
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def two(second):
    return np.concatenate([1 - second, second], axis=-1)


def chained(*steps):
    def tail(x):
        for step in steps:
            x = step(x)
        return x

    return tail


def sequential(*steps):
    return lambda x: keras.Sequential([keras.Input(x.shape[1:]), *steps])(x)


def nested(tail):
    def call(x):
        inner = keras.Input(x.shape[1:])
        return keras.Model(inner, tail(inner))(x)

    return call


SOFT, PLAIN, ONE, ONE_PLAIN = (
    lambda: dense(4, "softmax"),
    lambda: dense(4),
    lambda: dense(1, "sigmoid"),
    lambda: dense(1),
)
UP = layers.Reshape((1, 1, 3))

# From the pooled features to the output, by name.
SOFTMAXES = {
    "Dense": chained(SOFT()),
    "Dense of keras.ops": chained(dense(4, ops.softmax)),
    "Dense of a Softmax layer": chained(dense(4, layers.Softmax())),
    "Activation": chained(PLAIN(), layers.Activation("softmax")),
    "Activation of float32": chained(PLAIN(), layers.Activation("softmax", dtype="float32")),
    "Softmax": chained(PLAIN(), layers.Softmax()),
    "keras.ops.softmax": chained(PLAIN(), ops.softmax),
    "keras.activations.softmax": chained(PLAIN(), keras.activations.softmax),
    "linear behind": chained(SOFT(), layers.Activation("linear", dtype="float32")),
    "Identity behind": chained(SOFT(), layers.Identity()),
    "dropouts behind": chained(SOFT(), layers.Dropout(0.5), layers.GaussianNoise(1.0)),
    "cast behind": chained(SOFT(), lambda x: ops.cast(x, "float32")),
    "Rescaling by 1": chained(SOFT(), layers.Rescaling(1.0)),
    "times 1": chained(SOFT(), lambda x: x * 1.0),
    "Reshape behind": chained(UP, convolution(4, "softmax"), layers.Reshape((4,))),
    "Flatten behind": chained(UP, convolution(4, "softmax"), layers.Flatten()),
    "squeezed": chained(
        UP, convolution(4), ops.softmax, lambda x: ops.squeeze(ops.squeeze(x, 1), 1)
    ),
    "indexed": chained(UP, convolution(4), layers.Softmax(), lambda x: x[:, 0, 0, :]),
    "reshaped by keras.ops": chained(SOFT(), lambda x: ops.reshape(x, (-1, 4))),
    "another axis": chained(
        PLAIN(), layers.Reshape((4, 1)), layers.Softmax(axis=1), layers.Reshape((4,))
    ),
    "time distributed": chained(
        layers.Reshape((1, 3)), layers.TimeDistributed(SOFT()), layers.Reshape((4,))
    ),
    "nested": nested(chained(PLAIN(), layers.Softmax(), layers.Activation("linear"))),
    "Sequential in it": sequential(layers.Dropout(0.2), SOFT()),
    "nested twice": nested(sequential(PLAIN(), layers.Activation("softmax"))),
    "nested and reshaped": chained(
        UP, nested(chained(convolution(4), layers.Softmax())), layers.Reshape((4,))
    ),
    "mean of two": lambda x: layers.Average()([(s := SOFT())(x), s(x)]),
    "half of a sum": lambda x: ((s := SOFT())(x) + s(x)) / 2,
    "pooled": chained(UP, convolution(4, "softmax"), layers.GlobalAveragePooling2D()),
    "spectral": chained(layers.SpectralNormalization(SOFT())),
}
# Those whose outputs are no probabilities as they are, and what they are instead.
SCALED = {
    "percent": (chained(SOFT(), layers.Rescaling(100.0)), lambda p: 100 * p),
    "times and plus": (chained(SOFT(), lambda x: 2.0 * x - 1.0), lambda p: 2 * p - 1),
    "plus and times": (chained(SOFT(), lambda x: (x + 1) * 3 + 1), lambda p: 3 * p + 4),
    "over": (chained(SOFT(), lambda x: x / 4, layers.Rescaling(2.0, 3.0)), lambda p: p / 2 + 3),
    "log_softmax": (chained(PLAIN(), ops.log_softmax), np.log),
    "activation log_softmax": (chained(dense(4, "log_softmax")), np.log),
    "log_softmax halved": (
        chained(dense(4, "log_softmax"), lambda x: x / 2),
        lambda p: np.log(p) / 2,
    ),
}
SIGMOID = {
    "Dense": chained(ONE()),
    "Activation": chained(ONE_PLAIN(), layers.Activation("sigmoid")),
    "keras.ops.sigmoid": chained(ONE_PLAIN(), ops.sigmoid),
    "linear behind": chained(ONE(), layers.Activation("linear", dtype="float32")),
    "flattened map": chained(UP, convolution(1, "sigmoid"), layers.Flatten()),
}
FLAT = {
    "without an axis": chained(ONE(), layers.Reshape(())),
    "squeezed": chained(ONE_PLAIN(), ops.sigmoid, lambda x: ops.squeeze(x, -1)),
}
SIGMOIDS = {
    "Dense": chained(dense(4, "sigmoid")),
    "keras.ops.sigmoid": chained(PLAIN(), ops.sigmoid, lambda x: x * 1),
    "mean of two": lambda x: layers.Average()([(s := dense(4, "sigmoid"))(x), s(x)]),
}
LOGITS = {
    "Dense": chained(PLAIN()),
    "linear behind": chained(PLAIN(), layers.Activation("linear"), layers.Identity()),
    "pooled": chained(UP, convolution(4), layers.GlobalAveragePooling2D()),
    "Add": lambda x: layers.Add()([PLAIN()(x), layers.Dense(4, kernel_initializer="zeros")(x)]),
    "time distributed": chained(
        layers.Reshape((1, 3)), layers.TimeDistributed(PLAIN()), layers.Flatten()
    ),
}
# What cannot be read, and what is said of it.
UNKNOWN = {
    "tanh": (chained(dense(4, "tanh")), "Dense with the activation tanh"),
    "relu": (chained(PLAIN(), layers.ReLU()), "of type ReLU"),
    "hard sigmoid": (chained(PLAIN(), keras.activations.hard_sigmoid), "of type HardSigmoid"),
    "nothing left of it": (chained(SOFT(), lambda x: 1e-40 * x), "leaves no digits"),
    "one unit of softmax": (chained(dense(1, "softmax")), "over one unit, which is always 1"),
    "the wrong axis": (
        chained(PLAIN(), layers.Reshape((2, 2)), layers.Softmax(axis=1)),
        "not the last axis",
    ),
    "mixed up": (
        chained(PLAIN(), layers.Reshape((2, 2)), layers.Softmax(), layers.Flatten()),
        "not the last axis",
    ),
    "one minus": (chained(ONE(), lambda x: 1 - x), "of type Subtract and reads what softmax or sigmoid gives"),
    "product": (
        lambda x: layers.Multiply()([SOFT()(x), SOFT()(x)]),
        "of type Multiply and reads what",
    ),
    "clipped": (chained(SOFT(), lambda x: ops.clip(x, 0.1, 1)), "of type Clip"),
    "whole numbers": (chained(SOFT(), lambda x: ops.cast(x, "int32")), "of type Cast"),
    "turned round": (chained(SOFT(), lambda x: x[:, ::-1]), "of type GetItem and reads what"),
    "LSTM": (chained(layers.Reshape((1, 3)), layers.LSTM(4)), "of type LSTM"),
}  # fmt: skip


def model_of(tail):
    image = keras.Input(IMAGES.shape[1:])
    return keras.Model(image, tail(layers.GlobalAveragePooling2D()(image)))


def asked(model):
    """Outputs, probabilities, logits, and the gradient of the last class's logit by the images."""
    capture = Capture(model)
    inputs = [ops.convert_to_tensor(IMAGES)]
    found = capture.class_logits(capture.logits(inputs))
    gradient = capture.image_gradients(inputs, lambda outputs: capture.class_logits(outputs)[:, -1])
    return {
        "outputs": np.asarray(keras.ops.convert_to_numpy(model(inputs[0]))),
        "probabilities": kc.analysis.class_probabilities(model, IMAGES),
        "logits": keras.ops.convert_to_numpy(found),
        "gradient": keras.ops.convert_to_numpy(gradient),
    }


def every_backend():
    """A smaller table: what `asked` gives of each end, as NumPy arrays by name."""
    chosen = {
        "softmax": SOFTMAXES["Dense"],
        "softmax linear": SOFTMAXES["linear behind"],
        "softmax ops": SOFTMAXES["keras.ops.softmax"],
        "softmax nested": SOFTMAXES["nested"],
        "softmax reshaped": SOFTMAXES["squeezed"],
        "softmax mean": SOFTMAXES["mean of two"],
        "percent": SCALED["times and plus"][0],
        "log": SCALED["log_softmax"][0],
        "sigmoid": SIGMOID["linear behind"],
        "flat": FLAT["squeezed"],
        "sigmoids": SIGMOIDS["keras.ops.sigmoid"],
        "logits": LOGITS["Dense"],
    }
    found = {"backend": np.asarray(keras.config.backend())}
    for name, tail in chosen.items():
        for part, array in asked(model_of(tail)).items():
            found[f"{name}: {part}"] = array
    return found
