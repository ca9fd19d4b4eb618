"""Feature inversion: which images does a layer tell from one another?

An image x is looked for whose features are those of a given one (Mahendran and Vedaldi, CVPR 2015,
arXiv:1412.0035), by descending

    |Phi(sigma x + mean) - Phi0|^2 / |Phi0|^2 + lambda_a |x|_a^a
        + lambda_V sum ((x_right - x)^2 + (x_below - x)^2)^(b/2).

x is the image less the mean, in units of sigma, the Euclidean norm of a typical such image. What
the starts have in common is what the layer has kept; in what they differ is what it has lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_classics.analysis.input_bounds import Pair, check_bounds, check_within
from keras_classics.analysis.inside.units import layer_outputs
from keras_classics.core.arguments import checked
from keras_classics.core.errors import (
    InputError,
    check_positive,
    check_rate,
    check_whole,
)
from keras_classics.core.graphs.capture import Capture
from keras_classics.core.graphs.gradients import compiled_over, value_and_gradients
from keras_classics.core.progress import tracked
from keras_classics.core.types import Tensor, Whole

# The paper's, of |x|_6^6 for images of 227 x 227 x 3.
ALPHA_WEIGHT, ALPHA_VALUES = 2.16e8, 227 * 227 * 3
# The paper's weights of the variation, for the first, second and last third of the layers.
SMOOTHNESS = (0.5, 5.0, 50.0)
# Shares of the steps, and of the rate, of the authors' schedule: 100, 200 and 100 steps.
SCHEDULE = ((0.25, 1.0), (0.5, 0.1), (0.25, 0.01))
# Squared differences below which a power under 1 would have too steep a slope, for x of mean
# square 1.
FLOOR = 1e-5


@dataclass(frozen=True, eq=False)
class Inversion:
    """Images that a layer takes for others.

    Attributes:
        layer: The path of the layer.
        images: float32 `(batch, restarts, height, width, channels)`, within the bounds.
        errors: float32 `(batch, restarts)`: `|Phi - Phi0| / |Phi0|` of the images.
        history: float32 `(steps + 1, batch, restarts)`: the same on the way, from the noise on.
        between: float32 `(batch,)`: the same for another image, the next of the batch; from noise
            where there is only one. What was found says something where it is far below.
    """

    layer: str
    images: np.ndarray
    errors: np.ndarray
    history: np.ndarray
    between: np.ndarray


@checked
def invert(
    model: keras.Model,
    images: Any,
    layer: str,
    *,
    bounds: Pair,
    restarts: int = 1,
    steps: int = 400,
    rate: float = 0.004,
    momentum: float = 0.9,
    mean: ArrayLike | None = None,
    sigma: float | None = None,
    alpha: int = 6,
    alpha_weight: float | None = None,
    smoothness: float | None = None,
    smoothness_power: float = 2,
    window: Whole | None = None,
    seed: int = 0,
    image: int | str | None = None,
) -> Inversion:
    """Look for images that have the features of others.

    Noise of norm sigma descends with momentum, a quarter of the steps at the rate, half at a tenth
    and a quarter at a hundredth of it; the velocity starts again whenever the rate changes, as in
    the authors' code. Where the objective grows beyond twice its first value, that image goes back
    to its best and on at half the rate. Unlike in the paper every step ends within the bounds.

    Args:
        model: A functional or built sequential model, only read.
        images: What the model takes, see `kc.analysis.cam`.
        layer: The layer by name or path, dense ones too; of one that makes probabilities the logits
            count.
        bounds: `(low, high)` of the images, in the model's input units: numbers, or one for each
            channel.
        restarts: Images looked for to each, from other noise; the paper shows four to six.
        steps: Steps in all; the authors' 400.
        rate: Step by the gradient in units of sigma; the authors' 0.004.
        momentum: Share of the velocity that is kept; the authors' 0.9.
        mean: What is subtracted, in the model's input units: a number, a pixel or a picture; the
            middle of the bounds by default. Pass 0 for a model whose preparation subtracts it.
        sigma: Norm of a typical image less the mean, in input units; by default the mean norm of
            `images`.
        alpha: Power of the norm, even; the paper's 6.
        alpha_weight: Weight of the norm; by default the paper's 2.16e8 for images of 227 x 227 x 3,
            and in proportion to the square of the number of values for others, so that the term
            has the same share.
        smoothness: Weight of the variation; by default the paper's 0.5, 5 or 50 for a layer in the
            first, second or last third of the model.
        smoothness_power: b; the paper's 2. 1 keeps edges, and leaves spikes.
        window: Side of a square of units in the middle of the layer's map whose features alone are
            looked for, which shows what they see; the paper has 5. All by default.
        seed: Chooses the noise.
        image: Which input of the model is the image, see `kc.analysis.cam`. The others stay as
            they were given.

    Returns:
        The images, and how near their features are.

    Raises:
        InputError: The layer is not there or silent, images are out of bounds, or an option does
            not fit.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        images = np.random.default_rng(0).uniform(0, 1, (2, 32, 32, 1)).astype("float32")
        found = kc.analysis.invert(model, images[:1], model.layers[1].name, bounds=(0, 1), steps=3)
        ```
    """
    inverter = Inverter(
        model,
        layer,
        bounds=bounds,
        steps=steps,
        rate=rate,
        momentum=momentum,
        alpha=alpha,
        alpha_weight=alpha_weight,
        smoothness=smoothness,
        smoothness_power=smoothness_power,
        window=window,
        image=image,
    )
    return inverter(images, restarts=restarts, mean=mean, sigma=sigma, seed=seed)


class Inverter:
    """`invert` for many calls: compiled at the first, with the weights as they are at each."""

    @checked
    def __init__(
        self,
        model: keras.Model,
        layer: str,
        *,
        bounds: Pair,
        steps: int = 400,
        rate: float = 0.004,
        momentum: float = 0.9,
        alpha: int = 6,
        alpha_weight: float | None = None,
        smoothness: float | None = None,
        smoothness_power: float = 2,
        window: Whole | None = None,
        image: int | str | None = None,
    ) -> None:
        self.capture = Capture(model, image)
        self.capture.check_differentiable()
        self.place = self.capture.place(layer, vectors=True)
        self.bounds = bounds
        self.steps = check_whole("steps", steps)
        self.rate = check_positive("rate", rate)
        self.momentum = check_rate("momentum", momentum)
        self.alpha = _even("alpha", alpha)
        self.alpha_weight = _weight("alpha_weight", alpha_weight)
        own = _weight("smoothness", smoothness)
        self.smoothness = SMOOTHNESS[self._third()] if own is None else own
        self.smoothness_power = check_positive("smoothness_power", smoothness_power)
        self.window = self._checked_window(window)
        self._features = compiled_over(
            self.capture.model,
            lambda inputs: self._flat(layer_outputs(self.capture, inputs, self.place)),
        )
        self._step = compiled_over(self.capture.model, self._moved)

    def __call__(
        self,
        images: Any,
        *,
        restarts: int = 1,
        mean: ArrayLike | None = None,
        sigma: float | None = None,
        seed: int = 0,
    ) -> Inversion:
        """See `invert`."""
        check_whole("restarts", restarts)
        check_whole("seed", seed, 0)
        inputs = self.capture.arrays(images)
        given = inputs[self.capture.image].astype("float32")
        bounds = check_bounds(self.bounds, given.shape[1:])
        check_within(given, bounds)
        middle = bounds.middle if mean is None else _broadcast_mean(mean, given)
        sigma = _norm(given - middle) if sigma is None else check_positive("sigma", sigma)
        self._check_sigma(sigma)
        features = ops.convert_to_numpy(self._features(self._tensors(inputs)))
        norms = np.square(features, dtype="float64").sum(axis=1)
        self._check_norms(norms)

        noise = np.random.default_rng(seed).normal(size=(restarts, *given.shape[1:]))
        noise /= np.sqrt(np.square(noise).sum(axis=(1, 2, 3), keepdims=True))
        x = np.tile(noise, (len(given), 1, 1, 1, 1)).reshape(-1, *given.shape[1:])
        count = len(x)
        fixed = {
            "others": self._tensors([np.repeat(own, restarts, axis=0) for own in inputs]),
            "features": _tensor(np.repeat(features, restarts, axis=0)),
            "norms": _tensor(np.repeat(norms, restarts)),
            "scale": _tensor(np.float32(sigma)),
            "mean": _tensor(np.broadcast_to(middle, (1, *given.shape[1:]))),
            "low": _tensor((bounds.low - middle) / sigma),
            "high": _tensor((bounds.high - middle) / sigma),
        }
        start = ops.clip(_tensor(x), fixed["low"], fixed["high"])
        state = [
            start,
            ops.zeros_like(start),
            # The best so far and its objective; the first objective; how much slower.
            start,
            *(_tensor(np.full(count, value)) for value in (np.inf, np.inf, 1.0)),
        ]
        history = []
        rates = self._rates()
        for number in tracked(range(self.steps + 1), f"Inverting {self._path}", self.steps + 1):
            rate, again = rates[min(number, self.steps - 1)]
            if again:
                state[1] = ops.zeros_like(state[1])
            state, errors = self._step(state, fixed, _tensor(np.float32(rate)))
            history.append(errors)
        shape = (len(given), restarts)
        best = ops.convert_to_numpy(state[2]).reshape(*shape, *given.shape[1:])
        found = np.clip(best * sigma + middle, bounds.low, bounds.high).astype("float32")
        return Inversion(
            self._path,
            found,
            self._errors(found, inputs, features, norms),
            np.stack([ops.convert_to_numpy(own) for own in history]).reshape(-1, *shape),
            self._between(features, norms, ops.convert_to_numpy(history[0]).reshape(shape)),
        )

    def _moved(
        self, state: list[Tensor], fixed: dict[str, Any], rate: Tensor
    ) -> tuple[list[Tensor], Tensor]:
        """One step down, and the errors before it."""
        x, velocity, best, least, first, slower = state
        ones = ops.ones_like(least)

        def objective(x: Tensor, weights: Tensor, errors: Tensor) -> Tensor:
            distance = self._distance(x, fixed)
            # Gradients by weights of 1 are the terms of the sum.
            return ops.sum(weights * (distance + self._prior(x))) + ops.sum(errors * distance)

        _, (gradients, values, errors) = value_and_gradients(
            objective, [x, ones, ops.zeros_like(ones)]
        )
        first = ops.where(first < np.inf, first, values)
        # NaN is no less than anything.
        sound = values <= 2 * first
        better = ops.logical_and(sound, values < least)
        best = ops.where(_wide(better), x, best)
        least = ops.where(better, values, least)
        slower = ops.where(sound, slower, slower / 2)
        velocity = self.momentum * velocity - rate * _wide(slower) * gradients
        velocity = ops.where(_wide(sound), velocity, 0.0)
        x = ops.where(_wide(sound), x + velocity, best)
        x = ops.clip(x, fixed["low"], fixed["high"])
        return [x, velocity, best, least, first, slower], ops.sqrt(errors)

    def _distance(self, x: Tensor, fixed: dict[str, Any]) -> Tensor:
        """`|Phi - Phi0|^2 / |Phi0|^2` of each."""
        number = self.capture.image
        pictures = x * fixed["scale"] + fixed["mean"]
        inputs = [pictures if n == number else own for n, own in enumerate(fixed["others"])]
        found = self._flat(layer_outputs(self.capture, inputs, self.place))
        return ops.sum(ops.square(found - fixed["features"]), axis=1) / fixed["norms"]

    def _prior(self, x: Tensor) -> Tensor:
        """What natural images have little of."""
        values = float(np.prod(x.shape[1:]))
        weight = self.alpha_weight
        if weight is None:
            weight = ALPHA_WEIGHT * (values / ALPHA_VALUES) ** 2
        power = ops.sum(x**self.alpha, axis=(1, 2, 3))
        return weight * power + self.smoothness * variation(x, self.smoothness_power)

    def _flat(self, outputs: Tensor) -> Tensor:
        """The features that count, a row for each image."""
        if self.window is not None:
            # Those of the middle, or all along an axis that has fewer.
            top, left = (max(0, (side - self.window) // 2) for side in outputs.shape[1:3])
            outputs = outputs[:, top : top + self.window, left : left + self.window]
        return ops.reshape(outputs, (ops.shape(outputs)[0], -1))

    def _checked_window(self, window: Whole | None) -> int | None:
        if window is None:
            return None
        shape = tuple(self.place[-1].outputs[0].shape)
        if len(shape) != 4:
            raise InputError(
                f"window={window!r} was given for {self._path!r}, which gives {shape}",
                "layers whose output is a map (batch, height, width, channels)",
                "Leave window out, or take a layer before.",
            )
        return check_whole("window", window)

    @property
    def _path(self) -> str:
        return self.capture.paths[self.place]

    def _third(self) -> int:
        seeing = [place for place in self.capture.paths if place in self.capture.seeing]
        return 3 * seeing.index(self.place) // len(seeing)

    def _rates(self) -> list[tuple[float, bool]]:
        """The rate of each step, and whether it is another than before."""
        found: list[tuple[float, bool]] = []
        end = 0.0
        for share, factor in SCHEDULE:
            end += share
            own = round(end * self.steps) - len(found)
            found += [(self.rate * factor, n == 0) for n in range(own)]
        return found

    def _errors(
        self, found: np.ndarray, inputs: list[np.ndarray], features: np.ndarray, norms: np.ndarray
    ) -> np.ndarray:
        errors = np.empty(found.shape[:2], "float32")
        for restart in range(found.shape[1]):
            every = [
                found[:, restart] if n == self.capture.image else own
                for n, own in enumerate(inputs)
            ]
            own = ops.convert_to_numpy(self._features(self._tensors(every)))
            errors[:, restart] = np.sqrt(np.square(own - features).sum(axis=1) / norms)
        return errors

    @staticmethod
    def _between(features: np.ndarray, norms: np.ndarray, first: np.ndarray) -> np.ndarray:
        if len(features) == 1:
            return first[:, 0]
        others = np.roll(features, -1, axis=0)
        return np.sqrt(np.square(others - features).sum(axis=1) / norms).astype("float32")

    def _tensors(self, inputs: list[np.ndarray]) -> list[Tensor]:
        return [
            ops.convert_to_tensor(own, dtype=symbol.dtype)
            for own, symbol in zip(inputs, self.capture.model.inputs, strict=True)
        ]

    def _check_sigma(self, sigma: float) -> None:
        if not sigma > 0:
            raise InputError(
                "Images that are nothing but their mean were given",
                "images that differ from it, whose norm is sigma",
                "Pass sigma, the norm of a typical image less the mean.",
            )

    def _check_norms(self, norms: np.ndarray) -> None:
        if not (np.isfinite(norms).all() and norms.min() > 0):
            number = int(np.argmin(np.where(np.isfinite(norms), norms, -1)))
            raise InputError(
                f"The layer {self._path!r} gives nothing, or no finite numbers, for image {number}",
                "features to look for",
                "Take another layer, or leave the image out.",
            )


def variation(x: Tensor, power: float = 2) -> Tensor:
    """The total variation of images, `sum ((x_right - x)^2 + (x_below - x)^2)^(power / 2)`.

    The last row and column have no neighbour, and differ from none.

    Args:
        x: `(batch, height, width, channels)`.
        power: b; of 2 it is the sum of squared differences.

    Returns:
        `(batch,)`.
    """
    across = ops.square(x[:, :, 1:] - x[:, :, :-1])
    down = ops.square(x[:, 1:] - x[:, :-1])
    if power == 2:
        return ops.sum(across, axis=(1, 2, 3)) + ops.sum(down, axis=(1, 2, 3))
    both = ops.pad(across, [(0, 0), (0, 0), (0, 1), (0, 0)])
    both = both + ops.pad(down, [(0, 0), (0, 1), (0, 0), (0, 0)])
    least = FLOOR / float(np.prod(x.shape[1:]))
    slopes = ops.power(ops.maximum(both, least), power / 2)
    return ops.sum(ops.where(both > 0, slopes, 0.0), axis=(1, 2, 3))


def _wide(values: Tensor) -> Tensor:
    """One value for each image, beside the axes of images."""
    return values[:, None, None, None]


def _tensor(values: Any) -> Tensor:
    return ops.convert_to_tensor(np.asarray(values, "float32"))


def _norm(images: np.ndarray) -> float:
    return float(np.sqrt(np.square(images, dtype="float64").sum(axis=(1, 2, 3))).mean())


def _even(argument: str, value: Any) -> int:
    """A power under which signs do not matter."""
    if (found := check_whole(argument, value, 2)) % 2 == 0:
        return found
    raise InputError(
        f"{argument}={value!r} was given", "an even number from 2 on", "Use 6, the paper's."
    )


def _weight(argument: str, value: float | None) -> float | None:
    """A weight that may be nothing."""
    return value if value is None or value == 0 else check_positive(argument, value)


def _broadcast_mean(mean: ArrayLike, images: np.ndarray) -> np.ndarray:
    own = np.asarray(mean, "float32")
    if own.shape in ((), images.shape[-1:], images.shape[1:]) and np.isfinite(own).all():
        return own
    raise InputError(
        f"mean of shape {own.shape} was given for images of shape {images.shape[1:]}",
        "a number, a pixel or a picture of finite values",
        "Leave mean out for the middle of the bounds.",
    )
