"""The embedded world `scenes`: small pictures of a few shapes of which everything is known.

One scene serves classification (the kind of its main object), captioning (five captions),
localisation and detection (boxes), segmentation (mask) and the pointing game. It is a pure
function of a seed and an index: no download, any number, any size, harder by argument.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count, Index
from keras_classics.core.errors import InputError
from keras_classics.core.versions import installed
from keras_classics.data.load import Asked, Data, world_sizes
from keras_classics.data.splits import Made
from keras_classics.data.worlds.scene_captions import KINDS, SceneObject, describe
from keras_classics.data.worlds.scene_layout import (
    Centre,
    choose_objects,
    draw_sprites,
    place_alone,
    place_together,
)
from keras_classics.data.worlds.scene_shapes import Sprite

CLASSES = KINDS
# Those of pixels, of which most show no object.
PIXEL_CLASSES = ("background", *KINDS)
MAX_OBJECTS = 5
# Between the first scenes of two splits: no size of one reaches into another.
_APART = 1_000_000_000

_LEAST_VISIBLE = 0.4
_WAVES = 6.0
_WAVE_HEIGHT = 14.0
_SPECKS = 30
_SPECK = 0.025  # share of the picture's side


@dataclass(frozen=True)
class SceneOptions:
    """How scenes look and how hard they are.

    Attributes:
        size: Side of the square picture in pixels, at least 32.
        objects: Least and greatest number of objects, within 1 to 5.
        clutter: Strength of the background's texture and specks, 0 to 1.
        occlusion: How far objects may reach over each other, 0 to 1, as a share of the smaller
            one's radius. At 0 they stay clearly apart (unless related by inside or touching); at
            1 the centre of the smaller one may lie on the other's rim.
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
                f"size={self.size} was given", "32 and above", "Render larger pictures."
            )
        bounds = (1, *np.ravel(self.objects), MAX_OBJECTS)
        if len(bounds) != 4 or sorted(bounds) != list(bounds):
            raise InputError(
                f"objects={self.objects} was given",
                f"(least, most) with 1 <= least <= most <= {MAX_OBJECTS}",
                "Give both bounds in order.",
            )
        for name, greatest in (("clutter", 1.0), ("occlusion", 1.0), ("noise", 0.5)):
            value = getattr(self, name)
            if not 0.0 <= value <= greatest:
                raise InputError(
                    f"{name}={value} was given",
                    f"0 to {greatest:g}",
                    f"Choose a {name} within that range.",
                )


@dataclass(frozen=True)
class Scene:
    """One picture and the whole truth about it.

    Attributes:
        image: `(size, size, 3)` uint8, RGB.
        name: For example `"scene-000123"`.
        label: Class of the main object, an index into `CLASSES`.
        captions: Five different English captions.
        boxes: `(objects, 4)` float32, `(ymin, xmin, ymax, xmax)` in pixels, tight around the
            visible pixels of each object; the far edges are exclusive.
        box_labels: `(objects,)` int32, the class of each object.
        mask: `(size, size)` uint8; 0 is background and i + 1 is object i.
        objects: Kind, colour, size and texture of each object, the main one first.
        relation: How the main object lies to the second, one of `RELATIONS`; `"inside"` means
            that the second lies inside the main one; None for an object alone.
    """

    image: np.ndarray
    name: str
    label: int
    captions: tuple[str, ...]
    boxes: np.ndarray
    box_labels: np.ndarray
    mask: np.ndarray
    objects: tuple[SceneObject, ...]
    relation: str | None

    @property
    def class_mask(self) -> np.ndarray:
        """`(size, size)` uint8: the class of each pixel, an index into `PIXEL_CLASSES`."""
        return np.concatenate([[0], self.box_labels + 1]).astype("uint8")[self.mask]


_DEFAULTS = SceneOptions()


def render_scene(seed: int, index: int, options: SceneOptions = _DEFAULTS) -> Scene:
    """Render the scene that has this seed and index.

    Args:
        seed: Chooses the world, 0 or above.
        index: Chooses the scene within it, 0 or above.
        options: Size, number of objects, difficulty.

    Raises:
        InputError: `seed` or `index` is negative.
    """
    if seed < 0 or index < 0:
        raise InputError(f"seed={seed}, index={index} was given", "0 and above", "Count from 0.")
    rng = np.random.default_rng([seed, index])
    least, most = options.objects
    objects, relation = choose_objects(rng, int(rng.integers(least, most + 1)))
    position, mask = None, None
    while mask is None:
        sprites = draw_sprites(rng, objects, relation, options.size)
        if relation is None:
            centres, position = place_alone(rng, sprites[0], options.size)
        else:
            centres = place_together(rng, sprites, relation, options.size, options.occlusion) or []
        mask = _compose_mask(sprites, centres, options) if centres else None
    # Before the pixels, so that clutter and noise change the picture and not its captions.
    captions = describe(objects, relation, position, rng)
    kinds = np.array([KINDS.index(thing.kind) for thing in objects], np.int32)
    return Scene(
        image=_compose_image(rng, sprites, centres, options),
        name=f"scene-{index:06d}",
        label=int(kinds[0]),
        captions=captions,
        boxes=_boxes(mask, sprites, centres),
        box_labels=kinds,
        mask=mask,
        objects=objects,
        relation=relation,
    )


@checked
def scenes(
    count: Count, *, seed: Index = 0, first: Index = 0, options: SceneOptions = _DEFAULTS
) -> Made[int, Scene]:
    """Scenes `first` to `first + count - 1` of a seed, each rendered when it is asked for.

    Args:
        count: Number of scenes, 1 or above.
        seed: Chooses the world; give training and test the same seed and disjoint indices.
        first: Index of the first scene.
        options: Size, number of objects, difficulty.

    Raises:
        InputError: `count` is below 1, or `seed` or `first` below 0.
    """
    return Made(range(first, first + count), lambda index: render_scene(seed, index, options))


def _window(sprite: Sprite, centre: Centre) -> tuple[slice, slice]:
    """Where the sprite's window lies in the picture."""
    (y, x), half = centre, sprite.half
    return slice(y - half, y + half), slice(x - half, x + half)


def _compose_mask(
    sprites: list[Sprite], centres: list[Centre], options: SceneOptions
) -> np.ndarray | None:
    """Number every pixel by the object in front; None where too little of one can be seen."""
    mask = np.zeros((options.size, options.size), np.uint8)
    for i in _from_back_to_front(sprites):
        mask[_window(sprites[i], centres[i])][sprites[i].solid] = i + 1
    if options.occlusion:
        for i, sprite in enumerate(sprites):
            whole = np.count_nonzero(sprite.solid)
            if np.count_nonzero(mask == i + 1) < _LEAST_VISIBLE * whole:
                return None
    return mask


def _compose_image(
    rng: np.random.Generator, sprites: list[Sprite], centres: list[Centre], options: SceneOptions
) -> np.ndarray:
    """Background, objects from back to front, noise: `(size, size, 3)` uint8."""
    planes = _background(rng, options)
    for i in _from_back_to_front(sprites):
        pixels = planes[:, *_window(sprites[i], centres[i])]
        pixels += sprites[i].coverage * (sprites[i].paint - pixels)
    if options.noise:
        words = rng.bit_generator.random_raw(-(-planes.size // 8))
        grain = words.view(np.uint8)[: planes.size].reshape(planes.shape) - np.float32(127.5)
        planes += np.float32(2.0 * options.noise) * grain
    np.clip(planes, 0.0, 255.0, out=planes)
    image = np.empty((options.size, options.size, 3), np.uint8)
    for channel, plane in enumerate(planes.astype(np.uint8)):
        image[..., channel] = plane
    return image


def _from_back_to_front(sprites: list[Sprite]) -> list[int]:
    """The smaller in front of the larger, so that no object can hide a smaller one."""
    return sorted(range(len(sprites)), key=lambda i: -sprites[i].radius)


def _background(rng: np.random.Generator, options: SceneOptions) -> np.ndarray:
    """`(3, size, size)` light tint with a slope, and the waves and specks `clutter` asks for."""
    size = options.size
    tint = 208.0 + 34.0 * rng.random((3, 1, 1), np.float32)
    slopes = 12.0 * (2.0 * rng.random((2, 3, 1, 1), np.float32) - 1.0)
    right = np.arange(1 - size, size, 2, dtype=np.float32) / np.float32(size)
    down = right[:, None]
    planes = (tint + slopes[0] * right) + slopes[1] * down
    if options.clutter:
        for waves in rng.uniform(-_WAVES, _WAVES, (2, 2)).astype(np.float32):
            phase = np.float32(2.0 * math.pi * rng.random())
            wave = np.sin(math.pi * (waves[0] * down + waves[1] * right) + phase)
            planes += np.float32(_WAVE_HEIGHT * options.clutter) * wave
        side = max(1, round(_SPECK * size))
        for y, x in rng.integers(size - side + 1, size=(round(_SPECKS * options.clutter), 2)):
            pixels = planes[:, y : y + side, x : x + side]
            tone = rng.uniform(70.0, 190.0) + rng.uniform(-25.0, 25.0, (3, 1, 1))
            pixels += np.float32(options.clutter) * (tone.astype(np.float32) - pixels)
    return planes


def _boxes(mask: np.ndarray, sprites: list[Sprite], centres: list[Centre]) -> np.ndarray:
    """`(objects, 4)` boxes around the pixels that the mask gives each object."""
    boxes = np.empty((len(sprites), 4), np.float32)
    for i, (sprite, centre) in enumerate(zip(sprites, centres, strict=True)):
        window = _window(sprite, centre)
        visible = mask[window] == i + 1
        ymin, ymax = _extent(visible.any(1))
        xmin, xmax = _extent(visible.any(0))
        y, x = window[0].start, window[1].start
        boxes[i] = y + ymin, x + xmin, y + ymax, x + xmax
    return boxes


def _extent(occupied: np.ndarray) -> tuple[int, int]:
    """First true place of a line, and the place after its last."""
    return int(occupied.argmax()), len(occupied) - int(occupied[::-1].argmax())


@checked
def load_scenes(
    asked: Asked,
    *,
    train: int = 4000,
    validation: int = 500,
    test: int = 500,
    objects: tuple[int, int] = _DEFAULTS.objects,
    clutter: float = _DEFAULTS.clutter,
    occlusion: float = _DEFAULTS.occlusion,
    noise: float = _DEFAULTS.noise,
) -> Data:
    """Render the embedded world: no files, no download.

    Args:
        asked: The side of the square pictures, in place of that of `SceneOptions`, and the seed of
            the world. Within one world the validation and test scenes are the same whatever the
            number of training scenes.
        train: Number of training scenes.
        validation: Number of validation scenes.
        test: Number of test scenes.
        objects: Of `SceneOptions`, like those that follow.
        clutter: The background's texture.
        occlusion: How far objects may reach over each other.
        noise: Amplitude of the pixel noise.

    Raises:
        InputError: The size is not square, or a count or option is out of range.
    """
    height, width = asked.size or (_DEFAULTS.size, _DEFAULTS.size)
    if height != width:
        raise InputError(f"image_size={(height, width)} was given", "a square", "Give one number.")
    options = SceneOptions(height, objects, clutter, occlusion, noise)
    sizes = world_sizes(_APART, "scenes", train=train, validation=validation, test=test)
    return asked.data(
        {
            split: scenes(size, seed=asked.seed, first=number * _APART, options=options)
            for number, (split, size) in enumerate(sizes.items())
        },
        "Scenes of three distant ranges of indices.",
        image_shape=(height, width, 3),
        classes=tuple(CLASSES),
        pixel_classes=PIXEL_CLASSES,
        origin="Rendered by keras-classics; nothing is copied from elsewhere.",
        made_with=installed(["numpy"]),
    )
