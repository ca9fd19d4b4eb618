"""Recurrent networks of threshold units are finite automata, exact however long the input is.

Recurrent networks, what they can compute (Minsky 1967). The network of an automaton has a unit for
each pair of a state and a symbol. Parity, brackets open up to five deep, the sum of two binary
numbers and 20 automata drawn at random are built and asked along strings of 3,000 symbols. Then an
LSTM learns parity from strings of up to 20 symbols, and is asked along strings as long.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Recurrent networks"
MINUTES = 2
CRITERION = (
    "No built network answers any symbol wrong, and two numbers of 1,000 digits have the sum that "
    "Python's whole numbers have; the LSTM that learnt parity is right in 99 % of the symbols of "
    "new strings of up to 20."
)


def wrong(machine, strings):
    """Number of symbols that the network of an automaton answers unlike the automaton."""
    answers = kc.models.automaton(machine).predict(strings, verbose=0).argmax(-1)
    return int((answers != [machine.run(string.tolist()) for string in strings]).sum())


def sum_apart(draw, digits):
    """Whether the adding network and Python disagree about a sum."""
    first, second = draw.integers(0, 2, (2, digits + 1))
    first[-1] = second[-1] = 0
    model = kc.models.automaton(kc.models.adding_automaton())
    told = model.predict((first + 2 * second)[None], verbose=0)[0].argmax(-1)
    numbers = [int("".join(map(str, each[::-1])), 2) for each in (first, second, told)]
    return int(numbers[0] + numbers[1] != numbers[2])


def learnt_parity(draw, steps, lengths):
    """An LSTM taught by descent, and its share of right symbols at each length."""
    model = kc.models.rnn("many_to_many", outputs=2, vocabulary_size=2, cell="lstm", units=8)
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    for step in range(steps):
        # Short ones first, three lengths in all: each other one would be compiled anew.
        strings = draw.integers(0, 2, (64, (4, 10, 20)[3 * step // steps]))
        model.train_on_batch(strings, strings.cumsum(1) % 2)
    found = {}
    for length in lengths:
        strings = draw.integers(0, 2, (100, length))
        answers = model.predict(strings, verbose=0).argmax(-1)
        found[length] = float((answers == strings.cumsum(1) % 2).mean())
    return found


def measure(seed, quick):
    """Rows of built machines, of the sum, and of what was learnt by length."""
    draw, length = np.random.default_rng(seed), 50 if quick else 3000
    machines = {"parity": kc.models.parity_automaton(), "brackets": kc.models.bracket_automaton(5),
        "adding": kc.models.adding_automaton()}  # fmt: skip
    for number in range(1 if quick else 20):
        states = int(draw.integers(2, 9))
        tables = draw.integers(0, states, (states, 3)), draw.integers(0, 2, (states, 3))
        machines[f"random {number}"] = kc.models.Automaton(*tables)
    rows = []
    for name, machine in machines.items():
        symbols = np.shape(machine.transitions)[1]
        strings = draw.integers(0, symbols, (4, length))
        rows.append({"what": name, "symbols": strings.size, "wrong": wrong(machine, strings)})
    rows.append({"what": "sum", "symbols": 1000, "wrong": sum_apart(draw, 1000)})
    lengths = (20, 50) if quick else (20, 100, 1000, 3000)
    found = learnt_parity(draw, 5 if quick else 1500, lengths)
    rows += [{"what": "learnt", "symbols": each, "right": right} for each, right in found.items()]
    return rows


def judge(rows):
    """By seed: the built ones without a mistake, the learnt one at the length it knows."""
    held = []
    for _, part in rows.groupby("seed"):
        learnt = part[part["what"] == "learnt"].set_index("symbols")["right"]
        held.append(
            {
                "the automata": part["wrong"].sum() == 0,
                "what was learned": learnt[20] >= 0.99,
            }
        )
    built = rows[rows["wrong"].notna()]
    mean = rows[rows["what"] == "learnt"].groupby("symbols")["right"].mean()
    told = ", ".join(f"{length} symbols {share:.1%}" for length, share in mean.items())
    return by_seed(
        held,
        f"{built['symbols'].sum():,} answers of {len(built)} built networks, "
        f"{built['wrong'].sum():.0f} wrong. Learnt parity, right along strings of {told}.",
    )


def draw(rows, axes):
    """The learnt network by length, above which the built ones stay at 1."""
    axes.axhline(1, color="k", linestyle="--", label="built")
    for seed, part in rows[rows["what"] == "learnt"].groupby("seed"):
        axes.semilogx(part["symbols"], part["right"], "o-", label=f"learnt, seed {seed}")
    axes.set(xlabel="symbols of a string", ylabel="right")
    axes.legend()
