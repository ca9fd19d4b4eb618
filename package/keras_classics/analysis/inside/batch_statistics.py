"""The statistics of batch normalisation, estimated anew for weights that were never trained.

A network whose weights are moved has other means and variances before each normalisation than those
it has kept. Garipov, Izmailov, Podoprikhin, Vetrov, Wilson, "Loss surfaces, mode connectivity, and
fast ensembling of DNNs", NeurIPS 2018, estimate them again at every point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
from keras import layers, ops, tree

from keras_classics.core.graph import Place, functional, has_graph, numbered_paths, run
from keras_classics.core.types import Tensor

# From weights and inputs to mean and mean square of each normalisation's input.
Moments = Callable[[Sequence[Tensor], Any], list[tuple[Tensor, Tensor]]]


class BatchStatistics:
    """The batch normalisations of a model, and what they would see.

    Those that other layers wrap, such as `TimeDistributed`, keep what they have.

    Args:
        model: A functional or built sequential model, with whatever models are nested in it.

    Attributes:
        places: For each of its normalisations where it is called.

    Raises:
        InputError: The model is subclassed or not built.
    """

    def __init__(self, model: keras.Model) -> None:
        self.variables = list(model.weights)
        self.model = functional(model)
        self.places: dict[int, list[Place]] = {}
        self._layers: list[layers.BatchNormalization] = []
        for place in numbered_paths(self.model.outputs):
            operation = place[-1].operation
            if isinstance(operation, layers.BatchNormalization) and not has_graph(operation):
                if id(operation) not in self.places:
                    self._layers.append(operation)
                self.places.setdefault(id(operation), []).append(place)

    def zeros(self) -> list[tuple[Tensor, Tensor]]:
        """Zeros of the shapes that `moments` gives."""
        shapes = [tuple(layer.moving_mean.shape) for layer in self._layers]
        return [(ops.zeros(shape, "float32"), ops.zeros(shape, "float32")) for shape in shapes]

    def moments(self, values: Sequence[Tensor], inputs: Any) -> list[tuple[Tensor, Tensor]]:
        """What the normalisations see of one batch, each after those before it normalise by it.

        Dropout is off.

        Args:
            values: One for each of `model.weights`.
            inputs: A batch of what the model takes.

        Returns:
            For each normalisation the mean and the mean square of every channel, float32.
        """
        seen: dict[int, list[tuple[Tensor, Tensor]]] = {}

        def by_the_batch(layer: layers.BatchNormalization, x: Tensor, **options: Any) -> Any:
            axis = layer.axis % len(x.shape)
            others = [n for n in range(len(x.shape)) if n != axis]
            mean, variance = ops.moments(ops.cast(x, "float32"), others)
            seen.setdefault(id(layer), []).append((mean, variance + mean**2))
            # Known to the scope only: the layer itself keeps what it has.
            layer.moving_mean.assign(mean)
            layer.moving_variance.assign(variance)
            return layer(x, **options)

        instead = {
            place: partial(by_the_batch, layer)
            for layer in self._layers
            for place in self.places[id(layer)]
        }
        with keras.StatelessScope(zip(self.variables, values, strict=True)):
            run(self.model, ordered(self.model, inputs), instead=instead)
        return [
            tuple(sum(parts) / len(parts) for parts in zip(*seen[id(layer)], strict=True))
            for layer in self._layers
        ]

    def replaced(
        self, values: Sequence[Tensor], moments: Sequence[tuple[Tensor, Tensor]]
    ) -> list[Tensor]:
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
