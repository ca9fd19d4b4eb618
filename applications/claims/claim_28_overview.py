"""Accuracy is not bought by weights, and operations foretell the time that inference takes.

Convolutional networks, the overview of Canziani, Paszke and Culurciello (2016). Accuracies on
ImageNet are the published ones of `kc.analysis.overview`, of networks up to that year; operations
and weights are counted from the networks themselves; the time of an image and the memory are
measured here, each in a process of its own, for ten networks: four ResNets and a plain twin, two
VGGs, AlexNet, ZFNet and SqueezeNet.
"""

import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Convolutional networks"
MINUTES = 5
SEEDS = 1
CRITERION = (
    "The rank correlation of operations and seconds an image is 0.8 or more, and that of weights "
    "and accuracy below 0.5; the network of most weights is beaten by one with at most a fifth of "
    "them; and a point of accuracy above the median network costs at least 5 times as many "
    "operations as one below it."
)
FURTHER = (
    "Times are those of idle processor cores. The same code had run before beside other work on "
    "the same two cores: operations and times went together at 0.60 only, and it failed, as "
    "ResNet-18 took 0.28 seconds for a picture, in place of 0.010, and SqueezeNet 0.28, in place "
    "of 0.005. What is counted was the same in both runs. The processor time of the ten processes "
    "was not counted yet when it ran."
)
LAST_YEAR = 2016
TIMED = ("squeezenet_1_0", "alexnet", "zfnet", "vgg_a", "vgg_d", "plain_18", "resnet_18",
    "resnet_34", "resnet_50", "resnet_101")  # fmt: skip


def measure(seed, quick):
    """A row for each network that quotes an accuracy; of some the time and the memory."""
    found = [row for row in kc.analysis.overview() if row.year <= LAST_YEAR]
    chosen = [row for row in found if row.name in TIMED[: 1 if quick else None]]
    timed = kc.analysis.measure_speed(chosen, batch_size=1 if quick else 4, repeats=3)
    speeds = {row.name: row for row in timed}
    rows = []
    for row in found:
        speed = speeds.get(row.name)
        rows.append({"network": row.name, "family": row.family, "accuracy": row.accuracy,
            "giga-operations": 2 * row.multiply_adds / 1e9,
            "million weights": row.parameters / 1e6,
            "seconds": 1 / speed.images_per_second if speed else np.nan,
            "megabytes": speed.megabytes if speed else np.nan})  # fmt: skip
    return rows


def cost_of_a_point(rows):
    """Operations for a point of accuracy below and above the median: the least that reach it.

    The frontier is of networks that none both cheaper and better leaves behind; between them it
    is straight.
    """
    ordered = rows.sort_values("giga-operations")
    frontier = ordered[ordered["accuracy"] > ordered["accuracy"].cummax().shift(fill_value=0)]
    middle = ordered["accuracy"].median()
    lowest, highest = frontier["accuracy"].min(), frontier["accuracy"].max()
    least, at, most = np.interp(
        [lowest, middle, highest], frontier["accuracy"], frontier["giga-operations"]
    )
    return (at - least) / (middle - lowest), (most - at) / (highest - middle)


def judge(rows):
    """Correlations, the heaviest network, and the cost of a point."""
    timed = rows.dropna(subset="seconds")
    by_time = timed["giga-operations"].corr(timed["seconds"], method="spearman")
    by_weight = rows["million weights"].corr(rows["accuracy"], method="spearman")
    heaviest = rows.loc[rows["million weights"].idxmax()]
    lighter = rows[
        (rows["million weights"] <= heaviest["million weights"] / 5)
        & (rows["accuracy"] > heaviest["accuracy"])
    ]
    below, above = cost_of_a_point(rows)
    held = {
        "operations and time": by_time >= 0.8,
        "weights and accuracy": by_weight < 0.5,
        "the heaviest network": len(lighter) > 0,
        "the cost of a point": above >= 5 * below,
    }
    return by_seed(
        [held],
        f"Of {len(rows)} networks: operations and time go together at {by_time:.2f} (of "
        f"{len(timed)} that were timed), weights and accuracy at {by_weight:.2f}; "
        f"{len(lighter)} networks of a fifth of the weights are better than "
        f"{heaviest['network']}; a point costs {below:.2f} billion operations below the "
        f"median and {above:.2f} above it.",
    )


def draw(rows, axes):
    """Accuracy by operations; areas are weights, numbers the milliseconds of those timed."""
    for family, part in rows.groupby("family"):
        axes.scatter(part["giga-operations"], part["accuracy"], part["million weights"],
            alpha=0.6, label=family)  # fmt: skip
    for _, each in rows.dropna(subset="seconds").iterrows():
        axes.annotate(f"{1e3 * each['seconds']:.0f} ms", (each["giga-operations"],
            each["accuracy"]), fontsize=7, xytext=(5, 4), textcoords="offset points")  # fmt: skip
    axes.set(xscale="log", xlabel="billion operations (area: weights)", ylabel="accuracy in %")
    axes.legend(fontsize=6, ncols=2, markerscale=0.5)
