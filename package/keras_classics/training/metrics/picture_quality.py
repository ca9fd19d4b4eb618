"""How near a picture is to another, pixel by pixel (PSNR) and window by window (SSIM).

Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural
similarity", IEEE Transactions on Image Processing 13, 2004.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_positive

# Side and deviation of the paper's Gaussian window, and its constants.
WINDOW, DEVIATION = 11, 1.5
LUMINANCE, CONTRAST = 0.01, 0.03


@checked
def peak_signal_to_noise(
    pictures: ArrayLike, others: ArrayLike, *, largest: float = 255.0
) -> np.ndarray:
    """PSNR in decibels, `10 log10(largest^2 / mean((x - y)^2))` over pixels and channels.

    Args:
        pictures: `(count, height, width, channels)`.
        others: What they are compared with, likewise.
        largest: The range of values: 255, or 1 or 2 for those from 0 to 1 or -1 to 1.

    Returns:
        float64 `(count,)`; infinite where both are equal.

    Raises:
        InputError: The shapes differ, or the range is not positive.
    """
    x, y = _pair(pictures, others)
    errors = np.square(x - y).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return 20 * math.log10(check_positive("largest", largest)) - 10 * np.log10(errors)


@checked
def structural_similarity(
    pictures: ArrayLike, others: ArrayLike, *, largest: float = 255.0
) -> np.ndarray:
    """SSIM, the mean over channels and all windows that lie within the picture.

    Windows are Gaussian, 11 x 11 of deviation 1.5, with the paper's constants, as in
    `tf.image.ssim`. The paper and Johnson et al. compare the luminance alone: pass that, with one
    channel.

    Args:
        pictures: `(count, height, width, channels)`, both sides 11 pixels or more.
        others: What they are compared with, likewise.
        largest: The range of values.

    Returns:
        float64 `(count,)`, at most 1.

    Raises:
        InputError: The shapes differ, the pictures are smaller, or the range is not positive.
    """
    x, y = _pair(pictures, others)
    if min(x.shape[1:3]) < WINDOW:
        raise InputError(
            f"Pictures of {x.shape[1]} x {x.shape[2]} were given",
            f"{WINDOW} x {WINDOW} or more, the window of the paper",
            "Give larger pictures, or use peak_signal_to_noise.",
        )
    first, second = (
        (share * check_positive("largest", largest)) ** 2 for share in (LUMINANCE, CONTRAST)
    )
    means = _blurred(x), _blurred(y)
    product = means[0] * means[1]
    squares = means[0] ** 2 + means[1] ** 2
    spreads = _blurred(x**2 + y**2) - squares
    common = _blurred(x * y) - product
    bright = (2 * product + first) / (squares + first)
    return (bright * (2 * common + second) / (spreads + second)).mean(axis=(1, 2, 3))


def _pair(pictures: ArrayLike, others: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(pictures, "float64"), np.asarray(others, "float64")
    if x.shape != y.shape or x.ndim != 4:
        raise InputError(
            f"Pictures {x.shape} and {y.shape} were given",
            "two arrays (count, height, width, channels) of one shape",
            "Cut or resize the one to the other; a single picture needs picture[None].",
        )
    return x, y


def _blurred(x: np.ndarray) -> np.ndarray:
    """The weighted mean of each window."""
    places = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-0.5 * (places / DEVIATION) ** 2)
    weights /= weights.sum()
    for axis in (1, 2):
        windows = np.lib.stride_tricks.sliding_window_view(x, WINDOW, axis=axis)
        x = windows @ weights
    return x
