"""The statistics of batch normalisation, estimated anew for weights that were never trained.

A network whose weights are moved has other means and variances before each normalisation than those
it has kept. Garipov, Izmailov, Podoprikhin, Vetrov, Wilson, "Loss surfaces, mode connectivity, and
fast ensembling of DNNs", NeurIPS 2018, estimate them again at every point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
from keras import layers, ops, tree

from keras_classics.core.keras_internals import layers_within
from keras_classics.core.types import Tensor

# Mean and mean square of what each normalisation is given.
Moments = list[tuple[Tensor, Tensor]]


class BatchStatistics:
    """The batch normalisations of a model, and what they would see.

    Args:
        model: Any built model, with whatever models and wrappers hold its normalisations.
    """

    def __init__(self, model: keras.Model) -> None:
        self.variables = list(model.weights)
        self.model = model
        within = layers_within(model)
        self._layers = [each for each in within if isinstance(each, layers.BatchNormalization)]

    def zeros(self) -> Moments:
        """Zeros of the shapes that `moments` gives."""
        shapes = [tuple(layer.moving_mean.shape) for layer in self._layers]
        return [(ops.zeros(shape, "float32"), ops.zeros(shape, "float32")) for shape in shapes]

    def moments(self, values: Sequence[Tensor], inputs: Any) -> Moments:
        """What the normalisations see of one batch, each after those before it normalise by it.

        Dropout is off.

        Args:
            values: One for each of `model.weights`.
            inputs: A batch of what the model takes.

        Returns:
            For each normalisation the mean and the mean square of every channel, float32; of one
            that is not called those it has.
        """
        seen: dict[int, Moments] = {}

        def by_the_batch(
            layer: layers.BatchNormalization, inputs: Tensor, training: Any = None, mask: Any = None
        ) -> Tensor:
            axis = layer.axis % len(inputs.shape)
            others = [n for n in range(len(inputs.shape)) if n != axis]
            mean, variance = ops.moments(ops.cast(inputs, "float32"), others)
            seen.setdefault(id(layer), []).append((mean, variance + mean**2))
            # Known to the scope only: the layer itself keeps what it has.
            layer.moving_mean.assign(mean)
            layer.moving_variance.assign(variance)
            return type(layer).call(layer, inputs, training=False, mask=mask)

        with keras.StatelessScope(zip(self.variables, values, strict=True)):
            with _called_as(self._layers, by_the_batch):
                self.model(inputs, training=False)
            return [
                tuple(
                    sum(parts) / len(parts)
                    for parts in zip(*seen.get(id(layer), [_kept(layer)]), strict=True)
                )
                for layer in self._layers
            ]

    def replaced(self, values: Sequence[Tensor], moments: Moments) -> list[Tensor]:
        """The values of a model's weights with other statistics.

        Args:
            values: One for each of `model.weights`.
            moments: As `moments` gives them, or their mean over several batches.
        """
        fresh: dict[int, Tensor] = {}
        for layer, (mean, square) in zip(self._layers, moments, strict=True):
            fresh[id(layer.moving_mean)] = mean
            fresh[id(layer.moving_variance)] = ops.maximum(square - mean**2, 0)
        pairs = zip(self.variables, values, strict=True)
        return [fresh.get(id(variable), value) for variable, value in pairs]


def _kept(layer: layers.BatchNormalization) -> tuple[Tensor, Tensor]:
    mean, variance = (
        ops.cast(each.value, "float32") for each in (layer.moving_mean, layer.moving_variance)
    )
    return mean, variance + mean**2


@contextmanager
def _called_as(
    normalizations: Sequence[layers.BatchNormalization], function: Callable[..., Tensor]
) -> Iterator[None]:
    """Let layers be called otherwise, wherever they are, as long as a model is traced."""
    for layer in normalizations:
        layer.call = partial(function, layer)
    try:
        yield
    finally:
        for layer in normalizations:
            del layer.call


def ordered(model: keras.Model, inputs: Any) -> list[Tensor]:
    """What a model is given, in the order of `model.inputs`.

    Args:
        model: A functional model.
        inputs: One tensor, or a list, tuple or dictionary of them, as the model takes them.
    """
    names = [each.name for each in model.inputs]
    if isinstance(inputs, dict) and set(names) <= set(inputs):
        return [inputs[name] for name in names]
    return tree.flatten(inputs)
