"""The embedded world `scenes`: small pictures of a few shapes of which everything is known.

One scene serves classification (the kind of its main object), captioning (five captions),
localisation and detection (boxes), segmentation (mask) and the pointing game. It is a pure
function of a seed and an index: no download, any number, any size, harder by argument.

The main object comes first everywhere. It is the large one of two unlike objects, and of two
equally large ones the left or the upper one. Where there are more than two objects, the second
is the one that the main object touches or encloses, else the only other large one: so a
picture determines what its captions talk about.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from keras_classics.core.errors import InputError, explain
from keras_classics.data.scene_captions import (
    CAPTIONS_PER_SCENE,
    COLOURS,
    COLUMNS,
    KINDS,
    OPPOSITES,
    RELATIONS,
    ROWS,
    SceneObject,
    describe,
)

if TYPE_CHECKING:
    import tensorflow as tf

CLASSES = KINDS
MAX_OBJECTS = 5
_CHUNK = 32

# Lengths are shares of the picture's side.
_RADII = {"large": (0.165, 0.200), "small": (0.085, 0.105)}
_HOST_RADII, _GUEST_RADII = (0.190, 0.205), (0.080, 0.090)
_HOSTS = ("circle", "square", "ring")
_GAP = 0.045
_STRIPE_PERIOD, _DOT_PERIOD = 0.075, 0.090
_CELLS, _CELL_JITTER = (0.27, 0.50, 0.73), 0.05

_TILT = 0.25
_LEAST_VISIBLE = 0.4
_CANDIDATES = 48
_TEXTURE_LOTS = ("plain", "plain", "plain", "striped", "dotted")
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
_ACCENTS = {"yellow": (150, 104, 0), "orange": (128, 52, 0), "pink": (168, 36, 104)}
_LIGHT_ACCENT = (250, 246, 240)


@dataclass(frozen=True)
class SceneOptions:
    """How scenes look and how hard they are.

    Attributes:
        size: Side of the square picture in pixels, at least 32.
        objects: Least and greatest number of objects, within 1 to 5.
        clutter: Strength of the background's texture and specks, 0 to 1.
        occlusion: How far objects may reach over each other, 0 to 1, as a share of the smaller
            one's radius. At 0 they stay clearly apart (unless related by inside or touching); at
            1 the smaller one's centre may lie on the other's rim.
        noise: Amplitude of the pixel noise as a share of the full range, 0 to 0.5.

    Raises:
        InputError: A value is outside its range.
    """

    size: int = 64
    objects: tuple[int, int] = (1, 3)
    clutter: float = 0.0
    occlusion: float = 0.0
    noise: float = 0.02

    def __post_init__(self) -> None:
        if self.size < 32:
            raise InputError(
                explain(f"size={self.size} was given", "32 and above", "Render larger pictures.")
            )
        least, most = self.objects
        if not 1 <= least <= most <= MAX_OBJECTS:
            raise InputError(
                explain(
                    f"objects={self.objects} was given",
                    f"(least, most) with 1 <= least <= most <= {MAX_OBJECTS}",
                    "Give both bounds in order.",
                )
            )
        for name, greatest in (("clutter", 1.0), ("occlusion", 1.0), ("noise", 0.5)):
            value = getattr(self, name)
            if not 0.0 <= value <= greatest:
                raise InputError(
                    explain(
                        f"{name}={value} was given",
                        f"0 to {greatest:g}",
                        f"Choose a {name} within that range.",
                    )
                )


@dataclass(frozen=True)
class Scene:
    """One picture and the whole truth about it.

    Attributes:
        image: `(size, size, 3)` uint8, RGB.
        label: Class of the main object, an index into `CLASSES`.
        captions: Five different English captions.
        boxes: `(objects, 4)` float32, `(ymin, xmin, ymax, xmax)` in pixels, around the visible
            pixels of each object; the far edges are exclusive.
        box_labels: `(objects,)` int32, the class of each object.
        mask: `(size, size)` uint8; 0 is background and i + 1 is object i.
        objects: Kind, colour, size and texture of each object.
        relation: How the main object lies to the second, one of `RELATIONS`; `"inside"` means
            that the second lies inside the main one; None for an object alone.
    """

    image: np.ndarray
    label: int
    captions: tuple[str, ...]
    boxes: np.ndarray
    box_labels: np.ndarray
    mask: np.ndarray
    objects: tuple[SceneObject, ...]
    relation: str | None


@dataclass(frozen=True)
class _Sprite:
    """An object drawn on its own window, its centre at the window's middle corner."""

    radius: float
    coverage: np.ndarray
    paint: np.ndarray

    @property
    def half(self) -> int:
        return len(self.coverage) // 2


def render_scene(seed: int, index: int, options: SceneOptions = SceneOptions()) -> Scene:  # noqa: B008
    """Render the scene that has this seed and index.

    Args:
        seed: Chooses the world, 0 or above.
        index: Chooses the scene within it, 0 or above.
        options: Size, number of objects, difficulty.

    Raises:
        InputError: `seed` or `index` is negative.
    """
    if seed < 0 or index < 0:
        raise InputError(
            explain(f"seed={seed}, index={index} was given", "0 and above", "Count from 0.")
        )
    rng = np.random.default_rng([seed, index])
    objects, relation = _choose_objects(rng, options)
    while True:
        sprites = _draw_sprites(rng, objects, relation, options.size)
        position = (ROWS[rng.integers(3)], COLUMNS[rng.integers(3)])
        centres = _place(rng, sprites, relation, position, options)
        if centres is None:
            continue
        mask = _compose_mask(sprites, centres, options.size)
        if options.occlusion == 0.0 or _all_recognisable(sprites, mask):
            break
    box_labels = np.array([KINDS.index(thing.kind) for thing in objects], np.int32)
    return Scene(
        image=_compose_image(rng, sprites, centres, options),
        label=int(box_labels[0]),
        captions=describe(objects, relation, position, rng),
        boxes=_boxes(mask, sprites, centres),
        box_labels=box_labels,
        mask=mask,
        objects=objects,
        relation=relation,
    )
