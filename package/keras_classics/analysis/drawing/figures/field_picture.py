"""A picture with the receptive fields of layers drawn on it."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.drawing.pages import displayable, tiles, write_picture
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.receptive_fields import ReceptiveField

# What lies outside a field keeps so much of its light.
OUTSIDE = 0.45
INK = (255, 196, 0)


@checked
def draw_receptive_fields(
    path: str | os.PathLike,
    picture: ArrayLike,
    fields: Sequence[ReceptiveField] | ReceptiveField,
    *,
    unit: tuple[int, int] | None = None,
    columns: int = 4,
) -> None:
    """Draw for each layer what one of its units sees of a picture; all else is darkened.

    Args:
        path: File to write, `.png` or another kind Pillow knows.
        picture: `(height, width, channels)`, of the size the fields are for, as
            `kc.analysis.displayable` takes it.
        fields: What `kc.analysis.receptive_field` gives, of one layer or several.
        unit: `(row, column)` of the unit in the layer's map; the middle of each map by default.
        columns: Pictures in a row.

    Raises:
        InputError: The picture has another size, or a map has no such unit.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        picture = np.random.default_rng(0).uniform(0, 255, (32, 32, 1))
        fields = [kc.analysis.receptive_field(model, layer.name) for layer in model.layers[1:3]]
        kc.analysis.draw_receptive_fields("fields.png", picture, fields)
        ```
    """
    fields = [fields] if isinstance(fields, ReceptiveField) else list(fields)
    shown = displayable(np.asarray(picture)[None])[0]
    seen = [_seen(shown, field, unit) for field in fields]
    titles = [
        f"{field.layer}\n{field.size[0]:g} x {field.size[1]:g}, stride {field.stride[0]:g}"
        for field in fields
    ]
    write_picture(path, tiles(seen, titles, columns=columns))


def _seen(shown: np.ndarray, field: ReceptiveField, unit: tuple[int, int] | None) -> np.ndarray:
    if shown.shape[:2] != field.image_size:
        raise InputError(
            f"A picture of {shown.shape[0]} x {shown.shape[1]} pixels was given",
            f"pictures of {field.image_size[0]} x {field.image_size[1]}, for which the field "
            f"of {field.layer!r} is",
            "Resize the picture, or pass its size as image_size to receptive_field.",
        )
    row, column = unit or (field.map_size[0] // 2, field.map_size[1] // 2)
    top, left, bottom, right = field.box(row, column)
    marked = np.round(OUTSIDE * shown).astype("uint8")
    marked[top:bottom, left:right] = INK
    inner = slice(top + 1, bottom - 1), slice(left + 1, right - 1)
    marked[inner] = shown[inner]
    return marked
