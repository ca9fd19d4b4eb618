"""Pictures in the colours of their pixels' classes, what was said beside the truth.

Of class 0, mostly the background, the picture is seen in light greys, which no class has: where
nothing was found nothing of the picture's own colours looks like an answer.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.patches import Patch

from keras_classics.analysis.drawing.plots import new_figure, wrapped_in, write_figure
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_probability
from keras_classics.data.pictures.formats.mask_files import IGNORED, voc_colours

_SIDE, _TITLE, _LEGEND = 2.6, 9, 8
_COLUMNS = 4
# Greys of class 0, from black to white of the picture; what does not count is white.
_DARKEST, _LIGHTEST, _UNCOUNTED = 165.0, 235.0, 255
_GREY_WEIGHTS = (0.299, 0.587, 0.114)


@checked
def class_colours(classes: int) -> np.ndarray:
    """A colour for each class, those of PASCAL VOC; class 0 is black.

    Args:
        classes: Number of classes, up to 255.

    Returns:
        uint8 `(classes, 3)`.
    """
    if not 0 < classes <= IGNORED:
        raise InputError(f"classes={classes} was given", f"1 to {IGNORED}", "Give fewer classes.")
    return np.array(list(voc_colours(classes))[:classes], "uint8")


@checked
def overlay_classes(
    image: np.ndarray, mask: np.ndarray, classes: int, *, share: float = 1.0
) -> np.ndarray:
    """Paint the classes of pixels over a picture.

    Every class has its colour by `class_colours` but class 0, of which the picture is seen in light
    greys; what does not count is white, and a label beyond the classes black.

    Args:
        image: uint8 `(height, width, 3)`.
        mask: Numbers of classes `(height, width)`, 255 for what does not count.
        classes: Number of classes.
        share: How much of that is seen, 0 to 1; the rest is the picture.

    Returns:
        uint8 `(height, width, 3)`.

    Raises:
        InputError: The mask is of another size, or not of labels; or the share is none.
    """
    share = check_probability("share", share)
    if mask.dtype.kind not in "iu" or (mask.size and not 0 <= mask.min() <= mask.max() <= IGNORED):
        raise InputError(
            f"A mask of type {mask.dtype} was given, from {mask.min()} to {mask.max()}",
            f"whole numbers of 0 to {IGNORED}, those of the classes",
            "Give the most probable class of each pixel, probabilities.argmax(-1).",
        )
    if mask.shape != image.shape[:2]:
        raise InputError(
            f"A mask {mask.shape} and a picture {image.shape} were given",
            "a mask of the picture's height and width",
            "Resize it by kc.data.resize_mask.",
        )
    colours = np.zeros((256, 3), "float32")
    colours[:classes] = class_colours(classes)
    colours[IGNORED] = _UNCOUNTED
    light = (image @ np.array(_GREY_WEIGHTS, "float32"))[..., None] / 255
    greys = _DARKEST + (_LIGHTEST - _DARKEST) * light
    painted = np.where((mask == 0)[..., None], greys, colours[mask])
    return np.round((1 - share) * image + share * painted).astype("uint8")


@checked
def draw_masks(
    path: str | os.PathLike,
    examples: Sequence[Any],
    classes: Sequence[str],
    answers: Sequence[np.ndarray] | None = None,
    *,
    title: str = "truth",
) -> None:
    """Draw pictures and their masks; with answers in threes: picture, truth, answer.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        examples: What has an `image`, a `name` and a `class_mask`: scenes, or pictures of
            `kc.data.load`.
        classes: Names of the classes of pixels.
        answers: Of each, what was said, `(height, width)`; None for the truth alone.
        title: What the masks of the examples are, where they are not the truth.

    Raises:
        InputError: The file has another ending, or cannot be written; there is no example, or not
            an answer for each.

    Example:
        ```python
        data = kc.data.load("scenes", train=2, validation=1, test=1)
        kc.analysis.draw_masks("masks.png", data.train, data.info.pixel_classes)
        ```
    """
    if not len(examples) or (answers is not None and len(answers) != len(examples)):
        given = "" if answers is None else f" and {len(answers)} answers"
        raise InputError(
            f"{len(examples)} examples{given} were given",
            "one example and more, and an answer for each",
            "Give some of data.validation, and what kc.models.segment says of them.",
        )
    count = len(classes)
    each = 2 if answers is None else 3
    columns = min(max(1, _COLUMNS // each), len(examples))
    rows = -(-len(examples) // columns)
    figure, axes = new_figure(
        _SIDE * each * columns, _SIDE * rows + 0.6, rows, each * columns, dots_per_inch=80
    )
    figure.set_layout_engine("constrained")
    axes = np.atleast_1d(axes).ravel()
    for axis in axes:
        axis.set(xticks=[], yticks=[], frame_on=False)
    seen = set[int]()
    for number, example in enumerate(examples):
        image = np.asarray(example.image, "uint8")
        masks = {title: example.class_mask}
        if answers is not None:
            masks["answer"] = np.asarray(answers[number])
        own = axes[each * number : each * (number + 1)]
        own[0].imshow(image, interpolation="nearest")
        own[0].set_title(wrapped_in(figure, example.name, _SIDE, _TITLE), fontsize=_TITLE)
        for axis, (what, mask) in zip(own[1:], masks.items(), strict=True):
            axis.imshow(overlay_classes(image, mask, count), interpolation="nearest")
            axis.set_title(what, fontsize=_TITLE)
            seen |= set(np.unique(mask).tolist())
    colours = class_colours(count) / 255.0
    colours[0] = (_DARKEST + _LIGHTEST) / 2 / 255
    named = {label: (colours[label], classes[label]) for label in range(count)}
    named[IGNORED] = (np.full(3, _UNCOUNTED / 255), "does not count")
    handles = [
        Patch(facecolor=named[label][0], edgecolor="0.5", label=named[label][1])
        for label in sorted(seen & named.keys())
    ]
    if handles:
        figure.legend(
            handles=handles, loc="outside lower center", ncols=min(6, len(handles)),
            fontsize=_LEGEND,
        )  # fmt: skip
    write_figure(path, figure)
