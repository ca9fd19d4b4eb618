"""Square: random squares of noise, kept where they help. It asks the model, and for no gradient.

Andriushchenko, Croce, Flammarion, Hein, "Square attack: a query-efficient black-box adversarial
attack via random search", arXiv:1912.00049.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.fooling.attack_request import AttackRequest, Sizes, checked_norm
from keras_classics.analysis.fooling.perturbation_norms import Norm, lengths, like
from keras_classics.analysis.input_bounds import Pair
from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_probability, check_whole

# After so many of 10,000 queries the squares have half the area.
_HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


@checked
def square(
    model: keras.Model,
    images: Any,
    labels: ArrayLike | None = None,
    *,
    epsilon: Sizes,
    bounds: Pair,
    targets: ArrayLike | None = None,
    norm: str = "linf",
    queries: int = 5000,
    share: float = 0.8,
    seed: int = 0,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """Fool a classifier by random search, as one can who sees its answers alone.

        fooled = kc.analysis.fooling.square(model, images, labels, epsilon=8, bounds=(0, 255))

    Args:
        model: See `fgsm`, as all that is not explained here. It need have no gradient.
        images: See `fgsm`. What has no height and width is taken for a column of pixels.
        labels: See `fgsm`. Images that are misread as they are stay so.
        epsilon: See `fgsm`.
        bounds: See `fgsm`.
        targets: See `fgsm`.
        norm: What `epsilon` is the length in: `"linf"`, where a square changes by all of it, or
            `"l2"`, where squares pass on the length they have.
        queries: How often the model is asked about an image; one that fools it is asked no more.
        share: Part of an image that the first squares cover. It is halved nine times, soon first.
        seed: Chooses the squares, the same places for all images.
        batch_size: See `fgsm`.
        image: See `fgsm`.

    Returns:
        See `fgsm`.

    Raises:
        InputError: See `fgsm`.
    """
    norm = checked_norm(norm)
    queries, share = check_whole("queries", queries), check_probability("share", share)
    seed = check_whole("seed", seed, 0)
    request = AttackRequest(
        model, images, labels, bounds=bounds, targets=targets, batch_size=batch_size, image=image
    )
    rows = np.flatnonzero(~request.fooled(request.images))

    def attack(size: float) -> np.ndarray:
        found = request.images.copy()
        if len(rows):
            found[rows] = searched(request, rows, size, norm, queries, share, seed)
        return found

    return request.at_each(epsilon, attack)


def searched(
    request: AttackRequest,
    rows: np.ndarray,
    size: float,
    norm: Norm,
    queries: int,
    share: float,
    seed: int,
) -> np.ndarray:
    """The best images of a random search.

    Args:
        request: What is attacked.
        rows: Which of its images, none of them misread.
        size: Radius of the ball.
        norm: Its norm.
        queries: See `square`.
        share: See `square`.
        seed: See `square`.
    """
    generator = np.random.default_rng(seed)
    proposals = {"linf": _LargestChange, "l2": _Euclidean}[norm]
    shape = request.images.shape
    own = request.images[rows].reshape(-1, *_picture(shape))
    proposal = proposals(generator, own, rows, len(request.images), size, request)
    now = proposal.first()

    def look(images: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits = request.logits(images.reshape(-1, *shape[1:]), rows[left])
        return _margins(request, logits, rows[left]), request.misread(logits, rows[left])

    left = np.arange(len(rows))
    margins, won = look(now, left)
    left = left[~won]
    for query in range(1, queries):
        if not len(left):
            break
        passed = sum(query / queries * 10_000 > each for each in _HALVINGS)
        side = np.sqrt(share / 2**passed * now.shape[1] * now.shape[2])
        tried = proposal.next(now, left, max(int(round(side)), 1))
        found, won = look(tried, left)
        better = won | (found > margins[left])
        now[left[better]], margins[left[better]] = tried[better], found[better]
        left = left[~won]
    return now.reshape(-1, *shape[1:])


class _LargestChange:
    """Squares that change by the whole size, up or down in each channel."""

    def __init__(
        self,
        generator: np.random.Generator,
        own: np.ndarray,
        rows: np.ndarray,
        count: int,
        size: float,
        request: AttackRequest,
    ) -> None:
        self.generator, self.own, self.size, self.request = generator, own, size, request
        # Drawn for all images, so that those of one do not depend on which others are left.
        self.rows, self.count = rows, count

    def signs(self, *shape: int) -> np.ndarray:
        """Random signs `(images, *shape)`."""
        return self.generator.choice((-1.0, 1.0), (self.count, *shape))[self.rows]

    def corner(self, side: int) -> tuple[slice, slice]:
        """A random place of a square that fits."""
        height, width = self.own.shape[1:3]
        tall, wide = min(side, height), min(side, width)
        top = int(self.generator.integers(height - tall + 1))
        left = int(self.generator.integers(width - wide + 1))
        return slice(top, top + tall), slice(left, left + wide)

    def first(self) -> np.ndarray:
        """Vertical stripes."""
        _, _, width, channels = self.own.shape
        return self.request.bounded(self.own + self.size * self.signs(1, width, channels))

    def next(self, now: np.ndarray, left: np.ndarray, side: int) -> np.ndarray:
        """The images that are left, with another square."""
        rows, columns = self.corner(side)
        tried = now[left].copy()
        signs = self.signs(1, 1, self.own.shape[3])[left]
        tried[:, rows, columns] = self.own[left][:, rows, columns] + self.size * signs
        return self.request.bounded(tried)


class _Euclidean(_LargestChange):
    """Squares of falling steps that take the length of another square."""

    def first(self) -> np.ndarray:
        """Squares all over the image."""
        _, height, width, channels = self.own.shape
        side = max(min(height, width) // 5, 1)
        pattern = np.zeros(self.own.shape)
        for top in range((height % side) // 2, height - side + 1, side):
            for left in range((width % side) // 2, width - side + 1, side):
                steps = self._steps(side, side)[None, :, :, None]
                pattern[:, top : top + side, left : left + side] = steps * self.signs(
                    1, 1, channels
                )
        return self._of_size(pattern, self.own)

    def next(self, now: np.ndarray, left: np.ndarray, side: int) -> np.ndarray:
        """The images that are left, with the length of one square moved into another."""
        odd = max(side + (side % 2 == 0), 3)
        target, source = self.corner(odd), self.corner(odd)
        own = self.own[left].astype("float64")
        change = now[left] - own
        places = np.zeros(own.shape[1:3], bool)
        places[target] = places[source] = True
        free = self.size**2 - (change**2).sum(axis=(1, 2, 3))
        channels = own.shape[3]
        held = (change**2 * places[None, :, :, None]).sum(axis=(1, 2))
        budget = np.sqrt(held + np.maximum(free, 0)[:, None] / channels)[:, None, None]
        inside = change[:, *target]
        shape = self._steps(*inside.shape[1:3])[None, :, :, None]
        fresh = shape * self.signs(1, 1, channels)[left]
        fresh = fresh + inside / (1e-12 + _within_channels(inside))
        fresh = fresh / (1e-12 + _within_channels(fresh)) * budget
        change[:, *source] = 0
        change[:, *target] = fresh
        return self._of_size(change, own)

    def _of_size(self, change: np.ndarray, own: np.ndarray) -> np.ndarray:
        length = np.maximum(lengths(change, "l2"), 1e-12)
        return self.request.bounded(own + self.size * change / like(length, change))

    def _steps(self, height: int, width: int) -> np.ndarray:
        """Two halves of opposite sign, each the higher the nearer to its middle; length 1."""
        half = height // 2
        steps = np.concatenate([_hill(half, width), -_hill(height - half, width)])
        if height == width and self.generator.random() > 0.5:
            steps = steps.T
        return steps / np.sqrt((steps**2).sum())


def _hill(height: int, width: int) -> np.ndarray:
    hill = np.zeros((height, width))
    top, left = height // 2, width // 2
    for ring in range(max(top, left) + 1):
        rows = slice(max(top - ring, 0), top + ring + 1)
        hill[rows, max(left - ring, 0) : left + ring + 1] += 1 / (ring + 1) ** 2
    return hill


def _within_channels(x: np.ndarray) -> np.ndarray:
    return np.sqrt((x**2).sum(axis=(1, 2), keepdims=True))


def _picture(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Height, width and channels of an image."""
    if len(shape) == 4:
        return shape[1], shape[2], shape[3]
    return int(np.prod(shape[1:])), 1, 1


def _margins(request: AttackRequest, logits: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """By how much the attack wins, `(batch,)`."""
    towards = request.targets is not None
    classes = (request.targets if towards else request.classes)[rows, None]  # type: ignore[index]
    others = logits.copy()
    np.put_along_axis(others, classes, -np.inf, axis=1)
    lead = others.max(axis=1) - np.take_along_axis(logits, classes, axis=1)[:, 0]
    return -lead if towards else lead
