"""What can be known of every character of a text: the things a cell might keep track of."""

from __future__ import annotations

import re
from itertools import accumulate

import numpy as np

from keras_classics.core.arguments import checked

_URL = re.compile(r"https?://[^\s\"'<>)]+")
# What a text without lines is made of.
_NOTHING = np.zeros(0, int)
_BRACKETS = {**dict.fromkeys("([{", 1), **dict.fromkeys(")]}", -1)}


@checked
def text_targets(
    text: str,
    token_classes: np.ndarray | None = None,
    class_names: tuple[str, ...] = (),
) -> dict[str, np.ndarray]:
    """Say of every position what holds once its character was read.

    Args:
        text: A document, from its beginning.
        token_classes: Of each character the number of its class; None for other than code.
        class_names: Names of these classes; strings and comments are looked for.

    Returns:
        Arrays `(characters,)`, bool for what holds or does not: `inside_quotes` (parity of double
        quotes), `inside_url`, `speaker_line` (a line that ends in a colon, after an empty one),
        `capitals_line`, and for code `inside_string` and `inside_comment` (the truth of
        `tokenize`). float32 for counters: `line_position` (characters since the line began),
        `line_share` (that, divided by the line's length), `word_position`, `indentation` (spaces
        that began the line) and `bracket_depth`; brackets in strings and comments do not count
        where classes are known.
    """
    points = np.array(list(text))
    lines = text.splitlines(keepends=True)
    position = np.concatenate([_NOTHING, *(np.arange(1, len(line) + 1) for line in lines)])
    letter = np.char.isalpha(points)
    brackets = np.array([_BRACKETS.get(each, 0) for each in text])
    targets = {
        "inside_quotes": np.cumsum(points == '"') % 2 == 1,
        "inside_url": _inside(_URL, text),
        "speaker_line": _by_line(lines, _speaks(lines)),
        "capitals_line": _by_line(lines, [sum(map(str.isalpha, line)) > 1 and line.isupper()
                                          for line in lines]),
        "line_position": position,
        "line_share": position / _by_line(lines, [len(line) for line in lines]),
        "word_position": _run_length(letter),
        "indentation": np.concatenate([_NOTHING, *map(_indentation, lines)]),
    }  # fmt: skip
    if token_classes is not None:
        named = {name: token_classes == number for number, name in enumerate(class_names)}
        targets["inside_string"] = named["string"]
        targets["inside_comment"] = named["comment"]
        brackets = np.where(named["operator"], brackets, 0)
    # A closing bracket without an opening one opens nothing.
    targets["bracket_depth"] = np.array(
        list(accumulate(brackets.tolist(), lambda depth, change: max(0, depth + change)))
    )
    return {
        name: values if values.dtype == bool else values.astype("float32")
        for name, values in targets.items()
    }


def _inside(pattern: re.Pattern, text: str) -> np.ndarray:
    found = np.zeros(len(text), "bool")
    for match in pattern.finditer(text):
        found[match.start() : match.end()] = True
    return found


def _by_line(lines: list[str], values: list) -> np.ndarray:
    return np.repeat(np.array(values), [len(line) for line in lines])


def _speaks(lines: list[str]) -> list[bool]:
    before = ["", *lines]
    return [
        line.rstrip().endswith(":") and not above.strip()
        for line, above in zip(lines, before, strict=False)
    ]


def _run_length(holds: np.ndarray) -> np.ndarray:
    count = np.arange(1, len(holds) + 1)
    return count - np.maximum.accumulate(np.where(holds, 0, count))


def _indentation(line: str) -> np.ndarray:
    spaces = len(line) - len(line.lstrip(" "))
    return np.minimum(np.arange(1, len(line) + 1), spaces)
