"""A network taught by pictures that fool it withstands such pictures, at little cost on others.

Boxes, pixels, seeing: adversarial training (Goodfellow et al. 2015, Madry et al. 2018). LeNet-5
learns digits three times, equally long: as they are; half from pictures that one step of FGSM makes
of them; and from such as several steps of PGD make. In none a value changes by more than 0.15 of 1.
What has learned is attacked within that by FGSM, and by PGD from two starts.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Boxes, pixels, seeing"
MINUTES = 4
CRITERION = (
    "Under PGD what learned from digits as they are is right in at most 20 %, and what learned "
    "from PGD's in at least 60 %, more than what learned from FGSM's, and in no more than three "
    "points less of the digits as they are; and both that were hardened are right under FGSM in at "
    "least 30 points more than the one that was not."
)
FURTHER = (
    "All that is asked held with every seed but two figures. Under PGD what learned from PGD's is "
    "right in 44 to 50 %, not 60, with every seed. And with the second seed it is right in 94.4 % "
    "of the digits as they are, 3.6 points less than what learned without attacks (98.0), where 3 "
    "were allowed. With the first seed and 48 epochs in place of 12 it is right in "
    "54.9 %, and in 70.5 % of digits that it learned from; what learned from FGSM's falls to 29.0 "
    "% under PGD while it is right in 68.0 % under FGSM, so that one step is learned for its own "
    "sake. Longer training helps, and 1,295 digits are few: the gap between learned and new "
    "digits is 16 points."
)
EPSILON, METHODS = 0.15, ("plain", "fgsm", "pgd")


def pictures(split):
    """Digits from 0 to 1 and their classes."""
    x = np.stack([each.image[..., :1] for each in split]) / 255
    return x.astype("float32"), np.array([each.label for each in split])


def learned(method, x, y, epochs, seed):
    """LeNet-5, taught so."""
    keras.utils.set_random_seed(seed)
    model = kc.create_model("lenet_5_modern", weights=None)
    learner = model
    if method != "plain":
        steps = 5 if method == "pgd" else None
        learner = kc.training.AdversarialModel(
            model, method=method, epsilon=EPSILON, bounds=(0, 1), steps=steps, seed=seed
        )
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * -(-len(x) // 32))
    learner.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    learner.fit(x, y, batch_size=32, epochs=epochs, verbose=0)
    return model


def several_starts(model, images, labels, **options):
    """PGD that begins twice."""
    return kc.analysis.fooling.pgd(model, images, labels, steps=20, restarts=2, **options)


def measure(seed, quick):
    """A row for each way of learning."""
    data = kc.data.load("digits", seed=seed, image_size=32)
    x, y = pictures(data.train[:32] if quick else data.train)
    test, labels = pictures(data.test[:10] if quick else data.test)
    attacks = {"under FGSM": kc.analysis.fooling.fgsm, "under PGD": several_starts}
    rows = []
    for method in METHODS:
        model = learned(method, x, y, 1 if quick else 12, seed)
        found = kc.analysis.fooling.robustness(
            model, (test, labels), attacks, epsilon=EPSILON, bounds=(0, 1), seed=seed
        )
        rows.append({"learned from": method, "as they are": found.clean,
            **found.table.iloc[0].to_dict()})  # fmt: skip
    return rows


def judge(rows):
    """By seed: under attack, and without."""
    held = []
    for _, part in rows.groupby("seed"):
        table = part.set_index("learned from")
        clean, fast, strong = (table[x] for x in ("as they are", "under FGSM", "under PGD"))
        held.append(
            {
                "without hardening at most 20 % under PGD": strong["plain"] <= 0.2,
                "60 % under PGD": strong["pgd"] >= 0.6,
                "PGD before FGSM under PGD": strong["pgd"] > strong["fgsm"],
                "digits as they are": clean["pgd"] >= clean["plain"] - 0.03,
                "30 points under FGSM": min(fast["fgsm"], fast["pgd"]) >= fast["plain"] + 0.3,
            }
        )
    mean = rows.groupby("learned from")[["as they are", "under FGSM", "under PGD"]].mean()
    told = "; ".join(
        f"{method} {', '.join(f'{share:.1%}' for share in mean.loc[method])}" for method in METHODS
    )
    return by_seed(held, f"Right of test digits as they are, under FGSM and under PGD: {told}.")


def draw(rows, axes):
    """Right answers by attack."""
    figures = ["as they are", "linf noise", "under FGSM", "under PGD"]
    places = range(len(figures))
    for method in METHODS:
        part = rows[rows["learned from"] == method][figures]
        axes.plot(places, part.mean(), "o-", label=method)
        axes.plot(places, part.T, ".", color=axes.lines[-1].get_color(), alpha=0.4)
    axes.set_xticks(places, figures)
    axes.set(ylabel="right of test digits", ylim=(-0.03, 1.03))
    axes.legend(title="learned from")
