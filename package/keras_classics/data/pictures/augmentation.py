"""Augmentation of single pictures in `tf.data`: the steps that papers name.

Every step takes a float32 picture `(height, width, channels)` of 0 to 255 and a seed of two
numbers, and is a pure function of both: a training that was killed goes on with the very pictures
it would have seen. TensorFlow's stateless operations do the work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

    Seed: TypeAlias = tf.Tensor | Sequence[int]


def pad_crop(
    image: tf.Tensor, seed: Seed, *, padding: float = 4, mode: str = "CONSTANT"
) -> tf.Tensor:
    """Pad, then crop anywhere back to the picture's own size (He et al. 2016, on CIFAR).

    Args:
        image: The picture.
        seed: Two whole numbers.
        padding: Pixels on each side; below 1 their share of the side.
        mode: `"CONSTANT"` pads with black, `"REFLECT"` mirrors (Zagoruyko and Komodakis 2016).
    """
    import tensorflow as tf

    shape = tf.shape(image)
    if padding < 1:
        pixels = tf.cast(tf.round(padding * tf.cast(shape[0], "float32")), "int32")
    else:
        pixels = round(padding)
    padded = tf.pad(image, [[pixels, pixels], [pixels, pixels], [0, 0]], mode)
    return tf.image.stateless_random_crop(padded, shape, seed)


def random_crop(image: tf.Tensor, seed: Seed, *, size: int) -> tf.Tensor:
    """Crop a square anywhere (Krizhevsky et al. 2012: 224 of 256).

    Args:
        image: The picture, at least `size` high and wide.
        seed: Two whole numbers.
        size: Side of the square.
    """
    import tensorflow as tf

    return tf.image.stateless_random_crop(image, (size, size, image.shape[-1]), seed)


def flip(image: tf.Tensor, seed: Seed) -> tf.Tensor:
    """Mirror every second picture from left to right."""
    import tensorflow as tf

    return tf.image.stateless_random_flip_left_right(image, seed)


def scale_jitter(
    image: tf.Tensor, seed: Seed, *, size: int, smallest: float = 256, largest: float = 480
) -> tf.Tensor:
    """Resize the shorter side to anything in a range, then crop (Simonyan and Zisserman 2014).

    Args:
        image: The picture.
        seed: Two whole numbers.
        size: Side of the square that is cropped.
        smallest: Least length of the shorter side.
        largest: Greatest length of the shorter side.
    """
    import tensorflow as tf

    side = tf.random.stateless_uniform((), _split(seed, 1), round(smallest), round(largest) + 1,
                                       "int32")  # fmt: skip
    return random_crop(resize_shorter(image, side), _split(seed, 2), size=size)


def area_crop(
    image: tf.Tensor,
    seed: Seed,
    *,
    size: int,
    area: Sequence[float] = (0.08, 1.0),
    aspect: Sequence[float] = (3 / 4, 4 / 3),
) -> tf.Tensor:
    """Crop a share of the picture at some aspect ratio and resize it (Szegedy et al. 2015).

    Args:
        image: The picture.
        seed: Two whole numbers.
        size: Side of the square the crop is resized to.
        area: Least and greatest share of the picture's area.
        aspect: Least and greatest width over height.
    """
    import tensorflow as tf

    begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.shape(image),
        tf.zeros((0, 0, 4)),
        seed,
        min_object_covered=0.0,
        aspect_ratio_range=tuple(aspect),
        area_range=tuple(area),
        use_image_if_no_bounding_boxes=True,
    )
    crop = tf.slice(image, begin, extent)
    crop.set_shape((None, None, image.shape[-1]))
    return tf.image.resize(crop, (size, size), antialias=True)


def pca_colour(
    image: tf.Tensor, seed: Seed, *, values: np.ndarray, vectors: np.ndarray, deviation: float = 0.1
) -> tf.Tensor:
    """Shift all pixels along the principal axes of the colours (Krizhevsky et al. 2012).

    Args:
        image: The picture.
        seed: Two whole numbers.
        values: Eigenvalues of the colours' covariance on 0 to 1, `(channels,)`.
        vectors: Its eigenvectors as columns, `(channels, channels)`.
        deviation: Standard deviation of the Gaussian factor of each eigenvalue.
    """
    import tensorflow as tf

    factors = tf.random.stateless_normal((len(values),), seed, stddev=deviation)
    shift = tf.linalg.matvec(tf.constant(vectors, "float32"), factors * values.astype("float32"))
    return image + 255.0 * shift


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


STEPS: dict[str, Callable] = {
    each.__name__: each
    for each in (pad_crop, random_crop, flip, scale_jitter, area_crop, pca_colour)
}


def resize_shorter(images: tf.Tensor, side: int | tf.Tensor) -> tf.Tensor:
    """Resize so that the shorter side has a length; the aspect ratio is kept.

    Args:
        images: `(..., height, width, channels)`.
        side: The length, a number or a scalar tensor.
    """
    import tensorflow as tf

    known = images.shape[-3:-1]
    if isinstance(side, int) and None not in known and min(known) == side:
        # Without operations that not every format of export has.
        return tf.cast(images, "float32")
    shape = tf.cast(tf.shape(images)[-3:-1], "float32")
    target = tf.cast(tf.round(shape * tf.cast(side, "float32") / tf.reduce_min(shape)), "int32")
    return tf.cond(
        tf.reduce_all(target == tf.shape(images)[-3:-1]),
        lambda: tf.cast(images, "float32"),
        lambda: tf.image.resize(images, target, antialias=True),
    )


def crops(images: tf.Tensor, size: int, count: int = 1) -> tf.Tensor:
    """Square windows of pictures: the centre, or the ten of Krizhevsky et al. (2012).

    Args:
        images: `(batch, height, width, channels)`; where they are smaller than the window they
            are padded with black.
        size: Side of the windows.
        count: 1 for the centre; 10 for centre and corners (upper left, upper right, lower left,
            lower right), then the same mirrored.

    Returns:
        `(batch, count, size, size, channels)`.
    """
    import tensorflow as tf

    centre = tf.image.resize_with_crop_or_pad(images, size, size)
    if count == 1:
        return centre[:, None]
    shape = tf.shape(images)
    padded = tf.image.resize_with_crop_or_pad(
        images, tf.maximum(shape[1], size), tf.maximum(shape[2], size)
    )
    corners = [padded[:, rows, columns] for rows in _ends(size) for columns in _ends(size)]
    windows = tf.stack([centre, *corners], axis=1)
    return tf.concat([windows, windows[:, :, :, ::-1]], axis=1)


def _ends(size: int) -> tuple[slice, slice]:
    return slice(None, size), slice(-size, None)


def _split(seed: Seed, number: int) -> tf.Tensor:
    import tensorflow as tf

    return tf.random.experimental.stateless_fold_in(seed, number)
