"""The boundary: files are written whole or not at all, and read without trusting them.

Bytes from outside are opened in this room and nowhere else: here what all kinds of files share,
in `text_files`, `array_files`, `torch_files`, `model_files`, `program_files`, `picture_files`,
`sound_files` and `video_frames` what each kind needs besides.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from keras_classics.core.errors import InputError

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _end(path: Path, descriptor: int) -> None:
        # No file is removed that anybody has open.
        os.close(descriptor)
        path.unlink()
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _end(path: Path, descriptor: int) -> None:
        # Before others can have it: a file without a name is nobody's lock.
        path.unlink()
        os.close(descriptor)


# A small file may ask for this much memory; a larger one for three times its size. What is done
# with the content takes the rest of the 500 MB, or of four times the file, that reading may take.
FLOOR_BYTES = 2**27
MOST_EXPANSION = 3

_UNFINISHED, LOCK = ".keras-classics-unfinished-", ".keras-classics-lock"
# Between making its folder and locking it a writer has less than this.
_SECONDS_TO_LOCK = 60
# What is answered where another has the lock, by this system or that.
_TAKEN = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}
_SECONDS_BETWEEN_TRIES = 0.05


def write_whole(path: str | os.PathLike[str], write: Callable[[Path], object]) -> None:
    """Write a file in a place of its own and move it to its place, making the folder.

    A kill, a full disk or a power cut at any moment leaves the former file as it was, and of two
    who write at once one after the other is whole.

    Args:
        path: The file, or a link to one in its folder; one that is there keeps its mode.
        write: Writes the content to the path it is given, which has the same name.

    Raises:
        InputError: The file cannot be written, or the path is a link that leads out of its folder.
    """
    path = Path(path)
    with writing(path):
        target = place_of(path)
        with workplace(target.parent) as folder:
            fresh = folder / path.name
            write(fresh)
            put(fresh, target)


def put(fresh: Path, target: Path) -> None:
    """Move a file that was written to its place on the same disk, where it gets the former's mode.

    Raises:
        OSError: It cannot be there.
    """
    # Windows makes sure of no file that is open for reading only.
    with fresh.open("r+b") as file:
        os.fsync(file.fileno())
    if target.exists():
        fresh.chmod(stat.S_IMODE(target.stat().st_mode))
    os.replace(fresh, target)


def place_of(path: Path) -> Path:
    """The file that is written where a path may be a link: the one it leads to, within its folder.

    Raises:
        InputError: It leads out of its folder, which may be a stranger's, or to what is no file.
    """
    target = Path(os.path.realpath(path))
    if path.is_symlink() and not target.is_relative_to(os.path.realpath(path.parent)):
        raise InputError(
            f"{path} is a link that leads out of its folder, to {target}",
            "a file, or a link to one in the same folder",
            f"Write {target} if that is meant, or remove the link.",
        )
    if target.exists() and not target.is_file():
        raise InputError(
            f"{path} is no ordinary file", "a new file, or one to replace", "Choose another path."
        )
    return target


@contextlib.contextmanager
def workplace(beside: Path) -> Iterator[Path]:
    """A folder of one's own within another, so on the same disk; nothing of it stays behind.

    Of a process that was killed it does stay, until somebody next writes there.

    Args:
        beside: The other folder; made if absent.

    Raises:
        OSError: There can be none.
    """
    beside.mkdir(parents=True, exist_ok=True)
    _clear_abandoned(beside)
    with (
        tempfile.TemporaryDirectory(
            dir=beside, prefix=_UNFINISHED, ignore_cleanup_errors=True
        ) as name,
        locked(Path(name, LOCK)),
    ):
        yield Path(name)


def check_writable(folder: Path) -> None:
    """Say before any work that its results could not be written.

    Args:
        folder: Where they are to go; made if absent.

    Raises:
        InputError: Nothing can be written there.
    """
    with writing(folder), workplace(folder):
        pass


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell in one sentence why a file cannot be written.

    Args:
        path: The file that is written within.

    Raises:
        InputError: It could not be.
    """
    before = sys.exception()
    try:
        yield
    except OSError as error:
        # Tidying up that Ctrl-C interrupts once more (a file closed twice) tells nothing of disks.
        cause = error.__context__
        while cause is not None and cause is not before:
            if isinstance(cause, KeyboardInterrupt):
                raise cause from None
            cause = cause.__context__
        raise InputError(
            f"{path} cannot be written ({error.strerror or error})",
            "a folder you may write to, with room on its disk",
            "Make room, or choose another path.",
        ) from error


def _clear_abandoned(folder: Path) -> None:
    """Remove what processes that were killed while they wrote have left in a folder."""
    for left in folder.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(OSError):
            # Who lives holds the lock.
            if time.time() - left.stat().st_mtime > _SECONDS_TO_LOCK:
                with locked(left / LOCK) as alone:
                    if alone:
                        shutil.rmtree(left)


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = False) -> Iterator[bool | None]:
    """Hold the lock that a file is, made here and removed by who held it.

    It is the operating system's and ends with the process that holds it: who is killed leaves the
    file and no lock.

    Args:
        path: The file; its folder exists.
        wait: Wait for who has it.

    Yields:
        Whether it is held; None on disks that know no locks.

    Raises:
        OSError: The file cannot be made.
    """
    while (got := _try_lock(path))[1] is False and wait:
        os.close(got[0])
        time.sleep(_SECONDS_BETWEEN_TRIES)
    descriptor, held = got
    try:
        yield held
    finally:
        if held:
            with contextlib.suppress(OSError):
                _end(path, descriptor)
        else:
            os.close(descriptor)


def _try_lock(path: Path) -> tuple[int, bool | None]:
    """The file of a lock, open, and whether it could be had."""
    # Not by way of a link, which might lead to somebody's file.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    while True:
        descriptor = os.open(path, flags, 0o666)
        try:
            _lock(descriptor)
        except OSError as error:
            return descriptor, False if error.errno in _TAKEN else None
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor, True
        # Who had it has removed it since it was opened here.
        os.close(descriptor)


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for reading, in place of a pipe, which could wait for ever, or a device.

    Args:
        path: The file, or a link to it.

    Raises:
        OSError: It is absent, or may not be read.
        ValueError: It is no file.
    """
    # Not waiting for who writes into a pipe; of files that is without meaning.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", getattr(os, "O_BINARY", 0)))
    try:
        kind = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(kind):
            raise ValueError("it is a folder" if stat.S_ISDIR(kind) else "it is no ordinary file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def file_size(file: BinaryIO) -> int:
    """How many bytes a file has, or bytes in memory that are read like one.

    Args:
        file: The file; left where it was.
    """
    place = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(place)
    return size


def most_bytes(size: int) -> int:
    """How many bytes what lies in a file may unpack to.

    Args:
        size: Bytes of the file.
    """
    return max(FLOOR_BYTES, MOST_EXPANSION * size)


@contextlib.contextmanager
def reading(path: object, allowed: str, remedy: str) -> Iterator[None]:
    """Make one sentence of whatever goes wrong while a file is read.

    Only reading stands under it: what fails in our own work on the content is our defect, and is to
    be seen.

    Args:
        path: The file, for the message.
        allowed: What would be accepted.
        remedy: What to do, as a sentence.

    Raises:
        InputError: The code under it raised anything else.
    """
    try:
        yield
    except InputError:
        raise
    # A hostile file can make its reader fail in any way; none of them is our defect.
    except Exception as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        reason = " ".join(reason.split())[:200] or type(error).__name__
        raise InputError(f"{path} cannot be read ({reason})", allowed, remedy) from error


def file_fingerprint(path: Path) -> str:
    """The number of a file's bytes."""
    state = hashlib.blake2b(digest_size=16)
    with opened(path) as file:
        while block := file.read(2**20):
            state.update(block)
    return state.hexdigest()
