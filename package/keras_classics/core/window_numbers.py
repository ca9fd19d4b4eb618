"""The numbers of truncated backpropagation through time."""

from __future__ import annotations

from keras_classics.core.errors import InputError, check_whole


def check_windows(batch_size: int, k1: int, k2: int) -> None:
    """Refuse numbers that make no windows.

    Args:
        batch_size: Rows.
        k1: Steps between two updates.
        k2: Steps the gradient reaches back.

    Raises:
        InputError: `k2` is no multiple of `k1`, or a number is below 1.
    """
    sizes = {"batch_size": batch_size, "k1": k1, "k2": k2}
    batch_size, k1, k2 = (check_whole(name, value) for name, value in sizes.items())
    if k2 % k1:
        raise InputError(
            f"batch_size={batch_size}, k1={k1} and k2={k2} were given",
            "a k2 that is a multiple of k1",
            "Set k2 to k1 for windows side by side, or to 2, 3, ... times k1.",
        )
