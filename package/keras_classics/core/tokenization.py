"""How a caption becomes words: one rule for vocabularies and for metrics."""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections.abc import Iterable

# Stands before a unit that a space comes before. A letter to Unicode (low macron), so that it is
# none of the signs that are units of their own.
SPACE_MARK = "\u02cd"
# Zero-width joiner, variation selectors 15 and 16: left alone where the signs of an emoji vanish.
JOINERS = "\u200d\ufe0e\ufe0f"


def tokenize(text: str) -> list[str]:
    """Split a caption into lower-case words without punctuation.

    Apostrophes vanish (`man's` becomes `mans`); every other punctuation mark or symbol separates
    (`t-shirt` becomes `t shirt`). Letters, accents and digits of any script stay. What joins or
    varies the signs of an emoji is no word.

    Args:
        text: One caption.

    Returns:
        Its words, an empty list if there are none.
    """
    words = unicodedata.normalize("NFC", text).lower().translate(_punctuation()).split()
    return [word for word in words if word.strip(JOINERS)]


def tokenize_exactly(text: str) -> list[str]:
    """Split a text into words and punctuation marks from which it can be put together again.

    Letters keep their case. Each punctuation mark or symbol is a unit; a unit after a space, and
    the first one, begins with `SPACE_MARK`: `"I can't."` becomes `ˍI ˍcan ' t .`

    Args:
        text: A sentence; every white space counts as one space.

    Returns:
        Its units, an empty list if there are none.
    """
    words = unicodedata.normalize("NFC", text).replace(SPACE_MARK, " ").split()
    return _signs().sub(r" \1 ", " ".join(SPACE_MARK + word for word in words)).split()


def join_exactly(units: Iterable[str]) -> str:
    """Put a text together from what `tokenize_exactly` returned."""
    return "".join(units).replace(SPACE_MARK, " ").strip()


@functools.cache
def _signs() -> re.Pattern:
    signs = "".join(chr(code) for code, word in _punctuation().items() if word == " ")
    return re.compile(f"({SPACE_MARK}?[{re.escape(signs)}'’])")


@functools.cache
def _punctuation() -> dict[int, str | None]:
    table: dict[int, str | None] = {
        code: " "
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code))[0] in "PS"
    }
    return table | {ord(apostrophe): None for apostrophe in "'’"}
