"""Any model as it is: its inputs in, its outputs out."""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Sequence

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, is_whole
from keras_classics.core.graphs.graph import functional
from keras_classics.core.keras_internals import layers_within, maker
from keras_classics.core.shapes import agree
from keras_classics.core.types import Count, Tensor
from keras_classics.export.folding import fold as folded
from keras_classics.export.folding import foldable
from keras_classics.export.formats import (
    HALF_TOLERANCE,
    TOLERANCE,
    Exported,
    Program,
    require_tensorflow,
    write,
)
from keras_classics.export.kinds.sizes import any_size, only_its_own
from keras_classics.export.reopening import Arrays, Spec
from keras_classics.export.sample_inputs import sample_inputs
from keras_classics.layers.recurrent.decoder import RecurrentDecoder
from keras_classics.layers.recurrent.one_hot import OneHot


@checked
def export_model(
    model: keras.Model,
    path: str | os.PathLike,
    format: str = "saved_model",
    *,
    fold: bool = True,
    batch_size: Count | None = None,
    size: int | str | None = None,
    batches: Sequence[Arrays] | None = None,
    tolerance: float | None = None,
) -> Exported:
    """Write a model as a SavedModel, for LiteRT or as ONNX, and check the file.

    The file takes the model's inputs by their names and returns a dict of its outputs, in every
    format alike. After writing it is reopened and asked about two batches of different sizes; only
    if it says what the model says does it come to stand at `path`. Batches are of any size.

        kc.export.export_model(model, "resnet.onnx", "onnx", size="any")

    LiteRT runs loops, and so recurrent layers, on batches of a fixed size only (`batch_size=1`),
    and attention on sequences of a fixed length only (`size=20`).

    Args:
        model: A functional model, or a sequential one.
        path: Folder of a SavedModel, or file ending in `.tflite` or `.onnx`.
        format: `"saved_model"`, `"litert"` or `"onnx"`.
        fold: Fold batch normalisation and Dirac kernels away first, see `kc.export.fold`.
        batch_size: Rows of a batch; any number by default.
        size: `"any"` for pictures of any height and width, where the architecture allows it, also
            of models that take any size already; a number in place of every size the model leaves
            open, such as the length of sequences; by default as the model has it.
        batches: What the file is asked about, arrays by input; made up by default.
        tolerance: How far its numbers may be off, as a share where they are above 1. By default
            1e-4, and 0.03 for models that compute in half precision.

    Returns:
        What was written, and how far it is off.

    Raises:
        ExportError: The format cannot express the model, or the file differs from it. Nothing is
            left behind.
        InputError: The model has no graph of layers, the architecture does not allow any size, the
            path does not fit the format or cannot be written, the backend is not TensorFlow, or an
            argument is none of the above.
        ImportError: A library of the format is not installed; the message names the extra.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        kc.export.export_model(model, "lenet")  # a SavedModel, batch norms folded
        shipped = kc.export.load_saved_model("lenet")  # or tf.saved_model.load
        shipped.serve(np.zeros((2, 32, 32, 1), "float32"))
        ```
    """
    require_tensorflow(format, path)
    program = program_of(
        model, fold=fold, batch_size=batch_size, size=size, batches=batches, tolerance=tolerance
    )
    return write(program, path, format)


def program_of(
    model: keras.Model,
    *,
    fold: bool = True,
    batch_size: int | None = None,
    size: int | str | None = None,
    batches: Sequence[Arrays] | None = None,
    tolerance: float | None = None,
) -> Program:
    """A model as what is shipped; the arguments are those of `export_model`."""
    model = functional(model)
    if is_whole(size) and operator.index(size) > 0:
        size = operator.index(size)
    elif size not in (None, "any"):
        raise InputError(
            f"size={size!r} was given",
            "'any', a positive number, or None",
            "Leave size out to keep the model's own.",
        )
    sized = any_size(model) if size == "any" else model
    shipped = folded(sized) if fold and foldable(sized) else sized
    names = output_names(model)

    def serve(*tensors: Tensor) -> dict[str, Tensor]:
        inputs = keras.tree.pack_sequence_as(shipped.input, tensors)
        return dict(zip(names, keras.tree.flatten(shipped(inputs, training=False)), strict=True))

    def expected(inputs: Arrays) -> dict[str, np.ndarray]:
        arrays = [inputs[name] for name in specs]
        # The model that was given, wherever it takes what is asked.
        own = all(map(_fits, arrays, model.inputs))
        asked = model if own else sized
        outputs = asked(keras.tree.pack_sequence_as(asked.input, arrays), training=False)
        return {
            name: keras.ops.convert_to_numpy(output)
            for name, output in zip(names, keras.tree.flatten(outputs), strict=True)
        }

    specs = {
        name: _spec(tensor, batch_size, size)
        for name, tensor in zip(input_names(model), sized.inputs, strict=True)
    }
    if tolerance is None:
        types = {layer.compute_dtype for layer in layers_within(model)}
        half = bool(types & {"float16", "bfloat16"})
        tolerance = HALF_TOLERANCE if half else TOLERANCE
    side = _own_side(model)
    if size == "any" and side and batches is None:
        batches = _own_and_larger(model, specs, side)
        try:
            expected(batches[1])
        except Exception as error:
            # Some take multiples of a size only, which their layers tell in ways of their own.
            raise only_its_own(model, error) from error
    return Program(
        serve=serve,
        inputs=specs,
        tracked=(shipped,),
        expected=expected,
        batches=batches,
        largest_id=largest_id(model),
        tolerance=tolerance,
    )


def input_names(model: keras.Model) -> list[str]:
    """Names of a model's inputs, as its input layers have them."""
    return [_identifier(tensor.name) for tensor in model.inputs]


def output_names(model: keras.Model) -> list[str]:
    """Names of a model's outputs: their keys where it returns a dict, else those of the layers."""
    names: list[str] = []
    for path, tensor in keras.tree.flatten_with_path(functional(model).output):
        keyed = any(isinstance(part, str) for part in path)
        wanted = "_".join(map(str, path)) if keyed else maker(tensor).operation.name
        name, number = wanted, 0
        # A layer may have several outputs, and a name means one thing in a file.
        while _identifier(name) in (*names, *input_names(model)):
            number += 1
            name = f"{wanted}_{number}"
        names.append(_identifier(name))
    return names


def largest_id(model: keras.Model) -> int:
    """The largest id that every embedding of a model knows, as far as that can be seen."""
    attributes = {keras.layers.Embedding: "input_dim", OneHot: "size",
                  RecurrentDecoder: "vocabulary_size"}  # fmt: skip
    sizes = [
        getattr(layer, attribute)
        for layer in layers_within(model)
        for kind, attribute in attributes.items()
        if isinstance(layer, kind)
    ]
    return min(sizes, default=2) - 1


def _spec(tensor: keras.KerasTensor, batch_size: Count | None, size: int | str | None) -> Spec:
    fixed = size if isinstance(size, int) else None
    rest = [fixed if axis is None else axis for axis in tensor.shape[1:]]
    return Spec((batch_size, *rest), tensor.dtype)


def _own_side(model: keras.Model) -> int | None:
    """A side of the pictures a model was built for; None where it takes any size."""
    sides = [side for x in model.inputs if len(x.shape) == 4 for side in x.shape[1:3]]
    return next(filter(None, sides), None)


def _own_and_larger(model: keras.Model, specs: dict[str, Spec], side: int) -> list[Arrays]:
    """A batch of the size the model was built for, and one of larger pictures."""
    own = {
        name: Spec((spec.shape[0], *tensor.shape[1:]), spec.dtype)
        for (name, spec), tensor in zip(specs.items(), model.inputs, strict=True)
    }
    return [
        sample_inputs(own, batch=3, size=side),
        sample_inputs(specs, batch=1, size=side + 13, seed=1),
    ]


def _fits(array: np.ndarray, tensor: keras.KerasTensor) -> bool:
    return agree(array.shape[1:], tensor.shape[1:])


def _identifier(name: str) -> str:
    """A name that every format takes."""
    return re.sub(r"\W", "_", name)
