"""README and guides as tests read them, in one way: figures, Python blocks, commands."""

from __future__ import annotations

import functools
import re
import shlex
from pathlib import Path
from typing import NamedTuple

from support import ROOT, load_application

README, DOCS = ROOT / "README.md", ROOT / "package" / "docs"
MEASURED, COMMANDS = DOCS / "measured.md", DOCS / "commands.md"
# What programs write, and what the others are held against, is no guide.
GUIDES = [README, *sorted(set(DOCS.glob("*.md")) - {MEASURED, COMMANDS, DOCS / "formats.md"})]
# How a block says that it isn't run: a comment above it, with the reason.
_FENCED = re.compile(r"^(?:<!-- not run: ([^\n]+) -->\n)?```(\w+)\n(.*?)^```$", re.M | re.S)
_INLINE = re.compile(r"`((?:python applications/|keras-classics )[^`]+)`")
_LOOP = re.compile(r"for (\w+) in (.*?); do\b(.*?)\bdone", re.S)


class Block(NamedTuple):
    """A fenced block: where it begins, what it's written in, and why it isn't run, if so."""

    line: int
    language: str
    text: str
    reason: str | None


class Command(NamedTuple):
    """A simple command as it stands in a page, and in the forms that a shell makes of it."""

    told: str
    forms: list[list[str]]


def name_of(page: Path) -> str:
    """A page as the table of commands calls it."""
    return "README" if page == README else page.stem


def figures_of(text: str) -> str:
    """The lines of a text that are neither code nor the benchmark's, which has a test of its own."""
    begin, end = load_application("benchmark").MARKS
    text = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", "", text, flags=re.S)
    return re.sub(r"^```.*?^```|`[^`]*`", "", text, flags=re.S | re.M)


@functools.cache
def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page."""
    text = page.read_text()
    found = [
        Block(text.count("\n", 0, each.start(3)), each[2], each[3], each[1])
        for each in _FENCED.finditer(text)
    ]
    assert text.count("```") == 2 * len(found), f"{page} has a fence that isn't read"
    return found


def commands(page: Path) -> list[Command]:
    """What a reader types who follows a page, without comments and continued lines."""
    return [
        command
        for block in blocks(page)
        if block.language == "bash"
        for command in _simple(block.text)
    ]


def inline_commands(page: Path) -> list[Command]:
    """Commands in the sentences and tables of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.S | re.M)
    return [Command(" ".join(told.split()), [shlex.split(told)]) for told in _INLINE.findall(text)]


def _simple(text: str) -> list[Command]:
    """The simple commands of a shell's text, each with what its loops and variables make of it."""
    text = re.sub(r"(?:^|\s)#[^\n]*", "", text.replace("\\\n", " "))
    found, values = [], {}
    while text.strip():
        loop = _LOOP.search(text)
        for told in _split(text[: loop.start()] if loop else text):
            found.append(Command(told, [_words(told, values)]))
            if assigned := re.fullmatch(r"(?:export )?(\w+)=(\S+)", told):
                values[assigned[1]] = assigned[2]
        if not loop:
            break
        for told in _split(loop[3]):
            turns = [{**values, loop[1]: each} for each in loop[2].split()]
            found.append(Command(told, [_words(told, turn) for turn in turns]))
        text = text[loop.end() :]
    return [each for each in found if each.forms[0]]


def _split(text: str) -> list[str]:
    parts = re.split(r"\n|&&|;|&\s*$", text, flags=re.M)
    return [" ".join(part.split()) for part in parts if part.strip()]


def _words(told: str, values: dict[str, str]) -> list[str]:
    """The words of a command without the variables that it sets; none where it sets nothing else."""
    for name, value in values.items():
        told = re.sub(rf"\$\{{?{name}\b\}}?", value, told)
    words = shlex.split(told)
    while words and re.match(r"\w+=", words[0]):
        words.pop(0)
    return [] if words[:1] in (["export"], ["wait"]) else words
