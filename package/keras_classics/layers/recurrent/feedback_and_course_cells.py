"""Recurrent cells that Keras lacks: output feedback, the course's GRU, depth within a step.

Each goes into `keras.layers.RNN`, or by name through `recurrent_layer`. Inputs are
`(batch, features)`, states `(batch, width)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Activation, Config, Initializer, Sizes, Tensor
from keras_classics.initializers import own_draw


class RecurrentCell(keras.layers.Layer):
    """What the cells have in common.

    Args:
        units: Width of the hidden state.
        activation: Activation of what becomes the hidden state.
        kernel_initializer: Initialiser of what multiplies the input, and of output kernels.
        recurrent_initializer: Initialiser of what multiplies a state.
        bias_initializer: Initialiser of the biases.

    Raises:
        InputError: `units` is not a positive whole number.
    """

    @checked
    def __init__(
        self,
        units: int,
        activation: Activation = "tanh",
        kernel_initializer: Initializer = "glorot_uniform",
        recurrent_initializer: Initializer = "orthogonal",
        bias_initializer: Initializer = "zeros",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.units = check_whole("units", units)
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    @property
    def state_size(self) -> list[int]:
        """Width of each state; the first is the output."""
        return [self.units]

    def weight(self, name: str, shape: Sizes, initializer: Initializer) -> keras.Variable:
        """Add a weight with a draw of its own."""
        return self.add_weight(shape=shape, initializer=own_draw(initializer, name), name=name)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }


@registered
class OutputFeedbackCell(RecurrentCell):
    """Jordan's cell: `h = f(x W + y_before W_fb + b)`, `y = g(h W_out + b_out)`; it returns `y`.

    Jordan, "Attractor dynamics and parallelism in a connectionist sequential machine", 1986.
    States: `y (batch, outputs)`, and with hidden feedback `h (batch, units)`. Without it, what is
    not written is forgotten; but when the right `y_before` are fed in training, no step depends on
    another.

    Args:
        units: Width of the hidden layer.
        outputs: Width of the output; `units` by default.
        hidden_feedback: Feed the hidden layer back too, through its own kernel (Elman's term).
        output_activation: `g`.
        **kwargs: As for every cell: `activation` and the initialisers.

    Raises:
        InputError: `units` or `outputs` is not a positive whole number.
    """

    @checked
    def __init__(
        self,
        units: int,
        outputs: int | None = None,
        hidden_feedback: bool = False,
        output_activation: Activation = "sigmoid",
        **kwargs: Any,
    ):
        super().__init__(units, **kwargs)
        self.outputs = check_whole("outputs", units if outputs is None else outputs)
        self.hidden_feedback = hidden_feedback
        self.output_activation = keras.activations.get(output_activation)

    @property
    def state_size(self) -> list[int]:
        """The output's width, and the hidden layer's where it is fed back."""
        return [self.outputs, self.units] if self.hidden_feedback else [self.outputs]

    def build(self, input_shape: Sizes) -> None:
        """Kernels of input, feedback and output."""
        width, units, outputs = input_shape[-1], self.units, self.outputs
        self.kernel = self.weight("kernel", (width, units), self.kernel_initializer)
        self.feedback_kernel = self.weight(
            "feedback_kernel", (outputs, units), self.recurrent_initializer
        )
        if self.hidden_feedback:
            self.recurrent_kernel = self.weight(
                "recurrent_kernel", (units, units), self.recurrent_initializer
            )
        self.bias = self.weight("bias", (units,), self.bias_initializer)
        self.output_kernel = self.weight("output_kernel", (units, outputs), self.kernel_initializer)
        self.output_bias = self.weight("output_bias", (outputs,), self.bias_initializer)

    def call(self, inputs: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """One step: the output and the new states."""
        total = ops.matmul(inputs, self.kernel) + ops.matmul(states[0], self.feedback_kernel)
        if self.hidden_feedback:
            total = total + ops.matmul(states[1], self.recurrent_kernel)
        hidden = self.activation(total + self.bias)
        output = self.output_activation(ops.matmul(hidden, self.output_kernel) + self.output_bias)
        return output, [output, hidden] if self.hidden_feedback else [output]

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "outputs": self.outputs,
            "hidden_feedback": self.hidden_feedback,
            "output_activation": keras.activations.serialize(self.output_activation),
        }


@registered
class CourseGRUCell(RecurrentCell):
    """The GRU as courses write it: `h = (1 - z) h_before + z h~`, reset before the product.

    Chung, Gulcehre, Cho, Bengio, "Empirical evaluation of gated recurrent neural networks on
    sequence modeling", 2014. Keras's `GRU(reset_after=False)` has `z` and `1 - z` exchanged, and
    is the same network once the update gate's weights are negated: `kc.weights.flip_update_gate`.
    Weights have Keras's shapes and order: update, reset, candidate.

    Args:
        units: Width of the state.
        recurrent_activation: Activation of the gates.
        **kwargs: As for every cell: `activation` and the initialisers.
    """

    @checked
    def __init__(self, units: int, recurrent_activation: Activation = "sigmoid", **kwargs: Any):
        super().__init__(units, **kwargs)
        self.recurrent_activation = keras.activations.get(recurrent_activation)

    def build(self, input_shape: Sizes) -> None:
        """Kernel, recurrent kernel and bias of all three gates."""
        width = 3 * self.units
        self.kernel = self.weight("kernel", (input_shape[-1], width), self.kernel_initializer)
        self.recurrent_kernel = self.weight(
            "recurrent_kernel", (self.units, width), self.recurrent_initializer
        )
        self.bias = self.weight("bias", (width,), self.bias_initializer)

    def call(self, inputs: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """One step: the output and the new state."""
        hidden, gates = states[0], 2 * self.units
        affine = ops.matmul(inputs, self.kernel) + self.bias
        both = affine[:, :gates] + ops.matmul(hidden, self.recurrent_kernel[:, :gates])
        update, reset = ops.split(self.recurrent_activation(both), 2, axis=-1)
        candidate = self.activation(
            affine[:, gates:] + ops.matmul(reset * hidden, self.recurrent_kernel[:, gates:])
        )
        hidden = (1.0 - update) * hidden + update * candidate
        return hidden, [hidden]

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "recurrent_activation": keras.activations.serialize(self.recurrent_activation),
        }


@registered
class DeepTransitionCell(RecurrentCell):
    """A simple recurrent cell with several layers between one state and the next.

    `h_1 = f(x W + h_before U + b)`, then `h_l = f(h_(l-1) U_l + b_l)`; the last is the state.
    Pascanu, Gulcehre, Cho, Bengio, "How to construct deep recurrent neural networks", ICLR 2014.

    Args:
        units: Width of the state and of the layers between.
        depth: Layers in a step; 1 is Elman's cell.
        **kwargs: As for every cell: `activation` and the initialisers.

    Raises:
        InputError: `units` or `depth` is not a positive whole number.
    """

    @checked
    def __init__(self, units: int, depth: int = 2, **kwargs: Any):
        super().__init__(units, **kwargs)
        self.depth = check_whole("depth", depth)

    def build(self, input_shape: Sizes) -> None:
        """The input's kernel, and a kernel and a bias for each layer."""
        units = self.units
        self.kernel = self.weight("kernel", (input_shape[-1], units), self.kernel_initializer)
        self.transitions = [
            (
                self.weight(f"recurrent_kernel_{n}", (units, units), self.recurrent_initializer),
                self.weight(f"bias_{n}", (units,), self.bias_initializer),
            )
            for n in range(1, self.depth + 1)
        ]

    def call(self, inputs: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """One step: the output and the new state."""
        hidden = states[0]
        entering = ops.matmul(inputs, self.kernel)
        for kernel, bias in self.transitions:
            hidden = self.activation(entering + ops.matmul(hidden, kernel) + bias)
            entering = 0.0
        return hidden, [hidden]

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "depth": self.depth}


@registered
class RecurrentHighwayCell(RecurrentCell):
    """Highway layers between one state and the next: `s_l = t h + (1 - t) s_(l-1)`.

    `h = f(s_(l-1) U_l + b_l)` and the gate `t` likewise; the input enters the first layer only.
    Zilly, Srivastava, Koutnik, Schmidhuber, "Recurrent highway networks", ICML 2017. Parameters:
    `2 units features + 2 depth units (units + 1)`.

    Args:
        units: Width of the state.
        depth: Highway layers in a step.
        transform_bias: Added to the gates' biases at the start; negative, to carry at first.
        recurrent_activation: Activation of the gates.
        **kwargs: As for every cell: `activation` and the initialisers.

    Raises:
        InputError: `units` or `depth` is not a positive whole number.
    """

    @checked
    def __init__(
        self,
        units: int,
        depth: int = 1,
        transform_bias: float = -2.0,
        recurrent_activation: Activation = "sigmoid",
        **kwargs: Any,
    ):
        super().__init__(units, **kwargs)
        self.depth = check_whole("depth", depth)
        self.transform_bias = transform_bias
        self.recurrent_activation = keras.activations.get(recurrent_activation)

    def build(self, input_shape: Sizes) -> None:
        """The input's kernel, and a kernel and a bias for each layer; candidate, then gate."""
        units = self.units
        self.kernel = self.weight("kernel", (input_shape[-1], 2 * units), self.kernel_initializer)
        self.transitions = [
            (
                self.weight(
                    f"recurrent_kernel_{n}", (units, 2 * units), self.recurrent_initializer
                ),
                self.add_weight((2 * units,), partial(self._initial_bias, n), name=f"bias_{n}"),
            )
            for n in range(1, self.depth + 1)
        ]

    def _initial_bias(self, layer: int, shape: Sizes, dtype: str) -> Tensor:
        gates = ops.repeat(ops.cast([0.0, self.transform_bias], dtype), self.units)
        return own_draw(self.bias_initializer, f"bias_{layer}")(shape, dtype) + gates

    def call(self, inputs: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """One step: the output and the new state."""
        state = states[0]
        entering = ops.matmul(inputs, self.kernel)
        for kernel, bias in self.transitions:
            candidate, gate = ops.split(entering + ops.matmul(state, kernel) + bias, 2, axis=-1)
            gate = self.recurrent_activation(gate)
            state = gate * self.activation(candidate) + (1.0 - gate) * state
            entering = 0.0
        return state, [state]

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "depth": self.depth,
            "transform_bias": self.transform_bias,
            "recurrent_activation": keras.activations.serialize(self.recurrent_activation),
        }
