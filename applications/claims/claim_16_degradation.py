"""Plain networks learn worse the deeper they are, residual ones do not.

Convolutional networks, residual networks (He, Zhang, Ren, Sun 2015). Networks of 8, 20 and 44
layers of half width, with shortcuts and without, learn digits in pictures of 8 x 8 for 12 epochs.
What they know of the training digits tells whether depth is hard to learn, whatever it is good for.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Convolutional networks"
MINUTES = 9
CRITERION = (
    "Of the training digits the plain network of 44 layers knows at least 10 points less than that "
    "of 8, and makes more mistakes on the test digits; the residual one of 44 layers knows at most "
    "1 point less than that of 8, and is right in at most 1 point less of the test digits; and "
    "networks of the same depth have equally many weights."
)
FURTHER = (
    "What is claimed of learning is seen with every seed: 44 plain layers know 58 to 66 % of the "
    "training digits, 44 residual ones 99.9 % or more. Undecided is only the bound of 1 point on "
    "the test digits, which the residual network misses by a tenth of a point with two seeds: 4 "
    "of 359 digits more are wrong than with 8 layers, of which digits need no more."
)
REPEATS = {8: (1, 1, 1), 20: (3, 3, 3), 44: (7, 7, 7)}
NAMES = {"residual": "resnet_20_cifar", "plain": "plain_20_cifar"}


def pictures(split):
    """Digits from 0 to 1 and their classes."""
    x = np.stack([each.image[..., :1] for each in split]) / 255
    return x, np.array([each.label for each in split])


def measure(seed, quick):
    """A row for each kind and depth."""
    data = kc.data.load("digits", seed=seed)
    train, test = (pictures(split[:128] if quick else split) for split in (data.train, data.test))
    epochs, rows = 1 if quick else 12, []
    for kind, name in NAMES.items():
        for depth, repeats in list(REPEATS.items())[: 1 if quick else None]:
            keras.utils.set_random_seed(seed)
            model = kc.create_model(
                name, input_shape=(8, 8, 1), repeats=repeats, width=0.5, weights=None
            )
            rate = keras.optimizers.schedules.CosineDecay(0.1, epochs * -(-len(train[0]) // 64))
            model.compile(keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
                "sparse_categorical_crossentropy", metrics=["accuracy"])  # fmt: skip
            model.fit(*train, batch_size=64, epochs=epochs, verbose=0)
            loss, known = model.evaluate(*train, batch_size=500, verbose=0)
            rows.append({"kind": kind, "layers": depth, "loss": loss, "known": known,
                "right": model.evaluate(*test, batch_size=500, verbose=0)[1],
                "weights": kc.analysis.trainable_parameters(model)})  # fmt: skip
    return rows


def judge(rows):
    """By seed: plain, residual, weights."""
    held, least, most = [], rows["layers"].min(), rows["layers"].max()
    for _, part in rows.groupby("seed"):
        table = part.set_index(["kind", "layers"])
        known, right = table["known"], table["right"]
        held.append(
            {
                "plain, training digits": known["plain", most] <= known["plain", least] - 0.1,
                "plain, test digits": right["plain", most] < right["plain", least],
                "residual, training digits": known["residual", most]
                >= known["residual", least] - 0.01,
                "residual, test digits": right["residual", most] >= right["residual", least] - 0.01,
                "weights": (part.groupby("layers")["weights"].nunique() == 1).all(),
            }
        )
    mean = rows.groupby(["kind", "layers"])[["known", "right"]].mean()
    told = "; ".join(
        f"{kind} {', '.join(f'{share:.1%}' for share in mean['known'][kind])}, of test digits "
        f"{', '.join(f'{share:.1%}' for share in mean['right'][kind])}"
        for kind in NAMES
    )
    depths = ", ".join(str(depth) for depth in sorted(rows["layers"].unique()))
    return by_seed(held, f"Known with {depths} layers: {told}.")


def draw(rows, axes):
    """Mistakes by depth."""
    mean = rows.groupby(["kind", "layers"])[["known", "right"]].mean()
    for kind, colour in zip(NAMES, ("C0", "C1"), strict=True):
        part = mean.loc[kind]
        axes.plot(part.index, 1 - part["known"], "o-", color=colour, label=f"{kind}, training")
        axes.plot(part.index, 1 - part["right"], "o:", color=colour, label=f"{kind}, test")
    axes.set(xlabel="layers", ylabel="wrong answers")
    axes.legend()
