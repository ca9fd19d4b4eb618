"""Types of numbers in signatures; unlike those of `types` they need no engine."""

from __future__ import annotations

from typing import Annotated, SupportsIndex, TypeAlias

from keras_classics.core.argument_kinds import ANY_NUMBER, whole_from

# A whole number of Python or NumPy; `core.errors.check_whole` makes it Python's.
Whole: TypeAlias = SupportsIndex
# A size of batches, say.
Count: TypeAlias = Annotated[int, whole_from(1)]
# What was measured, which need not be finite.
Figure: TypeAlias = Annotated[float, ANY_NUMBER]
