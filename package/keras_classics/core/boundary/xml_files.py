"""XML from outside: in whatever encoding it says it is, and without anything that expands."""

from __future__ import annotations

import codecs
import os
import re
import xml.parsers.expat
from xml.etree.ElementTree import Element, TreeBuilder

from keras_classics.core.boundary.files import opened, reading

__all__ = ["Element", "read_xml"]

# What an element takes in memory, its name, its text and what a list of it takes.
_ELEMENT_BYTES = 300
_FLOOR_BYTES, _MOST_EXPANSION = 2**27, 8
_DEEPEST = 100
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""")
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_xml(path: str | os.PathLike[str], allowed: str, remedy: str) -> Element:
    """Read an XML file: UTF-8, UTF-16 with a byte-order mark, or the encoding that it names.

    Args:
        path: The file.
        allowed: What it should be, for the message.
        remedy: What to do, for the message.

    Returns:
        The outermost element.

    Raises:
        InputError: It is absent, no XML, has a document type or entities of its own, is nested too
            deeply, or would take much more memory than it has bytes.
    """
    with reading(path, allowed, remedy), opened(path) as file:
        return _parsed(_decoded(file.read()))


def _decoded(content: bytes) -> str:
    """The text of a file, whose parser knows few encodings."""
    for mark, name in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return content.decode(name)
    declared = _DECLARED.match(content)
    name = declared[1].decode() if declared else "utf-8"
    try:
        return content.decode(name)
    except LookupError:
        # Some of Python's names, such as zlib, are of other codes: it looks before it runs them.
        raise ValueError(f"{name!r} is no encoding of text") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line} is not in {name}, its encoding") from None


def _parsed(text: str) -> Element:
    takes = _ELEMENT_BYTES * text.count("<")
    if takes > max(_FLOOR_BYTES, _MOST_EXPANSION * len(text)):
        raise ValueError(f"its {len(text):,} characters would take {takes:,} bytes in memory")
    builder, depth = TreeBuilder(), 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise ValueError(f"it is nested more than {_DEEPEST} deep")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def refuse(*_: object) -> None:
        raise ValueError("it has a document type, which annotations have not")

    # What it says of its encoding no longer holds.
    parser = xml.parsers.expat.ParserCreate("utf-8")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    parser.buffer_text = True
    parser.Parse(text.encode(), True)
    return builder.close()
