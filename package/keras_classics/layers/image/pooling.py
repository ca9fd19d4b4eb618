"""Pooling layers of the papers that Keras lacks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_rate, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Activation, Config, Shape, Sizes, Tensor
from keras_classics.layers.image.image_layer import ImageLayer


@registered
class TrainableSubsampling(ImageLayer):
    """LeNet-5's subsampling: one coefficient and one bias for each map, then squashing.

    `y = activation(alpha * mean_2x2(x) + bias)`; the paper sums the four inputs, so its
    coefficient is a quarter of this `alpha`. Input `(batch, height, width, channels)`, output half
    as high and wide.

    Args:
        activation: Squashing function.
        pool_size: Side of the square, also the stride.

    Raises:
        InputError: An argument is not admitted.
    """

    @checked
    def __init__(self, activation: Activation = "linear", pool_size: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = keras.activations.get(activation)
        self.pool_size = check_whole("pool_size", pool_size)

    def build(self, input_shape: Sizes) -> None:
        """One coefficient and one bias for each channel."""
        channels = (input_shape[-1],)
        self.alpha = self.add_weight(shape=channels, initializer="ones", name="alpha")
        self.bias = self.add_weight(shape=channels, initializer="zeros", name="bias")

    def call(self, inputs: Tensor) -> Tensor:
        """Average, scale, shift, squash."""
        mean = ops.average_pool(inputs, self.pool_size, self.pool_size)
        return self.activation(self.alpha * mean + self.bias)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Height and width divided by the pool size, rounded down."""
        batch, height, width, channels = input_shape
        shrunk = [None if side is None else side // self.pool_size for side in (height, width)]
        return (batch, *shrunk, channels)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "activation": keras.activations.serialize(self.activation),
            "pool_size": self.pool_size,
        }


@registered
class PaddedMaxPooling2D(ImageLayer):
    """Maximum over windows, padded with minus infinity on every side, as Caffe and Torch do.

    Keras's `"same"` pads one side more than the other at stride 2, and padding with zeros is only
    right after a rectifier. Input `(batch, height, width, channels)`; a side of `n` becomes
    `(n + 2 * padding - pool_size) / strides + 1`, rounded down, or up with `ceil_mode` (a last
    window must still start within the picture or its left padding).

    Args:
        pool_size: Side of the window.
        strides: Step in both directions.
        padding: Pixels on every side, at most half the window.
        ceil_mode: Round up, as Caffe does.

    Raises:
        InputError: The padding exceeds half the window.
    """

    @checked
    def __init__(
        self, pool_size: int, strides: int, padding: int = 0, ceil_mode: bool = False, **kwargs: Any
    ):
        super().__init__(**kwargs)
        pool_size, padding = check_whole("pool_size", pool_size), check_whole("padding", padding, 0)
        if padding > pool_size // 2:
            raise InputError(
                f"padding={padding} was given for windows of {pool_size}",
                f"0 to {pool_size // 2}",
                "Use half the window or less: a window of padding alone has no maximum.",
            )
        self.pool_size = pool_size
        self.strides = check_whole("strides", strides)
        self.padding = padding
        self.ceil_mode = ceil_mode

    def _side(self, size: int | None) -> int | None:
        return None if size is None else self._windows(size)

    def _windows(self, size: int) -> int:
        """How many windows there are along an axis."""
        room = size + 2 * self.padding - self.pool_size
        if not self.ceil_mode:
            return room // self.strides + 1
        count = -(-room // self.strides) + 1
        beyond = (count - 1) * self.strides >= size + self.padding
        # A size known only at run time is a tensor, on which Python cannot branch.
        return count - (int(beyond) if isinstance(size, int) else ops.cast(beyond, "int32"))

    def call(self, inputs: Tensor) -> Tensor:
        """Pad and take maxima."""
        sizes = inputs.shape[1:3]
        padded = self.padded(inputs, self.padding, [self._after(size) for size in sizes])
        pooled = ops.max_pool(padded, self.pool_size, self.strides)
        if None not in sizes or not self.ceil_mode:
            return pooled
        height, width = (self._side(size) for size in ops.shape(inputs)[1:3])
        return pooled[:, :height, :width]

    def _after(self, size: int | None) -> int:
        """Pixels behind an axis."""
        if not self.ceil_mode:
            return self.padding
        if size is None:
            # Enough for every last window; what another window would reach is cut off again.
            return self.padding + self.strides - 1
        reached = (self._windows(size) - 1) * self.strides + self.pool_size
        return reached - size - self.padding

    def padded(self, inputs: Tensor, before: int, after: Sequence[int]) -> Tensor:
        """Put minus infinity around pictures.

        Args:
            inputs: `(batch, height, width, channels)`.
            before: Pixels above, and on the left.
            after: Pixels below, and on the right; negative where windows leave some out.
        """
        amounts = [(before, max(0, each)) for each in after]
        if not any(map(any, amounts)):
            return inputs
        return ops.pad(inputs, [(0, 0), *amounts, (0, 0)], constant_values=-math.inf)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Sides by the formula above."""
        batch, height, width, channels = input_shape
        return (batch, self._side(height), self._side(width), channels)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
            "ceil_mode": self.ceil_mode,
        }


@registered
class CeilAveragePooling2D(ImageLayer):
    """Average over windows, the number of windows rounded up as Caffe does.

    A window that reaches beyond the picture averages what it has of it. Input
    `(batch, height, width, channels)`; a side of `n` becomes `ceil((n - pool_size) / strides) + 1`.

    Args:
        pool_size: Side of the window.
        strides: Step in both directions, at most the window.

    Raises:
        InputError: The step is larger than the window.
    """

    @checked
    def __init__(self, pool_size: int, strides: int, **kwargs: Any):
        super().__init__(**kwargs)
        pool_size, strides = check_whole("pool_size", pool_size), check_whole("strides", strides)
        if strides > pool_size:
            raise InputError(
                f"strides={strides} was given for windows of {pool_size}",
                f"1 to {pool_size}",
                "Use the window's size or less: a window must start within the picture.",
            )
        self.pool_size = pool_size
        self.strides = strides

    def _side(self, size: int | None) -> int | None:
        return None if size is None else -(-(size - self.pool_size) // self.strides) + 1

    def call(self, inputs: Tensor) -> Tensor:
        """Average what is there: the mean over zeros and picture by the share of picture."""
        missing = (0, self.strides - 1)
        sides = [self._side(size) for size in ops.shape(inputs)[1:3]]

        def mean(x: Tensor) -> Tensor:
            padded = ops.pad(x, [(0, 0), missing, missing, (0, 0)])
            return ops.average_pool(padded, self.pool_size, self.strides)

        shares = mean(ops.ones_like(inputs[:1, :, :, :1]))
        return (mean(inputs) / shares)[:, : sides[0], : sides[1]]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Sides by the formula above."""
        batch, height, width, channels = input_shape
        return (batch, self._side(height), self._side(width), channels)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
        }


@registered
class SAFPooling(ImageLayer):
    """Maximum over windows, then dropout: the strongest features are selected, then withheld.

    Hasanpour et al., "Towards principled design of deep convolutional networks: introducing
    SimpNet", arXiv:1802.06205. At inference a plain maximum. Input
    `(batch, height, width, channels)`, output with height and width divided by `pool_size`.

    Args:
        pool_size: Side of the window, also the stride.
        rate: Share of the maxima withheld while training.
        seed: Seed of the draws.

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        layer = kc.layers.SAFPooling(2, rate=0.2)
        layer(np.zeros((2, 8, 8, 3)), training=True).shape  # (2, 4, 4, 3)
        ```
    """

    @checked
    def __init__(
        self, pool_size: int = 2, rate: float = 0.2, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.pool_size = check_whole("pool_size", pool_size)
        self.rate = check_rate("rate", rate)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Select, and withhold while training."""
        maxima = ops.max_pool(inputs, self.pool_size, self.pool_size)
        if not training or not self.rate:
            return maxima
        return keras.random.dropout(maxima, self.rate, seed=self.seed_generator)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Height and width divided by the pool size, rounded down."""
        batch, height, width, channels = input_shape
        shrunk = [None if side is None else side // self.pool_size for side in (height, width)]
        return (batch, *shrunk, channels)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "rate": self.rate,
            "seed": self.seed,
        }
