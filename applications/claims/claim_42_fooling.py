"""Every digit is misread after a change that noise of its size never does; others misread it too.

Boxes, pixels, seeing: adversarial examples (Szegedy et al. 2014, Goodfellow et al. 2015,
Moosavi-Dezfooli et al. 2016). LeNet-5 learns digits. DeepFool then looks for the least change by
which it misreads a picture, and of PGD's pictures, of which no value was changed by more than 0.2
of 1, another LeNet-5, of another start and half the data, and an MLP are asked as well.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Boxes, pixels, seeing"
MINUTES = 2
CRITERION = (
    "DeepFool fools LeNet-5 in every test digit that all three networks read, by a change whose "
    "length is in the median at most a quarter of the picture's, where noise as long fools it in "
    "at most 2 %; and of the pictures by which PGD fools it, within 0.2, another LeNet-5 misreads "
    "at least half and an MLP a quarter, of which noise of 0.2 makes either misread at most 5 %."
)
EPSILON, OTHERS = 0.2, ("another LeNet-5", "an MLP")
LEAST, WITHIN = "LeNet-5, least change", "LeNet-5, within 0.2"


def pictures(split):
    """Digits from 0 to 1 and their classes."""
    x = np.stack([each.image[..., :1] for each in split]) / 255
    return x.astype("float32"), np.array([each.label for each in split])


def mlp():
    """Two hidden layers."""
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((32, 32, 1)), layers.Flatten(), layers.Dense(256, "relu"),
         layers.Dense(128, "relu"), layers.Dense(10, "softmax")]
    )  # fmt: skip


def learned(model, x, y, steps):
    """The model after so many steps of Adam, whose rate falls to 0."""
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    order = np.random.default_rng(0)
    shown = np.concatenate([order.permutation(len(x)) for _ in range(-(-steps * 32 // len(x)))])
    shown = shown[: steps * 32]
    model.fit(x[shown], y[shown], batch_size=32, shuffle=False, verbose=0)
    return model


def wrong(model, x, y):
    """Which digits are misread."""
    return model.predict(x, verbose=0).argmax(-1) != y


def lengths(x):
    """Euclidean lengths of pictures."""
    return np.sqrt(np.square(x).sum(axis=(1, 2, 3)))


def measure(seed, quick):
    """A row for each network: what is fooled, by what."""
    data = kc.data.load("digits", seed=seed, image_size=32)
    x, y = pictures(data.train)
    test, labels = pictures(data.test[:5] if quick else data.test)
    steps, half = 2 if quick else 400, len(x) // 2
    model = learned(kc.create_model("lenet_5_modern", weights=None), x[:half], y[:half], steps)
    other = learned(kc.create_model("lenet_5_modern", weights=None), x[half:], y[half:], steps)
    others = dict(zip(OTHERS, (other, learned(mlp(), x[half:], y[half:], steps)), strict=True))
    if not quick:
        read = ~np.any([wrong(each, test, labels) for each in (model, *others.values())], axis=0)
        test, labels = test[read], labels[read]
    draw = np.random.default_rng(seed)
    # The nearest boundary is that of a class that is likely already.
    least = kc.analysis.fooling.deepfool(model, test, labels, bounds=(0, 1), candidates=4)
    size = lengths(least - test)
    noise = draw.normal(size=test.shape).astype("float32")
    noise *= (size / lengths(noise))[:, None, None, None]
    rows = [{"model": LEAST, "fooled": wrong(model, least, labels).mean(),
        "by noise": wrong(model, test + noise, labels).mean(),
        "length": np.median(size / lengths(test))}]  # fmt: skip
    made = kc.analysis.fooling.pgd(model, test, labels, epsilon=EPSILON, bounds=(0, 1), steps=20)
    fooled = wrong(model, made, labels)
    noisy = np.clip(test + EPSILON * draw.choice([-1, 1], test.shape), 0, 1).astype("float32")
    rows.append({"model": WITHIN, "fooled": fooled.mean(),
        "by noise": wrong(model, noisy, labels).mean()})  # fmt: skip
    for name, each in others.items():
        rows.append({"model": name, "fooled": wrong(each, made[fooled], labels[fooled]).mean()
            if fooled.any() else 0.0, "by noise": wrong(each, noisy, labels).mean()})  # fmt: skip
    return rows


def judge(rows):
    """By seed: every digit, small steps, transfer."""
    held = []
    for _, part in rows.groupby("seed"):
        table = part.set_index("model")
        fooled, noise = table["fooled"], table["by noise"]
        held.append(
            {
                "every digit": fooled[LEAST] == 1,
                "the length of the change": table["length"][LEAST] <= 0.25,
                "noise as long": noise[LEAST] <= 0.02,
                "another LeNet-5": fooled[OTHERS[0]] >= 0.5,
                "the MLP": fooled[OTHERS[1]] >= 0.25,
                "noise of 0.2": max(noise[each] for each in OTHERS) <= 0.05,
            }
        )
    mean = rows.groupby("model")[["fooled", "by noise", "length"]].mean()
    fooled, noise = mean["fooled"], mean["by noise"]
    told = " and ".join(f"{each} misreads {fooled[each]:.1%}" for each in OTHERS)
    return by_seed(
        held,
        f"DeepFool fools LeNet-5 in {fooled[LEAST]:.1%} of the digits that all read, by "
        f"changes of {mean['length'][LEAST]:.3f} of a picture's length in the median; noise as "
        f"long does in {noise[LEAST]:.1%}. Within 0.2 PGD fools it in "
        f"{fooled[WITHIN]:.1%}; of these pictures {told}. With noise of 0.2 alone they misread "
        f"{noise[OTHERS[0]]:.1%} and {noise[OTHERS[1]]:.1%}.",
    )


def draw(rows, axes):
    """Fooled, beside noise."""
    names = list(rows["model"].unique())
    places = [names.index(name) for name in rows["model"]]
    for figure in ("fooled", "by noise"):
        mean = rows.groupby("model", sort=False)[figure].mean()
        axes.plot(range(len(names)), mean, "_", markersize=24, label=figure)
        axes.plot(places, rows[figure], ".", color=axes.lines[-1].get_color(), alpha=0.5)
    axes.set_xticks(range(len(names)), names)
    axes.set(ylabel="misread", ylim=(-0.03, 1.03))
    axes.legend()
