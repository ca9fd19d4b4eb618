"""Pictures that are near one another in the features of a network, and networks that make them.

Johnson, Alahi, Fei-Fei, "Perceptual losses for real-time style transfer and super-resolution", ECCV
2016, arXiv:1603.08155. Gatys, Ecker, Bethge, "Image style transfer using convolutional neural
networks", CVPR 2016.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole, is_number, shown
from keras_classics.core.graphs.capture import Capture
from keras_classics.core.graphs.graph import Place
from keras_classics.core.graphs.trunk import levels_of
from keras_classics.core.keras_internals import maker
from keras_classics.core.picture_values import check_picture, check_values
from keras_classics.core.shapes import agree
from keras_classics.core.types import Config, Name, Tensor, Whole
from keras_classics.training.losses.batch_mean import BatchMean
from keras_classics.training.trainers.generating import (
    PictureTrainer,
    arrays_in,
    idle,
    only_tensor,
    refuse_weights,
    track,
)

# The levels of a network by the stride of their maps: of VGG-16 relu1_2, relu2_2, relu3_3, relu4_3.
CONTENT_LEVEL, STYLE_LEVELS = 2, 4
# Of the released code.
CONTENT_WEIGHT, STYLE_WEIGHT = 1.0, 5.0


class PerceptualLoss:
    """How far pictures are apart in content, and in style, as a network sees them.

    Content is the squared distance of maps, divided by their number of values; style the squared
    Frobenius distance of their Gram matrices `F F^T / (channels * height * width)`, summed over the
    layers. Both are in float32, whatever the policy. The network is only read, in inference mode.

    Args:
        network: Any functional classifier or trunk. What is behind the layers does not run, so that
            pictures may have other sizes than the classifier takes.
        content: Layers whose maps are the content, by name or path; by default the last of the
            third level, as in Johnson's code (relu3_3 of VGG-16). His super-resolution has the
            second, `"stage2_relu2"`.
        style: Layers whose Gram matrices are the style, or what each weighs by layer; by default
            the last of the first four levels, which weigh alike. A level has the maps of one
            stride. In a small network the deep ones may be thousands of times larger: weigh them
            down, or colours and texture will not count.
        prepare: From pictures between 0 and 255, a float32 tensor, to what the network takes, in
            `keras.ops`; by default they are handed on as they are.

    Raises:
        InputError: There is no such layer, one is named twice, or the network is none of pictures.

    Example:
        ```python
        seeing = kc.models.VGG11(include_top=False, input_shape=(None, None, 3), width=0.125)
        perception = kc.training.PerceptualLoss(seeing, prepare=lambda x: x / 127.5 - 1)
        perception.content  # ("stage3_relu2",)
        ```
    """

    @checked
    def __init__(
        self,
        network: keras.Model,
        *,
        content: Sequence[str] | None = None,
        style: Sequence[str] | Mapping[str, float] | None = None,
        prepare: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        whole = Capture(network)
        whole.check_differentiable()
        # Where the first convolution takes a step, the pictures themselves are the first level.
        points = levels_of(whole.model).values()
        levels = [point.name for point in points if not maker(point.tensor).is_input]
        if content is None:
            content = levels[CONTENT_LEVEL : CONTENT_LEVEL + 1] or levels[-1:]
        _refuse_twice("content", content)
        _refuse_twice("style", style or ())
        self.content = tuple(content)
        self.style = tuple(levels[:STYLE_LEVELS] if style is None else style)
        self.style_weights = (
            dict(style) if isinstance(style, Mapping) else dict.fromkeys(self.style, 1.0)
        )
        if self.style_weights:
            check_weights(self.style_weights)
        self.prepare = prepare
        names = list(dict.fromkeys((*self.content, *self.style)))
        strides = [point.stride for point in points if point.name in names and point.stride]
        # Of smaller pictures a map of that stride may have no rows.
        self.least_side = max(strides, default=1)
        self.capture = _cut(whole, [whole.place(name) for name in names])
        self._places = {name: self.capture.place(name) for name in names}

    def maps(self, pictures: Tensor) -> dict[str, Tensor]:
        """The maps of all layers, float32, by layer.

        Raises:
            InputError: The pictures are smaller than the stride of a level that is looked at, or
                `prepare` makes of them what the network does not take.
        """
        self.check_sides(pictures)
        pictures = ops.cast(pictures, "float32")
        given = pictures if self.prepare is None else self.prepare(pictures)
        model = self.capture.model
        self._check_prepared(given.shape, model.inputs[0].shape)
        # Otherwise PyTorch would gather gradients of a network that does not learn.
        held = [(each, ops.stop_gradient(each.value)) for each in model.variables]
        with keras.StatelessScope(held):
            _, found = self.capture.maps([given], list(self._places.values()))
        return dict(zip(self._places, found, strict=True))

    def _check_prepared(self, shape: Sequence[int | None], wanted: Sequence[int | None]) -> None:
        """Refuse what has other axes or channels: sides may be others than the classifier's."""
        if len(shape) != len(wanted) or (wanted[-1] is not None and shape[-1] != wanted[-1]):
            raise InputError(
                f"Pictures of shape {tuple(shape)} come to {self.capture.model.name!r}, as prepare "
                "makes them",
                f"(batch, height, width, {wanted[-1]})",
                "Let prepare keep the axes, and make the channels those of the network, such as "
                "keras.ops.mean(pictures, axis=-1, keepdims=True) of grey pictures.",
            )

    def check_sides(self, pictures: Tensor, shift: int = 0) -> None:
        """Refuse pictures of which nothing is left behind the strides.

        Args:
            pictures: `(batch, height, width, 3)`.
            shift: How many rows and columns are left out before.

        Raises:
            InputError: A side is too small.
        """
        sides = [side for side in pictures.shape[1:3] if side is not None]
        if sides and min(sides) - shift < self.least_side:
            without = f", {shift} of which shift={shift} leaves out," if shift else ""
            raise InputError(
                f"Pictures with {min(sides)} rows or columns{without} were given to be seen at a "
                f"stride of {self.least_side}",
                f"sides of {self.least_side + shift} and more",
                "Give larger pictures, or name earlier layers: "
                "kc.training.PerceptualLoss(network, content=[...], style=[...]).",
            )

    def grams(self, maps: dict[str, Tensor]) -> list[Tensor]:
        """The Gram matrices of the style's layers, `(batch, channels, channels)` each."""
        return [gram(maps[name]) for name in self.style]

    def style_of(self, picture: np.ndarray) -> list[np.ndarray]:
        """The Gram matrices of one picture `(height, width, 3)`, `(1, channels, channels)` each."""
        check_picture("style", picture)
        maps = self.maps(ops.convert_to_tensor(picture[None].astype("float32")))
        return [ops.convert_to_numpy(each) for each in self.grams(maps)]

    def content_distance(self, maps: dict[str, Tensor], others: dict[str, Tensor]) -> Tensor:
        """Of each picture, `(batch,)`."""
        squares = [ops.square(maps[name] - others[name]) for name in self.content]
        return sum(ops.mean(each, axis=(1, 2, 3)) for each in squares)

    def style_distance(self, maps: dict[str, Tensor], grams: Sequence[Tensor]) -> Tensor:
        """Of each picture from Gram matrices, `(batch,)`; of one picture or of as many."""
        by_layer = self.style_distances(maps, grams)
        return sum(weight * by_layer[name] for name, weight in self.style_weights.items())

    def style_distances(
        self, maps: dict[str, Tensor], grams: Sequence[Tensor]
    ) -> dict[str, Tensor]:
        """The same by layer, unweighed."""
        pairs = zip(self.grams(maps), grams, strict=True)
        squares = [ops.sum(ops.square(own - other), axis=(1, 2)) for own, other in pairs]
        return dict(zip(self.style, squares, strict=True))


class PerceptualTrainer(PictureTrainer):
    """A network from picture to picture that `fit` trains by perceptual losses.

    Style transfer learns from pictures alone, by `fit(pictures)`; super-resolution from small
    pictures and the large ones that they come of, by `fit(small, large)`.

    The loss is `content_weight * content + style_weight * style + variation_weight * variation +
    pixel_weight * pixels`, all of which are in the history: the content of the given picture, or of
    the large one; the sum of squared differences of neighbours, last row and column left out as in
    the released code; and the mean squared difference of values from the large one, in units of
    255. It is resumed by `kc.training.fit` like any model. What is saved and exported is the
    network: `trainer.network.save(path)`.

    Args:
        network: From pictures between 0 and 255 to such pictures, such as
            `kc.models.style_network` or `kc.models.super_resolution`.
        perception: What sees them.
        style: The picture whose style is wanted, `(height, width, 3)`; None for none.
        content_weight: The released code's 1.
        style_weight: The released code's 5.
        variation_weight: The released code's 1e-6.
        pixel_weight: None by default; alone, with the others 0, it is the usual per-pixel loss.
        shift: By how many rows and columns at most the part that is seen in training begins
            elsewhere, drawn anew in each step; as many are left out. Where the strides of both
            networks always fall on the same places, as in super-resolution, a chequered pattern is
            learned: give the stride of the content's maps.
        seed: Of what is drawn.
        name: Name of the model.

    Raises:
        InputError: A weight is below 0, or of what was not given and not the default, or all are 0
            but for those; `shift` is given where neither content nor style counts; out of `fit` and
            its like, arrays of pictures, small or large, are not between 0 and 255, or of another
            shape, or have weights, or pictures are smaller than what is looked at.

    Example:
        ```python
        seeing = kc.models.VGG11(include_top=False, input_shape=(None, None, 3), width=0.125)
        perception = kc.training.PerceptualLoss(seeing, prepare=lambda x: x / 127.5 - 1)
        network = kc.models.style_network(filters=4, blocks=1)
        style = np.random.default_rng(0).uniform(0, 255, (48, 64, 3))
        trainer = kc.training.PerceptualTrainer(network, perception, style=style)
        trainer.compile(keras.optimizers.Adam(1e-3))
        ...  # trainer.fit(pictures, batch_size=4), and `network` has learned the style
        ```
    """

    network_names = ("network",)

    @checked
    def __init__(
        self,
        network: keras.Model,
        perception: PerceptualLoss,
        *,
        style: np.ndarray | None = None,
        content_weight: float = CONTENT_WEIGHT,
        style_weight: float = STYLE_WEIGHT,
        variation_weight: float = 1e-6,
        pixel_weight: float = 0.0,
        shift: Whole = 0,
        seed: int = 0,
        name: Name = "perceptual",
    ) -> None:
        super().__init__(name=name)
        self.shift = check_whole("shift", shift, 0)
        self.draws = keras.random.SeedGenerator(check_whole("seed", seed, 0))
        self.network = network
        self.perception = perception
        given = {
            "content": content_weight,
            "style": style_weight,
            "variation": variation_weight,
            "pixels": pixel_weight,
        }
        check_weights(given)
        there = {"content": perception.content, "style": perception.style and style is not None}
        # What has no layers or no picture has no gradient either.
        self.weights_of = {x: weight if there.get(x, True) else 0.0 for x, weight in given.items()}
        check_weights(self.weights_of)
        if not there["content"] and content_weight not in (0, CONTENT_WEIGHT):
            raise idle("content_weight", content_weight, "without layers of it", "with some")
        if not there["style"] and style_weight not in (0, STYLE_WEIGHT):
            raise idle("style_weight", style_weight, "without a style", "with style=picture")
        if self.shift and not (self.weights_of["content"] or self.weights_of["style"]):
            raise idle("shift", self.shift, "where nothing is seen", "with content or style")
        self.grams = [] if style is None else perception.style_of(style)
        self.per_picture = BatchMean()
        self.trackers = [keras.metrics.Mean(name=each) for each in self.weights_of]
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Tensor:
        """What the network makes of pictures."""
        return self.network(self.pictures_of(inputs), training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The weighted sum."""
        refuse_weights(sample_weight)
        wanted = ops.cast(self.pictures_of(x) if y is None else _one(y), "float32")
        made = ops.cast(y_pred, "float32")
        _check_sides(made, wanted)
        nothing = ops.zeros_like(made[:, 0, 0, 0])
        losses = dict.fromkeys(self.weights_of, nothing)
        if self.weights_of["content"] or self.weights_of["style"]:
            part = self._part(made) if training and self.shift else None
            maps = self.perception.maps(made if part is None else part(made))
            if self.weights_of["content"]:
                there = ops.stop_gradient(wanted)
                there = self.perception.maps(there if part is None else part(there))
                losses["content"] = self.perception.content_distance(maps, there)
            if self.weights_of["style"]:
                grams = [ops.convert_to_tensor(each) for each in self.grams]
                losses["style"] = self.perception.style_distance(maps, grams)
        losses["variation"] = variation(made)
        if self.weights_of["pixels"]:
            losses["pixels"] = ops.mean(ops.square((made - wanted) / 255.0), axis=(1, 2, 3))
        track(self.trackers, losses.values())
        total = sum(weight * losses[name] for name, weight in self.weights_of.items() if weight)
        return self.per_picture(total, total)

    @property
    def reader(self) -> keras.Model:
        """The network."""
        return self.network

    def check_values(self, pictures: np.ndarray) -> None:
        """Refuse pictures that are not of 0 to 255."""
        check_values("Pictures have", pictures)

    def check_wanted(self, wanted: Any) -> None:
        """Refuse large pictures that are not either."""
        for array in arrays_in(wanted):
            # Of other shapes the step says what is wanted.
            if array.ndim == 4 and array.size:
                check_values("Pictures that are wanted have", array)

    def _part(self, made: Tensor) -> Callable[[Tensor], Tensor]:
        """What cuts pictures so that they begin somewhere else."""
        self.perception.check_sides(made, self.shift)
        top, left = ops.unstack(keras.random.randint((2,), 0, self.shift + 1, seed=self.draws))

        def within(pictures: Tensor) -> Tensor:
            batch, height, width, channels = ops.shape(pictures)
            size = (batch, height - self.shift, width - self.shift, channels)
            return ops.slice(pictures, ops.stack([0, top, left, 0]), size)

        return within

    def get_config(self) -> Config:
        """Refused: a perception is no part of a file.

        Raises:
            InputError: Always.
        """
        raise InputError(
            "A PerceptualTrainer was to be saved",
            "its network, which is all that is needed without training",
            "Call trainer.network.save(path); to go on with a training, use kc.training.fit.",
        )


def _cut(capture: Capture, places: Sequence[Place]) -> Capture:
    """The network as far as some layers, where none of them is in a nested model."""
    if not places or any(len(place) > 1 for place in places):
        return capture
    outputs = [place[-1].outputs[0] for place in places]
    return Capture(keras.Model(capture.model.inputs, outputs, name=capture.model.name))


def _check_sides(made: Tensor, wanted: Tensor) -> None:
    if not agree(made.shape, wanted.shape):
        raise InputError(
            f"The network makes pictures of shape {tuple(made.shape)} of those given, and "
            f"{tuple(wanted.shape)} was wanted",
            "pictures of one size",
            "Give small and large ones to super-resolution: fit(small, large), where large is "
            "as many times the size as the network's factor; to a style network fit(pictures).",
        )


def _one(given: Any) -> Tensor:
    return only_tensor(
        given,
        "as what is wanted of each batch",
        "one, of large pictures",
        "Give fit(small, large), or fit(pictures) to a style network.",
    )


def _refuse_twice(argument: str, names: Iterable[str]) -> None:
    """Refuse layers that are named twice: whether one would count twice, nobody said."""
    if twice := [name for name, count in Counter(list(names)).items() if count > 1]:
        raise InputError(
            f"{argument} names {', '.join(twice)} more than once",
            "every layer once",
            "Name it once; what layers of the style weigh, style={name: weight} says.",
        )


def gram(maps: Tensor) -> Tensor:
    """Gram matrices `(batch, channels, channels)` of maps, divided by their number of values."""
    channels = maps.shape[-1]
    flat = ops.reshape(maps, (ops.shape(maps)[0], -1, channels))
    places = ops.cast(ops.shape(flat)[1], "float32")
    return ops.matmul(ops.transpose(flat, (0, 2, 1)), flat) / (places * channels)


def variation(pictures: Tensor) -> Tensor:
    """The sum of squared differences of neighbours, without last row and column, `(batch,)`."""
    here = pictures[:, :-1, :-1]
    right, below = pictures[:, :-1, 1:], pictures[:, 1:, :-1]
    return ops.sum(ops.square(right - here) + ops.square(below - here), axis=(1, 2, 3))


def check_weights(weights: dict[str, float]) -> None:
    """Refuse weights of losses below 0, or none above."""
    for name, weight in weights.items():
        if not is_number(weight) or weight < 0:
            raise InputError(
                f"The weight of {name} is {shown(weight)}",
                "numbers from 0 on",
                "Leave it out for the default.",
            )
    if not any(weights.values()):
        raise InputError(
            "All weights are 0, or those of a style or of layers that were not given",
            "one above 0 of a part that is there",
            "Give pixel_weight=1 for the usual loss.",
        )
