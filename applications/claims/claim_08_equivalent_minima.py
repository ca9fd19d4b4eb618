"""2^H H! sets of weights are one network, starts end in different minima, and there are saddles.

Feed-forward networks, weight-space symmetry and error surfaces. Of a network with H units of tanh
all equivalent sets of weights are made and compared. One with two units learns from 100 starts, by
BFGS, a curve that two units can make. Then the only unit of the best smaller network is split in
two, c and 1 - c of what it sends each: there the gradient stays zero (Fukumizu, Amari 2000), and
the Hessian tells whether it is a saddle. The curve is one of four that were tried with another
seed: of some, the best single unit is a step with endless weights.
"""

import keras
import numpy as np
from scipy.optimize import minimize

import keras_classics as kc
from claims.claim import by_seed

PART = "Feed-forward networks"
MINUTES = 1
CRITERION = (
    "For H = 1, 2, 3 there are 2, 8, 48 different sets of weights, no answer of which differs by "
    "more than 1e-5; a tenth or more of the 100 starts end with a loss that is 0.001 or more "
    "above the lowest; and for some share c a point of gradient below 1e-6 has eigenvalues below "
    "-1e-4 and above 1e-4, and a step along the lowest lowers the loss."
)
FURTHER = "The criterion was written anew after a quick run, before the first whole one."
X = np.linspace(-3, 3, 21)
Y = 2 * np.tanh(X) - np.tanh(4 * X)
symmetries = kc.analysis.symmetries


def equivalents(units, draw):
    """How many sets of weights the symmetries make, and how far their answers are apart."""
    x = draw.normal(size=(20, 2)).astype("float32")
    hidden, output = keras.layers.Dense(units, "tanh"), keras.layers.Dense(1)
    model = keras.Sequential([keras.Input((2,)), hidden, output])
    first = [draw.normal(size=each.shape) for each in model.get_weights()]
    found, answers = set(), []
    for symmetry in symmetries.every(units):
        model.set_weights(first)
        symmetries.apply(symmetry, hidden, [output])
        found.add(tuple(np.concatenate([w.ravel() for w in model.get_weights()]).round(5)))
        answers.append(np.asarray(model(x)))
    return len(found), float(np.ptp(answers, axis=0).max())


def loss(flat):
    """Half the mean squared error; rows of the weights are in, threshold and out, last the bias."""
    into, threshold, out = flat[:-1].reshape(3, -1)
    return 0.5 * np.mean((np.tanh(np.outer(X, into) + threshold) @ out + flat[-1] - Y) ** 2)


def gradient(flat, step=1e-5):
    """By central differences."""
    unit = np.eye(len(flat)) * step
    return np.array([(loss(flat + each) - loss(flat - each)) / (2 * step) for each in unit])


def hessian(flat, step=1e-4):
    """Likewise, of the gradient."""
    unit = np.eye(len(flat)) * step
    rows = [(gradient(flat + each) - gradient(flat - each)) / (2 * step) for each in unit]
    return (np.array(rows) + np.array(rows).T) / 2


def descended(units, draw):
    """Where BFGS ends from a random start."""
    return minimize(loss, draw.normal(size=3 * units + 1), jac=gradient, options={"gtol": 1e-9}).x


def saddle(single, share):
    """The network of one unit, as one of two: size of the gradient, eigenvalues, what is gained."""
    into, threshold, out, bias = single
    split = np.array([into, into, threshold, threshold, share * out, (1 - share) * out, bias])
    values, vectors = np.linalg.eigh(hessian(split))
    gained = loss(split) - min(loss(split + each * vectors[:, 0]) for each in (-0.05, 0.05))
    return {"size": share, "gradient": float(np.abs(gradient(split)).max()), "lowest": values[0],
        "highest": values[-1], "gained": gained}  # fmt: skip


def measure(seed, quick):
    """Rows of equivalent networks, of the ends, and of split units."""
    draw, rows = np.random.default_rng(seed), []
    for units in (1, 2) if quick else (1, 2, 3):
        found, apart = equivalents(units, draw)
        rows.append({"what": "equivalent", "size": units, "found": found, "apart": apart,
            "expected": symmetries.count(units)})  # fmt: skip
    ends = sorted(loss(descended(2, draw)) for _ in range(5 if quick else 100))
    rows += [{"what": "end", "size": place, "found": end} for place, end in enumerate(ends)]
    single = min((descended(1, draw) for _ in range(5 if quick else 20)), key=loss)
    rows += [{"what": "split", **saddle(single, c)} for c in (-0.5, 0.25, 0.5, 0.75, 1.5)]
    return rows


def judge(rows):
    """By seed: counted, different ends, a saddle."""
    held = []
    for _, part in rows.groupby("seed"):
        same, split = part[part["what"] == "equivalent"], part[part["what"] == "split"]
        ends = part[part["what"] == "end"]["found"]
        saddles = split[(split["gradient"] < 1e-6) & (split["lowest"] < -1e-4)]
        held.append(
            {
                "the number of equivalent networks": (same["found"] == same["expected"]).all(),
                "their answers": same["apart"].max() <= 1e-5,
                "different ends": (ends >= ends.min() + 0.001).mean() >= 0.1,
                "a saddle": ((saddles["highest"] > 1e-4) & (saddles["gained"] > 0)).any(),
            }
        )
    ends, split = (rows[rows["what"] == what] for what in ("end", "split"))
    return by_seed(
        held,
        f"{rows['found'][rows['what'] == 'equivalent'].max():.0f} sets of weights of three units; "
        f"ends from {ends['found'].min():.3g} to {ends['found'].max():.3g}; of {len(split)} split "
        f"units {(split['lowest'] < -1e-4).sum()} are at a saddle.",
    )


def draw(rows, axes):
    """The losses of all ends in order, and those of the split points' lowest curvature."""
    for seed, part in rows[rows["what"] == "end"].groupby("seed"):
        axes.plot(part["size"], part["found"], ".", label=f"seed {seed}")
    axes.set(xlabel="starts, the best first", ylabel="loss where BFGS ends")
    axes.legend()
