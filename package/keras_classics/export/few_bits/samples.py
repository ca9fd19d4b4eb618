"""Samples by which a model is made to fit few bits: which are refused, which are held back."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_classics.core.errors import InputError
from keras_classics.core.graphs.graph import ancestry
from keras_classics.core.shapes import agree

# Fewer say little about ranges; the runtimes' own documents ask for 100 to 500.
LEAST_SAMPLES = 32
# How far the largest numbers of two halves of the samples may be apart.
MOST_APART = 2.0
# How far they may be from what a normalisation has seen; pictures up to 255 and up to 1 are apart.
MOST_SPREAD = 10.0


def split_samples(
    model: keras.Model, data: ArrayLike, check: ArrayLike | None, labels: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """What ranges are seen from, what is measured on, and its classes."""
    shape = tuple(model.inputs[0].shape[1:])
    units = model.outputs[0].shape[-1]
    if len(model.inputs) != 1 or len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:
        raise _unfit(f"{model.name!r} with {len(model.inputs)} inputs and {len(model.outputs)} "
                     "outputs was given", "a classifier of one input and one output "
                     "(batch, classes)", "Quantise the part of it that is one.")  # fmt: skip
    if units is None or units < 2:
        raise _unfit(f"{model.name!r} with {units} outputs was given", "two classes or more",
                     "Give it a softmax of two classes.")  # fmt: skip
    given = checked_samples("data", data, shape, model.inputs[0].dtype)
    if len(given) < LEAST_SAMPLES:
        raise _unfit(f"{len(given)} samples were given", f"{LEAST_SAMPLES} or more",
                     "Give 100 to 500 of those the model was trained on.")  # fmt: skip
    half = len(given) // 2
    seen, measured = given[:half], given[half:]
    if check is not None:
        seen, measured = given, checked_samples("check", check, shape, model.inputs[0].dtype)
        if len(measured) < LEAST_SAMPLES // 2:
            raise _unfit(f"check of {len(measured)} samples was given",
                         f"{LEAST_SAMPLES // 2} or more", "Give 100 or more.")  # fmt: skip
    one, other = (float(np.abs(each).max()) for each in (seen, measured))
    if not one or not other or max(one, other) > MOST_APART * min(one, other):
        raise _unfit(f"Samples up to {one:.3g} and samples up to {other:.3g} were given",
                     "calibration data of the range that the model is used with",
                     "Prepare both alike, and shuffle them.")  # fmt: skip
    _check_ids(model, seen, measured)
    _check_spread(model, seen)
    if labels is None:
        return seen, measured, None
    classes = np.asarray(labels).ravel()
    wanted = len(measured) if check is not None else len(given)
    if len(classes) != wanted:
        raise _unfit(f"{len(classes)} labels were given for {wanted} samples",
                     "one for each", "Give those of check, or of data without it.")  # fmt: skip
    known = classes.dtype.kind in "biuf" and np.isin(classes, np.arange(units)).all()
    if not known:
        raise _unfit(f"labels such as {_strange(classes, units)!r} were given",
                     f"numbers of classes, from 0 to {units - 1}",
                     "Give the place of each class among the model's outputs.")  # fmt: skip
    return seen, measured, classes if check is not None else classes[half:]


def _strange(classes: np.ndarray, units: int) -> object:
    """The first label that is no number of a class."""
    numbers = range(units)
    return next(each for each in classes.tolist() if each not in numbers)


def _check_spread(model: keras.Model, samples: np.ndarray) -> None:
    """Refuse samples of another range than the first normalisation has seen in training."""
    for node in ancestry(model.outputs):
        norm = node.operation
        if isinstance(norm, keras.layers.BatchNormalization):
            break
    else:
        return
    trained = ops.convert_to_numpy(norm.moving_variance)
    if (trained == 1).all():
        # It has seen nothing.
        return
    (before,) = node.input_tensors
    x = ops.convert_to_numpy(keras.Model(model.input, before)(samples[:LEAST_SAMPLES]))
    others = tuple(axis for axis in range(x.ndim) if axis != norm.axis % x.ndim)
    spread = float(np.sqrt(x.astype("float64").var(axis=others).sum() / trained.sum()))
    if not 1 / MOST_SPREAD < spread < MOST_SPREAD:
        raise _unfit(f"Samples were given that spread {spread:.2g} times as far before "
                     f"{norm.name!r} as those of the training", "samples prepared as in training",
                     "Divide or multiply them as there, by 255 for instance.")  # fmt: skip


def _check_ids(model: keras.Model, *parts: np.ndarray) -> None:
    """Refuse ids beyond the vocabulary of a table that reads them."""
    for node in ancestry(model.outputs):
        table = node.operation
        if isinstance(table, keras.layers.Embedding) and node.input_tensors[0] is model.inputs[0]:
            least, most = min(each.min() for each in parts), max(each.max() for each in parts)
            if least < 0 or most >= table.input_dim:
                raise _unfit(f"Ids from {least} to {most} were given",
                             f"those that {table.name!r} has, from 0 to {table.input_dim - 1}",
                             "Encode with the vocabulary of the training.")  # fmt: skip


def checked_samples(name: str, data: ArrayLike, shape: tuple, dtype: str) -> np.ndarray:
    """Samples as a model of one input takes them.

    Args:
        name: Of the argument.
        data: What was given.
        shape: Of a sample; None in it is any size.
        dtype: Of the model's input.

    Raises:
        InputError: They are something else, or not finite.
    """
    array = np.asarray(data)
    if not agree((None, *shape), array.shape) or array.dtype.kind not in "fiu":
        wanted = str((None, *shape)).replace("None", "any")
        raise _unfit(f"{name} of shape {array.shape} and type {array.dtype} was given",
                     f"numbers of shape {wanted}, as the model takes them",
                     "Resize or convert them.")  # fmt: skip
    whole = np.dtype(dtype).kind in "iu" if dtype != "bfloat16" else False
    if whole and array.dtype.kind == "f" and (array != np.floor(array)).any():
        raise _unfit(f"{name} with fractions was given", f"whole numbers, of type {dtype}",
                     "Give the numbers of words or classes.")  # fmt: skip
    array = array.astype(dtype)
    if not np.isfinite(array).all():
        raise _unfit(f"{name} with numbers that are not finite was given", "finite numbers",
                     "Leave the samples out in which they are.")  # fmt: skip
    return array


def _unfit(given: str, allowed: str, remedy: str) -> InputError:
    return InputError(given, allowed, remedy)
