"""Plausible inputs for a signature: what a model is asked when nothing better is at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, is_whole, shown
from keras_classics.export.reopening import Arrays, Spec

# Sizes tried for axes of any size, such as height and width, or time: the first one a model takes.
SIZES = (8, 16, 32, 64, 128, 256, 512, 1024)
_TYPES = (
    "string", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "bool",
)  # fmt: skip
TEXTS = ("a red circle left of the blue square", "the square", "two circles and a triangle")


@checked
def sample_inputs(
    inputs: Mapping[str, Spec], *, batch: int, size: int, largest_id: int = 1, seed: int = 0
) -> dict[str, np.ndarray]:
    """Make up a batch.

    Bytes become pixels, floats normal deviates, texts a few words. Whole numbers are ids, or, where
    each row has but one, the lengths of the rows.

    Args:
        inputs: Shape and dtype by name.
        batch: Rows, unless the shape says how many.
        size: Size of the first axis that may have any; each next one is a quarter larger.
        largest_id: The largest id.
        seed: Of what is drawn.

    Raises:
        InputError: A shape or a type is none.
    """
    for name, spec in inputs.items():
        _check_spec(name, spec)
    draw = np.random.default_rng(seed)
    made = {}
    for name, (shape, dtype) in inputs.items():
        rows = batch if not shape or shape[0] is None else shape[0]
        rest, open_axes = [], 0
        for axis in shape[1:]:
            rest.append(size + size // 4 * open_axes if axis is None else axis)
            open_axes += axis is None
        full = (rows, *rest)
        if dtype == "string":
            made[name] = np.resize(np.array([text.encode() for text in TEXTS]), full)
        elif dtype == "uint8":
            made[name] = draw.integers(0, 256, full, "uint8")
        elif not dtype.startswith(("int", "uint")):
            made[name] = draw.normal(size=full).astype(dtype)
        elif rest:
            made[name] = draw.integers(0, largest_id + 1, full).astype(dtype)
        else:
            # Shorter ones too; of the rows beside them, unless those have a size of their own.
            longest = _longest(inputs, size)
            made[name] = np.maximum(1, longest - np.arange(rows) * longest // 4).astype(dtype)
    return made


@checked
def sample_batches(
    inputs: Mapping[str, Spec], answer: Callable[[Arrays], object], largest_id: int = 1
) -> list[dict[str, np.ndarray]]:
    """Make up two batches that differ in every size that may differ.

    Args:
        inputs: Shape and dtype by name.
        answer: What is to be asked; sizes that it refuses are not taken.
        largest_id: The largest id.

    Raises:
        ValueError: It refuses all sizes.
    """
    for size in SIZES:
        first = sample_inputs(inputs, batch=3, size=size, largest_id=largest_id)
        try:
            answer(first)
        except Exception as error:
            # What is too small for a network is told in as many ways as there are layers.
            refusal = error
            if not any(None in spec.shape[1:] for spec in inputs.values()):
                break
            continue
        larger = size + size // 2
        second = sample_inputs(inputs, batch=1, size=larger, largest_id=largest_id, seed=1)
        return [first, second]
    raise refusal


def _check_spec(name: str, spec: Spec) -> None:
    """Refuse what says nothing of a tensor."""
    sizes = spec.shape if isinstance(spec.shape, tuple | list) else [spec.shape]
    known = isinstance(spec.dtype, str) and spec.dtype in _TYPES
    if not known or any(size is not None and not is_whole(size) for size in sizes):
        raise InputError(
            f"{name} of shape {shown(spec.shape)} and type {shown(spec.dtype)} was given",
            f"a tuple of sizes, None for any, and one of {', '.join(_TYPES)}",
            "Take what kc.export.reopen(path).inputs says.",
        )


def _longest(inputs: Mapping[str, Spec], size: int) -> int:
    """The size of the axis that lengths are of: the first open one, or the first of all."""
    axes = [axis for spec in inputs.values() for axis in spec.shape[1:]]
    known = [axis for axis in axes if axis is not None]
    return known[0] if known and len(known) == len(axes) else size
