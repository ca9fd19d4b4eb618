"""How a caption becomes words: one rule for vocabularies and for metrics."""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections.abc import Iterable

from keras_classics.core.arguments import checked

# Stands before a unit that a space comes before. A letter to Unicode (low macron), so that it is
# none of the signs that are units of their own.
SPACE_MARK = "\u02cd"
# Zero-width joiner, variation selectors 15 and 16, and the letters of flags such as Scotland's:
# left alone where the signs of an emoji vanish.
_SELECTORS, _TAGS = "\ufe0e\ufe0f", "".join(map(chr, range(0xE0020, 0xE0080)))
JOINERS = f"\u200d{_SELECTORS}{_TAGS}"
# An emoji of several code points (Unicode Technical Standard 51): two letters of a flag; a key; a
# sign with selectors, skin tones or tags, and further such signs joined to it. In ranges, as the
# engine's graphs know properties of an older Unicode.
_BASE = "[\u00a9\u00ae\u203c-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
_VARIED = f"[{_SELECTORS}{_TAGS}\U0001f3fb-\U0001f3ff]"
EMOJI_SEQUENCE = (
    "[\U0001f1e6-\U0001f1ff]{2}|[0-9#*]\ufe0f?\u20e3|"
    f"{_BASE}(?:{_VARIED}+|\u200d{_BASE})(?:{_VARIED}|\u200d{_BASE})*"
)


@checked
def tokenize(text: str) -> list[str]:
    """Split a caption into lower-case words without punctuation.

    Apostrophes vanish (`man's` becomes `mans`); every other punctuation mark or symbol separates
    (`t-shirt` becomes `t shirt`). Letters, accents and digits of any script stay. What joins or
    varies the signs of an emoji is no word.

    Args:
        text: One caption.

    Returns:
        Its words, an empty list if there are none.

    Raises:
        InputError: It is no text.
    """
    words = unicodedata.normalize("NFC", text).lower().translate(_punctuation()).split()
    return words if text.isascii() else [word for word in words if word.strip(JOINERS)]


def tokenize_exactly(text: str) -> list[str]:
    """Split a text into words and punctuation marks from which it can be put together again.

    Letters keep their case. Each punctuation mark or symbol is a unit, and so is each emoji,
    however many code points it has; a unit after a space, and the first one, begins with
    `SPACE_MARK`: `"I can't."` becomes `ˍI ˍcan ' t .`

    Args:
        text: A sentence; every white space counts as one space.

    Returns:
        Its units, an empty list if there are none.
    """
    words = unicodedata.normalize("NFC", text).replace(SPACE_MARK, " ").split()
    return _signs().sub(r" \1 ", " ".join(SPACE_MARK + word for word in words)).split()


def characters(text: str) -> list[str]:
    """Split a text into its characters, of which an emoji is one, however many code points it has.

    Args:
        text: Any text, taken as it is.
    """
    return _characters().findall(text)


def join_exactly(units: Iterable[str]) -> str:
    """Put a text together from what `tokenize_exactly` returned."""
    return "".join(units).replace(SPACE_MARK, " ").strip()


@functools.cache
def _signs() -> re.Pattern:
    signs = "".join(chr(code) for code, word in _punctuation().items() if word == " ")
    return re.compile(f"({SPACE_MARK}?(?:{EMOJI_SEQUENCE}|[{re.escape(signs)}'’]))")


@functools.cache
def _characters() -> re.Pattern:
    return re.compile(f"{EMOJI_SEQUENCE}|.", re.DOTALL)


@functools.cache
def _punctuation() -> dict[int, str | None]:
    table: dict[int, str | None] = {
        code: " "
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code))[0] in "PS"
    }
    return table | {ord(apostrophe): None for apostrophe in "'’"}
