"""How a caption becomes words: one rule for vocabularies and for metrics."""

from __future__ import annotations

import functools
import sys
import unicodedata


def tokenize(text: str) -> list[str]:
    """Split a caption into lower-case words without punctuation.

    Apostrophes vanish (`man's` becomes `mans`); every other punctuation mark or symbol separates
    (`t-shirt` becomes `t shirt`). Letters, accents and digits of any script stay.

    Args:
        text: One caption.

    Returns:
        Its words, an empty list if there are none.
    """
    return unicodedata.normalize("NFC", text).lower().translate(_punctuation()).split()


@functools.cache
def _punctuation() -> dict[int, str | None]:
    table: dict[int, str | None] = {
        code: " "
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code))[0] in "PS"
    }
    return table | {ord(apostrophe): None for apostrophe in "'’"}
