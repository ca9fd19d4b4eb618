"""Maximum poolings without infinities, which numbers of eight bits do not have."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from keras_classics.core.graphs.graph import same_layer
from keras_classics.core.keras_internals import deep_graphs
from keras_classics.core.types import Tensor
from keras_classics.layers.image.pooling import PaddedMaxPooling2D


class _EdgePooling(PaddedMaxPooling2D):
    """Pads by the edges: a window that reaches over one has it in it, and so the same maximum."""

    def padded(self, inputs: Tensor, before: int, after: Sequence[int]) -> Tensor:
        """See `PaddedMaxPooling2D`."""
        rows, columns = (max(0, each) for each in after)
        x = inputs
        if before or rows:
            x = ops.concatenate([*[x[:, :1]] * before, x, *[x[:, -1:]] * rows], axis=1)
        if before or columns:
            x = ops.concatenate([*[x[:, :, :1]] * before, x, *[x[:, :, -1:]] * columns], axis=2)
        return x


@deep_graphs()
def padding_by_edges(model: keras.Model) -> keras.Model:
    """The same function, in which maximum poolings see edges in place of minus infinity.

    Args:
        model: A functional model. Models nested in it stay as they are.

    Returns:
        The model, or a new one where it has such poolings.
    """
    if not any(isinstance(layer, PaddedMaxPooling2D) for layer in model.layers):
        return model

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, PaddedMaxPooling2D):
            return _EdgePooling.from_config(layer.get_config())
        return same_layer(layer)

    found = keras.models.clone_model(model, clone_function=clone)
    for layer in found.layers:
        if layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return found
