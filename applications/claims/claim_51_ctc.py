"""Learning the order of labels by CTC does as well as learning the label of every frame.

Recurrent networks, connectionist temporal classification (Graves et al. 2006). Lines of three to
six scanned digits with gaps of one to three columns are read column by column, by a bidirectional
LSTM that says a digit or nothing at each. It learns from the digits' order alone by CTC; from the
digit in every column, which only whoever cut the line knows; and from the same guessed, as if all
digits were spread evenly over the line. What was said is read alike: repetitions and nothing are
left out. Batches, steps and rate are about those of `applications/labelling.py`; the network is
smaller.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Recurrent networks"
MINUTES = 5
CRITERION = (
    "Of new digits in new lines CTC gets at most 10 % wrong, at most as many as learning every "
    "column where the digits truly are, and at most half as many as learning every column where "
    "they are guessed to be."
)
FURTHER = (
    "Learning from true places makes 2.8 to 3.3 times the mistakes of CTC. Both are read alike, so "
    "that one wrong column amid a digit makes a digit more: CTC says nothing in nine of ten "
    "columns, what learned from true places in half of them. How much of the difference is this "
    "reading, and would go if the columns' answers were smoothed, was not looked into."
)
WIDTH, EPOCHS = 68, 16


def lines(seed, split, count, draw):
    """Columns `(lines, width, 8)`, the digits of each line, and what each column belongs to."""
    part = kc.data.collect(getattr(kc.data.load("digits", seed=seed), split), "label")
    columns = part.images[..., 0].transpose(0, 2, 1) / 255
    x = np.zeros((count, WIDTH, columns.shape[-1]), "float32")
    places, digits = np.zeros((count, WIDTH), int), []
    for line in range(count):
        chosen = draw.integers(0, len(columns), draw.integers(3, 7))
        at = 0
        for number in chosen:
            at += draw.integers(1, 4)
            x[line, at : at + 8] = columns[number]
            # The blank is label 0.
            places[line, at : at + 8] = part.labels[number] + 1
            at += 8
        digits.append((part.labels[chosen] + 1).tolist())
    return x, digits, places


def guessed(x, digits):
    """The digits of a line, evenly over what is written of it, with a blank behind each."""
    places = np.zeros(x.shape[:2], int)
    for row, own, line in zip(places, digits, x, strict=True):
        ends = np.linspace(0, np.flatnonzero(line.any(1))[-1] + 1, len(own) + 1).round().astype(int)
        for label, first, last in zip(own, ends[:-1], ends[1:], strict=True):
            row[first : last - 1] = label
    return places


def measure(seed, quick):
    """A row for each way to learn."""
    draw = np.random.default_rng(seed)
    x, digits, places = lines(seed, "train", 64 if quick else 2000, draw)
    new, wanted, _ = lines(seed, "test", 50 if quick else 400, draw)
    padded = np.array([own + [0] * (6 - len(own)) for own in digits])
    frames = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    ways = {
        "order (CTC)": (kc.training.CTCLoss(), padded),
        "true places": (frames, places),
        "guessed places": (frames, guessed(x, digits)),
    }
    rows, epochs = [], 1 if quick else EPOCHS
    for name, (loss, targets) in ways.items():
        keras.utils.set_random_seed(seed)
        model = kc.models.ctc_recognizer(labels=10, input_shape=(WIDTH, x.shape[-1]), units=48)
        model.compile(kc.training.cosine_adam(0.005, -(-len(x) // 32) * epochs), loss)

        def read(lines):
            return {"sequence": lines, "length": np.full(len(lines), WIDTH, "int32")}

        model.fit(read(x), targets, batch_size=32, epochs=epochs, verbose=0)
        logits = model.predict(read(new), batch_size=100, verbose=0)
        said = keras.ops.convert_to_numpy(kc.decoding.ctc_greedy(logits).ids[:, 0])
        found = [[label for label in row if label] for row in said.tolist()]
        figures = kc.training.labelling_metrics(found, wanted)
        rows.append({"learnt from": name, "wrong": figures["label error rate"],
            "lines right": figures["sequences right"],
            "nothing said": float((logits.argmax(-1) == 0).mean())})  # fmt: skip
    return rows


def judge(rows):
    """By seed: mistakes by what was learnt from."""
    held = []
    for _, part in rows.groupby("seed"):
        wrong = part.set_index("learnt from")["wrong"]
        held.append(
            {
                "10 % wrong": wrong["order (CTC)"] <= 0.1,
                "against true places": wrong["order (CTC)"] <= wrong["true places"],
                "against guessed places": wrong["order (CTC)"] <= 0.5 * wrong["guessed places"],
            }
        )
    mean = rows.groupby("learnt from").mean(numeric_only=True)
    told = ", ".join(f"{name} {each['wrong']:.1%}" for name, each in mean.iterrows())
    quiet = mean["nothing said"]
    return by_seed(
        held,
        f"Digits wrong, by what was learnt from: {told}. Nothing is said in "
        f"{quiet['order (CTC)']:.0%} of the columns after CTC, in {quiet['true places']:.0%} after "
        "true places.",
    )


def draw(rows, axes):
    """Mistakes by what was learnt from."""
    for seed, part in rows.groupby("seed"):
        axes.plot(range(len(part)), part["wrong"], "o", label=f"seed {seed}")
    ways = part["learnt from"]
    axes.set(ylabel="digits wrong", yscale="log", xticks=range(len(ways)), xticklabels=ways)
    axes.legend()
