"""HTML pages that need no other file: sentences, tables, and pictures as part of the text."""

from __future__ import annotations

import base64
import html
import mimetypes
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import opened, reading
from keras_classics.core.boundary.text_files import write_text
from keras_classics.core.errors import InputError

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 62em; padding: 0 1em;
  color: #111; background: #fff; }
"""
_PICTURES = """
nav a { margin-right: 1em; }
figure { margin: 1em 0; }
img { max-width: 100%; height: auto; border: 1px solid #ccc; }
figcaption { color: #555; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { padding: 0.1em 0.8em 0.1em 0; text-align: left; }
"""


class PageSection(NamedTuple):
    """A part of a page.

    Attributes:
        title: Its heading.
        sentences: What is told, a paragraph each.
        pictures: Files of pictures by what stands below them, `.png`, `.jpg` or `.svg`.
        table: Rows of a table, each by its columns' names; they stand below the sentences.
    """

    title: str
    sentences: Sequence[str]
    pictures: Mapping[str, str | os.PathLike]
    table: Sequence[Mapping[str, Any]] = ()


@checked
def write_page(
    path: str | os.PathLike, title: str, sections: Sequence[PageSection], *, about: str = ""
) -> None:
    """Write sentences and pictures as one HTML file, the pictures in it.

    Args:
        path: The file.
        title: Heading of the page.
        sections: Its parts, with links to them above.
        about: A paragraph below the heading.

    Raises:
        InputError: A picture is absent or of another kind, or the file cannot be written.
    """
    links = "".join(
        f'<a href="#{number}">{html.escape(each.title)}</a>' for number, each in enumerate(sections)
    )
    parts = [_section(number, each) for number, each in enumerate(sections)]
    told = f"<p>{html.escape(about)}</p>\n" if about else ""
    body = f"{told}<nav>{links}</nav>\n{''.join(parts)}"
    write_text(path, html_document(title, body, _PICTURES))


def html_document(title: str, body: str, style: str = "") -> str:
    """A whole HTML document.

    Args:
        title: Its heading, as text.
        body: What follows it, as HTML.
        style: Rules beside those of all our pages.
    """
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{_STYLE}{style}</style>
</head>
<body>
<h1>{html.escape(title)}</h1>
{body}</body>
</html>
"""


def _section(number: int, section: PageSection) -> str:
    told = "".join(f"<p>{html.escape(sentence)}</p>\n" for sentence in section.sentences)
    shown = "".join(
        f'<figure><img src="{_embedded(file)}" alt="{html.escape(caption)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>\n"
        for caption, file in section.pictures.items()
    )
    return (
        f'<h2 id="{number}">{html.escape(section.title)}</h2>\n{told}{_table(section.table)}{shown}'
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    names = list(rows[0])
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in names)
    lines = (
        "".join(f"<td>{html.escape(_cell(row.get(name, '')))}</td>" for name in names)
        for row in rows
    )
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>\n"


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _embedded(file: str | os.PathLike) -> str:
    """A picture as the address that holds it."""
    allowed, remedy = (
        "files of pictures that end in .png, .jpg or .svg",
        "Write it as one of these.",
    )
    kind, _ = mimetypes.guess_type(os.fspath(file))
    if kind not in ("image/png", "image/jpeg", "image/svg+xml"):
        raise InputError(f"The picture {os.fspath(file)!r} was given", allowed, remedy)
    with reading(file, allowed, remedy), opened(file) as picture:
        return f"data:{kind};base64,{base64.b64encode(picture.read()).decode()}"
