"""Arrays into variables, all or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_classics.core.errors import InputError
from keras_classics.core.graphs.variables import warn_of_no_numbers

OTHERWISE = (
    "Build the model the state was made for (its options, classes and top), or remove or rename "
    "arrays."
)


@dataclass(frozen=True)
class Slot:
    """One variable of ours and the form in which others store it.

    Attributes:
        variable: What is assigned.
        shape: Shape of the foreign array.
        convert: From the foreign array to the variable's layout.
    """

    variable: keras.Variable
    shape: tuple[int, ...]
    convert: Callable[[np.ndarray], np.ndarray]


def fill(
    model: keras.Model,
    slots: Mapping[str, Slot],
    state: Mapping[str, Any],
    remedy: str = OTHERWISE,
) -> None:
    """Assign every array of a state to its slot, or none if anything does not fit.

    Args:
        model: For its name in the message.
        slots: By foreign name.
        state: Arrays by foreign name.
        remedy: What to do where they do not fit.

    Raises:
        InputError: Names are missing or surplus, or shapes are wrong; all are listed.
    """
    arrays = {name: np.asarray(value) for name, value in state.items()}
    wrong = [
        f"{name} {array.dtype}{list(array.shape)} instead of {list(slots[name].shape)}"
        for name, array in arrays.items()
        if name in slots and (array.shape != slots[name].shape or array.dtype.kind not in "fiu")
    ]
    faults = {
        "missing": [name for name in slots if name not in arrays],
        "surplus": [name for name in arrays if name not in slots],
        "of the wrong shape or type": wrong,
    }
    if any(faults.values()):
        found = "; ".join(f"{fault}: {listed(names)}" for fault, names in faults.items() if names)
        raise InputError(
            f"A state that does not fit {model.name!r} was given ({found})",
            f"exactly the {len(slots)} arrays of this architecture",
            f"{remedy} The model was left untouched.",
        )
    for name, slot in slots.items():
        # A copy, because PyTorch warns of arrays that are read-only, as those of files are.
        slot.variable.assign(np.array(slot.convert(arrays[name]), order="C"))
    warn_of_no_numbers("The state", [slot.variable for slot in slots.values()])


def listed(names: list[str], most: int = 40) -> str:
    """Names for a message, the first of very many."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
