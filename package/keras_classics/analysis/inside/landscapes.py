"""Loss landscapes: how high the loss is around the weights that were found.

Li, Xu, Taylor, Studer, Goldstein, "Visualizing the loss landscape of neural nets", NeurIPS 2018
(arXiv:1712.09913): `f(a, b) = L(theta + a d + b e)` along the directions of `weight_directions`.
What is not convex in such a plane is not convex; what is convex in it proves nothing.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops, tree
from numpy.typing import ArrayLike

from keras_classics.analysis.inside.loss_surface import LossSurface
from keras_classics.analysis.inside.model_loss import Measure
from keras_classics.analysis.inside.weight_directions import Direction
from keras_classics.core.arguments import checked
from keras_classics.core.boundary.array_files import read_arrays
from keras_classics.core.boundary.files import write_whole
from keras_classics.core.errors import InputError, check_positive
from keras_classics.core.progress import tracked
from keras_classics.core.types import Whole

SECONDS_BETWEEN_WRITES = 10.0


@dataclass(frozen=True, eq=False)
class Landscape:
    """The loss along a line or over a plane through a model's weights.

    Attributes:
        along: Distances in the first direction `(points,)`, in units of its length.
        across: Those in the second; None for a line.
        losses: `(along,)` or `(along, across)`; infinite or not a number where the loss is.
        names: Of the directions.
        statistics: What became of those of batch normalisation, see `loss_landscape`.
    """

    along: np.ndarray
    across: np.ndarray | None
    losses: np.ndarray
    names: tuple[str, ...]
    statistics: str

    @property
    def centre(self) -> float:
        """The loss at the model's own weights.

        Raises:
            InputError: They are none of the points.
        """
        at = [np.flatnonzero(each == 0) for each in (self.along, self.across) if each is not None]
        if any(not len(each) for each in at):
            raise InputError(
                "The points do not have the model's own weights among them",
                "distances with 0 among them",
                "Take an odd number of them: numpy.linspace(-1, 1, 25).",
            )
        return float(self.losses[tuple(int(each[0]) for each in at)])

    def sharpness(self, radius: float = 0.1) -> float:
        """How much the loss rises near the minimum, in per cent.

        `100 (max f - f(0)) / (1 + f(0))`, of Keskar, Mudigere, Nocedal, Smelyanskiy, Tang, "On
        large-batch training for deep learning", ICLR 2017; the largest is looked for among the
        points that were measured, and not in all of a box.

        Args:
            radius: Largest distance in each direction.

        Raises:
            InputError: No other point is as near, or the model's own weights are none of them.
        """
        radius = check_positive("radius", radius)
        centre = self.centre
        near: Any = np.abs(self.along) <= radius
        if self.across is not None:
            near = near[:, None] & (np.abs(self.across) <= radius)
        if near.sum() < 2:
            axes = [each for each in (self.along, self.across) if each is not None]
            apart = np.abs(np.concatenate(axes))
            raise InputError(
                f"radius={radius} was given, within which there are no other points",
                "a radius that reaches the nearest of them",
                f"Pass radius={apart[apart > 0].min()}."
                if apart.any()
                else "Measure more points than the one.",
            )
        return float(100 * (self.losses[near].max() - centre) / (1 + centre))


@checked
def loss_landscape(
    model: keras.Model,
    inputs: Any,
    labels: Any,
    directions: Direction | Sequence[Direction],
    *,
    along: ArrayLike | None = None,
    across: ArrayLike | None = None,
    statistics: str = "fixed",
    measure: Measure | None = None,
    batch_size: Whole = 128,
    path: str | os.PathLike | None = None,
) -> Landscape:
    """Measure the loss along one direction, or over the plane of two.

    A point costs a forward pass of all inputs and nearly nothing else: for ResNet-20 that is three
    quarters of what the loop of `set_weights` and `evaluate` takes, for small networks a fifth.
    Only fewer inputs or points make it cheaper.

    Args:
        model: A built model, only read; a subclassed one too, but for statistics re-estimated. At
            the model's own weights the loss is what `model.evaluate` says, penalties included.
        inputs: What the model takes, as arrays of one length. Every point is measured on all of
            them; some thousand, always the same, will do.
        labels: What they are, as `model.evaluate` takes them.
        directions: One, for a line, or two, for a plane.
        along: Distances in the first direction; 25 from -1 to 1 by default.
        across: Distances in the second; as in the first by default.
        statistics: Of batch normalisation. `"fixed"` keeps the model's, as the paper does;
            `"interpolated"` moves them with the weights, as between two trained networks, the
            variances held above zero; `"re-estimated"` takes at every point those of `inputs`.
        measure: What is measured in place of the loss: a function of labels and outputs that
            gives one value for each example, such as `keras.metrics.categorical_accuracy`.
        batch_size: Examples that are run at once. Statistics are re-estimated batch by batch.
        path: A file ending in .npz in which the points are kept, every ten seconds and when the
            work is interrupted; the same call goes on where it stopped, and measures again what
            was infinite or not a number.

    Returns:
        The losses and where they were measured.

    Raises:
        InputError: The model is not compiled and there is no `measure`, an argument does not fit,
            or the file is of other work.

    Example:
        ```python
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        x, y = np.eye(2)[[0, 1, 0]], np.array([0, 1, 2])
        plane = [kc.analysis.random_direction(model, seed=seed) for seed in (1, 2)]
        steps = np.linspace(-1, 1, 5)
        found = kc.analysis.loss_landscape(  # goes on where its file ends
            model, x, y, plane, along=steps, across=steps, path="plane.npz"
        )
        found.losses.shape  # (5, 5)
        ```
    """
    ways = [directions] if isinstance(directions, Direction) else list(directions)
    if len(ways) > 2:
        raise InputError(
            f"{len(ways)} directions were given",
            "one, for a line, or two, for a plane",
            "Ask single points of more: kc.analysis.LossSurface.",
        )
    axes = [_distances("along", np.linspace(-1, 1, 25) if along is None else along)]
    if len(ways) == 2:
        axes.append(axes[0] if across is None else _distances("across", across))
    elif across is not None:
        raise InputError(
            "across was given for one direction",
            "distances in a second direction",
            "Pass two directions, or leave across out.",
        )
    losses = np.full([len(each) for each in axes], np.nan)
    done = np.zeros(losses.shape, bool)
    store = None
    if path is not None:
        data = tree.map_structure(np.asarray, (inputs, labels))
        told = [statistics, _told(model.loss if measure is None else measure)]
        # Only there it matters how examples are divided.
        told += [str(batch_size)] if statistics == "re-estimated" else []
        store = _Store(Path(path), _fingerprint(model, ways, axes, data, " ".join(told)))
        store.read(losses, done)
    if not done.all():
        surface = LossSurface(
            model,
            inputs,
            labels,
            ways,
            statistics=statistics,
            measure=measure,
            batch_size=batch_size,
        )
        try:
            for index, value in tracked(
                _measured(surface, axes, done), "points of the landscape", int((~done).sum())
            ):
                losses[index], done[index] = value, True
                if store:
                    store.write_now_and_then(losses, done)
        finally:
            if store:
                store.write(losses, done)
    names = tuple(each.name for each in ways)
    return Landscape(axes[0], axes[1] if len(axes) > 1 else None, losses, names, statistics)


def _measured(
    surface: LossSurface, axes: Sequence[np.ndarray], done: np.ndarray
) -> Iterator[tuple[tuple[int, ...], float]]:
    for index in zip(*np.nonzero(~done), strict=True):
        yield index, surface(*(axis[number] for axis, number in zip(axes, index, strict=True)))


class _Store:
    """The points that were measured, in a file that says of what they are."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        if path.suffix.lower() != ".npz":
            raise InputError(
                f"path={str(path)!r} was given",
                "a file ending in .npz",
                f"Pass path={str(path.with_suffix('.npz'))!r}.",
            )
        self.path = path
        self.fingerprint = fingerprint
        self.written = time.monotonic()

    def read(self, losses: np.ndarray, done: np.ndarray) -> None:
        """Fill in what a former call has measured.

        Raises:
            InputError: The file is of other work, or damaged.
        """
        if not self.path.exists():
            return
        allowed, remedy = "the landscape that the same call began", "Delete it to begin anew."
        kept = read_arrays(self.path, allowed, remedy)
        same = str(kept.get("fingerprint", "")) == self.fingerprint
        if not same or any(
            name not in kept or kept[name].shape != losses.shape or kept[name].dtype != own.dtype
            for name, own in (("losses", losses), ("done", done))
        ):
            given = (
                f"{self.path} is of other weights, directions, distances, data, statistics or of "
                "another loss"
            )
            raise InputError(given, allowed, remedy)
        losses[:] = kept["losses"]
        # What was no number may have been an accident, of a full memory for example.
        done[:] = kept["done"] & np.isfinite(kept["losses"])

    def write_now_and_then(self, losses: np.ndarray, done: np.ndarray) -> None:
        """Write the points where it is time."""
        if time.monotonic() - self.written > SECONDS_BETWEEN_WRITES:
            self.write(losses, done)

    def write(self, losses: np.ndarray, done: np.ndarray) -> None:
        """Write the points."""
        arrays: dict[str, Any] = {
            "losses": losses,
            "done": done,
            "fingerprint": np.array(self.fingerprint),
        }
        write_whole(self.path, lambda fresh: np.savez(fresh, **arrays))
        self.written = time.monotonic()


def _fingerprint(
    model: keras.Model,
    ways: Sequence[Direction],
    axes: Sequence[np.ndarray],
    data: Any,
    told: str,
) -> str:
    state = hashlib.blake2b(told.encode(), digest_size=16)
    own = [ops.convert_to_numpy(each) for each in model.weights]
    steps = [step for way in ways for step in way.steps]
    for array in (*own, *steps, *axes, *tree.flatten(data)):
        state.update(f"{array.shape} {array.dtype}".encode())
        state.update(np.ascontiguousarray(array).view(np.uint8).data if array.size else b"")
    return state.hexdigest()


def _told(loss: Any) -> str:
    """What a loss is, as far as it can be told: names, settings, and the code of functions."""
    if isinstance(loss, dict):
        return " ".join(f"{name} {_told(each)}" for name, each in sorted(loss.items()))
    if isinstance(loss, list | tuple):
        return " ".join(map(_told, loss))
    code = getattr(loss, "__code__", None)
    if code is not None:
        return f"{loss.__qualname__} {code.co_code.hex()} {code.co_consts} {code.co_names}"
    settings = loss.get_config() if hasattr(loss, "get_config") else ""
    return f"{loss if isinstance(loss, str) else type(loss).__qualname__} {settings}"


def _distances(argument: str, given: ArrayLike) -> np.ndarray:
    try:
        found = np.asarray(given, "float64")
    except (TypeError, ValueError):
        found = np.array(np.nan)
    if found.ndim != 1 or not found.size or not np.isfinite(found).all():
        raise InputError(
            f"{argument}={given!r} was given",
            "finite distances, one or more",
            f"Leave {argument} out for the default.",
        )
    return found
