"""Outlines of things: a trunk that is scored at every stride, at several sizes of the picture.

Kokkinos, "Pushing the boundaries of boundary detection using deep learning", ICLR 2016, on the side
outputs of Xie, Tu, "Holistically-nested edge detection", ICCV 2015. Each stride of a trunk says by
itself where outlines are, and all of them say it together ("fused"); the picture is looked at in
several sizes by the same weights, whose answers are laid upon each other and averaged.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.channels_last import check_layers
from keras_classics.core.graphs.graph import ancestry, functional
from keras_classics.core.keras_internals import deep_graphs
from keras_classics.core.types import Tensor
from keras_classics.layers.image.upsampling import CropToReference, ResizeToReference
from keras_classics.models.dense.convolutional_form import Sliding, check_picture
from keras_classics.models.dense.placed_maps import (
    PlacedMap,
    ceiled,
    enlarged,
    maps_by_stride,
    placing,
)


@deep_graphs()
@checked
def boundary_network(
    backbone: keras.Model,
    *,
    strides: Sequence[int] | None = None,
    scales: Sequence[float] = (1.0,),
    name: str = "boundary_network",
) -> keras.Model:
    """A network of outlines on any trunk.

    Args:
        backbone: A functional classifier or trunk, such as `kc.models.VGG16(include_top=False)`.
            Its convolutions are shared, not copied; its 2x2 pools round up.
        strides: Of the maps that are scored; all that the trunk has by default. The picture itself
            is no map.
        scales: Factors by which the picture is resized; `(1.0, 0.5, 0.25)` or more than one for the
            network of several sizes.
        name: Name of the model.

    Returns:
        A functional model of pictures `(batch, height, width, channels)` of any size to logits
        `(batch, height, width, sides + 1)`: of each stride, and last of all together. Their sigmoid
        is how probable an outline is; `kc.training.BoundaryLoss` takes them as they are.

    Raises:
        InputError: The trunk has no map of a stride, or a scale is none.

    Example:
        ```python
        trunk = kc.models.VGG11(include_top=False, input_shape=(None, None, 3), width=0.125)
        model = kc.models.boundary_network(trunk, strides=(1, 2, 4))
        logits = model(np.zeros((1, 32, 48, 3)))  # (1, 32, 48, 4)
        outlines = ops.sigmoid(logits[..., -1])  # (1, 32, 48), of all strides together
        ```
    """
    backbone = functional(backbone)
    check_picture(backbone)
    check_layers(backbone)
    way = maps_by_stride(backbone, last=True)
    chosen = sorted(way) if strides is None else sorted(set(strides))
    if not chosen or any(each not in way for each in chosen):
        raise InputError(
            f"strides={list(strides or ())} was given for {backbone.name!r}",
            f"strides of its maps, {', '.join(map(str, sorted(way)))}",
            "Leave strides out for all of them.",
        )
    factors = [float(each) for each in scales]
    if not factors or any(not 0 < each <= 2 for each in factors):
        raise InputError(
            f"scales={scales!r} was given",
            "one or more factors above 0, up to 2",
            "Give for example scales=(1.0, 0.5).",
        )
    image = keras.Input((None, None, backbone.inputs[0].shape[-1]), name="image")
    nodes = ancestry([way[each].tensor for each in chosen])
    sliding = Sliding(backbone, "same", instead=ceiled, trunk=nodes)
    heads: dict[str, keras.layers.Layer] = {}

    def once(layer: keras.layers.Layer) -> keras.layers.Layer:
        """The same weights for all sizes of the picture."""
        return heads.setdefault(layer.name, layer)

    answers = []
    for number, factor in enumerate(factors, start=1):
        sized: Tensor = image
        if factor != 1:
            sized = ResizeToReference(factor, name=f"stem_resize{number}")([image, image])
        known = sliding.applied(nodes, sized)
        placed = placing(backbone, known)
        pixels = PlacedMap(sized, 1, (0.0, 0.0))
        sides = []
        for stride in chosen:
            point = placed(way[stride])
            score = once(layers.Conv2D(1, 1, dtype="float32", name=f"head_score{stride}"))
            one = point._replace(tensor=score(point.tensor))
            if stride > 1:
                larger, offset = enlarged(one, pixels, False, f"head_upsample{stride}", once)
                cut = once(CropToReference(offset, dtype="float32", name=f"head_crop{stride}"))
                one = one._replace(tensor=cut([larger, sized]))
            sides.append(one.tensor)
        start = keras.initializers.Constant(1 / len(sides))
        fuse = once(
            layers.Conv2D(1, 1, kernel_initializer=start, dtype="float32", name="head_fuse")
        )
        together = _joined(sides, f"head_sides{number}")
        said = _joined([together, fuse(together)], f"head_view{number}")
        if factor != 1:
            said = ResizeToReference(dtype="float32", name=f"head_resize{number}")([said, image])
        answers.append(said)
    if len(answers) > 1:
        answers = [layers.Average(dtype="float32", name="head_mean")(answers)]
    logits = layers.Identity(dtype="float32", name="predictions")(answers[0])
    return keras.Model(image, logits, name=name)


def _joined(tensors: list[Tensor], name: str) -> Tensor:
    if len(tensors) == 1:
        return tensors[0]
    return layers.Concatenate(dtype="float32", name=name)(tensors)
