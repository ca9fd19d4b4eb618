"""The loss of a model as a function of its place in a line, a plane, or any space of directions.

The weights of the model are never written: a point is one compiled function of them, of the
directions and of the distances, so that whatever interrupts it leaves the model as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from keras_classics.analysis.inside.batch_statistics import BatchStatistics
from keras_classics.analysis.inside.model_loss import Measure, model_loss
from keras_classics.analysis.inside.weight_directions import Direction, weights_of
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_whole
from keras_classics.core.graphs.gradients import compiled, unrecorded
from keras_classics.core.types import Tensor, Whole

STATISTICS = ("fixed", "interpolated", "re-estimated")
# Share of a variance that interpolation leaves of it at least, wherever a line leads.
LEAST_VARIANCE = 0.01


class LossSurface:
    """The loss of a model as a function of distances along directions, compiled once.

    It follows the weights as they train; the directions stay.

    Args:
        model: See `loss_landscape`.
        inputs: See `loss_landscape`.
        labels: See `loss_landscape`.
        directions: One or more.
        statistics: See `loss_landscape`.
        measure: See `loss_landscape`.
        batch_size: See `loss_landscape`.

    Raises:
        InputError: As `loss_landscape` says.

    Example:
        ```python
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        x, y = np.eye(2)[[0, 1, 0]], np.array([0, 1, 2])
        surface = kc.analysis.LossSurface(model, x, y, [kc.analysis.random_direction(model)])
        surface(0.0), surface(0.5)
        ```
    """

    @checked
    def __init__(
        self,
        model: keras.Model,
        inputs: Any,
        labels: Any,
        directions: Sequence[Direction],
        *,
        statistics: str = "fixed",
        measure: Measure | None = None,
        batch_size: Whole = 128,
    ) -> None:
        check_choice("statistics", statistics, STATISTICS)
        _check_directions(model, directions, statistics)
        data = tree.map_structure(np.asarray, (inputs, labels))
        self.batches = _Batches(data, check_whole("batch_size", batch_size))
        self.variables = list(model.weights)
        self.weights = weights_of(model)
        self.model = model
        self.moves_states = statistics == "interpolated"
        self.anew = BatchStatistics(model) if statistics == "re-estimated" else None
        self.loss = model_loss(model, measure, *self.batches.first())
        with unrecorded():
            self.parts = self.batches.tensors()
            self.steps = [
                [ops.convert_to_tensor(step, "float32") for step in way.steps] for way in directions
            ]
        self.evaluate = compiled(self._mean_loss)

    def __call__(self, *distances: float) -> float:
        """The loss at a point: a distance for each direction, in units of its length."""
        own = [ops.convert_to_tensor(each.value) for each in self.variables]
        with unrecorded():
            there = ops.convert_to_tensor(np.asarray(distances, "float32"))
            return float(ops.convert_to_numpy(self.evaluate(own, self.steps, there, self.parts)))

    def _mean_loss(
        self, own: list[Tensor], steps: list[list[Tensor]], distances: Tensor, parts: list[Any]
    ) -> Tensor:
        values = self._moved(own, steps, distances)
        anew = self.anew
        if anew is not None:
            seen = self.batches.mean(
                lambda inputs, labels: anew.moments(values, inputs), parts, anew.zeros()
            )
            values = anew.replaced(values, seen)
        return self.batches.mean(
            lambda *batch: self._batch_loss(values, *batch), parts, ops.zeros(())
        )

    def _moved(
        self, own: list[Tensor], steps: list[list[Tensor]], distances: Tensor
    ) -> list[Tensor]:
        values = []
        for number, (weight, value) in enumerate(zip(self.weights, own, strict=True)):
            state = self.moves_states and keras.backend.is_float_dtype(weight.variable.dtype)
            if weight.learned or state:
                there = ops.cast(value, "float32")
                for way, step in enumerate(steps):
                    there = there + distances[way] * step[number]
                if weight.variance:
                    there = ops.maximum(there, LEAST_VARIANCE * ops.cast(value, "float32"))
                value = ops.cast(there, weight.variable.dtype)
            values.append(value)
        return values

    def _batch_loss(self, values: list[Tensor], inputs: Any, labels: Any) -> Tensor:
        pairs = zip(self.variables, values, strict=True)
        with keras.StatelessScope(pairs, collect_losses=True):
            return self.loss(inputs, labels, self.model(inputs, training=False))


class _Batches:
    """Data as whole batches and a rest, so that one compiled loop goes over all of them.

    Args:
        data: (Nested) arrays of one length.
        size: Examples of a batch.

    Raises:
        InputError: There are none, or they are not of one length.
    """

    def __init__(self, data: Any, size: int) -> None:
        lengths = {len(each) if each.ndim else 0 for each in tree.flatten(data)}
        if len(lengths) != 1 or 0 in lengths:
            raise InputError(
                f"Arrays of {' and '.join(map(str, sorted(lengths)))} examples were given",
                "inputs and labels of the same examples, one or more",
                "Pass as many labels as there are inputs.",
            )
        self.data = data
        self.count = lengths.pop()
        self.size = min(size, self.count)
        self.whole = self.count // self.size

    def first(self) -> Any:
        """One batch, as tensors."""
        return tree.map_structure(lambda x: ops.convert_to_tensor(x[: self.size]), self.data)

    def tensors(self) -> list[Any]:
        """All batches of full size as one, with an axis in front; then the rest, if any."""
        end = self.whole * self.size

        def stacked(x: np.ndarray) -> Tensor:
            return ops.convert_to_tensor(x[:end].reshape(self.whole, self.size, *x.shape[1:]))

        parts = [tree.map_structure(stacked, self.data)]
        if end < self.count:
            parts.append(tree.map_structure(lambda x: ops.convert_to_tensor(x[end:]), self.data))
        return parts

    def mean(self, function: Callable[[Any, Any], Any], parts: list[Any], zeros: Any) -> Any:
        """The mean over all examples of (nested) means over batches.

        Args:
            function: From inputs and labels of a batch to them.
            parts: As `tensors` gives them.
            zeros: Of the structure and shapes of what the function gives, float32.
        """

        def step(summed: Any, batch: Any) -> tuple[Any, Any]:
            summed = tree.map_structure(lambda a, b: a + b, summed, function(*batch))
            # On TensorFlow what is collected has to look like what is carried.
            return summed, summed

        summed, _ = ops.scan(step, zeros, parts[0])
        share = self.size / self.count
        if len(parts) == 1:
            return tree.map_structure(lambda each: each * share, summed)
        left = 1 - self.whole * share
        rest = function(*parts[1])
        return tree.map_structure(lambda a, b: a * share + b * left, summed, rest)


def _check_directions(model: keras.Model, ways: Sequence[Direction], statistics: str) -> None:
    shapes = [tuple(each.shape) for each in model.weights]
    if not ways or any([x.shape for x in way.steps] != shapes for way in ways):
        raise InputError(
            f"{len(ways)} directions were given for the {len(shapes)} weights of {model.name!r}",
            "one direction or more, of the shapes of its weights",
            "Make them of this model: random_direction(model).",
        )
    if statistics == "interpolated" and not all(way.moves_statistics for way in ways):
        raise InputError(
            "statistics='interpolated' was given for a direction that has none",
            "directions to other trained networks",
            "Pass statistics='fixed', or take direction_to(model, other).",
        )
