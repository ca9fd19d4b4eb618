"""Maps that average the gradient over many images near one: integrated gradients and SmoothGrad."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.analysis.maps.cam_targets import chosen_classes
from keras_classics.analysis.maps.explainer import Explainer, Score, Step
from keras_classics.analysis.maps.map_faithfulness import Baseline, baseline_of
from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_positive, check_whole
from keras_classics.core.graphs.gradients import compiled_over
from keras_classics.core.types import Tensor

# From pictures `(batch, count, height, width, channels)` to the mean of their gradients.
Mean = Callable[[np.ndarray], np.ndarray]
Scores = Callable[[np.ndarray], np.ndarray]


@checked
def integrated_gradients(
    model: keras.Model,
    images: Any,
    *,
    target: Any = None,
    baseline: Baseline = "black",
    steps: int = 32,
    tolerance: float = 0.01,
    most_steps: int = 512,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """What each value of the image adds to a score, along the line from a baseline to the image.

    The difference from the baseline times the mean gradient along the line (Sundararajan, Taly,
    Yan, ICML 2017, arXiv:1703.01365), by the midpoint rule. The attributions add up to the score of
    the image less that of the baseline; where they miss it by more than the tolerance, the steps
    are doubled.

    Args:
        model: A functional or built sequential model, only read. Where it ends in softmax or
            sigmoid, the logits before are explained.
        images: What the model takes, see `kc.analysis.cam`.
        target: What is explained, see `kc.analysis.cam`; None for the predicted class.
        baseline: Where the line begins, in the units of the images: `"black"`, 0; `"mean"`, the
            mean of each channel of each image; `"blur"`; or a number, a pixel or a picture.
        steps: Gradients at first; each costs a forward and a backward pass.
        tolerance: Share of the difference of scores that may be missed.
        most_steps: Gradients at most; `IntegratedGradients.gaps` says what was missed then.
        batch_size: Greatest number of images that pass through the model together.
        image: Which input of the model is the image, see `kc.analysis.cam`.

    Returns:
        float32 `(batch, height, width, channels)`, in units of the score.

    Raises:
        InputError: The model, the images, the target, the baseline or an option do not fit.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        images = np.random.default_rng(0).uniform(0, 1, (2, 32, 32, 1)).astype("float32")
        parts = kc.analysis.integrated_gradients(model, images, target=[3, 7])
        parts.sum((1, 2, 3))  # the logits of the classes, less those of a black image
        ```
    """
    own = IntegratedGradients(
        model,
        baseline=baseline,
        steps=steps,
        tolerance=tolerance,
        most_steps=most_steps,
        batch_size=batch_size,
        image=image,
    )
    return own(images, target)


@checked
def smooth_grad(
    model: keras.Model,
    images: Any,
    *,
    target: Any = None,
    samples: int = 50,
    noise: float = 0.15,
    seed: int = 0,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """The mean gradient of a score by the image over noisy copies (Smilkov et al., 2017).

    Args:
        model: A functional or built sequential model, only read. Where it ends in softmax or
            sigmoid, the logits before are differentiated.
        images: What the model takes, see `kc.analysis.cam`.
        target: What is explained, see `kc.analysis.cam`; None for the predicted class.
        samples: Copies of each image; the paper took 50.
        noise: Deviation of the Gaussian noise, as a share of the range of the values of each image;
            the paper took 0.1 to 0.2.
        seed: Chooses the noise, which is the same for all images and whatever the batch size.
        batch_size: Greatest number of images that pass through the model together.
        image: Which input of the model is the image, see `kc.analysis.cam`.

    Returns:
        float32 `(batch, height, width, channels)`: score per unit of the image. The largest
        magnitude over the channels is what is drawn as a map.

    Raises:
        InputError: The model, the images, the target or an option do not fit.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        images = np.random.default_rng(0).uniform(0, 1, (2, 32, 32, 1)).astype("float32")
        maps = np.abs(kc.analysis.smooth_grad(model, images, samples=8)).max(-1)  # (2, 32, 32)
        ```
    """
    own = SmoothGrad(
        model, samples=samples, noise=noise, seed=seed, batch_size=batch_size, image=image
    )
    return own(images, target)


class SampledGradients(Explainer):
    """Explains by gradients at images near each; compiled once for all of them."""

    def __init__(self, model: keras.Model, target: Any, batch_size: int, image: Any) -> None:
        super().__init__(model, target, batch_size, image)
        self.capture.check_differentiable()

    def step(self, score: Score, image_size: tuple[int, int]) -> Step:
        """See `Explainer`."""
        capture, number = self.capture, self.capture.image

        def chosen(inputs: list[Tensor], classes: Tensor) -> Tensor:
            # The class that is predicted of the image itself.
            return chosen_classes(capture.class_logits(capture.logits(inputs)), classes)

        def many(inputs: list[Tensor], pictures: Tensor) -> tuple[list[Tensor], Any]:
            # Not known while it is traced where it differs from call to call.
            count = ops.shape(pictures)[1]
            flat = ops.reshape(pictures, (-1, *pictures.shape[2:]))
            return [
                ops.cast(flat, x.dtype) if n == number else ops.repeat(x, count, axis=0)
                for n, x in enumerate(inputs)
            ], count

        def scores(inputs: list[Tensor], classes: Tensor, pictures: Tensor) -> Tensor:
            every, count = many(inputs, pictures)
            found = score(capture.logits(every), ops.repeat(classes, count, axis=0))
            return ops.reshape(found, ops.shape(pictures)[:2])

        def gradients(inputs: list[Tensor], classes: Tensor, pictures: Tensor) -> Tensor:
            every, count = many(inputs, pictures)
            own = ops.repeat(classes, count, axis=0)
            found = capture.image_gradients(every, lambda logits: score(logits, own))
            found = ops.reshape(ops.cast(found, "float32"), ops.shape(pictures))
            return ops.mean(found, axis=1)

        chose, scored, differentiated = (
            compiled_over(capture.model, each) for each in (chosen, scores, gradients)
        )

        def step(inputs: list[Tensor], classes: Tensor) -> list[Tensor]:
            classes = chose(inputs, classes)

            def called(function: Callable[..., Tensor], pictures: np.ndarray) -> np.ndarray:
                given = ops.convert_to_tensor(pictures.astype("float32"))
                return ops.convert_to_numpy(function(inputs, classes, given))

            found = self.combined(
                ops.convert_to_numpy(ops.cast(inputs[number], "float32")),
                lambda pictures: called(scored, pictures),
                lambda pictures: called(differentiated, pictures),
            )
            return [ops.convert_to_tensor(each.astype("float32")) for each in found]

        return step

    def combined(self, images: np.ndarray, scores: Scores, mean: Mean) -> list[np.ndarray]:
        """What is explained of a batch, attributions first; each with a row per image.

        Args:
            images: float32 `(batch, height, width, channels)`.
            scores: From pictures `(batch, count, height, width, channels)` to `(batch, count)`.
            mean: From such pictures to the mean gradient `(batch, height, width, channels)`.
        """
        raise NotImplementedError


class IntegratedGradients(SampledGradients):
    """`integrated_gradients` for many calls: compiled at the first, weights as they are at each.

    Attributes:
        gaps: Of the last call, float32 `(batch,)`: the share of the difference of scores that the
            attributions of each image miss.
    """

    @checked
    def __init__(
        self,
        model: keras.Model,
        *,
        target: Any = None,
        baseline: Baseline = "black",
        steps: int = 32,
        tolerance: float = 0.01,
        most_steps: int = 512,
        batch_size: int = 32,
        image: int | str | None = None,
    ) -> None:
        super().__init__(model, target, batch_size, image)
        self.baseline = baseline
        self.steps = check_whole("steps", steps)
        self.most_steps = check_whole("most_steps", most_steps, self.steps)
        self.tolerance = check_positive("tolerance", tolerance)
        self.gaps = np.zeros(0, "float32")

    def __call__(self, images: Any, target: Any = None) -> np.ndarray:
        """See `integrated_gradients`."""
        found, self.gaps = self.explain(images, target)
        return found

    def combined(self, images: np.ndarray, scores: Scores, mean: Mean) -> list[np.ndarray]:
        """See `SampledGradients`."""
        start = baseline_of(images, self.baseline, "baseline")
        way = images - start
        # Both ends in one pass each, so that a batch is no larger than what it was made for.
        ends = [scores(each[:, None])[:, 0] for each in (start, images)]
        difference = ends[1] - ends[0]
        # As many at a time whatever the steps, for the sake of one compiled shape.
        size = min(self.steps, max(1, self.batch_size // len(images)))
        steps = self.steps
        while True:
            times = -(-steps // size)
            places = (np.arange(times * size) + 0.5) / (times * size)
            total = sum(
                mean(start[:, None] + own[:, None, None, None] * way[:, None])
                for own in places.reshape(times, size)
            )
            found = way * (total / times)
            missing = np.abs(found.sum(axis=(1, 2, 3), dtype="float64") - difference)
            gaps = missing / np.maximum(np.abs(difference), np.finfo("float32").tiny)
            # What adds up to nothing is complete.
            gaps = np.where(missing == 0, 0, gaps)
            if gaps.max() <= self.tolerance or 2 * steps > self.most_steps:
                return [found, np.minimum(gaps, np.finfo("float32").max)]
            steps *= 2


class SmoothGrad(SampledGradients):
    """`smooth_grad` for many calls: compiled at the first, with the weights as they are at each."""

    @checked
    def __init__(
        self,
        model: keras.Model,
        *,
        target: Any = None,
        samples: int = 50,
        noise: float = 0.15,
        seed: int = 0,
        batch_size: int = 32,
        image: int | str | None = None,
    ) -> None:
        super().__init__(model, target, batch_size, image)
        self.samples = check_whole("samples", samples)
        self.noise = check_positive("noise", noise, "Use 0.15; the paper took 0.1 to 0.2.")
        self.seed = check_whole("seed", seed, 0)

    def __call__(self, images: Any, target: Any = None) -> np.ndarray:
        """See `smooth_grad`."""
        (found,) = self.explain(images, target)
        return found

    def combined(self, images: np.ndarray, scores: Scores, mean: Mean) -> list[np.ndarray]:
        """See `SampledGradients`."""
        low, high = (f(images, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
        deviation = (self.noise * (high - low))[:, None]
        total: Any = 0.0
        for noise, size in self._noise(len(images), images.shape[1:]):
            total = total + size * mean(images[:, None] + deviation * noise)
        return [total / self.samples]

    def _noise(self, batch: int, shape: tuple[int, ...]) -> Iterator[tuple[np.ndarray, int]]:
        """Noise for so many copies at a time, and their number."""
        draw = np.random.default_rng(self.seed)
        # As many copies at a time as divide the samples, for the sake of one compiled shape.
        most = max(1, self.batch_size // batch)
        size = max(n for n in range(1, most + 1) if self.samples % n == 0)
        for _ in range(self.samples // size):
            yield draw.normal(size=(size, *shape)).astype("float32"), size
