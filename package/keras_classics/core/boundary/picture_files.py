"""Pictures from outside, opened by Pillow under limits."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import opened, write_whole
from keras_classics.core.errors import InputError, check_axes
from keras_classics.core.picture_values import check_values

# Not among them: what starts other programs (EPS), unpacks without a limit (FITS) or is no picture.
FORMATS = (
    "AVIF", "BMP", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "QOI", "SGI",
    "TGA", "TIFF", "WEBP", "XBM",
)  # fmt: skip
_REMEDY = "Replace the file or remove it from the data."


@cache
def _formats() -> tuple[str, ...]:
    """Those that this Pillow was built with."""
    Image.init()
    return tuple(each for each in FORMATS if each in Image.OPEN)


@cache
def picture_endings() -> frozenset[str]:
    """Endings of the files that `opened_picture` opens, with their dots, in lower case."""
    known = Image.registered_extensions()
    return frozenset(ending for ending, kind in known.items() if kind in _formats())


def find_picture(folder: Path, stem: str) -> Path | None:
    """The picture of a name without its ending, which may be in capitals; None where there is none.

    Args:
        folder: Where to look.
        stem: The name, perhaps from outside: one that no file can have is nowhere.
    """
    names = [
        f"{stem}{written}"
        for ending in sorted(picture_endings())
        for written in (ending, ending.upper())
    ]
    return next((folder / name for name in names if os.path.isfile(folder / name)), None)


def most_pixels() -> int:
    """How many pixels a picture may have, which take 500 MB while it is read.

    They are two thirds of `PIL.Image.MAX_IMAGE_PIXELS`, which who trusts larger ones may raise.
    """
    return (Image.MAX_IMAGE_PIXELS or 2**62) * 2 // 3


@contextmanager
def opened_picture(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """Open a picture; of several threads' pictures only as many as may be read at once.

    One at a time within a thread: a second, large one would wait for the first.

    Args:
        path: The file.

    Raises:
        InputError: The file is missing, damaged, of another format or too large to be honest;
            also if it only turns out to be while its pixels are used.
    """
    try:
        with opened(path) as file, Image.open(file, formats=_formats()) as image:
            with _room_for(_pixels(image)):
                yield image
    except FileNotFoundError:
        raise InputError(
            f"The image {path} does not exist", "files that are there", _REMEDY
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(
            f"The image {path} unpacks to a suspicious number of pixels",
            f"up to {most_pixels():,} pixels",
            "Shrink or remove it, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it.",
        ) from None
    except InputError:
        raise
    # Pillow's readers raise nearly every kind of exception on damaged bytes.
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        if isinstance(error, UnidentifiedImageError):
            # Pillow names the object it read from.
            reason = "its content is of none of these formats"
        raise InputError(
            f"The image {path} cannot be read ({reason})",
            f"complete image files of the formats {', '.join(_formats())}",
            _REMEDY,
        ) from error


@checked
def write_picture(
    path: str | os.PathLike[str], picture: np.ndarray, *, palette: np.ndarray | None = None
) -> None:
    """Write a picture, whole or not at all, making the folder.

    Args:
        path: The file; its ending chooses the format.
        picture: uint8 `(height, width, 3)`, or `(height, width, 1)` for grey.
        palette: uint8 `(colours, 3)`; the values of a grey picture are numbers of these colours,
            such as `kc.analysis.class_colours` has for masks, and read back they are the numbers;
            255 is black if it has none. Only for PNG.

    Raises:
        InputError: The picture or the format is none, the picture has other values than 0 to 255,
            the palette does not fit them, or the file cannot be written.
    """
    check_axes("picture", picture, "(height, width, channels)")
    if not picture.size:
        raise InputError(
            f"A picture of shape {picture.shape} is to be written to {path}",
            "pixels",
            "Leave it out.",
        )
    if (ending := Path(path).suffix.lower()) not in Image.registered_extensions():
        raise InputError(
            f"A picture is to be written to {path}, whose ending {ending!r} is of no format",
            "endings such as .png and .jpg",
            f"Write {Path(path).with_suffix('.png') if Path(path).name else 'a.png'}.",
        )
    check_values("The picture has", picture)
    pixels = np.uint8(picture[..., 0] if picture.shape[-1] == 1 else picture)
    image = Image.fromarray(pixels)
    if palette is not None:
        fits = palette.ndim == 2 and palette.shape[1] == 3 and 0 < len(palette) <= 256
        if ending != ".png" or pixels.ndim != 2 or not fits:
            raise InputError(
                f"A palette of shape {palette.shape} was given for a picture of shape "
                f"{picture.shape} in {path}",
                "(colours, 3), up to 256 of them, for (height, width, 1) in a .png file",
                "Leave the palette out, or give such a picture and file.",
            )
        if palette.dtype != "uint8":
            raise InputError(
                f"A palette of the type {palette.dtype} was given for {path}",
                "uint8, 0 to 255",
                "Give those of 0 to 1 as (255 * palette).round().astype('uint8'), others as "
                "palette.astype('uint8').",
            )
        # Of masks 255 is what does not count, for which a colour of its own is seldom given.
        wrong = picture[(picture != 255) & ~np.isin(picture, range(len(palette)))]
        if wrong.size:
            raise InputError(
                f"A picture with the value {wrong[0]} was given for a palette of {len(palette)} "
                f"colours in {path}",
                f"whole numbers of 0 to {len(palette) - 1}, and 255",
                "Give a colour for each number, as kc.analysis.class_colours(classes) does.",
            )
        # Of a shorter one Pillow writes values beyond it as others.
        colours = np.zeros((256, 3), "uint8")
        colours[: len(palette)] = palette
        image.putpalette(colours.ravel().tolist())
    write_whole(path, lambda fresh: image.save(fresh))


def _pixels(image: Image.Image) -> int:
    """How many pixels a picture says it has, if that is not too many."""
    pixels = image.width * image.height
    if pixels > most_pixels():
        raise Image.DecompressionBombError
    return pixels


_waiting = threading.Condition()
_taken = 0


@contextmanager
def _room_for(pixels: int) -> Iterator[None]:
    """Wait until the pictures that are read at once are not too large together."""
    global _taken
    with _waiting:
        _waiting.wait_for(lambda: not _taken or _taken + pixels <= most_pixels())
        _taken += pixels
    try:
        yield
    finally:
        with _waiting:
            _taken -= pixels
            _waiting.notify_all()
