"""Where the pictures lie that annotations are about, and which no annotation is about."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from keras_classics.core.boundary.picture_files import picture_endings
from keras_classics.core.errors import shown
from keras_classics.data.faults import Faults, listed


def picture_files(folder: Path, *, below: bool = True, regular: bool = True) -> list[Path]:
    """The picture files of a folder, sorted; those of macOS that begin with "._" are none.

    Args:
        folder: Where to look; there may be none.
        below: Look in the folders in it, too.
        regular: Pass over pipes and folders of such a name, which are else for who reads them to
            refuse.
    """
    endings = picture_endings()
    return sorted(
        path for path in folder.glob("**/*" if below else "*")
        if path.suffix.lower() in endings
        and path.name[0] != "."
        and (not regular or path.is_file())
    )  # fmt: skip


def find_pictures(
    names: Sequence[str], folders: Sequence[Path], faults: Faults, source: object
) -> dict[str, Path]:
    """The file of each picture, in the first of some folders that has it.

    Args:
        names: File names, perhaps with folders before them, which may be another machine's.
        folders: Where to look.
        faults: Where to note those that are nowhere.
        source: The file that annotates them, for the message.
    """
    found = {}
    for name in names:
        # Of a path of another machine the last part; never one that leads out of the folders.
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        candidates = [
            folder.joinpath(*parts[start:])
            for folder in folders
            for start in (0, len(parts) - 1)
            if parts
        ]
        # Of a name that no file can have there is none.
        path = next(filter(os.path.isfile, candidates), None)
        if path is None:
            note_absent(source, name, folders, faults)
        else:
            found[name] = path
    return found


def note_absent(source: object, name: str, folders: Iterable[Path], faults: Faults) -> None:
    """Note that a picture lies in none of some folders.

    Args:
        source: The file that annotates it.
        name: What it is called there.
        folders: Where it was looked for.
        faults: Where to note it.
    """
    faults.add(
        f"{source} is about the picture {shown(name)}, which is not in "
        f"{', '.join(map(str, folders))}",
        "a file for each picture",
        "Add the picture or remove its annotation.",
    )


def remark_unannotated(annotated: Iterable[Path], faults: Faults) -> None:
    """Note the pictures that lie beside those with an annotation and have none.

    Args:
        annotated: The files of those that have one.
        faults: Where to note it, as a remark: to learn from a part of a folder is no mistake.
    """
    known = set(annotated)
    folders = sorted({path.parent for path in known})
    beside = [path for each in folders for path in picture_files(each, below=False)]
    names = [path.name for path in beside if path not in known]
    faults.remarks += listed(names, "picture has no annotation", "pictures have no annotation")
