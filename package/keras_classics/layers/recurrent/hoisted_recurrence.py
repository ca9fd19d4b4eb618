"""Recurrence on TensorFlow with all that can leave the loop outside it.

A step of an LSTM or a GRU multiplies the input and the state before. The first product does not
wait for other steps, so all steps' are one product, made before the loop. The gradient that
TensorFlow derives from a loop adds up the weights' gradients step by step, too; here the loop
backwards only finds the slope of each step's sums, and the weights' gradients are one product of
all steps again. What a step has computed stays in lists of tensors, where nothing is copied.

Tensors are time-major: `(time, batch, width)`. Gates lie in Keras's order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, TypeAlias

from keras import ops

from keras_classics.core.errors import explain
from keras_classics.core.types import Tensor

FIRST_ORDER_ONLY = explain(
    "A gradient of a gradient through kc.layers.LSTM or GRU was asked for",
    "gradients of the first order",
    "Use keras.layers.LSTM or GRU, which take the same weights.",
)


class LSTMEquations:
    """`c = f c_before + i g`, `h = o tanh(c)`; weights: the recurrent kernel."""

    # Tensors that `forward` keeps; how many of them, the first, are multiplied by a kernel; widths,
    # in units, of the slopes that `backward` returns.
    kept, operands, slopes = 7, 1, (4,)

    def forward(
        self, affine: Tensor, states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """One step: the new states, and what `backward` needs; operands of products first.

        Args:
            affine: What the input gives to every sum, `(batch, gates * units)`.
            states: Each `(batch, units)`, the output first.
            weights: See the class.
        """
        hidden, cell = states
        sums = affine + ops.matmul(hidden, weights[0])
        into, forget, candidate, out = ops.split(sums, 4, axis=1)
        into, forget, out = ops.sigmoid(into), ops.sigmoid(forget), ops.sigmoid(out)
        candidate = ops.tanh(candidate)
        new = forget * cell + into * candidate
        squashed = ops.tanh(new)
        kept = [hidden, cell, into, forget, candidate, out, squashed]
        return [out * squashed, new], kept

    def backward(
        self, upstream: Sequence[Tensor], kept: Sequence[Tensor], transposed: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The gradients of the states before, and the slopes of the step's sums.

        Args:
            upstream: Gradients of the new states.
            kept: What `forward` kept.
            transposed: The weights, transposed.
        """
        import tensorflow as tf

        by_hidden, by_cell = upstream
        _, cell, into, forget, candidate, out, squashed = kept
        by_cell = by_cell + _tanh_slope(squashed, by_hidden * out)
        slopes = [
            _sigmoid_slope(into, by_cell * candidate),
            _sigmoid_slope(forget, by_cell * cell),
            _tanh_slope(candidate, by_cell * into),
            _sigmoid_slope(out, by_hidden * squashed),
        ]
        slopes = tf.concat(slopes, axis=1)
        return [tf.matmul(slopes, transposed[0]), by_cell * forget], [slopes]

    def gradients(
        self, operands: Sequence[Tensor], slopes: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """The gradients of `affine` and of the weights, from what all steps found.

        Args:
            operands: What the weights were multiplied with, `(time, batch, units)`.
            slopes: What `backward` returned, `(time, batch, ...)`.
        """
        return slopes[0], [_product(operands[0], slopes[0])]


class ResetAfterEquations:
    """`h = z h_before + (1 - z) tanh(a + r (h_before U + b))`; weights: recurrent kernel, `b`."""

    kept, operands, slopes = 5, 1, (3, 1)

    def forward(
        self, affine: Tensor, states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """See `LSTMEquations`."""
        [hidden] = states
        update, reset, entering = ops.split(affine, 3, axis=1)
        by_update, by_reset, inner = ops.split(ops.matmul(hidden, weights[0]), 3, axis=1)
        update, reset = ops.sigmoid(update + by_update), ops.sigmoid(reset + by_reset)
        inner = inner + weights[1]
        candidate = ops.tanh(entering + reset * inner)
        new = candidate + update * (hidden - candidate)
        return [new], [hidden, update, reset, inner, candidate]

    def backward(
        self, upstream: Sequence[Tensor], kept: Sequence[Tensor], transposed: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """See `LSTMEquations`."""
        import tensorflow as tf

        [by_hidden], (hidden, update, reset, inner, candidate) = upstream, kept
        carried = by_hidden * update
        by_candidate = _tanh_slope(candidate, by_hidden - carried)
        by_update = _sigmoid_slope(update, by_hidden * (hidden - candidate))
        by_reset = _sigmoid_slope(reset, by_candidate * inner)
        slopes = tf.concat([by_update, by_reset, by_candidate * reset], axis=1)
        return [carried + tf.matmul(slopes, transposed[0])], [slopes, by_candidate]

    def gradients(
        self, operands: Sequence[Tensor], slopes: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """See `LSTMEquations`."""
        import tensorflow as tf

        sums, by_candidate = slopes
        units = by_candidate.shape[-1]
        by_affine = tf.concat([sums[..., : 2 * units], by_candidate], axis=-1)
        by_bias = tf.reduce_sum(sums[..., 2 * units :], axis=(0, 1))
        return by_affine, [_product(operands[0], sums), by_bias]


class ResetBeforeEquations:
    """`h = z h_before + (1 - z) tanh(a + (r h_before) U_c)`; weights: `[U_z, U_r]`, `U_c`."""

    kept, operands, slopes = 5, 2, (2, 1)

    def forward(
        self, affine: Tensor, states: Sequence[Tensor], weights: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """See `LSTMEquations`."""
        [hidden] = states
        update, reset, entering = ops.split(affine, 3, axis=1)
        by_update, by_reset = ops.split(ops.matmul(hidden, weights[0]), 2, axis=1)
        update, reset = ops.sigmoid(update + by_update), ops.sigmoid(reset + by_reset)
        let_in = reset * hidden
        candidate = ops.tanh(entering + ops.matmul(let_in, weights[1]))
        new = candidate + update * (hidden - candidate)
        return [new], [hidden, let_in, update, reset, candidate]

    def backward(
        self, upstream: Sequence[Tensor], kept: Sequence[Tensor], transposed: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """See `LSTMEquations`."""
        import tensorflow as tf

        [by_hidden], (hidden, _, update, reset, candidate) = upstream, kept
        carried = by_hidden * update
        by_candidate = _tanh_slope(candidate, by_hidden - carried)
        by_let_in = tf.matmul(by_candidate, transposed[1])
        by_update = _sigmoid_slope(update, by_hidden * (hidden - candidate))
        by_reset = _sigmoid_slope(reset, by_let_in * hidden)
        by_gates = tf.concat([by_update, by_reset], axis=1)
        before = carried + by_let_in * reset + tf.matmul(by_gates, transposed[0])
        return [before], [by_gates, by_candidate]

    def gradients(
        self, operands: Sequence[Tensor], slopes: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """See `LSTMEquations`."""
        import tensorflow as tf

        by_weights = [_product(*pair) for pair in zip(operands, slopes, strict=True)]
        return tf.concat(slopes, axis=-1), by_weights


Equations: TypeAlias = LSTMEquations | ResetAfterEquations | ResetBeforeEquations
LSTM, RESET_AFTER, RESET_BEFORE = LSTMEquations(), ResetAfterEquations(), ResetBeforeEquations()


def affine_of_all_steps(sequences: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """Every step's input times the kernel.

    Args:
        sequences: `(batch, time, features)`.
        kernel: `(features, width)`.
        bias: `(width,)`, or None.

    Returns:
        `(time, batch, width)`.
    """
    import tensorflow as tf

    batch, steps, features = tf.shape(sequences)[0], tf.shape(sequences)[1], sequences.shape[2]
    product = tf.matmul(tf.reshape(tf.transpose(sequences, (1, 0, 2)), (-1, features)), kernel)
    if bias is not None:
        product = tf.nn.bias_add(product, bias)
    product = tf.reshape(product, (steps, batch, kernel.shape[1]))
    product.set_shape((sequences.shape[1], sequences.shape[0], None))
    return product


def recurrence(
    equations: Equations,
    affine: Tensor,
    states: Sequence[Tensor],
    weights: Sequence[Tensor],
    mask: Tensor | None,
    keep: bool,
) -> tuple[Tensor, list[Tensor]]:
    """Run the loop; gradients of the first order reach `affine`, `states` and `weights`.

    Args:
        equations: `LSTM`, `RESET_AFTER` or `RESET_BEFORE`.
        affine: What the inputs give to every sum, `(time, batch, gates * units)`.
        states: First states, each `(batch, units)`.
        weights: What the equations multiply.
        mask: Bool `(time, batch, 1)`: where it is False, the states stay as they are; or None.
        keep: Keep what the gradient needs, five to seven tensors of the size of a state for each
            step. Without, the gradient runs the loop a second time.

    Returns:
        The first state after every step `(time, batch, units)`, and the last states.

    Raises:
        LookupError: A gradient of their gradients is asked for.
    """
    import tensorflow as tf

    count, units = len(states), states[0].shape[1]

    @tf.custom_gradient
    def run(
        affine: Tensor, *rest: Tensor
    ) -> tuple[tuple[Tensor, ...], Callable[..., list[Tensor]]]:
        given = affine, rest[:count], rest[count:], mask
        outputs, ends, lists = _run(units, _forward, equations, keep)(*given)

        def gradient(by_outputs: Tensor, *by_ends: Tensor) -> list[Tensor]:
            kept = lists if keep else _run(units, _forward, equations, True)(*given)[2]
            found = _run(units, _backward, equations)(*given, kept, by_outputs, by_ends)
            return [
                tf.raw_ops.PreventGradient(input=one, message=FIRST_ORDER_ONLY) for one in found
            ]

        return (outputs, *ends), gradient

    outputs, *ends = run(affine, *states, *weights)
    return outputs, ends


def _run(units: int, function: Callable, *fixed: Any) -> Callable:
    """A pass, as a part of the graph that is being made, or compiled."""
    import tensorflow as tf

    if tf.executing_eagerly():
        return _compiled(units, function, *fixed)
    return partial(function, *fixed)


@cache
def _compiled(units: int, function: Callable, *fixed: Any) -> Callable:
    """For layers of one width: sizes in which calls differ become unknown in the graph."""
    import tensorflow as tf

    return tf.function(partial(function, *fixed), autograph=False, reduce_retracing=True)


def _forward(
    equations: Equations,
    keep: bool,
    affine: Tensor,
    states: Sequence[Tensor],
    weights: Sequence[Tensor],
    mask: Tensor | None,
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    import tensorflow as tf

    steps, new_list = tf.shape(affine)[0], partial(_list, affine, states[0].shape[1])

    def step(
        time: Tensor, states: Sequence[Tensor], outputs: Tensor, lists: list[Any]
    ) -> tuple[Any, ...]:
        new, kept = equations.forward(affine[time], states, weights)
        if mask is not None:
            new = [tf.where(mask[time], *pair) for pair in zip(new, states, strict=True)]
        new = _shaped_like(states, new)
        lists = [one.write(time, tensor) for one, tensor in zip(lists, kept, strict=keep)]
        return time + 1, new, outputs.write(time, new[0]), lists

    lists = [new_list() for _ in range(equations.kept * keep)]
    _, ends, outputs, lists = tf.while_loop(
        lambda time, *_: time < steps, step, (0, list(states), new_list(), lists)
    )
    return outputs.stack(), ends, [one.flow for one in lists]


def _backward(
    equations: Equations,
    affine: Tensor,
    states: Sequence[Tensor],
    weights: Sequence[Tensor],
    mask: Tensor | None,
    kept: Sequence[Tensor],
    by_outputs: Tensor,
    by_ends: Sequence[Tensor],
) -> list[Tensor]:
    import tensorflow as tf

    steps, units = tf.shape(affine)[0], states[0].shape[1]
    transposed = [tf.transpose(weight) for weight in weights]
    lists = [tf.TensorArray(affine.dtype, flow=flow) for flow in kept]

    def step(time: Tensor, upstream: list[Tensor], slopes: list[Any]) -> tuple[Any, ...]:
        upstream = [upstream[0] + by_outputs[time], *upstream[1:]]
        given = upstream
        if mask is not None:
            given = [tf.where(mask[time], one, tf.zeros_like(one)) for one in upstream]
        before, found = equations.backward(given, [one.read(time) for one in lists], transposed)
        if mask is not None:
            before = [tf.where(mask[time], *pair) for pair in zip(before, upstream, strict=True)]
        slopes = [one.write(time, slope) for one, slope in zip(slopes, found, strict=True)]
        return time - 1, _shaped_like(states, before), slopes

    slopes = [_list(affine, width * units) for width in equations.slopes]
    _, by_states, slopes = tf.while_loop(
        lambda time, *_: time >= 0, step, (steps - 1, _shaped_like(states, by_ends), slopes)
    )
    shape = (*affine.shape[:2], units)
    operands = [tf.ensure_shape(one.stack(), shape) for one in lists[: equations.operands]]
    by_affine, by_weights = equations.gradients(operands, [one.stack() for one in slopes])
    return [by_affine, *by_states, *by_weights]


def _list(like: Tensor, width: int) -> Any:
    """An empty list of tensors `(batch, width)`, one for each step."""
    import tensorflow as tf

    return tf.TensorArray(like.dtype, tf.shape(like)[0], element_shape=(like.shape[1], width))


def _shaped_like(models: Sequence[Tensor], tensors: Sequence[Tensor]) -> list[Tensor]:
    """The tensors, known to have the models' shapes, as a loop demands."""
    import tensorflow as tf

    return [tf.ensure_shape(one, model.shape) for one, model in zip(tensors, models, strict=True)]


def _product(operand: Tensor, slopes: Tensor) -> Tensor:
    """`(time, batch, rows)` and `(time, batch, columns)` to the kernel's gradient."""
    import tensorflow as tf

    operand, slopes = (tf.reshape(one, (-1, one.shape[-1])) for one in (operand, slopes))
    return tf.matmul(operand, slopes, transpose_a=True)


def _tanh_slope(after: Tensor, upstream: Tensor) -> Tensor:
    """`upstream (1 - after ** 2)`, in one pass."""
    import tensorflow as tf

    return tf.raw_ops.TanhGrad(y=after, dy=upstream)


def _sigmoid_slope(after: Tensor, upstream: Tensor) -> Tensor:
    """`upstream after (1 - after)`, in one pass."""
    import tensorflow as tf

    return tf.raw_ops.SigmoidGrad(y=after, dy=upstream)
