"""The three formats, and the one way into each: a function of tensors becomes a checked file.

| format | what is written | what runs it |
|---|---|---|
| `saved_model` | a folder | TensorFlow, TensorFlow Serving |
| `litert` | a file `.tflite`, built-in operations only | LiteRT: phones, microcontrollers, Python |
| `onnx` | a file `.onnx` | ONNX Runtime and whatever else reads ONNX |
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_classics.core.boundary.files import LOCK, locked, place_of, put, workplace, writing
from keras_classics.core.errors import InputError, check_choice, explain, import_extra
from keras_classics.export.differences import differences, worst
from keras_classics.export.reopening import SAVED_MODEL, Arrays, Spec, start
from keras_classics.export.sample_inputs import sample_batches
from keras_classics.export.writers import WRITERS, ExportError, refused

Tensor = Any

ENDINGS = {"saved_model": "", "litert": ".tflite", "onnx": ".onnx"}
FORMATS = tuple(ENDINGS)
# What TensorFlow writes into the folder of a SavedModel.
PARTS = (SAVED_MODEL, "variables", "assets", "assets.extra", "fingerprint.pb")
# What writing and reading a format back needs besides TensorFlow, by extra.
LIBRARIES = {
    "saved_model": (),
    "litert": ("ai_edge_litert.interpreter",),
    "onnx": ("onnx", "tf2onnx", "onnxruntime"),
}
TOLERANCE = 1e-4
# Of models that compute in half precision, where one unit in the last place is 0.4 to 0.8 %.
HALF_TOLERANCE = 3e-2


@dataclass(frozen=True, kw_only=True)
class Program:
    """What is shipped.

    Attributes:
        serve: From a tensor for each input to a dict of tensors.
        inputs: Name, shape and dtype of every input, in the order of `serve`'s arguments.
        tracked: What the function uses: models, tables.
        expected: What the file must answer: from arrays by name to arrays by name. `serve` run
            operation by operation, by default.
        batches: Arrays to be asked about; made up from `inputs` by default.
        largest_id: The largest of the ids that are made up.
        tolerance: How far numbers of the file may be off, as a share where they are above 1.
    """

    serve: Callable[..., dict[str, Tensor]]
    inputs: Mapping[str, Spec]
    tracked: Sequence[Any] = ()
    expected: Callable[[Arrays], Arrays] | None = None
    batches: Sequence[Arrays] | None = None
    largest_id: int = 1
    tolerance: float = TOLERANCE

    def answer(self, inputs: Arrays) -> Arrays:
        """What the function says in this process."""
        if self.expected is not None:
            return self.expected(inputs)
        tensors = [keras.ops.convert_to_tensor(inputs[name]) for name in self.inputs]
        return {name: np.asarray(value) for name, value in self.serve(*tensors).items()}


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: Where.
        format: `"saved_model"`, `"litert"` or `"onnx"`.
        inputs: Shape and dtype by name; `None` in a shape is any size.
        outputs: The same of the outputs.
        difference: The largest difference of a number from what the model says in this process.
        asked: What the file was asked, and what the model says to it in this process.
    """

    path: Path
    format: str
    inputs: Mapping[str, Spec]
    outputs: Mapping[str, Spec]
    difference: float
    asked: Sequence[tuple[Arrays, Arrays]] = field(repr=False)


def require_tensorflow(format: str, path: str | os.PathLike) -> Any:
    """TensorFlow, after checks of what can be checked before any work.

    Raises:
        InputError: The format is unknown, the backend is not TensorFlow, or the path has another
            format's ending.
        ImportError: A library of the format is not installed.
    """
    check_choice("format", format, FORMATS)
    ending = Path(path).suffix if Path(path).suffix in ENDINGS.values() else ""
    if ending != ENDINGS[format]:
        raise InputError(
            f"format={format!r} was given with the path {path}",
            "a folder for saved_model, a file ending in .tflite for litert and in .onnx for onnx",
            "Change the ending or the format.",
        )
    if keras.config.backend() != "tensorflow":
        raise InputError(
            f"An export was asked for on the {keras.config.backend()} backend",
            "the TensorFlow backend",
            "Save the model as .keras and export it with KERAS_BACKEND=tensorflow.",
        )
    for library in LIBRARIES[format]:
        import_extra(library, format)
    import tensorflow as tf

    return tf


def check_names(given: int, outputs: int | None) -> None:
    """Refuse names of classes that are not one for each output.

    Raises:
        InputError: There are more or fewer.
    """
    if given != outputs:
        raise InputError(
            f"{given} names were given for {outputs} classes",
            "one name for each class",
            "Give the classes the model was trained on.",
        )


def most_probable(probabilities: Tensor, classes: Sequence[str]) -> dict[str, Tensor]:
    """What classifiers answer, in TensorFlow: the name of the most probable class, and all shares.

    Args:
        probabilities: `(..., classes)`.
        classes: Their names.
    """
    import tensorflow as tf

    found = tf.gather(tf.constant(list(classes)), tf.argmax(probabilities, axis=-1))
    return {"classes": found, "probabilities": probabilities}


def write(
    program: Program,
    path: str | os.PathLike,
    format: str,
    writer: Callable[[Path], object] | None = None,
) -> Exported:
    """Write a program, reopen it, compare its answers, and only then put it in its place.

    Args:
        program: What is shipped.
        path: Where to.
        format: `"saved_model"`, `"litert"` or `"onnx"`.
        writer: Writes it in some other form of the format, to the path it is given.

    Raises:
        ExportError: The format has no such operations, or the answers differ.
        InputError: The path cannot be written, or holds something else that would be lost.
    """
    target = Path(path)
    _check_place(target, format)
    with writing(target), workplace(target.parent) as folder:
        written, aside = folder / "written" / target.name, folder / "aside"
        written.parent.mkdir()
        aside.mkdir()
        if writer is not None:
            writer(written)
        else:
            WRITERS[format](program.serve, program.inputs, program.tracked, written)
        try:
            reopened = start(written)
        except Exception as error:
            # Each runtime has errors of its own.
            raise refused(format, str(error)) from error
        asked = _ask(program)
        difference = _compare(program, asked, reopened, format)
        _put(written, target, aside)
    # In the order of the program.
    inputs = {name: reopened.inputs[name] for name in program.inputs if name in reopened.inputs}
    return Exported(target, format, inputs, reopened.outputs, difference, asked)


def keep(made: Path, target: Path, format: str) -> None:
    """Copy an export to where it stays, in place of an older one: whole or not at all.

    Args:
        made: The file or folder.
        target: Where to.
        format: `"saved_model"`, `"litert"` or `"onnx"`.

    Raises:
        InputError: The path cannot be written, or holds something else that would be lost.
    """
    _check_place(target, format)
    with writing(target), workplace(target.parent) as folder:
        fresh, aside = folder / "fresh" / target.name, folder / "aside"
        aside.mkdir()
        if made.is_dir():
            shutil.copytree(made, fresh)
        else:
            fresh.parent.mkdir()
            shutil.copyfile(made, fresh)
        _put(fresh, target, aside)


def _ask(program: Program) -> list[tuple[Arrays, Arrays]]:
    batches = program.batches
    if batches is None:
        batches = sample_batches(program.inputs, program.answer, program.largest_id)
    return [(inputs, program.answer(inputs)) for inputs in batches]


def _compare(
    program: Program,
    asked: Sequence[tuple[Arrays, Arrays]],
    reopened: Callable[[Arrays], Arrays],
    format: str,
) -> float:
    largest = 0.0
    for inputs, expected in asked:
        try:
            found = reopened(inputs)
        except Exception as error:
            raise refused(format, str(error)) from error
        output, distance = worst(differences(expected, found, program.tolerance))
        if distance > program.tolerance:
            sizes = ", ".join(f"{name} {array.shape}" for name, array in inputs.items())
            raise ExportError(
                explain(
                    f"The file's {output!r} differs by {distance:.2g} from what the model says in "
                    f"this process ({format}; {sizes}), and nothing was written",
                    f"differences up to {program.tolerance:.2g}",
                    "Choose another format; or raise the tolerance, if so much may differ.",
                ),
                f"differs by {distance:.1g}",
            )
        largest = max(largest, distance)
    return largest


def _check_place(target: Path, format: str) -> None:
    """Refuse a place where something else than an export would be lost."""
    parts = [name for name in PARTS if (target / name).exists()]
    if format != "saved_model" and target.is_dir():
        given, allowed = f"{target} is a folder", "the name of a file"
    elif format == "saved_model" and parts and SAVED_MODEL not in parts:
        given = f"{target} holds {' and '.join(parts)} and no {SAVED_MODEL}"
        allowed = "a new folder, or one that holds an export, whose parts are replaced"
    else:
        if format != "saved_model":
            place_of(target)
        return
    raise InputError(given, allowed, "Choose another path.")


def _put(written: Path, target: Path, aside: Path) -> None:
    """Move what was written over what was there; other files of a folder stay.

    Args:
        written: A file, or a folder of an export's parts.
        target: Where to.
        aside: An empty folder on the same disk, for what was there.
    """
    if written.is_file():
        put(written, place_of(target))
        return
    target.mkdir(exist_ok=True)
    # The file that makes a folder an export goes first and comes last: a kill leaves the old one,
    # the new one or none, and never the graph of one with the weights of another.
    parts = [SAVED_MODEL, *({*PARTS, *(part.name for part in written.iterdir())} - {SAVED_MODEL})]
    placed = []
    with locked(target / LOCK, wait=True):
        try:
            for name in parts:
                if (target / name).exists():
                    (target / name).rename(aside / name)
            for name in reversed(parts):
                if (written / name).exists():
                    (written / name).rename(target / name)
                    placed.append(name)
        except BaseException:
            for name in reversed(placed):
                (target / name).rename(written / name)
            for name in reversed(parts):
                if (aside / name).exists():
                    (aside / name).rename(target / name)
            raise
