"""Whether two shapes are of one array, as far as they are known."""

from __future__ import annotations

from collections.abc import Sequence


def agree(shape: Sequence[int | None], other: Sequence[int | None]) -> bool:
    """Whether there are as many axes, and they are alike where both are known.

    Args:
        shape: Sizes of all axes, None where one is open.
        other: Likewise.
    """
    return len(shape) == len(other) and all(
        None in pair or pair[0] == pair[1] for pair in zip(shape, other, strict=True)
    )
