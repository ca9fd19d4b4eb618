"""Types of numbers and names in signatures; unlike those of `types` they need no engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, SupportsIndex, TypeAlias

from keras_classics.core.argument_kinds import ANY_NUMBER, NAME, WHOLES, whole_from

if TYPE_CHECKING:
    import numpy as np

# A whole number of Python or NumPy; `core.errors.check_whole` makes it Python's.
Whole: TypeAlias = SupportsIndex
# A size of batches, say.
Count: TypeAlias = Annotated[int, whole_from(1)]
# A seed, or a number of what is counted from 0.
Index: TypeAlias = Annotated[int, whole_from(0)]
# What was measured, which need not be finite.
Figure: TypeAlias = Annotated[float, ANY_NUMBER]
# Ids, or places in a list.
Wholes: TypeAlias = Annotated["Sequence[int] | np.ndarray", WHOLES]
# Of a layer, a loss or a model of Keras.
Name: TypeAlias = Annotated[str, NAME]
