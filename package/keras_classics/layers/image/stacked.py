"""Depth in one layer: thousands of convolutions that a graph holds once."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_positive,
    check_whole,
)
from keras_classics.core.graphs.variables import value_of
from keras_classics.core.registration import registered
from keras_classics.core.types import Activation, Config, Initializer, Shape, Sizes, Tensor
from keras_classics.initializers import DeltaOrthogonal
from keras_classics.layers.image.convolution_chain import convolution_chain
from keras_classics.layers.image.image_layer import ImageLayer
from keras_classics.layers.kernel_layer import KernelLayer


@registered
class StackedConv2D(ImageLayer, KernelLayer):
    """`depth` convolutions of stride 1, each from `channels` to `channels` and with an activation.

    What a chain of `depth` layers computes, with the weights stacked and a loop over them: the
    time to build and the size of the graph do not depend on the depth, which for the networks of
    Xiao, Bahri, Sohl-Dickstein, Schoenholz, Pennington, "Dynamical isometry and a mean field theory
    of CNNs", ICML 2018, is 10,000. Input and output `(batch, height, width, channels)`.

    On TensorFlow's CPU kernels do not compile this layer with XLA, which takes twenty times as
    long over convolutions in loops: `jit_compile="auto"`, the default of `compile`, does not.

    Args:
        depth: Number of convolutions.
        kernel_size: Side of the kernels, odd.
        padding: `"circular"`, the image continues on the opposite side, which makes every
            delta-orthogonal convolution exactly orthogonal; `"same"` for zeros.
        activation: Activation after each convolution.
        recompute: While training, keep the outputs of about the root of `depth` layers and
            compute the others again: a quarter more time, and memory that grows with the root.
        kernel_initializer: Initialiser of the kernels `(depth, kernel_size, kernel_size, channels,
            channels)`; Keras's own count the whole shape as one kernel. `DeltaOrthogonal()` by
            default.
        bias_initializer: Initialiser of the biases `(depth, channels)`.
        memory: Megabytes that training may take for each picture of a batch, under `recompute`, to
            keep what the last layers have computed: as many as that holds are not computed again.
            None for none. Of 10,000 layers over 14 x 14 x 16 all take 290.
        **kwargs: What else Keras's `Conv2D` takes about its weights: `use_bias`, regularisers,
            constraints.

    Raises:
        InputError: `depth` is below 1, `kernel_size` even or `padding` unknown.
    """

    # It comes between the convolutions too.
    activates_last = False

    @checked
    def __init__(
        self,
        depth: int,
        kernel_size: int = 3,
        padding: str = "circular",
        activation: Activation = "tanh",
        recompute: bool = True,
        kernel_initializer: Initializer = None,
        bias_initializer: Initializer = "zeros",
        memory: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            activation=activation,
            kernel_initializer=kernel_initializer or DeltaOrthogonal(),
            bias_initializer=bias_initializer,
            **kwargs,
        )
        kernel_size = check_whole("kernel_size", kernel_size)
        if kernel_size % 2 == 0:
            raise InputError(
                f"kernel_size={kernel_size} was given",
                "an odd number, because its centre is what keeps an image where it is",
                "Use kernel_size=3, the paper's.",
            )
        padding = padding.lower() if isinstance(padding, str) else padding
        check_choice("padding", padding, ("circular", "same"))
        self.depth = check_whole("depth", depth)
        self.kernel_size = kernel_size
        self.padding = padding
        self.recompute = recompute
        self.memory = None if memory is None else check_positive("memory", memory)
        self.supports_jit = keras.config.backend() != "tensorflow"

    def build(self, input_shape: Sizes) -> None:
        """All kernels and all biases, each in one weight."""
        channels, size = input_shape[-1], self.kernel_size
        if self.memory is not None and None in input_shape[1:3]:
            raise InputError(
                f"memory={self.memory} was given for images of {tuple(input_shape[1:])}",
                "a height and a width that are known, of which the memory of a layer follows",
                "Leave memory=None, or fix the size of the images.",
            )
        self.kernel = self.add_weight(
            (self.depth, size, size, channels, channels),
            self.kernel_initializer,
            name="kernel",
            **self.kernel_rules(),
        )
        self.add_bias((self.depth, channels))

    def call(self, inputs: Tensor) -> Tensor:
        """The convolutions one after another."""
        kernel = value_of(self.kernel)
        return convolution_chain(
            inputs,
            kernel,
            value_of(self.bias) if self.use_bias else self._no_bias(kernel),
            activation=self.activation,
            padding=self.padding,
            kept=self._kept(inputs.shape) if self.recompute else self.depth,
        )

    def _kept(self, shape: Sizes) -> int:
        """How many layers, the last, are not computed again."""
        if self.memory is None:
            return 0
        height, width, channels = shape[1:]
        edge = self.kernel_size - 1
        # A convolution's gradient needs its padded input, an activation's its output.
        values = channels * ((height + edge) * (width + edge) + height * width)
        bits = int("".join(filter(str.isdigit, self.compute_dtype)))
        return min(self.depth, int(self.memory * 8e6 / (values * bits)))

    def _no_bias(self, kernel: Tensor) -> Tensor:
        return ops.zeros((self.depth, kernel.shape[-1]), kernel.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Same as the input's."""
        return input_shape

    def multiply_adds(self, input_shape: Sizes, output_shape: Sizes) -> int:
        """Those of all convolutions."""
        _, height, width, channels = output_shape
        return self.depth * height * width * (channels * self.kernel_size) ** 2

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "depth": self.depth,
            "kernel_size": self.kernel_size,
            "padding": self.padding,
            "recompute": self.recompute,
            "memory": self.memory,
        }


@registered
class CircularPadding2D(ImageLayer):
    """Continues an image on every side with its opposite side, as on a torus.

    Input `(batch, height, width, channels)`, output `(batch, height + 2 amount, width + 2 amount,
    channels)`.

    Args:
        amount: Pixels on each side, at most the height and the width; none with 0.

    Raises:
        InputError: `amount` is negative, no whole number, or more than the image has.
    """

    @checked
    def __init__(self, amount: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.amount = check_whole("amount", amount, 0)

    def build(self, input_shape: Shape) -> None:
        """No weights; looks whether the image has as many pixels."""
        known = [size for size in input_shape[1:3] if size is not None]
        if known and min(known) < self.amount:
            raise InputError(
                f"amount={self.amount} was given for an image of {tuple(input_shape[1:])}",
                "at most its height and width",
                f"Pass amount={min(known)} or less.",
            )

    def call(self, inputs: Tensor) -> Tensor:
        """Rows, then columns."""
        n = self.amount
        if not n:
            # Behind -0 stands the whole picture.
            return inputs
        x = ops.concatenate([inputs[:, -n:], inputs, inputs[:, :n]], axis=1)
        return ops.concatenate([x[:, :, -n:], x, x[:, :, :n]], axis=2)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Larger by the padding, where the size is known."""
        batch, *sizes, channels = input_shape
        return (batch, *(size and size + 2 * self.amount for size in sizes), channels)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "amount": self.amount}
