"""A differentiable loop over time around any step function, on every backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras

Tensor = keras.KerasTensor
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
    cell = _Cell(step, [state.shape[-1] for state in states], dtype)
    loop = keras.layers.RNN(cell, return_sequences=True, dtype=dtype)
    return loop(inputs, initial_state=list(states))


class _Cell:
    def __init__(self, step, state_size, policy):
        self.step = step
        self.state_size = state_size
        self.compute_dtype = policy.compute_dtype

    def call(self, inputs, states, **_):
        return self.step(inputs, list(states))

    __call__ = call
