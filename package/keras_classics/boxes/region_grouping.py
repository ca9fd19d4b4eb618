"""Grouping of regions into ever larger ones (Uijlings et al. 2013): every region gives a box."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from keras_classics.boxes.graph_segmentation import derivatives

COLOUR_BINS, TEXTURE_BINS, ORIENTATIONS = 25, 10, 8
# Of what regions can be alike: colour, texture, smallness, and fitting together.
TERMS = "CTSF"


@dataclass(eq=False)
class Regions:
    """What is known of the regions of a picture.

    Attributes:
        pixels: Number of pixels of the picture.
        sizes: float64 `(n,)`, pixels of each region.
        boxes: int64 `(n, 4)`, tight, `(ymin, xmin, ymax, xmax)`, the far edges exclusive.
        colours: float64 `(n, 25 * channels)`, histograms that sum to 1.
        textures: float64 `(n, 80 * channels)` likewise.
        neighbours: Of each, the numbers of those that touch it.
    """

    pixels: int
    sizes: np.ndarray
    boxes: np.ndarray
    colours: np.ndarray
    textures: np.ndarray
    neighbours: list[set[int]]

    @classmethod
    def of(cls, image: np.ndarray, regions: np.ndarray) -> Regions:
        """Look at a picture `(height, width, channels)` of 0 to 255 and its regions."""
        count = int(regions.max()) + 1
        flat = regions.ravel()
        sizes = np.bincount(flat, minlength=count).astype("float64")
        down, right = derivatives(image.astype("float32"), 1.0)
        angles = np.arange(ORIENTATIONS) * (2 * np.pi / ORIENTATIONS)
        slopes = np.maximum(
            0.0, down[..., None] * np.sin(angles) + right[..., None] * np.cos(angles)
        )
        # Of a change by 255 the Gaussian derivative is 255 / sqrt(2 pi).
        steepest = 255.0 / np.sqrt(2 * np.pi)
        return cls(
            pixels=flat.size,
            sizes=sizes,
            boxes=_tight_boxes(regions, count),
            colours=_histograms(image.reshape(flat.size, -1) / 256.0, flat, count, COLOUR_BINS),
            textures=_histograms(
                slopes.reshape(flat.size, -1) / steepest, flat, count, TEXTURE_BINS
            ),
            neighbours=_neighbours(regions, count),
        )


def similarity(regions: Regions, one: int, other: int, terms: str) -> float:
    """How alike two regions are: the sum of some terms, each 0 to 1.

    Args:
        regions: All of them.
        one: The number of a region.
        other: That of another.
        terms: Some of `"CTSF"`: colour and texture (the common part of their histograms), size
            (small ones first), fill (how well they fit together).
    """
    total, sizes = 0.0, regions.sizes[one] + regions.sizes[other]
    if "C" in terms:
        total += float(np.minimum(regions.colours[one], regions.colours[other]).sum())
    if "T" in terms:
        total += float(np.minimum(regions.textures[one], regions.textures[other]).sum())
    if "S" in terms:
        total += 1.0 - sizes / regions.pixels
    if "F" in terms:
        joint = _joint_box(regions.boxes[one], regions.boxes[other])
        area = (joint[2] - joint[0]) * (joint[3] - joint[1])
        total += 1.0 - (area - sizes) / regions.pixels
    return total


def grouped_boxes(regions: Regions, terms: str) -> np.ndarray:
    """Join the two neighbours that are most alike until one region is left.

    Args:
        regions: Those to begin with; left as they are.
        terms: As for `similarity`.

    Returns:
        int64 `(boxes, 4)`, of the whole picture first, those to begin with last: `2 n - 1` of n
        regions that hang together.
    """
    count = len(regions.sizes)
    sizes, boxes, colours, textures = (
        np.concatenate([each, np.zeros_like(each[: max(0, count - 1)])])
        for each in (regions.sizes, regions.boxes, regions.colours, regions.textures)
    )
    neighbours = [set(each) for each in regions.neighbours]
    grown = Regions(regions.pixels, sizes, boxes, colours, textures, neighbours)
    # Of equally alike pairs the first by number.
    queue = [
        (-similarity(regions, one, other, terms), one, other)
        for one in range(count)
        for other in regions.neighbours[one]
        if one < other
    ]
    heapq.heapify(queue)
    alive = [True] * count
    while queue:
        _, one, other = heapq.heappop(queue)
        if not (alive[one] and alive[other]):
            continue
        new = len(alive)
        _join(grown, one, other, new)
        alive[one] = alive[other] = False
        alive.append(True)
        for near in grown.neighbours[new]:
            heapq.heappush(queue, (-similarity(grown, near, new, terms), near, new))
    return grown.boxes[: len(alive)][::-1]


def _join(regions: Regions, one: int, other: int, new: int) -> None:
    sizes = regions.sizes
    sizes[new] = sizes[one] + sizes[other]
    regions.boxes[new] = _joint_box(regions.boxes[one], regions.boxes[other])
    for histograms in (regions.colours, regions.textures):
        histograms[new] = (sizes[one] * histograms[one] + sizes[other] * histograms[other]) / sizes[
            new
        ]
    near = (regions.neighbours[one] | regions.neighbours[other]) - {one, other}
    regions.neighbours.append(near)
    for each in near:
        regions.neighbours[each] -= {one, other}
        regions.neighbours[each].add(new)


def _joint_box(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.concatenate([np.minimum(one[:2], other[:2]), np.maximum(one[2:], other[2:])])


def _tight_boxes(regions: np.ndarray, count: int) -> np.ndarray:
    boxes = np.empty((count, 4), "int64")
    boxes[:, :2], boxes[:, 2:] = np.iinfo("int64").max, -1
    places = np.indices(regions.shape).reshape(2, -1)
    for axis in (0, 1):
        np.minimum.at(boxes[:, axis], regions.ravel(), places[axis])
        np.maximum.at(boxes[:, axis + 2], regions.ravel(), places[axis] + 1)
    return boxes


def _histograms(values: np.ndarray, regions: np.ndarray, count: int, bins: int) -> np.ndarray:
    """Of each region, histograms of all columns of `(pixels, columns)` from 0 to 1, joined."""
    places = np.clip((values * bins).astype("int64"), 0, bins - 1)
    columns = values.shape[1]
    found = np.empty((count, columns * bins))
    for column in range(columns):
        counts = np.bincount(regions * bins + places[:, column], minlength=count * bins)
        found[:, column * bins : (column + 1) * bins] = counts.reshape(count, bins)
    return found / found.sum(axis=1, keepdims=True)


def _neighbours(regions: np.ndarray, count: int) -> list[set[int]]:
    found: list[set[int]] = [set() for _ in range(count)]
    for one, other in (
        (regions[:, :-1], regions[:, 1:]),
        (regions[:-1], regions[1:]),
    ):
        for a, b in _pairs(one, other):
            found[a].add(b)
            found[b].add(a)
    return found


def _pairs(one: np.ndarray, other: np.ndarray) -> Iterable[tuple[int, int]]:
    apart = one != other
    pairs = np.unique(np.stack([one[apart], other[apart]], axis=1), axis=0)
    return ((one, other) for one, other in pairs.tolist())
