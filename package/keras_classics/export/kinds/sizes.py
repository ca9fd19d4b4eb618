"""Pictures of any size for models that were built for one."""

from __future__ import annotations

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.channels_last import check_layers
from keras_classics.core.graphs.graph import check_functional, functional, has_graph, same_layer
from keras_classics.core.keras_internals import deep_graphs


@deep_graphs()
@checked
def any_size(model: keras.Model) -> keras.Model:
    """The same network for pictures of any height and width, with weights of its own.

    It answers pictures of the old size as the old one does. Networks that end in a pooling over all
    places, or have no classifier, can be so; dense layers behind a map of features cannot.

    Args:
        model: A functional or built sequential model of pictures `(batch, height, width,
            channels)`; it may take any size already.

    Raises:
        InputError: The architecture needs to know the size, or there is no picture among the
            inputs.
    """
    check_functional(model)
    check_layers(model)
    pairs: list[tuple[keras.layers.Layer, keras.layers.Layer]] = []

    def opened(old: keras.Model) -> keras.Model:
        inputs = keras.tree.map_structure(_opened, old.input)
        return keras.models.clone_model(old, input_tensors=inputs, clone_function=clone)

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if has_graph(layer):
            # What is nested insists on the size it was built for.
            return opened(functional(layer))
        made = same_layer(layer)
        pairs.append((made, layer))
        return made

    try:
        if all(len(tensor.shape) != 4 for tensor in model.inputs):
            raise ValueError("no input of it is a picture")
        new = opened(functional(model))
        for made, layer in pairs:
            made.set_weights(layer.get_weights())
    except (ValueError, TypeError) as error:
        raise only_its_own(model, error) from error
    return new


def only_its_own(model: keras.Model, error: Exception) -> InputError:
    """What is told of a model that cannot take any size."""
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return InputError(
        f"{model.name!r} cannot take pictures of any size ({reason})",
        "networks of convolutions and pooling over all places",
        "Leave the size as it is.",
    )


def _opened(tensor: keras.KerasTensor) -> keras.KerasTensor:
    """A new input without height and width."""
    shape = tensor.shape[1:]
    if len(shape) == 3:
        shape = (None, None, shape[-1])
    return keras.Input(shape, dtype=tensor.dtype, name=tensor.name)
