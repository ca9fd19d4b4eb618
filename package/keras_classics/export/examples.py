"""Test examples that a model carries with it, so that it can be judged wherever it lies.

What makes a world, such as Babel, changes with its releases: figures on the test split of here and
now may be figures on other data, and what was held back then may be among what was learned. A model
is judged on its own examples; a figure on its whole test split only where that is the same to the
last bit, which its hash tells.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import write_whole
from keras_classics.core.boundary.text_files import read_json
from keras_classics.core.errors import InputError, check_lengths
from keras_classics.data.pictures.images import read_image

EXAMPLES, SHEET = "examples.json", "examples.png"
EXPORT, PROGRAM_FILE = "saved_model", "saved_model.pb"
# Few enough that both, pictures of 64 x 64 with grain or short sentences, take less than 300 kB.
MOST_TEXTS, MOST_PICTURES = 1000, 40
_COLUMNS = 8

Pictures = Sequence[np.ndarray] | np.ndarray
Inputs = Sequence[str] | Pictures
References = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Examples:
    """Test examples of a model.

    Attributes:
        inputs: Texts, or uint8 pictures `(examples, height, width, 3)`; of several sizes a list.
        references: The true answers to each.
        figures: What the model scored on them.
        split_size: Number of examples in the test split whose first these are.
        split_sha256: Hash of that whole split, see `hash_examples`.
    """

    inputs: Inputs
    references: References
    figures: Mapping[str, float]
    split_size: int
    split_sha256: str


@checked
def hash_examples(inputs: Inputs, references: References) -> str:
    """SHA-256 of examples: of any other input or reference, or another order, it is another.

    Args:
        inputs: Texts, or uint8 pictures.
        references: The true answers to each.
    """
    check_lengths("inputs", inputs, "references", references)
    state = hashlib.sha256()
    for given, true in zip(inputs, references, strict=True):
        if isinstance(given, str):
            state.update(json.dumps([given, *true]).encode())
        else:
            state.update(json.dumps([given.shape, *true]).encode() + given.tobytes())
    return state.hexdigest()


@checked
def write_examples(
    folder: str | os.PathLike,
    inputs: Inputs,
    references: References,
    answers: Sequence[str],
    score: Callable[[Sequence[str], References], Mapping[str, float]],
) -> None:
    """Write the first test examples into a run's folder: 1,000 texts, or 40 pictures.

    Pictures are written without loss onto one sheet, `examples.png`.

    Args:
        folder: The run's folder.
        inputs: Of the whole test split: texts, or uint8 pictures `(n, height, width, 3)`; those of
            several sizes, lines say, in a list.
        references: The true answers to each.
        answers: What the model answers to each.
        score: From answers and references to figures.

    Raises:
        InputError: The folder cannot be written.
    """
    folder = Path(folder)
    texts = not isinstance(inputs, np.ndarray) and all(isinstance(each, str) for each in inputs)
    most = MOST_TEXTS if texts else MOST_PICTURES
    shown, true = inputs[:most], [list(each) for each in references[:most]]
    pictures = cast("Pictures", shown)
    given: dict[str, Any] = {"inputs": list(shown)} if texts else _shapes(pictures)
    content = {
        "split_size": len(inputs),
        "split_sha256": hash_examples(inputs, references),
        "figures": dict(score(answers[:most], true)),
        **given,
        "references": true,
    }
    if not texts:
        write_whole(folder / SHEET, partial(_draw, pictures))
    text = json.dumps(content, indent=0, ensure_ascii=False) + "\n"
    write_whole(folder / EXAMPLES, lambda fresh: fresh.write_text(text, "utf-8"))


@checked
def read_examples(folder: str | os.PathLike) -> Examples | None:
    """Read what `write_examples` wrote; None where there is nothing.

    Args:
        folder: A run's folder, or that of a shipped model.

    Raises:
        InputError: It is damaged, or something else.
    """
    path = Path(folder) / EXAMPLES
    if not path.exists():
        return None
    remedy = "Evaluate the run again, or take the model from where it was shipped."
    content = read_json(path, "the examples that an evaluation wrote", remedy)
    try:
        references = content["references"]
        inputs = content.get("inputs")
        if inputs is None:
            inputs = _cut(read_image(path.with_name(SHEET)), tuple(content["shape"]), references)
            if "sizes" in content:
                sizes = zip(inputs, content["sizes"], strict=True)
                inputs = [each[:height, :width] for each, (height, width) in sizes]
        sound = len(inputs) == len(references) and all(
            isinstance(text, str) for true in references for text in true
        )
        examples = Examples(
            inputs, references, content["figures"], content["split_size"], content["split_sha256"]
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        sound = False
    if not sound:
        raise InputError(f"{path} holds something else", "the examples of an evaluation", remedy)
    return examples


@checked
def ship(run: str | os.PathLike, to: str | os.PathLike, files: Sequence[str] = ()) -> None:
    """Copy an export with what its run left beside it: record, figures, history, examples, ...

    Args:
        run: Folder of a run that was evaluated and exported; of one whose job has no export, the
            files of the model.
        to: The model's own folder among the shipped ones; files of the same names are replaced.
        files: Names of further files in the run's folder: those of its own model, which then is
            opened as that of a run is, such as `["model.keras", "classes.json"]`.

    Raises:
        InputError: The run lacks its export, its record, its examples or one of the files, or `to`
            holds anything else than a shipped model.
    """
    run, to = Path(run), Path(to)
    if strange := [name for name in files if Path(name).name != name]:
        raise InputError(
            f"files={strange[0]!r} was given", f"names of files in {run}", "Leave the folder out."
        )
    needed = ["run.json", "metrics.json", EXAMPLES, *files]
    exported = (run / EXPORT / PROGRAM_FILE).exists()
    if not exported and not any(name.endswith(".keras") for name in files):
        needed.insert(0, f"{EXPORT}/{PROGRAM_FILE}")
    lacking = [name for name in needed if not (run / name).exists()]
    if lacking:
        raise InputError(
            f"{run} lacks {', '.join(lacking)}",
            "the folder of a run that was evaluated and exported",
            "Run the application's evaluate and export with this --out.",
        )
    if to.exists() and any(to.iterdir()) and not (to / "run.json").exists():
        raise InputError(
            f"{to} holds something else", "a new folder, or a shipped model's", "Choose another."
        )
    if exported:
        shutil.copytree(run / EXPORT, to, dirs_exist_ok=True)
    beside = [*run.glob("*.png"), *run.glob("metrics.*"), run / "history.csv"]
    for path in (*beside, *(run / name for name in needed)):
        if path.is_file():
            write_whole(to / path.name, partial(shutil.copyfile, path))


def _shapes(pictures: Pictures) -> dict[str, Any]:
    """The shape that holds every picture, and the height and width of each where they differ."""
    shapes = [each.shape for each in pictures]
    shape = [max(sides) for sides in zip(*shapes, strict=True)]
    sizes = [list(each[:2]) for each in shapes]
    return {"shape": shape} | ({"sizes": sizes} if any(s != shape[:2] for s in sizes) else {})


def _draw(pictures: Pictures, path: Path) -> None:
    from PIL import Image

    count, (height, width, channels) = len(pictures), _shapes(pictures)["shape"]
    rows = math.ceil(count / _COLUMNS)
    sheet = np.zeros((rows * _COLUMNS, height, width, channels), "uint8")
    for place, picture in zip(sheet, pictures, strict=False):
        place[: picture.shape[0], : picture.shape[1]] = picture
    sheet = sheet.reshape(rows, _COLUMNS, height, width, channels).swapaxes(1, 2)
    Image.fromarray(sheet.reshape(rows * height, _COLUMNS * width, channels)).save(
        path, "PNG", optimize=True
    )


def _cut(sheet: np.ndarray, shape: tuple[int, int, int], references: References) -> np.ndarray:
    height, width, channels = shape
    rows = math.ceil(len(references) / _COLUMNS)
    parts = sheet.reshape(rows, height, _COLUMNS, width, channels).swapaxes(1, 2)
    return parts.reshape(-1, *shape)[: len(references)]
