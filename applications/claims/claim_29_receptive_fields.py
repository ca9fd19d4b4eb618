"""Small convolutions see linearly more with depth; dilation or pooling makes it exponential.

Convolutional networks, receptive fields: VGG's small kernels, pooling, dilated convolutions. Chains
of 3 x 3 convolutions, plain, with a dilation that doubles, and with pooling behind each, are asked
twice what a unit in the middle sees: by `kc.analysis.receptive_field`, which reads the layers, and
by pictures of a single white pixel, which counts those that change the unit's answer.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Convolutional networks"
MINUTES = 1
SEEDS = 1
CRITERION = (
    "For up to 6 layers both ways of asking give 2n + 1 pixels for n plain convolutions, "
    "2^(n+1) - 1 for dilated and 3 * 2^n - 2 for pooled ones; the dilated have no weight more than "
    "the plain; and three plain ones see what one of 7 x 7 does with at most 0.56 of its weights."
)
SEEN = {
    "plain": lambda n: 2 * n + 1,
    "dilated": lambda n: 2 ** (n + 1) - 1,
    "pooled": lambda n: 3 * 2**n - 2,
}
HEIGHT, WIDTH = 64, 512


def chain(kind, depth, kernel=3, channels=1):
    """Convolutions of ones, so that whatever a unit sees adds to what it says."""
    model = keras.Sequential([keras.Input((HEIGHT, WIDTH, channels))])
    for index in range(depth):
        model.add(keras.layers.Conv2D(channels, kernel, padding="same", use_bias=False,
            dilation_rate=2**index if kind == "dilated" else 1,
            kernel_initializer="ones", name=f"conv{index}"))  # fmt: skip
        if kind == "pooled":
            model.add(keras.layers.MaxPooling2D(name=f"pool{index}"))
    return model


def pixels_seen(model):
    """Of the pixels in the row of a unit in the middle, those that alone change its answer."""
    pictures = np.zeros((WIDTH, HEIGHT, WIDTH, 1), "float32")
    pictures[np.arange(WIDTH), HEIGHT // 2, np.arange(WIDTH)] = 1
    answers = model.predict(pictures, batch_size=64, verbose=0)[..., 0]
    _, rows, columns = answers.shape
    return int((answers[:, rows // 2, columns // 2] > 0).sum())


def measure(seed, quick):
    """A row for each kind of chain and depth, then one for a single kernel of 7 x 7."""
    rows = []
    for kind in SEEN:
        for depth in range(1, 4 if quick else 7):
            model = chain(kind, depth)
            field = kc.analysis.receptive_field(model, model.layers[-1].name)
            rows.append({"kind": kind, "layers": depth, "by reading": field.size[1],
                "by asking": pixels_seen(model), "formula": SEEN[kind](depth),
                "weights": model.count_params()})  # fmt: skip
    many, one = chain("plain", 3, channels=16), chain("plain", 1, kernel=7, channels=16)
    field = kc.analysis.receptive_field(many, many.layers[-1].name)
    rows.append({"kind": "three in place of 7 x 7", "layers": 3, "by reading": field.size[1],
        "formula": 7, "weights": many.count_params() / one.count_params()})  # fmt: skip
    return rows


def judge(rows):
    """Both ways as the formulas say, and weights."""
    chains = rows[rows["kind"].isin(SEEN)]
    weights = chains.pivot(index="layers", columns="kind", values="weights")
    swapped = rows[rows["kind"] == "three in place of 7 x 7"].iloc[0]
    held = {
        "by reading": (chains["by reading"] == chains["formula"]).all(),
        "by asking": (chains["by asking"] == chains["formula"]).all(),
        "weights of dilated chains": (weights["plain"] == weights["dilated"]).all(),
        "three see what 7 x 7 does": swapped["by reading"] == 7,
        "weights of three": swapped["weights"] <= 0.56,
    }
    deepest = chains[chains["layers"] == chains["layers"].max()].set_index("kind")
    told = ", ".join(f"{deepest['by asking'][kind]:.0f} {kind}" for kind in SEEN)
    return by_seed(
        [held],
        f"After {deepest['layers'].max()} layers a unit sees this many pixels across: {told}. "
        f"Three kernels of 3 x 3 have {swapped['weights']:.2f} of the weights of one of 7 x 7.",
    )


def draw(rows, axes):
    """Pixels by layers."""
    for kind in SEEN:
        part = rows[rows["kind"] == kind]
        axes.semilogy(part["layers"], part["by asking"], "o", label=kind)
        axes.semilogy(part["layers"], part["formula"], "k:", linewidth=1)
    axes.set(xlabel="layers", ylabel="pixels across that a unit sees")
    axes.legend(title="dotted: the formulas")
