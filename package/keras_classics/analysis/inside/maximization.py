"""Activation maximisation: the image that a class, a channel or a unit would like best.

Simonyan, Vedaldi, Zisserman (arXiv:1312.6034) climb the logit of a class less the norm of the
image; shifting the image at random at each step, and writing it in decorrelated waves (Olah et
al., Distill 2017), leave less of the high frequencies that any gradient finds first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_classics.analysis.input_bounds import Pair, check_bounds
from keras_classics.analysis.inside.image_forms import ImageForm, Pixels, Waves
from keras_classics.analysis.inside.inversion import variation
from keras_classics.analysis.inside.random_views import random_view, seen_in
from keras_classics.analysis.inside.units import layer_outputs
from keras_classics.analysis.maps.cam_targets import scores_of_classes
from keras_classics.analysis.maps.relus import ruled_relus
from keras_classics.core.arguments import checked
from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_positive,
    check_whole,
    check_wholes,
)
from keras_classics.core.graphs.capture import Capture
from keras_classics.core.graphs.gradients import compiled_over, value_and_gradients
from keras_classics.core.graphs.graph import origin
from keras_classics.core.progress import tracked
from keras_classics.core.shapes import agree
from keras_classics.core.types import Tensor, Whole

# Steps at the start in which what has no gradient may be woken; lucid takes 16, but for all alike.
WAKING = 64
# Adam's.
_BETAS, _EPSILON = (0.9, 0.999), 1e-8


class Form(NamedTuple):
    """A way of looking for an image.

    Attributes:
        image: How the image is written down.
        shift: Greatest shift in pixels, either way.
        turn: Greatest turn, in degrees.
        zoom: Greatest change of size.
        norm: Weight of the mean square of the pixels' distance from grey, in half ranges.
        variation: Weight of the mean squared difference of neighbours, likewise.
    """

    image: type[ImageForm]
    shift: float = 0.0
    turn: float = 0.0
    zoom: float = 0.0
    norm: float = 0.0
    variation: float = 0.0


FORMS = {
    "plain": Form(Pixels, norm=1.0),
    "jittered": Form(Pixels, shift=8, norm=1.0, variation=10.0),
    # lucid's transformations: shifts of 8 and 4 pixels, 10 degrees, a tenth of the size.
    "fourier": Form(Waves, shift=12, turn=10, zoom=0.1),
}


@dataclass(frozen=True, eq=False)
class Maximization:
    """Images that were looked for, and what they excite.

    Attributes:
        images: float32 `(count, height, width, channels)`, within the bounds.
        values: float32 `(count,)`: the score of each, of the image as it is.
        start: float32 `(count,)`: the score of the image it began with.
    """

    images: np.ndarray
    values: np.ndarray
    start: np.ndarray


@checked
def maximize(
    model: keras.Model,
    target: Whole | Sequence[Whole] | None = None,
    *,
    bounds: Pair,
    layer: str | None = None,
    unit: tuple[int, int] | None = None,
    form: str = "fourier",
    steps: int = 256,
    rate: float = 0.05,
    image_size: Sequence[Whole] | None = None,
    others: Any = None,
    seed: int = 0,
    image: int | str | None = None,
) -> Maximization:
    """Look for the images that excite classes, channels, units or a layer most.

    Adam climbs the mean of a channel over its map, one unit, or a logit, from grey with a little
    noise. As long as no gradient comes through, in the first 64 steps, ReLUs that are silent pass
    what would wake them (lucid's rule).

    Args:
        model: A functional or built sequential model, only read. Where it ends in softmax or
            sigmoid, the logits before are climbed.
        target: Without a layer: a class, or several. With one: a channel or several, or None for
            the mean square of all the layer gives.
        bounds: `(low, high)` of the images, in the model's input units: numbers, or one for each
            channel. What the model prepares itself is differentiated through.
        layer: The layer by name or path.
        unit: `(row, column)` of one unit of the channels; by default their mean over the map.
        form: `"fourier"`: waves of colours decorrelated as red, green and blue (a model that takes
            them in another order gets less natural tints), seen shifted, turned and zoomed at
            random (up to 12 pixels, 10 degrees, a tenth); `"jittered"`: pixels, shifted by up to
            8, with weights on norm (1) and variation (10); `"plain"`: pixels, with a weight on the
            norm (Simonyan et al.). Shifts are at most an eighth of the shorter side.
        steps: Steps of Adam.
        rate: Its rate, in shares of the range of the bounds for pixels; lucid's 0.05.
        image_size: `(height, width)` in pixels, for a model that takes images of any size.
        others: For a model of several inputs: an example of all of them, see `kc.analysis.cam`, of
            which the image is not used and the others stay as they are.
        seed: Chooses noise and shifts; the same seed gives the same images.
        image: Which input of the model is the image, see `kc.analysis.cam`.

    Returns:
        One image for each target.

    Raises:
        InputError: A class, layer, channel or unit is not there, an option does not fit, or nothing
            wakes what was to be excited.

    Example:
        ```python
        model = kc.create_model("resnet_20_cifar", width=0.25)
        found = kc.analysis.maximize(model, [3, 7], bounds=(0, 255), steps=3)
        kc.analysis.draw_tiles("classes.png", found.images.astype("uint8"))
        ```
    """
    search = _Climb(model, layer, target, unit, image)
    check_choice("form", form, tuple(FORMS))
    size = search.image_shape(image_size)
    check_whole("steps", steps)
    check_whole("seed", seed, 0)
    check_positive("rate", rate)
    own = FORMS[form]
    shift = min(own.shift, min(size[:2]) / 8)
    written = own.image(size, check_bounds(bounds, size))
    return search.climbed(
        written, own._replace(shift=shift), steps, rate, seed, search.companions(others)
    )


class _Climb:
    """What is climbed, and the climbing of it."""

    def __init__(
        self,
        model: keras.Model,
        layer: str | None,
        target: Any,
        unit: tuple[int, int] | None,
        image: int | str | None,
    ) -> None:
        self.capture = Capture(model, image)
        self.capture.check_differentiable()
        self.place = None if layer is None else self.capture.place(layer, vectors=True)
        if self.place is None:
            self.capture.check_explains()
        self.targets = self._targets(target)
        self.unit = self._unit(unit)

    def image_shape(self, given: Sequence[Whole] | None) -> tuple[int, int, int]:
        """Height, width and channels of the images."""
        own = self.capture.model.inputs[self.capture.image].shape[1:]
        if given is None and None not in own:
            return own[0], own[1], own[2]
        if given is not None:
            height, width = check_wholes("image_size", given, count=2)
            if agree(own[:2], (height, width)):
                return height, width, own[2]
        raise InputError(
            f"image_size={given!r} was given for {self.capture.model.name!r}, which takes "
            f"{own[0] or 'any'} x {own[1] or 'any'}",
            "the height and width of images that the model takes",
            "Pass image_size=(224, 224), or what the network was trained on."
            if None in own
            else "Leave image_size out.",
        )

    def companions(self, others: Any) -> list[Tensor]:
        """The inputs beside the image, one row for each target; the image's is not used."""
        symbols = self.capture.model.inputs
        if len(symbols) == 1:
            return []
        if others is None:
            raise InputError(
                f"{self.capture.model.name!r} has {len(symbols)} inputs, and others was left out",
                "an example of all inputs, of which the image is not used",
                "Pass others=[...], with one row of each input.",
            )
        rows = [own[:1] for own in self.capture.arrays(others)]
        return [
            ops.convert_to_tensor(np.repeat(own, len(self.targets), axis=0), dtype=symbol.dtype)
            for own, symbol in zip(rows, symbols, strict=True)
        ]

    def climbed(
        self,
        form: ImageForm,
        ways: Form,
        steps: int,
        rate: float,
        seed: int,
        others: list[Tensor],
    ) -> Maximization:
        """The images after so many steps."""
        targets = ops.convert_to_tensor(np.asarray(self.targets, "int32"))
        parameters = ops.convert_to_tensor(form.start(len(self.targets), seed))
        steadily = compiled_over(self.capture.model, self._stepper(form, ways, rate, None))
        seen = compiled_over(
            self.capture.model,
            lambda parameters, others: self._scores(form.images(parameters), others, targets),
        )
        asleep = compiled_over(self.capture.model, self._asleep(form, targets))
        start = ops.convert_to_numpy(seen(parameters, others))
        draw = np.random.default_rng(seed)
        state = [parameters, ops.zeros_like(parameters), ops.zeros_like(parameters)]
        step = steadily
        sleeping = ops.convert_to_numpy(asleep(parameters, others))
        if sleeping.any():
            rule = ruled_relus(self.capture, waking)
            step = compiled_over(self.capture.model, self._stepper(form, ways, rate, rule))
        for number in tracked(range(steps), "Maximising", steps):
            if step is not steadily and (number == WAKING or not sleeping.any()):
                step = steadily
            view = [
                ops.convert_to_tensor(own)
                for own in random_view(draw, form.size, ways.shift, ways.turn, ways.zoom)
            ]
            time = ops.convert_to_tensor(np.float32(number + 1))
            state = step(state, view, time, targets, others)
            if sleeping.any():
                sleeping = ops.convert_to_numpy(asleep(state[0], others))
                if number + 1 == min(WAKING, steps):
                    self._check_awake(sleeping)
        images = ops.convert_to_numpy(form.images(state[0]))
        bounds = form.bounds
        return Maximization(
            np.clip(images, bounds.low, bounds.high).astype("float32"),
            ops.convert_to_numpy(seen(state[0], others)),
            start,
        )

    def _stepper(self, form: ImageForm, ways: Form, rate: float, instead: Any) -> Any:
        moves = bool(ways.shift or ways.turn or ways.zoom)

        def step(
            state: list[Tensor],
            view: list[Tensor],
            time: Tensor,
            targets: Tensor,
            others: list[Tensor],
        ) -> list[Tensor]:
            parameters, mean, square = state
            middle, span = (
                ops.convert_to_tensor(own) for own in (form.bounds.middle, form.bounds.range)
            )

            def objective(parameters: Tensor) -> Tensor:
                images = form.images(parameters)
                shown = seen_in(view, images, middle) if moves else images
                total = ops.sum(self._scores(shown, others, targets, instead))
                # In half ranges from grey, so that weights are the same in all units.
                away = 2 * (images - middle) / span
                values = float(np.prod(form.size))
                total = total - ways.norm * ops.sum(ops.square(away)) / values
                return total - ways.variation * ops.sum(variation(away)) / values

            _, (gradient,) = value_and_gradients(objective, [parameters])
            first, second = _BETAS
            mean = first * mean + (1 - first) * gradient
            square = second * square + (1 - second) * ops.square(gradient)
            fair = [own / (1 - beta**time) for own, beta in ((mean, first), (square, second))]
            moved = parameters + rate * fair[0] / (ops.sqrt(fair[1]) + _EPSILON)
            return [form.admitted(moved), mean, square]

        return step

    def _scores(
        self, images: Tensor, others: list[Tensor], targets: Tensor, instead: Any = None
    ) -> Tensor:
        """What is climbed, `(count,)`."""
        number = self.capture.image
        inputs = [images if n == number else own for n, own in enumerate(others or [images])]
        if self.place is None:
            logits = self.capture.class_logits(self.capture.logits(inputs, instead=instead))
            return scores_of_classes(logits, targets)
        found = layer_outputs(self.capture, inputs, self.place, instead)
        if self.targets == [-1]:
            return ops.mean(ops.square(found), axis=tuple(range(1, len(found.shape))))
        if self.unit is not None:
            found = found[:, self.unit[0], self.unit[1]]
        flat = ops.reshape(found, (ops.shape(found)[0], -1, found.shape[-1]))
        means = ops.mean(flat, axis=1)
        return ops.take_along_axis(means, targets[:, None], axis=1)[:, 0]

    def _asleep(self, form: ImageForm, targets: Tensor) -> Any:
        """Which images have no gradient at all."""

        def asleep(parameters: Tensor, others: list[Tensor]) -> Tensor:
            _, (gradient,) = value_and_gradients(
                lambda x: ops.sum(self._scores(form.images(x), others, targets)), [parameters]
            )
            axes = tuple(range(1, len(gradient.shape)))
            return ops.max(ops.abs(gradient), axis=axes) == 0

        return asleep

    def _targets(self, target: Any) -> list[int]:
        if self.place is None:
            count, what = self.capture.ends[0].classes, "classes"
        else:
            count, what = self.place[-1].outputs[0].shape[-1], "channels"
            if target is None:
                return [-1]
        several = isinstance(target, Sequence | range | np.ndarray) and np.ndim(target) == 1
        given = list(target) if several else [target]
        try:
            found = [check_whole("target", own, 0) for own in given]
        except InputError:
            found = []
        if not found or (count is not None and max(found) >= count):
            raise InputError(
                f"target={target!r} was given",
                f"{what} from 0 to {(count or 1) - 1}, one or several",
                "Pass target=0, or a list of numbers.",
            )
        return found

    def _unit(self, unit: Any) -> tuple[int, int] | None:
        if unit is None:
            return None
        shape = self.place[-1].outputs[0].shape if self.place else ()
        sides = tuple(shape[1:3]) if len(shape) == 4 else None
        given = np.asarray(unit)
        fits = sides and self.targets != [-1] and given.shape == (2,) and given.dtype.kind in "iu"
        # Sides that are not known are not checked.
        within = fits and all(
            0 <= own < (np.inf if side is None else side)
            for own, side in zip(given, sides or (), strict=True)
        )
        if not within:
            raise InputError(
                f"unit={unit!r} was given",
                "(row, column) of a channel of a layer of maps"
                + (f", of {sides[0]} x {sides[1]} units" if sides else ""),
                "Leave unit out for the mean over the map.",
            )
        return int(given[0]), int(given[1])

    @property
    def _climbed(self) -> str:
        """The path of the layer whose channels are climbed; of classes the one that gives them."""
        made = self.place or origin(self.capture.model.outputs[0])
        return self.capture.paths[made] if made else ""

    def _check_awake(self, sleeping: np.ndarray) -> None:
        if sleeping.any():
            dead = [self.targets[n] for n in np.flatnonzero(sleeping)]
            raise InputError(
                f"No gradient reaches the image from target={dead}, nor after {WAKING} steps "
                "in which silent ReLUs were passed by",
                "targets that some image excites, of models that have a gradient, which those "
                "of signs or steps have not",
                "Take another target; or look for what excites it among pictures, which needs "
                f"no gradient: kc.analysis.find_patches(model, images, {self._climbed!r}).",
            )


def waking(x: Tensor, gradient: Tensor) -> Tensor:
    """A ReLU's gradient; where all of it is zero for an image, what would raise negative inputs."""
    plain = ops.where(x > 0, gradient, 0.0)
    axes = tuple(range(1, len(x.shape)))
    silent = ops.max(ops.abs(plain), axis=axes, keepdims=True) == 0
    return ops.where(silent, ops.where(x > 0, gradient, ops.relu(gradient)), plain)
