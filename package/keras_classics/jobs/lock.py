"""One training at a time in a folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from keras_classics.core.boundary.files import locked
from keras_classics.core.errors import InputError

NAME = ".training"


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other trainings out of a folder, which is made if absent.

    A killed training leaves no lock. On a disk that knows no locks nothing is locked.

    Raises:
        InputError: Another training uses the folder, or it cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held = stack.enter_context(locked(folder / NAME))
        except OSError as error:
            raise InputError(
                f"{folder} cannot be written ({error.strerror or error})",
                "a folder you may write to, with room on its disk",
                "Make room, or choose another with --out.",
            ) from error
        if held is False:
            raise InputError(
                f"Another training uses this folder, {folder}",
                "one training in a folder at a time",
                "Wait until it has ended, or choose another --out.",
            )
        yield
