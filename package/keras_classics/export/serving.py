"""One question to an exported model, and how long the answer takes."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.array_files import read_arrays
from keras_classics.core.boundary.model_files import load_model
from keras_classics.core.boundary.picture_files import picture_endings
from keras_classics.core.boundary.program_files import opening_program
from keras_classics.core.errors import InputError, import_extra
from keras_classics.core.graphs.graph import functional
from keras_classics.core.processor import processors
from keras_classics.core.shapes import agree
from keras_classics.data.pictures.images import read_image
from keras_classics.export.differences import differences, worst
from keras_classics.export.formats import ENDINGS, LIBRARIES, TOLERANCE
from keras_classics.export.kinds.plain import input_names, largest_id, output_names
from keras_classics.export.reopening import SAVED_MODEL, Arrays, Reopened, Spec, start
from keras_classics.export.sample_inputs import SIZES, sample_inputs
from keras_classics.export.turns import bytes_of, timed

WARM_UP = 2
# What is said before an exported model is opened.
PROGRAM = (
    "an exported model (SavedModel, .tflite, .onnx) is a program, which is run as it is; ask only "
    "those whose origin you trust"
)


@dataclass(frozen=True)
class Served:
    """What a model was asked, what it said, and how fast.

    Attributes:
        model: What it takes and returns.
        inputs: Arrays by name.
        outputs: Arrays by name; texts are bytes.
        milliseconds: Of every call after the first ones.
    """

    model: Reopened
    inputs: Arrays
    outputs: Arrays
    milliseconds: list[float]

    @property
    def latency(self) -> float:
        """The median of the calls, in milliseconds."""
        return statistics.median(self.milliseconds)


@checked
def serve_check(
    path: str | os.PathLike, given: str | os.PathLike | None = None, *, repeats: int = 10
) -> Served:
    """Ask an exported model about one input, several times.

    SavedModels, `.tflite` and `.onnx` files are programs, which this runs as they are: ask only
    those whose origin you trust. A `.keras` file is loaded by `kc.load_model`, which runs nothing.

    Args:
        path: Folder of a SavedModel, or file ending in `.tflite`, `.onnx` or `.keras`.
        given: What to ask: an `.npz` file of arrays by input, a picture file, or a text. Made up to
            fit the model by default: bytes as pixels, normal deviates, small ids, a few words.
        repeats: Calls that are timed, after two that are not.

    Raises:
        InputError: There is no such model, it does not open, it does not take the input, or no
            call is to be timed.
        ImportError: The runtime of its format is not installed.
    """
    if repeats < 1:
        raise InputError(
            f"repeats={repeats} was given", "a whole number from 1 on", "Time one call."
        )
    path = Path(path)
    model, greatest = _open(path)
    if given is None:
        inputs, outputs = _made_up(model, greatest)
    else:
        inputs = _read(given, model.inputs)
        _check_fits(inputs, model.inputs)
        outputs = _answered(path, model, inputs)
    milliseconds = []
    for number in range(WARM_UP + repeats):
        began = time.perf_counter()
        model(inputs)
        if number >= WARM_UP:
            milliseconds.append(1e3 * (time.perf_counter() - began))
    return Served(model, inputs, outputs, milliseconds)


@checked
def serve_compare(
    paths: Sequence[str | os.PathLike],
    given: str | os.PathLike | None = None,
    *,
    turns: int = 5,
) -> pd.DataFrame:
    """Ask several exported models the same, on equally many threads, as `fastest` does.

    Args:
        paths: As for `serve_check`: forms of one model, such as a SavedModel and an `.onnx` file.
        given: What to ask; made up by default to fit the one that leaves least open.
        turns: Turns of each; they alternate, and the fastest counts.

    Returns:
        A line for each, the fastest first: `"path"`, `"milliseconds"` of an answer,
        `"times_faster"` than the first that was named, `"difference"` from what that says (as a
        share where numbers are above 1), and `"bytes"`.

    Raises:
        InputError: There is no path, or one as `serve_check` refuses it.
        ImportError: A runtime is not installed.
    """
    if not paths or turns < 1:
        raise InputError(
            f"{len(paths)} paths and turns={turns} were given",
            "one of each and above",
            "Name the files to compare.",
        )
    places = [Path(path) for path in paths]
    opened = [_open(path, processors()) for path in places]
    if given is None:
        fixed = min(opened, key=lambda each: _open_axes(each[0]))
        inputs, _ = _made_up(fixed[0], min(greatest for _, greatest in opened))
    else:
        inputs = _read(given, opened[0][0].inputs)
    answers = []
    for path, (model, _) in zip(places, opened, strict=True):
        _check_fits(inputs, model.inputs)
        answers.append(_answered(path, model, inputs))
    for path, each in zip(places, answers, strict=True):
        if {name: np.shape(x) for name, x in each.items()} != {
            name: np.shape(x) for name, x in answers[0].items()
        }:
            raise InputError(
                f"{str(path)!r} answers {_shapes(each)}, and {str(places[0])!r} "
                f"{_shapes(answers[0])}",
                "forms of one model",
                "Compare files that the same model was exported to.",
            )
    seconds = timed(
        {number: partial(model, inputs) for number, (model, _) in enumerate(opened)}, turns
    )
    rows = [
        (
            str(path),
            1e3 * seconds[number],
            seconds[0] / seconds[number],
            worst(differences(answers[0], answers[number], TOLERANCE))[1],
            bytes_of(path),
        )
        for number, path in enumerate(places)
    ]
    columns = ["path", "milliseconds", "times_faster", "difference", "bytes"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("milliseconds", kind="stable").reset_index(drop=True)


def _open_axes(model: Reopened) -> int:
    return sum(axis is None for spec in model.inputs.values() for axis in spec.shape)


def _answered(path: Path, model: Reopened, inputs: Arrays) -> Arrays:
    try:
        return model(inputs)
    except Exception as error:
        # Each runtime has errors of its own.
        raise InputError(
            f"{path} does not answer to that input ({_first_line(error)})",
            "what the model was built for, sizes included",
            "Give another input, or none to have one made up.",
        ) from error


@checked
def reopen(path: str | os.PathLike, *, threads: int | None = None) -> Reopened:
    """Open an exported model, a program that is run as it is: only of an origin that you trust.

    Args:
        path: Folder of a SavedModel, or a `.tflite` or `.onnx` file.
        threads: Threads of an operation; by default what the runtime takes, which is one in LiteRT.
            TensorFlow has as many as its process.

    Raises:
        InputError: There is none, or it is damaged.
        ImportError: The runtime of its format is not installed.
    """
    with opening_program(path):
        return start(Path(path), threads)


def _open(path: Path, threads: int | None = None) -> tuple[Reopened, int]:
    """The model, and the greatest id it can be asked about."""
    saved = path.is_dir() and (path / SAVED_MODEL).exists()
    if not saved and not (path.is_file() and path.suffix in (".tflite", ".onnx", ".keras")):
        within = next(path.glob(f"*/{SAVED_MODEL}"), None)
        raise InputError(
            f"{path} holds no model" if path.exists() else f"{path} does not exist",
            "a folder with saved_model.pb, or a file ending in .tflite, .onnx or .keras",
            f"Name {within.parent}." if within else "Export one: see help(keras_classics.export).",
        )
    if path.suffix == ".keras":
        return _keras(path)
    format = next(format for format, ending in ENDINGS.items() if saved or ending == path.suffix)
    for library in LIBRARIES[format]:
        import_extra(library, format)
    return reopen(path, threads=threads), 1


def _keras(path: Path) -> tuple[Reopened, int]:
    """A `.keras` file in the form of the exported ones."""
    model = functional(load_model(path))
    names = input_names(model), output_names(model)
    inputs, outputs = (
        {name: Spec(tuple(tensor.shape), tensor.dtype) for name, tensor in zip(*each, strict=True)}
        for each in zip(names, (model.inputs, model.outputs), strict=True)
    )

    def run(arrays: Arrays) -> Arrays:
        asked = keras.tree.pack_sequence_as(model.input, [arrays[name] for name in inputs])
        # Compiled, as the files it is compared with are.
        answers = keras.tree.flatten(model.predict_on_batch(asked))
        return {name: np.asarray(answer) for name, answer in zip(outputs, answers, strict=True)}

    return Reopened(inputs, outputs, run), largest_id(model)


def _made_up(model: Reopened, greatest: int) -> tuple[Arrays, Arrays]:
    """The smallest made-up input that the model answers, and its answer."""
    for size in SIZES:
        inputs = sample_inputs(model.inputs, batch=1, size=size, largest_id=greatest)
        try:
            return inputs, model(inputs)
        except Exception as error:
            refusal = error
    raise InputError(
        f"No input that was made up suits the model ({_first_line(refusal)})",
        f"models that take some size of {', '.join(map(str, SIZES))}",
        "Give one with --input.",
    ) from refusal


def _read(given: str | os.PathLike, specs: Mapping[str, Spec]) -> Arrays:
    file = Path(given)
    if file.suffix == ".npz":
        return read_arrays(
            file, "an .npz file of arrays without Python objects", "Write it with numpy.savez."
        )
    picture = file.suffix.lower() in picture_endings()
    for name, spec in specs.items():
        if picture and len(spec.shape) == 4 and spec.dtype == "uint8":
            return {name: read_image(file)[None]}
        if not picture and spec.dtype == "string":
            return {name: np.array([str(given).encode()])}
    raise InputError(
        f"{given} was given to a model that takes {_listed(specs)}",
        "a picture for uint8 of four axes, a text for strings, or arrays by name in an .npz",
        "Write what it takes with numpy.savez.",
    )


def _check_fits(inputs: Arrays, specs: Mapping[str, Spec]) -> None:
    if inputs.keys() != specs.keys():
        raise InputError(
            f"Arrays for {', '.join(inputs)} were given", _listed(specs), "Name them so."
        )
    for name, (shape, dtype) in specs.items():
        array = inputs[name]
        kind = "string" if array.dtype.kind in "SU" else array.dtype.name
        if kind != dtype or not agree(shape, array.shape):
            raise InputError(
                f"{name} of shape {array.shape} and type {kind} was given",
                f"{name}: {described(specs[name])}",
                "Resize or convert it.",
            )


@checked
def described(spec: Spec) -> str:
    """A tensor as people write it."""
    sizes = ["any" if axis is None else str(axis) for axis in spec.shape]
    return f"{spec.dtype} ({', '.join(sizes)})"


def _listed(specs: Mapping[str, Spec]) -> str:
    return ", ".join(f"{name}: {described(spec)}" for name, spec in specs.items())


def _shapes(answers: Arrays) -> str:
    return " and ".join(f"{name} {np.shape(answers[name])}" for name in sorted(answers))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
