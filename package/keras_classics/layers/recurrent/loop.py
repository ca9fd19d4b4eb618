"""A differentiable loop over time around any step function, on every backend."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, cast

import keras

from keras_classics.core.types import Sizes, Tensor

Step = Callable[[Tensor, list[Tensor]], tuple[Tensor, list[Tensor]]]


def over_time(
    step: Step, inputs: Tensor, states: Sequence[Tensor], *, dtype: keras.DTypePolicy
) -> Tensor:
    """Run `step` along the time axis and stack its outputs.

    `keras.ops.scan` cannot do this on TensorFlow, where outputs must have the shape of the state;
    Keras's RNN layer can, so the step is dressed as a cell.

    Args:
        step: `(input (batch, features), states) -> (output (batch, width), states)`; it may read
            any tensor around it.
        inputs: `(batch, time, features)`.
        states: Initial states, each `(batch, width)`.
        dtype: Dtype policy to compute in: that of the layer that loops.

    Returns:
        Outputs `(batch, time, width)`.
    """
    sizes = tuple(state.shape[-1] for state in states)
    resting = _RESTING[dtype.name, sizes]
    # Taken out while it runs: a step may loop itself, and replicas run side by side.
    try:
        loop = resting.pop()
    except IndexError:
        cell = _Cell(list(sizes), dtype)
        loop = keras.layers.RNN(cell, return_sequences=True, dtype=dtype)
    loop.cell.step = step
    try:
        return loop(inputs, initial_state=list(states))
    finally:
        # Which holds the tensors around it.
        loop.cell.step = None
        resting.append(loop)


class _Cell:
    def __init__(self, state_size: list[int], policy: keras.DTypePolicy):
        self.step: Step | None = None
        self.state_size = state_size
        self.compute_dtype = policy.compute_dtype

    def call(
        self, inputs: Tensor, states: Sequence[Tensor], **_: Any
    ) -> tuple[Tensor, list[Tensor]]:
        # Set for as long as the loop runs.
        step = cast(Step, self.step)
        return step(inputs, list(states))

    __call__ = call


# Loops that wait for the next call, by states and dtype: they have no weights, and to make one
# takes longer than to run a step.
_RESTING: defaultdict[tuple[str, Sizes], list[keras.layers.RNN]] = defaultdict(list)
