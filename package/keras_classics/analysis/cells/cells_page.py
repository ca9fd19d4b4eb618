"""The page on which one sees what cells do: every character on the colour of the cell."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_classics.analysis.cells.cells import CellFinding, CellReader, Excerpts
from keras_classics.analysis.drawing.html_pages import html_document
from keras_classics.core.arguments import checked
from keras_classics.core.boundary.text_files import write_text

if TYPE_CHECKING:
    from keras_classics.data.texts.alphabet import Alphabet

# Characters shown of an excerpt, and below how many of them guesses stand.
_SHOWN, _GUESSED = 800, 60
# Shades of a colour, on each side of zero.
_SHADES = 10
_BLUE, _RED = (33, 102, 172), (178, 24, 43)

_STYLE = """
table { border-collapse: collapse; margin: 1em 0; }
th, td { padding: .15em .6em; text-align: right; border-bottom: 1px solid #ccc; }
th:first-child, td:first-child { text-align: left; }
pre, .guesses td { font: 14px/1.45 ui-monospace, monospace; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #ccc; padding: .6em; }
.on { border-bottom: 2px solid #111; }
.wide { overflow-x: auto; }
.guesses td { padding: 0 .15em; text-align: center; border: 0; min-width: .8em; }
.guesses tr:first-child td { border-bottom: 1px solid #111; font-weight: bold; }
"""

_COLUMNS = (
    ("what", "what the text says"),
    ("cell", "layer and number"),
    ("r", "correlation on text that had no part in the choice"),
    ("AUC", "area under the ROC curve"),
    ("accuracy", "balanced accuracy of one threshold"),
    ("all cells", "correlation of a ridge regression on all cells"),
    ("bigram", "correlation of what the last two characters say"),
    ("untrained", "best cell of the same network before training"),
    ("shifted", "best cell for the target shifted in time, on average"),
    ("p", "share of shifts that do as well"),
    ("rise on", "nats lost where it holds, the unit silenced"),
    ("rise off", "nats lost elsewhere"),
)


@checked
def write_cells_page(
    path: str | Path,
    findings: Sequence[CellFinding],
    excerpts: Excerpts,
    reader: CellReader,
    alphabet: Alphabet,
    *,
    title: str = "What cells keep track of",
) -> None:
    """Write one HTML file that needs no other: figures, coloured text, next-character guesses.

    Args:
        path: The file.
        findings: From `find_cells`.
        excerpts: From `find_cells`.
        reader: Of the same model: numbers its cells.
        alphabet: Of the same model.
        title: Heading of the page.
    """
    sections = (_section(finding, excerpts, reader, alphabet) for finding in findings)
    explained = "; ".join(f"<b>{name}</b> {meaning}" for name, meaning in _COLUMNS)
    body = f"""<p>Blue is a cell's positive, red its negative activation. Characters are underlined
where the target holds (a counter: is above its median). Targets in bold are followed by a cell
better than by chance, by the last two characters and by any cell of the untrained network.</p>
<div class="wide"><table>
<tr>{"".join(f"<th>{name}</th>" for name, _ in _COLUMNS)}</tr>
{"".join(map(_row, findings))}</table></div>
<p>{explained}.</p>
{"".join(sections)}"""
    write_text(path, html_document(title, body, f"{_STYLE}{_shades()}"))


def _shades() -> str:
    """Style rules `.p0` to `.p10` and `.n1` to `.n10`: from white to blue and to red."""
    rules = []
    for name, full in (("p", _BLUE), ("n", _RED)):
        for shade in range(_SHADES + 1):
            share = shade / _SHADES
            colour = ",".join(str(round(255 + (value - 255) * share)) for value in full)
            text = "; color: #fff" if share > 0.6 else ""
            rules.append(f".{name}{shade} {{ background: rgb({colour}){text} }}\n")
    return "".join(rules)


def _row(finding: CellFinding) -> str:
    name = finding.target.replace("_", " ")
    figures = (
        finding.correlation, finding.roc_auc, finding.balanced_accuracy, finding.probe,
        finding.bigram, finding.untrained, finding.shifted, finding.p_value, finding.rise_on,
        finding.rise_off,
    )  # fmt: skip
    cells = "".join(f"<td>{'' if value is None else f'{value:.3f}'}</td>" for value in figures)
    name = f"<b>{name}</b>" if finding.follows else name
    return f"<tr><td>{name}</td><td>{finding.layer}:{finding.cell}</td>{cells}</tr>\n"


def _section(
    finding: CellFinding, excerpts: Excerpts, reader: CellReader, alphabet: Alphabet
) -> str:
    target = excerpts.targets[finding.target]
    holds = target if finding.kind == "binary" else target > np.median(target)
    # Of the excerpts that were scored the liveliest: where the target changes most often.
    shown = holds[1::2, :_SHOWN]
    row = 1 + 2 * int(np.argmax(np.sum(shown[:, 1:] != shown[:, :-1], axis=1)))
    number = reader.cells.index((finding.layer, finding.cell))
    text = alphabet.decode(excerpts.tokens[row, :_SHOWN])
    levels = excerpts.activations[row, :_SHOWN, number]
    # An output gate keeps most activations small: the strongest of the cell is full colour.
    levels = levels / max(float(np.abs(excerpts.activations[..., number]).max()), 1e-6)
    coloured = "".join(
        _character(*each) for each in zip(text, levels, holds[row, :_SHOWN], strict=True)
    )
    name = finding.target.replace("_", " ")
    return f"""<h2>{name}: layer {finding.layer}, cell {finding.cell}</h2>
<pre>{coloured}</pre>
{_guesses(excerpts, row, alphabet)}"""


def _character(character: str, level: float, holds: bool) -> str:
    shade = round(_SHADES * min(abs(float(level)), 1.0))
    kind = f"{'n' if level < 0 and shade else 'p'}{shade}{' on' if holds else ''}"
    shown = "\u21b5\n" if character == "\n" else html.escape(character)
    return f'<span class="{kind}">{shown}</span>'


def _guesses(excerpts: Excerpts, row: int, alphabet: Alphabet) -> str:
    """A table with a column for each character: itself, and below it what was expected there."""
    truth = excerpts.tokens[row, 1 : 1 + _GUESSED]
    rows = [f"<tr>{''.join(f'<td>{_visible(alphabet, token)}</td>' for token in truth)}</tr>"]
    for rank in range(excerpts.best.shape[-1]):
        cells = zip(
            excerpts.best[row, :_GUESSED, rank],
            excerpts.probabilities[row, :_GUESSED, rank],
            strict=True,
        )
        guessed = "".join(
            f'<td class="p{round(_SHADES * float(share))}">{_visible(alphabet, token)}</td>'
            for token, share in cells
        )
        rows.append(f"<tr>{guessed}</tr>")
    return (
        "<p>The first characters, and below each the five that were expected there, bluer the "
        f'more probable:</p>\n<div class="wide"><table class="guesses">{"".join(rows)}'
        "</table></div>\n"
    )


def _visible(alphabet: Alphabet, token: int) -> str:
    character = alphabet.characters[token]
    return {"\n": "\u21b5", " ": "\u00b7"}.get(character, html.escape(character))
