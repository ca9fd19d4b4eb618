"""What stands where in the embedded scenes: choice of objects, relation and centres.

A picture determines what its captions talk about. The main object is the large one of two unlike
objects, and of two equally large ones the left or the upper one. Where there are more than two,
the main pair is the one in contact (inside, touching), else the only two large ones. Colours
never repeat within a scene.
"""

from __future__ import annotations

import numpy as np

from keras_classics.data.worlds.scene_captions import (
    COLOURS,
    COLUMNS,
    KINDS,
    OPPOSITES,
    RELATIONS,
    ROWS,
    SIZES,
    SceneObject,
)
from keras_classics.data.worlds.scene_shapes import Sprite, draw_sprite

# Lengths are shares of the picture's side.
_RADII = {"large": (0.175, 0.205), "small": (0.085, 0.102)}
_HOST_RADII, _GUEST_RADII = (0.200, 0.215), (0.080, 0.088)
_GUEST_JITTER = 0.015
_GAP = 0.045
_CELLS = (0.26, 0.50, 0.74)
_CELL_JITTER = 0.035

_HOSTS = ("circle", "square", "ring")
_PAIR_SIZE_LOTS = (
    ("large", "large"),
    ("large", "small"),
    ("large", "small"),
    ("small", "small"),
)
_TEXTURE_LOTS = ("plain", "plain", "striped", "dotted")
# These, like all small objects, have too few pixels across to show a texture.
_SLENDER = ("ring", "crescent")
# Sideways share of an offset: within it, left is left and above is above at a glance.
_STEEPEST = 0.4
_SLIDE = 0.35
_CANDIDATES = 48

Centre = tuple[int, int]


def choose_objects(
    rng: np.random.Generator, count: int
) -> tuple[tuple[SceneObject, ...], str | None]:
    """Choose `count` objects, the main one first, and how it lies to the second.

    Returns:
        The objects and one of `RELATIONS`, None for an object alone.
    """
    colours = [COLOURS[i] for i in rng.permutation(len(COLOURS))[:count]]
    kinds = [KINDS[i] for i in rng.integers(len(KINDS), size=count)]
    relation = RELATIONS[rng.integers(len(RELATIONS))] if count > 1 else None
    if relation is None:
        pair: tuple[str, ...] = (SIZES[rng.integers(len(SIZES))],)
    elif relation == "inside":
        pair = ("large", "small")
        kinds[0] = _HOSTS[rng.integers(len(_HOSTS))]
    elif relation == "touching" or count == 2:
        pair = _PAIR_SIZE_LOTS[rng.integers(len(_PAIR_SIZE_LOTS))]
    else:
        pair = ("large", "large")
    if relation in ("right", "below") and len(set(pair)) == 1:
        relation = OPPOSITES[relation]
    sizes = pair + ("small",) * (count - len(pair))
    lots = rng.integers(len(_TEXTURE_LOTS), size=count)
    textures = [
        _TEXTURE_LOTS[i] if size == "large" and kind not in _SLENDER else "plain"
        for i, size, kind in zip(lots, sizes, kinds, strict=True)
    ]
    return tuple(map(SceneObject, kinds, colours, sizes, textures)), relation


def draw_sprites(
    rng: np.random.Generator, objects: tuple[SceneObject, ...], relation: str | None, size: int
) -> list[Sprite]:
    """Draw every object at a radius of its size class, a guest small enough for its host."""
    ranges = [_RADII[thing.size] for thing in objects]
    if relation == "inside":
        ranges[:2] = _HOST_RADII, _GUEST_RADII
    return [
        draw_sprite(rng, thing, size * rng.uniform(*radii), size)
        for thing, radii in zip(objects, ranges, strict=True)
    ]


def place_alone(
    rng: np.random.Generator, sprite: Sprite, size: int
) -> tuple[list[Centre], tuple[str, str]]:
    """Place one object in one of nine cells.

    Returns:
        Its centre `(y, x)` in a list, and the row and column of the cell.
    """
    cell = rng.integers(3, size=2)
    jitter = _CELL_JITTER * (2.0 * rng.random(2) - 1.0)
    y, x = (
        min(max(round(size * (_CELLS[i] + shift)), sprite.half), size - sprite.half)
        for i, shift in zip(cell, jitter.tolist(), strict=True)
    )
    return [(y, x)], (ROWS[cell[0]], COLUMNS[cell[1]])


def place_together(
    rng: np.random.Generator, sprites: list[Sprite], relation: str, size: int, occlusion: float
) -> list[Centre] | None:
    """Place the main pair in its relation, then the others where there is room.

    Returns:
        Centres `(y, x)` that keep every window within the picture; None where this draw of
        sprites and offsets found no room.
    """
    main, second = sprites[:2]
    if relation == "inside":
        jitter = round(_GUEST_JITTER * size)
        down, right = rng.integers(-jitter, jitter + 1, size=2).tolist()
    elif relation == "touching":
        offset = _touching_offset(rng, main, second)
        if offset is None:
            return None
        down, right = offset
    else:
        apart = _least_distance(main.radius, second.radius, size, occlusion)
        along = float(rng.uniform(apart, max(apart, size - main.half - second.half)))
        across = along * rng.uniform(-_STEEPEST, _STEEPEST)
        down, right = _turn(relation, round(along), round(across))
    lowest = [max(main.half, second.half - shift) for shift in (down, right)]
    highest = [size - max(main.half, second.half + shift) for shift in (down, right)]
    if lowest[0] > highest[0] or lowest[1] > highest[1]:
        return None
    y, x = (int(rng.integers(a, b + 1)) for a, b in zip(lowest, highest, strict=True))
    centres = [(y, x), (y + down, x + right)]
    for sprite in sprites[2:]:
        radii = np.array([placed.radius for placed in sprites[: len(centres)]])
        apart = _least_distance(radii, sprite.radius, size, occlusion)
        candidates = rng.integers(sprite.half, size - sprite.half + 1, size=(_CANDIDATES, 2))
        offsets = candidates[:, None] - np.array(centres)
        room = (np.hypot(offsets[..., 0], offsets[..., 1]) - apart).min(1)
        free = np.flatnonzero(room >= 0.0)
        if not len(free):
            return None
        chosen = free[room[free].argmin()] if rng.random() < occlusion else free[0]
        centres.append(tuple(candidates[chosen].tolist()))
    return centres


def _least_distance(
    radius: float | np.ndarray, other: float, size: int, occlusion: float
) -> float | np.ndarray:
    """Centres this far apart keep the gap, or reach over each other as far as occlusion allows."""
    gap = _GAP * size
    return radius + other + gap - occlusion * (gap + np.minimum(radius, other))


def _turn(relation: str, along: int, across: int) -> Centre:
    """The offset of the second object, given the relation of the main one to it."""
    return {
        "left": (across, along),
        "right": (across, -along),
        "above": (along, across),
        "below": (-along, across),
    }[relation]


def _touching_offset(rng: np.random.Generator, main: Sprite, second: Sprite) -> Centre | None:
    """Slide the second object along an axis until a pixel of it is next to one of the main's.

    Returns:
        The offset of its centre, None where the two slide past each other.
    """
    sides = ("left", "above") if main.thing.size == second.thing.size else tuple(_SIGHTS)
    side = sides[rng.integers(len(sides))]
    across = round(_SLIDE * (main.radius + second.radius) * (2.0 * rng.random() - 1.0))
    solid, other = _SIGHTS[side](main.solid), _SIGHTS[side](second.solid)
    top = max(-main.half, across - second.half)
    bottom = min(main.half, across + second.half)
    solid = solid[top + main.half : bottom + main.half]
    other = other[top - across + second.half : bottom - across + second.half]
    facing = solid.any(1) & other.any(1)
    if not facing.any():
        return None
    ends = main.half - solid[facing, ::-1].argmax(1)
    starts = other[facing].argmax(1) - second.half
    return _turn(side, int((ends - starts).max()), across)


# Views in which the second object always comes from the right.
_SIGHTS = {
    "left": lambda solid: solid,
    "right": lambda solid: solid[:, ::-1],
    "above": lambda solid: solid.T,
    "below": lambda solid: solid.T[:, ::-1],
}
