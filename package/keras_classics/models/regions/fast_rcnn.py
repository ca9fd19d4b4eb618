"""Fast R-CNN and SPP-net: one map of the picture, pooled for every region of it.

Girshick, "Fast R-CNN", ICCV 2015; He et al., "Spatial pyramid pooling in deep convolutional
networks for visual recognition", ECCV 2014. Both read a picture once and look at proposals in its
map; they differ in how a region is pooled, and in that Fast R-CNN learns as a whole. Both may read
the picture at several scales, of which each region has the one that brings it nearest to a window.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.cards.image_builder import inline
from keras_classics.core.errors import (
    InputError,
    check_rate,
    check_whole,
    check_wholes,
)
from keras_classics.core.graphs.channels_last import check_layers
from keras_classics.core.graphs.trunk import map_stride
from keras_classics.core.keras_internals import deep_graphs
from keras_classics.core.types import Name, Tensor, Whole
from keras_classics.layers.image.picture_scales import NearestScale, ShorterSide
from keras_classics.layers.image.region_pooling import RegionMaxPooling, SpatialPyramidPooling

# Standard deviations of the offsets, as Fast R-CNN's later releases fix them: what the last layer
# says is multiplied by them.
OFFSET_SCALE = (0.1, 0.1, 0.2, 0.2)


@checked
def fast_rcnn(
    backbone: keras.Model,
    classes: Whole,
    *,
    bins: Whole = 7,
    units: Sequence[Whole] = (4096, 4096),
    dropout: float = 0.5,
    stride: Whole | None = None,
    train_backbone: bool = True,
    scales: Sequence[Whole] | None = None,
    window: Whole = 224,
    largest_map: Whole = 128,
    name: Name = "fast_rcnn",
) -> keras.Model:
    """Fast R-CNN on any network that makes a map of a picture.

    Args:
        backbone: A model from one image to a map `(batch, height, width, channels)`, such as
            `kc.models.picture_encoder(name, size, as_map=True)`, or one of
            `kc.transfer.features`. Its layers are inlined and shared, not copied.
        classes: Number of classes, the background not among them.
        bins: Side of the grid that each region is pooled to.
        units: Width of each dense layer behind it; 4096 twice in the paper, as in VGG.
        dropout: Dropout rate behind each.
        stride: Pixels of the picture between neighbours in the map; by default that of
            the backbone.
        train_backbone: False freezes the backbone.
        scales: Pixels of the shorter side that a picture is resized to before it is read, once for
            each; `(480, 576, 688, 864, 1200)` in the papers. None reads it as it comes.
        window: Each region is pooled in the scale in which it has nearest to `window * window`
            pixels, of equally near ones in the first.
        largest_map: Cells of the longer side of a map that is expected at most, where its size is
            not known before there are pictures, as with scales: 128 are 2,048 pixels at a stride of
            16. In larger ones bins that are too large for it give NaN.
        name: Name of the model.

    Returns:
        A functional model of `{"image": (batch, height, width, channels), "boxes": (batch, n, 4)}`,
        pictures as the backbone takes them, with scales of any size, and `(ymin, xmin, ymax, xmax)`
        in their pixels; to
        `{"classes": (batch, n, classes + 1), "offsets": (batch, n, classes, 4)}`: logits, the
        background's last, and by class how to move the box, as `kc.boxes.apply_regression` takes.

    Raises:
        InputError: The backbone makes no map, or one whose rows and columns have other strides.

    Example:
        ```python
        trunk = kc.models.VGG11(include_top=False, input_shape=(64, 64, 3), width=0.125)
        model = kc.models.fast_rcnn(trunk, 5, units=(32,))
        boxes = np.array([[[8, 8, 40, 40], [0, 0, 64, 64]]])  # ymin, xmin, ymax, xmax
        answer = model({"image": np.zeros((1, 64, 64, 3)), "boxes": boxes})
        answer["classes"].shape  # (1, 2, 6)
        answer["offsets"].shape  # (1, 2, 5, 4)
        ```
    """
    return _region_network(
        backbone,
        classes,
        lambda stride: RegionMaxPooling(
            bins, stride, largest_map=largest_map, name="region_pooling"
        ),
        units=units, dropout=dropout, stride=stride, train_backbone=train_backbone,
        scales=scales, window=window, name=name,
    )  # fmt: skip


@checked
def spp_net(
    backbone: keras.Model,
    classes: Whole,
    *,
    levels: Sequence[Whole] = (1, 2, 3, 6),
    units: Sequence[Whole] = (4096, 4096),
    dropout: float = 0.5,
    stride: Whole | None = None,
    train_backbone: bool = False,
    scales: Sequence[Whole] | None = None,
    window: Whole = 224,
    largest_map: Whole = 128,
    name: Name = "spp_net",
) -> keras.Model:
    """SPP-net for detection: a pyramid of bins of each window, and dense layers behind it.

    As in the paper the backbone stays as it is, and the dense layers alone learn.

    Args:
        backbone: As for `fast_rcnn`.
        classes: Number of classes, the background not among them.
        levels: Sides of the grids of the pyramid.
        units: Width of each dense layer behind it.
        dropout: Dropout rate behind each.
        stride: Pixels of the picture between neighbours in the map; by default that of
            the backbone.
        train_backbone: True learns the backbone too.
        scales: As for `fast_rcnn`; `(688,)` is the paper's single scale.
        window: As for `fast_rcnn`.
        largest_map: As for `fast_rcnn`.
        name: Name of the model.

    Returns:
        A model like that of `fast_rcnn`.

    Raises:
        InputError: The backbone makes no map, or one whose rows and columns have other strides.
    """
    return _region_network(
        backbone,
        classes,
        lambda stride: SpatialPyramidPooling(
            levels, stride, largest_map=largest_map, name="region_pooling"
        ),
        units=units, dropout=dropout, stride=stride, train_backbone=train_backbone,
        scales=scales, window=window, name=name,
    )  # fmt: skip


@deep_graphs()
def _region_network(
    backbone: keras.Model,
    classes: Whole,
    pooling: Callable[[int], layers.Layer],
    *,
    units: Sequence[Whole],
    dropout: float,
    stride: Whole | None,
    train_backbone: bool,
    scales: Sequence[Whole] | None,
    window: Whole,
    name: str,
) -> keras.Model:
    classes, widths = check_whole("classes", classes), check_wholes("units", units)
    dropout = check_rate("dropout", dropout)
    check_layers(backbone)
    if (
        len(backbone.inputs) != 1
        or len(backbone.outputs) != 1
        or len(backbone.outputs[0].shape) != 4
    ):
        raise InputError(
            f"The backbone {backbone.name!r} makes "
            f"{', '.join(str(each.shape) for each in backbone.outputs)} of "
            f"{len(backbone.inputs)} inputs",
            "a model from one image to one map (batch, height, width, channels)",
            "Cut it: kc.models.picture_encoder(name, size, as_map=True).",
        )
    step = _stride(backbone) if stride is None else check_whole("stride", stride)
    if not train_backbone:
        backbone.trainable = False
    elif backbone.weights and not backbone.trainable_weights:
        raise InputError(
            f"The backbone {backbone.name!r} is frozen, perhaps by another detector of its "
            "layers, and train_backbone=True was given",
            "a backbone that learns, or train_backbone=False",
            "Set backbone.trainable = True; detectors that share layers freeze them together.",
        )
    shape = backbone.inputs[0].shape[1:]
    image = keras.Input(shape if scales is None else (None, None, shape[-1]), name="image")
    boxes = keras.Input((None, 4), name="boxes")
    pool = pooling(step)
    if scales is None:
        regions = pool(inline(backbone, image), boxes)
    else:
        sizes = [
            ShorterSide(pixels, name=f"scale{number}")(image, boxes)
            for number, pixels in enumerate(check_wholes("scales", scales), start=1)
        ]
        moved, nearest = NearestScale(window, name="nearest_scale")([each for _, each in sizes])
        regions = pool([inline(backbone, picture) for picture, _ in sizes], moved, nearest)
    # Keras's TimeDistributed mixes up axes where the number of regions is not known.
    x = layers.Reshape((-1, math.prod(regions.shape[2:])), name="region_vector")(regions)
    for number, width in enumerate(widths, start=1):
        x = layers.Dense(width, activation="relu", name=f"head_dense{number}")(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"head_dropout{number}")(x)
    return keras.Model(
        {"image": image, "boxes": boxes},
        {"classes": _logits(x, classes), "offsets": _offsets(x, classes)},
        name=name,
    )


def _logits(x: Tensor, classes: int) -> Tensor:
    # As wide as the paper draws them.
    start = keras.initializers.RandomNormal(stddev=0.01)
    return layers.Dense(classes + 1, kernel_initializer=start, dtype="float32", name="classes")(x)


def _offsets(x: Tensor, classes: int) -> Tensor:
    start = keras.initializers.RandomNormal(stddev=0.001)
    found = layers.Dense(
        4 * classes, kernel_initializer=start, dtype="float32", name="head_offsets"
    )(x)
    split = layers.Reshape((-1, classes, 4), dtype="float32", name="head_split")(found)
    return layers.Rescaling(list(OFFSET_SCALE), dtype="float32", name="offsets")(split)


def _stride(backbone: keras.Model) -> int:
    """Pixels between neighbours in a map."""
    found = map_stride(backbone)
    if found is None:
        raise InputError(
            f"The stride of {backbone.name!r} cannot be told, from pictures "
            f"{backbone.inputs[0].shape[1:3]} to a map {backbone.outputs[0].shape[1:3]}",
            "a map whose rows and columns are equally many pixels apart",
            "Give it, for example stride=16.",
        )
    return found
