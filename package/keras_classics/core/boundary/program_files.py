"""Exported models, which are programs: opened as they are, and not screened.

A SavedModel, a `.tflite` and an `.onnx` file may do whatever their runtime can, files included. Who
opens one trusts its origin; what can be had here is one sentence where it is damaged.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import reading

if TYPE_CHECKING:
    import keras

# The function that every exported model of this package has.
ENDPOINT = "serve"


@contextmanager
def opening_program(path: str | os.PathLike[str]) -> Iterator[None]:
    """Make one sentence of whatever goes wrong while a runtime opens an exported model.

    Args:
        path: The folder or file.

    Raises:
        InputError: The code under it raised anything else.
        ModuleNotFoundError: The runtime is not installed.
    """
    missing = None
    with reading(path, "a whole exported model", "Export it again, or fetch it again."):
        _check_files(Path(path))
        try:
            yield
        except ModuleNotFoundError as error:
            # The runtime, which is told in a sentence of its own.
            missing = error
    if missing is not None:
        raise missing


def _check_files(path: Path) -> None:
    """Refuse pipes and devices, which a runtime could wait for as long as the program lives."""
    for each in (path, *path.glob("*"), *path.glob("*/*")):
        if each.exists() and not (each.is_file() or each.is_dir()):
            raise ValueError(f"{each.name} in it is no ordinary file")


@checked
def load_saved_model(folder: str | os.PathLike[str]) -> Any:
    """Load a SavedModel, a program that is run as it is: only of an origin that you trust.

    Args:
        folder: Its folder.

    Returns:
        What `tf.saved_model.load` gives; its `serve` answers batches.

    Raises:
        InputError: The folder holds no SavedModel, a damaged one, or one without `serve`.
    """
    import tensorflow as tf

    with opening_program(folder):
        # By its true path: what is no folder on this disk TensorFlow would fetch from elsewhere.
        loaded = tf.saved_model.load(os.fspath(Path(folder).resolve(strict=True)))
        if not hasattr(loaded, ENDPOINT):
            raise ValueError(f"it has no function {ENDPOINT!r}")
        return loaded


@checked
def saved_model_network(folder: str | os.PathLike[str], inputs: keras.KerasTensor) -> keras.Model:
    """A SavedModel of one output as a Keras model, a program that is run as it is.

    Args:
        folder: Its folder, of an origin that you trust.
        inputs: What it takes, such as `keras.Input((None, None, 3))`.

    Returns:
        A model named as the folder is; its weights stay as they are.

    Raises:
        InputError: The folder holds no SavedModel, or a damaged one.
    """
    import keras

    with opening_program(folder):
        path = Path(folder).resolve(strict=True)
        answers = keras.layers.TFSMLayer(str(path), call_endpoint="serving_default")(inputs)
        model = keras.Model(inputs, next(iter(answers.values())), name=path.name)
    model.trainable = False
    return model


def signature_of(loaded: Any) -> tuple[dict[str, str], dict[str, str]]:
    """What a loaded SavedModel takes and gives by default: dtypes by name, in order of names.

    The file has no order of its own: a map in it is read back in another order each time.

    Args:
        loaded: What `load_saved_model` gives; without a default signature there are no names.
    """
    signature = loaded.signatures.get("serving_default")
    if signature is None:
        return {}, {}
    both = signature.structured_input_signature[1], signature.structured_outputs
    takes, gives = (
        {name: tensors[name].dtype.name for name in sorted(tensors)} for tensors in both
    )
    return takes, gives
