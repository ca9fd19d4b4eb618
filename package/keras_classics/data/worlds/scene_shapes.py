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

from keras_classics.data.worlds.scene_captions import SceneObject

# Shares of the picture's side.
_STRIPE_PERIOD, _DOT_PERIOD = 0.075, 0.090
_RIM = 0.014
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


@dataclass(frozen=True)
class Sprite:
    """One object on its own square window, centred on the window's middle.

    Attributes:
        thing: What it shows.
        radius: Of the circle about the object, in pixels.
        coverage: `(window, window)` float32, the share of each pixel the object covers.
        paint: `(3, window, window)` or `(3, 1, 1)` float32, its RGB colours.
    """

    thing: SceneObject
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
    distance = np.float32(radius) * _OUTLINES[thing.kind](
        cosine * x + sine * y, cosine * y - sine * x
    )
    coverage = np.clip(0.5 - distance, 0.0, 1.0)
    jitter = _COLOUR_JITTER * (2.0 * rng.random(3) - 1.0)
    paint = (jitter + _PALETTE[thing.colour]).astype(np.float32)[:, None, None]
    if thing.texture != "plain":
        accent = np.array(_ACCENTS.get(thing.colour, _WHITE), np.float32)[:, None, None]
        share = _TEXTURES[thing.texture](rng, along, size)
        rim = np.float32(_RIM * size)
        share *= np.clip(-distance - (rim - 0.5), 0.0, 1.0)
        paint = paint + share * (accent - paint)
    return Sprite(thing, radius, coverage, paint)


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
    slope, y = math.sqrt(3.0) / 2.0, y - 0.12
    return np.maximum(y, slope * np.abs(x) - 0.5 * y) - 0.465


def _star(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Five points: two reflections fold the plane onto half a point, whose edge is one line."""
    cosine, sine, valley = math.cos(0.2 * math.pi), math.sin(0.2 * math.pi), 0.45
    x, up = np.abs(x), -y
    for _ in range(2):
        beyond = np.maximum(cosine * x - sine * up, 0.0)
        x, up = np.abs(x - 2.0 * cosine * beyond), up + 2.0 * sine * beyond
    normal_x, normal_up = 1.0 - valley * cosine, valley * sine
    return (normal_x * x + normal_up * (up - 1.0)) / math.hypot(normal_x, normal_up)


def _cross(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = np.abs(x), np.abs(y)
    return np.maximum(np.maximum(x, y) - 0.94, np.minimum(x, y) - 0.30)


def _ring(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.abs(np.sqrt(x * x + y * y) - 0.80) - 0.17


def _heart(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A square on its corner and a disc on each of its upper edges."""
    corner = 0.74
    x, y = np.abs(x), y - 0.1 * corner
    square = (x + np.abs(y) - corner) * math.sqrt(0.5)
    lobe = np.sqrt((x - 0.5 * corner) ** 2 + (y + 0.5 * corner) ** 2) - corner * math.sqrt(0.5)
    return np.minimum(square, lobe)


def _crescent(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, squares = x - 0.08, y * y
    disc = np.sqrt(x * x + squares) - 0.91
    bite = np.sqrt((x - 0.40) ** 2 + squares) - 0.69
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
