"""What our convolutions have in common: they take what those of Keras take."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_classics.core.errors import InputError, check_choice, check_pair
from keras_classics.core.graphs.channels_last import check_format
from keras_classics.core.types import Config, Shape, Tensor
from keras_classics.layers.image.image_layer import ImageLayer
from keras_classics.layers.kernel_layer import KernelLayer


def same_margins(
    sides: tuple[int, int], window: tuple[int, int], strides: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Zeros above and below, left and right that `"same"` puts around maps of a size."""
    rows, columns = (
        max(0, (-(-side // step) - 1) * step + size - side)
        for side, size, step in zip(sides, window, strides, strict=True)
    )
    return (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2)


def window_of(size: tuple[int, ...], dilation: tuple[int, int]) -> tuple[int, int]:
    """Height and width of what one output sees, gaps of the dilation included."""
    rows, columns = ((n - 1) * step + 1 for n, step in zip(size, dilation, strict=True))
    return rows, columns


class ConvolutionLayer(ImageLayer, KernelLayer):
    """A convolution over maps `(batch, height, width, channels)`.

    Args:
        filters: Channels of the output.
        kernel_size: Side of the kernel, or its height and width.
        strides: Step in both directions, or down and to the right.
        padding: `"valid"`, or `"same"` for zeros around, in capitals or not.
        dilation_rate: Step between the kernel's entries, for both directions or each.
        data_format: `"channels_last"`, the only one.
        **kwargs: Those of `KernelLayer`.

    Raises:
        InputError: An argument is not admitted, or strides and dilation are both above 1, which
            Keras's convolutions refuse too.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: int | str | None = "valid",
        *,
        dilation_rate: int | tuple[int, int] = 1,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_format(data_format)
        self.data_format = "channels_last"
        self.filters = filters
        self.kernel_size = check_pair("kernel_size", kernel_size)
        self.strides = check_pair("strides", strides)
        self.dilation_rate = check_pair("dilation_rate", dilation_rate)
        self.padding = self.checked_padding(padding)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise InputError(
                f"strides={self.strides} and dilation_rate={self.dilation_rate} were given",
                "one of them above 1, as in Keras's convolutions",
                "Leave strides or dilation_rate out.",
            )

    def checked_padding(self, padding: Any) -> Any:
        """The padding as the layer keeps it."""
        padding = padding.lower() if isinstance(padding, str) else padding
        check_choice("padding", padding, ("valid", "same"))
        return padding

    def check_maps(self, input_shape: Shape) -> None:
        """Refuse, when the layer is built, what are no maps or smaller than the kernel.

        Raises:
            InputError: They are.
        """
        height, width = self.window
        maps = len(input_shape) == 4
        if not maps or any(side == 0 for side in self.compute_output_shape(input_shape)[1:3]):
            raise InputError(
                f"An input of {tuple(input_shape)} was given to {self.name!r}",
                "maps (batch, height, width, channels)"
                + (f" of at least {height} x {width}" if maps else ""),
                "Choose a smaller kernel, or padding='same'."
                if maps
                else "Add the axis that is missing: one picture is a batch, x[None].",
            )

    def convolved(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """The convolution of this layer with a kernel `(rows, columns, channels, filters)`."""
        return ops.conv(
            inputs, kernel, self.strides, self.padding, dilation_rate=self.dilation_rate
        )

    @property
    def window(self) -> tuple[int, int]:
        """Height and width of what one output sees, gaps of the dilation included."""
        return window_of(self.kernel_size, self.dilation_rate)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Sizes of a convolution; unknown ones stay unknown."""
        batch, *sides, _ = input_shape
        lost = self.window if self.padding == "valid" else (1, 1)
        positions = [
            None if side is None else max(0, -(-(side - size + 1) // step))
            for side, size, step in zip(sides, lost, self.strides, strict=True)
        ]
        return (batch, *positions, self.filters)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            # Lists, as JSON gives them back.
            "kernel_size": list(self.kernel_size),
            "strides": list(self.strides),
            "padding": self.padding,
            "dilation_rate": list(self.dilation_rate),
            "data_format": self.data_format,
        }
