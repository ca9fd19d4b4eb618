"""Drawing one object of the embedded scenes: outline, texture and colour on a small window.

Outlines are signed distances, negative inside, which give soft edges and exact masks at any
size. Every outline fits a circle of radius 1 about the origin, so that objects whose circles are
apart are apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from keras_classics.data.scene_captions import COLOURS, KINDS, SceneObject

# Shares of the picture's side.
_STRIPE_PERIOD, _DOT_PERIOD = 0.075, 0.090
_GREATEST_TILT = 0.25
_COLOUR_JITTER = 9.0
_PALETTE = {
    "red": (214, 36, 40),
    "green": (34, 145, 60),
    "blue": (38, 78, 216),
    "yellow": (250, 214, 30),
    "orange": (245, 126, 22),
    "purple": (124, 44, 160),
    "pink": (250, 142, 196),
    "black": (28, 28, 32),
}
# Stripes and dots are white, except on colours too light to show it.
_WHITE = (250, 246, 240)
_ACCENTS = {"yellow": (150, 104, 0), "orange": (128, 52, 0), "pink": (168, 36, 104)}

HOLE_OF_RING = 0.63


@dataclass(frozen=True)
class Sprite:
    """One object on its own square window, centred on the window's middle.

    Attributes:
        radius: Of the circle about the object, in pixels.
        coverage: `(window, window)` float32, the share of each pixel the object covers.
        paint: `(window, window, 3)` or `(3,)` float32, its RGB colours.
    """

    radius: float
    coverage: np.ndarray
    paint: np.ndarray

    @property
    def half(self) -> int:
        """Half the side of the window, in pixels."""
        return len(self.coverage) // 2

    @cached_property
    def solid(self) -> np.ndarray:
        """`(window, window)` bool: the pixels whose centre the object covers."""
        return self.coverage >= 0.5


def draw_sprite(rng: np.random.Generator, thing: SceneObject, radius: float, size: int) -> Sprite:
    """Draw one object, tilted a little and coloured within its colour's range.

    Args:
        rng: Chooses tilt, shade and the texture's direction.
        thing: What to draw.
        radius: Of the circle about the object, in pixels.
        size: Side of the picture in pixels, which the textures are measured by.
    """
    half = math.ceil(radius)
    along = np.arange(0.5 - half, half, dtype=np.float32)
    x, y = along / np.float32(radius), along[:, None] / np.float32(radius)
    tilt = _GREATEST_TILT * (2.0 * rng.random() - 1.0)
    cosine, sine = np.float32(math.cos(tilt)), np.float32(math.sin(tilt))
    distance = _OUTLINES[thing.kind](cosine * x + sine * y, cosine * y - sine * x)
    coverage = np.clip(0.5 - np.float32(radius) * distance, 0.0, 1.0)
    colour = _PALETTE[thing.colour] + _COLOUR_JITTER * (2.0 * rng.random(3) - 1.0)
    paint = colour.astype(np.float32)
    if thing.texture != "plain":
        accent = np.array(_ACCENTS.get(thing.colour, _WHITE), np.float32)
        share = _TEXTURES[thing.texture](rng, along, size)
        paint = paint + share[..., None] * (accent - paint)
    return Sprite(radius, coverage, paint)


def _stripes(rng: np.random.Generator, along: np.ndarray, size: int) -> np.ndarray:
    """`(window, window)` share of the accent: parallel bars in any direction."""
    frequency = 2.0 * math.pi / (_STRIPE_PERIOD * size)
    direction, phase = math.pi * rng.random(), 2.0 * math.pi * rng.random()
    across = np.float32(frequency * math.cos(direction)) * along
    down = np.float32(frequency * math.sin(direction)) * along + np.float32(phase)
    return np.clip(0.5 + 1.5 * np.sin(across + down[:, None]), 0.0, 1.0)


def _dots(rng: np.random.Generator, along: np.ndarray, size: int) -> np.ndarray:
    """`(window, window)` share of the accent: round dots on a square lattice."""
    frequency = np.float32(2.0 * math.pi / (_DOT_PERIOD * size))
    phases = (2.0 * math.pi * rng.random(2)).astype(np.float32)
    wave = np.cos(frequency * along + phases[0]) + np.cos(frequency * along + phases[1])[:, None]
    return np.clip(1.5 * (wave - 0.4), 0.0, 1.0)


def _circle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.sqrt(x * x + y * y) - 0.92


def _square(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.maximum(np.abs(x), np.abs(y)) - 0.70


def _triangle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    slope = math.sqrt(3.0) / 2.0
    return np.maximum(y, slope * np.abs(x) - 0.5 * y) - 0.5


def _star(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Five points: two reflections fold the plane onto half a point, whose edge is one line."""
    x, y = np.abs(x), -y
    for angle in (0.2 * math.pi, -0.2 * math.pi):
        normal = (math.cos(angle), -math.sin(angle))
        beyond = np.maximum(normal[0] * x + normal[1] * y, 0.0)
        if angle < 0:
            beyond = np.maximum(-normal[0] * x + normal[1] * y, 0.0)
        x, y = x - 2.0 * beyond * normal[0], y - 2.0 * beyond * normal[1]
    return x


def _cross(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = np.abs(x), np.abs(y)
    return np.maximum(np.maximum(x, y) - 0.94, np.minimum(x, y) - 0.30)


def _ring(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    middle, half_width = (0.97 + HOLE_OF_RING) / 2.0, (0.97 - HOLE_OF_RING) / 2.0
    return np.abs(np.sqrt(x * x + y * y) - middle) - half_width


def _heart(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A square on its corner and a disc on each of its upper edges."""
    side = 0.74
    x, y = np.abs(x), y + 0.10 * side
    corner = (x + np.abs(y) - side) * math.sqrt(0.5)
    lobe = np.sqrt((x - 0.5 * side) ** 2 + (y + 0.5 * side) ** 2) - side * math.sqrt(0.5)
    return np.minimum(corner, lobe)


def _crescent(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    squares = y * y
    disc = np.sqrt(x * x + squares) - 0.95
    bite = np.sqrt((x - 0.42) ** 2 + squares) - 0.72
    return np.maximum(disc, -bite)


_OUTLINES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "cross": _cross,
    "ring": _ring,
    "heart": _heart,
    "crescent": _crescent,
}
_TEXTURES = {"striped": _stripes, "dotted": _dots}
