"""Recurrent cells whose recurrent weights depend on the input, factored.

The state before is seen through factors that the input scales, `m = (x W_fx) (h W_fh)`: the
transition matrix of an input is `W_fh diag(x W_fx) U`. In the first steps of training both
brackets are small and their product smaller still; what makes `x W_fx` of unit variance helps: the
default for features of unit variance, a normal of standard deviation 1 for one-hot inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Initializer, Sizes, Tensor
from keras_classics.layers.recurrent.feedback_and_course_cells import RecurrentCell
from keras_classics.layers.recurrent.lstm_cells import LSTMVariantCell


class _Factored(RecurrentCell):
    """The factors: mixed into a cell, before it."""

    @checked
    def __init__(
        self,
        units: int,
        factors: int | None = None,
        factor_initializer: Initializer = "lecun_normal",
        **kwargs: Any,
    ):
        super().__init__(units, **kwargs)
        self.factors = check_whole("factors", units if factors is None else factors)
        self.factor_initializer = keras.initializers.get(factor_initializer)

    def build(self, input_shape: Sizes) -> None:
        """The factors' kernels and the cell's own."""
        super().build(input_shape)
        self.factor_kernel = self.weight(
            "factor_kernel", (input_shape[-1], self.factors), self.factor_initializer
        )
        self.factor_recurrent_kernel = self.weight(
            "factor_recurrent_kernel",
            (self.state_size[0], self.factors),
            self.recurrent_initializer,
        )

    @property
    def operand_width(self) -> int:
        """Width of what the recurrent kernel multiplies."""
        return self.factors

    def operand(self, inputs: Tensor, output: Tensor) -> Tensor:
        """What the recurrent kernel multiplies: the factors `(batch, factors)`."""
        by_input = ops.matmul(inputs, self.factor_kernel)
        return by_input * ops.matmul(output, self.factor_recurrent_kernel)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "factors": self.factors,
            "factor_initializer": keras.initializers.serialize(self.factor_initializer),
        }


@registered
class MultiplicativeRNNCell(_Factored, RecurrentCell):
    """`h = f(m W_hf + x W_hx + b)` with the factors `m = (x W_fx) (h_before W_fh)`.

    Sutskever, Martens, Hinton, "Generating text with recurrent neural networks", ICML 2011.
    Parameters: `factors (features + 2 units) + units (features + 1)`.

    Args:
        units: Width of the state.
        factors: Number of factors; `units` by default, as in the paper.
        factor_initializer: Initialiser of `W_fx`.
        **kwargs: As for every cell: `activation` and the initialisers.
    """

    def build(self, input_shape: Sizes) -> None:
        """Input kernel `W_hx`, recurrent kernel `W_hf`, bias, and the factors' kernels."""
        self.kernel = self.weight("kernel", (input_shape[-1], self.units), self.kernel_initializer)
        self.recurrent_kernel = self.weight(
            "recurrent_kernel", (self.factors, self.units), self.recurrent_initializer
        )
        self.bias = self.weight("bias", (self.units,), self.bias_initializer)
        super().build(input_shape)

    def call(self, inputs: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """One step: the output and the new state."""
        factors = self.operand(inputs, states[0])
        total = ops.matmul(factors, self.recurrent_kernel) + ops.matmul(inputs, self.kernel)
        hidden = self.activation(total + self.bias)
        return hidden, [hidden]


@registered
class MultiplicativeLSTMCell(_Factored, LSTMVariantCell):
    """LSTM in all of whose blocks the factors stand for the output before.

    Krause, Lu, Murray, Renals, "Multiplicative LSTM for sequence modelling", 2016,
    arXiv:1609.07959. States as for `LSTMVariantCell`.

    Args:
        units: Width of both states.
        factors: Number of factors; `units` by default, as in the paper.
        factor_initializer: Initialiser of the kernel from the input to the factors.
        **kwargs: As for `LSTMVariantCell`.
    """
