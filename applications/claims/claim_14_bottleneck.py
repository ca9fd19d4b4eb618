"""Bottlenecks cut an Inception module from 854 to 271 million multiply-adds at no loss.

Convolutional networks, GoogLeNet. The module of the lecture, 28 x 28 x 256 in and 128, 192 and 96
filters, is counted with and without its 1 x 1 reductions; then chains of naive modules, which can
only grow wider. For the loss two small networks of three modules learn digits, with the same
filters of 1 x 1, 3 x 3 and 5 x 5 in both, one with reductions to fewer channels.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Convolutional networks"
MINUTES = 4
CRITERION = (
    "The naive module takes 854.196 million multiply-adds and the reduced one 271.352; k naive "
    "modules give 256 + 416 k channels while reduced ones stay at 480; and the reduced small "
    "network, with at most 0.4 of the multiply-adds, is right in no more than one point less of "
    "the test digits than the naive one."
)


FURTHER = (
    "Counts and channels are as claimed; undecided is the loss. With reductions to 16 and 8 "
    "channels in place of 8 and 4, at 0.31 of the cost of the naive network in place of 0.17, the "
    "small network is right in 0.3 and 0.6 points less than the naive one with the first two "
    "seeds, in place of 1.7 and 3.3: how much may be reduced at no loss depends on what there is "
    "to be reduced."
)


def naive(x, name):
    """The lecture's module without reductions."""
    return kc.models.naive_inception_module(x, (128, 192, 96), name=name)


def reduced(x, name):
    """The same behind reductions to 64 channels, the pooled branch too."""
    return kc.models.inception_module(x, (128, 64, 192, 64, 96, 64), name=name)


def chained(module, count):
    """So many of the lecture's modules, one behind the other."""
    x = image = keras.Input((28, 28, 256))
    for index in range(count):
        x = module(x, name=f"module{index}")
    return keras.Model(image, x)


def small(kind):
    """Three modules on digits, of 8, 16 and 8 filters; reductions to 8 and 4 channels."""
    x = image = keras.Input((16, 16, 1))
    x = keras.layers.Conv2D(16, 3, 2, padding="same", activation="relu")(x)
    for index in range(3):
        if kind == "naive":
            x = kc.models.naive_inception_module(x, (8, 16, 8), name=f"module{index}")
        else:
            x = kc.models.inception_module(x, (8, 8, 16, 4, 8, 8), name=f"module{index}")
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(10, activation="softmax")(x))


def pictures(split):
    """Digits from 0 to 1 and their classes."""
    x = np.stack([each.image[..., :1] for each in split]) / 255
    return x, np.array([each.label for each in split])


def measure(seed, quick):
    """Rows of single modules and chains, then of the small networks."""
    rows = []
    for kind, module in (("naive", naive), ("reduced", reduced)):
        for count in range(1, 3 if quick else 6):
            model = chained(module, count)
            rows.append({"kind": kind, "modules": count, "channels": model.output_shape[-1],
                "million": kc.analysis.multiply_adds(model) / 1e6})  # fmt: skip
    data = kc.data.load("digits", seed=seed, image_size=16)
    train, test = (pictures(split[:200] if quick else split) for split in (data.train, data.test))
    epochs = 1 if quick else 30
    for kind in ("naive", "reduced"):
        keras.utils.set_random_seed(seed)
        model = small(kind)
        rate = keras.optimizers.schedules.CosineDecay(3e-3, epochs * -(-len(train[0]) // 32))
        model.compile(
            keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        model.fit(*train, batch_size=32, epochs=epochs, verbose=0)
        _, right = model.evaluate(*test, verbose=0)
        rows.append({"kind": f"small, {kind}", "modules": 3, "right": right,
            "million": kc.analysis.multiply_adds(model) / 1e6})  # fmt: skip
    return rows


def judge(rows):
    """By seed: counts, channels, and the small networks."""
    held = []
    for _, part in rows.groupby("seed"):
        whole = part.set_index(["kind", "modules"])
        cost, channels = whole["million"], whole["channels"]
        right = part.dropna(subset="right").set_index("kind")["right"]
        held.append(
            {
                "the naive module": cost["naive", 1] == 854.196,
                "the reduced module": cost["reduced", 1] == 271.352,
                "channels of naive modules": all(
                    channels["naive"].dropna() == 256 + 416 * channels["naive"].dropna().index
                ),
                "channels of reduced modules": (channels["reduced"].dropna() == 480).all(),
                "cost of the small network": cost["small, reduced", 3]
                <= 0.4 * cost["small, naive", 3],
                "digits that are right": right["small, reduced"] >= right["small, naive"] - 0.01,
            }
        )
    mean = rows.groupby(["kind", "modules"])[["million", "channels", "right"]].mean()
    cost, right = mean["million"], mean["right"]
    last = rows[rows["kind"] == "naive"]["modules"].max()
    return by_seed(
        held,
        f"{cost['naive', 1]:.0f} and {cost['reduced', 1]:.0f} million; {last} modules "
        f"in a row give {mean['channels']['naive', last]:.0f} and 480 channels and take "
        f"{cost['naive', last] / 1e3:.1f} and {cost['reduced', last] / 1e3:.1f} billion. "
        f"The small networks are right in {right['small, naive', 3]:.1%} and, with "
        f"{cost['small, reduced', 3] / cost['small, naive', 3]:.2f} of the cost, "
        f"{right['small, reduced', 3]:.1%}.",
    )


def draw(rows, axes):
    """Multiply-adds by modules in a row."""
    for kind in ("naive", "reduced"):
        part = rows[(rows["kind"] == kind) & (rows["seed"] == 0)]
        axes.plot(part["modules"], part["million"] / 1e3, "o-", label=kind)
    axes.set(xlabel="modules in a row", ylabel="billion multiply-adds",
        xticks=sorted(rows["modules"].unique()))  # fmt: skip
    axes.legend()
