"""Dynamical isometry, measured: the singular values of a network's Jacobian.

A network in which all of them are near 1 hands lengths and angles on, however deep it is: gradients
neither vanish nor explode in any direction. Pennington, Schoenholz, Ganguli, "Resurrecting the
sigmoid in deep learning through dynamical isometry", NeurIPS 2017; for convolutions Xiao, Bahri,
Sohl-Dickstein, Schoenholz, Pennington, ICML 2018 (arXiv:1806.05393).

Of large networks the largest singular values are found from products with random vectors alone:
Halko, Martinsson, Tropp, "Finding structure with randomness", SIAM Review 53, 2011.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_classics.analysis.inside.batch_statistics import ordered
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_whole, check_wholes
from keras_classics.core.graphs.floating_inputs import check_floating_input
from keras_classics.core.graphs.gradients import compiled_over, pushforward, value_and_gradients
from keras_classics.core.graphs.graph import check_intact, functional, run
from keras_classics.core.graphs.model_ends import model_ends
from keras_classics.core.mean_field import critical_point, jacobian_moments
from keras_classics.core.types import Tensor, Whole
from keras_classics.initializers import CriticalVariance, DeltaOrthogonal
from keras_classics.layers.image.stacked import CircularPadding2D

STARTS = ("delta_orthogonal", "orthogonal", "glorot")
# Rows of a Jacobian up to which it is made as a whole.
MOST_ROWS = 4096
# Products with vectors that are made in one run.
CHUNK = 256
# Halko et al.: vectors more than values wanted, and repetitions; five sharpen flat spectra.
OVERSAMPLING, REPETITIONS = 10, 5
TAPS = 9
# Mean square of a picture where the layers of a network would have none.
TINY = 1e-30


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The singular values of a Jacobian.

    Attributes:
        values: From the largest on, float64: all `min(inputs, outputs)` where exact, otherwise the
            largest.
        exact: Whether they are those of the whole matrix; otherwise they are found from random
            vectors, and may be too small by little.
        mean_square: Of all singular values, 1 where lengths are kept; estimated where not exact.
        shape: Outputs and inputs.
    """

    values: np.ndarray
    exact: bool
    mean_square: float
    shape: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Isometry:
    """What one start makes of the Jacobian of a network of some depth.

    Attributes:
        start: The initialiser.
        depth: Layers.
        spectrum: As measured.
        predicted_mean: Of the squared singular values, by mean field theory for wide networks.
        predicted_variance: Of the same.
    """

    start: str
    depth: int
    spectrum: Spectrum
    predicted_mean: float
    predicted_variance: float


@checked
def jacobian_spectrum(
    model: keras.Model,
    inputs: Any,
    *,
    count: Whole | None = None,
    seed: Whole = 0,
) -> Spectrum:
    """The singular values of the Jacobian of a model's first output by its first input.

    In inference mode; logits count where the output ends in softmax or sigmoid.

    Args:
        model: A functional or built sequential model, only read.
        inputs: One example, as a batch of one.
        count: How many of the largest are found, from random vectors; all by default, of a Jacobian
            of at most 4,096 rows or columns, and 32 of a larger one.
        seed: Chooses the vectors.

    Returns:
        The singular values and their mean square.

    Raises:
        InputError: There is not exactly one example, the input has no gradient, or `count` does
            not fit.
    """
    return _Jacobian(model).spectrum(inputs, count, check_whole("seed", seed, 0))


@checked
def isometry_by_depth(
    depths: Sequence[Whole] = (4, 16, 64),
    *,
    starts: str | Sequence[str] = STARTS,
    activation: str = "tanh",
    q_star: float | None = None,
    channels: Whole = 16,
    side: Whole = 6,
    seed: Whole = 0,
) -> list[Isometry]:
    """Measure what starts make of plain convolutional networks, beside mean field theory.

    The networks are of 3 x 3 convolutions on pictures that go on at their opposite sides, all of
    one width, each with the activation behind it. Where a start has a scale it is on the critical
    line; Glorot's has variance `2 / (fan_in + fan_out)` and no biases. The picture is noise of the
    mean square that the layers of the critical network have.

    Args:
        depths: Numbers of layers.
        starts: One or more of `"delta_orthogonal"`, whose convolutions keep lengths;
            `"orthogonal"`, Keras's, whose kernels have orthonormal columns, which keeps lengths of
            one patch only; `"glorot"`.
        activation: `"tanh"`, `"relu"` or `"linear"`.
        q_star: Variance of the preactivations; 1 / depth by default.
        channels: Of all layers.
        side: Height and width; the Jacobian is a square matrix of `side * side * channels`.
        seed: Chooses weights and picture.

    Returns:
        One for each depth and start, in their order.

    Raises:
        InputError: A start or activation is unknown, or a number not admitted.

    Example:
        ```python
        found = kc.analysis.isometry_by_depth((2, 4), starts="delta_orthogonal", channels=4)
        kc.analysis.draw_isometry("isometry.png", found)
        ```
    """
    chosen = [starts] if isinstance(starts, str) else list(starts)
    for start in chosen:
        check_choice("start", start, STARTS, f"Choose of {', '.join(STARTS)}.")
    depths = check_wholes("depths", depths)
    seed, channels = check_whole("seed", seed, 0), check_whole("channels", channels)
    side = check_whole("side", side, 3)
    found = []
    for depth in depths:
        q = 1 / depth if q_star is None else q_star
        point = critical_point(activation, q)
        mean_square = max(q - point.sigma_b**2, TINY) / point.sigma_w**2
        noise = np.random.default_rng(seed).normal(size=(1, side, side, channels))
        picture = noise * math.sqrt(mean_square / np.square(noise).mean())
        model = _plain_network(depth, side, channels, activation)
        jacobian = _Jacobian(model)
        for start in chosen:
            _begin(model, start, activation, q, point.sigma_w, seed)
            glorot = start == "glorot"
            mean, variance = jacobian_moments(
                activation,
                1.0 if glorot else point.sigma_w,
                0.0 if glorot else point.sigma_b,
                depth,
                spread=_SPREADS[start],
                mean_square=mean_square,
            )
            found.append(Isometry(start, depth, jacobian.spectrum(picture), mean, variance))
    return found


# For each frequency of the picture the kernel is a square matrix: orthogonal, Gaussian, or the
# corner of an orthogonal one nine times as wide.
_SPREADS = {"delta_orthogonal": 0.0, "orthogonal": 1 - 1 / TAPS, "glorot": 1.0}


def _plain_network(depth: int, side: int, channels: int, activation: str) -> keras.Model:
    picture = keras.Input((side, side, channels))
    x = picture
    for _ in range(depth):
        x = CircularPadding2D(1)(x)
        x = layers.Conv2D(channels, 3, activation=activation)(x)
    return keras.Model(picture, x)


def _begin(
    model: keras.Model, start: str, activation: str, q: float, sigma_w: float, seed: int
) -> None:
    """Draw the weights of all layers of a network of ours."""
    seeds = np.random.default_rng(seed)
    for layer in model.layers:
        if not layer.weights:
            continue
        drawn = [int(each) for each in seeds.integers(2**31, size=2)]
        kernel = {
            "delta_orthogonal": DeltaOrthogonal(sigma_w, seed=drawn[0]),
            "orthogonal": keras.initializers.Orthogonal(sigma_w, seed=drawn[0]),
            "glorot": keras.initializers.GlorotUniform(seed=drawn[0]),
        }[start]
        layer.kernel.assign(kernel(tuple(layer.kernel.shape), "float32"))
        bias = CriticalVariance(activation, q, "bias", seed=drawn[1])
        shape = tuple(layer.bias.shape)
        drawn_bias = np.zeros(shape) if start == "glorot" else bias(shape, "float32")
        layer.bias.assign(drawn_bias)


class _Jacobian:
    """The Jacobian of a model, by its products with vectors; compiled once."""

    def __init__(self, model: keras.Model) -> None:
        self.model = functional(model)
        check_intact(model)
        check_floating_input(self.model, 0)
        end = model_ends(self.model)[0]
        self.instead = {end.place: end.linear} if end.place and end.linear else {}
        self.pull = compiled_over(model, self._pull)
        self.push = compiled_over(model, self._push)
        self.answer = compiled_over(model, self._outputs)

    def spectrum(self, inputs: Any, count: Whole | None = None, seed: int = 0) -> Spectrum:
        """See `jacobian_spectrum`."""
        given = self._given(inputs)
        columns = math.prod(given[0].shape[1:])
        rows = math.prod(ops.shape(self.answer(given[0], given))[1:])
        least = min(rows, columns)
        if count is None and least <= MOST_ROWS:
            vectors = np.eye(least, dtype="float32")
            matrix = (self._pulled if rows <= columns else self._pushed)(vectors, given)
            values = np.linalg.svd(matrix.astype("float64"), compute_uv=False)
            return Spectrum(values, True, float(np.square(values).mean()), (rows, columns))
        wanted = 32 if count is None else check_whole("count", count)
        if wanted > least:
            raise InputError(
                f"count={wanted} was given",
                f"up to {least} singular values of a Jacobian of {rows} x {columns}",
                "Leave count out.",
            )
        generator = np.random.default_rng(seed)
        random = generator.normal(size=(min(wanted + OVERSAMPLING, least), columns))
        seen = self._pushed(random, given)
        mean_square = float(np.square(seen).sum() / len(random) / least)
        for _ in range(REPETITIONS):
            seen = self._pushed(_orthonormal(self._pulled(_orthonormal(seen), given)), given)
        values = np.linalg.svd(self._pulled(_orthonormal(seen), given), compute_uv=False)
        return Spectrum(values[:wanted], False, mean_square, (rows, columns))

    def _given(self, inputs: Any) -> list[Tensor]:
        arrays = [np.asarray(each) for each in ordered(self.model, inputs)]
        symbols = self.model.inputs
        shapes = [tuple(each.shape) for each in symbols]
        ranks = [len(each) for each in shapes]
        if [x.ndim for x in arrays] != ranks or any(len(x) != 1 for x in arrays):
            raise InputError(
                f"Inputs of shape {' and '.join(str(x.shape) for x in arrays)} were given",
                f"one example of {' and '.join(map(str, shapes))}, as a batch of one",
                "Pass inputs[:1].",
            )
        pairs = zip(arrays, symbols, strict=True)
        return [ops.convert_to_tensor(x, dtype=symbol.dtype) for x, symbol in pairs]

    def _outputs(self, first: Tensor, given: list[Tensor]) -> Tensor:
        """The first output for several values of the first input, the others alike for all."""
        many = ops.shape(first)[0]
        others = [ops.repeat(each, many, axis=0) for each in given[1:]]
        return run(self.model, [first, *others], instead=self.instead)[0]

    def _pull(self, vectors: Tensor, given: list[Tensor]) -> Tensor:
        def function(x: Tensor) -> Tensor:
            return ops.sum(self._flat(x, given) * vectors)

        many = ops.repeat(given[0], ops.shape(vectors)[0], axis=0)
        _, (found,) = value_and_gradients(function, [many])
        return ops.reshape(found, (ops.shape(vectors)[0], -1))

    def _push(self, vectors: Tensor, given: list[Tensor]) -> Tensor:
        count = ops.shape(vectors)[0]
        many = ops.repeat(given[0], count, axis=0)
        tangent = ops.cast(ops.reshape(vectors, (count, *given[0].shape[1:])), many.dtype)
        return pushforward(lambda x: self._flat(x, given), many, tangent)

    def _flat(self, x: Tensor, given: list[Tensor]) -> Tensor:
        outputs = ops.cast(self._outputs(x, given), "float32")
        return ops.reshape(outputs, (ops.shape(outputs)[0], -1))

    def _pulled(self, vectors: np.ndarray, given: list[Tensor]) -> np.ndarray:
        """Rows of vectors times the Jacobian: `(vectors, inputs)`."""
        return _chunked(self.pull, vectors, given)

    def _pushed(self, vectors: np.ndarray, given: list[Tensor]) -> np.ndarray:
        """The Jacobian times rows of vectors: `(vectors, outputs)`."""
        return _chunked(self.push, vectors, given)


def _chunked(
    product: Callable[..., Tensor], vectors: np.ndarray, given: list[Tensor]
) -> np.ndarray:
    """Products of all vectors, a fixed number at a time, so that all are of one shape."""
    count = len(vectors)
    size = min(CHUNK, count)
    filled = np.zeros((-(-count // size) * size, vectors.shape[1]), "float32")
    filled[:count] = vectors
    parts = [
        ops.convert_to_numpy(product(ops.convert_to_tensor(filled[start : start + size]), given))
        for start in range(0, count, size)
    ]
    return np.concatenate(parts)[:count]


def _orthonormal(rows: np.ndarray) -> np.ndarray:
    """As many orthonormal rows that span the same space."""
    return np.linalg.qr(rows.astype("float64").T)[0].T
