"""Several optimizers as one, each for weights of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, shown
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Name, Optimizer, Tensor
from keras_classics.training.optimizers import nested


@registered
class DividedOptimizer(keras.optimizers.Optimizer):
    """Several optimizers in the place of one, each of which moves its own part of the weights.

    So what trains several networks at once is trained by Keras's own step, on every backend, under
    strategies and with scaled losses. All parts move at once, by gradients of one point.

    Its learning rate is that of the first part, and setting it, as callbacks do, moves those of the
    others in proportion; of a rate of 0 the last proportion before it is kept. Schedules are given
    to the parts.

    Args:
        optimizers: Keras optimizers, or their names, one for each part.
        name: Name of the optimizer.

    Raises:
        InputError: One object is given twice, or a part scales its loss; when it is built, the
            parts are not those of the weights; in a step, weights are trained that were not when it
            was built.
    """

    @checked
    def __init__(self, optimizers: Sequence[Optimizer], name: Name = "divided") -> None:
        # Keras wants a variable for a rate; those in use are the ones of the parts.
        super().__init__(learning_rate=0.0, name=name)
        found = [keras.optimizers.get(each) for each in optimizers]
        if not found or len({id(each) for each in found}) < len(found):
            raise InputError(
                f"{len(found)} optimizers were given, of which {len({*map(id, found)})} are "
                "different objects",
                "one object for each part of the weights",
                "Make an optimizer for each, such as keras.optimizers.Adam(2e-4, beta_1=0.5).",
            )
        for part in found:
            _refuse_scaling(part)
        self.parts = found
        self.shares = (1.0,) * len(found)
        self._keep_shares()
        self.groups: Callable[[], list[list[keras.Variable]]] = list

    def divide(self, groups: Sequence[Sequence[keras.Variable]]) -> None:
        """Say which weights each optimizer moves, before the first step.

        Args:
            groups: The weights of each, in the order of the optimizers.
        """
        # In a function: variables in an attribute Keras takes for states of the optimizer.
        self.groups = partial(list, [list(group) for group in groups])

    def build(self, variables: list[keras.Variable]) -> None:
        """Create the states of all parts."""
        groups = self.groups()
        told = sorted(id(each) for group in groups for each in group)
        if len(groups) != len(self.parts) or told != sorted(map(id, variables)):
            raise InputError(
                f"{len(told)} weights in {len(groups)} parts were told, and the model has "
                f"{len(variables)} weights that are trained and {len(self.parts)} optimizers",
                "every weight that is trained in one part",
                "Call divide(groups) with the trainable_variables of each network.",
            )
        for optimizer, group in zip(self.parts, groups, strict=True):
            optimizer.build(group)
        super().build(variables)
        self.trained: Callable[[], list[keras.Variable]] = partial(list, variables)

    @property
    def learning_rate(self) -> Any:
        """That of the first part."""
        return self.parts[0].learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        # Keras's schedules are called too.
        if callable(value):
            raise InputError(
                f"{shown(value)} was given as the rate of {len(self.parts)} optimizers, in "
                "proportion",
                "a number",
                "Give each part one: optimizer.parts[0].learning_rate = schedule, and so on.",
            )
        self._keep_shares()
        for part, share in zip(self.parts, self.shares, strict=True):
            part.learning_rate = value * share

    def _keep_shares(self) -> None:
        """What part each rate is of the first, which of a rate of 0 none is."""
        # A strategy's variable is no number, but what is reckoned from it is.
        rates = [float(keras.ops.multiply(part.learning_rate, 1.0)) for part in self.parts]
        if rates[0] > 0 and all(map(math.isfinite, rates)):
            self.shares = tuple(rate / rates[0] for rate in rates)

    @property
    def variables(self) -> list[keras.Variable]:
        """Its own count of steps, then all of the parts."""
        return [*super().variables, *(x for part in self.parts for x in part.variables)]

    def apply(
        self,
        grads: list[Tensor | None],
        trainable_variables: Iterable[keras.Variable] | None = None,
    ) -> None:
        """Make a step of every part."""
        given = None if trainable_variables is None else list(trainable_variables)
        if not self.built:
            self.build(given or [])
        trained = self.trained() if given is None else given
        found = {id(variable): grad for variable, grad in zip(trained, grads, strict=True)}
        groups = self.groups()
        if more := found.keys() - {id(variable) for group in groups for variable in group}:
            raise InputError(
                f"{len(more)} weights are trained that were not when the model was compiled",
                "those that were, or fewer",
                "Compile the model again.",
            )
        for optimizer, group in zip(self.parts, groups, strict=True):
            # Layers may have been frozen since.
            moved = [variable for variable in group if id(variable) in found]
            optimizer.apply([found[id(variable)] for variable in moved], moved)
        self.iterations.assign_add(1)

    def finalize_variable_values(self, var_list: list[keras.Variable]) -> None:
        """As Keras does in the end, for every part."""
        for optimizer, group in zip(self.parts, self.groups(), strict=True):
            optimizer.finalize_variable_values(group)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        parts = [keras.saving.serialize_keras_object(each) for each in self.parts]
        return {"optimizers": parts, "name": self.name}

    @classmethod
    def from_config(cls, config: Config, custom_objects: Any = None) -> DividedOptimizer:
        """See Keras."""
        read = keras.saving.deserialize_keras_object
        parts = [read(each, custom_objects) for each in config["optimizers"]]
        return cls(parts, name=config["name"])


def _refuse_scaling(part: keras.optimizers.Optimizer) -> None:
    """Refuse one that divides gradients by what nobody has multiplied the loss with."""
    for each in nested(part):
        scales = isinstance(each, keras.optimizers.LossScaleOptimizer)
        if scales or each.loss_scale_factor is not None:
            raise InputError(
                f"A {type(each).__name__} that scales its loss was given for a part of the weights",
                "optimizers without it: the loss is that of all parts",
                "Give the part without loss_scale_factor and LossScaleOptimizer; in mixed_float16 "
                "compile() scales the loss of all by itself.",
            )
