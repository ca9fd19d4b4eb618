"""What commands print is what was meant, and their ends are told by exit codes."""

import argparse
import errno
import os
import subprocess
import sys

import pytest

from keras_classics.core.commands import columns, guarded, key_values, plain_console, positive
from keras_classics.core.errors import InputError, MissingExtraError
from support import ROOT


def test_key_values_are_literals_or_strings():
    assert key_values("a=(1, 2)") == ("a", (1, 2))
    assert key_values("a=3x3") == ("a", "3x3")


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", ""])
def test_counts_begin_at_one(text):
    assert positive("3") == 3
    with pytest.raises(argparse.ArgumentTypeError, match="whole number from 1 on"):
        positive(text)


def test_nothing_of_a_table_is_cut_and_figures_end_below_each_other():
    name = "a_name_that_alone_is_wider_than_any_terminal_" * 3
    rows = [["", "BLEU", "flips"], [name, "1.000"], ["中文", "0.5", "10"]]
    first, second, third = columns(rows).split("\n")
    assert second == f"{name}  1.000"
    assert first.index("BLEU") + 4 == len(second) and first.endswith("  flips")
    # Each of the two signs is two letters wide.
    assert third == "中文" + " " * (len(name) - 4) + "    0.5     10"


@pytest.mark.parametrize("text", ["photo[red].png", "a[/red].png", ":cat:.png", "x" * 200])
def test_what_the_console_is_given_it_prints(text, capsys):
    plain_console().print(text)
    plain_console(stderr=True).print(text)
    assert capsys.readouterr() == (f"{text}\n", f"{text}\n")


@pytest.mark.parametrize("arguments", [["list"], ["card", "vgg16"]], ids=["long", "short"])
def test_a_reader_that_has_enough_is_no_error(arguments):
    # What is short is still in the buffer when the verb has ended.
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "keras_classics", *arguments],
        cwd=ROOT / "package", stdout=writing, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_ctrl_c_has_an_exit_code_of_its_own(capsys):
    def interrupted(argv):
        raise KeyboardInterrupt

    assert guarded(interrupted, []) == 130
    assert capsys.readouterr().err == "interrupted\n"


def failing(error):
    def run(_):
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (InputError("a was given. Allowed: b. Give b."), "a was given. Allowed: b. Give b."),
        (MissingExtraError("no numba. Allowed: numba. Run: pip"), "no numba. Allowed: numba."),
        (FileNotFoundError(2, "No such file or directory", "/no/file"), "/no/file cannot be used"),
        (OSError(errno.ENOSPC, "No space left on device"), "A file cannot be used (No space left"),
        (ModuleNotFoundError("No module named 'jax'", name="jax.numpy"), "Run: pip install jax"),
    ],
)
def test_a_mistake_of_the_users_is_one_sentence(capsys, error, told):
    assert guarded(failing(error), []) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and told in said and said.count("\n") == 1


@pytest.mark.parametrize(
    "error",
    [
        ValueError("of our own arithmetic"),
        TypeError("of our own call"),
        OSError("without a file"),
        ImportError("cannot import name", name="keras_classics.core"),
        ModuleNotFoundError("No module named", name="keras_classics.gone"),
    ],
)
def test_a_defect_of_ours_keeps_its_traceback(error):
    with pytest.raises(type(error)) as caught:
        guarded(failing(error), [])
    assert caught.value is error
