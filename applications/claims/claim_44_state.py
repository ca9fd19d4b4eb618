"""The same letter after another text is another input to a network with a state.

Recurrent networks, what the state is for. A network of GRUs learns to say the next letter of
Python's own source code. A letter is then read in 200 places of new code, once where it stands and
once with a state of zero: what the network says differs from place to place only in the first case.
What knowing the text is worth is measured in bits for each letter, beside a table of pairs of
letters, which is the best that can be said of the last letter alone.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Recurrent networks"
MINUTES = 2
CRITERION = (
    "What is said after one and the same letter in two places differs, in the mean over pairs of "
    "places, by a quarter of the probability or more with the state, and by less than 1e-5 "
    "without; and with the state new text costs at least half a bit a letter less than by the "
    "table of pairs."
)
FURTHER = (
    "That nothing differs without the state cannot fail: from a state of zero the same letter is "
    "the same input, so that the network is asked one and the same thing. It is there as a check "
    "of the measure. What tells are the other two parts."
)
STEPS = 50


def texts(seed, letters):
    """Numbers of letters of code for training, and of other code; letter 0 is any rare one."""
    data = kc.data.load("source_code", seed=seed)
    parts = []
    for split, size in ((data.train, letters), (data.test, 20_000)):
        text = ""
        for each in split:
            text += each.text
            if len(text) >= size:
                break
        parts.append(text[:size])
    known = {letter: number for number, letter in enumerate(sorted(set(parts[0])), 1)}
    coded = [np.array([known.get(letter, 0) for letter in part]) for part in parts]
    return *coded, len(known) + 1


def bits_of_pairs(train, new, letters):
    """Bits a letter of new text, by how often each pair was seen, each once more than it was."""
    pairs = np.ones((letters, letters))
    np.add.at(pairs, (train[:-1], train[1:]), 1)
    shares = pairs / pairs.sum(1, keepdims=True)
    return float(-np.log2(shares[new[:-1], new[1:]]).mean())


def apart(said):
    """Half the summed difference of probabilities, in the mean over neighbouring places."""
    return float(np.abs(said[1:] - said[:-1]).sum(-1).mean() / 2)


def measure(seed, quick):
    """One row."""
    draw = np.random.default_rng(seed)
    train, new, letters = texts(seed, 20_000 if quick else 200_000)
    model = kc.models.rnn("many_to_many", outputs=letters, vocabulary_size=letters, units=96)
    rate = keras.optimizers.schedules.CosineDecay(0.01, len(train) // STEPS // 32 * 5)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    rows = train[: len(train) // STEPS * STEPS].reshape(-1, STEPS)
    model.fit(rows[:, :-1], rows[:, 1:], batch_size=32, epochs=1 if quick else 5, verbose=0)
    asked = new[: len(new) // STEPS * STEPS].reshape(-1, STEPS)
    said = model.predict(asked[:, :-1], verbose=0)
    # From zero the first letters know of no text either: the second half of each row does.
    half = STEPS // 2
    given = np.take_along_axis(said, asked[:, 1:, None], -1)[:, half:]
    letter = np.bincount(asked[:, half:-1].ravel()).argmax()
    places = draw.permutation(np.argwhere(asked[:, half:-1] == letter))[:200]
    with_state = said[places[:, 0], half + places[:, 1]]
    alone = model.predict(np.full((len(places), 1), letter), verbose=0)[:, 0]
    return [{"letter": int(letter), "places": len(places), "apart with state": apart(with_state),
        "apart without": apart(alone), "bits": float(-np.log2(given).mean()),
        "bits of pairs": bits_of_pairs(train, new, letters)}]  # fmt: skip


def judge(rows):
    """By seed: differences and bits."""
    held = [
        {
            "with the state": each["apart with state"] >= 0.25,
            "without": each["apart without"] < 1e-5,
            "bits": each["bits"] <= each["bits of pairs"] - 0.5,
        }
        for _, each in rows.iterrows()
    ]
    mean = rows.mean(numeric_only=True)
    return by_seed(
        held,
        f"After the same letter, {mean['apart with state']:.0%} of the probability differ with the "
        f"state, {mean['apart without']:.0%} without. New text costs {mean['bits']:.2f} bits a "
        f"letter, {mean['bits of pairs']:.2f} by pairs.",
    )


def draw(rows, axes):
    """Bits with the state and by pairs, by seed."""
    axes.bar(rows["seed"] - 0.2, rows["bits of pairs"], 0.4, label="the last letter alone")
    axes.bar(rows["seed"] + 0.2, rows["bits"], 0.4, label="with the state")
    axes.set(xlabel="seed", ylabel="bits a letter", xticks=rows["seed"])
    axes.legend()
