"""Scenes that move: what happens is in the order of the frames, and in no frame.

Every clip has a twin of the same frames in reverse and of the other label. Whatever sees all frames
without their order says the same of both and is right half of the time. And whatever sees one frame
is, too, even if it knows which: what leaves at one side enters at the other, so objects are
anywhere at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count, Index
from keras_classics.core.errors import check_choice, check_whole
from keras_classics.core.versions import installed
from keras_classics.data.load import Asked, Data, world_sizes
from keras_classics.data.splits import Clip, Made
from keras_classics.data.worlds.scene_captions import COLOURS, KINDS, SceneObject
from keras_classics.data.worlds.scene_shapes import Sprite, draw_sprite

# What the two labels of each task mean.
EVENTS = {
    "direction": ("moves to the left", "moves to the right"),
    "speed": ("slows down", "speeds up"),
    "bounce": ("passes and then bounces", "bounces and then passes"),
    "order": ("comes before", "comes after"),
}
_MOST = 1_000_000
# Shares of the picture's side.
_RADIUS, _EDGE = 0.13, 0.16
# Which of three shapes one is must be seen: at 32 pixels, 7 of radius tell and 4 hardly do; and
# none is cut in two by the border.
_RADIUS_TOLD = 0.22
_NOISE, _BAR = 6.0, 90.0


@checked
def moving_scenes(
    count: Count,
    task: str = "direction",
    *,
    frames: int = 8,
    size: int = 32,
    seed: Index = 0,
    first: Index = 0,
) -> Made[int, Clip]:
    """Clips of a task, each rendered when it is asked for.

    `"direction"`: an object moves sideways; `"speed"`: it speeds up or slows down, to either side;
    `"bounce"`: two objects meet twice behind a bar, of which they once come out on the other side
    and once where they went in; `"order"`: a circle, a square and a triangle come up in turn, the
    square before or after the triangle when it follows the circle. For the last, encoders should
    have learned `still_shapes` first.

    Args:
        count: Number of clips.
        task: `"direction"`, `"speed"`, `"bounce"` or `"order"`.
        frames: In a clip, 4 or more.
        size: Side of the square frames in pixels, 24 or more.
        seed: Chooses the world; give training and test the same seed and disjoint indices.
        first: Index of the first clip. Clips 0 and 1 are twins, 2 and 3, and so on.

    Raises:
        InputError: An argument is not admitted.
    """
    check_choice("task", task, tuple(EVENTS))
    frames, size = check_whole("frames", frames, 4), check_whole("size", size, 24)
    return Made(
        range(first, first + count), lambda index: _rendered(task, index, frames, size, seed)
    )


@checked
def still_shapes(
    count: Count,
    kinds: Sequence[str] = ("square", "triangle", "circle"),
    *,
    size: int = 32,
    seed: Index = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Single frames as those of `"order"`, each with the kind of its shape.

    What comes before what is learned by an encoder that knows the shapes already, and hardly by one
    that does not: of a pair of unknown things neither order means anything.

    Args:
        count: Number of frames; kinds take turns.
        kinds: Those of `keras_classics.data.worlds.scene_captions.KINDS`.
        size: Side of the square frames in pixels, 24 or more.
        seed: Chooses the world; its clips are others.

    Returns:
        uint8 `(count, size, size, 3)`, and the places in `kinds`, int32 `(count,)`.

    Raises:
        InputError: An argument is not admitted.
    """
    size = check_whole("size", size, 24)
    for kind in kinds or ("none",):
        check_choice("kinds", kind, KINDS)
    frames, labels = [], np.arange(count) % len(kinds)
    for number, label in enumerate(labels):
        # No task has the number of all tasks.
        rng = np.random.default_rng([seed, len(EVENTS), number])
        stage = _Stage(rng, 1, size, kinds=(kinds[int(label)],), radius=_RADIUS_TOLD)
        stage.show(0, 0, *rng.uniform(_RADIUS_TOLD, 1 - _RADIUS_TOLD, 2))
        frames.append(stage.drawn()[0])
    return np.stack(frames), labels.astype("int32")


@checked
def load_moving_scenes(
    asked: Asked,
    *,
    task: str = "direction",
    frames: int = 8,
    size: int = 32,
    train: int = 2000,
    validation: int = 200,
    test: int = 400,
) -> Data:
    """The three splits of a task, of which no two share a pair of twins.

    Args:
        asked: The seed of the world.
        task: As for `moving_scenes`.
        frames: Likewise.
        size: Likewise.
        train: Number of training clips.
        validation: Number of validation clips.
        test: Number of test clips.

    Raises:
        InputError: An argument is not admitted.
    """
    sizes = world_sizes(_MOST, "clips", train=train, validation=validation, test=test)
    splits = {
        split: moving_scenes(
            count, task, frames=frames, size=size, seed=asked.seed, first=2 * _MOST * number
        )
        for number, (split, count) in enumerate(sizes.items())
    }
    return asked.data(
        splits, "their indices", image_shape=(size, size, 3),
        classes=EVENTS[task], origin="rendered", made_with=installed(["numpy"]),
    )  # fmt: skip


def _rendered(task: str, index: int, frames: int, size: int, seed: int) -> Clip:
    pair, twin = divmod(index, 2)
    rng = np.random.default_rng([seed, list(EVENTS).index(task), pair])
    drawn, label, things = _TASKS[task](rng, frames, size)
    # Of a pair either may be the one that was drawn.
    if twin ^ int(rng.integers(2)):
        drawn, label = drawn[::-1], 1 - label
    names = [
        f"{'an' if thing.colour == 'orange' else 'a'} {thing.colour} {thing.kind}"
        for thing in things
    ]
    sentence = f"{names[0]} {EVENTS[task][label]} {' '.join(names[1:2])}".rstrip()
    return Clip(np.ascontiguousarray(drawn), f"{task}-{index:06d}", label, (f"{sentence}.",))


class _Stage:
    """Objects of different colours before one background."""

    def __init__(
        self,
        rng: np.random.Generator,
        frames: int,
        size: int,
        objects: int = 1,
        kinds: tuple[str, ...] | None = None,
        radius: float = _RADIUS,
    ):
        self.rng, self.frames, self.size = rng, frames, size
        shapes = kinds or [KINDS[n] for n in rng.permutation(len(KINDS))[:objects]]
        colours = rng.permutation(len(COLOURS))[: len(shapes)]
        self.things = [
            SceneObject(kind, COLOURS[colour], "large", "plain")
            for kind, colour in zip(shapes, colours, strict=True)
        ]
        self.sprites = [draw_sprite(rng, thing, radius * size, size) for thing in self.things]
        tint = rng.uniform(200, 245, (3, 1, 1))
        self.planes = np.broadcast_to(tint, (frames, 3, size, size)).astype("float32")
        self.planes += rng.normal(0, _NOISE, self.planes.shape).astype("float32")

    def line(self) -> float:
        """A height at which an object fits."""
        return float(self.rng.uniform(_EDGE, 1 - _EDGE))

    def show(self, frame: int, which: int, across: float, down: float) -> None:
        """Put an object into a frame, its centre at shares of the side; the sides are joined."""
        sprite: Sprite = self.sprites[which]
        half = sprite.half
        y = min(max(round(down * self.size), half), self.size - half)
        columns = (round(across * self.size) + np.arange(-half, half)) % self.size
        band = self.planes[frame][:, y - half : y + half]
        pixels = band[:, :, columns]
        band[:, :, columns] = pixels + sprite.coverage * (sprite.paint - pixels)

    def drawn(self) -> np.ndarray:
        """uint8 `(frames, size, size, 3)`."""
        whole = np.clip(np.round(self.planes), 0, 255).astype("uint8")
        return whole.transpose(0, 2, 3, 1)


Drawn = tuple[np.ndarray, int, list[SceneObject]]


def _direction(rng: np.random.Generator, frames: int, size: int) -> Drawn:
    stage = _Stage(rng, frames, size)
    start, way, height = rng.random(), rng.uniform(0.4, 0.8), stage.line()
    for frame, share in enumerate(np.linspace(0, 1, frames)):
        stage.show(frame, 0, start + way * share, height)
    return stage.drawn(), 1, stage.things


def _speed(rng: np.random.Generator, frames: int, size: int) -> Drawn:
    stage = _Stage(rng, frames, size)
    start, way, height = rng.random(), rng.choice([-1.0, 1.0]), stage.line()
    for frame, time in enumerate(np.linspace(0, 1, frames)):
        # From a tenth of the mean speed to almost the double.
        stage.show(frame, 0, start + way * (0.1 * time + 0.9 * time**2), height)
    return stage.drawn(), 1, stage.things


def _bounce(rng: np.random.Generator, frames: int, size: int) -> Drawn:
    stage = _Stage(rng, frames, size, objects=2)
    height = stage.line()
    # Twice from the edges to the middle and back; at the first meeting they pass.
    for frame, time in enumerate(np.linspace(0, 2, frames)):
        off = abs(time % 1 - 0.5) if time < 2 else 0.5
        side = -1 if time < 0.5 else 1
        for which, sign in ((0, side), (1, -side)):
            stage.show(frame, which, 0.5 + 2 * sign * off * (0.5 - _EDGE), height)
    middle, half = size // 2, round(1.1 * _RADIUS * size)
    stage.planes[:, :, :, middle - half : middle + half] = _BAR
    return stage.drawn(), 0, stage.things


def _order(rng: np.random.Generator, frames: int, size: int) -> Drawn:
    kinds = ("square", "triangle", "circle")
    stage = _Stage(rng, frames, size, kinds=kinds, radius=_RADIUS_TOLD)
    begin = int(rng.integers(3))
    for frame in range(frames):
        stage.show(frame, (begin + frame) % 3, *rng.uniform(_RADIUS_TOLD, 1 - _RADIUS_TOLD, 2))
    return stage.drawn(), 0, stage.things


_TASKS: dict[str, Callable[[np.random.Generator, int, int], Drawn]] = {
    "direction": _direction,
    "speed": _speed,
    "bounce": _bounce,
    "order": _order,
}
