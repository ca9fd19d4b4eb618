"""Image files as uint8 RGB arrays, whatever their mode, depth, transparency or orientation."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import ExifTags, Image, ImageOps

from keras_classics.core.errors import InputError, explain
from keras_classics.core.progress import tracked

if TYPE_CHECKING:
    import tensorflow as tf

_SIDEWAYS = (5, 6, 7, 8)


def read_image(path: str | Path, size: int | tuple[int, int] | None = None) -> np.ndarray:
    """Read any image file that Pillow knows as eight-bit RGB, upright.

    Grey, palette and CMYK images become RGB; transparent ones are laid on white; 16-bit grey is
    scaled by 255/65535, not clipped; the EXIF orientation is applied; of an animation the first
    frame is taken. With `size` the whole picture is resized (bilinear, over the full support
    when shrinking) and its aspect ratio is not kept: a crop could cut off what captions mention.

    Args:
        path: The file.
        size: Height and width, or one number for a square; None keeps the file's own size.

    Returns:
        `(height, width, 3)` uint8.

    Raises:
        InputError: The file is missing, damaged, of an unknown format or too large to be honest.
    """
    target = resolve_size(size)
    with _opened(path) as image:
        upright = _upright_rgb(image)
        if target is not None:
            upright = upright.resize(target[::-1], Image.Resampling.BILINEAR)
        return np.array(upright)


def resolve_size(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """Return an image size as height and width.

    Args:
        size: Height and width, one number for a square, or None for no resizing.

    Raises:
        InputError: `size` is none of these, or not positive.
    """
    if size is None:
        return None
    pair = (size,) * 2 if isinstance(size, int) else size
    sound = isinstance(pair, tuple | list) and len(pair) == 2
    if not sound or not all(isinstance(side, int) and side > 0 for side in pair):
        raise InputError(
            explain(
                f"image_size={size!r} was given",
                "a positive whole number, or a pair (height, width) of them",
                "Give for example image_size=224.",
            )
        )
    return tuple(pair)


def measure_image(path: str | Path) -> tuple[int, int]:
    """Decode an image completely, as cheaply as its format allows, to see that it is sound.

    Args:
        path: The file.

    Returns:
        Height and width that `read_image` would give.

    Raises:
        InputError: As `read_image`.
    """
    with _opened(path) as image:
        width, height = image.size
        # JPEG can decode at an eighth of the size: still every byte, at a third of the cost.
        drafted = image.draft("RGB", (1, 1)) is not None
        sideways = image.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS
        upright = _upright_rgb(image)
        if not drafted:
            width, height = upright.size
        elif sideways:
            width, height = height, width
    return height, width


def measure_images(paths: Sequence[Path]) -> list[tuple[int, int] | InputError]:
    """Apply `measure_image` to many files at once, with a progress bar when that takes long.

    Args:
        paths: The files.

    Returns:
        For each file, in order, its height and width, or the error that it has.
    """

    def measured(path: Path) -> tuple[int, int] | InputError:
        try:
            return measure_image(path)
        except InputError as error:
            return error

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(tracked(pool.map(measured, paths), "Checking images", len(paths)))


def image_tensor(
    path: tf.Tensor, size: tuple[int, int] | None, shape: tuple[int | None, ...]
) -> tf.Tensor:
    """Read an image inside a `tf.data` pipeline with `read_image`.

    Args:
        path: Scalar string.
        size: Height and width to resize to, or None.
        shape: What is known of the result's shape, for the pipeline.

    Returns:
        `(height, width, 3)` uint8.
    """
    import tensorflow as tf

    def read(path: bytes) -> np.ndarray:
        return read_image(os.fsdecode(path), size)

    image = tf.numpy_function(read, [path], tf.uint8, stateful=False)
    image.set_shape(shape)
    return image


def resize_tensor(image: tf.Tensor, size: tuple[int, int] | None = None) -> tf.Tensor:
    """Make a decoded picture eight-bit RGB of a size, inside a `tf.data` pipeline.

    Args:
        image: uint8 or uint16 `(height, width, 1 or 3)`.
        size: Height and width to resize to (bilinear with antialiasing), or None.

    Returns:
        `(height, width, 3)` uint8.
    """
    import tensorflow as tf

    if image.dtype == tf.uint16:
        image = tf.cast((tf.cast(image, tf.int32) * 255 + 32767) // 65535, tf.uint8)
    if image.shape[-1] == 1:
        image = tf.image.grayscale_to_rgb(image)
    if size is not None:
        image = tf.image.resize(image, size, antialias=True)
        image = tf.cast(tf.round(tf.clip_by_value(image, 0, 255)), tf.uint8)
    return image


@contextmanager
def _opened(path: str | Path) -> Iterator[Image.Image]:
    unreadable = partial(explain, remedy="Replace the file or remove it from the data.")
    try:
        with Image.open(path) as image:
            if Image.MAX_IMAGE_PIXELS and image.width * image.height > Image.MAX_IMAGE_PIXELS:
                raise Image.DecompressionBombError
            yield image
    except FileNotFoundError:
        raise InputError(
            unreadable(f"The image {path} does not exist", "files that are there")
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(
            explain(
                f"The image {path} unpacks to a suspicious number of pixels",
                f"up to {Image.MAX_IMAGE_PIXELS:,} pixels",
                "Shrink or remove it, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it.",
            )
        ) from None
    # Pillow's readers raise nearly every kind of exception on damaged bytes.
    except Exception as error:
        raise InputError(
            unreadable(
                f"The image {path} cannot be read ({error})",
                "complete image files of a format that Pillow knows",
            )
        ) from error


def _upright_rgb(image: Image.Image) -> Image.Image:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    elif image.mode == "F":
        raise ValueError("it holds floating-point values, whose black and white are unknown")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image)
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError(f"its values from {values.min()} to {values.max()} exceed 16 bits")
    return Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))
