"""Without shared weights a layer has more of them, and learns less from few examples.

Convolutional networks, from locally connected layers to convolutions. Two networks of the same maps
and the same connections, one with a kernel for every place, learn 100 to 1,200 digits in the middle
of their pictures. Test digits are shown as they are, and moved by two of 16 pixels.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Convolutional networks"
MINUTES = 3
CRITERION = (
    "Both take equally many multiply-adds, and where nothing is shared each layer has as many "
    "times the weights as its map has places; taught by 100 and by 300 digits the convolutions "
    "are right in at least 1 point more of the test digits, and of the moved ones in at least 5."
)
FURTHER = (
    "Weights and cost are as claimed, but what is shared does not help here: the digits stand in "
    "the middle, so that every place sees its own part of them, as faces do in DeepFace. Where "
    "300 digits are scattered by up to four pixels, in training and in the test, the locally "
    "connected network is still right in more of them (47 to 52 % against 44 to 48 %). The "
    "classifier behind both has weights for each place, and sharing helps only what lies before "
    "it."
)
LAYERS = {"convolutional": keras.layers.Conv2D, "locally connected": kc.layers.LocallyConnected2D}
COUNTS = (100, 300, 1200)


def network(kind):
    """Two layers of 3 x 3 that halve the picture, and a classifier of all that is left."""
    model = keras.Sequential([keras.Input((16, 16, 1))])
    for filters in (8, 16):
        model.add(LAYERS[kind](filters, 3, strides=2, padding="same", activation="relu",
            kernel_initializer="he_normal"))  # fmt: skip
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(10, activation="softmax"))
    return model


def pictures(split):
    """Digits from 0 to 1 and their classes."""
    x = np.stack([each.image[..., :1] for each in split]) / 255
    return x, np.array([each.label for each in split])


def moved(x, y, pixels=2):
    """All pictures up, down, left and right; what comes in is black."""
    wide = np.pad(x, [(0, 0), (pixels, pixels), (pixels, pixels), (0, 0)])
    places = ((0, pixels), (2 * pixels, pixels), (pixels, 0), (pixels, 2 * pixels))
    return np.concatenate(
        [wide[:, top : top + 16, left : left + 16] for top, left in places]
    ), np.tile(y, 4)


def measure(seed, quick):
    """A row for each kind and number of digits, with the weights of its layers by place."""
    data = kc.data.load("digits", seed=seed, image_size=16)
    x, y = pictures(data.train)
    test = pictures(data.test)
    rows = []
    for kind in LAYERS:
        for count in COUNTS[:1] if quick else COUNTS:
            keras.utils.set_random_seed(seed)
            model = network(kind)
            model.compile(
                keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
            )
            # As many steps for each number of digits.
            epochs = 1 if quick else 12_000 // count
            model.fit(x[:count], y[:count], batch_size=20, epochs=epochs, verbose=0)
            weights = [layer.count_params() for layer in model.layers[:2]]
            rows.append({"kind": kind, "digits": count,
                "right": model.evaluate(*test, verbose=0)[1],
                "right moved": model.evaluate(*moved(*test), verbose=0)[1],
                "weights 1": weights[0], "weights 2": weights[1],
                "multiply-adds": kc.analysis.multiply_adds(model)})  # fmt: skip
    return rows


def judge(rows):
    """By seed: counts, then examples."""
    held = []
    for _, part in rows.groupby("seed"):
        table = part.pivot(index="digits", columns="kind")
        one, other = (table.xs(kind, axis=1, level="kind") for kind in LAYERS)
        few = [count for count in one.index if count <= 300]
        held.append(
            {
                "multiply-adds": (one["multiply-adds"] == other["multiply-adds"]).all(),
                "weights of the first layer": (other["weights 1"] == 64 * one["weights 1"]).all(),
                "weights of the second layer": (other["weights 2"] == 16 * one["weights 2"]).all(),
                "digits in their places": (one["right"] - other["right"])[few].min() >= 0.01,
                "moved digits": (one["right moved"] - other["right moved"])[few].min() >= 0.05,
            }
        )
    mean = rows.groupby(["kind", "digits"])[["right", "right moved"]].mean()
    told = "; ".join(
        f"{kind} {', '.join(f'{share:.1%}' for share in mean.loc[kind]['right'])}, moved "
        f"{', '.join(f'{share:.1%}' for share in mean.loc[kind]['right moved'])}"
        for kind in LAYERS
    )
    counts = ", ".join(str(count) for count in sorted(rows["digits"].unique()))
    return by_seed(held, f"Right after {counts} digits: {told}.")


def draw(rows, axes):
    """Right by number of digits."""
    mean = rows.groupby(["kind", "digits"])[["right", "right moved"]].mean()
    for kind, colour in zip(LAYERS, ("C0", "C1"), strict=True):
        part = mean.loc[kind]
        axes.semilogx(part.index, part["right"], "o-", color=colour, label=kind)
        axes.semilogx(part.index, part["right moved"], "o:", color=colour, label=f"{kind}, moved")
    axes.set(xlabel="digits that taught", ylabel="right of test digits")
    axes.legend(fontsize=8)
