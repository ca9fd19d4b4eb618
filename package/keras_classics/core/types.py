"""Names of the types that stand in signatures all over the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, SupportsIndex, TypeAlias

import keras

# What layers compute with: symbolic while a model is built, the backend's own afterwards.
Tensor: TypeAlias = keras.KerasTensor
# Sizes of the axes; None where it is not known before there are data.
Shape: TypeAlias = tuple[int | None, ...]
# The same where those that are asked for are known, as are the channels when a layer is built.
Sizes: TypeAlias = tuple[int, ...]
# A dictionary that JSON can hold, from which a layer is made again.
Config: TypeAlias = dict[str, Any]
# A whole number of Python or NumPy; `core.errors.check_whole` makes it Python's.
Whole: TypeAlias = SupportsIndex
# What Keras's layers take as an initialiser: a name, a config, an object or any function.
Initializer: TypeAlias = (
    str | Config | keras.initializers.Initializer | Callable[..., Tensor] | None
)
# Likewise what they take as an activation, a regulariser or a constraint.
Activation: TypeAlias = str | Callable[[Tensor], Tensor] | None
Regularizer: TypeAlias = str | Config | keras.regularizers.Regularizer | None
Constraint: TypeAlias = str | Config | keras.constraints.Constraint | None
