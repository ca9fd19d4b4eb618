"""What CI is held to agrees with what users are: versions last tested lie within those allowed."""

import re
import subprocess
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = {
    canonicalize_name(pin.name): pin.specifier
    for pin in map(Requirement, (
        line for line in (ROOT / ".ci" / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    ))
}  # fmt: skip


def requirements(extra):
    """What an extra brings, through the extras that it names."""
    for text in PROJECT["optional-dependencies"][extra]:
        wanted = Requirement(text)
        if canonicalize_name(wanted.name) == canonicalize_name(PROJECT["name"]):
            for other in wanted.extras:
                yield from requirements(other)
        else:
            yield wanted


TESTED = {
    canonicalize_name(wanted.name): wanted
    for wanted in (
        *map(Requirement, PROJECT["dependencies"]),
        *requirements("test"),
        *requirements("docs"),
    )
}


@pytest.mark.parametrize("name", sorted(TESTED))
def test_the_version_last_tested_is_known_and_allowed(name):
    [pin] = PINS[name]
    assert pin.operator == "==" and TESTED[name].specifier.contains(pin.version)


def test_users_may_have_newer_releases_than_were_tested():
    """What the wheel says: a next major one of an engine may be another engine, all others go."""
    caps = {
        wanted.name: str(each)
        for wanted in map(Requirement, PROJECT["dependencies"])
        for each in wanted.specifier
        if each.operator in ("<", "<=", "==", "~=")
    }
    assert caps == {"tensorflow": "<3", "keras": "<4"}


def test_every_extra_that_is_named_anywhere_is_there():
    """In messages, guides and help: whoever follows them gets what they say."""
    named = re.compile(r"(?:keras-classics|'\.|extra)s?\s?[\[`]+([\w-]+(?:,[\w-]+)*)[\]`]")
    calls = re.compile(r"import_extra\(\s*[^)]*?,\s*\"([\w-]+)\"\s*\)")
    texts = [
        path.read_text()
        for folder in ("package", "applications")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in (".py", ".md")
    ] + [(ROOT / "README.md").read_text()]
    found = {
        extra
        for text in texts
        for pattern in (named, calls)
        for listed in pattern.findall(text)
        for extra in listed.split(",")
    }
    assert {"captions", "huggingface", "litert", "tensorboard"} <= found
    assert sorted(found - set(PROJECT["optional-dependencies"])) == []


def test_all_but_pytorch_can_be_had_without_it():
    with_it, without = (
        {canonicalize_name(each.name) for each in requirements(extra)}
        for extra in ("test", "test-without-torch")
    )
    assert with_it - without == {"torch"}


def test_ci_runs_the_readmes_second_command():
    readme = (ROOT / "README.md").read_text().splitlines()
    command = next(line for line in readme if "python -m pytest" in line)
    install, tests = command.split(" && ")
    assert install == "pip install '.[test]'" and tests.startswith("python -m pytest")
    subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=True)
