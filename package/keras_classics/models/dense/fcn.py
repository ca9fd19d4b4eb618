"""FCN-32s, -16s and -8s: a classifier turned into a network that labels every pixel.

Long, Shelhamer, Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015;
Shelhamer, Long, Darrell, PAMI 2017.

The last map of a classifier is scored by a 1x1 convolution and enlarged by transposed convolutions;
on its way, scores of finer maps are added ("skips"). What stands over what follows from where the
units of each map look: every enlarged map is cut where the first unit of the finer one lies, which
for the paper's VGG-16, padded by 100, gives the crops of its program (19; 5 and 27; 5, 9 and 31),
and for any other network the cuts that keep the scores in place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_whole
from keras_classics.core.graphs.channels_last import check_layers
from keras_classics.core.graphs.graph import ancestry, functional
from keras_classics.core.graphs.trunk import Waypoint
from keras_classics.core.keras_internals import deep_graphs
from keras_classics.core.types import Tensor, Whole
from keras_classics.layers.image.upsampling import CropToReference
from keras_classics.models.dense.convolutional_form import Sliding, check_picture
from keras_classics.models.dense.placed_maps import (
    PlacedMap,
    ceiled,
    enlarged,
    maps_by_stride,
    placing,
)

# What the paper's program pads its pictures by, around which the first convolution adds its own 1.
_PAPER_PADDING = 99
# In the paper's training at once, each finer skip is scaled down by so much more.
_SKIP_SCALE = 0.01


@deep_graphs()
@checked
def fcn(
    backbone: keras.Model,
    classes: Whole,
    stride: Whole = 8,
    *,
    form: str = "same",
    upsampling: str = "learned",
    scaled_skips: bool = False,
    name: str | None = None,
) -> keras.Model:
    """A fully convolutional network on any classifier of pictures.

    What lies between the classifier's last map and its last layer is kept: hidden dense layers
    become convolutions with their weights (4096 twice in VGG), global pooling falls away. Scores
    start at zero and enlargements as bilinear interpolation, as in the paper.

    Args:
        backbone: A functional classifier, such as `kc.models.VGG16()`, or the trunk of one
            (`include_top=False`). Its convolutions are shared, not copied; its 2x2 pools round up,
            as in Caffe. Hidden dense layers want pictures of known size.
        classes: Number of classes, the background among them.
        stride: Pixels between neighbours in the finest map that is scored: 32, 16 or 8 in the
            paper; any stride that the backbone has a map of. Of a network without blocks the first
            map of a stride is scored, its pool, and of one with blocks the last.
        form: `"same"` for maps as large as the picture divided by their stride; `"paper"` pads the
            picture by 99 pixels, to which VGG's first convolution adds the last of the paper's 100,
            and answers for whole windows.
        upsampling: Which enlargements learn: `"learned"` for all, `"between"` for those between
            maps but not the last, to the pixels (as in PAMI 2017), `"fixed"` for none (as in the
            paper's program). The last of FCN-32s has `4096 classes^2` weights.
        scaled_skips: Scale the maps of the skips by 0.01, 0.0001 and so on before they are scored,
            for training all of it at once.
        name: Name of the model, `"fcn_8s"` for stride 8 by default.

    Returns:
        A functional model of pictures `(batch, height, width, channels)` of any size, as the
        backbone takes them, to logits `(batch, height, width, classes)`.

    Raises:
        InputError: The backbone has no map of the stride, or cannot be moved over a picture.

    Example:
        ```python
        trunk = {"include_top": False, "input_shape": (None, None, 3), "width": 0.125}
        coarse = kc.models.fcn(kc.models.VGG11(**trunk), 21, 32)
        coarse(np.zeros((1, 64, 96, 3))).shape  # (1, 64, 96, 21)
        ...  # train it
        fine = kc.models.fcn(kc.models.VGG11(**trunk), 21, 16)
        kc.models.take_over(coarse, fine)  # go on from there
        ```
    """
    classes, stride = check_whole("classes", classes, 2), check_whole("stride", stride)
    check_choice("form", form, ("same", "paper"))
    check_choice("upsampling", upsampling, ("learned", "between", "fixed"))
    backbone = functional(backbone)
    check_picture(backbone)
    check_layers(backbone)
    way = maps_by_stride(backbone)
    _check_stride(backbone, stride, way)
    top = way[max(way)]
    skips = [way[each] for each in sorted(way, reverse=True) if stride <= each < max(way)]

    sliding = Sliding(
        backbone, "valid" if form == "paper" else "same", instead=ceiled, pooled=False,
        trunk=ancestry([top.tensor]),
    )  # fmt: skip
    image = keras.Input((None, None, backbone.inputs[0].shape[-1]), name="image")
    x = image
    if form == "paper":
        x = layers.ZeroPadding2D(_PAPER_PADDING, name="stem_pad")(image)
    hidden = _before_classifier(backbone, top.tensor)
    known = sliding.applied(ancestry([hidden]), x)
    placed = placing(backbone, known, _PAPER_PADDING if form == "paper" else 0)
    features = placed(top)._replace(tensor=known[id(hidden)])
    features = _through(features, list(sliding.kernels.values()), form)
    scores = features._replace(tensor=_score(features.tensor, classes, "head_score"))
    for number, point in enumerate(skips, start=1):
        skip = placed(point)
        tensor = skip.tensor
        if scaled_skips:
            tensor = layers.Rescaling(_SKIP_SCALE**number, name=f"head_scale{skip.stride}")(tensor)
        own = _score(tensor, classes, f"head_score{skip.stride}")
        scores = _joined(scores, skip._replace(tensor=own), upsampling != "fixed")
    pixels = PlacedMap(image, 1, (0.0, 0.0))
    # Scores of stride 1 are as large as the picture, and are only laid on it.
    above = scores.stride > 1
    learned, last = upsampling == "learned" and above, "head_upsample1" if above else "head_place1"
    larger, offset = enlarged(scores, pixels, learned, last)
    logits = CropToReference(offset, dtype="float32", name="predictions")([larger, image])
    return keras.Model(image, logits, name=name or f"fcn_{stride}s")


@checked
def take_over(coarse: keras.Model, fine: keras.Model) -> list[str]:
    """Give a network the weights of another wherever layers agree in name and shapes.

    So FCN-16s goes on from FCN-32s and FCN-8s from that: what is new keeps its zeros.

    Args:
        coarse: Where the weights come from.
        fine: Where they go.

    Returns:
        Names of the layers with weights that kept their own.

    Raises:
        InputError: No layer agrees.

    Example:
        ```python
        trunk = kc.create_model("resnet_20_cifar", include_top=False, width=0.25)
        coarse, fine = kc.models.fcn(trunk, 3, 4), kc.models.fcn(trunk, 3, 2)
        print(kc.models.take_over(coarse, fine))  # the layers that are new
        ```
    """
    theirs = {layer.name: layer for layer in coarse.layers if layer.weights}
    kept, taken = list[str](), 0
    for layer in fine.layers:
        if not layer.weights:
            continue
        other = theirs.get(layer.name)
        shapes = [tuple(weight.shape) for weight in layer.weights]
        if other is None or [tuple(weight.shape) for weight in other.weights] != shapes:
            kept.append(layer.name)
            continue
        taken += 1
        if other is not layer:
            layer.set_weights(other.get_weights())
    if not taken:
        raise InputError(
            f"No layer of {fine.name!r} has a name and shapes as in {coarse.name!r}",
            "two networks of one kind",
            "Build both by kc.models.fcn on the same backbone.",
        )
    return kept


def _check_stride(backbone: keras.Model, stride: int, way: Mapping[int, Waypoint]) -> None:
    if stride not in way:
        raise InputError(
            f"stride={stride} was given for {backbone.name!r}",
            f"a stride of its maps, {', '.join(map(str, sorted(way)))}",
            f"Give stride={max(way)}.",
        )


def _before_classifier(backbone: keras.Model, end: Tensor) -> Tensor:
    """What the last dense layer reads, where there is one behind the last map."""
    (output,) = backbone.outputs[:1]
    behind = ancestry([output])
    ends = {id(node.operation) for node in ancestry([end])}
    dense = [node for node in behind if id(node.operation) not in ends
             and isinstance(node.operation, layers.Dense)]  # fmt: skip
    hidden = dense[:-1]
    if not hidden or len(output.shape) != 2:
        return end
    # Dropout behind the last hidden layer too.
    return dense[-1].input_tensors[0]


def _through(features: PlacedMap, kernels: Sequence[tuple[int, int]], form: str) -> PlacedMap:
    """Where units look behind the convolutions that were dense layers."""
    centre = list(features.centre)
    for kernel in kernels:
        for axis, side in enumerate(kernel):
            before = 0 if form == "paper" else (side - 1) // 2
            centre[axis] += ((side - 1) / 2 - before) * features.stride
    return features._replace(centre=(centre[0], centre[1]))


def _score(x: Tensor, classes: int, name: str) -> Tensor:
    return layers.Conv2D(classes, 1, kernel_initializer="zeros", dtype="float32", name=name)(x)


def _joined(scores: PlacedMap, skip: PlacedMap, learned: bool) -> PlacedMap:
    """Scores, enlarged to the stride of a skip, and its own; where both are known.

    In the paper's VGG-16 the windows of 7 x 7 that do not pad lose three units of stride 32 at each
    border: its scores begin further inside than pool4, which is cut by 5 units of stride 16.
    """
    larger, offset = enlarged(scores, skip, learned, f"head_upsample{skip.stride}")
    if min(offset) >= 0:
        cut = CropToReference(offset, dtype="float32", name=f"head_crop{skip.stride}")
        return skip._replace(tensor=_sum([cut([larger, skip.tensor]), skip.tensor], skip.stride))
    # The finer map reaches further, as around a padded picture: it is the one that is cut.
    back = (-offset[0], -offset[1])
    cut = CropToReference(back, dtype="float32", name=f"head_crop{skip.stride}")
    tensor = _sum([larger, cut([skip.tensor, larger])], skip.stride)
    centre = [own + skip.stride * step for own, step in zip(skip.centre, back, strict=True)]
    return PlacedMap(tensor, skip.stride, (centre[0], centre[1]))


def _sum(tensors: list[Tensor], stride: int) -> Tensor:
    return layers.Add(dtype="float32", name=f"head_sum{stride}")(tensors)
