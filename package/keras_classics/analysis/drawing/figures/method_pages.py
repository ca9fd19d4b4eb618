"""Pages that compare methods: a picture, then what each method makes of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from keras_classics.analysis.drawing.pages import draw_tiles
from keras_classics.core.arguments import checked

# Beside the picture; more begin a further row.
_ACROSS = 5


@checked
def draw_methods(
    path: str | os.PathLike,
    pictures: Sequence[np.ndarray],
    titles: Sequence[str],
    methods: Mapping[str, Sequence[np.ndarray]],
) -> None:
    """Draw each picture under its title and beside it what every method makes of it.

    Args:
        path: File to write, `.png` or another kind Pillow knows.
        pictures: uint8 `(height, width, 3)` each.
        titles: One for each picture, of one or several lines.
        methods: By its name, what a method makes of every picture, in the same form; at least one.
    """
    rows = -(-len(methods) // _ACROSS)
    across = -(-len(methods) // rows)
    tiles, above = [], []
    for number, (picture, title) in enumerate(zip(pictures, titles, strict=True)):
        made = [(name, laid[number]) for name, laid in methods.items()]
        for row in range(rows):
            # Only the first row of a picture begins with it.
            tiles.append(np.full_like(picture, 255) if row else picture)
            above.append("" if row else title)
            shown = made[row * across : (row + 1) * across]
            missing = across - len(shown)
            tiles += [each for _, each in shown] + missing * [np.full_like(picture, 255)]
            above += [name for name, _ in shown] + missing * [""]
    draw_tiles(path, tiles, above, columns=1 + across)
