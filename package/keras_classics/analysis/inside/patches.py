"""Maximally activating patches: what of many pictures excites each channel of a layer most.

One pass over the pictures keeps the strongest few of each channel (Zeiler and Fergus, ECCV 2014,
show nine), one of a picture at most; a second cuts them out. Neither holds more pictures than a
batch, so that memory is a matter of channels, not of pictures.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.analysis.drawing.pages import displayable, tiles, write_picture
from keras_classics.analysis.maps.explainer import Explainer, Score, Step
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole, check_wholes
from keras_classics.core.graphs.gradients import compiled_over
from keras_classics.core.graphs.graph import Place
from keras_classics.core.graphs.receptive_fields import ReceptiveField, ReceptiveFields
from keras_classics.core.types import Tensor

# What lies outside a picture, as a share of white.
GREY = 0.5


@dataclass(frozen=True, eq=False)
class Patches:
    """The strongest activations of the channels of a layer, and where they were met.

    Attributes:
        layer: The path of the layer.
        values: float32 `(channels, top)`, falling; -inf where there were fewer pictures.
        pictures: int64 `(channels, top)`: the number of each picture, from 0; -1 for none.
        units: int64 `(channels, top, 2)`: row and column in the layer's map.
        field: The receptive field of the layer's units.
    """

    layer: str
    values: np.ndarray
    pictures: np.ndarray
    units: np.ndarray
    field: ReceptiveField

    def box(self, channel: int, place: int, *, clipped: bool = True) -> tuple[int, int, int, int]:
        """The pixels that the unit has seen, see `ReceptiveField.box`.

        Args:
            channel: The channel.
            place: From 0, the strongest, on.
            clipped: Whether the box ends where the picture does.
        """
        row, column = self.units[channel, place]
        return self.field.box(int(row), int(column), clipped=clipped)

    def crops(
        self, images: Any, channels: Sequence[int] | None = None, *, fill: float | None = None
    ) -> dict[int, np.ndarray]:
        """Cut the patches out, in a pass over the pictures.

        Args:
            images: The same pictures in the same order: an array, or an iterable of batches that
                begins anew; they may be pictures to show in place of what the network took, if
                they are of the same size.
            channels: Which channels; all by default.
            fill: What is put where a field reaches out of its picture; by default grey, half of
                the range of whole numbers, or of 0 to 1.

        Returns:
            For each channel `(count, height, width, channels of the picture)`, of the size of the
            field, or of the picture along an axis where the field is larger.

        Raises:
            InputError: A channel is not there, or a picture is not, or is of another size.
        """
        wanted = range(len(self.values)) if channels is None else channels
        places: dict[int, list[tuple[int, int]]] = {}
        for channel in wanted:
            own = check_whole("channels", channel, 0)
            if own >= len(self.values):
                raise InputError(
                    f"channels={[*wanted]} was given",
                    f"channels of {self.layer!r}, 0 to {len(self.values) - 1}",
                    "Leave channels out for all.",
                )
            for place, number in enumerate(self.pictures[own]):
                if number >= 0:
                    places.setdefault(int(number), []).append((own, place))
        found: dict[tuple[int, int], np.ndarray] = {}
        number = -1
        for number, picture in enumerate(_each(images)):
            for key in places.pop(number, ()):
                found[key] = self._cut(picture, self.box(*key, clipped=False), fill)
            if not places:
                break
        if places:
            raise InputError(
                f"{number + 1} pictures were given, and number {max(places)} is asked for",
                "the pictures that were searched, in the same order",
                "Pass an array or an iterable that begins anew, such as a list of batches.",
            )
        return {
            channel: np.stack([found[key] for key in sorted(found) if key[0] == channel])
            for channel in wanted
        }

    def _cut(
        self, picture: np.ndarray, box: tuple[int, int, int, int], fill: float | None
    ) -> np.ndarray:
        if picture.ndim != 3 or picture.shape[:2] != self.field.image_size:
            raise InputError(
                f"A picture of shape {picture.shape} was given",
                f"{self.field.image_size[0]} x {self.field.image_size[1]} pixels, as those "
                "that were searched",
                "Pass the pictures that were searched.",
            )
        if fill is None:
            whole = picture.dtype.kind in "iu"
            fill = round(GREY * np.iinfo(picture.dtype).max) if whole else GREY
        slices, outside = [], []
        for axis in (0, 1):
            side, low, high = picture.shape[axis], box[axis], box[axis + 2]
            if high - low >= side:
                low, high = 0, side
            slices.append(slice(max(low, 0), min(high, side)))
            outside.append((max(-low, 0), max(high - side, 0)))
        inner = picture[slices[0], slices[1]]
        return np.pad(inner, [*outside, (0, 0)], constant_values=fill)


@checked
def find_patches(
    model: keras.Model,
    images: Any,
    layers: str | Sequence[str],
    *,
    top: int = 9,
    batch_size: int = 32,
    image: int | str | None = None,
) -> Any:
    """Search pictures for those that excite each channel of some layers most.

    Args:
        model: A functional or built sequential model, only read.
        images: What the model takes: arrays, see `kc.analysis.cam`, or an iterable of batches of
            it, such as a `tf.data.Dataset` or a generator; of pairs `(images, labels)` the first
            counts. Batches are dropped as soon as they were seen.
        layers: One layer by name or path, or a list.
        top: Pictures kept of each channel. Of equal ones the first is.
        batch_size: Greatest number of images that pass through the model together.
        image: Which input of the model is the image, see `kc.analysis.cam`.

    Returns:
        `Patches` of the layer, or a list of them for a list.

    Raises:
        InputError: A layer is not there, the images do not fit, there is none, or an activation is
            not finite.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        images = np.random.default_rng(0).uniform(0, 1, (12, 32, 32, 1)).astype("float32")
        patches = kc.analysis.find_patches(model, images, model.layers[1].name, top=4)
        kc.analysis.draw_patches("first.png", patches, images)
        ```
    """
    check_whole("top", top)
    names = [layers] if isinstance(layers, str) else list(layers)
    if not names:
        raise InputError(
            "A list of no layers was given",
            "the name of a layer, or a list of one or more",
            "See model.summary() for their names.",
        )
    search = _Search(model, batch_size, image)
    places = [search.capture.place(name, vectors=True) for name in names]
    found = search.over(images, places, top)
    return found[0] if isinstance(layers, str) else found


class _Search(Explainer):
    """The strongest activation of each channel in each image, and where it is."""

    def __init__(self, model: keras.Model, batch_size: int, image: int | str | None) -> None:
        super().__init__(model, None, batch_size, image)
        self._places: list[Place] = []

    def over(self, images: Any, places: list[Place], top: int) -> list[Patches]:
        """See `find_patches`."""
        self._places = places
        kept: list[_Kept] | None = None
        count, size = 0, (0, 0)
        for batch in self._batches(images):
            found = self.explain(batch)
            values, units = found[: len(places)], found[len(places) :]
            pictures = self.capture.arrays(batch)[self.capture.image]
            if kept is None:
                kept = [_Kept(top, own.shape[1]) for own in values]
                size = pictures.shape[1:3]
            # A maximum may pass over what is no number.
            sound = [np.isfinite(own).reshape(len(own), -1).all(1) for own in (pictures, *values)]
            if not np.all(sound):
                raise InputError(
                    f"Picture {count + int(np.all(sound, axis=0).argmin())} is not finite, or "
                    "gives activations that are not",
                    "pictures and weights of finite numbers",
                    "Look for NaN in the picture and in model.get_weights().",
                )
            for each, own, where in zip(kept, values, units, strict=True):
                each.take(own, where, count)
            count += len(values[0])
        if kept is None:
            raise InputError(
                "No pictures were given",
                "one batch or more",
                "A generator that has been used up gives none: make it anew.",
            )
        fields = ReceptiveFields(self.capture.model, image_size=size, capture=self.capture)
        return [own.patches(fields.at(place)) for own, place in zip(kept, places, strict=True)]

    def check_images(self, inputs: list[np.ndarray]) -> None:
        """The search says which of all pictures it is."""

    def check_explains(self) -> None:
        """Nothing is explained, so no class need depend on anything."""

    def step(self, score: Score, image_size: tuple[int, int]) -> Step:
        """See `Explainer`."""

        def step(inputs: list[Tensor], classes: Tensor) -> list[Tensor]:
            _, maps = self.capture.maps(inputs, self._places)
            flat = [ops.reshape(own, (ops.shape(own)[0], -1, own.shape[-1])) for own in maps]
            return [ops.max(own, 1) for own in flat] + [ops.argmax(own, 1) for own in flat]

        return compiled_over(self.capture.model, step)

    def _batches(self, images: Any) -> Iterator[Any]:
        count = len(self.capture.model.inputs)
        listed = isinstance(images, list | tuple | dict) and len(images) == count
        if listed or ops.is_tensor(images) or isinstance(images, np.ndarray):
            inputs = self.capture.arrays(images)
            for start in range(0, len(inputs[0]), self.batch_size):
                yield [own[start : start + self.batch_size] for own in inputs]
            return
        for batch in _iterated(images):
            paired = isinstance(batch, list | tuple) and len(batch) > count
            yield batch[0] if paired else batch


class _Kept:
    """The strongest of each channel so far."""

    def __init__(self, top: int, channels: int) -> None:
        self.values = np.full((top, channels), -np.inf, "float32")
        self.pictures = np.full((top, channels), -1, "int64")
        self.units = np.zeros((top, channels), "int64")

    def take(self, values: np.ndarray, units: np.ndarray, first: int) -> None:
        """Look at a batch `(batch, channels)` whose first picture has a number."""
        numbers = np.broadcast_to(first + np.arange(len(values))[:, None], values.shape)
        every = np.concatenate([self.values, values])
        order = np.argsort(-every, axis=0, kind="stable")[: len(self.values)]
        self.values = np.take_along_axis(every, order, axis=0)
        both = np.concatenate([self.pictures, numbers])
        self.pictures = np.take_along_axis(both, order, axis=0)
        self.units = np.take_along_axis(np.concatenate([self.units, units]), order, axis=0)

    def patches(self, field: ReceptiveField) -> Patches:
        """What was kept, channel by channel."""
        units = np.stack(np.divmod(self.units.T, field.map_size[1]), axis=-1)
        return Patches(field.layer, self.values.T, self.pictures.T, units, field)


@checked
def draw_patches(
    path: str | os.PathLike,
    patches: Patches,
    images: Any,
    *,
    channels: Iterable[int] | None = None,
    columns: int = 8,
) -> None:
    """Draw a page of a layer: for each channel the patches that excite it most, in a square.

    Args:
        path: File to write, `.png` or another kind Pillow knows.
        patches: What `find_patches` gives.
        images: The pictures, see `Patches.crops`; best as uint8.
        channels: Which channels; by default the first 64.
        columns: Channels in a row.

    Raises:
        InputError: As `Patches.crops`.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        images = np.random.default_rng(0).uniform(0, 1, (12, 32, 32, 1)).astype("float32")
        patches = kc.analysis.find_patches(model, images, model.layers[1].name, top=4)
        kc.analysis.draw_patches("first.png", patches, images, channels=range(3))
        ```
    """
    shown = range(min(64, len(patches.values))) if channels is None else channels
    shown = check_wholes("channels", shown, 0)
    found = patches.crops(images, shown)
    titles = [_title(patches, channel) for channel in shown]
    size = patches.field.size
    heading = f"{patches.layer}: fields of {size[0]:g} x {size[1]:g}"
    squares = [_square(displayable(found[channel])) for channel in shown]
    write_picture(path, tiles(squares, titles, columns=columns, heading=heading))


def _title(patches: Patches, channel: int) -> str:
    highest = patches.values[channel, 0]
    return f"{channel}: {highest:.4g}" if highest else f"{channel}: silent"


def _square(crops: np.ndarray) -> np.ndarray:
    """Crops in a grid as square as can be, white between."""
    across = math.ceil(math.sqrt(len(crops)))
    down = -(-len(crops) // across)
    _, height, width, _ = crops.shape
    # A line of a few hundredths of a crop, so that it is seen when the page makes it smaller.
    gap = max(1, round(0.04 * min(height, width)))
    page = np.full((down * (height + gap) - gap, across * (width + gap) - gap, 3), 255, "uint8")
    for number, crop in enumerate(crops):
        row, column = divmod(number, across)
        top, left = row * (height + gap), column * (width + gap)
        page[top : top + height, left : left + width] = crop
    return page


def _iterated(batches: Any) -> Iterator[Any]:
    if isinstance(batches, keras.utils.PyDataset):
        # It has no end of its own when it is gone through.
        return (batches[number] for number in range(len(batches)))
    if not isinstance(batches, Iterable) or isinstance(batches, str | bytes):
        raise InputError(
            f"{batches!r} was given as pictures",
            "an array (batch, height, width, channels), or an iterable of such batches",
            "Pass the pixels, such as np.asarray(PIL.Image.open(path), 'float32')[None].",
        )
    return iter(batches)


def _each(images: Any) -> Iterator[np.ndarray]:
    """One picture after the other, of an array or of batches."""
    if isinstance(images, np.ndarray) or ops.is_tensor(images):
        yield from np.asarray(ops.convert_to_numpy(images))
        return
    for batch in _iterated(images):
        own = batch[0] if isinstance(batch, list | tuple) else batch
        yield from np.asarray(ops.convert_to_numpy(own))
