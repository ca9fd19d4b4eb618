"""The file of a checkpoint: where a killed training finds its variables and its place."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.array_files import read_arrays, storable
from keras_classics.core.boundary.files import reading, write_whole
from keras_classics.core.errors import InputError
from keras_classics.core.keras_internals import bring_up_to_date, strategy_of
from keras_classics.training.divergence import NonFiniteError, finite_array

CHECKPOINT = "checkpoint.npz"
# Of the checkpoint: steps made; and where a callback ended the training, of how many epochs.
STEPS, ENDED = "steps", "ended"


@checked
def restore(model: keras.Model, folder: str | os.PathLike) -> int:
    """Load the checkpoint of `folder`, if there is one.

    Args:
        model: A compiled, built model; every variable of it and of its optimizer is overwritten.
        folder: Where `fit` keeps its checkpoint.

    Returns:
        The number of steps it had made, 0 without a checkpoint.

    Raises:
        InputError: The checkpoint is damaged, or of another model.
    """
    path = Path(folder) / CHECKPOINT
    if not path.exists():
        return 0
    build_optimizers(model)
    variables = _variables(model)
    named, steps, _ = _read(path)
    values = list(named.values())
    kept, wanted = (
        [(array.shape, array.dtype.name) for array in side]
        for side in (values, map(_array, variables))
    )
    if kept != wanted:
        raise InputError(
            f"The checkpoint {path} does not fit the model: {_difference(kept, wanted)}",
            "a checkpoint of the same model and optimizer",
            "Train with the same settings, or into another folder.",
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return steps


def is_finished(folder: str | os.PathLike, *, steps_per_epoch: int, epochs: int) -> bool:
    """Whether the training that `fit` keeps in a folder has all its epochs, or was ended before.

    Args:
        folder: Where `fit` keeps its checkpoint.
        steps_per_epoch: Batches in an epoch.
        epochs: Epochs in all.

    Raises:
        InputError: The checkpoint is damaged.
    """
    path = Path(folder) / CHECKPOINT
    if not path.exists():
        return False
    _, steps, ended = _read(path)
    return steps >= steps_per_epoch * epochs or (ended or 0) >= epochs


@checked
def steps_made(folder: str | os.PathLike) -> int | None:
    """The number of steps in the checkpoint of a folder; None if there is none.

    Args:
        folder: Of a training by `fit`.
    """
    path = Path(folder) / CHECKPOINT
    return _read(path)[1] if path.exists() else None


def _read(path: Path) -> tuple[dict[str, np.ndarray], int, int | None]:
    """The variables of a checkpoint, its steps, and of how many epochs it was ended."""
    allowed, remedy = "a file this package wrote", "Delete it to begin anew."
    values = read_arrays(path, allowed, remedy)
    with reading(path, allowed, remedy):
        if STEPS not in values:
            raise ValueError("it does not say how many steps were made")
        steps = int(values.pop(STEPS))
        ended = int(values.pop(ENDED)) if ENDED in values else None
    return values, steps, ended


def optimizers_of(
    model: keras.Model,
) -> list[tuple[keras.optimizers.Optimizer, Sequence[keras.Variable]]]:
    """Each optimizer of a compiled model or trainer, and the variables it changes.

    Args:
        model: One with `optimizers`, see `fit`, or else one that Keras's `compile` gave one.
    """
    several = getattr(model, "optimizers", None)
    return [(model.optimizer, model.trainable_variables)] if several is None else list(several)


def build_optimizers(model: keras.Model) -> None:
    """Make the states of all optimizers, as Keras would in the first step."""
    # Loss scaling has new variables at every call.
    for optimizer, variables in optimizers_of(model):
        if not optimizer.built:
            strategy = strategy_of(model)
            with strategy.scope() if strategy else nullcontext():
                optimizer.build(variables)


def _variables(model: keras.Model) -> list[keras.Variable]:
    # Keras's own weight files leave out the states of random generators, and with them the draws
    # of dropout and of scheduled sampling.
    own = [each for optimizer, _ in optimizers_of(model) for each in optimizer.variables]
    return [*model.variables, *own]


def _array(variable: keras.Variable) -> np.ndarray:
    return storable(keras.ops.convert_to_numpy(variable))


def _difference(kept: list[tuple], wanted: list[tuple]) -> str:
    if len(kept) != len(wanted):
        return f"it has {len(kept)} variables and the model {len(wanted)}"
    number = next(n for n, pair in enumerate(zip(kept, wanted, strict=True)) if len(set(pair)) > 1)
    there, here = (f"{dtype} {shape}" for shape, dtype in (kept[number], wanted[number]))
    return f"variable {number} is {there} there and {here} here"


def save(model: keras.Model, folder: str | os.PathLike, steps: int, ended: int | None) -> None:
    """Write the checkpoint of a training, unless something in it is not finite.

    Args:
        model: A compiled model whose optimizers are built.
        folder: Where to.
        steps: Steps made.
        ended: Of how many epochs a callback has ended the training; None if none has.

    Raises:
        NonFiniteError: A variable is infinite or not a number.
        InputError: The folder cannot be written.
    """
    values: dict[str, Any] = {
        f"{number:05d}": array for number, array in enumerate(finite_arrays(model, steps))
    }
    values[STEPS] = np.array(steps)
    if ended is not None:
        values[ENDED] = np.array(ended)
    write_whole(Path(folder) / CHECKPOINT, lambda path: np.savez(path, **values))


def finite_arrays(model: keras.Model, step: int) -> list[np.ndarray]:
    """All variables, or the error that says which one is not finite."""
    bring_up_to_date(model)
    variables = _variables(model)
    arrays = list(map(_array, variables))
    for variable, array in zip(variables, arrays, strict=True):
        if not finite_array(array):
            raise NonFiniteError(step, f"the variable {variable.path!r} is not finite")
    return arrays
