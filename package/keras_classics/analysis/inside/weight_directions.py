"""Directions in the space of a model's weights, along which its loss is looked at.

Li, Xu, Taylor, Studer, Goldstein, "Visualizing the loss landscape of neural nets", NeurIPS 2018
(arXiv:1712.09913). Networks with rectifiers compute the same when the weights of one layer are
doubled and those of the next halved, so that a step of a given length means little by itself. A
random direction is therefore made as long, filter by filter, as the weights themselves:

    d_f <- d_f / |d_f| |theta_f|.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers, ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_whole
from keras_classics.core.keras_internals import layers_within
from keras_classics.layers.image.stacked import StackedConv2D

NORMALIZATIONS = ("filter", "layer", None)
# The authors' code adds it to the lengths of random filters.
FLOOR = 1e-10

_TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
_DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
_VECTORS = ("bias", "gamma", "beta")
_SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction in the space of a model's weights.

    Attributes:
        steps: What is added at distance 1 to each of `model.weights`, of its shape.
        name: What it is, for the axis of a picture.
        moves_statistics: Whether it says where the statistics of batch normalisation go.
    """

    steps: tuple[np.ndarray, ...]
    name: str
    moves_statistics: bool = False


class Weight(NamedTuple):
    """A variable of a model, and what it is to it.

    Attributes:
        variable: One of `model.weights`.
        layer: The innermost layer that has it.
        learned: Whether training moves it, or would were its layer not frozen; otherwise it is a
            state, such as a moving mean.
        variance: Whether it is the moving variance of a batch normalisation.
    """

    variable: keras.Variable
    layer: keras.layers.Layer
    learned: bool
    variance: bool

    @property
    def is_vector(self) -> bool:
        """Whether it is a bias or a scale; some layers have theirs as rows of a matrix."""
        return len(self.variable.shape) < 2 or self.variable.name.endswith(_VECTORS)


def weights_of(model: keras.Model) -> list[Weight]:
    """What each of `model.weights` is.

    Raises:
        InputError: The model has no weights yet.
    """
    if not model.weights:
        raise InputError(
            f"The model {model.name!r} has no weights",
            "a built model with weights",
            "Call it once on data, or build it on a keras.Input.",
        )
    # The innermost come last.
    owners = {id(each): layer for layer in layers_within(model) for each in layer.weights}
    return [_weight(each, owners[id(each)]) for each in model.weights]


def _weight(variable: keras.Variable, layer: keras.layers.Layer) -> Weight:
    floating = keras.backend.is_float_dtype(variable.dtype)
    mean = getattr(layer, "moving_mean", None)
    variance = getattr(layer, "moving_variance", None)
    state = variable is mean or variable is variance
    if layer.trainable:
        state = state or not any(variable is each for each in layer.trainable_variables)
    return Weight(variable, layer, floating and not state, variable is variance)


@checked
def random_direction(
    model: keras.Model,
    *,
    seed: int = 0,
    normalization: str | None = "filter",
    vectors: bool = False,
) -> Direction:
    """A random direction, as long as the weights themselves.

    Args:
        model: A built model, only read.
        seed: Chooses the direction.
        normalization: `"filter"` gives every filter of the direction the length of the model's,
            `"layer"` every kernel; None leaves normal deviates of variance 1. A filter is what
            makes one channel of a convolution's output, or one unit of a dense or recurrent
            layer; in an embedding it is the row of one token.
        vectors: Whether biases and the scales of normalisations move, too: by a copy of themselves,
            as in the authors' code. By default they stay.

    Returns:
        The direction; the statistics of batch normalisation have no part in it.

    Raises:
        InputError: The model has no weights, or an option does not fit.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        along, across = (kc.analysis.random_direction(model, seed=seed) for seed in (1, 2))
        ```
    """
    check_choice("normalization", normalization, NORMALIZATIONS)
    generator = np.random.default_rng(check_whole("seed", seed, 0))
    steps = []
    for weight in weights_of(model):
        values = ops.convert_to_numpy(ops.cast(weight.variable, "float32"))
        # Drawn for all, so that the same seed means the same numbers.
        drawn = generator.standard_normal(values.shape).astype("float32")
        if not weight.learned or (weight.is_vector and not vectors):
            drawn = np.zeros_like(values)
        elif weight.is_vector:
            drawn = values
        elif normalization:
            axes = _filter_axes(weight) if normalization == "filter" else ()
            within = tuple(n for n in range(values.ndim) if n not in axes)
            drawn = drawn / (_lengths(drawn, within) + FLOOR) * _lengths(values, within)
        steps.append(drawn)
    return Direction(tuple(steps), f"random direction {seed}")


@checked
def direction_to(model: keras.Model, other: keras.Model | Sequence[Any]) -> Direction:
    """The way from a model's weights to those of another of the same shape; they lie at 1.

    Args:
        model: A built model, only read.
        other: Another, such as the same network trained otherwise, or its `get_weights()`.

    Returns:
        The direction, in which the statistics of batch normalisation have their part.

    Raises:
        InputError: The weights are not of the same shapes.
    """
    own = model.get_weights()
    given = other.get_weights() if isinstance(other, keras.Model) else other
    found = [np.asarray(each) for each in given]
    if [each.shape for each in found] != [each.shape for each in own]:
        raise InputError(
            f"{len(found)} weights were given that do not fit the {len(own)} of {model.name!r}",
            "weights of the same shapes in the same order",
            "Build the other model as this one was built.",
        )
    steps = [
        (there.astype("float64") - here.astype("float64")).astype("float32")
        if keras.backend.is_float_dtype(str(here.dtype))
        else np.zeros(here.shape, "float32")
        for here, there in zip(own, found, strict=True)
    ]
    return Direction(tuple(steps), "from one to the other", moves_statistics=True)


def _lengths(values: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return np.sqrt(np.square(values).sum(axis=axes, keepdims=True))


def _filter_axes(weight: Weight) -> tuple[int, ...]:
    """The axes of a kernel by which its filters are told apart."""
    variable, layer = weight.variable, weight.layer
    last = len(variable.shape) - 1
    if isinstance(layer, _TRANSPOSED):
        return (last - 1,)
    per_channel = isinstance(layer, _SEPARABLE) and variable is layer.depthwise_kernel
    if isinstance(layer, _DEPTHWISE) or per_channel:
        return (last - 1, last)
    if isinstance(layer, StackedConv2D):
        return (0, last)
    return (0,) if isinstance(layer, layers.Embedding) else (last,)
