"""How TensorFlow writes a function in each format."""

from __future__ import annotations

import contextlib
import logging
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_classics.core.errors import InputError, explain
from keras_classics.export.reopening import Spec

if TYPE_CHECKING:
    import onnx

# The newest set of operations that tf2onnx writes.
OPSET = 18

Tracked = Sequence[Any]


class ExportError(InputError):
    """A model cannot be had in a format, or not exactly enough.

    Attributes:
        reason: Why, in a few words, for tables.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def write_saved_model(
    serve: Callable, inputs: Mapping[str, Spec], tracked: Tracked, path: Path
) -> None:
    """Write a folder with one endpoint, `serve`."""
    archive = keras.export.ExportArchive()
    for each in tracked:
        # Of layers the endpoint's own variables are written; tracked, they would be there twice.
        if not isinstance(each, keras.Layer):
            archive.track(each)
    with _traced():
        archive.add_endpoint("serve", serve, _signature(inputs))
        archive.write_out(str(path), verbose=False)


def write_litert(
    serve: Callable,
    inputs: Mapping[str, Spec],
    tracked: Tracked,
    path: Path,
    samples: Callable[[], Iterable[list[np.ndarray]]] | None = None,
) -> None:
    """Write a file of built-in operations only: the interpreters of phones have no others.

    Args:
        serve: From a tensor for each input to a dict of tensors.
        inputs: Name, shape and dtype of every input.
        tracked: What the function uses.
        path: The file.
        samples: Gives inputs by which numbers are made to fit eight bits; None for real numbers.
    """
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        write_saved_model(serve, inputs, tracked, Path(folder))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.experimental_enable_resource_variables = True
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if samples is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = samples
        try:
            content = converter.convert()
        except Exception as error:
            raise refused("litert", str(error)) from error
    path.write_bytes(content)


def write_onnx(serve: Callable, inputs: Mapping[str, Spec], tracked: Tracked, path: Path) -> None:
    """Write a file; tf2onnx finds by itself what the function uses."""
    path.write_bytes(onnx_graph(serve, inputs).SerializeToString())


def onnx_graph(serve: Callable, inputs: Mapping[str, Spec]) -> onnx.ModelProto:
    """A function as ONNX has it."""
    import tensorflow as tf
    import tf2onnx

    signature = _signature(inputs)
    function = tf.function(serve, input_signature=signature, autograph=False)
    with _inlined(), _traced():
        function.get_concrete_function()
    log = logging.getLogger("tf2onnx")
    level = log.level
    # What matters of its complaints is raised below.
    log.setLevel(logging.CRITICAL)
    try:
        model, _ = tf2onnx.convert.from_function(function, signature, opset=OPSET)
    except Exception as error:
        raise refused("onnx", str(error)) from error
    finally:
        log.setLevel(level)
    if unknown := _unknown_operations(model.graph):
        # tf2onnx leaves them as they were.
        raise refused("onnx", ", ".join(sorted(unknown)), unknown)
    return model


WRITERS = {"saved_model": write_saved_model, "litert": write_litert, "onnx": write_onnx}


def refused(format: str, text: str, operations: Iterable[str] = ()) -> ExportError:
    """What the user should know of a converter's or a runtime's complaint.

    Args:
        format: The format that was asked for.
        text: The complaint.
        operations: Those that the format lacks; read in the complaint by default.
    """
    operations = sorted({*operations} or {*re.findall(r"'tf\.(\w+)' op is neither", text)})
    remedy = "Choose another format."
    if operations:
        reason = f"no operation for {', '.join(operations)}"
    elif format == "litert" and "requires element_shape to be static" in text:
        reason = "loops need a batch of a fixed size"
        remedy = "Give batch_size=1, or choose another format."
    else:
        # Names of functions and nodes, behind colons, differ from run to run.
        line = next(iter(text.strip().splitlines()), "it gives no reason")
        reason = line.split(" : ")[-1].split(": ")[0][:120]
        if format == "litert":
            remedy = "Give batch_size=1 and a fixed size, or choose another format."
    return ExportError(
        explain(
            f"The model cannot be had as {format} ({reason})",
            f"what {format} and its converter have operations for",
            remedy,
        ),
        reason,
    )


def _unknown_operations(graph: onnx.GraphProto) -> set[str]:
    """Operations of a graph, and of the loops in it, that ONNX does not have."""
    import onnx

    known = {schema.name for schema in onnx.defs.get_all_schemas()}
    found = set()
    for node in graph.node:
        if node.op_type not in known:
            found.add(node.op_type)
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                found |= _unknown_operations(attribute.g)
    return found


def _signature(inputs: Mapping[str, Spec]) -> list:
    import tensorflow as tf

    return [tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in inputs.items()]


@contextlib.contextmanager
def _traced() -> Iterator[None]:
    """Say what a layer lacks that wants to know sizes while a graph is made."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OperatorNotAllowedInGraphError as error:
        found = re.search(r"when calling (\w+)\.call", str(error))
        layer = f"its {found[1]}" if found else "a layer of it"
        reason = f"{layer} wants to know sizes that the model leaves open"
        raise ExportError(
            explain(
                f"The model cannot be exported as it is ({reason})",
                "layers that take any size, or a model of a fixed one",
                "Give one size, such as size=64 and batch_size=1 to export_model or image_size=64 "
                "to export_segmenter, or put another layer in its place.",
            ),
            reason,
        ) from error


@contextlib.contextmanager
def _inlined() -> Iterator[None]:
    """Let functions that Keras compiles by XLA, such as grouped convolutions, stay no functions.

    tf2onnx cannot look into them.
    """
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)
