"""The maps of a trunk on a picture of any size, with where their units look."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import keras
from keras import layers

from keras_classics.core.errors import InputError
from keras_classics.core.graphs.layer_names import own_name
from keras_classics.core.graphs.receptive_fields import ReceptiveFields
from keras_classics.core.graphs.trunk import BLOCK, Waypoint, levels_of, trunk
from keras_classics.core.keras_internals import maker
from keras_classics.core.types import Tensor
from keras_classics.initializers import BilinearUpsampling


class PlacedMap(NamedTuple):
    """A map on its way.

    Attributes:
        tensor: `(batch, height, width, channels)`.
        stride: Pixels between neighbours.
        centre: Where unit (0, 0) looks, in pixels; 0 is the middle of the first.
    """

    tensor: Tensor
    stride: int
    centre: tuple[float, float]


def maps_by_stride(backbone: keras.Model, *, last: bool = False) -> dict[int, Waypoint]:
    """The map to score at each stride that is a power of two.

    Args:
        backbone: A classifier or its trunk.
        last: Whether of each stride the last map counts; otherwise of a network without blocks the
            first, which is its pool, but for stride 1.

    Raises:
        InputError: It has none; the picture itself is no map.
    """
    image = backbone.inputs[0]
    way = {
        point.stride or 1: point
        for point in levels_of(backbone).values()
        if point.tensor is not image
    }
    if not way:
        raise InputError(
            f"{backbone.name!r} has no map of a stride that is a power of two",
            "a classifier of convolutions and pools, or its trunk",
            "Give for example kc.models.ResNet18(include_top=False).",
        )
    if last or any(BLOCK.match(own_name(layer.name)) for layer in backbone.layers):
        return way
    # The whole trunk is the last stride's.
    kept = {1, max(way, default=1)}
    for point in reversed(trunk(backbone)):
        if point.stride in way and point.stride not in kept and point.tensor is not image:
            way[point.stride] = point
    return way


def placing(
    backbone: keras.Model, known: dict[int, Tensor], padding: int = 0
) -> Callable[[Waypoint], PlacedMap]:
    """What says of the maps of a trunk where their units look.

    Args:
        backbone: The trunk.
        known: What stands for its tensors, by identity.
        padding: Pixels that were put around the picture.
    """
    fields = ReceptiveFields(backbone, image_size=_ruler(backbone, max(maps_by_stride(backbone))))

    def placed(point: Waypoint) -> PlacedMap:
        field = fields.at((maker(point.tensor),))
        centre = tuple(each - 0.5 - padding for each in field.centre)
        return PlacedMap(known[id(point.tensor)], point.stride or 1, (centre[0], centre[1]))

    return placed


def ceiled(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Pools of 2x2 that take half windows at odd borders too, as Caffe's do."""
    if isinstance(layer, layers.MaxPooling2D | layers.AveragePooling2D):
        if layer.pool_size == layer.strides == (2, 2) and layer.padding == "valid":
            return type(layer).from_config({**layer.get_config(), "padding": "same"})
    return layer


def _ruler(backbone: keras.Model, top: int) -> tuple[int, int] | None:
    """A size of pictures at which to look where units look, of a backbone of any size."""
    sides = backbone.inputs[0].shape[1:3]
    if None not in sides:
        return None
    return (2 * top, 2 * top)


def enlarged(
    scores: PlacedMap,
    target: PlacedMap,
    learned: bool,
    name: str,
    once: Callable[[keras.layers.Layer], keras.layers.Layer] = lambda layer: layer,
) -> tuple[Tensor, tuple[int, int]]:
    """Enlarge scores to the stride of another map, at first bilinearly.

    Args:
        scores: What is enlarged.
        target: A finer map.
        learned: Whether the enlargement learns.
        name: Of its layer.
        once: From the layer to the one of its name, where that is there already.

    Returns:
        Enlarged scores, and where in them the first unit of the target lies.
    """
    factor = scores.stride // target.stride
    apart = [
        (there - here) / target.stride
        for here, there in zip(scores.centre, target.centre, strict=True)
    ]
    # Of an even kernel the middle lies between two places, of an odd one on one: whichever meets
    # the other map's units.
    sides = [2 * factor if (2 * each) % 2 == 1 else 2 * factor - 1 for each in apart]
    classes = scores.tensor.shape[-1]
    enlarging = layers.Conv2DTranspose(
        classes,
        sides,
        factor,
        use_bias=False,
        kernel_initializer=BilinearUpsampling(),
        trainable=learned,
        dtype="float32",
        name=name,
    )
    tensor = once(enlarging)(scores.tensor)
    offset = [
        math.floor((side - 1) / 2 + each + 0.5) for side, each in zip(sides, apart, strict=True)
    ]
    return tensor, (offset[0], offset[1])
