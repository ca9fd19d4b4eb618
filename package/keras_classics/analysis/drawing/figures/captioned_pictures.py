"""Pictures with what a captioner says of them, and what people said."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from keras_classics.analysis.drawing.plots import new_figure, wrapped_in, write_figure
from keras_classics.core.arguments import checked

COLUMNS = 4
# Inches: a picture's place, and a line's width, which keeps captions apart from each other.
_WIDTH, _HEIGHT, _LINE = 4.0, 5.4, 3.7
_SAID, _REFERENCE = 13, 10


@checked
def draw_captions(
    path: str | os.PathLike,
    images: Sequence[np.ndarray],
    captions: Sequence[str],
    references: Sequence[Sequence[str]],
) -> None:
    """Draw pictures, each under its generated caption and above two of its references.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        images: uint8 `(height, width, 3)` each.
        captions: What was generated, for each; green where it equals a reference word for word.
        references: The references of each.

    Raises:
        InputError: The file has another ending, or cannot be written.
    """
    rows = max(1, -(-len(images) // COLUMNS))
    figure, axes = new_figure(_WIDTH * COLUMNS, _HEIGHT * rows, rows, COLUMNS, dots_per_inch=64)
    figure.set_layout_engine("constrained", h_pad=0.22)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[], frame_on=False)
    shown = zip(axes.flat, images, captions, references, strict=False)
    for axis, image, said, told in shown:
        axis.imshow(image, interpolation="nearest")
        title = wrapped_in(figure, said, _LINE, _SAID, weight="bold")
        colour = "darkgreen" if said in told else "black"
        axis.set_title(title, fontsize=_SAID, weight="bold", color=colour)
        lines = [wrapped_in(figure, text, _LINE, _REFERENCE) for text in told[:2]]
        # A label, unlike free text, is given room by the layout.
        axis.set_xlabel("\n".join(lines), fontsize=_REFERENCE)
    title = (
        f"The first {len(images)} test pictures: generated caption (bold; green where it equals a "
        "reference word for word), two of the references below"
    )
    figure.suptitle(wrapped_in(figure, title, 0.95 * _WIDTH * COLUMNS, 14), fontsize=14)
    write_figure(path, figure)
