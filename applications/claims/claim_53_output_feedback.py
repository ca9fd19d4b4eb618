"""Without its own outputs fed back, a network draws each step by itself, whatever it drew before.

Recurrent networks, output feedback and what the outputs know of each other. What is to be written
is six times the same letter, all of them a or all b, by chance: nothing that is read tells which.
One network is told at each step what it has written, one only that a step has passed, with as many
units. Both write 2,000 words, drawing every letter from what they say.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Recurrent networks"
MINUTES = 1
CRITERION = (
    "Both say a in 45 to 55 % of the letters; with feedback 99 % or more of the words are of one "
    "letter; without, at most 5 %, where 2 in 64 are so by chance, and two neighbours agree in 45 "
    "to 55 %."
)
STEPS, START = 6, 2


def feedback():
    """Reads what was written: a, b, or the start."""
    return kc.models.rnn("many_to_many", outputs=2, vocabulary_size=3, units=16)


def written(model, count, draw, fed):
    """Words drawn letter by letter; without feedback every step reads the start."""
    read = np.full((count, STEPS), START)
    words = np.zeros((count, STEPS), int)
    for step in range(STEPS):
        says = model.predict(read, batch_size=count, verbose=0)[:, step, 1]
        words[:, step] = draw.random(count) < says
        if fed and step + 1 < STEPS:
            read[:, step + 1] = words[:, step]
    return words


def measure(seed, quick):
    """A row for each network."""
    draw, rows = np.random.default_rng(seed), []
    words = np.repeat(draw.integers(0, 2, (200 if quick else 2000, 1)), STEPS, axis=1)
    told = np.column_stack([np.full(len(words), START), words[:, :-1]])
    for fed in (True, False):
        model = feedback()
        rate = keras.optimizers.schedules.CosineDecay(0.02, 20 * -(-len(words) // 64))
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
        read = told if fed else np.full_like(told, START)
        model.fit(read, words, batch_size=64, epochs=1 if quick else 20, verbose=0)
        found = written(model, 2000, draw, fed)
        rows.append({"feedback": int(fed), "a": float((found == 0).mean()),
            "of one letter": float((found == found[:, :1]).all(1).mean()),
            "neighbours agree": float((found[:, 1:] == found[:, :-1]).mean())})  # fmt: skip
    return rows


def judge(rows):
    """By seed: single letters, words, neighbours."""
    held = []
    for _, part in rows.groupby("seed"):
        fed, blind = part[part["feedback"] == 1].iloc[0], part[part["feedback"] == 0].iloc[0]
        held.append(
            {
                "shares of a": part["a"].between(0.45, 0.55).all(),
                "words with feedback": fed["of one letter"] >= 0.99,
                "words without": blind["of one letter"] <= 0.05,
                "neighbours without": 0.45 <= blind["neighbours agree"] <= 0.55,
            }
        )
    mean = rows.groupby("feedback").mean(numeric_only=True)
    return by_seed(
        held,
        f"Of one letter: {mean['of one letter'][1]:.1%} of the words with feedback, "
        f"{mean['of one letter'][0]:.1%} without, where neighbours agree in "
        f"{mean['neighbours agree'][0]:.1%}; a are {mean['a'][1]:.1%} and {mean['a'][0]:.1%}.",
    )


def draw(rows, axes):
    """Shares of both networks."""
    mean = rows.groupby("feedback").mean(numeric_only=True).drop(columns="seed")
    mean = mean.rename({0: "without feedback", 1: "with feedback"}).T
    mean.plot.bar(ax=axes, rot=0)
    axes.set(ylabel="share", ylim=(0, 1.05))
