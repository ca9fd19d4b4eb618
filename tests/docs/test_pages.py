"""What README and guides tell a reader to type can be typed: every block and every command."""

import datetime
import importlib.util
import re

import keras
import pytest

import keras_classics as kc
import pages
from keras_classics import cli
from keras_classics.core.commands import Parser
from keras_classics.jobs import runner
from support import load_application

LINK = re.compile(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")
# Installing isn't ours to parse.
NOT_OURS = {"pip", "python3.11", ".", "mkdocs"}


def by_name(page):
    return pages.name_of(page)


@pytest.mark.parametrize(
    "page", [page for page in pages.GUIDES if "```python\n" in page.read_text()], ids=by_name
)
def test_the_python_of_a_page_runs_from_its_top_to_its_end(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)
    known = {"__name__": "__main__"}
    for block in pages.blocks(page):
        if block.language == "python" and not block.reason:
            # Errors are told at the lines of the page.
            code = "\n" * block.line + block.text
            exec(compile(code, str(page), "exec"), known)


@pytest.mark.parametrize("page", pages.GUIDES, ids=by_name)
def test_the_names_in_a_page_are_there(page):
    for name in sorted(set(re.findall(r"\bkc((?:\.\w+)+)", page.read_text()))):
        found = kc
        for part in name[1:].split("."):
            assert hasattr(found, part), f"kc{name}"
            found = getattr(found, part)


class Understood(BaseException):
    """A command line was, and nothing has been done."""


@pytest.fixture
def only_parsing(monkeypatch):
    """Programs end once they have understood their command line."""

    def of_a_job(*given):
        with pytest.MonkeyPatch.context() as within:
            within.delattr(Parser, "parse_args")
            parse(*given)
        raise Understood

    def of_another(self, args=None, namespace=None):
        super(Parser, self).parse_args(args, namespace)
        raise Understood

    parse = runner.parse
    monkeypatch.setattr(runner, "parse", of_a_job)
    monkeypatch.setattr(Parser, "parse_args", of_another, raising=False)


@pytest.mark.parametrize("page", pages.GUIDES, ids=by_name)
def test_the_programs_of_commands_have_their_verbs_and_flags(page, only_parsing, capsys):
    for command in (*pages.commands(page), *pages.inline_commands(page)):
        for program, *arguments in command.forms:
            if program in NOT_OURS:
                continue
            if program == "keras-classics":
                main = cli.main
            else:
                assert program == "python", command.told
                if arguments[0] == "-m":
                    assert importlib.util.find_spec(arguments[1]), command.told
                    continue
                folder, _, name = arguments.pop(0).rpartition("/")
                assert folder == "applications", command.told
                main = load_application(name.removesuffix(".py")).main
            with pytest.raises(Understood):
                main(arguments)
                pytest.fail(f"{command.told}: {capsys.readouterr().err}")


def table():
    """The rows of the table of commands: pages, date or reason, and time, by command."""
    rows = re.findall(
        r"^\| `(.+?)` \| (.*?) \| (.*?) \| (.*?) \|$", pages.COMMANDS.read_text(), re.M
    )
    assert len({row[0] for row in rows}) == len(rows)
    return {told: row for told, *row in rows}


def test_every_command_stands_in_the_table_with_its_pages():
    found = {}
    for page in pages.GUIDES:
        for command in pages.commands(page):
            found.setdefault(command.told, []).append(by_name(page))
    told = {command: row[0].split(", ") for command, row in table().items()}
    assert told == {command: list(dict.fromkeys(names)) for command, names in found.items()}


@pytest.mark.parametrize("row", table().values(), ids=list(table()))
def test_a_row_has_the_date_of_the_last_run_or_says_why_there_is_none(row):
    _, run, took = row
    if run.startswith("not run: "):
        assert len(run) > 20 and not took
    else:
        assert datetime.date(2026, 11, 19) <= datetime.date.fromisoformat(run)


@pytest.mark.parametrize("page", pages.GUIDES, ids=by_name)
def test_what_a_page_links_to_is_there(page):
    for found in LINK.finditer(page.read_text()):
        target, _, heading = (found[1] or found[2]).partition("#")
        if target.startswith(("http:", "https:")):
            continue
        assert not target or (page.parent / target).exists(), target
        if heading:
            other = (page.parent / target) if target else page
            titles = re.findall(r"^#+ (.+)$", other.read_text(), re.M)
            slugs = {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in titles}
            assert heading in slugs, heading


def test_the_readme_is_short_and_names_every_page():
    text = pages.README.read_text()
    assert len(text.splitlines()) <= 200
    for page in pages.DOCS.glob("*.md"):
        if page.name != "index.md":
            assert f"(package/docs/{page.name})" in text, page.name


def test_the_page_of_a_block_that_is_not_run_says_why():
    reasons = [
        block.reason for page in pages.GUIDES for block in pages.blocks(page) if block.reason
    ]
    assert all(len(reason) > 15 for reason in reasons)
