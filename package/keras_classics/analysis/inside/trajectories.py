"""The way of a training through the space of weights, seen from where it ended.

Li et al., NeurIPS 2018, section 7. Random directions show nothing of it: in so many dimensions they
are at right angles to anything. The principal components of `theta_i - theta_n` hold most of it.
`kc.callbacks.WeightTrajectory` keeps the weights.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import ops

from keras_classics.analysis.inside.weight_directions import Direction, weights_of
from keras_classics.core.arguments import checked
from keras_classics.core.boundary.array_files import read_arrays
from keras_classics.core.boundary.files import write_whole
from keras_classics.core.errors import InputError, check_positive, import_extra

PATTERN = "weights_*.npz"


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A training in the plane in which it moved most.

    Attributes:
        directions: The two principal components, of length 1 each, for `loss_landscape`.
        coordinates: `(states, 2)`: where the weights were, seen from the model's own at (0, 0).
        shares: Of the variation, along each.
    """

    directions: tuple[Direction, Direction]
    coordinates: np.ndarray
    shares: tuple[float, float]

    def ranges(self, points: int = 25, margin: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
        """Distances along both directions that hold the whole way, and 0 exactly.

        Args:
            points: About how many of each; the point nearest to the model is moved onto it.
            margin: What is shown around the way, as a share of its length.
        """
        margin = check_positive("margin", margin)
        axes = []
        for way in self.coordinates.T:
            low, high = min(way.min(), 0), max(way.max(), 0)
            around = margin * max(high - low, np.finfo("float32").eps)
            axis = np.linspace(low - around, high + around, points)
            axis[np.abs(axis).argmin()] = 0
            axes.append(axis)
        return axes[0], axes[1]


@checked
def principal_trajectory(
    model: keras.Model,
    states: str | os.PathLike | Sequence[Sequence[np.ndarray]],
    *,
    vectors: bool = False,
) -> Trajectory:
    """The plane through a model's weights in which its training moved most.

    Args:
        model: As it was trained at last, only read.
        states: The folder of `kc.callbacks.WeightTrajectory`, or what `get_weights()` gave on the
            way: two or more that differ.
        vectors: Whether biases and the scales of normalisations count; by default they do not, as
            in the authors' code.

    Returns:
        Directions, coordinates, and shares of the variation.

    Raises:
        InputError: States are not of the model's shapes, or there are too few.
        MissingExtraError: scikit-learn is not installed.

    Example:
        ```python
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        x, y = np.eye(2)[[0, 1, 0]], np.array([0, 1, 2])
        model.fit(x, y, epochs=4, verbose=0, callbacks=[kc.callbacks.WeightTrajectory("states")])
        way = kc.analysis.principal_trajectory(model, "states")
        along, across = way.ranges()  # of a landscape that shows the whole way
        ```
    """
    decomposition = import_extra("sklearn.decomposition", "digits")
    if isinstance(states, str | os.PathLike):
        states = read_states(states)
    weights = weights_of(model)
    counts = [each.learned and (vectors or not each.is_vector) for each in weights]
    own = [ops.convert_to_numpy(each.variable) for each in weights]
    for state in states:
        _check_fits(model, own, state)
    rows = np.array(
        [
            np.concatenate(
                [
                    (np.asarray(there, "float32") - here.astype("float32")).ravel()
                    for here, there, counted in zip(own, state, counts, strict=True)
                    if counted
                ]
            )
            for state in states
        ]
    )
    if len(rows) < 3 or np.linalg.matrix_rank(rows) < 2:
        raise InputError(
            f"{len(rows)} states were given that span no plane",
            "three or more, not all on one line",
            "Keep more epochs of the training.",
        )
    found = decomposition.PCA(n_components=2, svd_solver="full").fit(rows)
    coordinates = rows @ found.components_.T
    shares = found.explained_variance_ratio_
    first, second = (
        Direction(
            tuple(_unflattened(component, own, counts)),
            f"principal component {number} ({share:.0%} of the variation)",
        )
        for number, (component, share) in enumerate(zip(found.components_, shares, strict=True), 1)
    )
    return Trajectory((first, second), coordinates, (float(shares[0]), float(shares[1])))


def write_state(folder: str | os.PathLike, number: int, model: keras.Model) -> None:
    """Keep a model's weights as a state of a folder.

    Args:
        folder: Made if absent.
        number: Of the state: finished epochs.
        model: Whose weights they are.

    Raises:
        InputError: The file cannot be written.
    """
    own = [ops.convert_to_numpy(each) for each in model.weights]
    # Of NumPy's own kinds, which bfloat16 is not.
    arrays = {
        f"{n:05d}": each.astype("float32") if each.dtype.kind == "V" else each
        for n, each in enumerate(own)
    }
    path = Path(folder) / PATTERN.replace("*", f"{number:05d}")
    write_whole(path, lambda fresh: np.savez(fresh, **arrays))


def read_states(folder: str | os.PathLike) -> list[list[np.ndarray]]:
    """The states of a folder, in their order; each as `get_weights()` gives them.

    Raises:
        InputError: A file is damaged.
    """
    allowed, remedy = "weights that kc.callbacks.WeightTrajectory kept", "Train anew."
    kept = [read_arrays(each, allowed, remedy) for each in sorted(Path(folder).glob(PATTERN))]
    return [[arrays[name] for name in sorted(arrays)] for arrays in kept]


def _unflattened(
    values: np.ndarray, own: Sequence[np.ndarray], counts: Sequence[bool]
) -> list[np.ndarray]:
    steps, start = [], 0
    for here, counted in zip(own, counts, strict=True):
        end = start + here.size if counted else start
        step = values[start:end].reshape(here.shape) if counted else np.zeros(here.shape)
        steps.append(step.astype("float32"))
        start = end
    return steps


def _check_fits(model: keras.Model, own: Sequence[np.ndarray], state: Sequence[np.ndarray]) -> None:
    if [each.shape for each in own] != [np.shape(each) for each in state]:
        raise InputError(
            f"A state of {len(state)} arrays was given that does not fit the {len(own)} of "
            f"{model.name!r}",
            "the weights of this model on its way",
            "Take a folder of its own for each training.",
        )
    if not all(_is_finite(each) for each in state):
        raise InputError(
            "A state was given whose values are not all finite numbers",
            "the weights of this model on its way, as get_weights() gives them",
            "Leave that state out, or train anew with a smaller learning rate.",
        )


def _is_finite(values: np.ndarray) -> bool:
    try:
        return bool(np.isfinite(np.asarray(values, "float32")).all())
    except (TypeError, ValueError):
        return False
