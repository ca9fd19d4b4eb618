"""Recurrence over a grid on TensorFlow, for training: of a diagonal only the cells it has.

The cells stand in the order of their diagonals, in each from the top down. So a diagonal is a
slice, and so are its neighbours: of the states before, between two rows of zeros, the cells above
begin a row before those to the left.

The loop keeps its sums and states. The loop backwards differentiates the step of a diagonal, which
TensorFlow does when it makes the graph, so that no cell needs its derivative written down. What
the gradient of the kernel needs is multiplied diagonal by diagonal, while it is in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from keras_classics.core.errors import explain
from keras_classics.core.types import Tensor

# From sums, states above, states to the left and further weights to a cell's states.
Step: TypeAlias = Callable[..., list[Tensor]]
FIRST_ORDER_ONLY = explain(
    "A gradient of a gradient was asked for through a multidimensional layer while it trains",
    "gradients of the first order",
    "Call the layer with training=False, which is slower and keeps no gradient of its own.",
)


def recurrence(
    step: Callable,
    states: int,
    grids: Tensor,
    kernel: Tensor,
    bias: Tensor,
    *weights: Tensor,
) -> Tensor:
    """Walk over the grids from their upper left corner.

    Gradients of the first order reach the grids, the kernel, the bias and the weights.

    Args:
        step: `(sums, above, left, *weights) -> states`, as `MultiDimensionalLSTM.step`.
        states: How many states it returns, the output first.
        grids: `(batch, rows, columns, features)`; only the batch may be unknown.
        kernel: What input, output above and output to the left are multiplied with, one below the
            other: `(features + 2 * units, width)`.
        bias: Bias of the sums `(width,)`.
        *weights: What else the step reads.

    Returns:
        Outputs `(batch, rows, columns, units)`.

    Raises:
        LookupError: A gradient of their gradients is asked for.
    """
    import tensorflow as tf

    path = _Path(grids)

    @tf.custom_gradient
    def run(grids: Tensor, *weights: Tensor) -> tuple[Tensor, Callable[..., list[Tensor]]]:
        inputs = path.in_line(grids)
        outputs, kept = _forward(step, states, path, inputs, weights)

        def gradient(by_outputs: Tensor) -> list[Tensor]:
            # Under a tape that may be asked twice TensorFlow would derive gradients of this loop as
            # well, for minutes. It does not see it; what it sees, a sum of nothing, is refused.
            seen = by_outputs, grids, *weights
            nothing = tf.add_n([tf.reduce_sum(one[:0]) for one in seen])
            by_lines, *unseen = map(tf.stop_gradient, (path.in_line(by_outputs), *weights))
            by_inputs, *by_weights = _backward(step, states, path, kept, by_lines, unseen)
            return [
                tf.raw_ops.PreventGradient(input=one + nothing, message=FIRST_ORDER_ONLY)
                for one in (path.in_grids(by_inputs), *by_weights)
            ]

        return path.in_grids(outputs), gradient

    return run(grids, kernel, bias, *weights)


class _Path:
    """Where the cells of grids stand when their diagonals are put one behind the other."""

    def __init__(self, grids: Tensor):
        import tensorflow as tf

        _, self.rows, self.columns, self.features = grids.shape
        self.batch = tf.shape(grids)[0]
        diagonal = np.add.outer(np.arange(self.rows), np.arange(self.columns)).ravel()
        self.order = np.argsort(diagonal, kind="stable")
        lengths = np.bincount(diagonal)
        self.steps = len(lengths)
        first_rows = np.maximum(0, np.arange(self.steps) - self.columns + 1)
        # In lines, of which every cell has one for each grid of the batch.
        self.starts = tf.constant(np.cumsum(lengths) - lengths, "int32") * self.batch
        self.lengths = tf.constant(lengths, "int32") * self.batch
        # A diagonal that has left the topmost row of the one before begins below it.
        self.lowered = tf.constant(np.diff(first_rows, prepend=0), "int32") * self.batch

    def in_line(self, grids: Tensor) -> Tensor:
        """`(batch, rows, columns, width)` to `(cells * batch, width)`."""
        import tensorflow as tf

        width = grids.shape[-1]
        cells = tf.reshape(tf.transpose(grids, (1, 2, 0, 3)), (len(self.order), -1))
        return tf.reshape(tf.gather(cells, self.order), (-1, width))

    def in_grids(self, lines: Tensor) -> Tensor:
        """Undo `in_line`."""
        import tensorflow as tf

        width = lines.shape[-1]
        cells = tf.gather(tf.reshape(lines, (len(self.order), -1)), np.argsort(self.order))
        grids = tf.reshape(cells, (self.rows, self.columns, -1, width))
        return tf.transpose(grids, (2, 0, 1, 3))

    def cells(self, lines: Tensor, time: Tensor) -> Tensor:
        """The lines of one diagonal."""
        return _slice(lines, self.starts[time], self.lengths[time])

    def bordered(self, states: Sequence[Tensor]) -> list[Tensor]:
        """States of a diagonal between the zeros beyond the border."""
        import tensorflow as tf

        return [tf.pad(state, ((self.batch, self.batch), (0, 0))) for state in states]

    def neighbours(
        self, states: Sequence[Tensor], time: Tensor
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Of the bordered states before a diagonal, those above its cells and to their left."""
        start, length = self.lowered[time], self.lengths[time]
        above = [_slice(state, start, length) for state in states]
        return above, [_slice(state, start + self.batch, length) for state in states]

    def before(self, above: Sequence[Tensor], left: Sequence[Tensor], time: Tensor) -> list[Tensor]:
        """Gradients of the states before a diagonal, from those of its neighbours."""
        import tensorflow as tf

        start = self.batch - self.lowered[time]
        length = self.lengths[tf.maximum(time - 1, 0)]
        below, right = ((0, self.batch), (0, 0)), ((self.batch, 0), (0, 0))
        return [
            _slice(tf.pad(one, below) + tf.pad(other, right), start, length)
            for one, other in zip(above, left, strict=True)
        ]


def _forward(
    step: Step, states: int, path: _Path, inputs: Tensor, weights: Sequence[Tensor]
) -> tuple[Tensor, list[Any]]:
    """Outputs of all cells, and lists of what `_backward` needs."""
    import tensorflow as tf

    kernel, bias, *others = weights
    units = (kernel.shape[0] - path.features) // 2

    def diagonal(
        time: Tensor, before: list[Tensor], outputs: Any, lists: list[Any]
    ) -> tuple[Any, ...]:
        above, left = path.neighbours(before, time)
        operand = tf.concat([path.cells(inputs, time), above[0], left[0]], axis=1)
        sums = tf.nn.bias_add(tf.matmul(operand, kernel), bias)
        new = step(sums, above[1:], left[1:], *others)
        kept = [operand, sums, *above[1:], *left[1:]]
        lists = [one.write(time, tensor) for one, tensor in zip(lists, kept, strict=True)]
        return time + 1, path.bordered(new), outputs.write(time, new[0]), lists

    zeros = [tf.zeros((2 * path.batch, units), inputs.dtype)] * states
    lists = [_list(path, kernel, width) for width in (*kernel.shape, *[units] * (2 * states - 2))]
    start = 0, zeros, _list(path, kernel, units), lists
    # A list counts as a number.
    number, state = tf.TensorShape(()), tf.TensorShape((None, units))
    shapes = number, [state] * states, number, [number] * len(lists)
    _, _, outputs, lists = tf.while_loop(
        lambda time, *_: time < path.steps, diagonal, start, shape_invariants=shapes
    )
    if not tf.executing_eagerly():
        flows = [tf.stop_gradient(one.flow) for one in lists]
        lists = [tf.TensorArray(inputs.dtype, flow=flow) for flow in flows]
    return outputs.concat(), lists


def _backward(
    step: Step,
    states: int,
    path: _Path,
    lists: list[Any],
    by_outputs: Tensor,
    weights: Sequence[Tensor],
) -> list[Tensor]:
    """Gradients of the inputs, in line, and of the weights."""
    import tensorflow as tf

    kernel, bias, *others = weights
    transposed, units = tf.transpose(kernel), by_outputs.shape[1]

    def diagonal(
        time: Tensor, by_states: list[Tensor], by_inputs: Any, by_weights: list[Tensor]
    ) -> tuple[Any, ...]:
        operand, sums, *neighbours = [one.read(time) for one in lists]
        above, left = neighbours[: states - 1], neighbours[states - 1 :]
        with tf.GradientTape() as tape:
            tape.watch([sums, above, left, others])
            new = step(sums, above, left, *others)
        by_states = [by_states[0] + path.cells(by_outputs, time), *by_states[1:]]
        slopes, by_above, by_left, by_others = tape.gradient(
            new, [sums, above, left, others], by_states
        )
        by_input, *by_neighbours = tf.split(
            tf.matmul(slopes, transposed), [path.features, units, units], axis=1
        )
        more = [
            tf.matmul(operand, slopes, transpose_a=True),
            tf.reduce_sum(slopes, axis=0),
            *by_others,
        ]
        return (
            time - 1,
            path.before([by_neighbours[0], *by_above], [by_neighbours[1], *by_left], time),
            by_inputs.write(time, by_input),
            [one + other for one, other in zip(by_weights, more, strict=True)],
        )

    zeros = [tf.zeros((path.batch, units), kernel.dtype)] * states
    start = (
        path.steps - 1,
        zeros,
        _list(path, kernel, path.features),
        [tf.zeros_like(weight) for weight in weights],
    )
    number, state = tf.TensorShape(()), tf.TensorShape((None, units))
    shapes = number, [state] * states, number, [weight.shape for weight in weights]
    _, _, by_inputs, by_weights = tf.while_loop(
        lambda time, *_: time >= 0, diagonal, start, shape_invariants=shapes
    )
    return [by_inputs.concat(), *by_weights]


def _slice(lines: Tensor, start: Tensor, length: Tensor) -> Tensor:
    import tensorflow as tf

    return tf.slice(lines, (start, 0), (length, lines.shape[1]))


def _list(path: _Path, like: Tensor, width: int) -> Any:
    """An empty list of tensors `(lines of a diagonal, width)`."""
    import tensorflow as tf

    return tf.TensorArray(
        like.dtype,
        path.steps,
        clear_after_read=False,
        infer_shape=False,
        element_shape=(None, width),
    )
