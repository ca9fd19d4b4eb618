"""Pages of small pictures: maps laid over images, titles above them, everything as arrays.

Pillow puts the pages together, so that a page costs milliseconds while a model trains and the
plotting backend of the user's session stays what it was.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.drawing.typefaces import (
    drawable,
    plain_font,
    shortened,
    typeface,
    width_of,
)
from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import write_whole
from keras_classics.core.errors import InputError, shown

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

# All lengths in pixels.
GAP = 10
SMALLEST, LARGEST = 112, 224
HEADING, TITLE = 15, 12
# Where an overlay's colours end: the last tenth of "turbo" or "jet" is nearly black.
BRIGHT = 0.9
# Below this even the highest value of maps would colour a picture by less than can be seen.
FAINT = 0.005


@checked
def displayable(images: ArrayLike) -> np.ndarray:
    """Turn what a network takes into what an eye takes.

    Args:
        images: `(batch, height, width)`, or with 1 or 3 channels last. uint8 stays as it is, other
            numbers from 0 to 1 are multiplied by 255, and of any further range each image is
            stretched from its darkest to its brightest value.

    Returns:
        uint8 `(batch, height, width, 3)`.

    Raises:
        InputError: The array has another shape.
    """
    try:
        pictures = np.asarray(images)
    # Of rows that differ in length.
    except ValueError as error:
        raise InputError(
            f"images={shown(images)} was given",
            "an array, or a list of pictures of one size",
            "Resize them to one size.",
        ) from error
    if pictures.ndim == 3:
        pictures = pictures[..., None]
    if pictures.ndim != 4 or pictures.shape[-1] not in (1, 3):
        raise InputError(
            f"Images of shape {pictures.shape} were given",
            "(batch, height, width), with 1 or 3 channels last",
            "Give pictures to show in place of what the network takes.",
        )
    if pictures.dtype != np.uint8:
        pictures = pictures.astype("float32")
        if pictures.min(initial=0.0) < 0.0 or pictures.max(initial=1.0) > 1.0:
            low, high = (f(pictures, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
            pictures = (pictures - low) / np.maximum(high - low, 1e-12)
        pictures = np.round(255.0 * pictures).astype("uint8")
    return np.broadcast_to(pictures, (*pictures.shape[:3], 3))


def enlarged(images: np.ndarray) -> np.ndarray:
    """Repeat the pixels of small images, until the longer side has 112 or more.

    Args:
        images: `(batch, height, width, channels)`.
    """
    factor = max(1, -(-SMALLEST // max(images.shape[1:3])))
    return images.repeat(factor, axis=1).repeat(factor, axis=2)


@checked
def overlay(
    images: ArrayLike, maps: ArrayLike, *, strength: float = 0.5, colours: str = "turbo"
) -> np.ndarray:
    """Lay a map over each image in colours: what is 0 shows the image alone.

    Args:
        images: Anything `displayable` takes.
        maps: `(batch, height, width)` of 0 to 1, as `kc.analysis.normalized` gives them. Maps of
            another size than the images are resized (bilinear).
        strength: Share of the colour, from 0 to 1, where the map is 1; it grows with the root of
            the map, so that what is weak can be seen too.
        colours: A colour map of matplotlib, of which the last tenth is left out.

    Returns:
        uint8 `(batch, height, width, 3)`.

    Raises:
        InputError: The maps do not fit the images, leave 0 to 1 or are all but 0, or an argument is
            not admitted.

    Example:
        ```python
        photographs = np.zeros((1, 8, 8, 3), "uint8")
        maps = np.linspace(0, 1, 64).reshape(1, 8, 8)
        shown = kc.analysis.overlay(photographs, maps, strength=0.7)  # uint8 (1, 8, 8, 3)
        ```
    """
    from PIL import Image

    images, maps = displayable(images), np.asarray(maps, "float32")
    if maps.ndim != 3 or len(maps) != len(images):
        raise InputError(
            f"Maps of shape {maps.shape} were given for images of shape {images.shape}",
            "(batch, height, width), one map for each image",
            "Give what kc.analysis.cam returns.",
        )
    # Not written the other way round, which would let NaN pass.
    inside = not maps.size or (maps.min() >= -1e-3 and maps.max() <= 1.001)
    # What is all but 0 everywhere would be drawn as nothing.
    if not inside or 0 < np.max(maps, initial=0.0) < FAINT:
        raise InputError(
            f"Maps from {maps.min():.4g} to {maps.max():.4g} were given",
            f"0 to 1, with a highest value of {FAINT} or more, or 0 alone",
            "Use kc.analysis.normalized(maps).",
        )
    if not 0.0 <= strength <= 1.0:
        raise InputError(f"strength={strength} was given", "0 to 1", "Leave it out for 0.5.")
    table = colour_table(colours)
    size = images.shape[2], images.shape[1]
    bilinear = Image.Resampling.BILINEAR
    resized = [np.asarray(Image.fromarray(each).resize(size, bilinear)) for each in maps]
    fitted = np.clip(np.reshape(resized, images.shape[:3]), 0.0, 1.0)
    painted = table[np.round(BRIGHT * 255.0 * fitted).astype("uint8")]
    share = strength * np.sqrt(fitted)[..., None]
    return np.round((1.0 - share) * images + share * painted).astype("uint8")


@functools.lru_cache
def colour_table(name: str) -> np.ndarray:
    """The colours of 256 values from low to high: uint8 `(256, 3)`.

    Args:
        name: A colour map of matplotlib.

    Raises:
        InputError: Matplotlib has none of that name.
    """
    import matplotlib

    if name not in matplotlib.colormaps:
        raise InputError(
            f"colours={name!r} was given",
            "the colour maps of matplotlib, such as 'turbo', 'viridis' or 'gray'",
            "See matplotlib.colormaps.",
        )
    return matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3]


def tiles(
    pictures: Sequence,
    titles: Sequence[str] | None = None,
    *,
    columns: int = 8,
    heading: str = "",
    inks: Sequence[str] | None = None,
) -> np.ndarray:
    """Put pictures into a grid, row by row, each under its title.

    Small pictures are enlarged by a whole number, to a side of 112 pixels or more; large ones are
    reduced to a height of 224. The cells are as large as the largest picture, or as wide as the
    longest title, up to 224.

    Args:
        pictures: Each as `displayable` takes it, but without the batch, of any sizes; none for a
            heading alone.
        titles: One for each picture, of one or several lines; what is wider than a cell is cut.
        columns: Pictures in a row, at most.
        heading: Stands above the grid.
        inks: Colour of each title, by a name Pillow knows; black by default.

    Returns:
        The page, uint8 `(height, width, 3)`, on white.

    Raises:
        InputError: There is nothing to show, or not one title and one colour for each picture.
    """
    from PIL import Image, ImageDraw

    titles = [""] * len(pictures) if titles is None else titles
    inks = ["black"] * len(pictures) if inks is None else inks
    shown = len(pictures) or heading
    if not shown or not len(pictures) == len(titles) == len(inks) or columns < 1:
        raise InputError(
            f"{len(pictures)} pictures, {len(titles)} titles, {len(inks)} inks and "
            f"columns={columns} were given",
            "pictures, with one title and one ink each, in one column or more, or a heading",
            "Leave titles and inks out for none.",
        )
    fitted = [_fitted(each) for each in pictures]
    lines = [title.split("\n") if title else [] for title in titles]
    width, height = (max((each.size[axis] for each in fitted), default=0) for axis in (0, 1))
    written = max((_width(TITLE, line) for own in lines for line in own), default=0)
    width = max(width, min(round(written), LARGEST))
    columns = min(columns, len(fitted))
    above = max(map(len, lines), default=0) * _line(TITLE)
    top = GAP + (_line(HEADING) if heading else 0)
    rows = -(-len(fitted) // max(columns, 1))
    across, down = width + GAP, above + height + GAP
    # A heading may need more room than a narrow grid has.
    total = max(GAP + columns * across, _heading_width(heading))
    page = Image.new("RGB", (total, top + rows * down), "white")
    draw = ImageDraw.Draw(page)
    _write(draw, (GAP, GAP // 2), heading, HEADING, "black", "la")
    for number, (picture, own, ink) in enumerate(zip(fitted, lines, inks, strict=True)):
        row, column = divmod(number, columns)
        left, upper = GAP + column * across, top + row * down
        # The last line is next to the picture.
        for line, text in enumerate(reversed(own), 1):
            place = left + width // 2, upper + above - line * _line(TITLE)
            fitting = shortened(text, width + GAP - 2, partial(_width, TITLE))
            _write(draw, place, fitting, TITLE, ink, "ma")
        page.paste(picture, (left + (width - picture.width) // 2, upper + above))
    return np.asarray(page)


def stacked(pages: Sequence[np.ndarray], heading: str = "") -> np.ndarray:
    """Put pages below each other, filled up with white to the width of the widest.

    Args:
        pages: What `tiles` makes, one or more.
        heading: Stands above all.
    """
    from PIL import Image, ImageDraw

    top = GAP + _line(HEADING) if heading else 0
    width = max([page.shape[1] for page in pages] + [_heading_width(heading)])
    whole = Image.new("RGB", (width, top + sum(len(page) for page in pages)), "white")
    _write(ImageDraw.Draw(whole), (GAP, GAP // 2), heading, HEADING, "black", "la")
    for page in pages:
        whole.paste(Image.fromarray(page), (0, top))
        top += len(page)
    return np.asarray(whole)


def beside(images: np.ndarray, others: np.ndarray) -> list[np.ndarray]:
    """Pairs of pictures of the same size, with a gap between the two.

    Args:
        images: uint8 `(batch, height, width, 3)`.
        others: The same.
    """
    gap = np.full((*images.shape[:2], GAP // 2, 3), 255, "uint8")
    return list(np.concatenate([images, gap, others], axis=2))


@checked
def draw_tiles(
    path: str | os.PathLike,
    pictures: Sequence,
    titles: Sequence[str] | None = None,
    **arguments: Any,
) -> None:
    """Write what `tiles` makes; see there for the arguments.

    Args:
        path: File to write, `.png` or another kind Pillow knows.
        pictures: As for `tiles`.
        titles: One for each picture.
        **arguments: Further arguments of `tiles`.
    """
    write_picture(path, tiles(pictures, titles, **arguments))


@checked
def draw_maps(
    path: str | os.PathLike,
    images: ArrayLike,
    maps: ArrayLike,
    titles: Sequence[str] | None = None,
    *,
    columns: int = 4,
    heading: str = "",
    inks: Sequence[str] | None = None,
    strength: float = 0.5,
    colours: str = "turbo",
) -> None:
    """Draw every image beside itself with its map over it, each pair under its title.

    Args:
        path: File to write, `.png` or another kind Pillow knows.
        images: Anything `displayable` takes.
        maps: As for `overlay`.
        titles: One for each pair, of one or several lines.
        columns: Pairs in a row.
        heading: Stands above all.
        inks: Colour of each title.
        strength: See `overlay`.
        colours: See `overlay`.

    Raises:
        InputError: As `overlay` and `tiles`.
    """
    write_picture(
        path,
        tiles(
            map_pairs(images, maps, strength=strength, colours=colours),
            titles,
            columns=columns,
            heading=heading,
            inks=inks,
        ),
    )


def map_pairs(images: ArrayLike, maps: ArrayLike, **arguments: Any) -> list[np.ndarray]:
    """Every image beside itself with its map over it; arguments as for `overlay`."""
    # Enlarged first: the map is to be smooth over the pixels.
    images = enlarged(displayable(images))
    return beside(images, overlay(images, maps, **arguments))


def write_picture(path: str | os.PathLike, page: np.ndarray) -> None:
    """Write a page as a file, whole or not at all.

    Raises:
        InputError: The name has no ending of a picture, or the file cannot be written.
    """
    from PIL import Image

    endings = Image.registered_extensions()
    if Path(path).suffix.lower() not in endings:
        raise InputError(
            f"The picture {os.fspath(path)!r} was to be written",
            "names that end in .png, .jpg, .webp or another kind Pillow knows",
            f"Write {f'{Path(path).stem}.png'!r}.",
        )
    write_whole(path, Image.fromarray(page).save)


def _fitted(picture: ArrayLike) -> Image.Image:
    """As a picture of Pillow, at a size for a page."""
    from PIL import Image

    fitted = Image.fromarray(enlarged(displayable(np.asarray(picture)[None]))[0])
    # As wide as a pair of two squares.
    fitted.thumbnail((2 * LARGEST + GAP, LARGEST))
    return fitted


def _write(
    draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size: int, ink: str, anchor: str
) -> None:
    shown, font = drawable(text, plain_font())
    draw.text(place, shown, ink, typeface(font, size), anchor=anchor)


def _width(size: int, text: str) -> float:
    return width_of(text, size, plain_font())


def _heading_width(heading: str) -> int:
    return round(_width(HEADING, heading)) + 2 * GAP


def _line(size: int) -> int:
    return round(1.35 * size)
