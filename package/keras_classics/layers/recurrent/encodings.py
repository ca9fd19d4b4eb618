"""What a decoder refuses of encodings."""

from __future__ import annotations

from typing import Any

from keras_classics.core.errors import InputError


def check_encoding(shape: Any, *, attended: bool) -> None:
    """Refuse an encoding of another form than the decoder takes.

    Args:
        shape: Its shape; of a dict the shapes by name.
        attended: Whether the decoder looks at positions of it.

    Raises:
        InputError: The form is another.
    """
    of_memory = shape.get("memory", ()) if isinstance(shape, dict) else shape
    if len(of_memory) in ((3, 4) if attended else (2,)):
        return
    given = f"An encoding of shape {shape} was given"
    if attended:
        raise InputError(
            given,
            "(batch, height, width, features) or (batch, positions, features) with "
            "attention, or a dict with such a 'memory'",
            "Build the encoder with include_top=False and without pooling, or pass attention=None.",
        )
    raise InputError(
        given,
        "(batch, features) without attention",
        "Use an encoder with pooling='avg' or a dense end, or attention='additive'.",
    )


def check_width(what: str, given: int, wanted: int) -> None:
    """Refuse vectors of another width than the layer's.

    Raises:
        InputError: The widths differ.
    """
    if given != wanted:
        raise InputError(
            f"{what} of width {given} was given",
            f"width {wanted}",
            "Change the width of either, or choose another way in or out.",
        )
