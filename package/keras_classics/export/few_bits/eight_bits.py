"""Networks in numbers of eight bits, measured before they are written.

A quantised file holds weights of eight bits, a scale for each filter, and a range for each map,
which is seen from samples (static quantisation). What that costs is measured on samples the ranges
were not seen from; where it is too much, layers go back to real numbers, the noisiest first.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from keras_classics.core.arguments import checked
from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_probability,
    check_whole,
    explain,
)
from keras_classics.core.finite_weights import check_finite_weights
from keras_classics.core.graphs.graph import functional
from keras_classics.core.processor import multiplies_bytes
from keras_classics.export.few_bits.edge_poolings import padding_by_edges
from keras_classics.export.few_bits.fake_quantization import plainly
from keras_classics.export.few_bits.onnx_graphs import joined, multiplying, prepare, squashing, tell
from keras_classics.export.few_bits.samples import split_samples
from keras_classics.export.formats import Exported, Program, require_tensorflow, write
from keras_classics.export.kinds.plain import input_names, program_of
from keras_classics.export.reopening import start
from keras_classics.export.writers import ExportError, refused, write_litert, write_onnx

FORMATS = ("onnx", "litert")
_BATCH = 16
# A tolerance of any difference between numbers.
_ANY = float(np.finfo("float32").max)


@dataclass(frozen=True)
class Quantized:
    """What was written, and what it costs.

    Attributes:
        exported: The file.
        measure: `"accuracy"`, or without labels `"agreement"` with the model in the class named.
        before: The model's, on the samples that the ranges were not seen from.
        after: The file's.
        changed: The share of these samples whose class the file names otherwise than the model.
        floats: Layers that went back to real numbers, as the file names them.
        layers: A line for each layer that multiplies: `"layer"`, `"decibels"` (signal to noise of
            what it makes), and `"stability"`, the larger over the smaller range that two disjoint
            halves of the samples gave. LiteRT tells neither.
        bytes_before: Of the file in real numbers.
        bytes_after: Of the file.
    """

    exported: Exported
    measure: str
    before: float
    after: float
    changed: float
    floats: Sequence[str]
    layers: pd.DataFrame = field(repr=False)
    bytes_before: int
    bytes_after: int


@checked
def quantize(
    model: keras.Model,
    path: str | os.PathLike[str],
    data: ArrayLike,
    format: str = "onnx",
    *,
    labels: ArrayLike | None = None,
    check: ArrayLike | None = None,
    most_loss: float = 0.01,
    batch_size: int | None = None,
) -> Quantized:
    """Write a classifier in numbers of eight bits, if it stays as good as that.

        kc.export.quantize(model, "resnet.onnx", pictures[:200], labels=classes[:200])

    Ranges are seen from the first half of the data, in the very preparation the model is used with,
    and the cost is measured on the second half, or on `check`. Where more than `most_loss` is lost,
    layers go back to real numbers in ONNX, those of the lowest signal to noise first: one, two,
    four more and so on. In LiteRT they cannot, and nothing is written.

    Weights have a scale for each filter, activations are unsigned in ONNX. On an x86 processor
    without VNNI products of eight bits overflow, and weights are made of seven (the same file
    loses several points there otherwise, so quantise on the kind of machine that serves).
    Keras's own `model.quantize("int8")` is about dense layers and leaves convolutions as they are.

    Args:
        model: A functional or sequential classifier of one input and one output; one of
            `quantization_aware` has learnt to bear it.
        path: File ending in `.onnx` or `.tflite`.
        data: What the model takes, 32 samples or more; 100 to 500 are usual.
        format: `"onnx"` or `"litert"`.
        labels: Classes of the data, or of `check` where that is given; without them it is measured
            how often file and model name the same class.
        check: Other samples to measure on.
        most_loss: What may be lost, as a share of the samples.
        batch_size: Rows of a batch in the file; any number by default.

    Raises:
        ExportError: The format has no such operations, the model nothing that multiplies, or more
            is lost whatever is done.
        InputError: A weight is not finite, a label is of no class, the data are too few, of another
            shape or kind than the model takes, of two ranges, or of another than the model's first
            normalisation has seen in training (of a model without one, a low `before` tells), or
            an argument is not admitted.
        ImportError: A library of the format is not installed.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        images = np.random.default_rng(0).uniform(0, 1, (64, 32, 32, 1)).astype("float32")
        made = kc.export.quantize(model, "int8.onnx", images)
        made.before, made.after  # what of the answers stays, in float and in eight bits
        ```
    """
    check_choice("format", format, FORMATS)
    require_tensorflow(format, path)
    most_loss = check_probability("most_loss", most_loss)
    if batch_size is not None:
        batch_size = check_whole("batch_size", batch_size)
    model = plainly(functional(model))
    check_finite_weights(model)
    seen, measured, classes = split_samples(model, data, check, labels)
    (name,) = input_names(model)
    asked = [{name: next(batches_of(seen, batch_size or 1))}]
    shipped = padding_by_edges(model) if format == "litert" else model
    # How far the numbers are off is told, and judged by what it costs.
    program = program_of(shipped, batch_size=batch_size, batches=asked, tolerance=_ANY)
    job = _Job(program, seen, measured, classes, most_loss, batch_size)
    made: Callable[[Path], None] = {"onnx": job.write_onnx, "litert": job.write_litert}[format]

    def writer(fresh: Path) -> None:
        try:
            made(fresh)
        except (InputError, ImportError, ExportError):
            raise
        except Exception as error:
            # Converters and runtimes have errors of their own.
            raise refused(format, str(error)) from error

    exported = write(program, path, format, writer)
    return Quantized(
        exported, job.measure, job.before, job.after, job.changed, job.floats, job.layers,
        job.bytes_before, exported.path.stat().st_size,
    )  # fmt: skip


class _Job:
    """One quantisation."""

    def __init__(
        self,
        program: Program,
        seen: np.ndarray,
        measured: np.ndarray,
        classes: np.ndarray | None,
        most_loss: float,
        batch_size: int | None,
    ) -> None:
        self.program = program
        (self.input,) = program.inputs
        self.seen = seen
        self.measured = measured
        self.most_loss = most_loss
        self.rows = batch_size or _BATCH
        self.measure = "agreement" if classes is None else "accuracy"
        self.said = self._classes(lambda arrays: program.answer(arrays))
        self.classes = self.said if classes is None else classes
        self.before = float((self.said == self.classes).mean())
        self.changed = 0.0
        self.after = 0.0
        self.floats: list[str] = []
        self.layers = pd.DataFrame(columns=["layer", "decibels", "stability"])
        self.bytes_before = 0
        self.halves: list[dict[str, tuple[float, float]]] = []

    def write_onnx(self, path: Path) -> None:
        """Write an ONNX file that is good enough."""
        with tempfile.TemporaryDirectory() as folder:
            real = Path(folder, "real.onnx")
            prepared = Path(folder, "prepared.onnx")
            write_onnx(self.program.serve, self.program.inputs, (), real)
            self.bytes_before = real.stat().st_size
            prepare(real, prepared)
            names = multiplying(prepared)
            if not names:
                raise ExportError(
                    explain(
                        "The model multiplies by no weights, and nothing was written",
                        "models with convolutions or dense layers",
                        "Call kc.export.export_model instead.",
                    ),
                    "multiplies by no weights",
                )
            halves = np.array_split(self.seen, 2)
            self.halves = [self._ranges(prepared, half, Path(folder)) for half in halves]
            self._quantized(prepared, path, [])
            self.layers = self._judged(prepared, path, Path(folder))
            judged = self.layers.sort_values("decibels")["layer"].tolist()
            # Of a layer whose numbers are the answer itself the runtime tells no range.
            worst = [*judged, *(name for name in names if name not in judged)]
            step = 1
            while self._loses(path):
                if len(self.floats) == len(names):
                    raise self._too_bad()
                self.floats = worst[: len(self.floats) + step]
                step *= 2
                self._quantized(prepared, path, self.floats)

    def write_litert(self, path: Path) -> None:
        """Write a file for LiteRT, if it is good enough."""
        with tempfile.TemporaryDirectory() as folder:
            real = Path(folder, "real.tflite")
            write_litert(self.program.serve, self.program.inputs, self.program.tracked, real)
            self.bytes_before = real.stat().st_size

        def samples() -> Iterator[list[np.ndarray]]:
            for batch in batches_of(self.seen, self.program.inputs[self.input].shape[0] or 1):
                yield [batch]

        write_litert(self.program.serve, self.program.inputs, self.program.tracked, path, samples)
        if self._loses(path):
            raise self._too_bad()

    def _loses(self, path: Path) -> bool:
        try:
            found = self._classes(start(path))
        except Exception as error:
            # Each runtime has errors of its own.
            raise refused("onnx" if path.suffix == ".onnx" else "litert", str(error)) from error
        self.after = float((found == self.classes).mean())
        self.changed = float((found != self.said).mean())
        return loses(self.before, self.after, self.most_loss)

    def _too_bad(self) -> ExportError:
        return ExportError(
            explain(
                f"In eight bits the {self.measure} falls from {self.before:.1%} to "
                f"{self.after:.1%} on {len(self.measured)} samples, and nothing was written",
                f"a loss of at most {self.most_loss:.1%}",
                "Give more samples, in the preparation the model was trained with, or raise "
                "most_loss.",
            ),
            f"loses {self.before - self.after:.1%}",
        )

    def _classes(self, answer: Callable[[dict[str, np.ndarray]], Any]) -> np.ndarray:
        found = []
        for batch in batches_of(self.measured, self.rows):
            (output,) = answer({self.input: batch}).values()
            found.append(np.asarray(output).argmax(axis=-1))
        return np.concatenate(found)[: len(self.measured)]

    def _reader(self, samples: np.ndarray) -> Any:
        from onnxruntime.quantization import CalibrationDataReader

        batches = batches_of(samples, self.rows)
        name = self.input

        class Reader(CalibrationDataReader):
            """The samples, batch by batch."""

            def get_next(self) -> dict[str, np.ndarray] | None:
                batch = next(batches, None)
                return None if batch is None else {name: batch}

        return Reader()

    def _quantized(self, prepared: Path, path: Path, floats: Sequence[str]) -> None:
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            quantize_static(
                prepared,
                path,
                self._reader(self.seen),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                reduce_range=not multiplies_bytes(),
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=[*floats, *squashing(prepared)],
                extra_options={"TensorQuantOverrides": self._shared_ranges(prepared)},
            )

    def _shared_ranges(self, prepared: Path) -> dict[str, list[dict[str, Any]]]:
        """The one range of tensors that come together, as the runtime wants to be told of it."""
        ends = {
            name: [end for half in self.halves for end in half[name]] for name in self.halves[0]
        }
        largest = {name: max(map(abs, found)) for name, found in ends.items()}
        told: dict[str, list[dict[str, Any]]] = {}
        for group in joined(prepared, largest):
            low, high = (
                np.float32(end(number for name in group for number in ends[name]))
                for end in (min, max)
            )
            told |= dict.fromkeys(group, [{"rmin": low, "rmax": high}])
        return told

    def _judged(self, prepared: Path, quantized: Path, folder: Path) -> pd.DataFrame:
        """Signal to noise and stability of every layer that multiplies."""
        # A rectifier behind a layer becomes its range: the layer then makes what that made.
        outputs = multiplying(quantized)
        sample = {self.input: next(batches_of(self.measured, self.rows))}
        answers = []
        for number, source in enumerate((prepared, quantized)):
            told = folder / f"told{number}.onnx"
            tell(source, list(outputs.values()), told)
            answers.append(start(told)(sample))
        rows = []
        for layer, output in outputs.items():
            if output not in answers[0]:
                continue
            real, noisy = (each[output].astype("float64") for each in answers)
            noise = np.clip(noisy, real.min(), real.max()) - real
            power, lost = (max(float((each**2).mean()), 1e-30) for each in (real, noise))
            one, other = (max(map(abs, each.get(output, [np.nan]))) for each in self.halves)
            stability = max(one, other) / max(min(one, other), 1e-30)
            rows.append((layer, 10 * np.log10(power / lost), stability))
        return pd.DataFrame(rows, columns=["layer", "decibels", "stability"])

    def _ranges(
        self, prepared: Path, samples: np.ndarray, folder: Path
    ) -> dict[str, tuple[float, float]]:
        """The least and the largest number of every map."""
        from onnxruntime.quantization.calibrate import create_calibrator

        calibrator = create_calibrator(prepared, None, str(folder / "ranges.onnx"))
        calibrator.collect_data(self._reader(samples))
        return {
            name: (float(np.ravel(found.lowest)[0]), float(np.ravel(found.highest)[0]))
            for name, found in calibrator.compute_data().items()
        }


def loses(before: float, after: float, most_loss: float) -> bool:
    """Whether a share of samples falls by more than is admitted."""
    # One sample of a hundred is 0.010000000000000009 of them.
    return before - after > most_loss + 1e-9


def batches_of(samples: np.ndarray, rows: int) -> Iterator[np.ndarray]:
    """Batches of one size, as a file may ask for; the last sample fills the last one."""
    for first in range(0, len(samples), rows):
        batch = samples[first : first + rows]
        yield np.concatenate([batch, np.repeat(batch[-1:], rows - len(batch), axis=0)])
