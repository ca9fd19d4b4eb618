"""Normalisation layers of the papers that Keras lacks."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Shape, Tensor
from keras_classics.layers.image.image_layer import ImageLayer


@registered
class LocalResponseNormalization(ImageLayer):
    """Divides each value by the activity of the neighbouring channels (AlexNet, section 3.3).

    `y_c = x_c / (bias + alpha * sum_{c' within size around c} x_c'^2) ** beta`, the window cut off
    at the first and last channel. Input and output `(..., channels)`.

    Args:
        size: Number of channels in the window, odd.
        alpha: Scale of the sum, undivided as in the paper.
        beta: Exponent.
        bias: The constant `k`.
        alpha_over_n: Divide alpha by `size`, as Caffe and PyTorch do.

    Raises:
        InputError: `size` is not a positive odd number.

    Example:
        ```python
        layer = kc.layers.LocalResponseNormalization(size=5, alpha=1e-4, beta=0.75, bias=2.0)
        layer(np.ones((1, 6, 6, 16))).shape  # (1, 6, 6, 16)
        ```
    """

    @checked
    def __init__(
        self,
        size: int = 5,
        alpha: float = 1e-4,
        beta: float = 0.75,
        bias: float = 2.0,
        alpha_over_n: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        size = check_whole("size", size, remedy="Use 5, the paper's.")
        if size % 2 == 0:
            raise InputError(
                f"size={size} was given", "a positive odd number", "Use 5, the paper's."
            )
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.bias = bias
        self.alpha_over_n = alpha_over_n

    def call(self, inputs: Tensor) -> Tensor:
        """Normalise over the channel window."""
        reach, channels = self.size // 2, inputs.shape[-1]
        alpha = self.alpha / self.size if self.alpha_over_n else self.alpha
        padding = [(0, 0)] * (len(inputs.shape) - 1) + [(reach, reach)]
        # In half precision the square of 256 is infinite.
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        squares = ops.pad(ops.square(x), padding)
        activity = sum(squares[..., k : k + channels] for k in range(self.size))
        return ops.cast(x / ops.power(self.bias + alpha * activity, self.beta), inputs.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Same as the input's."""
        return input_shape

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "size": self.size,
            "alpha": self.alpha,
            "beta": self.beta,
            "bias": self.bias,
            "alpha_over_n": self.alpha_over_n,
        }
