"""Selective search (Uijlings et al. 2013): boxes in which there may be something.

By OpenCV's contributed modules where they are installed (the extra `cv`), else by our own
segmentation and grouping (the extra `binary`, numba): the same method, other pixels at the margins.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from PIL import Image

from keras_classics.boxes.detections import box_areas
from keras_classics.boxes.graph_segmentation import segment
from keras_classics.boxes.region_grouping import Regions, grouped_boxes
from keras_classics.core.arguments import checked
from keras_classics.core.counts import Whole
from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_positive,
    check_whole,
    import_extra,
    installing,
)
from keras_classics.core.pictures import check_picture

ENGINES = ("opencv", "own")
_SIGMA = 0.8


@dataclass(frozen=True)
class Mode:
    """Which pictures are divided how, and which terms regions are joined by.

    Attributes:
        colours: Colour spaces.
        scales: Of the segmentation.
        strategies: Terms of likeness.
    """

    colours: tuple[str, ...]
    scales: tuple[int, ...]
    strategies: tuple[str, ...]


# R-CNN used the fast one.
MODES: Mapping[str, Mode] = MappingProxyType(
    {
        "single": Mode(("hsv",), (100,), ("CTSF",)),
        "fast": Mode(("hsv", "lab"), (50, 100), ("CTSF", "TSF")),
        "quality": Mode(
            ("hsv", "lab", "rgi", "hue", "intensity"),
            (50, 100, 150, 300),
            ("CTSF", "TSF", "F", "S"),
        ),
    }
)


@checked
def selective_search(
    image: np.ndarray,
    *,
    mode: str = "fast",
    least_side: float = 20.0,
    most: Whole | None = None,
    longest_side: Whole = 1000,
    seed: int = 0,
    engine: str | None = None,
) -> np.ndarray:
    """Propose boxes for whatever may be in a picture.

    Boxes are in an order in which the first few are of all kinds, as the paper's: regions that were
    joined last come early, but by chance; the same picture and seed always give the same order.

    Args:
        image: uint8 `(height, width, 3)` RGB, `(height, width, 1)` or `(height, width)` grey.
        mode: `"fast"` (some 2,000 boxes of a photograph), `"quality"` (some 10,000) or `"single"`
            (one segmentation).
        least_side: Boxes with a shorter side in pixels are left out; 20 in the paper, whose
            pictures are 500 wide. For small things give less.
        most: How many boxes at most; None for all.
        longest_side: Pictures with a longer side are searched at a smaller size.
        seed: Of the order.
        engine: `"opencv"` or `"own"`; by default OpenCV where it is installed.

    Returns:
        float32 `(n, 4)`, `(ymin, xmin, ymax, xmax)`, no two equal.

    Raises:
        InputError: The image is no picture, or an argument is out of range.
        ImportError: The engine's library is not installed.

    Example:
        ```python
        image = np.zeros((60, 80, 3), "uint8")
        image[10:40, 20:60] = (200, 30, 30)
        proposals = kc.boxes.selective_search(image)  # (n, 4), best first
        ```
    """
    check_choice("mode", mode, tuple(MODES))
    least = check_positive("least_side", least_side)
    longest = check_whole("longest_side", longest_side, 8)
    most = None if most is None else check_whole("most", most)
    seed = check_whole("seed", seed, 0)
    engine = engine or ("opencv" if _has_opencv() else "own")
    check_choice("engine", engine, ENGINES)
    pixels = _rgb(image)
    height, width = pixels.shape[:2]
    factor = min(1.0, longest / max(height, width))
    if factor < 1.0:
        size = max(1, round(width * factor)), max(1, round(height * factor))
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    search = _by_opencv if engine == "opencv" else _by_ourselves
    found = search(pixels, MODES[mode]).astype("float64")
    back = np.array([height / pixels.shape[0], width / pixels.shape[1]] * 2)
    boxes = np.unique(np.round(found * back), axis=0)
    boxes = boxes[(boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf) >= least]
    return _in_order(boxes, seed)[:most]


def _in_order(boxes: np.ndarray, seed: int) -> np.ndarray:
    """Large ones early, by chance: priorities are ranks times uniform draws, as in the paper.

    OpenCV does not tell at which step of the grouping a region came up, and draws from C's own
    generator: here the rank is that of the area, which grows with the steps.
    """
    areas = box_areas(boxes)
    ranks = np.empty(len(boxes))
    ranks[np.argsort(-areas, kind="stable")] = np.arange(1, len(boxes) + 1)
    draws = np.random.default_rng(seed).random(len(boxes))
    return boxes[np.argsort(ranks * draws, kind="stable")].astype("float32")


def _rgb(image: np.ndarray) -> np.ndarray:
    pixels = np.asarray(image)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    check_picture(pixels, (1, 3))
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


@functools.cache
def _has_opencv() -> bool:
    # Plain OpenCV is there under the same name, without what is needed.
    if importlib.util.find_spec("cv2") is None:
        return False
    import cv2

    return hasattr(cv2, "ximgproc")


def _by_opencv(pixels: np.ndarray, mode: Mode) -> np.ndarray:
    tool = import_extra("cv2", "cv")
    if not hasattr(tool, "ximgproc"):
        raise InputError(
            "The OpenCV that is installed has no ximgproc",
            "opencv-contrib-python-headless",
            f"Run: pip uninstall opencv-python-headless opencv-python. {installing('cv')}",
        )
    parts = tool.ximgproc.segmentation
    # It divides pictures of one pixel's height or width into nothing.
    if min(pixels.shape[:2]) < 2:
        return np.array([[0, 0, *pixels.shape[:2]]])
    search = parts.createSelectiveSearchSegmentation()
    search.setBaseImage(np.ascontiguousarray(pixels[..., ::-1]))
    for name in mode.colours:
        search.addImage(_COLOURS[name](pixels).astype("uint8"))
    for scale in mode.scales:
        search.addGraphSegmentation(parts.createGraphSegmentation(_SIGMA, scale, scale))
    makers = {
        "C": parts.createSelectiveSearchSegmentationStrategyColor,
        "T": parts.createSelectiveSearchSegmentationStrategyTexture,
        "S": parts.createSelectiveSearchSegmentationStrategySize,
        "F": parts.createSelectiveSearchSegmentationStrategyFill,
    }
    for terms in mode.strategies:
        joint = parts.createSelectiveSearchSegmentationStrategyMultiple()
        for term in terms:
            joint.addStrategy(makers[term](), 1.0 / len(terms))
        search.addStrategy(joint)
    found = np.reshape(search.process(), (-1, 4)).astype("int64")
    x, y, width, height = found.T
    return np.stack([y, x, y + height, x + width], axis=1)


def _by_ourselves(pixels: np.ndarray, mode: Mode) -> np.ndarray:
    found = []
    for name in mode.colours:
        picture = _COLOURS[name](pixels)
        for scale in mode.scales:
            regions = Regions.of(picture, segment(picture, scale=scale, sigma=_SIGMA))
            found += [grouped_boxes(regions, terms) for terms in mode.strategies]
    return np.concatenate(found)


def _hsv(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).convert("HSV"), "float32")


def _lab(pixels: np.ndarray) -> np.ndarray:
    """CIE L*a*b* under D65, each scaled to 0 to 255 as OpenCV does."""
    values = pixels / np.float32(255)
    linear = np.where(values > 0.04045, ((values + 0.055) / 1.055) ** 2.4, values / 12.92)
    matrix = np.array(
        [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169],
         [0.019334, 0.119193, 0.950227]]
    )  # fmt: skip
    xyz = linear @ matrix.T / np.array([0.950456, 1.0, 1.088754])
    roots = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lightness = 116 * roots[..., 1] - 16
    red, yellow = 500 * (roots[..., 0] - roots[..., 1]), 200 * (roots[..., 1] - roots[..., 2])
    planes = [lightness * 255 / 100, red + 128, yellow + 128]
    return np.clip(np.round(np.stack(planes, axis=-1)), 0, 255).astype("float32")


def _rgi(pixels: np.ndarray) -> np.ndarray:
    """Shares of red and green, and intensity."""
    total = pixels.sum(axis=-1, dtype="float32")
    shares = pixels[..., :2] * np.float32(255) / np.maximum(total, 1)[..., None]
    return np.concatenate([shares, total[..., None] / 3], axis=-1)


_COLOURS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "hsv": _hsv,
    "lab": _lab,
    "rgi": _rgi,
    "hue": lambda pixels: _hsv(pixels)[..., :1],
    "intensity": lambda pixels: pixels.mean(axis=-1, keepdims=True, dtype="float32"),
}
