"""One training at a time in a folder."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from keras_classics.core.errors import InputError, explain

NAME = ".training"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other trainings out of a folder, which is made if absent.

    The lock is the operating system's, so that a killed training leaves none. Where there is no
    such thing nothing is locked.

    Raises:
        InputError: Another training uses the folder, or it cannot be written.
    """
    try:
        import fcntl
    except ImportError:
        # Windows.
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Not emptied: it might be a link to another file.
        file = (folder / NAME).open("a")
    except OSError as error:
        raise InputError(
            explain(
                f"{folder} cannot be written ({error.strerror or error})",
                "a folder you may write to, with room on its disk",
                "Make room, or choose another with --out.",
            )
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
                # A disk that knows no locks.
                yield
                return
            raise InputError(
                explain(
                    f"Another training uses this folder, {folder}",
                    "one training in a folder at a time",
                    "Wait until it has ended, or choose another --out.",
                )
            ) from error
        yield
