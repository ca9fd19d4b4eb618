"""Image files as uint8 RGB arrays, whatever their mode, depth, transparency or orientation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.picture_files import most_pixels, opened_picture
from keras_classics.core.errors import InputError, check_pair
from keras_classics.data.faults import Faults, listed, looked_at

# As EXIF numbers them.
_UPRIGHT, _SIDEWAYS = 1, (5, 6, 7, 8)
_STRIP_PIXELS = 2**20


@checked
def read_image(path: str | Path, size: int | tuple[int, int] | None = None) -> np.ndarray:
    """Read a picture file of the common formats as eight-bit RGB, upright.

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

    Example:
        ```python
        kc.data.write_picture("photo.png", np.zeros((30, 40, 3), "uint8"))
        kc.data.read_image("photo.png").shape  # (30, 40, 3)
        kc.data.read_image("photo.png", 32).shape  # (32, 32, 3)
        ```
    """
    target = resolve_size(size)
    with opened_picture(path) as image:
        upright = _upright_rgb(image)
        if upright is not image:
            image.close()
        if target is not None:
            upright = upright.resize(target[::-1], Image.Resampling.BILINEAR)
        return np.array(upright)


def resolve_size(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """Return an image size as height and width.

    Args:
        size: Height and width, one number for a square, or None for no resizing.

    Raises:
        InputError: `size` is none of these, not positive, or of more pixels than pictures have.
    """
    if size is None:
        return None
    return check_size("image_size", size, "Give for example image_size=224.")


def check_size(
    argument: str, size: int | tuple[int, int], remedy: str | None = None
) -> tuple[int, int]:
    """Height and width of pictures that can be held.

    Args:
        argument: Name of the argument.
        size: Height and width, or one number for a square.
        remedy: What to do; by default, to give another.

    Raises:
        InputError: `size` is neither, not positive, or of more pixels than pictures have.
    """
    height, width = check_pair(argument, size, remedy=remedy)
    if height * width > most_pixels():
        raise InputError(
            f"{argument}={size!r} was given, {height * width:,} pixels",
            f"up to {most_pixels():,} pixels",
            remedy or f"Give for example {argument}=(224, 224).",
        )
    return height, width


class Measured(NamedTuple):
    """What `look_at_image` finds.

    Attributes:
        size: Height and width that `read_image` would give.
        orientation: EXIF's number of how the stored picture is turned to be seen, 1 for not at all.
    """

    size: tuple[int, int]
    orientation: int

    def told(self) -> str:
        """The orientation, behind the size in a message; empty of what is not turned."""
        if self.orientation == _UPRIGHT:
            return ""
        return f", turned by EXIF's orientation {self.orientation}"

    @property
    def turned_unseen(self) -> bool:
        """Whether it is turned, and no change of its size shows it."""
        height, width = self.size
        return self.orientation != _UPRIGHT and (
            self.orientation not in _SIDEWAYS or height == width
        )


def measure_image(path: str | Path) -> tuple[int, int]:
    """Height and width that `read_image` would give, after a look at all of the file.

    Args:
        path: The file.

    Raises:
        InputError: As `read_image`.
    """
    return look_at_image(path).size


def look_at_image(path: str | Path) -> Measured:
    """Decode an image completely, as cheaply as its format allows, to see that it is sound.

    Args:
        path: The file.

    Raises:
        InputError: As `read_image`.
    """
    with opened_picture(path) as image:
        width, height = image.size
        # JPEG can decode at an eighth of the size: still every byte, at a third of the cost.
        drafted = image.draft("RGB", (1, 1)) is not None
        said = image.getexif().get(ExifTags.Base.Orientation)
        # Pillow turns by these alone.
        orientation = said if isinstance(said, int) and 1 <= said <= 8 else _UPRIGHT
        upright = _upright_rgb(image)
        if not drafted:
            width, height = upright.size
        elif orientation in _SIDEWAYS:
            width, height = height, width
    return Measured((height, width), orientation)


def measure_images(
    paths: Sequence[Path], faults: Faults, *, placed: bool = False
) -> dict[Path, tuple[int, int]]:
    """Apply `measure_image` to many files at once, with a progress bar when that takes long.

    Args:
        paths: The files.
        faults: Where to note those that cannot be read.
        placed: Whether there are boxes in them: then it is remarked which pictures are turned to be
            seen, as the boxes may be of the stored ones.

    Returns:
        Height and width of each of the others.
    """
    found = dict(looked_at(paths, look_at_image, faults, "Checking images"))
    turned = [f"{path.name} ({each.orientation})" for path, each in found.items()
              if placed and each.turned_unseen]  # fmt: skip
    faults.remarks += told_turned(turned, "its boxes are", "their boxes are")
    return {path: each.size for path, each in found.items()}


def told_turned(names: Sequence[str], its: str, their: str) -> list[str]:
    """One sentence about pictures that EXIF turns; none of no name.

    Args:
        names: The pictures, each with EXIF's number.
        its: What is not turned with a single one, such as `"its mask is"`.
        their: The same of more.
    """
    seen = "taken to be of what is seen; if of what is stored, take the orientation out of the file"
    return listed(
        names,
        f"picture is turned by EXIF's orientation, and {its} {seen}",
        f"pictures are turned by EXIF's orientation, and {their} {seen}s",
    )


def eight_bit_rgb(image: np.ndarray, size: tuple[int, int] | None = None) -> np.ndarray:
    """Make a picture that is decoded already eight-bit RGB of a size.

    Args:
        image: uint8 or uint16 `(height, width, 1 or 3)`.
        size: Height and width to resize to, as `read_image` does, or None.

    Returns:
        `(height, width, 3)` uint8.
    """
    if image.dtype == np.uint16:
        image = _eight_bits(image)
    if image.shape[-1] == 1:
        image = np.repeat(image, 3, axis=-1)
    if size not in (None, image.shape[:2]):
        resized = Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR)
        image = np.asarray(resized)
    return image


def _upright_rgb(image: Image.Image) -> Image.Image:
    """The picture as it is to be seen; itself, where it is so already."""
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode == "F":
        raise ValueError("it holds floating-point values, whose black and white are unknown")
    image.load()
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    upright = Image.new("RGB", image.size)
    # In strips: what a picture goes through on its way would take several times its memory.
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        upright.paste(_rgb(image.crop((0, top, image.width, bottom))), (0, top))
    return upright


def _rgb(strip: Image.Image) -> Image.Image:
    if strip.mode.startswith("I"):
        strip = Image.fromarray(_eight_bits(np.asarray(strip)))
    if strip.has_transparency_data:
        strip = strip.convert("RGBA")
        paper = Image.new("RGBA", strip.size, "white")
        strip = Image.alpha_composite(paper, strip)
    return strip.convert("RGB")


def _eight_bits(values: np.ndarray) -> np.ndarray:
    values = values.astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError(f"its values from {values.min()} to {values.max()} exceed 16 bits")
    return ((values * 255 + 32767) // 65535).astype(np.uint8)


@checked
def grey(picture: np.ndarray) -> np.ndarray:
    """A grey picture of 0 to 1.

    Args:
        picture: uint8 `(height, width, 3)`.

    Returns:
        float32 `(height, width, 1)`, weighed as TensorFlow's `rgb_to_grayscale`, which exported
        models apply, weighs red, green and blue.
    """
    return (picture @ np.array([0.2989, 0.587, 0.114], "float32"))[..., None] / 255
