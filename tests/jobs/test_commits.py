"""The commit of a record is that of the code that ran, and no stranger's repository is asked."""

import os
import shutil
import subprocess

import pytest

import keras_classics as kc
from keras_classics.jobs.commits import commit_of

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")


def git(folder, *arguments):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    name = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    done = subprocess.run(["git", "-C", folder, *name, *arguments], check=True, text=True,
                          capture_output=True, env=environment)  # fmt: skip
    return done.stdout.strip()


def committed(folder):
    """A repository that holds a package like ours; returns its commit."""
    package = folder / "package" / "keras_classics"
    package.mkdir(parents=True)
    (package / "code.py").write_text("one = 1\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    return git(folder, "rev-parse", "--short=12", "HEAD")


def test_no_command_of_a_repository_the_user_stands_in_is_run(tmp_path, monkeypatch):
    stranger = committed(tmp_path)
    trace = tmp_path / "trace"
    hook = tmp_path / "hook.sh"
    hook.write_text(f"#!/bin/sh\ntouch {trace}\n")
    hook.chmod(0o755)
    git(tmp_path, "config", "core.fsmonitor", str(hook))
    subprocess.run(["git", "-C", tmp_path, "status"], check=True, capture_output=True)
    assert trace.exists(), "git would not have run it either"
    trace.unlink()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    record = kc.jobs.describe_run({})
    assert not trace.exists()
    assert record["commit"] is None or not record["commit"].startswith(stranger)


def test_a_checkouts_own_commit_is_told_and_marked_where_files_differ(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", "/no/where")
    commit = committed(tmp_path)
    package = tmp_path / "package" / "keras_classics"
    assert commit_of(package, None) == commit
    (package / "code.py").write_text("one = 2\n")
    assert commit_of(package, None) == f"{commit}-dirty"


def test_an_installed_package_has_the_commit_of_where_it_came_from(tmp_path):
    source, installed = tmp_path / "source", tmp_path / "venv" / "keras_classics"
    commit = committed(source)
    shutil.copytree(source / "package" / "keras_classics", installed)
    note = {"url": source.as_uri(), "dir_info": {}}
    assert commit_of(installed, note) == commit
    # The checkout has moved on since.
    (source / "package" / "keras_classics" / "more.py").write_text("")
    assert commit_of(installed, note) == f"{commit}-dirty"
    fetched = {"url": "https://example.org/x.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}
    assert commit_of(installed, fetched) == "abc"
    for nowhere in (None, {"url": "https://example.org/x.whl", "archive_info": {}},
                    {"url": (tmp_path / "gone").as_uri(), "dir_info": {}}):  # fmt: skip
        assert commit_of(installed, nowhere) is None


def test_a_package_within_somebody_elses_repository_has_no_commit_of_theirs(tmp_path):
    committed(tmp_path)
    inside = tmp_path / ".venv" / "package" / "keras_classics"
    inside.mkdir(parents=True)
    assert commit_of(inside, None) is None
