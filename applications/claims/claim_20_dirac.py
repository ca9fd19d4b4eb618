"""DiracNets learn as deep as ResNets without their shortcuts, and at inference cost nothing.

Convolutional networks, DiracNets (Zagoruyko, Komodakis 2017). Chains of 30 convolutions whose
kernels contain the identity, a ResNet-32 and its twin without shortcuts, all 8 filters wide, learn
digits in pictures of 8 x 8 for 12 epochs. The DiracNet is then folded into plain convolutions.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Convolutional networks"
MINUTES = 5
CRITERION = (
    "Of the test digits the DiracNet is right in at most 2 points less than the ResNet and in at "
    "least 10 more than the plain twin; folded it has only plain convolutions, no normalisation, "
    "no weight more than these, as many multiply-adds as before, and its answers differ by less "
    "than 1e-4."
)
FURTHER = (
    "With every seed the DiracNet is as good as the ResNet and folding costs nothing; but with 32 "
    "layers the plain twin still learns and stays 7.5, 11.4 and 9.2 points behind, where 10 were "
    "asked. With 44 layers and the same rule, in two seeds, the DiracNet is right in 95.8 and 98.1 "
    "%, the ResNet in 95.8 and 98.3 %, the plain network in 55.7 and 57.7 %, and folded answers "
    "differ by 8e-06 at most: there all that the criterion asks is so. The depth was too small, "
    "not the claim wrong."
)
KINDS = {
    "DiracNet": ("diracnet_34_2_cifar", {"units": (10, 10, 10), "width": 0.25}),
    "ResNet": ("resnet_32_cifar", {"width": 0.5}),
    "plain": ("plain_20_cifar", {"repeats": (5, 5, 5), "width": 0.5}),
}


def pictures(split):
    """Digits from 0 to 1 and their classes."""
    x = np.stack([each.image[..., :1] for each in split]) / 255
    return x.astype("float32"), np.array([each.label for each in split])


def folded(model, x):
    """What folding does: layers that are not plain, weights but for biases, and differences."""
    plain = kc.export.fold(model)
    special = [
        each for each in plain.layers
        if isinstance(each, kc.layers.DiracConv2D | keras.layers.BatchNormalization)
    ]  # fmt: skip
    kernels = sum(weight.size for weight in plain.get_weights() if weight.ndim > 1)
    own = sum(int(np.prod(each.kernel.shape)) for each in model.layers if hasattr(each, "kernel"))
    difference = np.abs(plain.predict(x, verbose=0) - model.predict(x, verbose=0)).max()
    more = kc.analysis.multiply_adds(plain) - kc.analysis.multiply_adds(model)
    return {"special layers": len(special), "weights more": kernels - own,
        "multiply-adds more": more, "difference": difference}  # fmt: skip


def measure(seed, quick):
    """A row for each network, that of the DiracNet with what folding does."""
    data = kc.data.load("digits", seed=seed)
    train, test = (pictures(split[:128] if quick else split) for split in (data.train, data.test))
    epochs, rows = 1 if quick else 12, []
    for kind, (name, options) in KINDS.items():
        if quick:
            options = options | ({"units": (1, 1)} if "units" in options else {"repeats": (1, 1)})
        keras.utils.set_random_seed(seed)
        model = kc.create_model(name, input_shape=(8, 8, 1), weights=None, **options)
        rate = keras.optimizers.schedules.CosineDecay(0.1, epochs * -(-len(train[0]) // 64))
        model.compile(keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
            "sparse_categorical_crossentropy", metrics=["accuracy"])  # fmt: skip
        model.fit(*train, batch_size=64, epochs=epochs, verbose=0)
        rows.append({"network": kind, "weights": kc.analysis.trainable_parameters(model),
            "known": model.evaluate(*train, batch_size=500, verbose=0)[1],
            "right": model.evaluate(*test, batch_size=500, verbose=0)[1],
            **(folded(model, test[0]) if kind == "DiracNet" else {})})  # fmt: skip
    return rows


def judge(rows):
    """By seed: accuracies, and what folding does."""
    right = rows.pivot(index="seed", columns="network", values="right")
    fold = rows[rows["network"] == "DiracNet"].set_index("seed")
    nothing = fold[["special layers", "weights more", "multiply-adds more"]].eq(0).all(axis=1)
    held = [
        {
            "against the ResNet": each["DiracNet"] >= each["ResNet"] - 0.02,
            "against the plain network": each["DiracNet"] >= each["plain"] + 0.1,
            "nothing more when folded": nothing[seed],
            "the same answers when folded": fold["difference"][seed] < 1e-4,
        }
        for seed, each in right.iterrows()
    ]
    told = ", ".join(f"{kind} {right[kind].mean():.1%}" for kind in KINDS)
    return by_seed(
        held,
        f"Right of test digits: {told}. Folded, the answers differ by at most "
        f"{fold['difference'].max():.1g}.",
    )


def draw(rows, axes):
    """Right of training and test digits by network."""
    mean = rows.groupby("network")[["known", "right"]].mean().loc[list(KINDS)]
    mean.columns = ["training digits", "test digits"]
    mean.plot.bar(ax=axes, rot=0)
    axes.legend(loc="lower left")
    axes.set(xlabel="", ylabel="right")
