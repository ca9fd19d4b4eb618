"""A recurrent network knows a spoken word however long it takes; a fixed window of time does not.

Recurrent networks, what the state does with time. So that all may run it, speech is drawn: six
sounds of 12 bands each, ten words of four of them, in which the order counts, each sound 3 to 7
frames long, in another voice and noise each time. A GRU and a dense network over a window of 60
frames, with more weights, learn words as they are said, and are then asked about new ones said from
twice as fast to twice as slowly. (Of real digits, `applications/labelling.py --task word` knows
0.967 at their own pace and 0.925 twice as slowly, as `package/docs/measured.md` has it.)
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Recurrent networks"
MINUTES = 2
CRITERION = (
    "Both networks know 95 % or more of the new words as they are said; at every pace from half to "
    "twice as long the GRU knows 85 % or more; the dense network knows less than 60 % of those "
    "said twice as slowly and of those said twice as fast."
)
SOUNDS, BANDS, WORDS, WINDOW = 6, 12, 10, 60
PACES = (0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0)


def language(draw):
    """The sounds, and words whose neighbouring sounds differ."""
    sounds = draw.normal(size=(SOUNDS, BANDS))
    words = set()
    while len(words) < WORDS:
        word = tuple(draw.integers(0, SOUNDS, 4).tolist())
        if all(one != other for one, other in zip(word, word[1:], strict=False)):
            words.add(word)
    return sounds, sorted(words)


def said(word, sounds, draw):
    """A word as somebody says it, float32 `(frames, bands)`."""
    frames = np.repeat(sounds[list(word)], draw.integers(3, 8, len(word)), axis=0)
    # A sound comes out of the one before it.
    frames[1:] = (frames[1:] + frames[:-1]) / 2
    return (frames + 0.5 * draw.normal(size=BANDS)).astype("float32")


def heard(spoken, pace, draw):
    """Words at a pace, with noise of their own, in windows with silence behind."""
    window = np.zeros((len(spoken), WINDOW, BANDS), "float32")
    for row, frames in zip(window, spoken, strict=True):
        paced = kc.data.stretched(frames, pace)
        row[: len(paced)] = paced + 0.3 * draw.normal(size=paced.shape)
    return window


def networks():
    """A recurrent network, and a dense one with more weights."""
    recurrent = kc.models.sequence_classifier(
        classes=WORDS, input_size=BANDS, cell="gru", units=48, bidirectional=False
    )
    dense = keras.Sequential([keras.Input((WINDOW, BANDS)), keras.layers.Flatten(),
        keras.layers.Dense(64, "relu"), keras.layers.Dense(WORDS, "softmax")])  # fmt: skip
    return {"GRU": recurrent, "dense": dense}


def measure(seed, quick):
    """A row for each network and pace."""
    draw, rows = np.random.default_rng(seed), []
    sounds, words = language(draw)
    x, y = [], []
    for count in (200, 100) if quick else (3000, 500):
        labels = draw.integers(0, WORDS, count)
        x.append([said(words[label], sounds, draw) for label in labels])
        y.append(labels)
    epochs = 1 if quick else 15
    for name, model in networks().items():
        steps = -(-len(x[0]) // 32) * epochs
        kc.training.compile_labeller(model, kc.training.cosine_adam(0.005, steps))
        model.fit(heard(x[0], 1.0, draw), y[0], batch_size=32, epochs=epochs, verbose=0)
        for pace in PACES:
            found = model.predict(heard(x[1], pace, draw), verbose=0).argmax(-1)
            rows.append({"network": name, "weights": model.count_params(), "pace": pace,
                "right": float((found == y[1]).mean())})  # fmt: skip
    return rows


def judge(rows):
    """By seed: what is known at each pace."""
    held = []
    for _, part in rows.groupby("seed"):
        right = part.pivot_table(index="pace", columns="network", values="right")
        held.append(
            {
                "words as they are said": (right.loc[1.0] >= 0.95).all(),
                "the GRU at every pace": (right["GRU"] >= 0.85).all(),
                "the dense network twice as fast or slow": (right["dense"][[0.5, 2.0]] < 0.6).all(),
            }
        )
    mean = rows.pivot_table(index="network", columns="pace", values="right")
    told = "; ".join(
        f"{name} {each[0.5]:.1%}, {each[1.0]:.1%} and {each[2.0]:.1%}"
        for name, each in mean.iterrows()
    )
    return by_seed(held, f"Words known said twice as fast, as they are, twice as slowly: {told}.")


def draw(rows, axes):
    """What is known, by pace."""
    for name, part in rows.groupby("network"):
        own = part.groupby("pace")["right"]
        axes.semilogx(own.mean().index, own.mean(), "o-", label=name)
        axes.fill_between(own.mean().index, own.min(), own.max(), alpha=0.2)
    axes.set(xlabel="how many times as long as when learnt", ylabel="words known", ylim=(0, 1.02),
        xticks=PACES, xticklabels=PACES)  # fmt: skip
    axes.legend()
