"""Any Boolean function of D inputs is a network of at most 2^D hidden units, and half suffice.

Feed-forward networks, Boolean networks. The network of a truth table has a hidden unit for each
true row, or for each false row where those are fewer, and a unit over them. All functions of up to
three inputs are built and asked for every row, and functions of more inputs drawn at random, with
parity, which has as many true rows as false ones.
"""

import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Feed-forward networks"
MINUTES = 1
SEEDS = 1
CRITERION = (
    "Every row of every table is answered right, with at most 2^D hidden units, and for every D "
    "that is asked one function needs 2^(D - 1), which is parity."
)
FURTHER = (
    "The last part of the criterion cannot fail: it counts the hidden units that this construction "
    "makes, one for each true row, and not the fewest that a function needs. Fewer do for parity: "
    "D threshold units, of which unit k asks whether k inputs or more are true, and a unit that "
    "adds and subtracts them by turns."
)


def measure(seed, quick):
    """A row for each number of inputs: functions tried, rows wrong, most and least hidden units."""
    draw, rows = np.random.default_rng(seed), []
    for inputs in range(1, 5 if quick else 9):
        size = 2**inputs
        if inputs <= (2 if quick else 3):
            tables = (np.arange(2**size)[:, None] >> np.arange(size)) & 1
        else:
            tables = draw.integers(0, 2, (20, size))
        parity = np.array([bin(row).count("1") % 2 for row in range(size)])
        every = np.array([[row >> each & 1 for each in range(inputs)][::-1] for row in range(size)])
        wrong, hidden = 0, []
        for table in [*tables, parity]:
            network = kc.models.boolean_network(table.astype(bool))
            answers = np.array(network(2.0 * every - 1)).ravel() > 0
            wrong += int((answers != table).sum())
            hidden.append(network.layers[1].units)
        rows.append({"inputs": inputs, "functions": len(tables), "rows wrong": wrong,
            "most hidden units": max(hidden), "of parity": hidden[-1], "bound": size})  # fmt: skip
    return rows


def judge(rows):
    """Right everywhere, within the bound, parity at half of it."""
    right = rows["rows wrong"].sum() == 0
    within = (rows["most hidden units"] <= rows["bound"]).all()
    half = (rows["of parity"] == rows["bound"] // 2).all()
    return by_seed(
        [{"every row": right, "the bound": within, "parity": half}],
        f"{rows['functions'].sum()} functions of up to {rows['inputs'].max()} inputs, "
        f"{rows['rows wrong'].sum()} rows wrong; the most hidden units of any are half of 2^D.",
    )


def draw(rows, axes):
    """Hidden units by inputs."""
    axes.semilogy(rows["inputs"], rows["bound"], "k--", label="2^D")
    axes.semilogy(rows["inputs"], rows["most hidden units"], "o-", label="most of all functions")
    axes.semilogy(rows["inputs"], rows["of parity"], "x", label="parity")
    axes.set(xlabel="inputs D", ylabel="hidden units")
    axes.legend()
