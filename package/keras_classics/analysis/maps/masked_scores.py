"""Maps from what a network says of images of which parts are hidden: occlusion and RISE.

Neither needs a gradient; both see the network as a function from images to scores.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.analysis.maps.cam_targets import check_scores, chosen_classes, class_shares
from keras_classics.analysis.maps.explainer import Explainer, Score, Step
from keras_classics.analysis.maps.map_faithfulness import Baseline, baseline_of
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_probability, check_whole
from keras_classics.core.graphs.gradients import compiled_over
from keras_classics.core.types import Tensor, Whole


@checked
def occlusion(
    model: keras.Model,
    images: Any,
    *,
    target: Any = None,
    window: Whole | Sequence[Whole] | None = None,
    stride: Whole | Sequence[Whole] | None = None,
    fill: Baseline = "mean",
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """How much of a score goes when a square hides each pixel (Zeiler and Fergus, ECCV 2014).

    A square slides over the image, and the score of what is left is compared with that of the whole
    image; each pixel gets the mean loss over all squares that hide it. The squares at the ends lie
    flush with the edges, so that every pixel is hidden by some.

    Args:
        model: A functional or built sequential model, only read. Where it ends in softmax or
            sigmoid, the logits before are explained.
        images: What the model takes, see `kc.analysis.cam`.
        target: What is explained, see `kc.analysis.cam`; None for the predicted class.
        window: Height and width of the square in pixels, or one number for both; a quarter of the
            shorter side by default.
        stride: Pixels from one square to the next, likewise; a quarter of the window by default,
            which makes 169 squares of a square image.
        fill: What is seen in the square, in the units of the images: `"mean"`, the mean of each
            channel of each image, which is grey; `"black"`, 0; `"blur"`; or a number, a pixel or a
            picture.
        batch_size: Greatest number of images that pass through the model together.
        image: Which input of the model is the image, see `kc.analysis.cam`.

    Returns:
        float32 `(batch, height, width)`, in units of the score: positive where the target needs the
        pixel, negative where it does better without.

    Raises:
        InputError: The model, the images, the target, the window or the fill do not fit.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        images = np.random.default_rng(0).uniform(0, 1, (2, 32, 32, 1)).astype("float32")
        maps = kc.analysis.occlusion(model, images, window=8, stride=8)  # (2, 32, 32)
        ```
    """
    own = Occlusion(
        model, window=window, stride=stride, fill=fill, batch_size=batch_size, image=image
    )
    return own(images, target)


@checked
def rise(
    model: keras.Model,
    images: Any,
    *,
    target: Any = None,
    masks: int = 1000,
    cells: int = 7,
    shown: float = 0.5,
    seed: int = 0,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """Random masks, each counted by the probability of the class behind it (RISE).

    A mask is a coarse grid of ones and zeros, enlarged bilinearly and shifted at random; images are
    multiplied by it. The map is the mean of the masks, weighted by the probability of the class
    less its mean over all masks, and divided by the share of ones. That the mean is taken off is
    not in the paper (Petsiuk, Das, Saenko, BMVC 2018, arXiv:1806.07421): it changes the map by the
    mean mask only, which is flat but for chance, and so takes out that chance.

    Args:
        model: A functional or built sequential model, only read.
        images: What the model takes, see `kc.analysis.cam`; what is masked becomes 0.
        target: What is explained, see `kc.analysis.cam`; None for the predicted class. The score of
            a function is taken as it is.
        masks: Number of masks, each of which costs a pass; the paper took 4,000 for VGG-16 and
            8,000 for ResNet-50. The error falls with its root.
        cells: Cells of the grid along each side.
        shown: Share of the cells that are 1, above 0 and below 1.
        seed: Chooses the masks, which are the same for all images and whatever the batch size.
        batch_size: Greatest number of images that pass through the model together.
        image: Which input of the model is the image, see `kc.analysis.cam`.

    Returns:
        float32 `(batch, height, width)`: positive where the class is more probable with the pixel.

    Raises:
        InputError: The model, the images, the target or an option do not fit.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        images = np.random.default_rng(0).uniform(0, 1, (2, 32, 32, 1)).astype("float32")
        maps = kc.analysis.rise(model, images, target=[3, 7], masks=16)  # thousands for a fine map
        ```
    """
    own = Rise(
        model, masks=masks, cells=cells, shown=shown, seed=seed, batch_size=batch_size, image=image
    )
    return own(images, target)


class MaskedScores(Explainer):
    """Explains by the scores of masked images; compiled once for all masks.

    Args:
        model: The model.
        target: What is explained where a call does not say it.
        fill: What is seen where a mask is 0.
        batch_size: Greatest number of masked images that pass through the model together.
        image: Which of the model's inputs is the image.
    """

    def __init__(
        self, model: keras.Model, target: Any, fill: Baseline, batch_size: int, image: Any
    ) -> None:
        super().__init__(model, target, batch_size, image)
        self.fill = fill

    def __call__(self, images: Any, target: Any = None) -> np.ndarray:
        """Maps of images; the target is by default what the explainer was made for."""
        (found,) = self.explain(images, target)
        return found

    @abstractmethod
    def masks(self, size: tuple[int, int]) -> Iterator[np.ndarray]:
        """Masks of 0 (hidden) to 1 (shown), float32 `(height, width)` each."""

    @abstractmethod
    def combined(
        self, whole: np.ndarray, parts: Iterator[tuple[np.ndarray, np.ndarray]]
    ) -> np.ndarray:
        """The maps `(batch, height, width)`.

        Args:
            whole: The scores of the whole images, `(batch,)`.
            parts: Masks `(count, height, width)` and the scores behind each `(batch, count)`.
        """

    def step(self, score: Score, image_size: tuple[int, int]) -> Step:
        """See `Explainer`."""
        capture, number = self.capture, self.capture.image

        def look(inputs: list[Tensor], classes: Tensor) -> list[Tensor]:
            logits = capture.logits(inputs)
            # The class that is predicted of the whole image, not of what a mask leaves of it.
            chosen = chosen_classes(capture.class_logits(logits), classes)
            return [score(logits, chosen), chosen]

        def behind(inputs: list[Tensor], classes: Tensor, absent: Tensor, masks: Tensor) -> Tensor:
            # Not known while it is traced where it differs from call to call.
            count, size = ops.shape(masks)[0], inputs[number].shape[1:]
            shares = ops.cast(masks, "float32")[None, ..., None]
            x, fill = (ops.cast(each, "float32")[:, None] for each in (inputs[number], absent))
            seen = ops.reshape(shares * x + (1 - shares) * fill, (-1, *size))
            every = [
                ops.cast(seen, x.dtype) if n == number else ops.repeat(x, count, axis=0)
                for n, x in enumerate(inputs)
            ]
            found = score(capture.logits(every), ops.repeat(classes, count, axis=0))
            return ops.reshape(found, (ops.shape(classes)[0], count))

        looked, scored = (compiled_over(capture.model, each) for each in (look, behind))

        def step(inputs: list[Tensor], classes: Tensor) -> list[Tensor]:
            whole, chosen = looked(inputs, classes)
            pictures = ops.convert_to_numpy(inputs[number])
            absent = baseline_of(pictures, self.fill, "fill")
            absent = ops.convert_to_tensor(absent, dtype=inputs[number].dtype)
            at_once = max(1, self.batch_size // len(pictures))

            def parts() -> Iterator[tuple[np.ndarray, np.ndarray]]:
                for masks, count in _chunks(self.masks(image_size), at_once):
                    scores = scored(inputs, chosen, absent, ops.convert_to_tensor(masks))
                    yield masks[:count], ops.convert_to_numpy(scores)[:, :count]

            return [ops.convert_to_tensor(self.combined(ops.convert_to_numpy(whole), parts()))]

        return step


class Occlusion(MaskedScores):
    """`occlusion` for many calls: compiled at the first, with the weights as they are at each."""

    @checked
    def __init__(
        self,
        model: keras.Model,
        *,
        target: Any = None,
        window: Whole | Sequence[Whole] | None = None,
        stride: Whole | Sequence[Whole] | None = None,
        fill: Baseline = "mean",
        batch_size: int = 32,
        image: int | str | None = None,
    ) -> None:
        super().__init__(model, target, fill, batch_size, image)
        self.window = None if window is None else _sides("window", window)
        self.stride = None if stride is None else _sides("stride", stride)

    def masks(self, size: tuple[int, int]) -> Iterator[np.ndarray]:
        """See `MaskedScores`."""
        window = self.window or (max(1, min(size) // 4),) * 2
        if any(own > side for own, side in zip(window, size, strict=True)):
            raise InputError(
                f"window={window} was given for images of {size[0]} x {size[1]}",
                "a height and width within the image",
                "Leave window out for a quarter of the shorter side.",
            )
        stride = self.stride or tuple(max(1, own // 4) for own in window)
        if any(step > own for step, own in zip(stride, window, strict=True)):
            raise InputError(
                f"stride={stride} was given for squares of {window[0]} x {window[1]}",
                "steps that are no longer than the square, so that some hide each pixel",
                f"Pass stride={window}, or less.",
            )
        starts = (
            sorted({*range(0, side - own + 1, step), side - own})
            for side, own, step in zip(size, window, stride, strict=True)
        )
        for top, left in product(*starts):
            mask = np.ones(size, "float32")
            mask[top : top + window[0], left : left + window[1]] = 0
            yield mask

    def combined(
        self, whole: np.ndarray, parts: Iterator[tuple[np.ndarray, np.ndarray]]
    ) -> np.ndarray:
        """See `MaskedScores`."""
        losses: Any = 0.0
        hidings: Any = 0.0
        for masks, scores in parts:
            hidden = 1 - masks
            losses = losses + np.einsum("bm,mhw->bhw", whole[:, None] - scores, hidden)
            hidings = hidings + hidden.sum(axis=0)
        return (losses / hidings).astype("float32")


class Rise(MaskedScores):
    """`rise` for many calls: compiled at the first, with the weights as they are at each."""

    @checked
    def __init__(
        self,
        model: keras.Model,
        *,
        target: Any = None,
        masks: int = 1000,
        cells: int = 7,
        shown: float = 0.5,
        seed: int = 0,
        batch_size: int = 32,
        image: int | str | None = None,
    ) -> None:
        super().__init__(model, target, "black", batch_size, image)
        self.count = check_whole("masks", masks, 2)
        self.cells = check_whole("cells", cells)
        self.shown = check_probability("shown", shown, "Use 0.5, the paper's.")
        if self.shown in (0, 1):
            raise InputError(
                f"shown={shown} was given", "a number between 0 and 1", "Use 0.5, the paper's."
            )
        self.seed = check_whole("seed", seed, 0)

    def masks(self, size: tuple[int, int]) -> Iterator[np.ndarray]:
        """See `MaskedScores`."""
        draw = np.random.default_rng(self.seed)
        # The grid is enlarged by one cell more than the image has, for the shift.
        steps = [-(-side // self.cells) for side in size]
        rows, columns = (_enlarging(self.cells, (self.cells + 1) * step) for step in steps)
        for _ in range(self.count):
            grid = draw.random((self.cells, self.cells)) < self.shown
            top, left = (draw.integers(step) for step in steps)
            own = rows[top : top + size[0]] @ grid @ columns[left : left + size[1]].T
            yield own.astype("float32")

    def combined(
        self, whole: np.ndarray, parts: Iterator[tuple[np.ndarray, np.ndarray]]
    ) -> np.ndarray:
        """See `MaskedScores`."""
        weighted: Any = 0.0
        plain: Any = 0.0
        total: Any = 0.0
        for masks, scores in parts:
            scores = scores.astype("float64")
            weighted = weighted + np.einsum("bm,mhw->bhw", scores, masks)
            plain = plain + masks.sum(axis=0, dtype="float64")
            total = total + scores.sum(axis=1)
        mean = total[:, None, None] / self.count
        return ((weighted - mean * plain) / (self.count * self.shown)).astype("float32")

    def _score(self, function: Callable | None, outputs: list[Tensor], classes: Tensor) -> Tensor:
        if function:
            return check_scores(function(self.capture.as_returned(outputs)))
        independent = self.capture.ends[0].kind == "sigmoids"
        logits = self.capture.class_logits(outputs)
        return class_shares(logits, classes, independent=independent)


def _chunks(masks: Iterator[np.ndarray], size: int) -> Iterator[tuple[np.ndarray, int]]:
    """Groups of equal number, the last filled up with its last mask, and how many are its own."""
    held: list[np.ndarray] = []
    for mask in masks:
        held.append(mask)
        if len(held) == size:
            yield np.stack(held), size
            held = []
    if held:
        yield np.stack([*held, *[held[-1]] * (size - len(held))]), len(held)


def _enlarging(count: int, size: int) -> np.ndarray:
    """The matrix `(size, count)` that enlarges bilinearly, with pixels' middles at halves."""
    places = (np.arange(size) + 0.5) * count / size - 0.5
    shares = 1 - np.abs(places.clip(0, count - 1)[:, None] - np.arange(count))
    return shares.clip(0)


def _sides(argument: str, value: Any) -> tuple[int, int]:
    pair = value if isinstance(value, tuple | list) and len(value) == 2 else (value, value)
    height, width = (check_whole(argument, each) for each in pair)
    return height, width
