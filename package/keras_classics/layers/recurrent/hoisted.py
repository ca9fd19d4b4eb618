"""Keras's LSTM and GRU, faster to train on TensorFlow's CPU kernels."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_classics.core.graphs.variables import value_of
from keras_classics.core.keras_internals import OwnLoop, has_one_dropout_mask, input_dropout_mask
from keras_classics.core.registration import registered
from keras_classics.core.types import Tensor
from keras_classics.layers.recurrent import hoisted_recurrence as hoisted


class _Hoisted(OwnLoop, keras.layers.Layer):
    """The loop over time of both layers; a subclass says which equations, of what weights."""

    def equations(self) -> tuple[hoisted.Equations, Tensor | None, list[Tensor]]:
        """The equations, the bias of every step's input product, and the weights of the loop."""
        raise NotImplementedError

    @property
    def has_equations(self) -> bool:
        """Whether `equations` is what the arguments say, dropout apart."""
        functions = self.activation, self.recurrent_activation
        return functions == (keras.activations.tanh, keras.activations.sigmoid)

    def loop(
        self, sequences: Tensor, initial_state: Any, mask: Tensor | None, training: bool
    ) -> tuple[Tensor, Tensor, list[Tensor]] | None:
        """Last output, outputs `(batch, time, units)` and last states."""
        if not self._hoists():
            return None
        import tensorflow as tf

        equations, bias, weights = self.equations()
        if training and self.dropout:
            sequences = sequences * input_dropout_mask(self.cell, sequences[:, 0])[:, None]
        if mask is not None:
            mask = tf.transpose(tf.cast(keras.tree.flatten(mask)[0], "bool"))[:, :, None]
        if self.go_backwards:
            sequences = tf.reverse(sequences, axis=[1])
            mask = None if mask is None else tf.reverse(mask, axis=[0])
        affine = hoisted.affine_of_all_steps(sequences, value_of(self.cell.kernel), bias)
        outputs, states = hoisted.recurrence(
            equations, affine, keras.tree.flatten(initial_state), weights, mask, training
        )
        if mask is not None:
            # A padded step repeats the output before it, and before the first there is none.
            begun = tf.cumsum(tf.cast(mask, "int32"), axis=0) > 0
            shown = mask if self.zero_output_for_mask else begun
            outputs = tf.where(shown, outputs, tf.zeros_like(outputs))
        return outputs[-1], tf.transpose(outputs, (1, 0, 2)), states

    def _hoists(self) -> bool:
        """Whether the loop here computes what the arguments say; Keras's own does always."""
        if keras.config.backend() != "tensorflow":
            return False
        import tensorflow as tf

        return (
            self.has_equations
            # Keras's own way to the dropout of states, and of each gate's inputs for itself.
            and has_one_dropout_mask(self.cell)
            and not self.unroll
            and self.use_cudnn is not True
            and not tf.config.list_logical_devices("GPU")
        )


@registered
class LSTM(_Hoisted, keras.layers.LSTM):
    """`keras.layers.LSTM`, to every argument, weight and number, in less time on TensorFlow's CPU.

    It multiplies the inputs of all steps at once, before the loop, and has its own gradient, which
    does so with the gradients of the weights: `applications/benchmark.py recurrent` measures it.
    Weights, `get_config` and masks are Keras's, so either layer loads what the other has saved.

    Other activations than tanh and sigmoid, `recurrent_dropout`, `unroll`, a GPU, JAX and PyTorch
    take Keras's own way. Called with `training=False` the layer keeps nothing for a gradient, and
    one that is asked for all the same runs the loop once more. A gradient of a gradient is refused
    with a `LookupError`: for that, use `keras.layers.LSTM`.

    Args:
        *args: As for `keras.layers.LSTM`.
        **kwargs: As for `keras.layers.LSTM`.

    Example:
        ```python
        layer = kc.layers.LSTM(8, return_sequences=True)
        layer(np.zeros((2, 5, 3))).shape  # (2, 5, 8)
        keras.layers.Bidirectional(kc.layers.LSTM(8))(np.zeros((2, 5, 3))).shape  # (2, 16)
        ```
    """

    def equations(self) -> tuple[hoisted.Equations, Tensor | None, list[Tensor]]:
        """The LSTM's, with one bias for all sums."""
        bias = value_of(self.cell.bias) if self.use_bias else None
        return hoisted.LSTM, bias, [value_of(self.cell.recurrent_kernel)]


@registered
class GRU(_Hoisted, keras.layers.GRU):
    """`keras.layers.GRU`, to every argument, weight and number, in less time on TensorFlow's CPU.

    See `kc.layers.LSTM`. Both forms are hoisted, `reset_after=True` (Keras's default, PyTorch's)
    and `reset_after=False` (the paper's).

    Args:
        *args: As for `keras.layers.GRU`.
        **kwargs: As for `keras.layers.GRU`.

    Example:
        ```python
        layer = kc.layers.GRU(8, return_sequences=True)
        layer(np.zeros((2, 5, 3))).shape  # (2, 5, 8)
        twin = keras.layers.GRU(8, return_sequences=True)
        twin.build((None, 5, 3))
        twin.set_weights(layer.get_weights())  # now it computes the same numbers
        ```
    """

    def equations(self) -> tuple[hoisted.Equations, Tensor | None, list[Tensor]]:
        """The form's, with all biases that can leave the loop in one."""
        recurrent, gates = value_of(self.cell.recurrent_kernel), 2 * self.units
        bias: Any = value_of(self.cell.bias) if self.use_bias else None
        if not self.reset_after:
            return hoisted.RESET_BEFORE, bias, [recurrent[:, :gates], recurrent[:, gates:]]
        inner = ops.zeros((self.units,), recurrent.dtype)
        if self.use_bias:
            # The reset gate scales the candidate's recurrent bias, which therefore stays.
            entering, again = bias[0], bias[1]
            bias, inner = entering + ops.pad(again[:gates], ((0, self.units),)), again[gates:]
        return hoisted.RESET_AFTER, bias, [recurrent, inner]
