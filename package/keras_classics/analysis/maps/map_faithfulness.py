"""Does a map mark what the model's answer rests on? Hide pixels and ask the model again.

Deletion and insertion: Petsiuk, Das, Saenko, "RISE", BMVC 2018 (arXiv:1806.07421). Average drop and
increase: Chattopadhay et al., "Grad-CAM++", WACV 2018 (arXiv:1710.11063). Average gain: Zhang et
al., "Opti-CAM", 2023 (arXiv:2301.07002).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.answers import class_probabilities, followed_classes
from keras_classics.analysis.input_bounds import check_finite
from keras_classics.analysis.maps.map_scores import finite_maps
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice

BASELINES = ("black", "mean", "blur")

# The paper's Gaussian, in pixels.
_BLUR_SIDE, _BLUR_DEVIATION = 11, 5.0

# A name of `BASELINES`, or pictures, one picture or one pixel to take the place of what is hidden.
Baseline = str | float | np.ndarray


@dataclass(frozen=True, eq=False)
class DeletionInsertion:
    """The probability of the class while pixels go, and while they come, most important first.

    Attributes:
        shares: Share of the pixels that are deleted or inserted, `(steps + 1,)` from 0 to 1.
        deletion: Probabilities `(batch, steps + 1)`, from the whole picture to its baseline.
        insertion: Probabilities `(batch, steps + 1)`, from the baseline to the whole picture.
    """

    shares: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray

    @property
    def deletion_area(self) -> np.ndarray:
        """Area below each deletion curve, `(batch,)`; low where the map marks what counts."""
        return np.trapezoid(self.deletion, self.shares, axis=1)

    @property
    def insertion_area(self) -> np.ndarray:
        """Area below each insertion curve, `(batch,)`; high where the map marks what counts."""
        return np.trapezoid(self.insertion, self.shares, axis=1)


class AverageDrop(NamedTuple):
    """How a class fares when the model sees only what a map marks; in percent, over all pictures.

    Attributes:
        drop: Mean loss of probability, as a share of what it was; low is good.
        increase: Pictures whose probability rises; high is good.
        gain: Mean rise of probability, as a share of what was missing to 1; high is good.
    """

    drop: float
    increase: float
    gain: float


@checked
def deletion_insertion(
    model: keras.Model,
    images: ArrayLike,
    maps: ArrayLike,
    *,
    target: Any = None,
    deletion: Baseline = "black",
    insertion: Baseline = "blur",
    steps: int = 50,
    batch_size: int = 32,
) -> DeletionInsertion:
    """Take pixels away, and put them in, in the order in which a map ranks them.

    Args:
        model: A classifier, with or without softmax.
        images: `(batch, height, width, channels)`, prepared for the model.
        maps: `(batch, height, width)`; of equal pixels the upper left comes first.
        target: Class whose probability is followed, one number or one for each picture; the class
            the model prefers by default.
        deletion: What a deleted pixel becomes: `"black"` is 0, `"mean"` the mean of each picture's
            channel, `"blur"` the picture blurred by the paper's Gaussian (11 pixels, deviation 5);
            or an array that fits `images`. In pictures whose mean was subtracted, 0 is that mean,
            as in the paper's code.
        insertion: What a pixel is before it is inserted, likewise.
        steps: Number of equal portions of pixels; each costs two passes through the model.
        batch_size: Pictures the model sees at once.

    Raises:
        InputError: Shapes do not fit, a target is no class, or `steps` or `batch_size` is below 1,
            or a baseline has no such name.
    """
    images, maps = _fitting(images, maps)
    if steps < 1 or batch_size < 1:
        raise InputError(
            f"steps={steps} and batch_size={batch_size} were given",
            "1 and above",
            "Leave them out for the defaults.",
        )
    absent = {"deletion": deletion, "insertion": insertion}
    absent = {name: baseline_of(images, each, name) for name, each in absent.items()}
    classes = followed_classes(class_probabilities(model, images, batch_size=batch_size), target)
    pixels = maps[0].size
    order = np.argsort(-maps.reshape(len(maps), -1), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(pixels)[None], axis=1)
    rank = rank.reshape(*maps.shape, 1)
    counts = np.round(np.linspace(0, pixels, steps + 1)).astype(int)

    def curve(picture: Callable[[int], np.ndarray]) -> np.ndarray:
        answers = [class_probabilities(model, picture(n), batch_size=batch_size) for n in counts]
        return np.stack([each[np.arange(len(each)), classes] for each in answers], axis=1)

    return DeletionInsertion(
        counts / pixels,
        curve(lambda count: np.where(rank < count, absent["deletion"], images)),
        curve(lambda count: np.where(rank < count, images, absent["insertion"])),
    )


@checked
def average_drop(
    model: keras.Model,
    images: ArrayLike,
    masks: ArrayLike,
    *,
    target: Any = None,
    baseline: Baseline = "black",
    batch_size: int = 32,
) -> AverageDrop:
    """Show the model only what a map marks, and see what becomes of its answer.

    Args:
        model: A classifier, with or without softmax.
        images: `(batch, height, width, channels)`, prepared for the model.
        masks: `(batch, height, width)` from 0, hidden, to 1, shown, such as
            `kc.analysis.normalized(maps)`.
        target: The class, as in `deletion_insertion`.
        baseline: What is seen in place of the hidden, as in `deletion_insertion`.
        batch_size: Pictures the model sees at once.

    Raises:
        InputError: Shapes do not fit, a mask leaves 0 to 1, a target is no class, or the
            baseline has no such name.
    """
    images, masks = _fitting(images, masks)
    if masks.min() < 0 or masks.max() > 1:
        raise InputError(
            f"Masks from {masks.min():g} to {masks.max():g} were given",
            "values from 0 to 1",
            "Pass kc.analysis.normalized(maps).",
        )
    hidden = baseline_of(images, baseline, "baseline")
    shares = masks[..., None].astype("float32")
    shown = shares * images + (1 - shares) * hidden
    before = class_probabilities(model, images, batch_size=batch_size)
    classes = followed_classes(before, target)
    rows = np.arange(len(images))
    whole = before[rows, classes]
    masked = class_probabilities(model, shown, batch_size=batch_size)[rows, classes]
    # Where nothing can be lost or gained, neither is.
    least = np.finfo(float).tiny
    return AverageDrop(
        drop=float(100 * np.mean(np.maximum(whole - masked, 0) / np.maximum(whole, least))),
        increase=float(100 * np.mean(masked > whole)),
        gain=float(100 * np.mean(np.maximum(masked - whole, 0) / np.maximum(1 - whole, least))),
    )


def baseline_of(images: np.ndarray, baseline: Baseline, argument: str) -> np.ndarray:
    """What is seen in place of hidden pixels, of the shape of `images`.

    Raises:
        InputError: An array does not fit, or there is no such name.
    """
    if isinstance(baseline, str):
        check_choice(argument, baseline, BASELINES)
        if baseline == "black":
            return np.zeros_like(images)
        if baseline == "mean":
            return np.broadcast_to(images.mean(axis=(1, 2), keepdims=True), images.shape)
        return _blurred(images)
    try:
        values = np.broadcast_to(np.asarray(baseline, "float32"), images.shape)
    except (TypeError, ValueError):
        raise InputError(
            f"{argument} of shape {np.shape(baseline)} was given for pictures of shape "
            f"{images.shape}",
            f"{', '.join(map(repr, BASELINES))}, a number, a pixel, a picture, or as many",
            "Prepare the baseline as the pictures.",
        ) from None
    check_finite(values, f"Values of {argument}", "values")
    return values


def _blurred(images: np.ndarray) -> np.ndarray:
    half = _BLUR_SIDE // 2
    weights = np.exp(-0.5 * np.square(np.arange(-half, half + 1) / _BLUR_DEVIATION))
    weights = (weights / weights.sum()).astype("float32")
    for axis in (1, 2):
        # Black edges would be new objects.
        padding = [(half, half) if each == axis else (0, 0) for each in range(images.ndim)]
        padded = np.pad(images, padding, mode="edge")
        side = images.shape[axis]
        images = sum(
            weight * padded.take(range(start, start + side), axis=axis)
            for start, weight in enumerate(weights)
        )
    return images


def _fitting(images: ArrayLike, maps: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Pictures in float32 and their maps in float64."""
    images, maps = np.asarray(images, "float32"), finite_maps(maps)
    if images.ndim != 4 or images.shape[:3] != maps.shape:
        raise InputError(
            f"Pictures of shape {images.shape} and maps of shape {maps.shape} were given",
            "(batch, height, width, channels) and (batch, height, width)",
            "Make the maps with size='image'.",
        )
    return images, maps
