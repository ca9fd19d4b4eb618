"""No figure in the README without its source: the page of what was measured, a card, a result."""

import re

import pytest

import keras_classics as kc
from support import ROOT, load_application

README, PAGE = ROOT / "README.md", ROOT / "package" / "docs" / "measured.md"
FIGURE = re.compile(r"(?<![\w.:])-?\d+\.\d+(?![\d.]|\w)")
HEAD = re.compile(r"## .+\n20\d\d-\d\d-\d\d, `python (applications/\w+\.py)[^`]*`")


def told(text):
    """The lines of a text that are neither code nor the benchmark's, which a test of its own holds."""
    begin, end = load_application("benchmark").MARKS
    text = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", "", text, flags=re.S)
    return re.sub(r"^```.*?^```|`[^`]*`", "", text, flags=re.S | re.M)


def test_every_figure_of_the_readme_is_of_the_page_or_of_a_card():
    page = PAGE.read_text()
    sources = [page, *(kc.card(name).measured for name in kc.list_models())]
    # The benchmark's table, which is its own source, says what single sentences repeat.
    sources.append(README.read_text().partition(load_application("benchmark").MARKS[0])[2])
    known = {figure for text in sources for figure in FIGURE.findall(text)}
    for line in told(README.read_text()).splitlines():
        missing = [each for each in FIGURE.findall(line) if each not in known | {"3.11"}]
        assert not missing, f"{missing} have no source: {line}"


def test_rows_of_figures_are_those_of_the_page():
    measured = set(PAGE.read_text().splitlines())
    cards = {kc.card(name).measured for name in kc.list_models()}
    lines = told(README.read_text()).splitlines()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        cells = line.split("|")
        if (
            len(cells) > 2
            and not below.startswith("|---")
            and FIGURE.search(line)
            and not cards & {cells[-2].strip()}
        ):
            assert line in measured, line


@pytest.mark.parametrize("section", re.split(r"^(?=## )", PAGE.read_text(), flags=re.M)[1:])
def test_every_section_begins_with_its_date_and_a_command_that_is_there(section):
    found = HEAD.match(section)
    assert found and (ROOT / found[1]).is_file(), section
    assert FIGURE.search(section[found.end() :])
