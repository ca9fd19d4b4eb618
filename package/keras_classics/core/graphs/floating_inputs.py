"""Inputs that something is differentiated by: of floating-point numbers, or refused."""

from __future__ import annotations

import keras
from keras.layers import Embedding

from keras_classics.core.errors import InputError
from keras_classics.core.graphs.graph import ancestry


def check_floating_input(model: keras.Model, number: int) -> None:
    """Refuse an input that has no gradient.

    Args:
        model: A functional model.
        number: Of the input.

    Raises:
        InputError: It is of whole numbers.
    """
    symbol = model.inputs[number]
    if keras.backend.is_float_dtype(symbol.dtype):
        return
    name = _lookup(model)
    raise InputError(
        f"{model.name!r} takes {symbol.dtype} as {symbol.name!r}",
        "models of floating-point numbers, which have a gradient",
        f"Take what is behind the ids: keras.Model(model.get_layer({name!r}).output, model.output)."
        if name
        else "Build it on keras.Input(..., dtype='float32').",
    )


def _lookup(model: keras.Model) -> str | None:
    """The one embedding of a model that reads its one input and is called once; None of others."""
    calls = [each for each in ancestry(model.outputs) if isinstance(each.operation, Embedding)]
    first = len(calls) == len(model.inputs) == 1 and calls[0].input_tensors[0] is model.inputs[0]
    return calls[0].operation.name if first else None
