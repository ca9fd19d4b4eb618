"""How an image that is looked for is written down: its pixels, or uncorrelated waves of it.

In waves (Olah, Mordvintsev, Schubert, "Feature visualization", Distill 2017; constants of its code,
lucid) a step moves all scales and no colour more than another, which keeps high frequencies from
taking over. The inverse transform is a product with two small matrices, on every backend the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from keras import ops

from keras_classics.analysis.input_bounds import Bounds
from keras_classics.core.types import Tensor

# Of ImageNet's colours: rows of the square root of their covariance, over its longest column.
_COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.0, -0.05], [0.27, -0.09, 0.03]])
COLOURS = _COLOURS / np.sqrt(np.square(_COLOURS).sum(axis=0)).max()
# Deviation of the first waves, and what their sum is divided by.
WAVE_DEVIATION, WAVE_DIVISOR = 0.01, 4.0
# Deviation of the first pixels from grey, as a share of the range.
PIXEL_DEVIATION = 0.01


class ImageForm(ABC):
    """Parameters of images of one size, and the images of them.

    Args:
        size: `(height, width, channels)`.
        bounds: Those of the images.
    """

    def __init__(self, size: tuple[int, ...], bounds: Bounds) -> None:
        self.size, self.bounds = size, bounds

    def within(self, shares: Tensor) -> Tensor:
        """Images of which each value is a share, from 0 to 1, of the range of the bounds."""
        low, span = (ops.convert_to_tensor(own) for own in (self.bounds.low, self.bounds.range))
        return low + span * shares

    @abstractmethod
    def start(self, count: int, seed: int) -> np.ndarray:
        """First parameters of so many images, each with noise of its own."""

    @abstractmethod
    def images(self, parameters: Tensor) -> Tensor:
        """The images, within the bounds: `(count, height, width, channels)`."""

    def admitted(self, parameters: Tensor) -> Tensor:
        """The nearest parameters of which there are images."""
        return parameters

    def noise(self, count: int, seed: int, shape: tuple[int, ...], deviation: float) -> np.ndarray:
        """Normal numbers; those of an image do not depend on how many there are."""
        draws = (np.random.default_rng([seed, number]) for number in range(count))
        own = [draw.normal(0, deviation, shape) for draw in draws]
        return np.stack(own).astype("float32")


class Pixels(ImageForm):
    """The pixels themselves, as shares of the range of the bounds; grey at first."""

    def start(self, count: int, seed: int) -> np.ndarray:
        """See `ImageForm`."""
        return 0.5 + self.noise(count, seed, self.size, PIXEL_DEVIATION)

    def images(self, parameters: Tensor) -> Tensor:
        """See `ImageForm`."""
        return self.within(parameters)

    def admitted(self, parameters: Tensor) -> Tensor:
        """See `ImageForm`."""
        return ops.clip(parameters, 0.0, 1.0)


class Waves(ImageForm):
    """Fourier coefficients of decorrelated colours, `(count, 2, height, width // 2 + 1, channels)`.

    The second axis has the real and the imaginary parts. Waves are weighted by one over their
    frequency, as natural images have them, and a sigmoid keeps the image within the bounds. Images
    of other than three channels have no colours to decorrelate.
    """

    def __init__(self, size: tuple[int, ...], bounds: Bounds) -> None:
        super().__init__(size, bounds)
        height, width, channels = size
        rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
        frequencies = np.maximum(np.hypot(rows, columns), 1 / max(height, width))
        scale = np.sqrt(height * width) / frequencies / WAVE_DIVISOR
        self._scale = scale[None, :, :, None].astype("float32")
        self._down = _circle(np.outer(np.arange(height), np.arange(height)) / height)
        self._across = _circle(np.outer(np.arange(columns.size), np.arange(width)) / width)
        # All but the constant and, of an even width, the highest wave stand for two.
        twice = np.full(columns.size, 2.0)
        twice[0] = 1.0
        if width % 2 == 0:
            twice[-1] = 1.0
        self._twice = (twice / (height * width)).astype("float32")
        self._mixing = COLOURS.T.astype("float32") if channels == 3 else None

    def start(self, count: int, seed: int) -> np.ndarray:
        """See `ImageForm`."""
        height, width, channels = self.size
        shape = (2, height, width // 2 + 1, channels)
        return self.noise(count, seed, shape, WAVE_DEVIATION)

    def images(self, parameters: Tensor) -> Tensor:
        """See `ImageForm`."""
        colours = self.plane(parameters * ops.convert_to_tensor(self._scale))
        if self._mixing is not None:
            colours = ops.matmul(colours, ops.convert_to_tensor(self._mixing))
        return self.within(ops.sigmoid(colours))

    def plane(self, waves: Tensor) -> Tensor:
        """The inverse real Fourier transform, `(count, height, width, channels)`."""
        real, imaginary = waves[:, 0], waves[:, 1]
        cosine, sine = self._down
        down_real = _along("yk,nkxc->nyxc", cosine, real) - _along("yk,nkxc->nyxc", sine, imaginary)
        down_imaginary = _along("yk,nkxc->nyxc", sine, real) + _along(
            "yk,nkxc->nyxc", cosine, imaginary
        )
        cosine, sine = (self._twice[:, None] * own for own in self._across)
        return _along("kx,nykc->nyxc", cosine, down_real) - _along(
            "kx,nykc->nyxc", sine, down_imaginary
        )


def _circle(turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Whole turns off first, for the sake of float32.
    angles = 2 * np.pi * (turns % 1.0)
    return np.cos(angles).astype("float32"), np.sin(angles).astype("float32")


def _along(form: str, matrix: np.ndarray, values: Tensor) -> Tensor:
    return ops.einsum(form, ops.convert_to_tensor(matrix), values)
