"""The trunk of a functional model: what every path passes through, and at which stride."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import NamedTuple

import keras

from keras_classics.core.errors import InputError
from keras_classics.core.graphs.channels_last import check_layers
from keras_classics.core.graphs.graph import ancestry, check_functional
from keras_classics.core.graphs.layer_names import own_name
from keras_classics.core.keras_internals import Node, arguments_of
from keras_classics.core.types import Tensor

HEAD = re.compile(r"head_|logits|predictions|auxiliary")
BLOCK = re.compile(r"stage\d+_block\d+")
END = re.compile(r"\w+_out")
# Two large sizes: how a map grows between them tells its stride without the rounding of its edges.
SIZES = (4096, 8192)


class Waypoint(NamedTuple):
    """A feature map that everything passes through on its way to the classifier.

    Attributes:
        name: Name of the layer that makes it.
        tensor: The map, `(batch, height, width, channels)`.
        stride: Pixels of the input between neighbours in the map; `None` where rows and columns
            differ, or the map has a size of its own.
        steps: Whether the layer itself took the step to this stride.
    """

    name: str
    tensor: Tensor
    stride: int | None
    steps: bool


def trunk(model: keras.Model) -> list[Waypoint]:
    """The feature maps every path to the first output passes through, up to the head."""
    check_functional(model)
    check_layers(model)
    if len(model.inputs) > 1 or len(model.inputs[0].shape) != 4:
        return []
    way = list(takewhile(_is_trunk, _bottlenecks(ancestry(model.outputs[:1]))))
    stride = _strides(model, ancestry(way[-1].outputs))
    points = []
    for node in way:
        (tensor,) = node.outputs
        steps = any(stride(x) != stride(tensor) for x in node.input_tensors if _is_map(x))
        # Padding belongs to the convolution behind it.
        if not isinstance(node.operation, keras.layers.ZeroPadding2D):
            points.append(Waypoint(node.operation.name, tensor, stride(tensor), steps))
    return points


def map_stride(model: keras.Model) -> int | None:
    """Pixels between neighbours in the map that a model makes of a picture.

    Returns:
        None where rows and columns differ, or the map has a size of its own.
    """
    return _strides(model, ancestry(model.outputs[:1]))(model.outputs[0])


def _strides(model: keras.Model, nodes: list[Node]) -> Callable[[Tensor], int | None]:
    """From a map of some calls to its stride."""
    small, large = (stand_ins(nodes, _image(model, size)) for size in SIZES)

    def stride(tensor: Tensor) -> int | None:
        rows, columns = (
            large[id(tensor)].shape[axis] - small[id(tensor)].shape[axis] for axis in (1, 2)
        )
        return round((SIZES[1] - SIZES[0]) / rows) if rows == columns > 0 else None

    return stride


def levels_of(model: keras.Model) -> dict[str, Waypoint]:
    """The level of each stride that is a power of two, in ascending order."""
    way = trunk(model)
    blocks = any(BLOCK.match(own_name(layer.name)) for layer in model.layers)
    # What takes the step itself, such as a pool after a plain stage, ends nothing at its stride.
    ends = [x for x in way if blocks and END.fullmatch(own_name(x.name)) and not x.steps]
    # Behind the last stage there is no next one: the whole trunk is the last level's.
    last = {point.stride: point for point in (*way, *ends, *way[-1:]) if point.stride}
    return {
        f"P{int(math.log2(stride))}": last[stride]
        for stride in sorted(last)
        if stride & (stride - 1) == 0
    }


def _is_map(tensor: Tensor) -> bool:
    return len(tensor.shape) == 4


def _is_trunk(node: Node) -> bool:
    return _is_map(node.outputs[0]) and not HEAD.match(own_name(node.operation.name))


def _bottlenecks(nodes: list[Node]) -> Iterable[Node]:
    """The calls behind which no other map is read than theirs.

    Vectors may pass by: FractalNet's joins all read one draw of columns.
    """
    readers = Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
    pending: set[int] = set()
    for node in nodes:
        for tensor in node.input_tensors:
            readers[id(tensor)] -= 1
            if not readers[id(tensor)]:
                pending.discard(id(tensor))
        if not pending and len(node.outputs) == 1:
            yield node
        pending |= {
            id(tensor) for tensor in node.outputs if _is_map(tensor) and readers[id(tensor)]
        }


def _image(model: keras.Model, size: int) -> dict[int, Tensor]:
    (image,) = model.inputs
    return {id(image): Tensor((None, size, size, image.shape[-1]), dtype=image.dtype)}


def stand_ins(nodes: list[Node], known: dict[int, Tensor]) -> dict[int, Tensor]:
    """The tensors of a graph, by identity, as they were if its inputs had other sizes."""
    for node in nodes:
        if not node.is_input:
            known |= zip(map(id, node.outputs), _outputs(node, known), strict=True)
    return known


def _outputs(node: Node, known: dict[int, Tensor]) -> list[Tensor]:
    operation = node.operation
    arguments, options = arguments_of(node, known)
    if isinstance(operation, keras.layers.Resizing):
        return [_resized(*node.input_tensors, *node.outputs, *arguments)]
    if not isinstance(operation, keras.Model):
        try:
            return keras.tree.flatten(operation.compute_output_spec(*arguments, **options))
        # Of a constant with a number for each place.
        except ValueError as error:
            raise InputError(
                f"The layer {operation.name!r} is bound to the size of its map",
                "layers that take maps of any size",
                "Put one in its place that says the same of every place of a map.",
            ) from error
    # A nested model insists on the size it was built for; its layers do not.
    inputs = dict(zip(map(id, operation.inputs), keras.tree.flatten(arguments), strict=True))
    inner = stand_ins(ancestry(operation.outputs), inputs)
    return [inner[id(tensor)] for tensor in operation.outputs]


def _resized(before: Tensor, after: Tensor, image: Tensor) -> Tensor:
    """A stand-in that is resized by the factor of the true sizes, not to one size."""
    shapes = zip(image.shape[1:3], before.shape[1:3], after.shape[1:3], strict=True)
    sides = [round(side * new / old) if old else new for side, old, new in shapes]
    return Tensor((None, *sides, image.shape[-1]), dtype=after.dtype)
