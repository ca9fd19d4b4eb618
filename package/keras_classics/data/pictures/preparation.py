"""The one place where pictures become numbers for a classifier, fitted once on training pictures.

Training, evaluation and the exported model all ask the same `Preparation`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from keras_classics.core.array_files import read_arrays
from keras_classics.core.errors import InputError, check_choice, explain
from keras_classics.core.files import reading, write_whole
from keras_classics.core.recipe import Recipe, Step
from keras_classics.core.text_files import parse_json
from keras_classics.data.pictures.augmentation import STEPS, colour_axes, crops, resize_shorter

if TYPE_CHECKING:
    import tensorflow as tf

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

    def training(self, image: tf.Tensor, seed: tf.Tensor | Sequence[int]) -> tf.Tensor:
        """Augment and normalise one picture.

        Args:
            image: uint8 `(height, width, 3)`.
            seed: Two whole numbers.

        Returns:
            float32 of `input_shape`.
        """
        import tensorflow as tf

        x = self.coloured(image)
        if not self.augmentation or self.augmentation[0].name not in _RESIZING:
            x = resize_shorter(x, self.resize)
        for number, step in enumerate(self.augmentation):
            fold = tf.random.experimental.stateless_fold_in(seed, number)
            x = STEPS[step.name](x, fold, **self._arguments(step))
        x = tf.image.resize_with_crop_or_pad(x, self.size, self.size)
        return self._normalized(x[None])[0]

    def views(self, images: tf.Tensor) -> tf.Tensor:
        """Resize, crop and normalise pictures as in tests.

        Args:
            images: uint8 `(batch, height, width, 3)`.

        Returns:
            float32 `(batch, test_crops, *input_shape)`.
        """
        import tensorflow as tf

        x = resize_shorter(self.coloured(images), self.resize)
        windows = crops(x, self.size, self.test_crops)
        shape = (self.size, self.size, self.channels)
        x = self._normalized(tf.reshape(windows, (-1, *shape)))
        return tf.reshape(x, (-1, self.test_crops, *self.input_shape))

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
        whole = (self.size, self.size, self.channels)
        for name in ("shift", "gain"):
            if np.broadcast_shapes(self.arrays[name].shape, whole) != whole:
                raise ValueError(f"{name!r} in it is not of the size of its pictures")

    def coloured(self, images: tf.Tensor) -> tf.Tensor:
        """As float32 of 0 to 255, grey where the network takes grey."""
        import tensorflow as tf

        x = tf.cast(images, "float32")
        return tf.image.rgb_to_grayscale(x) if self.channels == 1 else x

    def _arguments(self, step: Step) -> dict:
        arguments = dict(step.arguments)
        if step.name in (*_RESIZING, "random_crop"):
            arguments["size"] = self.size
        if step.name == "pca_colour":
            arguments.update(values=self.arrays["values"], vectors=self.arrays["vectors"])
        return arguments

    def _normalized(self, x: tf.Tensor) -> tf.Tensor:
        import tensorflow as tf

        if self.normalization.name.startswith("contrast"):
            x = tf.image.per_image_standardization(x)
        x = (x - self.arrays["shift"]) * self.arrays["gain"]
        if "whitening" in self.arrays:
            flat = tf.reshape(x, (-1, self.arrays["whitening"].shape[0]))
            x = tf.reshape(flat @ self.arrays["whitening"], tf.shape(x))
        return tf.reshape(x, (-1, *self.input_shape))


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
        images: Training pictures, uint8 `(height, width, 3)` each; the first 10,000 are looked at.
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
    arrays = _statistics(bare, images[:SAMPLE])
    return Preparation(**{**vars(bare), "arrays": arrays})


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
    import tensorflow as tf

    values = preparation.size**2 * preparation.channels
    if values > _LARGEST_ZCA:
        raise InputError(
            explain(
                f"Whitening was asked for of {values:,} values a picture",
                f"up to {_LARGEST_ZCA:,}, whose covariance fits into memory",
                "Use a smaller --image-size, or another recipe.",
            )
        )
    flat = np.concatenate(
        [
            tf.image.per_image_standardization(each).numpy().reshape(len(each), -1)
            for each in _plain(preparation, images)
        ]
    )
    mean = flat.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov(flat, rowvar=False))
    gains = 1.0 / np.sqrt(np.maximum(variances, 0.0) + _ZCA_BIAS)
    shape = (preparation.size, preparation.size, preparation.channels)
    return mean.reshape(shape), ((axes * gains) @ axes.T).astype("float32")


def _plain(preparation: Preparation, images: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """The centres of pictures as the network will see them, of 0 to 255, a batch at a time."""
    # Pictures of different sizes cannot be stacked.
    batch = 256 if isinstance(images, np.ndarray) else 1
    for start in range(0, len(images), batch):
        part = preparation.coloured(np.stack(images[start : start + batch]))
        yield crops(resize_shorter(part, preparation.resize), preparation.size).numpy()[:, 0]
