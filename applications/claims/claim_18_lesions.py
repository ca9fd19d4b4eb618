"""A residual network survives the loss of any block, as short paths would; a plain one does not.

Convolutional networks, residual networks as ensembles of paths (Veit, Wilber, Belongie 2016). A
ResNet-20 of half width and its twin without shortcuts learn digits; then each block that keeps its
picture's size is left out alone, and up to six of them at once. The lengths of paths, and the
gradients that come along them, are those of the residual network.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Convolutional networks"
MINUTES = 5
CRITERION = (
    "Both are right in 95 % of the test digits or more; without one block, on average over the "
    "blocks, the residual network is right in at most 10 points less and the plain one in at "
    "least 40; and the mean length of the paths, weighed by the gradient along them, is at most "
    "0.8 of the mean length of all paths, which is half the number of blocks."
)


FURTHER = (
    "Which block is gone matters: without the first one the residual network is right in 10, 12 "
    "and 58 %, without one of the last three in 91 to 99 %, and nowhere does a plain one without "
    "a convolution reach 48 %. In a network of 27 blocks, a quarter as wide, trained for 8 epochs "
    "with the first seed and asked 150 test digits, a block less costs 4 points on average, of 92 "
    "%, in place of 20: with more blocks any but the first can be spared, as is claimed of "
    "networks of 54."
)


def trained(name, x, y, seed, quick):
    """A network of three stages on digits."""
    keras.utils.set_random_seed(seed)
    model = kc.create_model(name, input_shape=(16, 16, 1), width=0.5, weights=None)
    epochs = 3 if quick else 12
    rate = keras.optimizers.schedules.CosineDecay(0.1, epochs * -(-len(x) // 64))
    model.compile(keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
        "sparse_categorical_crossentropy", metrics=["accuracy"])  # fmt: skip
    model.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
    return model


def right(model, x, y):
    """Share of right answers, with whatever blocks there are now."""
    return float((np.array(model(x, training=False)).argmax(-1) == y).mean())


def pictures(split):
    """Digits from 0 to 1 and their classes."""
    x = np.stack([each.image[..., :1] for each in split]) / 255
    return x.astype("float32"), np.array([each.label for each in split])


def measure(seed, quick):
    """Rows of each network: whole, without one block, without several; then of the paths."""
    data = kc.data.load("digits", seed=seed, image_size=16)
    train = pictures(data.train[:128] if quick else data.train)
    test = pictures(data.test[:50] if quick else data.test)
    draw, rows = np.random.default_rng(seed), []
    for kind, name in (("residual", "resnet_20_cifar"), ("plain", "plain_20_cifar")):
        model = trained(name, *train, seed, quick)
        rows.append({"kind": kind, "gone": 0, "right": right(model, *test)})
        blocks = [b for b in kc.analysis.find_blocks(model) if b.entry.shape == b.output.shape]
        for gone in (1, 2, 4, 6):
            sets = [[block] for block in blocks]
            if gone > 1:
                sets = [draw.choice(blocks, gone, replace=False) for _ in range(5)]
            for chosen in sets[: 2 if quick else None]:
                with kc.analysis.lesion(model, list(chosen)):
                    rows.append({"kind": kind, "gone": gone, "right": right(model, *test)})
        if kind == "residual":
            paths = kc.analysis.path_gradients(
                model, test[0][:32], test[1][:32], samples=2 if quick else 8, seed=seed
            )
            weighed = paths.shares * paths.norms.mean(axis=1)
            rows += [
                {"kind": "paths", "length": length, "share": share, "gradient": part}
                for length, share, part in zip(
                    paths.lengths, paths.shares, weighed / weighed.sum(), strict=True
                )
            ]
    return rows


def judge(rows):
    """By seed: whole, damaged, and the length of paths."""
    held, ratios = [], []
    for _, part in rows.groupby("seed"):
        mean = part.groupby(["kind", "gone"])["right"].mean()
        paths = part[part["kind"] == "paths"]
        lengths = [(paths["length"] * paths[name]).sum() for name in ("gradient", "share")]
        ratios.append(lengths[0] / lengths[1])
        held.append(
            {
                "both whole": min(mean["residual", 0], mean["plain", 0]) >= 0.95,
                "the residual network without a block": mean["residual", 0] - mean["residual", 1]
                <= 0.1,
                "the plain network without a block": mean["plain", 0] - mean["plain", 1] >= 0.4,
                "the length of the paths": ratios[-1] <= 0.8,
            }
        )
    mean = rows.groupby(["kind", "gone"])["right"].mean()
    told = "; ".join(
        f"{kind} {', '.join(f'{share:.1%}' for share in mean[kind])}"
        for kind in ("residual", "plain")
    )
    return by_seed(
        held,
        f"Right whole and without 1, 2, 4 and 6 blocks: {told}. Paths that bring the gradient have "
        f"{np.mean(ratios):.2f} of the length of all.",
    )


def draw(rows, axes):
    """Right by blocks that are gone."""
    for kind in ("residual", "plain"):
        part = rows[rows["kind"] == kind]
        mean = part.groupby("gone")["right"].mean()
        axes.plot(part["gone"], part["right"], ".", alpha=0.3)
        axes.plot(mean.index, mean, "o-", color=axes.lines[-1].get_color(), label=kind)
    axes.axhline(0.1, color="k", linestyle=":", label="chance")
    axes.set(xlabel="blocks left out", ylabel="right of test digits")
    axes.legend()
