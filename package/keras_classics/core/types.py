"""Names of the types that stand in signatures all over the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias

import keras
import numpy as np

from keras_classics.core.argument_kinds import understood
from keras_classics.core.counts import Count as Count
from keras_classics.core.counts import Name as Name
from keras_classics.core.counts import Whole as Whole
from keras_classics.core.counts import Wholes as Wholes

# What layers compute with: symbolic while a model is built, the backend's own afterwards.
Tensor: TypeAlias = keras.KerasTensor
# Sizes of the axes; None where it is not known before there are data.
Shape: TypeAlias = tuple[int | None, ...]
# The same where those that are asked for are known, as are the channels when a layer is built.
Sizes: TypeAlias = tuple[int, ...]
# A dictionary that JSON can hold, from which a layer is made again.
Config: TypeAlias = dict[str, Any]


def _initializer(value: object) -> object:
    # Keras takes an array for what is drawn, of texts too, and a number of NumPy, which no config
    # can hold.
    if isinstance(value, np.generic):
        raise TypeError
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biuf":
        raise TypeError
    return keras.initializers.get(value)


# What Keras's layers take as an initialiser: a name, a config, an object or any function.
Initializer: TypeAlias = Annotated[
    str | Config | keras.initializers.Initializer | Callable[..., Tensor] | None,
    understood(_initializer, "an initialiser of Keras, its name, or a function"),
]
# Likewise what they take as an activation or a regulariser.
Activation: TypeAlias = Annotated[
    str | Callable[[Tensor], Tensor] | None,
    understood(keras.activations.get, "an activation of Keras, its name, a function or None"),
]
Regularizer: TypeAlias = Annotated[
    str | Config | keras.regularizers.Regularizer | None,
    understood(keras.regularizers.get, "a regulariser of Keras, its name or None"),
]
Constraint: TypeAlias = Annotated[
    str | Config | keras.constraints.Constraint | None,
    understood(keras.constraints.get, "a constraint of Keras, its name or None"),
]
# Type of numbers a layer or a loss computes with.
DType: TypeAlias = Annotated[
    Any, understood(keras.dtype_policies.get, "a type of numbers, or a policy of Keras")
]
# What `compile` takes as an optimizer, and how a loss makes one number of a batch's.
Optimizer: TypeAlias = Annotated[
    str | Config | keras.optimizers.Optimizer,
    understood(keras.optimizers.get, "an optimizer of Keras, or its name"),
]
Reduction: TypeAlias = (
    Literal["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"] | None
)
