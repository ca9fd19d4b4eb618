"""Pictures of any size for models that were built for one."""

from __future__ import annotations

import keras

from keras_classics.core.errors import InputError, explain
from keras_classics.core.graph import check_functional


def any_size(model: keras.Model) -> keras.Model:
    """The same network for pictures of any height and width, with weights of its own.

    It answers pictures of the old size as the old one does. Networks that end in a pooling over all
    places, or have no classifier, can be so; dense layers behind a map of features cannot.

    Args:
        model: A functional model of pictures `(batch, height, width, channels)`.

    Raises:
        InputError: The architecture needs to know the size, or there is no picture among the
            inputs.
    """
    check_functional(model)
    inputs = [_opened(tensor) for tensor in model.inputs]
    try:
        if all(new.shape == old.shape for new, old in zip(inputs, model.inputs, strict=True)):
            raise ValueError("no input of it is a picture of a fixed size")
        opened = keras.models.clone_model(
            keras.Model(model.input, model.output, name=model.name),
            input_tensors=keras.tree.pack_sequence_as(model.input, inputs),
        )
        for layer in opened.layers:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    except (ValueError, TypeError) as error:
        raise only_its_own(model, error) from error
    return opened


def only_its_own(model: keras.Model, error: Exception) -> InputError:
    """What is told of a model that cannot take any size."""
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return InputError(
        explain(
            f"{model.name!r} cannot take pictures of any size ({reason})",
            "networks of convolutions and pooling over all places",
            "Leave the size as it is.",
        )
    )


def _opened(tensor: keras.KerasTensor) -> keras.KerasTensor:
    """A new input without height and width."""
    shape = tensor.shape[1:]
    if len(shape) == 3:
        shape = (None, None, shape[-1])
    return keras.Input(shape, dtype=tensor.dtype, name=tensor.name)
