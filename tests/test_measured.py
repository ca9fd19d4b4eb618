"""No figure in README and guides without its source: the page of measurements, a card, a result."""

import re

import pytest

import keras_classics as kc
from pages import DOCS, GUIDES, MEASURED, figures_of, name_of
from support import ROOT, load_application

# Of Python, Keras and TensorFlow.
RELEASES = {"3.11", "3.15", "2.21"}
FIGURE = re.compile(r"(?<![\w.:])-?\d+\.\d+(?![\d.]|\w)")
HEAD = re.compile(r"## .+\n20\d\d-\d\d-\d\d, `python (applications/\w+\.py)[^`]*`")


def cards():
    return {kc.card(name).measured for name in kc.list_models()}


def known():
    """All figures that have a source."""
    # The benchmark's table, which is its own source, says what single sentences repeat.
    speed = (DOCS / "speed.md").read_text().partition(load_application("benchmark").MARKS[0])[2]
    return {
        figure
        for text in (MEASURED.read_text(), *cards(), speed)
        for figure in FIGURE.findall(text)
    }


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_every_figure_of_a_page_is_measured_or_of_a_card(page):
    sources = known() | RELEASES
    for line in figures_of(page.read_text()).splitlines():
        missing = [each for each in FIGURE.findall(line) if each not in sources]
        assert not missing, f"{missing} have no source: {line}"


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_rows_of_figures_are_those_that_were_measured(page):
    measured = set(MEASURED.read_text().splitlines())
    lines = figures_of(page.read_text()).splitlines()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        cells = line.split("|")
        if (
            len(cells) > 2
            and not below.startswith("|---")
            and {*FIGURE.findall(line)} - RELEASES
            and not cards() & {cells[-2].strip()}
        ):
            assert line in measured, line


@pytest.mark.parametrize("section", re.split(r"^(?=## )", MEASURED.read_text(), flags=re.M)[1:])
def test_every_section_begins_with_its_date_and_a_command_that_is_there(section):
    found = HEAD.match(section)
    assert found and (ROOT / found[1]).is_file(), section
    assert FIGURE.search(section[found.end() :])
