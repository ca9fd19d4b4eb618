"""Pooling makes answers withstand small shifts, and average pooling is a convolution.

Convolutional networks, pooling. Two stages of 3 x 3 convolutions learn digits and halve the picture
by max pooling, by average pooling, or by the step of the convolution itself; the weights are as
many. Test digits are then moved by one to three pixels up, down, left and right, and those count
whose class is still called as before. Average pooling is compared with a convolution of fixed
weights, channel by channel.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Convolutional networks"
MINUTES = 2
CRITERION = (
    "After a shift of one pixel both poolings change at most three quarters as many answers as "
    "steps do, and after a shift of two no more answers; the three have equally many weights; and "
    "average pooling differs from a convolution whose weights are 1/4 by less than 1e-6."
)
FURTHER = (
    "Max pooling withstands shifts best with every seed, but not by as much as was asked, and a "
    "shift of one pixel changes more with average pooling than with steps. The classifier behind "
    "the maps has weights for each place. "
    "Where it sees only the mean of 64 further maps over the picture, a shift of two pixels "
    "changes 29 to 32 % of the answers with max pooling in place of 40 to 44 %, and 36 to 42 % "
    "with average pooling, 35 to 44 % with steps; one of one pixel about as many as before."
)
KINDS = ("max", "average", "steps")


def network(kind):
    """Two convolutions, each of which halves the picture, and a classifier of all that is left."""
    model = keras.Sequential([keras.Input((16, 16, 1))])
    for filters in (16, 32):
        steps = 2 if kind == "steps" else 1
        model.add(keras.layers.Conv2D(filters, 3, steps, padding="same", activation="relu"))
        if kind == "max":
            model.add(keras.layers.MaxPooling2D(2))
        elif kind == "average":
            model.add(keras.layers.AveragePooling2D(2))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(10, activation="softmax"))
    return model


def pictures(split):
    """Digits from 0 to 1 and their classes."""
    x = np.stack([each.image[..., :1] for each in split]) / 255
    return x, np.array([each.label for each in split])


def moved(x, pixels):
    """All pictures up, down, left and right; what comes in is black."""
    wide = np.pad(x, [(0, 0), (pixels, pixels), (pixels, pixels), (0, 0)])
    for down, right in ((0, 1), (2, 1), (1, 0), (1, 2)):
        top, left = down * pixels, right * pixels
        yield wide[:, top : top + x.shape[1], left : left + x.shape[2]]


def pooling_less_convolution(x):
    """The greatest difference between average pooling and a convolution of fixed weights."""
    maps = np.concatenate([x, 1 - x, x**2], axis=-1)
    pool = keras.layers.AveragePooling2D(2)
    fixed = keras.layers.DepthwiseConv2D(
        2, 2, use_bias=False, depthwise_initializer=keras.initializers.Constant(1 / 4)
    )
    return float(np.abs(np.array(pool(maps)) - np.array(fixed(maps))).max())


def measure(seed, quick):
    """A row for each kind and shift, then one of the comparison."""
    data = kc.data.load("digits", seed=seed, image_size=16)
    train, test = (pictures(split[:200] if quick else split) for split in (data.train, data.test))
    rows = []
    for kind in KINDS:
        keras.utils.set_random_seed(seed)
        model = network(kind)
        model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
        model.fit(*train, batch_size=32, epochs=1 if quick else 20, verbose=0)
        called = model.predict(test[0], verbose=0).argmax(-1)
        for pixels in (0, 1, 2, 3):
            answers = np.array(
                [model.predict(each, verbose=0).argmax(-1) for each in moved(test[0], pixels)]
            )
            rows.append({"kind": kind, "pixels": pixels, "changed": (answers != called).mean(),
                "right": (answers == test[1]).mean(), "weights": model.count_params()})  # fmt: skip
    return [*rows, {"kind": "difference", "changed": pooling_less_convolution(test[0])}]


def judge(rows):
    """By seed: answers that change, weights, and the convolution."""
    held = []
    for _, part in rows.groupby("seed"):
        changed = part.set_index(["kind", "pixels"])["changed"]
        held.append(
            {
                "answers that change": all(
                    changed[kind, 1] <= 0.75 * changed["steps", 1]
                    and changed[kind, 2] <= changed["steps", 2]
                    for kind in ("max", "average")
                ),
                "weights": part["weights"].nunique() == 1,
                "the convolution": part[part["kind"] == "difference"]["changed"].max() < 1e-6,
            }
        )
    mean = rows.groupby(["kind", "pixels"])[["changed", "right"]].mean()
    one, two = (
        ", ".join(f"{kind} {mean['changed'][kind, pixels]:.1%}" for kind in KINDS)
        for pixels in (1, 2)
    )
    unmoved = ", ".join(f"{kind} {mean['right'][kind, 0]:.1%}" for kind in KINDS)
    return by_seed(
        held,
        f"Answers changed by one pixel: {one}; by two: {two}. Right of digits in their places: "
        f"{unmoved}.",
    )


def draw(rows, axes):
    """Changed answers by shift."""
    mean = rows.groupby(["kind", "pixels"])["changed"].mean()
    for kind in KINDS:
        axes.plot(mean[kind].index, mean[kind], "o-", label=kind)
    axes.set(xlabel="shift in pixels of 16", ylabel="share of answers that change", xticks=range(4))
    axes.legend()
