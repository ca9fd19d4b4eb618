"""HTML pages that need no other file: sentences, tables, and pictures as part of the text."""

from __future__ import annotations

import base64
import html
import itertools
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
nav ul { list-style: none; padding: 0; }
nav li { margin: 0.2em 0; }
.mark { font-size: 0.8rem; font-weight: normal; padding: 0.1em 0.6em; border-radius: 1em;
  color: #111; white-space: nowrap; }
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
        group: Heading that it shares with its neighbours; the links of a page with groups stand
            below each other.
        mark: A word beside its heading and its link, such as how it ended.
        colour: Of the mark, as HTML names it, light enough for black letters.
        folded: Whether the table stands last and is shown when its line is clicked.
    """

    title: str
    sentences: Sequence[str]
    pictures: Mapping[str, str | os.PathLike]
    table: Sequence[Mapping[str, Any]] = ()
    group: str = ""
    mark: str = ""
    colour: str = "#eee"
    folded: bool = False


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
    links, parts = [], []
    for group, members in itertools.groupby(enumerate(sections), lambda each: each[1].group):
        numbered = list(members)
        shown = [
            f'<a href="#{number}">{html.escape(each.title)}</a>{_mark(each)}'
            for number, each in numbered
        ]
        if group:
            heading = f"<h2>{html.escape(group)}</h2>\n"
            shown = [heading, "<ul>", *(f"<li>{each}</li>\n" for each in shown), "</ul>\n"]
            parts.append(heading)
        links += shown
        parts += [_section(number, each) for number, each in numbered]
    told = f"<p>{html.escape(about)}</p>\n" if about else ""
    body = f"{told}<nav>{''.join(links)}</nav>\n{''.join(parts)}"
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
    level = "h3" if section.group else "h2"
    heading = f'<{level} id="{number}">{html.escape(section.title)}{_mark(section)}</{level}>\n'
    table = _table(section.table)
    if table and section.folded:
        summary = f"<summary>The table, {len(section.table)} rows</summary>"
        return f"{heading}{told}{shown}<details>{summary}{table}</details>\n"
    return f"{heading}{told}{table}{shown}"


def _mark(section: PageSection) -> str:
    if not section.mark:
        return ""
    style = f"background: {html.escape(section.colour)}"
    return f' <span class="mark" style="{style}">{html.escape(section.mark)}</span>'


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
