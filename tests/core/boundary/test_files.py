"""Files are written whole or not at all, by whoever writes; only ordinary files are read."""

import errno
import fcntl
import importlib.util
import os
import re
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
import types
from contextlib import contextmanager

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.core.boundary import files
from keras_classics.core.cards.recipe import Step
from support import ROOT


@contextmanager
def full_disk():
    """The system refuses to let any file grow, as a full disk does; root may write anywhere."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def model_of(seed):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="dense")])
    model.compile("adam", "mse")
    return model


def train(folder, version):
    def batches(_):
        while True:
            yield np.ones((4, 2)), np.ones((4, 3))

    kc.training.fit(
        model_of(0), batches, steps_per_epoch=2, epochs=version, folder=folder, verbose=0
    )


def prepare(folder, version):
    arrays = {"shift": np.zeros(version), "gain": np.ones(version)}
    kc.data.Preparation(
        size=8, channels=3, flat=False, resize=8, augmentation=(), test_crops=1,
        normalization=Step("range", {}), arrays=arrays,
    ).save(folder / "preparation.npz")  # fmt: skip


# All an application writes before and while it trains: the first version, then another.
WRITERS = {
    "fit": train,
    "record_run": lambda folder, version: kc.jobs.record_run(folder, {"version": version}, job="x"),
    "record_metrics": lambda folder, version: kc.jobs.record_metrics(
        folder, {"test": {"accuracy": version}}
    ),
    "save_model": lambda folder, version: kc.save_model(model_of(version), folder / "model.keras"),
    "vocabulary": lambda folder, version: kc.data.Vocabulary(["a"] + ["b"] * (version - 1)).save(
        folder / "vocabulary.json"
    ),
    "alphabet": lambda folder, version: kc.data.Alphabet("abc"[: version + 1]).save(
        folder / "alphabet.json"
    ),
    "preparation": prepare,
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_one_sentence_and_what_was_there_stays(tmp_path, capsys, writer):
    WRITERS[writer](tmp_path, 1)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def run(_):
        with full_disk():
            WRITERS[writer](tmp_path, 2)

    assert kc.cli.guarded(run, []) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert "cannot be written (File too large). Allowed: a folder you may write to" in error
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    # With room again, the same goes through.
    WRITERS[writer](tmp_path, 2)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} != before


@pytest.mark.parametrize("writer", WRITERS)
def test_a_folder_that_cannot_be_is_one_sentence(tmp_path, capsys, writer):
    (tmp_path / "file").write_text("")
    assert kc.cli.guarded(lambda _: WRITERS[writer](tmp_path / "file" / "run", 1), []) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "cannot be written (Not a directory). Allowed: a folder you may write to" in error


JOBS = "package/keras_classics/jobs"


@pytest.mark.parametrize(
    "name", ["captioning", "classification", "labelling", "language_model", "translation"]
)
def test_the_applications_train_save_and_load_by_nothing_else(name):
    source = (ROOT / "applications" / f"{name}.py").read_text("utf-8")
    # What an application keeps in a folder of its own belongs to it.
    for folder in sorted(set(re.findall(r"^from (\w+)\.", source, re.MULTILINE))):
        parts = sorted((ROOT / "applications" / folder).glob("*.py"))
        source += "".join(part.read_text("utf-8") for part in parts)
    assert "kc.jobs.run" in source
    runner = "".join(path.read_text("utf-8") for path in (ROOT / JOBS).glob("*.py"))
    for door in (" fit(", "Session(", "save_model(", "load_model("):
        assert door in runner and door not in source.replace("kc.load_model(settings.encoder)", "")
    for other in ("keras.saving", ".write_text(", "json.load", "np.load", "model.fit("):
        assert other not in source


def test_two_who_write_one_file_at_once_never_mix(tmp_path):
    path, together = tmp_path / "new" / "text.txt", threading.Barrier(2)

    def write(letter):
        def halves(fresh):
            with open(fresh, "w") as file:
                file.write(letter * 1000)
                file.flush()
                # Both have begun, and neither is ready.
                together.wait(timeout=60)
                file.write(letter * 1000)

        files.write_whole(path, halves)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in ("a" * 2000, "b" * 2000)
    assert os.listdir(path.parent) == ["text.txt"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_whatever_ends_a_writer_nothing_stays_behind(tmp_path, error):
    path = tmp_path / "text.txt"
    files.write_whole(path, lambda fresh: fresh.write_text("old"))

    def interrupted(fresh):
        fresh.write_text("half")
        raise error

    with pytest.raises(error):
        files.write_whole(path, interrupted)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["text.txt"]


def test_ctrl_c_stays_ctrl_c_whatever_fails_while_it_is_handled(tmp_path):
    def interrupted(fresh):
        try:
            raise KeyboardInterrupt
        finally:
            raise OSError(errno.EBADF, "Bad file descriptor")

    with pytest.raises(KeyboardInterrupt):
        files.write_whole(tmp_path / "text.txt", interrupted)

    def on_a_full_disk(fresh):
        raise OSError(errno.ENOSPC, "No space left on device")

    # What is saved because of a Ctrl-C, and cannot be, is told.
    with pytest.raises(kc.InputError, match="No space left on device"):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            files.write_whole(tmp_path / "text.txt", on_a_full_disk)


def test_what_a_killed_writer_left_is_cleared_away_and_that_of_a_living_one_is_not(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(files, "_SECONDS_TO_LOCK", 0)
    code = (
        "import sys, time; from pathlib import Path; from keras_classics.core.boundary import files\n"
        "def slowly(fresh): fresh.write_text('half'); print('begun', flush=True); time.sleep(600)\n"
        "files.write_whole(Path(sys.argv[1]), slowly)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "package")}
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "other.txt")],
        stdout=subprocess.PIPE, env=environment,
    )  # fmt: skip
    try:
        assert writer.stdout.readline() == b"begun\n"
        files.write_whole(tmp_path / "text.txt", lambda fresh: fresh.write_text("new"))
        assert len(os.listdir(tmp_path)) == 2
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert len(os.listdir(tmp_path)) == 2
    files.write_whole(tmp_path / "text.txt", lambda fresh: fresh.write_text("new"))
    assert os.listdir(tmp_path) == ["text.txt"]


def test_who_may_read_what_is_written_is_for_the_user_to_say(tmp_path):
    before = os.umask(0o027)
    try:
        files.write_whole(tmp_path / "text.txt", lambda fresh: fresh.write_text("new"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "text.txt").stat().st_mode) == 0o640


def test_a_file_that_is_written_anew_keeps_its_mode(tmp_path):
    path = tmp_path / "text.txt"
    for mode in (0o600, 0o444, 0o750):
        path.write_text("old")
        path.chmod(mode)
        files.write_whole(path, lambda fresh: fresh.write_text("new"))
        assert path.read_text() == "new" and stat.S_IMODE(path.stat().st_mode) == mode
        path.unlink()


def test_a_link_within_its_folder_is_written_through(tmp_path):
    (tmp_path / "versions").mkdir()
    link, file = tmp_path / "latest.txt", tmp_path / "versions" / "1.txt"
    link.symlink_to("versions/1.txt")
    # The first is a link to nothing yet.
    for text in ("old", "new"):
        files.write_whole(link, lambda fresh, text=text: fresh.write_text(text))
        assert link.is_symlink() and file.read_text() == text
    assert sorted(os.listdir(tmp_path)) == ["latest.txt", "versions"]
    assert os.listdir(tmp_path / "versions") == ["1.txt"]


def test_a_link_out_of_its_folder_is_refused_and_both_remedies_work(tmp_path):
    run, file = tmp_path / "run", tmp_path / "precious.txt"
    run.mkdir()
    file.write_text("precious")
    link = run / "metrics.txt"
    link.symlink_to(file)

    def write(path):
        files.write_whole(path, lambda fresh: fresh.write_text("new"))

    with pytest.raises(kc.InputError, match=f"link that leads out .*Write {file} if that is meant"):
        write(link)
    assert link.is_symlink() and file.read_text() == "precious"
    write(file)
    assert link.read_text() == "new"
    link.unlink()
    write(link)
    assert not link.is_symlink()
    # A folder that is a link is where the user has put it.
    (tmp_path / "elsewhere").symlink_to(run)
    write(tmp_path / "elsewhere" / "metrics.txt")


def test_what_is_no_ordinary_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(kc.InputError, match="pipe is no ordinary file"):
        files.write_whole(tmp_path / "pipe", lambda fresh: fresh.write_text("new"))
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_file_is_on_the_disk_before_it_takes_the_place_of_another(tmp_path, monkeypatch):
    path, said = tmp_path / "text.txt", []
    fsync, replace = os.fsync, os.replace

    def written(descriptor):
        said.append(os.pread(descriptor, 9, 0))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", written)
    monkeypatch.setattr(os, "replace", lambda *paths: said.append("replaced") or replace(*paths))
    files.write_whole(path, lambda fresh: fresh.write_text("new"))
    assert said == [b"new", "replaced"]


def on_windows(monkeypatch):
    """`core/boundary/files.py` as Windows runs it, whose locks are those of this system."""

    def locking(descriptor, kind, count):
        assert (kind, count) == ("at once", 1)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise PermissionError(errno.EACCES, "Permission denied") from error

    windows = types.SimpleNamespace(locking=locking, LK_NBLCK="at once")
    monkeypatch.setitem(sys.modules, "msvcrt", windows)
    spec = importlib.util.spec_from_file_location("files_on_windows", files.__file__)
    module = importlib.util.module_from_spec(spec)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("windows", [False, True])
def test_a_lock_is_one_holders_and_leaves_nothing_behind(tmp_path, monkeypatch, windows):
    room, path = on_windows(monkeypatch) if windows else files, tmp_path / "lock"
    with room.locked(path) as one, room.locked(path) as other:
        assert (one, other) == (True, False)
    assert os.listdir(tmp_path) == []
    said = []

    def hold(number):
        with room.locked(path, wait=True) as held:
            said.append((number, held))
            time.sleep(0.02)
            said.append((number, held))

    threads = [threading.Thread(target=hold, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(held for _, held in said) and said[::2] == said[1::2] and len(said) == 8
    assert os.listdir(tmp_path) == []


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(tmp_path, monkeypatch):
    path, lock, tries = tmp_path / "lock", files._lock, []

    def removed_before(descriptor):
        if not tries:
            path.unlink()
        tries.append(descriptor)
        lock(descriptor)

    monkeypatch.setattr(files, "_lock", removed_before)
    with files.locked(path) as held:
        assert held and len(tries) == 2 and path.exists()


def test_a_disk_without_locks_is_told_and_a_lock_is_no_link(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(tmp_path / "made")
    with pytest.raises(OSError), files.locked(tmp_path / "link"):
        pass
    assert not (tmp_path / "made").exists()

    def refused(descriptor):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(files, "_lock", refused)
    with files.locked(tmp_path / "lock") as held:
        assert held is None


def test_only_ordinary_files_are_opened_and_nothing_is_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text.txt").write_text("text")
    (tmp_path / "link").symlink_to("text.txt")
    with files.opened(tmp_path / "link") as file:
        assert file.read() == b"text" and files.file_size(file) == 4
    for path, reason in (
        (tmp_path / "pipe", "no ordinary file"), ("/dev/zero", "no ordinary file"),
        (tmp_path, "folder"), (tmp_path / "absent", "No such file"),
    ):  # fmt: skip
        with pytest.raises(kc.InputError, match=rf"{path} cannot be read \(.*{reason}.*\)"):
            with files.reading(path, "a file", "Check the path."), files.opened(path):
                pass
