"""Which form of a trained model answers first on this machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from keras_classics.core.arguments import checked
from keras_classics.core.errors import MissingExtraError, check_whole, explain, import_extra
from keras_classics.core.finite_weights import check_finite_weights
from keras_classics.core.graphs.graph import functional
from keras_classics.core.processor import processors
from keras_classics.core.types import Whole
from keras_classics.export.differences import differences, worst
from keras_classics.export.few_bits.eight_bits import batches_of, loses, quantize
from keras_classics.export.few_bits.samples import split_samples
from keras_classics.export.formats import ENDINGS, TOLERANCE, keep, require_tensorflow
from keras_classics.export.kinds.plain import export_model, input_names, output_names
from keras_classics.export.reopening import Arrays, Spec, start, start_in_openvino
from keras_classics.export.sample_inputs import SIZES, sample_inputs
from keras_classics.export.turns import bytes_of, timed
from keras_classics.export.writers import ExportError

PREDICT = "predict_on_batch"
# It reads the files of ONNX.
OPENVINO = "openvino"
_COLUMNS = ["form", "numbers", "milliseconds", "times_faster", "difference", "bytes", "note"]


@dataclass(frozen=True)
class Fastest:
    """What was measured.

    Attributes:
        table: A line for each form, the fastest first: `"form"`, `"numbers"` (`"float32"` or
            `"int8"`), `"milliseconds"` of a batch, `"times_faster"` than `predict_on_batch`,
            `"difference"` from the model (of int8, the share of samples whose class is another),
            `"bytes"` of the file, and `"note"`: why a form could not be had.
        winner: Form and numbers of the first line.
        path: The winner's file, where a folder was given and it is no `predict_on_batch`.
        threads: That every runtime had.
    """

    table: pd.DataFrame = field(repr=False)
    winner: tuple[str, str]
    path: Path | None
    threads: int


@checked
def fastest(
    model: keras.Model,
    batch_size: Whole = 1,
    data: ArrayLike | None = None,
    *,
    labels: ArrayLike | None = None,
    most_loss: float = 0.01,
    folder: str | os.PathLike[str] | None = None,
    turns: Whole = 5,
) -> Fastest:
    """Measure a model as Keras runs it, as SavedModel, for LiteRT and as ONNX, float and int8.

    OpenVINO, the extra `openvino`, runs the ONNX files too, as forms of their own.
    Every file is checked against the model before it is timed, and all runtimes have as many
    threads as this process has processors.

    Args:
        model: A functional or sequential model.
        batch_size: Rows of a batch.
        data: What the model takes, for the forms in eight bits, as `quantize` wants it; without it
            they are left out.
        labels: Classes of the data, as for `quantize`.
        most_loss: What may be lost in eight bits, as for `quantize`.
        folder: Where the winner's file is kept.
        turns: Turns of each form; the fastest counts.

    Raises:
        InputError: The model has no graph of layers, the backend is not TensorFlow, the data do not
            fit, or an argument is not admitted.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        found = kc.export.fastest(model, turns=1)  # data= adds the forms in eight bits
        found.table  # a row for each form, the fastest first
        ```
    """
    batch_size = check_whole("batch_size", batch_size)
    turns = check_whole("turns", turns)
    model = functional(model)
    check_finite_weights(model)
    threads = processors()
    require_tensorflow("saved_model", "model")
    measured = None if data is None else split_samples(model, data, None, labels)[1:]
    asked = _question(model, batch_size, data)
    given = keras.tree.pack_sequence_as(model.input, list(asked.values()))
    contenders: dict[tuple[str, str], Callable[[], Any]] = {
        (PREDICT, "float32"): lambda: model.predict_on_batch(given)
    }
    facts: dict[tuple[str, str], tuple[float, int, str]] = {(PREDICT, "float32"): (0.0, 0, "")}
    with tempfile.TemporaryDirectory() as made:
        paths: dict[tuple[str, str], Path] = {}
        for form, ending in ENDINGS.items():
            kinds = ["float32"] if data is None or form == "saved_model" else ["float32", "int8"]
            for numbers in kinds:
                key, path = (form, numbers), Path(made, f"{numbers}-{form}{ending}")
                try:
                    facts[key] = _written(
                        model, path, form, numbers, batch_size, data,
                        labels=labels, most_loss=most_loss,
                    )  # fmt: skip
                    contenders[key] = partial(start(path, threads), asked)
                    paths[key] = path
                except (ExportError, ImportError) as error:
                    # A form that cannot be had is a line of its own.
                    facts[key] = (np.nan, 0, _told(error))
        for numbers in ("float32", "int8"):
            key, source = (OPENVINO, numbers), ("onnx", numbers)
            if source not in paths:
                continue
            try:
                import_extra("openvino", "openvino")
                run = start_in_openvino(paths[source], threads)
                if numbers == "float32":
                    off = _off(model, run, asked, TOLERANCE + facts[source][0])
                else:
                    off = _changed(model, run, asked, measured, most_loss)
            except Exception as error:
                # What it does not know of a file it tells in errors of its own.
                facts[key] = (np.nan, 0, _told(error))
            else:
                contenders[key], facts[key] = partial(run, asked), (off, facts[source][1], "")
                paths[key] = paths[source]
        seconds = timed(contenders, turns)
        table = _table(facts, seconds)
        winner = (str(table["form"][0]), str(table["numbers"][0]))
        kept = None
        if folder is not None and winner in paths:
            format = "onnx" if winner[0] == OPENVINO else winner[0]
            kept = Path(folder) / f"model{ENDINGS[format]}"
            keep(paths[winner], kept, format)
    return Fastest(table, winner, kept, threads)


def _question(model: keras.Model, rows: int, data: ArrayLike | None) -> dict[str, np.ndarray]:
    """A batch of what the model takes, by input."""
    names = input_names(model)
    if data is not None and len(names) == 1:
        array = np.asarray(data)
        batch = np.resize(array[:rows], (rows, *array.shape[1:]))
        return {names[0]: batch.astype(model.inputs[0].dtype)}
    specs = {
        name: Spec((rows, *tensor.shape[1:]), tensor.dtype)
        for name, tensor in zip(names, model.inputs, strict=True)
    }
    return sample_inputs(specs, batch=rows, size=SIZES[3])


def _told(error: Exception) -> str:
    """Why a form cannot be had, for the table."""
    text = " ".join(str(error).split())
    if isinstance(error, MissingExtraError):
        return f"not installed: {text.rpartition('Run: ')[2].rstrip('.')}"
    return text.partition(". Allowed")[0][:200]


def _off(
    model: keras.Model, run: Callable[[Arrays], Arrays], asked: Arrays, tolerance: float
) -> float:
    """How far answers are from the model's, if no further than is admitted."""
    given = keras.tree.pack_sequence_as(model.input, list(asked.values()))
    said = keras.tree.flatten(model.predict_on_batch(given))
    found = run(asked).values()
    expected, answered = (
        dict(zip(output_names(model), each, strict=True)) for each in (said, found)
    )
    distance = worst(differences(expected, answered, tolerance))[1]
    if distance > tolerance:
        raise ExportError(
            explain(
                f"Its answers differ from the model's by {distance:.2g}",
                f"differences up to {tolerance:.2g}",
                "Take another form.",
            ),
            f"differs by {distance:.2g}",
        )
    return distance


def _changed(
    model: keras.Model,
    run: Callable[[Arrays], Arrays],
    asked: Arrays,
    measured: tuple[np.ndarray, np.ndarray | None] | None,
    most_loss: float,
) -> float:
    """How many samples have another class than the model's, if no more is lost than is admitted."""
    if measured is None:
        raise ValueError("eight bits need data")
    samples, labels = measured
    ((name, batch),) = asked.items()
    said, found = [], []
    for part in batches_of(samples, len(batch)):
        said.append(np.argmax(model.predict_on_batch(part), -1))
        (answer,) = run({name: part}).values()
        found.append(answer.argmax(-1))
    one, other = (np.concatenate(each)[: len(samples)] for each in (said, found))
    classes = one if labels is None else labels
    before, after = (float((each == classes).mean()) for each in (one, other))
    if loses(before, after, most_loss):
        raise ExportError(
            explain(
                f"Of {len(samples)} samples {after:.1%} are right in eight bits, and {before:.1%} "
                "of the model's",
                f"a loss of at most {most_loss:.1%}",
                "Take another form, or raise most_loss.",
            ),
            f"loses {before - after:.1%}",
        )
    return float((one != other).mean())


def _written(
    model: keras.Model,
    path: Path,
    form: str,
    numbers: str,
    batch_size: int,
    data: ArrayLike | None,
    **options: Any,
) -> tuple[float, int, str]:
    """Write a form; how far it is off, its bytes, and what is to be said of it."""
    if numbers == "float32":
        written = export_model(model, path, form, batch_size=batch_size)
        return written.difference, bytes_of(path), ""
    if data is None:
        raise ValueError("eight bits need data")
    made = quantize(model, path, data, form, batch_size=batch_size, **options)
    note = f"{len(made.floats)} layers in float32" if made.floats else ""
    return made.changed, made.bytes_after, note


def _table(
    facts: Mapping[tuple[str, str], tuple[float, int, str]],
    seconds: Mapping[tuple[str, str], float],
) -> pd.DataFrame:
    whole = seconds[(PREDICT, "float32")]
    rows = [
        (*key, 1e3 * seconds.get(key, np.nan), whole / seconds.get(key, np.nan), *facts[key])
        for key in facts
    ]
    table = pd.DataFrame(rows, columns=_COLUMNS)
    return table.sort_values("milliseconds").reset_index(drop=True)
