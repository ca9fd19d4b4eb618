"""What commands print is what was meant, and their ends are told by exit codes."""

import argparse
import errno
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from keras_classics.core.commands import (
    DISTRIBUTIONS,
    EXTRAS,
    columns,
    guarded,
    key_values,
    plain_console,
    positive,
    printable,
)
from keras_classics.core.errors import InputError, MissingExtraError
from support import ROOT


def test_key_values_are_literals_or_strings():
    assert key_values("a=(1, 2)") == ("a", (1, 2))
    assert key_values("a=3x3") == ("a", "3x3")
    assert key_values(f"a=-{2**63 - 1}") == ("a", 1 - 2**63)
    # What is no literal by its depth or its kind is a text too.
    for text in ("(" * 10_000, "-" * 10_000 + "1", "{[]: 1}", "9" * 5000):
        assert key_values(f"a={text}") == ("a", text)


@pytest.mark.parametrize(
    "value", [str(2**63), f"(1, -{10**30})", f"{{'b': [{10**30}]}}", "1e999", "{-1e999: 1}"]
)
def test_numbers_that_no_engine_has_are_refused(value):
    with pytest.raises(argparse.ArgumentTypeError, match="^a has a number that is too large"):
        key_values(f"a={value}")


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "", str(2**63), "9" * 9999])
def test_counts_begin_at_one(text):
    assert positive("3") == 3
    with pytest.raises(
        argparse.ArgumentTypeError, match="whole number from 1 to 9,223,372,036,854,775,807"
    ):
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


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full disk to print to")
@pytest.mark.parametrize("arguments", [["list"], ["--help"]])
def test_a_full_disk_is_told(arguments):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "keras_classics", *arguments],
            cwd=ROOT / "package", stdout=full, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": ""},
        )  # fmt: skip
    assert done.returncode == 1 and "cannot be used (No space left on device)" in done.stderr


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
        (
            ModuleNotFoundError("No module named 'jax'", name="jax.numpy"),
            "classics[jax]', or in a clone",
        ),
        (ModuleNotFoundError("No module named 'gradio'", name="gradio"), "in a clone '.[demo]'"),
        (ModuleNotFoundError("No module named 'PIL'", name="PIL"), "Run: pip install pillow"),
        (
            ModuleNotFoundError("No module named 'x_y'", name="x_y.z"),
            "x_y is needed here and not installed. Allowed: an environment with it installed. Install "
            "the distribution that brings the module x_y.",
        ),
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


def test_what_is_to_be_installed_brings_the_module():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    asked = {
        extra: {re.split("[^a-z0-9-]", each)[0] for each in group}
        for extra, group in groups.items()
    }
    assert set(DISTRIBUTIONS.values()) == asked[""] - {"importlib"}
    known = {
        module: {name.lower().replace("_", "-") for name in names}
        for module, names in packages_distributions().items()
    }
    found = {module: known[module] for module in (*DISTRIBUTIONS, *EXTRAS) if module in known}
    assert len(found) > 10
    for module, names in found.items():
        assert names & (
            {DISTRIBUTIONS[module]} if module in DISTRIBUTIONS else asked[EXTRAS[module]]
        )
    # What the package can use is among them; what tests or the site alone ask for is not.
    apart = {"", "peers", "docs", "backends"}
    own = {extra for extra in asked if "test" not in extra and extra not in apart}
    wanted = set().union(*(asked[extra] for extra in own))
    assert len(EXTRAS) == len(wanted) and set(EXTRAS.values()) <= own


@pytest.mark.parametrize("shown", [False, True])
def test_tracebacks_of_mistakes_are_shown_where_they_are_asked_for(capsys, shown):
    error = InputError("a was given. Allowed: b. Give b.")
    assert guarded(failing(error), [], tracebacks=shown) == 1
    said = capsys.readouterr().err
    assert said.endswith("error: a was given. Allowed: b. Give b.\n")
    assert ("Traceback (most recent call last)" in said and "in failing" not in said) == shown
    assert ("in run" in said) == shown


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", ">&- 2>&-"])
def test_without_an_output_a_command_ends_as_with_it(closed):
    for verb, code in (("list", 0), ("card vgg17", 1)):
        command = f"'{sys.executable}' -m keras_classics {verb} {closed}"
        done = subprocess.run(
            ["sh", "-c", command], cwd=ROOT / "package", capture_output=True, text=True
        )
        assert done.returncode == code and "Traceback" not in done.stderr
        # What is wrong is not told where answers are.
        assert "error" not in done.stdout


def test_codes_for_a_terminal_are_written_out_and_letters_stay():
    assert printable("a\tb\nc\x1b[31md\x9b1m\udcff\ré") == "a\tb\nc\\x1b[31md\\x9b1m\\udcff\\ré"
