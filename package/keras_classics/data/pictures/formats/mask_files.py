"""Masks in files: the class of every pixel, as palette, grey or coloured pictures without loss."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.picture_files import opened_picture
from keras_classics.core.boundary.text_files import read_lines
from keras_classics.core.counts import Count
from keras_classics.core.errors import InputError

# Label of pixels that count neither in a loss nor in a figure, as in PASCAL VOC.
IGNORED = 255
# What changes values on its way into a file, and so makes classes that nobody drew.
_LOSSY = ("JPEG", "JPEG2000", "WEBP", "AVIF", "GIF")
_VOID = ("void", "unlabelled", "unlabeled", "ignore", "ignored", "255")
# Grey values of 2 and 4 bits are read as if they went to 255.
_SCALED = {"L;2": 85, "L;4": 17}
_FEW = 8
_REMEDY = "Write it anew as an 8-bit PNG whose values are the numbers of the classes."

Colours = Mapping[tuple[int, int, int], int]


@dataclass(frozen=True)
class MaskReading:
    """How the values of mask files become labels.

    Attributes:
        values: Label of each value of a grey or palette picture; None where they are labels.
        colours: Label of each colour, of coloured pictures; None where they are to be grey.
    """

    values: Mapping[int, int] | None = None
    colours: Colours | None = None
    _tables: dict = field(default_factory=dict, init=False, repr=False, compare=False)

    def read(self, path: str | Path) -> np.ndarray:
        """Read a mask.

        Args:
            path: The file.

        Returns:
            uint8 `(height, width)`, 255 where nothing is to be learnt.

        Raises:
            InputError: The file is none of a mask, or has values or colours that are no class.
        """
        with opened_picture(path) as image:
            _check(path, image)
            scale = _SCALED.get(_stored_as(image)[:3], 1)
            ImageOps.exif_transpose(image, in_place=True)
            mode = image.mode
            pixels = np.array(image if mode in ("P", "L", "1") else image.convert("RGB"))
            if mode == "LA":
                pixels = pixels[..., 0]
            palette = image.getpalette("RGB") if mode == "P" and self.colours else None
        if pixels.ndim == 2:
            if palette is not None:
                labels = self._of_palette(path, pixels, palette)
                if labels is not None:
                    return labels
            return self._from_values(path, pixels.astype("uint8") // np.uint8(scale))
        if self.colours is None and _is_grey(pixels):
            return self._from_values(path, np.ascontiguousarray(pixels[..., 0]))
        return self._from_colours(path, pixels)

    def _from_values(self, path: str | Path, pixels: np.ndarray) -> np.ndarray:
        if self.values is None:
            return pixels
        if "values" not in self._tables:
            table = np.full(256, -1, "int16")
            table[IGNORED] = IGNORED
            table[list(self.values)] = list(self.values.values())
            self._tables["values"] = table
        labels = self._tables["values"][pixels]
        if (wrong := np.unique(pixels[labels < 0])).size:
            raise InputError(
                f"The mask {path} has the values {_listed(wrong)}",
                f"{_listed(sorted(self.values))}, and {IGNORED} for what does not count",
                "Correct the file"
                + (
                    f'; if they are classes, load masks:FOLDER with values="'
                    f'{",".join(map(str, [*self.values, *wrong]))}".'
                    if len(wrong) <= _FEW
                    else "; so many come from smoothing or from another kind of file."
                ),
            )
        return labels.astype("uint8")

    def _of_palette(
        self, path: str | Path, pixels: np.ndarray, palette: list[int]
    ) -> np.ndarray | None:
        """Labels by the colours of a palette picture; None where its numbers are the classes.

        Programs that save coloured masks by a palette number colours as they occur. Of a palette
        for the eye the table knows none, or black, which most palettes have.

        Raises:
            InputError: The table knows some of the colours, but not all.
        """
        found, counts = np.unique(pixels, return_counts=True)
        # Thrice a number of 8 bits has more of them.
        numbers = found.tolist()
        colours = [tuple(palette[3 * number : 3 * number + 3]) for number in numbers]
        known: Mapping[Any, int] = self.colours or {}
        unknown = [place for place, colour in enumerate(colours) if colour not in known]
        if unknown:
            # What is stored as a palette of greys is a grey picture.
            grey = all(
                colour == (number,) * 3 for number, colour in zip(numbers, colours, strict=True)
            )
            if grey or not any(any(colour) for colour in colours if colour in known):
                return None
            raise self._of_no_class(
                path,
                int(counts[unknown].sum()),
                [colours[place] for place in unknown],
                " If its numbers are the classes, write them as a grey picture.",
            )
        table = np.zeros(256, "uint8")
        table[numbers] = [known[colour] for colour in colours]
        return table[pixels]

    def _from_colours(self, path: str | Path, pixels: np.ndarray) -> np.ndarray:
        codes = pixels.astype("int32") @ np.array([65536, 256, 1])
        if self.colours is None:
            raise InputError(
                f"The mask {path} is coloured ({len(np.unique(codes))} colours), and no table "
                "says which class each colour is",
                "grey or palette pictures, or a table of colours",
                'Give colours="FILE", with a line "red green blue name" for each class, and load '
                "a folder as masks:FOLDER.",
            )
        if "codes" not in self._tables:
            known = sorted((65536 * r + 256 * g + b, label)
                           for (r, g, b), label in self.colours.items())  # fmt: skip
            self._tables["codes"] = tuple(map(np.array, zip(*known, strict=True)))
        known_codes, labels = self._tables["codes"]
        place = np.minimum(np.searchsorted(known_codes, codes), len(known_codes) - 1)
        unknown = known_codes[place] != codes
        if unknown.any():
            colours = pixels[unknown]
            raise self._of_no_class(path, len(colours), np.unique(colours, axis=0).tolist())
        return labels[place].astype("uint8")

    def _of_no_class(
        self, path: str | Path, count: int, colours: Sequence[Sequence[int]], remedy: str = ""
    ) -> InputError:
        shown = ", ".join(str(tuple(each)) for each in colours[:3])
        return InputError(
            f"The mask {path} has colours of no class in {count} pixels, such as {shown}",
            f"the {len(self.colours or ())} colours of its table",
            f"Complete the table, or write the mask anew without smoothing.{remedy}",
        )


@checked
def read_mask(path: str | Path, *, colours: str | Path | None = None) -> np.ndarray:
    """Read the class of every pixel from a file.

    Of palette pictures the numbers are the classes, whatever their colours look like, unless a
    table is given that knows their colours; of grey ones the values are; of coloured ones a table
    says which colour is which. What EXIF's orientation turns is turned, as in `read_image`.

    Args:
        path: A picture file without loss, such as PNG, of at most 8 bits.
        colours: A file with a line for each class, `red green blue name` or a CSV of `name, red,
            green, blue`; None for grey and palette pictures.

    Returns:
        uint8 `(height, width)`; by convention 255 is what does not count.

    Raises:
        InputError: The file is missing, damaged, with loss or of 16 bits, or has an unknown colour.
    """
    table = None if colours is None else read_colours(colours)[1]
    return MaskReading(colours=table).read(path)


@checked
def resize_mask(mask: np.ndarray, height: Count, width: Count) -> np.ndarray:
    """Resize a mask without making labels that it has not: each pixel is the nearest one's.

    Args:
        mask: uint8 `(rows, columns)`.
        height: Rows of the result.
        width: Its columns.
    """
    if mask.shape == (height, width):
        return mask
    if mask.ndim != 2 or not mask.size:
        raise InputError(
            f"A mask of shape {mask.shape} was given", "(rows, columns)", "Give one mask."
        )
    # The pixel at the centre of each, as pictures are resized.
    rows, columns = (
        np.minimum(((np.arange(now) + 0.5) * then / now).astype(int), then - 1)
        for now, then in zip((height, width), mask.shape, strict=True)
    )
    return mask[np.ix_(rows, columns)]


def read_colours(path: str | Path) -> tuple[tuple[str, ...], Colours]:
    """Read a table of colours.

    Args:
        path: Lines with a name and three numbers of 0 to 255, the name before or behind them, and
            perhaps the number of the class in front of all. Those named void, unlabelled or ignore
            are no classes. Before them may stand a heading, and comments behind `#` anywhere,
            with a space before it or at the beginning.

    Returns:
        Names of the classes, and the label of each colour.

    Raises:
        InputError: The file has no such line, or another one, or a colour twice.
    """
    names, colours = list[str](), dict[tuple[int, int, int], int]()
    lines = [_Line.of(line) for line in read_lines(Path(path).expanduser())]
    numbered = _are_numbered(lines)
    for number, line in enumerate(lines, start=1):
        found = line.coloured(numbered)
        if found is None:
            if line.is_silent or (not colours and line.may_be_heading):
                continue
            raise InputError(
                f"{path}, line {number}, is {line.text!r}",
                'lines "red green blue name" or "name, red, green, blue"',
                "Correct it, or write # before what is no class.",
            )
        name, (red, green, blue) = found
        if max(red, green, blue) > 255 or (red, green, blue) in colours:
            raise InputError(
                f"{path}, line {number}, has the colour {(red, green, blue)}",
                "three numbers of 0 to 255, each colour once",
                "Correct the line.",
            )
        if name.lower() in _VOID:
            colours[red, green, blue] = IGNORED
            continue
        if (name or str(len(names))) not in names:
            names.append(name or str(len(names)))
        # Of one name may be several colours.
        colours[red, green, blue] = names.index(name) if name else len(names) - 1
    if not names or len(names) > IGNORED:
        raise InputError(
            f"{path} names {len(names)} classes by their colours",
            f'1 to {IGNORED} lines "red green blue name"',
            "Check the path and the form of the lines.",
        )
    return tuple(names), colours


@dataclass(frozen=True)
class _Line:
    """A line of a table of colours: its parts, and which of them are whole numbers."""

    text: str
    parts: list[str]
    numeric: list[bool]
    separated: bool

    @classmethod
    def of(cls, text: str) -> _Line:
        # A name such as C# has the sign without a space before it.
        text = re.split(r"(?:^|\s)#", text)[0].strip()
        fields = [part.strip() for part in re.split(r"[,;]", text)]
        separated = len(fields) > 3
        parts = fields if separated else [part for part in re.split(r"[\s,;]+", text) if part]
        numeric = [bool(re.fullmatch(r"\d{1,3}", part)) for part in parts]
        return cls(text, parts, numeric, separated)

    @property
    def is_silent(self) -> bool:
        return not any(self.parts)

    @property
    def may_be_heading(self) -> bool:
        return len(re.findall(r"(?<!\w)[+-]?\d", self.text)) < 2

    @property
    def leading(self) -> list[int]:
        """The four numbers in front of a name; empty where there are not as many."""
        four = len(self.parts) > 4 and all(self.numeric[:4]) and not all(self.numeric[-3:])
        return [int(part) for part in self.parts[:4]] if four else []

    def coloured(self, numbered: bool) -> tuple[str, tuple[int, int, int]] | None:
        """Its name and its colour; None where it has none, as a heading.

        Names may have numbers too, and lines a number of their own.
        """
        if self.is_silent:
            return None
        parts, numeric = self.parts, self.numeric
        if sum(numeric) == len(parts) > 3:
            raise InputError(
                f"The line {self.text!r} of a table of colours has {len(parts)} numbers and no "
                "name",
                '"red green blue name" or "name, red, green, blue"',
                "Name the class, or leave the fourth number out.",
            )
        if numbered:
            parts, numeric = parts[1:], numeric[1:]
        for place in (slice(-3, None), slice(0, 3)):
            if len(parts) >= 3 and all(numeric[place]):
                red, green, blue = map(int, parts[place])
                others = [*parts[:-3]] if place.stop is None else parts[3:]
                if self.separated:
                    others = [part for part in others if not re.fullmatch(r"\d{1,3}", part)]
                return " ".join(others), (red, green, blue)
        return None


def _are_numbered(lines: Sequence[_Line]) -> bool:
    """Whether the lines begin with numbers of classes: where all have one more, and it goes up.

    Else names begin with a number, or that of the class stands behind the colour.
    """
    found = [line.leading for line in lines if line.coloured(False)]
    if len(found) < 2 or not all(found):
        return False
    first, fourth = ([four[place] for four in found] for place in (0, 3))
    steps = np.diff(first)
    return bool((steps == 1).all() or ((steps > 0).all() and not (np.diff(fourth) > 0).all()))


def voc_colours(classes: int) -> Colours:
    """The colours of PASCAL VOC's masks: bits of the label, spread over the three channels.

    Args:
        classes: Number of classes; the colour of label 255 is there too.
    """
    colours = {}
    for label in (*range(classes), IGNORED):
        red = green = blue = 0
        for bit in range(8):
            red |= (label >> 3 * bit & 1) << (7 - bit)
            green |= (label >> 3 * bit + 1 & 1) << (7 - bit)
            blue |= (label >> 3 * bit + 2 & 1) << (7 - bit)
        colours[red, green, blue] = label
    return colours


def _check(path: str | Path, image: Image.Image) -> None:
    inside = str(image.info.get("compression", "")).upper()
    if image.format in _LOSSY or any(kind in inside for kind in _LOSSY):
        raise InputError(
            f"The mask {path} is a {image.format} file{' with loss' * bool(inside)}, which changes "
            "values where classes meet",
            "PNG, BMP, TIFF and other formats without loss",
            _REMEDY,
        )
    # Of colours of 16 bits Pillow hands on the upper 8.
    if image.mode.startswith(("I", "F")) or ";16" in _stored_as(image):
        raise InputError(
            f"The mask {path} has 16 bits or more a pixel", "values of 8 bits, 0 to 255", _REMEDY
        )


def _stored_as(image: Image.Image) -> str:
    """How Pillow calls what the pixels are in the file, such as `"L;4"`."""
    # Only what Pillow opened from a file has tiles.
    tiles = getattr(image, "tile", None)
    if not tiles:
        return ""
    args = tiles[0][3]
    kind = args[0] if isinstance(args, tuple) and args else args
    return kind if isinstance(kind, str) else ""


def _is_grey(pixels: np.ndarray) -> bool:
    first = pixels[..., 0]
    return bool((first == pixels[..., 1]).all() and (first == pixels[..., 2]).all())


def _listed(values: Sequence[int] | np.ndarray) -> str:
    more = ", ..." if len(values) > 8 else ""
    return ", ".join(map(str, values[:8])) + more
