"""Augmentation of single pictures: the steps that papers name.

Every step takes a float32 picture `(height, width, channels)` of 0 to 255 and draws from a
generator, so that a batch is a pure function of its seed: a training that was killed goes on with
the very pictures it would have seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from keras_classics.core.resizing import resize_windows

# Draws of a crop before the whole picture is taken.
_TRIES = 100


def pad_crop(
    image: np.ndarray, rng: np.random.Generator, *, padding: float = 4, mode: str = "CONSTANT"
) -> np.ndarray:
    """Pad, then crop anywhere back to the picture's own size (He et al. 2016, on CIFAR).

    Args:
        image: The picture.
        rng: Draws the place.
        padding: Pixels on each side; below 1 their share of the side.
        mode: `"CONSTANT"` pads with black, `"REFLECT"` mirrors (Zagoruyko and Komodakis 2016).
    """
    height, width, channels = image.shape
    edge = round(padding * height if padding < 1 else padding)
    if mode == "CONSTANT":
        padded = np.zeros((height + 2 * edge, width + 2 * edge, channels), image.dtype)
        padded[edge : edge + height, edge : edge + width] = image
    else:
        padded = np.pad(image, [(edge, edge), (edge, edge), (0, 0)], mode.lower())  # type: ignore[call-overload]
    return _window(padded, rng, height, width)


def random_crop(image: np.ndarray, rng: np.random.Generator, *, size: int) -> np.ndarray:
    """Crop a square anywhere (Krizhevsky et al. 2012: 224 of 256).

    Args:
        image: The picture, at least `size` high and wide.
        rng: Draws the place.
        size: Side of the square.
    """
    return _window(image, rng, size, size)


def flip(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mirror every second picture from left to right."""
    return image[:, ::-1] if rng.random() < 0.5 else image


def scale_jitter(
    image: np.ndarray,
    rng: np.random.Generator,
    *,
    size: int,
    smallest: float = 256,
    largest: float = 480,
) -> np.ndarray:
    """Resize the shorter side to anything in a range, then crop (Simonyan and Zisserman 2014).

    Args:
        image: The picture.
        rng: Draws length and place.
        size: Side of the square that is cropped.
        smallest: Least length of the shorter side.
        largest: Greatest length of the shorter side.
    """
    least = round(smallest)
    side = least + _below(rng, round(largest) - least + 1)
    return random_crop(resize_shorter(image, side), rng, size=size)


def area_crop(
    image: np.ndarray,
    rng: np.random.Generator,
    *,
    size: int,
    area: Sequence[float] = (0.08, 1.0),
    aspect: Sequence[float] = (3 / 4, 4 / 3),
) -> np.ndarray:
    """Crop a share of the picture at some aspect ratio and resize it (Szegedy et al. 2015).

    Args:
        image: The picture.
        rng: Draws share, ratio and place, both evenly; what does not fit is drawn anew.
        size: Side of the square the crop is resized to.
        area: Least and greatest share of the picture's area.
        aspect: Least and greatest width over height.
    """
    rows, columns = image.shape[:2]
    for _ in range(_TRIES):
        pixels = rng.uniform(area[0], area[1]) * rows * columns
        ratio = rng.uniform(aspect[0], aspect[1])
        height, width = round(math.sqrt(pixels / ratio)), round(math.sqrt(pixels * ratio))
        if 0 < height <= rows and 0 < width <= columns:
            image = _window(image, rng, height, width)
            break
    return resize(image, size, size)


def pca_colour(
    image: np.ndarray,
    rng: np.random.Generator,
    *,
    values: np.ndarray,
    vectors: np.ndarray,
    deviation: float = 0.1,
) -> np.ndarray:
    """Shift all pixels along the principal axes of the colours (Krizhevsky et al. 2012).

    Args:
        image: The picture.
        rng: Draws the shift.
        values: Eigenvalues of the colours' covariance on 0 to 1, `(channels,)`.
        vectors: Its eigenvectors as columns, `(channels, channels)`.
        deviation: Standard deviation of the Gaussian factor of each eigenvalue.
    """
    shift = vectors @ (rng.normal(0.0, deviation, len(values)) * values)
    return image + (255.0 * shift).astype("float32")


def colour_axes(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Principal axes of colours, for `pca_colour`.

    Args:
        pixels: `(n, channels)` of 0 to 255.

    Returns:
        Eigenvalues `(channels,)`, greatest first, and eigenvectors as columns, of the covariance
        on 0 to 1.
    """
    covariance = np.atleast_2d(np.cov(np.asarray(pixels, "float64") / 255.0, rowvar=False))
    values, vectors = np.linalg.eigh(covariance)
    return np.maximum(values[::-1], 0.0), vectors[:, ::-1]


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize a picture, bilinear over the full support, as `tf.image.resize` with `antialias`.

    Args:
        image: float32 `(rows, columns, channels)`.
        height: Rows of the result.
        width: Its columns.
    """
    if image.shape[:2] == (height, width):
        return image
    return resize_windows(image, np.array([[0, 0, *image.shape[:2]]]), height, width)[0]


def resize_shorter(image: np.ndarray, side: int) -> np.ndarray:
    """Resize so that the shorter side has a length; the aspect ratio is kept."""
    height, width = image.shape[:2]
    shorter = min(height, width)
    return resize(image, round(height * side / shorter), round(width * side / shorter))


def centre(image: np.ndarray, size: int) -> np.ndarray:
    """A square window in the middle; what a picture lacks of it is black."""
    return _crop_or_pad(image, size, size)


def crops(image: np.ndarray, size: int, count: int = 1) -> np.ndarray:
    """Square windows of a picture: the centre, or the ten of Krizhevsky et al. (2012).

    Args:
        image: `(height, width, channels)`; where it is smaller than the window it is padded with
            black.
        size: Side of the windows.
        count: 1 for the centre; 10 for centre and corners (upper left, upper right, lower left,
            lower right), then the same mirrored.

    Returns:
        `(count, size, size, channels)`.
    """
    middle = centre(image, size)
    if count == 1:
        return middle[None]
    padded = _crop_or_pad(image, max(len(image), size), max(image.shape[1], size))
    ends = slice(None, size), slice(-size, None)
    windows = np.stack([middle, *(padded[rows, columns] for rows in ends for columns in ends)])
    return np.concatenate([windows, windows[:, :, ::-1]])


def _crop_or_pad(image: np.ndarray, height: int, width: int) -> np.ndarray:
    rows, columns = image.shape[:2]
    if (rows, columns) == (height, width):
        return image
    top, left = max(0, rows - height) // 2, max(0, columns - width) // 2
    image = image[top : top + height, left : left + width]
    rows, columns, channels = image.shape
    padded = np.zeros((height, width, channels), image.dtype)
    top, left = (height - rows) // 2, (width - columns) // 2
    padded[top : top + rows, left : left + columns] = image
    return padded


def _window(image: np.ndarray, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    top = _below(rng, max(1, len(image) - height + 1))
    left = _below(rng, max(1, image.shape[1] - width + 1))
    return image[top : top + height, left : left + width]


def _below(rng: np.random.Generator, end: int) -> int:
    # A fiftieth of what `integers` takes.
    return int(rng.random() * end)


STEPS: dict[str, Callable] = {
    each.__name__: each
    for each in (pad_crop, random_crop, flip, scale_jitter, area_crop, pca_colour)
}
