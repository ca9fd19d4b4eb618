"""One picture by the spellings of its name: other composition of accents, case, ending, folders."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

_ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff")


def written(name: str) -> str:
    r"""A name as all files of captions would write it: composed (NFC), without `./`, with `/`.

    Args:
        name: Of a picture, perhaps with its folders; `\` parts them too.
    """
    parts = unicodedata.normalize("NFC", name).strip().replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


class Spellings:
    """Names that are found by other spellings of them.

    Args:
        names: Of pictures, perhaps with their folders.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._tables = [(spelling, defaultdict[str, list[str]](list)) for spelling in _SPELLINGS]
        for name in names:
            for spelling, table in self._tables:
                table[_last(spelling(name))].append(name)

    def find(self, name: str) -> list[str]:
        """The names that are meant: of one with the same folders, else where one side has more.

        Case is looked at where it tells names apart, and an ending where both have one.

        Args:
            name: In any spelling.
        """
        for spelling, table in self._tables:
            asked = f"/{spelling(name)}"
            same, near = list[str](), list[str]()
            for known in table.get(_last(asked), ()):
                own = f"/{spelling(known)}"
                if spelling is _without_ending and _has_ending(name) and _has_ending(known):
                    continue
                if own == asked:
                    same.append(known)
                elif own.endswith(asked) or asked.endswith(own):
                    near.append(known)
            if same or near:
                return same or near
        return []


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _caseless(name: str) -> str:
    return written(name).casefold()


def _has_ending(name: str) -> bool:
    return _caseless(name).endswith(_ENDINGS)


def _without_ending(name: str) -> str:
    bare = _caseless(name)
    return bare.rpartition(".")[0] if bare.endswith(_ENDINGS) else bare


_SPELLINGS = (written, _caseless, _without_ending)
