"""Networks can be pruned, share weights and be written in eight bits; teachers help.

Convolutional networks, compression: Han, Mao, Dally (2016) and Hinton, Vinyals, Dean (2015).
LeNet-5 learns digits; of its weights nine in ten are made zero and the rest learns on; the rest
then share 32 values a layer, whose names are coded; the whole network is written in eight bits; and
a network of a quarter of its width learns 150 digits by labels alone, and by what LeNet-5 says.
"""

import tempfile
from pathlib import Path

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Convolutional networks"
MINUTES = 5
CRITERION = (
    "Pruned to a tenth, shared and coded, the kernels take at most a 30th of their bytes, and in "
    "eight bits, zipped, at most a third; neither loses more than half a point of the test "
    "digits; and with the teacher the small network is right in more of them than by labels alone."
)


FURTHER = (
    "A 35th of the bytes, eight bits for 0.3 points at most and a student that is better by 6 to "
    "8 points are there with every seed; what is undecided is pruning to a tenth, which costs 2 "
    "points with two seeds and nothing with the third. Pruned to a fifth, tried with the first "
    "seed, it costs 0.8 points in place of 2.0, shared and coded as well, for a 20th of the "
    "bytes: 60,000 weights have less to spare than the millions the papers had."
)


def pictures(split):
    """Digits from 0 to 1 and their classes as one-hot vectors."""
    x = np.stack([each.image[..., :1] for each in split]) / 255
    return x.astype("float32"), keras.utils.to_categorical([each.label for each in split], 10)


def taught(model, x, y, steps, first, *callbacks):
    """The model after so many steps of Adam, whose rate falls to 0."""
    rate = keras.optimizers.schedules.CosineDecay(first, steps)
    model.compile(keras.optimizers.Adam(rate), "categorical_crossentropy")
    order = np.random.default_rng(0)
    shown = np.concatenate([order.permutation(len(x)) for _ in range(-(-steps * 32 // len(x)))])
    shown = shown[: steps * 32]
    model.fit(x[shown], y[shown], batch_size=32, shuffle=False, verbose=0, callbacks=callbacks)
    return model


def right(answers, y):
    """Share of right answers."""
    return float((np.asarray(answers).argmax(-1) == y.argmax(-1)).mean())


def in_eight_bits(model, samples, pictures):
    """What the model answers from a file of eight bits, and how large that is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        kc.export.quantize(model, path, samples, "onnx")
        file = kc.export.reopen(path)
        (name,) = file.inputs
        answers = [next(iter(file({name: each[None]}).values()))[0] for each in pictures]
        return answers, kc.compression.zipped_bytes(path)


def student(x, y, teacher, steps, seed):
    """A narrow LeNet-5, by labels or by a teacher."""
    keras.utils.set_random_seed(seed)
    model = kc.create_model("lenet_5_modern", width=0.25, weights=None)
    learner = kc.compression.distiller(model, teacher, temperature=4.0) if teacher else model
    taught(learner, x, y, steps, 3e-3)
    return model


def measure(seed, quick):
    """A row for each form of the network, then for the two students."""
    data = kc.data.load("digits", seed=seed, image_size=32)
    x, y = pictures(data.train)
    test, labels = pictures(data.test)
    model = kc.create_model("lenet_5_modern", weights=None)
    taught(model, x, y, 5 if quick else 600, 2e-3)
    teacher = keras.models.clone_model(model)
    teacher.set_weights(model.get_weights())
    whole = 4 * sum(weight.size for weight in model.get_weights() if weight.ndim > 1)
    rows = [{"form": "whole", "right": right(model.predict(test, verbose=0), labels),
        "bytes": whole}]  # fmt: skip
    answers, size = in_eight_bits(model, x[:50], test[: 20 if quick else None])
    rows.append({"form": "eight bits", "right": right(answers, labels[: len(answers)]),
        "bytes": size})  # fmt: skip
    steps = 3 if quick else 300
    pruning = kc.callbacks.Pruning(0.9, begin=0, end=max(2, steps // 2), every=max(1, steps // 20))
    taught(model, x, y, steps, 1e-3, pruning)
    pruned = right(model.predict(test, verbose=0), labels)
    shared = kc.compression.share_weights(model, 5)
    taught(model, x, y, steps // 3, 3e-4, kc.callbacks.HoldWeights(shared))
    sizes = shared.sizes().iloc[-1]
    rows += [
        {"form": "pruned", "right": pruned, "bytes": sizes["pruned"]},
        {"form": "shared and coded", "bytes": sizes["coded"],
         "right": right(model.predict(test, verbose=0), labels)},
    ]  # fmt: skip
    few = x[:150], y[:150]
    for name, its_teacher in (("by labels", None), ("by the teacher", teacher)):
        model = student(*few, its_teacher, 3 if quick else 400, seed)
        rows.append({"form": name, "right": right(model.predict(test, verbose=0), labels)})
    return rows


def judge(rows):
    """By seed: bytes, what is lost, and the student."""
    share = rows.pivot(index="seed", columns="form", values="right")
    size = rows.pivot(index="seed", columns="form", values="bytes")
    held = [
        {
            "a 30th of the bytes": size["shared and coded"][seed] <= size["whole"][seed] / 30,
            "a third of the bytes": size["eight bits"][seed] <= size["whole"][seed] / 3,
            "digits lost by pruning": each["shared and coded"] >= each["whole"] - 0.005,
            "digits lost by eight bits": each["eight bits"] >= each["whole"] - 0.005,
            "the teacher": each["by the teacher"] > each["by labels"],
        }
        for seed, each in share.iterrows()
    ]
    told = ", ".join(
        f"{form} {share[form].mean():.1%}"
        + (f" ({size[form].mean():,.0f} bytes)" if size[form].notna().all() else "")
        for form in rows["form"].unique()
    )
    return by_seed(held, f"Right of test digits: {told}.")


def draw(rows, axes):
    """Right by form, with the kilobytes of those whose size was measured; dots are seeds."""
    forms = list(rows["form"].unique())
    size = rows.groupby("form")["bytes"].mean() / 1e3
    names = [f"{form}\n{size[form]:.0f} kB" if size.notna()[form] else f"student\n{form}"
             for form in forms]  # fmt: skip
    for place, form in enumerate(forms):
        part = rows[rows["form"] == form]["right"]
        axes.plot(place, part.mean(), "k_", markersize=28)
        axes.plot([place] * len(part), part, "o", color="C0", alpha=0.6)
    axes.set_xticks(range(len(forms)), names, fontsize=8)
    axes.set(ylabel="right of test digits")
