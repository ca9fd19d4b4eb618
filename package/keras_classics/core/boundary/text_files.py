"""Text from outside: plain or gzipped text, its lines, JSON and tables."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import math
import os
import re
import warnings
from collections.abc import Callable, Iterator
from itertools import accumulate, chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple, cast

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import file_size, opened, reading, write_whole
from keras_classics.core.errors import InputError, shown

if TYPE_CHECKING:
    import pandas as pd

# What gzipped text may unpack to: text that people write is packed to a third or a quarter.
_FLOOR_BYTES, _MOST_EXPANSION = 2**26, 6
# No sentence is longer; a longer line is another kind of file, or made to take memory.
_LONGEST_LINE_BYTES = 2**20
_MOST_COLUMNS = 1000
_SEPARATORS = ",;\t|"
# What stands in quotes, to the end where they are not closed.
_QUOTED = re.compile(r'"[^"]*"?')
# What JSON takes in memory: a table, a list, and whatever else stands behind a comma or a colon.
_TABLE_BYTES, _LIST_BYTES, _VALUE_BYTES = 184, 64, 32
_JSON_FLOOR_BYTES, _JSON_MOST_EXPANSION = 2**28, 6
# The reader of JSON calls itself at every level, which the stack of a thread may be too small for.
_DEEPEST = 200
_BRACKETS = b"[]{}"
_NO_BRACKETS = bytes(set(range(256)) - set(_BRACKETS))
# Possessive, and content with no end: it never looks twice at a text that does not end.
_JSON_TEXTS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)

_HALVES = re.compile(rb"\\u[dD][89a-fA-F]")


@checked
def read_text(file: str | os.PathLike[str]) -> str:
    """Read a whole file in UTF-8, perhaps with a byte-order mark; `.gz` is unpacked.

    Args:
        file: The file.

    Raises:
        InputError: The file is absent, no sound gzip file, or not UTF-8, with the line.
    """
    with reading(file, "a readable file", "Check the path."), _unpacked(file) as (packed, most):
        content = packed.read(most + 1)
        _check_expansion(len(content), most)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_text(file, content.count(b"\n", 0, error.start) + 1) from error


@checked
def read_lines(file: str | os.PathLike[str]) -> list[str]:
    r"""Read the lines of a text file, in less memory than `read_text` and splitting take.

    Args:
        file: The file, as for `read_text`.

    Returns:
        The lines without their ends, `"\n"` or `"\r\n"`; one empty line of an empty file.

    Raises:
        InputError: As `read_text`, or a line is no sentence by its length.
    """
    lines: list[str] = []
    for number, line in enumerate(_raw_lines(file), start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise _no_text(file, number) from error
        lines.append(text.removesuffix("\n").removesuffix("\r"))
    return lines or [""]


def read_json(path: str | os.PathLike[str], allowed: str, remedy: str) -> Any:
    """Read a JSON file.

    Args:
        path: The file.
        allowed: What it should be, for the message.
        remedy: What to do, for the message.

    Raises:
        InputError: It is absent or no JSON.
    """
    with reading(path, allowed, remedy), opened(path) as file:
        return parse_json(file.read())


def parse_json(content: bytes | str) -> Any:
    """What JSON says.

    Args:
        content: JSON; bytes are UTF-8.

    Raises:
        ValueError: It is no JSON, nested too deeply, has numbers that are none or too large, which
            it says with their place, texts that are none, or would take much more memory than it
            has bytes.
    """
    data = content.encode() if isinstance(content, str) else content
    takes = (
        _TABLE_BYTES * data.count(b"{")
        + _LIST_BYTES * data.count(b"[")
        + _VALUE_BYTES * (data.count(b",") + data.count(b":"))
    )
    if takes > max(_JSON_FLOOR_BYTES, _JSON_MOST_EXPANSION * len(data)):
        raise ValueError(f"its {len(data):,} bytes would take {takes:,} in memory")
    # The second look leaves out brackets that stand in texts.
    if _depth(data) > _DEEPEST and _depth(_JSON_TEXTS.sub(b"", data)) > _DEEPEST:
        raise ValueError(f"it is nested more than {_DEEPEST} deep")
    try:
        content = json.loads(
            data.decode("utf-8-sig"), parse_constant=_no_number, parse_float=_finite_number
        )
    except _NoNumberError as error:
        raise ValueError(f"{error} is no number of JSON{_place(data, str(error))}") from None
    # Only by their numbers do halves of characters get into a text.
    if _HALVES.search(data):
        try:
            json.dumps(content, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            half = error.object[error.start]
            raise ValueError(f"a text in it has half a character, {half!r}") from None
    return content


@checked
def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text in UTF-8, whole or not at all, making the folder.

    Args:
        path: The file.
        text: The text.

    Raises:
        InputError: The file cannot be written, or the text has half a character.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"A text with half a character, {text[error.start]!a}, was given",
            "whole characters, which UTF-8 has",
            "Leave halves out: text.encode(errors='ignore').decode().",
        ) from error
    write_whole(path, lambda fresh: fresh.write_text(text, "utf-8"))


@checked
def write_table(path: str | os.PathLike[str], table: pd.DataFrame, **options: Any) -> None:
    """Write a table as CSV, whole or not at all, making the folder.

    Args:
        path: The file.
        table: The table.
        **options: Further arguments of `DataFrame.to_csv`.

    Raises:
        InputError: There is no table, or the file cannot be written.
    """
    if not hasattr(table, "to_csv"):
        raise InputError(
            f"{shown(table)} was given to be written",
            "a table of pandas",
            "Pass pandas.DataFrame(table).",
        )
    write_whole(path, lambda fresh: table.to_csv(fresh, **options))


@checked
def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write JSON, whole or not at all, making the folder.

    Args:
        path: The file.
        content: What JSON can have; numbers that are not finite are written as null.

    Raises:
        InputError: The file cannot be written, or the content is none of JSON's.
    """
    try:
        text = json.dumps(_finite(content), indent=1, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"content={shown(content)} was given ({error})",
            "texts, numbers, truth values, None, and lists and dictionaries of them",
            "Give what NumPy has as .tolist(), and other objects as str(object).",
        ) from error
    write_text(path, text + "\n")


def as_json(content: Any) -> Any:
    """What `write_json` and `read_json` would make of a value: tuples become lists, say.

    Args:
        content: What JSON can have.
    """
    return json.loads(json.dumps(_finite(content)))


@checked
def read_table(
    path: str | os.PathLike[str],
    allowed: str,
    remedy: str,
    *,
    uneven: Callable[[str], object] | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Read a table: a header, then rows with as many fields.

    Fields are separated by what stands most often in the header, of commas, semicolons, tabs and
    bars; the first two may stand in a field that is quoted, the others where all of the header is.

    Args:
        path: The file, in UTF-8; `.gz` is unpacked.
        allowed: What it should be, for the message.
        remedy: What to do, for the message.
        uneven: Is told of each row with other fields than the header, with its line; such rows are
            left out, and the index of the table has the lines of the others. By default the table
            is refused.
        **options: Further arguments of `pandas.read_csv`.

    Raises:
        InputError: It is absent or no such table.
    """
    import pandas as pd

    with reading(path, allowed, remedy):
        spaced = options.get("skipinitialspace", False)
        layout = _layout(path, allowed, remedy, spaced, uneven)
        with _unpacked(path) as (file, _), warnings.catch_warnings():
            # Of what is lost pandas only warns.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                file if not layout.left_out else _without(path, allowed, remedy, layout.left_out),
                encoding="utf-8-sig",
                # Else a row with a field too many would have one for its name.
                index_col=False,
                **layout.options,
                **options,
            )
        if uneven is not None:
            table.index = pd.Index(layout.lines)
        return table


class _Layout(NamedTuple):
    """How a table is written.

    Attributes:
        options: Arguments of `pandas.read_csv`, which fills up short rows, and lets long ones pass
            where what is too much is empty.
        lines: The line at which each row ends.
        left_out: The lines of rows that are left out.
    """

    options: dict[str, Any]
    lines: list[int]
    left_out: set[int]


def _without(
    path: str | os.PathLike[str], allowed: str, remedy: str, left_out: set[int]
) -> io.StringIO:
    lines = enumerate(_decoded(path, allowed, remedy), start=1)
    return io.StringIO("".join(line for number, line in lines if number not in left_out))


def _layout(
    path: str | os.PathLike[str],
    allowed: str,
    remedy: str,
    spaced: bool,
    uneven: Callable[[str], object] | None,
) -> _Layout:
    """How a table is written, after a look at whether all rows have the fields of its header."""
    lines, above, header = _decoded(path, allowed, remedy), 0, ""
    for header in lines:
        # What is blank above the header is none.
        if header.strip():
            break
        above += 1
    bare = _QUOTED.sub("", header)
    separator = max(_SEPARATORS, key=bare.count)
    quoted = separator in ",;" or not bare.strip(f"{separator} \r\n")
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    rows = csv.reader(
        chain([header], lines),
        delimiter=separator,
        quoting=quoting,
        skipinitialspace=spaced,
        strict=True,
    )
    names: list[str] = []
    found, left_out, end = list[int](), set[int](), above
    for row in rows:
        begin, end = end + 1, above + rows.line_num
        if len(names) > _MOST_COLUMNS:
            raise ValueError(f"its header has more than {_MOST_COLUMNS:,} fields")
        if not names:
            names = row
        elif len(row) < 2 and not "".join(row).strip():
            continue
        elif len(row) == len(names):
            found.append(end)
        else:
            told = f"line {end} has {len(row)} fields and the header {len(names)}"
            if uneven is None:
                raise ValueError(told)
            uneven(told)
            left_out.update(range(begin, end + 1))
    return _Layout({"sep": separator, "quoting": quoting}, found, left_out)


def _decoded(path: str | os.PathLike[str], allowed: str, remedy: str) -> Iterator[str]:
    """The lines of a text file with their ends."""
    for number, line in enumerate(_raw_lines(path, allowed, remedy), start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"line {number} is not valid UTF-8") from error


@contextlib.contextmanager
def _unpacked(path: str | os.PathLike[str]) -> Iterator[tuple[BinaryIO, int]]:
    """A file as it is, or what is packed in it; and how many bytes that may be."""
    with opened(path) as file:
        if Path(path).suffix == ".gz":
            most = max(_FLOOR_BYTES, _MOST_EXPANSION * file_size(file))
            with gzip.open(file) as unpacked:
                yield cast(BinaryIO, unpacked), most
        else:
            yield file, file_size(file)


def _raw_lines(
    path: str | os.PathLike[str],
    allowed: str = f"a readable file, lines of up to {_LONGEST_LINE_BYTES:,} bytes",
    remedy: str = "Check the path, and divide lines that are longer.",
) -> Iterator[bytes]:
    """The lines of a text file with their ends, none longer than a sentence."""
    number = total = 0
    with reading(path, allowed, remedy), _unpacked(path) as (file, most):
        while line := file.readline(_LONGEST_LINE_BYTES + 1):
            number, total = number + 1, total + len(line)
            _check_expansion(total, most)
            if len(line) > _LONGEST_LINE_BYTES:
                raise ValueError(f"line {number} has more than {_LONGEST_LINE_BYTES:,} bytes")
            yield line


def _check_expansion(size: int, most: int) -> None:
    if size > most:
        raise ValueError(f"it unpacks to more than {most:,} bytes")


def _no_text(path: str | os.PathLike[str], line: int) -> InputError:
    return InputError(
        f"{path}, line {line} is not valid UTF-8", "text files in UTF-8", "Save the file in UTF-8."
    )


def _depth(data: bytes) -> int:
    """How deep brackets are nested, at most."""
    brackets = data.translate(None, _NO_BRACKETS)
    return max(accumulate(1 if sign in b"[{" else -1 for sign in brackets), default=0)


class _NoNumberError(Exception):
    """The text of a number that is none."""


def _no_number(text: str) -> None:
    raise _NoNumberError(text)


def _finite_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _no_number(text)
    return number


def _place(data: bytes, number: str) -> str:
    """Where a number stands in JSON, which the reader of JSON does not tell."""
    # Texts, in which it may stand too, are blank; JSON has no line breaks in them.
    bare = _JSON_TEXTS.sub(lambda found: b" " * len(found[0]), data)
    found = re.search(rb"(?<![\w.+-])" + re.escape(number.encode()) + rb"(?![\w.+-])", bare)
    if found is None:
        return ""
    *above, line = data[: found.start()].split(b"\n")
    return f" (line {len(above) + 1}, column {len(line) + 1})"


def _finite(content: Any) -> Any:
    """The same without numbers that JSON has not."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return content
