"""Detectors made of classifiers, as the papers make theirs of AlexNet, ZF-5 and VGG-16.

What a classifier reads its last map with goes on to read regions: in place of its last pooling,
which gives 6 x 6 (AlexNet, ZF-5) or 7 x 7 cells (VGG-16), stands the pooling of regions, and the
dense layers behind it come along with their weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.cards.image_builder import inline
from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.graphs.graph import ancestry, functional
from keras_classics.core.graphs.trunk import map_stride
from keras_classics.core.keras_internals import deep_graphs
from keras_classics.core.types import Tensor, Whole
from keras_classics.models.regions.fast_rcnn import fast_rcnn, spp_net

_FORMS: dict[str, Callable[..., keras.Model]] = {"fast_rcnn": fast_rcnn, "spp_net": spp_net}


@deep_graphs()
@checked
def region_detector(
    classifier: keras.Model, classes: Whole, form: str = "fast_rcnn", **options: Any
) -> keras.Model:
    """A detector of a classifier with dense layers, such as `vgg_16`, `zfnet` and `alexnet`.

    Of the papers: Fast R-CNN of VGG-16 pools the map before its last pooling (stride 16) to 7 x 7
    and goes on with the dense layers of 4096; of AlexNet to 6 x 6. SPP-net of ZF-5 pools a pyramid
    of 1, 2, 3 and 6 and leaves the convolutions as they are. Dense layers have the classifier's
    weights as far as these fit: all of them behind a grid of the size of the classifier's own, and
    none behind a pyramid, with which the classifier would have to be trained. Layers of convolution
    are shared, not copied; those of a network without dense layers go through `kc.models.fast_rcnn`
    and `spp_net` themselves.

    Args:
        classifier: A model whose last map is pooled, flattened and read by dense layers.
        classes: Number of classes, the background not among them.
        form: `"fast_rcnn"` or `"spp_net"`.
        **options: Of `kc.models.fast_rcnn` or `spp_net`, in place of what the classifier tells.

    Returns:
        A detector of pictures of any size, as of `kc.models.fast_rcnn`.

    Raises:
        InputError: The form is unknown, or the classifier reads its last map otherwise.
    """
    check_choice("form", form, tuple(_FORMS))
    parts = _taken_apart(classifier)
    image = keras.Input((None, None, classifier.inputs[0].shape[-1]))
    network = keras.Model(classifier.inputs, parts.map, name=f"{classifier.name}_map")
    backbone = keras.Model(image, inline(network, image), name=network.name)
    own: dict[str, Any] = {
        "units": [layer.units for layer in parts.dense],
        "dropout": parts.dropout,
        "stride": parts.stride,
    }
    if form == "fast_rcnn":
        own["bins"] = parts.bins
    model = _FORMS[form](backbone, classes, **{**own, **options})
    for number, layer in enumerate(parts.dense, start=1):
        taken = next((x for x in model.layers if x.name == f"head_dense{number}"), None)
        if taken is None or tuple(taken.kernel.shape) != tuple(layer.kernel.shape):
            # What lies behind a layer that learns anew has nothing to go on from.
            break
        taken.set_weights(layer.get_weights())
    return model


@deep_graphs()
@checked
def rcnn_features(classifier: keras.Model) -> keras.Model:
    """What R-CNN reads of a warped region: the last dense layer, and the last map for its boxes.

    Args:
        classifier: As for `region_detector`; AlexNet in the paper, whose `fc7` and `pool5` these
            are.

    Returns:
        A model from pictures to two vectors, for `kc.models.RCNN`; it shares the layers.

    Raises:
        InputError: The classifier reads its last map otherwise.
    """
    parts = _taken_apart(classifier)
    outputs = [parts.dense[-1].output, parts.flat]
    return keras.Model(classifier.inputs, outputs, name=f"{classifier.name}_features")


class _Parts(NamedTuple):
    """What a classifier is made of, from its last map on."""

    map: Tensor
    bins: int
    stride: int | None
    flat: Tensor
    dense: list[Any]
    dropout: float


def _taken_apart(classifier: keras.Model) -> _Parts:
    model = functional(classifier)
    nodes = [node for node in ancestry(model.outputs[:1]) if not node.is_input]
    flat = next((n for n in nodes if isinstance(n.operation, keras.layers.Flatten)), None)
    dense = [n.operation for n in nodes if isinstance(n.operation, keras.layers.Dense)][:-1]
    shape = () if flat is None else tuple(flat.input_tensors[0].shape)
    if flat is None or len(shape) != 4 or not dense or None in shape[1:] or shape[1] != shape[2]:
        raise InputError(
            f"The classifier {classifier.name!r} does not flatten a square last map for dense "
            "layers before its predictions",
            "one that does, such as vgg_16, zfnet and alexnet at their sizes",
            "Of another take kc.models.fast_rcnn(kc.models.picture_encoder(name, size, "
            "as_map=True), classes).",
        )
    (pooled,) = flat.input_tensors
    pool = next(node for node in nodes if any(pooled is each for each in node.outputs))
    before = pool.input_tensors[0] if "Pooling" in type(pool.operation).__name__ else pooled
    stride = map_stride(keras.Model(model.inputs, before))
    rates = [n.operation.rate for n in nodes if isinstance(n.operation, keras.layers.Dropout)]
    return _Parts(before, shape[1], stride, flat.outputs[0], dense, max(rates, default=0.0))
