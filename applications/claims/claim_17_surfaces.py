"""Shortcuts make the loss around a deep network's weights smooth; without them it is rugged.

Convolutional networks, the surfaces of Li, Xu, Taylor, Studer, Goldstein (2018). Networks of 8 and
32 layers, with shortcuts and without, learn digits in pictures of 8 x 8; then the loss of 200 of
them is measured over a plane of two random directions, in which each filter has the length of the
network's own, with the statistics of normalisation that belong to each point. Rugged is a surface
on which steps away from the middle, where the weights are, often lead down.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Convolutional networks"
MINUTES = 6
CRITERION = (
    "With 32 layers at most half as large a share of the steps away leads down with shortcuts as "
    "does without; without shortcuts the share is larger with 32 layers than with 8; and with "
    "shortcuts it is at most a tenth at both depths."
)
FURTHER = (
    "What is compared has not learned equally well: in the middle the loss of 32 plain layers is "
    "0.18 to 0.52, that of the other three networks 0.016 or less. How much of the ruggedness "
    "belongs to a network that has not learned yet, and how much to the missing shortcuts, was not "
    "looked into; it would take networks stopped at the same loss."
)
REPEATS = {8: (1, 1, 1), 32: (5, 5, 5)}
NAMES = {"residual": "resnet_20_cifar", "plain": "plain_20_cifar"}
REACH, POINTS = 1.0, 11


def trained(name, repeats, x, y, seed, quick):
    """A network of half width after 8 epochs."""
    if quick and repeats[0] > 1:
        repeats = (2, 1, 1)
    keras.utils.set_random_seed(seed)
    model = kc.create_model(name, input_shape=(8, 8, 1), repeats=repeats, width=0.5, weights=None)
    epochs = 1 if quick else 8
    rate = keras.optimizers.schedules.CosineDecay(0.05, epochs * -(-len(x) // 64))
    model.compile(keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
        "sparse_categorical_crossentropy")  # fmt: skip
    model.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
    return model


def falls(losses):
    """Share of the steps away from the middle, along either direction, at which the loss falls."""
    steps = []
    for surface in (np.nan_to_num(losses, nan=np.inf), np.nan_to_num(losses, nan=np.inf).T):
        middle = len(surface) // 2
        for half in (surface[middle:], surface[middle::-1]):
            steps.append(half[1:] < 0.99 * half[:-1])
    return float(np.mean(steps))


def measure(seed, quick):
    """A row for each point of each plane."""
    examples = kc.data.load("digits", seed=seed).train[: 128 if quick else None]
    x = np.stack([each.image[..., :1] for each in examples]).astype("float32") / 255
    y = np.array([each.label for each in examples])
    few = 50 if quick else 200
    along, rows = np.linspace(-REACH, REACH, 5 if quick else POINTS), []
    for kind, name in NAMES.items():
        for depth, repeats in REPEATS.items():
            model = trained(name, repeats, x, y, seed, quick)
            plane = [kc.analysis.random_direction(model, seed=2 * seed + n) for n in (1, 2)]
            found = kc.analysis.loss_landscape(
                model, x[:few], y[:few], plane, along=along, statistics="re-estimated",
                batch_size=few,
            )  # fmt: skip
            rows.append({"kind": kind, "layers": depth, "falls": falls(found.losses),
                "centre": found.centre, "edge": np.median(found.losses[[0, -1]])})  # fmt: skip
            line = found.losses[:, len(along) // 2]
            rows += [
                {"kind": kind, "layers": depth, "distance": distance, "loss": min(loss, 1e6)}
                for distance, loss in zip(along, line, strict=True)
            ]
    return rows


def judge(rows):
    """By seed: shares of steps that lead down."""
    held = []
    for _, part in rows.dropna(subset="falls").groupby("seed"):
        share = part.set_index(["kind", "layers"])["falls"]
        held.append(
            {
                "shortcuts against none at 32 layers": share["residual", 32]
                <= share["plain", 32] / 2,
                "32 layers against 8": share["plain", 32] > share["plain", 8],
                "at most a tenth with shortcuts": share["residual"].max() <= 0.1,
            }
        )
    mean = rows.groupby(["kind", "layers"])[["falls", "centre", "edge"]].mean()
    told = ", ".join(
        f"{kind} {depth} layers {mean['falls'][kind, depth]:.0%}" for kind, depth in mean.index
    )
    return by_seed(held, f"Steps away that lead down: {told}.")


def draw(rows, axes):
    """Steps away from the weights that lead down, by network; bars are means, dots seeds."""
    shares = rows.dropna(subset="falls")
    mean = shares.groupby(["kind", "layers"])["falls"].mean()
    names = [f"{kind},\n{depth} layers" for kind, depth in mean.index]
    axes.bar(range(len(mean)), mean, color=["C1" if kind == "plain" else "C0" for kind, _ in
        mean.index], alpha=0.5)  # fmt: skip
    for place, key in enumerate(mean.index):
        own = shares[(shares["kind"] == key[0]) & (shares["layers"] == key[1])]["falls"]
        axes.plot([place] * len(own), own, "k.")
    axes.axhline(0.1, color="k", linestyle=":", label="bound for residual networks")
    axes.set_xticks(range(len(names)), names)
    axes.set(ylabel="share of steps that lead down")
    axes.legend()
