"""What a job says: results on standard output, and remarks where they do not disturb them."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from keras_classics.core.arguments import checked
from keras_classics.core.commands import columns, printable, tell
from keras_classics.core.counts import Figure
from keras_classics.core.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console


class Output:
    """Where words and figures of a command go.

    Results are what was asked for: figures, answers, the path of what was made. Remarks are
    everything else; they stand on standard output too, except where that holds answers line by
    line, or JSON. Nothing that is printed is taken for markup.

    Args:
        quiet: Leave remarks out.
        verbose: Make more of them.
        json: Results as lines of JSON.
        answers: Whether the command answers queries, line by line.
    """

    @checked
    def __init__(
        self,
        quiet: bool = False,
        verbose: bool = False,
        json: bool = False,
        *,
        answers: bool = False,
    ) -> None:
        self.quiet = quiet
        self.verbose = verbose
        self.json = json
        self.answers = answers
        self._stdout: TextIO | None = None
        self._told: set[str] = set()

    def remark(self, text: str, *, style: str | None = None, end: str = "\n") -> None:
        """Say something on the way."""
        if not self.quiet:
            self._console(aside=self.json or self.answers).print(
                printable(text), style=style, end=end
            )

    def remark_once(self, text: str) -> None:
        """Say something on the way, unless an earlier part of the same command has said it."""
        if text not in self._told:
            self._told.add(text)
            self.remark(text)

    def detail(self, text: str) -> None:
        """Say something that only --verbose wants."""
        if self.verbose:
            self.remark(text)

    def rule(self, title: str = "") -> None:
        """A line across, around text that is no sentence of ours."""
        if not self.quiet:
            self._console(aside=self.json or self.answers).rule(title)

    def excerpt(self, title: str, number: int, text: str) -> None:
        """Text that is no sentence of ours, between lines across; the title has a number."""
        self.rule(title.format(number))
        self.remark(text)
        self.rule()

    def result(self, text: str, record: Mapping[str, Any], *, style: str | None = None,
               end: str = "\n") -> None:  # fmt: skip
        """Say what was asked for.

        Args:
            text: As people read it.
            record: As programs read it, as JSON can have it.
            style: Of the text, for a terminal.
            end: Stands behind the text.
        """
        if self.json:
            print(json.dumps(record, ensure_ascii=False), flush=True)
        else:
            self._console().print(printable(text), style=style, end=end)

    def error(self, error: InputError) -> None:
        """Say what is wrong; what was asked beside it goes on."""
        tell(error, str(error), traceback=self.verbose)

    @property
    def bars(self) -> bool:
        """Whether bars that move are shown: they need a terminal."""
        return sys.stdout.isatty() and not (self.quiet or self.json)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Let bars of what is read be seen only where there is a terminal."""
        if self.bars:
            yield
            return
        self._stdout = sys.stdout
        try:
            with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
                yield
        finally:
            self._stdout = None

    def _console(self, *, aside: bool = False) -> Console:
        from rich.console import Console

        file = sys.stderr if aside else self._stdout or sys.stdout
        return Console(file=file, soft_wrap=True, markup=False, highlight=False, emoji=False)


@checked
def metrics_table(
    metrics: Mapping[str, Mapping[str, Figure]], title: str, *, digits: int = 3
) -> str:
    """Metrics as a table to print: a row for each of what was evaluated.

    Args:
        metrics: Figures by what was evaluated; a figure that a row lacks is left empty.
        title: Stands above the table.
        digits: Digits behind the point.
    """
    names = list(dict.fromkeys(name for values in metrics.values() for name in values))
    rows = [["", *names]]
    for row, values in metrics.items():
        figures = (f"{values[name]:.{digits}f}" if name in values else "" for name in names)
        rows.append([row, *figures])
    return f"{title}\n{columns(rows)}"
