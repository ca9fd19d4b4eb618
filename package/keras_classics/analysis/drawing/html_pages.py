"""HTML pages that need no other file: sentences, tables, and pictures as part of the text."""

from __future__ import annotations

import base64
import html
import itertools
import mimetypes
import os
import re
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
table { border-collapse: collapse; display: block; overflow-x: auto; margin-bottom: 1em; }
code { background: #f2f2f2; padding: 0 0.2em; overflow-wrap: anywhere; }
sup { line-height: 0; }
.top { font-size: 0.8rem; }
.choice { position: sticky; top: 0; background: #fff; padding: 0.4em 0; }
h3 { scroll-margin-top: 2.5em; }
.choice label { margin-right: 1em; white-space: nowrap; }
th, td { padding: 0.1em 0.8em 0.1em 0; text-align: left; }
"""


class PageSection(NamedTuple):
    """A part of a page.

    Attributes:
        title: Its heading.
        sentences: What is told, a paragraph each; of a pair the first stands before the second,
            in bold letters. In them, and in headings, what stands between backticks is code, and
            what follows a ^ is a power: `2^D`, `2^(n + 1)`.
        pictures: Files of pictures by what stands below them, `.png`, `.jpg` or `.svg`.
        table: Rows of a table, each by its columns' names; they stand below the sentences. Rows
            with columns that others lack stand in a table of their own.
        group: Heading that it shares with its neighbours; the links of a page with groups stand
            below each other, and each section ends with one back to them.
        mark: A word beside its heading and its link, such as how it ended. A page with groups and
            several marks can be made to show the sections of one of them alone.
        colour: Of the mark, as HTML names it, light enough for black letters.
        folded: Whether the table stands last and is shown when its line is clicked.
    """

    title: str
    sentences: Sequence[str | tuple[str, str]]
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
    grouped = [each for each in sections if each.group]
    marks = list(dict.fromkeys(each.mark for each in grouped if each.mark))
    for group, members in itertools.groupby(enumerate(sections), lambda each: each[1].group):
        numbered = list(members)
        shown = [
            f'<a href="#{number}">{_set(each.title)}</a>{_mark(each)}' for number, each in numbered
        ]
        if group:
            heading = f"<h2>{html.escape(group)}</h2>\n"
            lines = zip(numbered, shown, strict=True)
            shown = [heading, "<ul>", *(f"<li{_class(each.mark, marks)}>{line}</li>\n"
                for (_, each), line in lines), "</ul>\n"]  # fmt: skip
            parts.append(heading)
        links += shown
        parts += [
            f"<section{_class(each.mark, marks)}>{_section(number, each)}</section>\n"
            for number, each in numbered
        ]
    told = f"<p>{_set(about)}</p>\n" if about else ""
    choice, hidden = _choice(marks) if len(marks) > 1 else ("", "")
    body = f"{told}{choice}<nav>{''.join(links)}</nav>\n{''.join(parts)}"
    write_text(path, html_document(title, body, _PICTURES + hidden))


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
    told = "".join(f"<p>{_sentence(sentence)}</p>\n" for sentence in section.sentences)
    shown = "".join(
        f'<figure><img src="{_embedded(file)}" alt="{html.escape(caption)}">'
        f"<figcaption>{_set(caption)}</figcaption></figure>\n"
        for caption, file in section.pictures.items()
    )
    level = "h3" if section.group else "h2"
    heading = f'<{level} id="{number}">{_set(section.title)}{_mark(section)}</{level}>\n'
    top = '<p class="top"><a href="#">To the top</a></p>\n' if section.group else ""
    table = _tables(section.table)
    if table and section.folded:
        summary = f"<summary>The table, {len(section.table)} rows</summary>"
        return f"{heading}{told}{shown}<details>{summary}{table}</details>\n{top}"
    return f"{heading}{told}{table}{shown}{top}"


def _sentence(sentence: str | tuple[str, str]) -> str:
    if isinstance(sentence, str):
        return _set(sentence)
    first, then = sentence
    return f"<strong>{_set(first)}.</strong> {_set(then)}"


def _set(text: str) -> str:
    """A text as HTML, code and powers set as such."""
    parts = html.escape(text).split("`")
    # Without a second backtick the last is one by itself.
    paired = len(parts) - (len(parts) % 2 == 0)
    told = [
        f"<code>{part}</code>" if place % 2 else _POWER.sub(_raised, part)
        for place, part in enumerate(parts[:paired])
    ]
    return "".join(told) + "".join(f"`{part}" for part in parts[paired:])


# A number, a letter, or what stands in brackets.
_POWER = re.compile(r"(?<=\S)\^(?:\(([^()]*)\)|(-?\d+|[A-Za-z]\b))")


def _raised(found: re.Match[str]) -> str:
    return f"<sup>{found[1] or found[2]}</sup>"


def _class(mark: str, marks: Sequence[str]) -> str:
    return f' class="mark{marks.index(mark)}"' if mark in marks else ""


def _choice(marks: Sequence[str]) -> tuple[str, str]:
    """What one of the marks is chosen by, and the rules that hide the others."""
    buttons = [
        f'<label><input type="radio" name="mark" id="only{place}"{" checked" * (place == "")}> '
        f"{html.escape(mark)}</label>"
        for place, mark in [("", "all"), *enumerate(marks)]
    ]
    rules = "".join(
        f"body:has(#only{place}:checked) :is(section, li):not(.mark{place}) {{ display: none; }}\n"
        for place in range(len(marks))
    )
    return f'<p class="choice">{"".join(buttons)}</p>\n', rules


def _mark(section: PageSection) -> str:
    if not section.mark:
        return ""
    style = f"background: {html.escape(section.colour)}"
    return f' <span class="mark" style="{style}">{html.escape(section.mark)}</span>'


def _tables(rows: Sequence[Mapping[str, Any]]) -> str:
    """One table for all rows whose columns are among those of the same widest row."""
    heads: list[tuple[str, ...]] = []
    for names in sorted({tuple(row): None for row in rows}, key=len, reverse=True):
        if not any(set(names) <= set(head) for head in heads):
            heads.append(names)
    tables: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        widest = next(head for head in heads if set(row) <= set(head))
        tables.setdefault(widest, []).append(row)
    return "".join(_table(names, own) for names, own in tables.items())


def _table(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
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
