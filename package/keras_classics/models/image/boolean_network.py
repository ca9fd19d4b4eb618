"""A network that is a given Boolean function: built, not learned.

Every Boolean function of D inputs is a network of one hidden layer: a unit for each row of the
truth table that is true, which only this input turns on, and an "or" of them. False and true are -1
and +1. As a function that is mostly true is the negation of one that is mostly false, `2^(D - 1)`
hidden units are enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.types import Name
from keras_classics.layers.image.activations import sign

# Rows of a table whose network still has a kernel of moderate size.
MOST_INPUTS = 16


@checked
def boolean_network(
    truth_table: np.ndarray | Sequence, *, name: Name = "boolean_network"
) -> keras.Model:
    """Build the network of a Boolean function.

    A hidden unit is `sign(x_m . x - D + 1)`: the sum is 1 for `x = x_m` and -1 or less for all
    others. The output is `sign(sum z + M - 1)` of M hidden units, negated where they stand for the
    false rows.

    Args:
        truth_table: The function's values in the order of binary numbers, the first input the
            highest digit: `(2^inputs,)` of truth values, or of -1 or 0 for false and 1 for true.
        name: Name of the model.

    Returns:
        A functional model from `(batch, inputs)` to `(batch, 1)`; false is -1 and true +1 in both,
        and an input of 0 is neither.

    Raises:
        InputError: The table is none, or of more than 16 inputs.

    Example:
        ```python
        xor = kc.models.boolean_network([False, True, True, False])
        xor(np.array([[-1, 1]]))  # [[1.]]
        ```
    """
    table = _checked(truth_table)
    inputs = len(table).bit_length() - 1
    mostly = bool(2 * table.sum() > len(table))
    rows = np.flatnonzero(table != mostly)
    bits = rows[:, None] >> np.arange(inputs)[::-1] & 1
    picked = 2.0 * bits - 1
    vector = x = keras.Input((inputs,), name="inputs")
    # Half precision counts no farther than 256 or 2,048.
    exact: dict[str, Any] = {"activation": sign, "dtype": "float32"}
    if len(rows):
        x = layers.Dense(len(rows), name="rows", **exact)(x)
    output = layers.Dense(1, kernel_initializer="zeros", name="or", **exact)
    model = keras.Model(vector, output(x), name=name)
    side = -1.0 if mostly else 1.0
    kernel = np.full((len(rows) or inputs, 1), side if len(rows) else 0.0)
    output.set_weights([kernel, np.array([side * (len(rows) - 1)])])
    if len(rows):
        model.get_layer("rows").set_weights([picked.T, np.full(len(rows), 1.0 - inputs)])
    return model


def _checked(truth_table: np.ndarray | Sequence) -> np.ndarray:
    table = np.asarray(truth_table)
    rows = table.size
    plain = table.ndim == 1 and 2 <= rows <= 2**MOST_INPUTS and rows & (rows - 1) == 0
    if not plain or not np.isin(table, (-1, 0, 1)).all() or {-1, 0} <= set(table.tolist()):
        raise InputError(
            f"A truth table of shape {table.shape} was given",
            f"2, 4, 8, ... up to 2^{MOST_INPUTS} truth values, one for each input",
            "List the function's values: [f(x) for x in itertools.product([-1, 1], repeat=D)].",
        )
    return table > 0
