"""Exported files opened by the runtime each is meant for, and by nothing else.

This file needs NumPy and that runtime only. Run as a program, it forbids Keras and this package,
answers the questions of a list, and so shows that an exported file needs neither:

    python reopening.py JOBS.json     # [{"path": ..., "questions": [.npz], "answers": [.npz]}, ...]
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

Arrays = Mapping[str, np.ndarray]

# The file that makes a folder a SavedModel.
SAVED_MODEL = "saved_model.pb"


class Spec(NamedTuple):
    """A tensor without its values.

    Attributes:
        shape: Its sizes; None is any size.
        dtype: `"float32"`, `"int32"`, ..., or `"string"`.
    """

    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True)
class Reopened:
    """An exported model: call it with arrays by name, get arrays by name. Texts are bytes.

    Attributes:
        inputs: What it takes, by name.
        outputs: What it returns, by name.
        run: The runtime's function.
    """

    inputs: Mapping[str, Spec]
    outputs: Mapping[str, Spec]
    run: Callable[[Arrays], Arrays]

    def __call__(self, inputs: Arrays) -> dict[str, np.ndarray]:
        """Answers to one batch."""
        return {name: plain(array) for name, array in self.run(inputs).items()}


def start(path: Path, threads: int | None = None) -> Reopened:
    """Open a SavedModel folder, a `.tflite` or an `.onnx` file; each runtime has its own errors.

    Args:
        path: The file or folder.
        threads: Threads of an operation; by default what the runtime takes, which is one in LiteRT.
            TensorFlow has as many as its process.
    """
    if Path(path).suffix == ".tflite":
        return _litert(str(path), threads)
    if Path(path).suffix == ".onnx":
        return _onnx(str(path), threads)
    return _saved_model(str(path))


def plain(values: ArrayLike) -> np.ndarray:
    """An array in which texts are bytes of a fixed width, as files can hold."""
    array = np.asarray(values)
    if array.dtype.kind not in "OUS":
        return array
    texts = [each if isinstance(each, bytes) else str(each).encode() for each in array.ravel()]
    return np.array(texts or [b""], "S")[: array.size].reshape(array.shape)


def _saved_model(path: str) -> Reopened:
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    signature = loaded.signatures["serving_default"]

    def spec(tensor: tf.TensorSpec) -> Spec:
        return Spec(tuple(tensor.shape.as_list()), tensor.dtype.name)

    def run(arrays: Arrays) -> Arrays:
        # By way of `loaded`: who only keeps the function loses its variables.
        found = loaded.signatures["serving_default"](
            **{name: tf.constant(array) for name, array in arrays.items()}
        )
        return {name: tensor.numpy() for name, tensor in found.items()}

    inputs = signature.structured_input_signature[1]
    return Reopened(
        {name: spec(tensor) for name, tensor in inputs.items()},
        {name: spec(tensor) for name, tensor in signature.structured_outputs.items()},
        run,
    )


def _litert(path: str, threads: int | None) -> Reopened:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=path, num_threads=threads).get_signature_runner()

    def specs(details: Mapping[str, Mapping[str, Any]]) -> dict[str, Spec]:
        return {name: spec(each) for name, each in details.items()}

    def spec(details: Mapping[str, Any]) -> Spec:
        dtype = np.dtype(details["dtype"])
        shape = tuple(None if size < 0 else int(size) for size in details["shape_signature"])
        return Spec(shape, "string" if dtype.kind in "OS" else dtype.name)

    inputs, outputs = runner.get_input_details(), runner.get_output_details()
    return Reopened(specs(inputs), specs(outputs), lambda arrays: runner(**arrays))


def _onnx(path: str, threads: int | None) -> Reopened:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = {"float": "float32", "double": "float64"}

    def specs(tensors: Iterable[onnxruntime.NodeArg]) -> dict[str, Spec]:
        return {tensor.name: spec(tensor) for tensor in tensors}

    def spec(tensor: onnxruntime.NodeArg) -> Spec:
        kind = tensor.type.removeprefix("tensor(").removesuffix(")")
        # Any size has a name.
        shape = tuple(size if isinstance(size, int) else None for size in tensor.shape)
        return Spec(shape, names.get(kind, kind))

    def run(arrays: Arrays) -> Arrays:
        # What does not matter to the outputs is not in the file.
        given = {name: _texts(arrays[name]) for name in inputs}
        return dict(zip(outputs, session.run(list(outputs), given), strict=True))

    inputs, outputs = specs(session.get_inputs()), specs(session.get_outputs())
    return Reopened(inputs, outputs, run)


def start_in_openvino(path: Path, threads: int) -> Reopened:
    """Open an `.onnx` file in the other runtime that reads them, in the precision it has.

    Args:
        path: The file.
        threads: Threads of an operation.
    """
    import openvino

    # By default it takes 16 bits where the processor has them.
    exact = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(str(path), "CPU", exact)

    def specs(tensors: Iterable[Any]) -> dict[str, Spec]:
        return {each.any_name: spec(each) for each in tensors}

    def spec(tensor: Any) -> Spec:
        sizes = (side.get_length() if side.is_static else None for side in tensor.partial_shape)
        return Spec(tuple(sizes), tensor.element_type.to_dtype().name)

    def run(arrays: Arrays) -> Arrays:
        found = model({name: arrays[name] for name in inputs})
        return {name: found[name] for name in outputs}

    inputs, outputs = specs(model.inputs), specs(model.outputs)
    return Reopened(inputs, outputs, run)


def _texts(array: np.ndarray) -> np.ndarray:
    """Bytes as ONNX Runtime takes them."""
    if array.dtype.kind != "S":
        return array
    return np.array([each.decode() for each in array.ravel()], object).reshape(array.shape)


def answer(jobs: Iterable[Mapping]) -> list[str | None]:
    """Answer the questions of every job, a job's failure being its own; returns what failed."""
    failures: list[str | None] = []
    for job in jobs:
        try:
            model = start(job["path"])
            for question, reply in zip(job["questions"], job["answers"], strict=True):
                with np.load(question) as inputs:
                    found: dict[str, Any] = model(dict(inputs))
                    np.savez(reply, **found)
            failures.append(None)
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error}")
    return failures


def _forbid(*names: str) -> None:
    """Make imports of these fail from now on."""
    loaded = [name for name in sys.modules if name.split(".")[0] in names]
    for name in (*names, *loaded):
        # What Python looks for there; its own types leave it out.
        sys.modules[name] = None  # type: ignore[assignment]


def _main(path: str) -> None:
    jobs = json.loads(Path(path).read_text("utf-8"))
    _forbid("keras_classics")
    if any(reopens_with_tensorflow(job["path"]) for job in jobs):
        # It imports Keras itself.
        import tensorflow  # noqa: F401
    else:
        _forbid("tensorflow")
    _forbid("keras")
    print(json.dumps(answer(jobs)))


def reopens_with_tensorflow(path: str | os.PathLike) -> bool:
    """Whether a file is a SavedModel."""
    return Path(path).suffix not in (".tflite", ".onnx")


if __name__ == "__main__":
    _main(sys.argv[1])
