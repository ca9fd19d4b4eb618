"""One perturbation for all images of a data set.

Moosavi-Dezfooli, Fawzi, Fawzi, Frossard, "Universal adversarial perturbations", arXiv:1610.08401.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_classics.analysis.fooling.attack_request import (
    AttackRequest,
    Sizes,
    checked_norm,
    checked_sizes,
)
from keras_classics.analysis.fooling.deepfool import to_boundary
from keras_classics.analysis.fooling.perturbation_norms import Norm, within
from keras_classics.analysis.input_bounds import Pair
from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_probability, check_whole


@checked
def universal(
    model: keras.Model,
    images: Any,
    labels: ArrayLike | None = None,
    *,
    epsilon: Sizes,
    bounds: Pair,
    targets: ArrayLike | None = None,
    norm: str = "linf",
    fooled: float = 0.8,
    passes: int = 10,
    seed: int = 0,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """Fool a classifier by the same perturbation of all images, see `universal_perturbation`.

        fooled = kc.analysis.fooling.universal(model, images, epsilon=10, bounds=(0, 255))

    Args:
        model: See `universal_perturbation`.
        images: See `universal_perturbation`.
        labels: See `fgsm`.
        epsilon: See `universal_perturbation`.
        bounds: See `fgsm`.
        targets: See `fgsm`.
        norm: See `universal_perturbation`.
        fooled: See `universal_perturbation`.
        passes: See `universal_perturbation`.
        seed: See `universal_perturbation`.
        batch_size: See `fgsm`.
        image: See `fgsm`.

    Returns:
        See `fgsm`: the images with the perturbation added, within the bounds.

    Raises:
        InputError: See `fgsm`.
    """
    request = AttackRequest(
        model, images, labels, bounds=bounds, targets=targets, batch_size=batch_size, image=image
    )
    search = _checked(request, norm, fooled, passes, seed)
    return request.at_each(epsilon, lambda size: request.bounded(request.images + search(size)))


@checked
def universal_perturbation(
    model: keras.Model,
    images: Any,
    labels: ArrayLike | None = None,
    *,
    epsilon: Sizes,
    bounds: Pair,
    targets: ArrayLike | None = None,
    norm: str = "linf",
    fooled: float = 0.8,
    passes: int = 10,
    seed: int = 0,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """A perturbation that fools a classifier on most images of a data set.

    Image after image is taken, and where the perturbation so far does not fool the model on it,
    what `deepfool` still lacks is added and the sum cut to its size.

        noise = kc.analysis.fooling.universal_perturbation(
            model, images, epsilon=10, bounds=(0, 255)
        )
        others = np.clip(others + noise, 0, 255)

    Args:
        model: See `fgsm`, as all that is not explained here.
        images: See `fgsm`; the more of them, the better for images that are not among them.
        labels: See `fgsm`.
        epsilon: Length of the perturbation, in the units of the images; one or several.
        bounds: See `fgsm`.
        targets: See `fgsm`.
        norm: What `epsilon` is the length in: `"linf"` or `"l2"`.
        fooled: The search ends when this share of the images fools the model.
        passes: Greatest number of times that all images are looked at.
        seed: Chooses the order of the images.
        batch_size: See `fgsm`.
        image: See `fgsm`.

    Returns:
        float32 of the shape of one image, the best after any pass; `(epsilons, ...)` for several.

    Raises:
        InputError: See `fgsm`.
    """
    request = AttackRequest(
        model, images, labels, bounds=bounds, targets=targets, batch_size=batch_size, image=image
    )
    search = _checked(request, norm, fooled, passes, seed)
    sizes, single = checked_sizes(epsilon)
    found = [search(size).astype("float32") for size in sizes]
    return found[0] if single else np.stack(found)


def _checked(request: AttackRequest, norm: str, fooled: float, passes: int, seed: int) -> Any:
    """From a size to a perturbation."""
    own, share = checked_norm(norm), check_probability("fooled", fooled)
    passes, seed = check_whole("passes", passes), check_whole("seed", seed, 0)
    request.check_differentiable()
    return lambda size: _searched(request, own, share, passes, seed, size)


def _searched(
    request: AttackRequest, norm: Norm, share: float, passes: int, seed: int, size: float
) -> np.ndarray:
    generator = np.random.default_rng(seed)
    found = best = np.zeros(request.images.shape[1:])
    greatest = -1.0
    for _ in range(passes):
        for row in generator.permutation(len(request.images)):
            rows = np.array([row])
            start = request.bounded(request.images[rows] + found)
            moved = to_boundary(request, start, rows, norm).astype("float64") - start
            if moved.any():
                found = within(found + moved, norm, size)[0]
        reached = float(request.fooled(request.bounded(request.images + found)).mean())
        if reached > greatest:
            greatest, best = reached, found
        if reached >= share:
            break
    return best
