"""A table of the last k letters knows no further back, or not enough; a state keeps what matters.

Recurrent networks, k-order Markov models against a state. A word is a first letter, a or b, some
that mean nothing, c or d by chance, and a last letter that says A after a and B after b. Words of 1
to 8 letters between teach a table, which counts what came after the last k letters and guesses
where it has not seen them, for k from 1 to 10; and a network of GRUs.
"""

from collections import Counter, defaultdict

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Recurrent networks"
MINUTES = 2
CRITERION = (
    "On new words with 8 letters between, no table is right about the last letter in more than "
    "80 %, those of k up to 8 in at most 60 %, and the table of k = 9 has seen fewer than four "
    "fifths of what it is asked; the network is right in 99 % or more, and keeps fewer numbers "
    "than that table would with all its contexts."
)
MOST = 8
LETTERS = 6


def words(draw, count, between=None):
    """Ids: 0 and 1 begin, 2 and 3 mean nothing, 4 and 5 end a word."""
    found = []
    for _ in range(count):
        gap = between or draw.integers(1, MOST + 1)
        first = draw.integers(2)
        found.append(np.array([first, *draw.integers(2, 4, gap), 4 + first]))
    return found


def asked_of_table(train, test, k):
    """Share right of the last letters, and share of contexts that were seen."""
    counts = defaultdict(Counter)
    for word in train:
        for place in range(1, len(word)):
            counts[tuple(word[max(0, place - k) : place])][word[place]] += 1
    right = seen = 0.0
    for word in test:
        found = counts[tuple(word[:-1][-k:])]
        seen += bool(found)
        ends = [found[4], found[5]]
        right += 0.5 if ends[0] == ends[1] else np.argmax(ends) == word[-1] - 4
    return right / len(test), seen / len(test)


def network(train, epochs):
    """GRUs that say the next letter at every step; what words are padded with is not asked."""
    model = kc.models.rnn("many_to_many", outputs=LETTERS, vocabulary_size=LETTERS, units=16)
    longest = MOST + 1
    inputs = np.array([np.pad(word[:-1], (0, longest - len(word) + 1)) for word in train])
    targets = np.array([np.pad(word[1:], (0, longest - len(word) + 1)) for word in train])
    asked = np.array([np.arange(longest) < len(word) - 1 for word in train], "float32")
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(inputs, targets, sample_weight=asked, batch_size=64, epochs=epochs, verbose=0)
    return model


def measure(seed, quick):
    """A row for each k, and one for the network; k = 0 stands for no table."""
    draw, rows = np.random.default_rng(seed), []
    train, test = words(draw, 300 if quick else 2000), words(draw, 500, MOST)
    for k in range(1, MOST + 3):
        right, seen = asked_of_table(train, test, k)
        rows.append({"memory": "table", "k": k, "right": right, "seen": seen,
            "numbers": LETTERS ** (k + 1)})  # fmt: skip
    model = network(train, 1 if quick else 40)
    answers = model.predict(np.array([word[:-1] for word in test]), verbose=0)[:, -1]
    right = float((answers[:, 4:6].argmax(-1) + 4 == [word[-1] for word in test]).mean())
    rows.append({"memory": "state", "right": right, "numbers": model.count_params()})
    return rows


def judge(rows):
    """By seed: short tables, long tables, and the state."""
    held = []
    for _, part in rows.groupby("seed"):
        table, state = part[part["memory"] == "table"].set_index("k"), part.iloc[-1]
        held.append(
            {
                "no table in 80 %": table["right"].max() <= 0.8,
                "short tables": table["right"].loc[:MOST].max() <= 0.6,
                "contexts seen": table["seen"][MOST + 1] < 0.8,
                "the network": state["right"] >= 0.99,
                "numbers kept": state["numbers"] < table["numbers"][MOST + 1],
            }
        )
    mean = rows[rows["memory"] == "table"].groupby("k").mean(numeric_only=True)
    state = rows[rows["memory"] == "state"]
    return by_seed(
        held,
        f"Right about the last letter: tables of k = {MOST} {mean['right'][MOST]:.0%}, of "
        f"{MOST + 1} {mean['right'][MOST + 1]:.0%}, where {mean['seen'][MOST + 1]:.0%} of the "
        f"contexts were seen; the network of {state['numbers'].max():.0f} numbers "
        f"{state['right'].mean():.1%}.",
    )


def draw(rows, axes):
    """Right by k."""
    table = rows[rows["memory"] == "table"].groupby("k").mean(numeric_only=True)
    axes.plot(table.index, table["right"], "o-", label="table of k letters")
    axes.plot(table.index, table["seen"], "x:", label="contexts that were seen")
    state = rows[rows["memory"] == "state"]["right"].mean()
    axes.axhline(state, color="k", linestyle="--", label="network with a state")
    axes.set(xlabel="k", ylabel="share", ylim=(0, 1.05))
    axes.legend()
