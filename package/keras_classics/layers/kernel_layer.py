"""What layers with a kernel have in common: all that Keras's own take about their weights."""

from __future__ import annotations

from typing import Any

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.types import (
    Activation,
    Config,
    Constraint,
    Initializer,
    Regularizer,
    Sizes,
    Tensor,
)
from keras_classics.initializers import own_draw


class RuledLayer(keras.layers.Layer):
    """A layer whose kernels and biases obey regularisers and constraints.

    Args:
        kernel_regularizer: Regulariser of the kernels.
        bias_regularizer: Regulariser of the biases.
        kernel_constraint: Constraint of the kernels.
        bias_constraint: Constraint of the biases.
    """

    @checked
    def __init__(
        self,
        *,
        kernel_regularizer: Regularizer = None,
        bias_regularizer: Regularizer = None,
        kernel_constraint: Constraint = None,
        bias_constraint: Constraint = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)

    def kernel_rules(self) -> Config:
        """What `add_weight` is told about a kernel."""
        return {"regularizer": self.kernel_regularizer, "constraint": self.kernel_constraint}

    def bias_rules(self) -> Config:
        """What `add_weight` is told about a bias."""
        return {"regularizer": self.bias_regularizer, "constraint": self.bias_constraint}

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
            "bias_constraint": keras.constraints.serialize(self.bias_constraint),
        }


class KernelLayer(RuledLayer):
    """A layer of one kernel, one bias and an activation at its end.

    Args:
        activation: Activation of the output.
        use_bias: Whether there is a bias.
        kernel_initializer: Initialiser of the kernel.
        bias_initializer: Initialiser of the bias.
        **kwargs: Those of `RuledLayer`, and `name`, `dtype`, `activity_regularizer` and what else
            all layers of Keras take.
    """

    # What `core.call_kinds` asks: the activation is the last that the layer does.
    activates_last = True

    @checked
    def __init__(
        self,
        *,
        activation: Activation = None,
        use_bias: bool = True,
        kernel_initializer: Initializer = "glorot_uniform",
        bias_initializer: Initializer = "zeros",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def add_bias(self, shape: Sizes) -> None:
        """The bias, if there is to be one."""
        if self.use_bias:
            draw = own_draw(self.bias_initializer, "bias")
            self.bias = self.add_weight(shape, draw, name="bias", **self.bias_rules())

    def finished(self, outputs: Tensor) -> Tensor:
        """Bias and activation after the product."""
        return self.activation(outputs + self.bias if self.use_bias else outputs)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }
