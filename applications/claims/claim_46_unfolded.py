"""A recurrent network is its unfolded copies, and its gradient is the sum of theirs.

Recurrent networks, unfolding in time. A network reads some steps and answers after the last. It is
written out as a feed-forward network with a copy of its cell for each step; all copies have the
same weights, but each may change on its own. One step of plain descent at the rate of 1 shows the
gradient: that of every copy, and that of the recurrent network.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Recurrent networks"
MINUTES = 1
CRITERION = (
    "For Elman, GRU and LSTM and 1 to 20 steps the answers agree to 1e-5, and the sum of the "
    "copies' gradients differs from the recurrent gradient by at most a thousandth of its length; "
    "and with 20 steps no copy has the whole: each alone differs by a tenth or more."
)
UNITS, INPUTS, BATCH = 6, 3, 16


def recurrent(kind, steps):
    """A layer that reads all steps, and a unit that reads its last state."""
    sequence = keras.Input((steps, INPUTS))
    states = kc.layers.recurrent_layer(kind, UNITS, name="reads")(sequence)
    return keras.Model(sequence, keras.layers.Dense(1, name="answers")(states[:, -1]))


def unfolded(kind, steps, weights, answer):
    """The same as a chain of copies, each of which reads one step."""
    sequence, cells, state = keras.Input((steps, INPUTS)), [], None
    for step in range(steps):
        copy = kc.layers.recurrent_layer(kind, UNITS, return_state=True, name=f"copy_{step}")
        output, *state = copy(sequence[:, step : step + 1], initial_state=state)
        cells.append(copy)
    last = keras.layers.Dense(1)
    model = keras.Model(sequence, last(output[:, -1]))
    for cell in cells:
        cell.set_weights(weights)
    last.set_weights(answer)
    return model, cells


def flat(layer):
    """All weights of a layer in a row."""
    return np.concatenate([each.ravel() for each in layer.get_weights()])


def compared(kind, steps, draw):
    """Differences of answers and of gradients, the latter as shares of the recurrent one."""
    whole = recurrent(kind, steps)
    reads = whole.get_layer("reads")
    chain, cells = unfolded(kind, steps, reads.get_weights(),
        whole.get_layer("answers").get_weights())  # fmt: skip
    x = draw.normal(size=(BATCH, steps, INPUTS)).astype("float32")
    y = draw.normal(size=(BATCH, 1)).astype("float32")
    apart = float(np.abs(np.asarray(whole(x)) - np.asarray(chain(x))).max())
    start = flat(reads)
    for model in (whole, chain):
        model.compile(keras.optimizers.SGD(1.0), "mse")
        model.train_on_batch(x, y)
    gradient, parts = start - flat(reads), np.array([start - flat(cell) for cell in cells])
    length = np.linalg.norm(gradient)
    return {"cell": kind, "steps": steps, "answers apart": apart,
        "sum apart": float(np.linalg.norm(parts.sum(0) - gradient) / length),
        "nearest copy": float(np.linalg.norm(parts - gradient, axis=1).min() / length),
        "last copy's share": float(np.linalg.norm(parts[-1]) / length)}  # fmt: skip


def measure(seed, quick):
    """A row for each cell and number of steps."""
    draw = np.random.default_rng(seed)
    kinds, lengths = (("elman",), (1, 4)) if quick else (("elman", "gru", "lstm"), (1, 5, 20))
    return [compared(kind, steps, draw) for kind in kinds for steps in lengths]


def judge(rows):
    """By seed: answers, sums, and that a copy alone is not enough."""
    held = [
        {
            "answers": part["answers apart"].max() <= 1e-5,
            "the sum of gradients": part["sum apart"].max() <= 1e-3,
            "no copy alone": (part["nearest copy"][part["steps"] == 20] >= 0.1).all(),
        }
        for _, part in rows.groupby("seed")
    ]
    return by_seed(
        held,
        f"Answers are at most {rows['answers apart'].max():.1g} apart, sums at most "
        f"{rows['sum apart'].max():.1g} of the gradient; of 20 copies the nearest alone is "
        f"{rows['nearest copy'][rows['steps'] == rows['steps'].max()].min():.0%} away.",
    )


def draw(rows, axes):
    """How far the sum and the nearest single copy are from the gradient; 0 is drawn at 1e-9."""
    for kind, part in rows.groupby("cell"):
        mean = part.groupby("steps").mean(numeric_only=True)
        axes.semilogy(mean.index, mean["sum apart"].clip(lower=1e-9), "o-", label=f"{kind}, sum")
        axes.semilogy(mean.index, mean["nearest copy"].clip(lower=1e-9), "x:",
            label=f"{kind}, nearest copy")  # fmt: skip
    axes.set(xlabel="steps", ylabel="difference / gradient", xticks=sorted(rows["steps"].unique()))
    axes.legend(fontsize=7)
