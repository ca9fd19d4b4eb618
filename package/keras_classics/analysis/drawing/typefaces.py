"""Typefaces for texts in whatever script they come: what an installed font has, is drawn.

Matplotlib and Pillow draw an empty box for a letter that their one font lacks, and Matplotlib adds
a warning for each. Here another installed font is looked for, and where there is none, one
sentence says which to install. Scripts that run from right to left are laid out by Matplotlib 3.11
and by Pillow with Raqm; what is older, or lacks it, is told in a sentence too.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import bidirectional

from keras_classics.core.user_warnings import warn_user

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

Measure = Callable[[str], float]
# What stands for a letter that no font has.
BOX = "□"
# What fonts add to the name of a file that is not their plain one.
_STYLES = ("bold", "black", "heavy", "light", "thin", "medium", "italic", "oblique", "condensed")
# What a sentence has asked for: every further text of the script would only repeat it.
_asked_for: set[str] = set()
_CJK = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH")


def plain_font() -> str:
    """The file of DejaVu Sans, which comes with Matplotlib: Latin, Greek, Cyrillic and more."""
    import matplotlib

    return str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"))


def drawable(text: str, font: str) -> tuple[str, str]:
    """What of a text can be drawn, and in which font.

    Marks without a shape of their own (joiners, selectors of emoji) are left out, and letters that
    no installed font has are boxes; a warning then names a font to install, once for a script. It
    names also what is to be installed where letters would run the wrong way.

    Args:
        text: Any text.
        font: File of the font it would be drawn in.

    Returns:
        The text, and the file of the font: the given one if it has every letter.
    """
    text = "".join(filter(None, map(_shown, text)))
    leftward = next((letter for letter in text if bidirectional(letter) in ("R", "AL")), None)
    if leftward and (layout := _layout_to_install()):
        _tell_once(layout, f"{leftward!r} is drawn from left to right")
    wanted = {ord(letter) for letter in text if not letter.isspace()}
    if wanted <= _letters(font):
        return text, font
    # The first of the best: `_installed` has plain fonts first.
    font = max((font, *_installed()), key=lambda each: len(wanted & _letters(each)))
    missing = wanted - _letters(font)
    if missing:
        for which, letter in {_font_for(chr(each)): chr(each) for each in missing}.items():
            _tell_once(which, f"No installed font has {letter!r}, drawn as {BOX}")
        box = BOX if ord(BOX) in _letters(font) else "?"
        text = "".join(box if ord(letter) in missing else letter for letter in text)
    return text, font


@functools.lru_cache(maxsize=64)
def typeface(font: str, size: float) -> FreeTypeFont:
    """A font file at a size in pixels, for Pillow to draw and measure with."""
    from PIL import ImageFont

    return ImageFont.truetype(font, size)


def wrapped(text: str, width: float, measure: Measure, lines: int | None = None) -> str:
    """Break a text into lines that fit a width: between words, or within those that are too long.

    Args:
        text: In any script; its own line breaks are spaces.
        width: Of a line.
        measure: The width of any line as it will be drawn, in the same unit.
        lines: How many there may be, where not all; an ellipsis stands for what is left out.
    """
    made: list[str] = []
    for word in text.split():
        if made and measure(f"{made[-1]} {word}") <= width:
            made[-1] += f" {word}"
            continue
        while len(word) > 1 and measure(word) > width:
            shorter = range(len(word) - 1, 0, -1)
            part = next((n for n in shorter if measure(word[:n]) <= width), 1)
            made.append(word[:part])
            word = word[part:]
        made.append(word)
    if lines is not None and len(made) > lines:
        made = [*made[: lines - 1], shortened(" ".join(made[lines - 1 :]), width, measure)]
    return "\n".join(made)


def shortened(text: str, width: float, measure: Measure) -> str:
    """What of a line fits a width, with an ellipsis where something is left out."""
    if measure(text) <= width:
        return text
    while text and measure(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def width_of(text: str, size: float, font: str) -> float:
    """The width of a line as Pillow draws it, in pixels."""
    shown, own = drawable(text, font)
    return typeface(own, size).getlength(shown)


def _shown(letter: str) -> str:
    kind = unicodedata.category(letter)
    if letter == "\n" or kind in ("Cn", "Co"):
        return letter
    if kind == "Cc":
        # Tabs and the like part words.
        return " "
    # The others say how their neighbours are shaped.
    selects = unicodedata.name(letter, "").startswith("VARIATION SELECTOR")
    return "" if kind in ("Cf", "Cs") or selects else letter


@functools.cache
def _letters(font: str) -> frozenset[int]:
    """Numbers of the letters whose outlines a font file has."""
    from matplotlib.ft2font import FT2Font

    try:
        face = FT2Font(font)
        return frozenset(face.get_charmap()) if face.scalable else frozenset()
    except (OSError, RuntimeError):
        # A font that FreeType cannot read draws nothing.
        return frozenset()


@functools.cache
def _installed() -> tuple[str, ...]:
    """All font files of the machine, plain ones first."""
    from matplotlib.font_manager import findSystemFonts

    def order(path: str) -> tuple[bool, str]:
        name = Path(path).name.lower()
        return any(style in name for style in _STYLES), name

    return tuple(sorted(findSystemFonts(), key=order))


def _tell_once(which: str, fault: str) -> None:
    if which in _asked_for:
        return
    _asked_for.add(which)
    warn_user(f"{fault}: install {which} and start again")


@functools.cache
def _layout_to_install() -> str:
    """What lines that run from right to left want and this installation lacks; empty if nothing."""
    import matplotlib
    from PIL import features

    lacking = []
    if matplotlib.__version_info__ < (3, 11):
        lacking.append("Matplotlib 3.11 (pip install -U matplotlib)")
    if not (features.check("raqm") and features.check("fribidi")):
        lacking.append("FriBiDi (Debian and Ubuntu: apt install libfribidi0)")
    return " and ".join(lacking)


def _font_for(letter: str) -> str:
    """A free font for a letter's script, and Debian's package of it."""
    name = unicodedata.name(letter, "")
    if name.startswith(_CJK):
        return "Noto Sans CJK (Debian and Ubuntu: apt install fonts-noto-cjk)"
    if unicodedata.category(letter) == "So" or ord(letter) >= 0x1F000:
        return "Symbola (Debian and Ubuntu: apt install fonts-symbola)"
    return "Noto Sans of its script (Debian and Ubuntu: apt install fonts-noto-core)"
