"""The one place where pictures become numbers for a classifier, fitted once on training pictures.

Training, evaluation and the exported model all ask the same `Preparation`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.array_files import read_arrays
from keras_classics.core.boundary.files import reading, write_whole
from keras_classics.core.boundary.text_files import parse_json
from keras_classics.core.cards.recipe import Recipe, Step
from keras_classics.core.errors import (
    InputError,
    check_axes,
    check_choice,
    check_whole,
)
from keras_classics.data.pictures.augmenting.augmentation import (
    STEPS,
    centre,
    colour_axes,
    crops,
    resize_shorter,
)
from keras_classics.data.pictures.images import grey
from keras_classics.data.splits import Made

NORMALIZATIONS = (
    "range",
    "per_channel_mean",
    "per_pixel_mean",
    "mean_std",
    "contrast",
    "contrast_zca",
)
# Training pictures that statistics are computed from.
SAMPLE = 10_000
# Arguments of steps that are lengths at the card's native size.
_LENGTHS = ("padding", "smallest", "largest")
# Steps that resize the picture themselves, from its full resolution.
_RESIZING = ("scale_jitter", "area_crop")
_ZCA_BIAS = 0.1
_TOGETHER = 256
_LARGEST_ZCA = 64 * 64 * 3
# Sides of what a file may ask for; before it is cropped a picture may be twice as large.
_LARGEST_SIDE = 2**11

# Numbers alone are those of NumPy.
Array: TypeAlias = np.ndarray | np.floating


@dataclass(frozen=True, kw_only=True, eq=False)
class Preparation:
    """From uint8 pictures of any size to what a network takes.

    Attributes:
        size: Side of the network's square input.
        channels: 3, or 1 for grey.
        flat: Whether the network takes vectors.
        resize: Shorter side of pictures before they are cropped.
        augmentation: Steps of training pictures, lengths in pixels of `size`.
        normalization: Its name and arguments.
        test_crops: 1 or 10.
        arrays: What was computed from training pictures.
    """

    size: int
    channels: int
    flat: bool
    resize: int
    augmentation: tuple[Step, ...]
    normalization: Step
    test_crops: int
    arrays: Mapping[str, Array] = field(default_factory=dict)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the network's input, without the batch."""
        shape = (self.size, self.size, self.channels)
        return (int(np.prod(shape)),) if self.flat else shape

    @checked
    def training(self, images: Sequence[np.ndarray], seed: int | Sequence[int]) -> np.ndarray:
        """Augment and normalise pictures.

        Args:
            images: uint8 `(height, width, 3)` each.
            seed: One number or several; of others the augmentation is another.

        Returns:
            float32 `(pictures, *input_shape)`.
        """
        for each in [seed] if isinstance(seed, int) else seed:
            check_whole("seed", each, 0, "Pass seed=0.", largest=2**63 - 1)
        rng = np.random.default_rng(seed)
        resized = self.augmentation and self.augmentation[0].name in _RESIZING
        steps = [(STEPS[step.name], self._arguments(step)) for step in self.augmentation]
        found = np.empty((len(images), self.size, self.size, self.channels), "float32")
        for place, image in zip(found, images, strict=True):
            x = self._coloured(image)
            x = x if resized else resize_shorter(x, self.resize)
            for step, arguments in steps:
                x = step(x, rng, **arguments)
            place[...] = centre(x, self.size)
        return self._normalized(found)

    @checked
    def views(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Resize, crop and normalise pictures as in tests.

        Args:
            images: uint8 `(height, width, 3)` each.

        Returns:
            float32 `(pictures, test_crops, *input_shape)`.
        """
        found = np.concatenate([self._windows(image, self.test_crops) for image in images])
        return self._normalized(found).reshape(-1, self.test_crops, *self.input_shape)

    @checked
    def central(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Resize, crop and normalise pictures as in tests, of each but the view of its middle.

        Args:
            images: uint8 `(height, width, 3)` each.

        Returns:
            float32 `(pictures, size, size, channels)`.

        Raises:
            InputError: The network takes vectors, not pictures.
        """
        if self.flat:
            raise InputError(
                f"Pictures of {len(images)} were given for a network that takes vectors",
                "networks of pictures",
                "Choose another model, or leave --explain-every out.",
            )
        return replace(self, test_crops=1).views(images)[:, 0]

    @checked
    def save(self, path: str | os.PathLike) -> None:
        """Write everything as one `.npz` file."""
        facts = {
            name: getattr(self, name)
            for name in ("size", "channels", "flat", "resize", "test_crops")
        }
        facts["augmentation"] = [[step.name, dict(step.arguments)] for step in self.augmentation]
        facts["normalization"] = [self.normalization.name, dict(self.normalization.arguments)]
        written: dict[str, Any] = {"facts": np.array(json.dumps(facts)), **self.arrays}
        write_whole(path, lambda fresh: np.savez(fresh, **written))

    @classmethod
    @checked
    def load(cls, path: str | os.PathLike) -> Preparation:
        """Read what `save` wrote.

        Raises:
            InputError: The file is absent or of another kind.
        """
        allowed, remedy = "the preparation.npz of a run", "Train again."
        arrays = read_arrays(path, allowed, remedy)
        with reading(path, allowed, remedy):
            facts = parse_json(str(arrays.pop("facts")))
            facts["augmentation"] = tuple(Step(*step) for step in facts["augmentation"])
            facts["normalization"] = Step(*facts["normalization"])
            preparation = cls(**facts, arrays=arrays)
            preparation._check()
        return preparation

    def _check(self) -> None:
        """Refuse, of a file that was changed, what no training writes."""
        for side, most in ((self.size, _LARGEST_SIDE), (self.resize, 2 * _LARGEST_SIDE)):
            if type(side) is not int or not 0 < side <= most:
                raise ValueError(f"its pictures have the side {side}")
        names = [step.name for step in self.augmentation if step.name not in STEPS]
        if self.normalization.name not in NORMALIZATIONS:
            names.append(self.normalization.name)
        if names:
            raise ValueError(f"it has unknown steps: {', '.join(map(str, names))}")
        if self.channels not in (1, 3) or self.test_crops not in (1, 10):
            raise ValueError("it has impossible channels or crops")
        if any(array.dtype.kind != "f" for array in self.arrays.values()):
            raise ValueError("its arrays are no floating-point numbers")
        if not all(np.isfinite(array).all() for array in self.arrays.values()):
            raise ValueError("its arrays have what is no finite number")
        whole = (self.size, self.size, self.channels)
        for name in ("shift", "gain"):
            if np.broadcast_shapes(self.arrays[name].shape, whole) != whole:
                raise ValueError(f"{name!r} in it is not of the size of its pictures")

    def _coloured(self, image: np.ndarray) -> np.ndarray:
        """As float32 of 0 to 255, grey where the network takes grey."""
        check_axes("images", image, "(height, width, 3)")
        return 255 * grey(image) if self.channels == 1 else image.astype("float32")

    def _windows(self, image: np.ndarray, count: int) -> np.ndarray:
        return crops(resize_shorter(self._coloured(image), self.resize), self.size, count)

    def _arguments(self, step: Step) -> dict:
        arguments = dict(step.arguments)
        if step.name in (*_RESIZING, "random_crop"):
            arguments["size"] = self.size
        if step.name == "pca_colour":
            arguments.update(values=self.arrays["values"], vectors=self.arrays["vectors"])
        return arguments

    def _normalized(self, x: np.ndarray) -> np.ndarray:
        if self.normalization.name.startswith("contrast"):
            x = _standardized(x)
        x = (x - self.arrays["shift"]) * self.arrays["gain"]
        if "whitening" in self.arrays:
            x = x.reshape(len(x), -1) @ self.arrays["whitening"]
        return x.reshape(-1, *self.input_shape)


@checked
def fit_preparation(
    recipe: Recipe,
    images: Sequence[np.ndarray],
    *,
    size: int,
    native_size: int | None = None,
    channels: int = 3,
    flat: bool = False,
) -> Preparation:
    """Bind a recipe to a size and compute what it needs to know of the training pictures.

    Args:
        recipe: The recipe.
        images: Training pictures, uint8 `(height, width, 3)` each; of more than 10,000 so many are
            looked at, from all over them.
        size: Side of the network's input.
        native_size: Side for which the recipe's lengths are meant; `size` by default.
        channels: 3, or 1 for grey.
        flat: Whether the network takes vectors.

    Raises:
        InputError: The recipe names an unknown step or normalisation, or whitening is
            asked for of pictures too large for it.
    """
    ratio = size / (native_size or size)
    for step in recipe.augmentation:
        check_choice("step", step.name, tuple(STEPS), "Name one of these.")
    kind = recipe.normalization.name
    check_choice("normalization", kind, NORMALIZATIONS, "Name one of these.")
    bare = Preparation(
        size=size,
        channels=channels,
        flat=flat,
        resize=round((recipe.resize or native_size or size) * ratio),
        augmentation=tuple(_scaled(step, ratio) for step in recipe.augmentation),
        normalization=recipe.normalization,
        test_crops=recipe.test_crops,
        arrays={"shift": np.float32(0), "gain": np.float32(1)},
    )
    arrays = _statistics(bare, _sample(images))
    return Preparation(**{**vars(bare), "arrays": arrays})


def _sample(images: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    """One picture of each of equally long stretches: those of a folder lie class after class."""
    if len(images) <= SAMPLE:
        return images
    ends = np.linspace(0, len(images), SAMPLE + 1).astype(int)
    chosen = np.random.default_rng(0).integers(ends[:-1], ends[1:]).tolist()
    # Not all at once: they may lie in a file that is larger than memory.
    return Made(chosen, images.__getitem__)


def _scaled(step: Step, ratio: float) -> Step:
    lengths = {key: value * ratio for key, value in step.arguments.items() if key in _LENGTHS}
    # Below 1 it is a share, which every size has alike.
    kept = {key: value for key, value in lengths.items() if value >= 1}
    return Step(step.name, {**step.arguments, **kept})


def _statistics(preparation: Preparation, images: Sequence[np.ndarray]) -> dict[str, Array]:
    """What the normalisation and the steps need to know of training pictures."""
    kind, arguments = preparation.normalization.name, preparation.normalization.arguments
    arrays: dict[str, Array] = {}
    if any(step.name == "pca_colour" for step in preparation.augmentation):
        pixels = [each[:, ::7, ::7].reshape(-1, each.shape[-1])
                  for each in _plain(preparation, images)]  # fmt: skip
        arrays["values"], arrays["vectors"] = colour_axes(np.concatenate(pixels))
    shift: float | np.ndarray = 0.0
    gain: float | np.ndarray = 1.0
    if kind == "range":
        low, high = arguments["low"], arguments["high"]
        shift, gain = -255.0 * low / (high - low), (high - low) / 255.0
    elif kind == "contrast_zca":
        shift, arrays["whitening"] = _whitening(preparation, images)
    elif kind != "contrast":
        count, total, squares = 0, np.zeros(()), np.zeros(())
        for each in _plain(preparation, images):
            count += len(each)
            total = total + each.sum(axis=0, dtype="float64")
            squares = squares + np.square(each, dtype="float64").sum(axis=0)
        shift = total / count
        if kind != "per_pixel_mean":
            shift = shift.mean(axis=(0, 1))
        if kind == "mean_std":
            variance = (squares / count).mean(axis=(0, 1)) - shift**2
            gain = 1.0 / np.sqrt(np.maximum(variance, 1.0))
    return {**arrays, "shift": np.float32(shift), "gain": np.float32(gain)}


def _whitening(
    preparation: Preparation, images: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the contrast-normalised pictures, and the ZCA matrix that whitens them."""
    values = preparation.size**2 * preparation.channels
    if values > _LARGEST_ZCA:
        raise InputError(
            f"Whitening was asked for of {values:,} values a picture",
            f"up to {_LARGEST_ZCA:,}, whose covariance fits into memory",
            "Use a smaller --image-size, or another recipe.",
        )
    flat = np.concatenate(
        [_standardized(each).reshape(len(each), -1) for each in _plain(preparation, images)]
    )
    mean = flat.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov(flat, rowvar=False))
    gains = 1.0 / np.sqrt(np.maximum(variances, 0.0) + _ZCA_BIAS)
    shape = (preparation.size, preparation.size, preparation.channels)
    return mean.reshape(shape), ((axes * gains) @ axes.T).astype("float32")


def _standardized(x: np.ndarray) -> np.ndarray:
    """Each picture with mean 0 and deviation 1, as `tf.image.per_image_standardization`."""
    axes = (1, 2, 3)
    least = 1.0 / np.sqrt(x[0].size, dtype="float32")
    deviation = np.maximum(x.std(axes, keepdims=True), least)
    return (x - x.mean(axes, keepdims=True)) / deviation


def _plain(preparation: Preparation, images: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """The centres of pictures as the network will see them, of 0 to 255, some at a time."""
    for start in range(0, len(images), _TOGETHER):
        part = images[start : start + _TOGETHER]
        yield np.concatenate([preparation._windows(image, 1) for image in part])
