"""Recurrent layers by name, as the builders of sequence models ask for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_choice
from keras_classics.core.types import Tensor
from keras_classics.layers.recurrent.constant_products import CellStep
from keras_classics.layers.recurrent.feedback_and_course_cells import (
    CourseGRUCell,
    DeepTransitionCell,
    OutputFeedbackCell,
    RecurrentHighwayCell,
)
from keras_classics.layers.recurrent.hoisted import GRU, LSTM
from keras_classics.layers.recurrent.lstm_cells import LSTMVariantCell
from keras_classics.layers.recurrent.multiplicative_cells import (
    MultiplicativeLSTMCell,
    MultiplicativeRNNCell,
)

# Of the arguments for a cell in `keras.layers.RNN`, those that are the layer's.
_LAYER_ARGUMENTS = {
    "dtype", "go_backwards", "name", "return_sequences", "return_state", "stateful", "unroll",
    "zero_output_for_mask",
}  # fmt: skip


def _around(cell: Callable[..., keras.layers.Layer], **fixed: Any) -> Callable[..., layers.RNN]:
    """A maker of recurrent layers around a cell of ours."""

    def layer(units: int, **arguments: Any) -> layers.RNN:
        own = {name: arguments.pop(name) for name in _LAYER_ARGUMENTS & arguments.keys()}
        return layers.RNN(cell(units, dtype=own.get("dtype"), **fixed, **arguments), **own)

    return layer


# "gru" applies the reset gate before the recurrent product, as courses do; Keras's default, the
# one cuDNN computes, applies it after and has a second row of biases. Courses also exchange z and
# 1 - z, which is the same network with other weights: "gru_course".
RECURRENT_LAYERS = {
    "deep_transition": _around(DeepTransitionCell),
    "elman": layers.SimpleRNN,
    "gru": partial(GRU, reset_after=False),
    "gru_course": _around(CourseGRUCell),
    "gru_reset_after": GRU,
    "highway": _around(RecurrentHighwayCell),
    "jordan": _around(OutputFeedbackCell),
    "lstm": LSTM,
    "lstm_coupled": _around(LSTMVariantCell, forget="coupled"),
    "lstm_no_forget": _around(LSTMVariantCell, forget="none"),
    "lstm_peephole": _around(LSTMVariantCell, peepholes=True),
    "multiplicative": _around(MultiplicativeRNNCell),
    "multiplicative_lstm": _around(MultiplicativeLSTMCell),
}


@checked
def recurrent_layer(cell: str, units: int, **arguments: Any) -> keras.layers.RNN:
    """A recurrent layer that returns its whole sequence of outputs; its `cell` makes single steps.

    Args:
        cell: A key of `RECURRENT_LAYERS`: `"elman"`, `"gru"`, `"lstm"`, ...
        units: Width of the state.
        **arguments: Passed to the Keras layer, or to the cell where it is one of ours.

    Returns:
        A layer from `(batch, time, features)` to `(batch, time, units)` (of `"jordan"`, its
        outputs).

    Raises:
        InputError: The name is unknown.

    Example:
        ```python
        layer = kc.layers.recurrent_layer("lstm_peephole", 8)
        layer(np.zeros((2, 5, 3))).shape  # (2, 5, 8)
        states = layer.get_initial_state(batch_size=2)
        output, states = layer.cell(np.zeros((2, 3)), states)  # one step, (2, 8)
        ```
    """
    check_choice("cell", cell, tuple(RECURRENT_LAYERS), "Use 'gru', the course's.")
    return RECURRENT_LAYERS[cell](units, return_sequences=True, **arguments)


def state_sizes(recurrence: keras.layers.RNN) -> list[int]:
    """Widths of a recurrent layer's states."""
    sizes = recurrence.cell.state_size
    return [sizes] if isinstance(sizes, int) else list(sizes)


def by_layer(
    stack: Sequence[keras.layers.RNN], states: Sequence[Tensor]
) -> list[tuple[keras.layers.RNN, list[Tensor]]]:
    """The layers of a stack, from the bottom, each with its own states out of one flat list."""
    left = iter(states)
    return [(layer, list(islice(left, len(state_sizes(layer))))) for layer in stack]


def step_through(
    stack: Sequence[keras.layers.RNN],
    inputs: Tensor | None,
    states: Sequence[Tensor],
    between: Tensor | None = None,
    first: CellStep | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """Make one step with recurrent layers that lie on each other.

    Args:
        stack: The layers, from the bottom.
        inputs: `(batch, features)`.
        states: The states of all layers, from the bottom, in one list.
        between: What each layer's output but the last is multiplied with on its way up (dropout),
            `(batch, width of all of them)`, or None.
        first: Makes the step of the lowest layer, in place of its cell.

    Returns:
        The top layer's output and the next states.
    """
    x: Tensor = inputs
    moved: list[Tensor] = []
    passed = 0
    for layer, own in by_layer(stack, states):
        if between is not None and moved:
            x = x * between[:, passed : passed + x.shape[-1]]
            passed += x.shape[-1]
        step = layer.cell if first is None or moved else first
        x, own = step(x, own)
        moved += list(own)
    return x, moved
