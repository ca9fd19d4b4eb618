"""Several optimizers as one, each for weights of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Name, Optimizer, Tensor


@registered
class DividedOptimizer(keras.optimizers.Optimizer):
    """Several optimizers in the place of one, each of which moves its own part of the weights.

    So what trains several networks at once is trained by Keras's own step, on every backend, under
    strategies and with scaled losses. All parts move at once, by gradients of one point.

    Its learning rate is that of the first part, and setting it, as callbacks do, moves those of the
    others in proportion.

    Args:
        optimizers: Keras optimizers, or their names, one for each part.
        name: Name of the optimizer.

    Raises:
        InputError: One object is given twice; or, when it is built, the parts are not those of the
            weights.
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
        self.parts = found
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
        rates = [float(keras.ops.convert_to_numpy(part.learning_rate)) for part in self.parts]
        for part, rate in zip(self.parts, rates, strict=True):
            # Of a rate of 0 nothing is a part.
            part.learning_rate = value * (rate / rates[0]) if rates[0] else value

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
        for optimizer, group in zip(self.parts, self.groups(), strict=True):
            optimizer.apply([found[id(variable)] for variable in group], group)
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
