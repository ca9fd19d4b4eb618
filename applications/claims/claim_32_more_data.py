"""More data help, and so do moved, turned and resized copies of what there is.

Convolutional networks, data and augmentation. LeNet-5 learns 60 to 1,200 digits, as they are and
with copies that are moved, turned and resized by chance anew in each epoch, in as many steps
always. Test digits are shown as they are, and changed once in the same ways.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Convolutional networks"
MINUTES = 5
CRITERION = (
    "With each doubling or more of the digits fewer of the test digits are answered wrong, whether "
    "there are copies or not; copies leave at most three quarters of the mistakes with 60 and with "
    "250 digits; and of changed test digits at most half of the mistakes with any number."
)
FURTHER = (
    "More digits leave fewer mistakes in all 24 comparisons and copies in all 18, of digits as "
    "they are and of changed ones; what failed is how much copies were asked to help: they leave "
    "67 to 84 % of the mistakes with 60 digits and 67 to 89 % with 250, and of the mistakes on "
    "changed digits 36 to 72 %. They help most where test digits are changed as the copies are "
    "and where digits are many."
)
COUNTS = (60, 250, 1200)


def changed(x, seed):
    """Pictures moved, turned and resized by chance."""
    steps = [
        keras.layers.RandomTranslation(0.08, 0.08, fill_mode="constant", seed=seed),
        keras.layers.RandomRotation(0.04, fill_mode="constant", seed=seed + 1),
        keras.layers.RandomZoom(0.1, fill_mode="constant", seed=seed + 2),
    ]
    for step in steps:
        x = step(x, training=True)
    return np.array(x)


def learnt(x, y, copies, steps, seed):
    """LeNet-5 after so many steps, each pass over the digits with other copies."""
    keras.utils.set_random_seed(seed)
    model = kc.create_model("lenet_5_modern", weights=None)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    draw = np.random.default_rng(seed)
    passes = -(-steps * 30 // len(x))
    shown = np.concatenate([draw.permutation(len(x)) for _ in range(passes)])[: steps * 30]
    pictures = x[shown]
    if copies:
        pictures = changed(pictures, seed)
    model.fit(pictures, y[shown], batch_size=30, shuffle=False, verbose=0)
    return model


def measure(seed, quick):
    """A row for each number of digits, with copies and without."""
    data = kc.data.load("digits", seed=seed, image_size=32)
    x, test = (np.stack([each.image[..., :1] for each in split]).astype("float32") / 255
               for split in (data.train, data.test))  # fmt: skip
    y, labels = (np.array([each.label for each in split]) for split in (data.train, data.test))
    other = changed(test, 1000 + seed)
    rows = []
    for count in COUNTS[:1] if quick else COUNTS:
        for copies in (False, True):
            model = learnt(x[:count], y[:count], copies, 5 if quick else 500, seed)
            wrong, wrong_changed = (
                (model.predict(each, verbose=0).argmax(-1) != labels).mean()
                for each in (test, other)
            )
            rows.append({"digits": count, "copies": copies, "wrong": wrong,
                "wrong when changed": wrong_changed})  # fmt: skip
    return rows


def judge(rows):
    """By seed: more digits, and copies."""
    held = []
    for _, part in rows.groupby("seed"):
        table = part.pivot(index="digits", columns="copies")
        wrong, other = table["wrong"], table["wrong when changed"]
        few = wrong[wrong.index <= 250]
        held.append(
            {
                "fewer mistakes with more digits": (wrong.diff().dropna() < 0).all(axis=None),
                "copies of few digits": (few[True] <= 0.75 * few[False]).all(),
                "changed digits": (other[True] <= 0.5 * other[False]).all(),
            }
        )
    mean = rows.groupby(["copies", "digits"])[["wrong", "wrong when changed"]].mean()
    told = "; ".join(
        f"{'with' if copies else 'without'} copies "
        f"{', '.join(f'{share:.1%}' for share in mean.loc[copies]['wrong'])}, of changed digits "
        f"{', '.join(f'{share:.1%}' for share in mean.loc[copies]['wrong when changed'])}"
        for copies in (False, True)
    )
    counts = ", ".join(str(count) for count in sorted(rows["digits"].unique()))
    return by_seed(held, f"Wrong after {counts} digits: {told}.")


def draw(rows, axes):
    """Mistakes by number of digits."""
    mean = rows.groupby(["copies", "digits"])[["wrong", "wrong when changed"]].mean()
    for copies, colour in ((False, "C0"), (True, "C1")):
        name = "with copies" if copies else "without copies"
        part = mean.loc[copies]
        axes.loglog(part.index, part["wrong"], "o-", color=colour, label=name)
        axes.loglog(part.index, part["wrong when changed"], "o:", color=colour,
            label=f"{name}, changed digits")  # fmt: skip
    axes.set(xlabel="digits that taught", ylabel="wrong of test digits")
    axes.legend(fontsize=8)
