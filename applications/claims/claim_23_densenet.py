"""Dense connections need fewer weights than residual ones for as few mistakes.

Convolutional networks, DenseNet (Huang, Liu, van der Maaten, Weinberger 2017). DenseNets of one
and of two layers a block, with bottlenecks and six new channels a layer, and ResNets of two widths
learn 300 digits of 8 x 8 by the same rule; each DenseNet stands beside a ResNet of at least twice
its weights.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Convolutional networks"
MINUTES = 3
CRITERION = (
    "In each of the two pairs the DenseNet has at most half the weights of the ResNet and "
    "answers at most half a point more of the test digits wrong, and over the pairs no more."
)
FURTHER = (
    "It is chance that decides: with the first seed the larger DenseNet makes eight mistakes more "
    "than the ResNet, of 359 digits. From six other starts on the same 300 digits it answers 8.4 "
    "to 12.3 % of them wrong, 9.9 on average, and the ResNet of nearly four times its weights 10.6 "
    "to 13.6 %, 11.8 on average; once of six it makes more, by one digit. Taught by all 1,295 "
    "digits for 12 epochs, it answers 2.5, 1.9 and 1.4 % wrong by seed and the ResNet 3.3, 1.4 "
    "and 1.4 %, which 359 digits cannot tell apart. So fewer weights do as well, as is claimed, on "
    "average and not from every start."
)
PAIRS = (
    ({"repeats": (1, 1, 1), "width": 0.5}, {"repeats": (2, 2, 2), "width": 0.25}),
    ({"repeats": (2, 2, 2), "width": 0.5}, {"repeats": (2, 2, 2), "width": 0.5}),
)
NAMES = {"DenseNet": "densenet_bc_100_k12_cifar", "ResNet": "resnet_20_cifar"}


def pictures(split):
    """Digits from 0 to 1 and their classes."""
    x = np.stack([each.image[..., :1] for each in split]) / 255
    return x, np.array([each.label for each in split])


def measure(seed, quick):
    """A row for each network."""
    data = kc.data.load("digits", seed=seed)
    train, test = pictures(data.train[:300]), pictures(data.test)
    epochs, rows = 1 if quick else 25, []
    for pair, options in enumerate(PAIRS[: 1 if quick else None]):
        for (kind, name), chosen in zip(NAMES.items(), options, strict=True):
            keras.utils.set_random_seed(seed)
            chosen = chosen | ({"repeats": (1, 1)} if quick else {})
            model = kc.create_model(name, input_shape=(8, 8, 1), weights=None, **chosen)
            rate = keras.optimizers.schedules.CosineDecay(0.1, epochs * -(-len(train[0]) // 32))
            model.compile(keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
                "sparse_categorical_crossentropy", metrics=["accuracy"])  # fmt: skip
            model.fit(*train, batch_size=32, epochs=epochs, verbose=0)
            rows.append({"pair": pair, "network": kind,
                "weights": kc.analysis.trainable_parameters(model),
                "wrong": 1 - model.evaluate(*test, batch_size=500, verbose=0)[1]})  # fmt: skip
    return rows


def judge(rows):
    """By seed: weights and mistakes in each pair."""
    held = []
    for _, part in rows.groupby("seed"):
        table = part.pivot(index="pair", columns="network")
        weights, wrong = table["weights"], table["wrong"]
        held.append(
            {
                "weights": (weights["DenseNet"] <= weights["ResNet"] / 2).all(),
                "mistakes in each pair": (wrong["DenseNet"] <= wrong["ResNet"] + 0.005).all(),
                "mistakes over the pairs": wrong["DenseNet"].mean() <= wrong["ResNet"].mean(),
            }
        )
    mean = rows.groupby(["pair", "network"])[["weights", "wrong"]].mean()
    told = "; ".join(
        " and ".join(
            f"{kind} {mean['wrong'][pair, kind]:.1%} with {mean['weights'][pair, kind]:,.0f}"
            for kind in NAMES
        )
        for pair in mean.index.levels[0]
    )
    return by_seed(held, f"Wrong with so many weights: {told}.")


def draw(rows, axes):
    """Mistakes by weights; small dots are the seeds."""
    for kind, part in rows.groupby("network"):
        mean = part.groupby("pair")[["weights", "wrong"]].mean()
        axes.semilogx(mean["weights"], mean["wrong"], "o-", label=kind)
        axes.plot(part["weights"], part["wrong"], ".", color=axes.lines[-1].get_color(), alpha=0.6)
    axes.set(xlabel="weights", ylabel="wrong of test digits")
    axes.legend()
