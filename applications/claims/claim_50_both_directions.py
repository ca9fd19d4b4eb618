"""What is to come tells as well: two directions tag better than one of as many weights.

Recurrent networks, bidirectional networks and segments that look alike. Each letter of Python's own
library is to be called comment, string, keyword, name, number, operator or space, in pieces of 100
letters. Three networks of as many weights read forwards, backwards, and both. Beside them stands
the best that can be said of a word by itself: the class it has most often in the training text. A
word is ambiguous where a tenth or more of its occurrences there were of other classes than that.
"""

import re

import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Recurrent networks"
MINUTES = 3
CRITERION = (
    "The network with both directions makes at most 0.8 times as many mistakes as the better one "
    "with one direction, which has at least as many weights; and at most half as many in the "
    "letters of ambiguous words as calling each word what it most often is."
)
WINDOW = 100
WORD = re.compile(r"\w+")
READERS = {"forwards": 1, "backwards": -1, "both": 1}


def windows(data, split, letters, alphabet):
    """Numbers of letters from 1 on, their classes, and the texts; whole pieces alone."""
    pieces = [each for each in kc.data.tagged(data, split, window=WINDOW)
        if len(each.content) == WINDOW][: letters // WINDOW]  # fmt: skip
    x = np.array([alphabet.encode(each.content) + 1 for each in pieces])
    return x, np.array([each.target for each in pieces]), [each.content for each in pieces]


def words(texts):
    """Number of the piece, first place, last place and the word itself, of each whole word."""
    for number, text in enumerate(texts):
        for match in WORD.finditer(text):
            # At the ends of a piece a word may be cut.
            if match.start() and match.end() < len(text):
                yield number, *match.span(), match.group()


def by_word(texts, classes):
    """Of each word of the training text how often it was of which class."""
    counts = {}
    for number, first, _, word in words(texts):
        own = counts.setdefault(word, np.zeros(classes.max() + 1, int))
        own[classes[number, first]] += 1
    return counts


def learnt(name, x, y, letters, classes, epochs):
    """A network that has learnt to read in its direction, or in both."""
    both = name == "both"
    # Two directions of 44 units have fewer weights than one of 74.
    model = kc.models.tagger(classes=classes, vocabulary_size=letters, units=44 if both else 74,
        cell="gru", bidirectional=both)  # fmt: skip
    steps = -(-len(x) // 32) * epochs
    kc.training.compile_labeller(model, kc.training.cosine_adam(0.01, steps))
    order = READERS[name]
    model.fit(x[:, ::order], y[:, ::order], batch_size=32, epochs=epochs, verbose=0)
    return model


def measure(seed, quick):
    """A row for each reader, and one for the words by themselves."""
    data = kc.data.load("source_code", seed=seed)
    texts = [each.text for split in (data.train, data.test) for each in split]
    alphabet = kc.data.Alphabet.from_texts(texts)
    x, y, read = windows(data, "train", 10_000 if quick else 250_000, alphabet)
    new_x, new_y, new = windows(data, "test", 5_000 if quick else 40_000, alphabet)
    counts, rows = by_word(read, y), []
    said = {}
    for number, first, last, word in words(new):
        own = counts.get(word)
        if own is not None and own.max() <= 0.9 * own.sum():
            said[number, first, last] = own.argmax()
    ambiguous = np.zeros(new_y.shape, bool)
    alone = np.zeros_like(new_y)
    for (number, first, last), guess in said.items():
        ambiguous[number, first:last], alone[number, first:last] = True, guess
    for name, order in READERS.items():
        model = learnt(name, x, y, len(alphabet) + 1, len(data.info.classes), 1 if quick else 4)
        found = model.predict(new_x[:, ::order], verbose=0).argmax(-1)[:, ::order]
        rows.append({"reader": name, "weights": model.count_params(),
            "wrong": float((found != new_y).mean()),
            "wrong if ambiguous": float((found != new_y)[ambiguous].mean())})  # fmt: skip
    wrong = float((alone != new_y)[ambiguous].mean())
    rows.append({"reader": "word by itself", "weights": len(counts), "wrong if ambiguous": wrong})
    return rows


def judge(rows):
    """By seed: mistakes of both directions beside those of one, and of the word by itself."""
    held = []
    for _, part in rows.groupby("seed"):
        table = part.set_index("reader")
        one, wrong = table.loc[["forwards", "backwards"]], table["wrong if ambiguous"]
        held.append(
            {
                "mistakes against one direction": table["wrong"]["both"]
                <= 0.8 * one["wrong"].min(),
                "weights": table["weights"]["both"] <= one["weights"].min(),
                "ambiguous words": wrong["both"] <= 0.5 * wrong["word by itself"],
            }
        )
    mean = rows.groupby("reader").mean(numeric_only=True)
    told = ", ".join(f"{name} {mean['wrong'][name]:.2%}" for name in READERS)
    of_words = mean["wrong if ambiguous"]
    return by_seed(
        held,
        f"Letters called wrong: {told}. Of ambiguous words: {of_words['forwards']:.1%} forwards, "
        f"{of_words['both']:.1%} both, {of_words['word by itself']:.1%} by the word itself.",
    )


def draw(rows, axes):
    """Mistakes by reader."""
    mean = rows.groupby("reader")[["wrong", "wrong if ambiguous"]].mean()
    mean = mean.loc[[*READERS, "word by itself"]].rename(columns={"wrong": "all letters",
        "wrong if ambiguous": "letters of ambiguous words"})  # fmt: skip
    mean.plot.bar(ax=axes, rot=0, xlabel="", ylabel="share that is wrong")
