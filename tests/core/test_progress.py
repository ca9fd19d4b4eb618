"""A bar is drawn where somebody looks, and nothing is written elsewhere."""

import io

import pytest
import rich.console

from keras_classics.core import progress


@pytest.mark.parametrize(("looked_at", "bar"), [(True, "Reading [red]x"), (False, "")])
def test_only_a_terminal_gets_a_bar(looked_at, bar, monkeypatch, capsys):
    screen = io.StringIO()
    console = rich.console.Console(file=screen, force_terminal=looked_at)
    monkeypatch.setattr(rich.console, "Console", lambda **_: console)
    monkeypatch.setattr(progress, "SECONDS_WITHOUT_BAR", -1.0)
    assert list(progress.tracked(iter("abc"), "Reading [red]x", 3)) == ["a", "b", "c"]
    assert bar in screen.getvalue() and bool(screen.getvalue()) == looked_at
    assert capsys.readouterr() == ("", "")
