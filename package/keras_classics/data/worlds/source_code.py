"""The embedded world of text: the Python standard library on the user's own machine.

Nothing is downloaded and nothing is copied into the package; every character comes with the true
class of its token, from the standard library's own `tokenize`.
"""

from __future__ import annotations

import hashlib
import io
import keyword
import os
import platform
import sysconfig
import tokenize
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import opened
from keras_classics.core.errors import InputError
from keras_classics.data.load import Asked, Data
from keras_classics.data.texts.documents import Document

TOKEN_CLASSES = ("space", "comment", "string", "keyword", "name", "number", "operator")

# Tests of the library, tables of code points, and what others have installed.
_LEFT_OUT = {"test", "tests", "idlelib", "lib2to3", "encodings", "pydoc_data", "site-packages"}
# Shorter files are mostly their licence; longer ones would fill a split alone.
_FEWEST, _MOST = 2_000, 60_000
_PLAIN = {chr(point) for point in range(32, 127)} | {"\n"}


@checked
def load_source_code(
    asked: Asked, *, characters: int = 1_000_000, validation: float = 0.05, test: float = 0.05
) -> Data:
    """Choose modules of the standard library; files of plain ASCII without tabs, whole.

    Args:
        asked: The seed, which chooses the modules and their splits.
        characters: At least so many in all, as far as the library goes.
        validation: Share of the validation split; a file is in one split only.
        test: Share of the test split.

    Raises:
        InputError: The library is not there as text, or a number is out of range.
    """
    if not (characters >= 10_000 and validation > 0 and test > 0 and validation + test < 1):
        raise InputError(
            f"characters={characters}, validation={validation} and test={test} were given",
            "10,000 characters or more, and shares above 0, together below 1",
            "Leave them out for 1,000,000, 0.05 and 0.05.",
        )
    shares = {"test": test, "validation": validation, "train": 1 - validation - test}
    library = _modules(asked.seed)
    splits = {split: _take(library, share * characters) for split, share in shares.items()}
    if not all(splits.values()):
        raise InputError(
            f"{_root()} has too few modules as text",
            "a Python whose standard library lies on the disk as .py files",
            "Use --data text:FILE.",
        )
    documents = [document for split in sorted(splits) for document in splits[split]]
    digest = hashlib.sha256("".join(document.text for document in documents).encode())
    return asked.data(
        splits,
        f"Whole files, chosen by seed {asked.seed}.",
        classes=TOKEN_CLASSES,
        origin=f"Standard library of Python {platform.python_version()} in {_root()} (PSF "
        f"licence); text {digest.hexdigest()[:12]}",
        made_with={"python": platform.python_version()},
    )


@checked
def classify_characters(code: str) -> np.ndarray:
    """Class every character of Python code by its token.

    Spaces, line ends and continuation lines between tokens are `"space"`.

    Args:
        code: A whole file.

    Returns:
        Numbers in `TOKEN_CLASSES`, uint8 `(characters,)`.

    Raises:
        InputError: Python cannot read the code.
    """
    # As Python's tokenizer counts lines, which a form feed does not end.
    starts = np.cumsum([0, *(len(line) + 1 for line in code.split("\n"))])
    classes = np.zeros(len(code), "uint8")
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            start, end = (int(starts[row - 1]) + column for row, column in (token.start, token.end))
            classes[start:end] = TOKEN_CLASSES.index(_class(token))
    except (tokenize.TokenError, SyntaxError) as error:
        raise InputError(
            f"The code has {error}", "Python source code", "Use --data text:FILE."
        ) from error
    return classes


def _class(token: tokenize.TokenInfo) -> str:
    kind = tokenize.tok_name[token.type]
    if kind == "NAME":
        return "keyword" if keyword.iskeyword(token.string) else "name"
    # From Python 3.12 on the parts of an f-string are tokens of their own.
    if kind.startswith("FSTRING"):
        return "string"
    known = {"COMMENT": "comment", "STRING": "string", "NUMBER": "number", "OP": "operator"}
    return known.get(kind, "space")


def _root() -> Path:
    return Path(sysconfig.get_paths()["stdlib"])


def _modules(seed: int) -> Iterator[Document]:
    """Suitable files in an order drawn from the seed, read as they are asked for."""
    root = _root()
    names = []
    for folder, folders, files in os.walk(root):
        folders[:] = set(folders) - _LEFT_OUT
        inside = Path(folder).relative_to(root)
        names += [(inside / file).as_posix() for file in files if file.endswith(".py")]
    # Each has its place by itself: what another release of Python adds moves no other.
    for name in sorted(names, key=lambda each: hashlib.sha256(f"{seed}:{each}".encode()).digest()):
        path = root / name
        if not _FEWEST <= path.stat().st_size <= _MOST:
            continue
        with opened(path) as file:
            text = file.read().decode("utf-8", "replace").replace("\r\n", "\n")
        if set(text) <= _PLAIN:
            yield Document(name, text, classify_characters(text))


def _take(library: Iterator[Document], characters: float) -> list[Document]:
    taken, length = [], 0
    while length < characters and (document := next(library, None)):
        taken.append(document)
        length += len(document.text)
    return taken
