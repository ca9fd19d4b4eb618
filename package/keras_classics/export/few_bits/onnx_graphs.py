"""Files in ONNX as graphs: what numbers of eight bits need to know of them and to have in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_classics.core.boundary.files import opened

# How much larger a range may be that a tensor shares.
_BIT = 2.0
# What multiplies, and so takes the time.
MULTIPLYING = ("Conv", "Gemm", "MatMul")


def prepare(path: Path, prepared: Path) -> None:
    """Write a file with the shapes of its maps in it, as calibration needs them."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    # Shapes of Keras's models are known without the inference of symbols, which needs SymPy.
    quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
    model = _graph(prepared)
    _pad_in_poolings(model.graph)
    _normalize_by_convolutions(model.graph)
    prepared.write_bytes(model.SerializeToString())


def _pad_in_poolings(graph: Any) -> None:
    """Let the infinities around a maximum pooling, which no range holds, be the pooling's own."""
    import onnx

    values = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for node in [node for node in graph.node if node.op_type == "Pad" and len(node.input) > 2]:
        poolings = readers.get(node.output[0], [])
        pads, value = (values.get(name) for name in node.input[1:3])
        if {each.op_type for each in poolings} != {"MaxPool"} or pads is None:
            continue
        if value is None or not np.isneginf(value).all():
            continue
        for pooling in poolings:
            own = next((each.ints for each in pooling.attribute if each.name == "pads"), 0)
            together = np.delete(pads, [0, 1, 4, 5]) + np.asarray(own)
            rest = [each for each in pooling.attribute if each.name not in ("pads", "auto_pad")]
            del pooling.attribute[:]
            pooling.attribute.extend(rest)
            pooling.attribute.append(onnx.helper.make_attribute("pads", together.tolist()))
            pooling.input[0] = node.input[0]
        graph.node.remove(node)
    _forget_unused(graph)


def _normalize_by_convolutions(graph: Any) -> None:
    """Let normalisations that nothing holds be convolutions of single pixels and channels.

    Those of eight bits have a scale for each channel, where products and sums have one for all, and
    the rectifier behind them becomes their range: one step in place of three.
    """
    import onnx

    values = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    readers = Counter(name for node in graph.node for name in node.input)
    readers.update(each.name for each in graph.output)
    made = {name: node for node in graph.node for name in node.output}
    for add in [node for node in graph.node if node.op_type == "Add"]:
        product, shift = _tensor_and_channels(add, values)
        mul = made.get(product)
        if mul is None or mul.op_type != "Mul" or readers[product] != 1:
            continue
        given, gain = _tensor_and_channels(mul, values)
        if shift is None or gain is None or shift.size != gain.size:
            continue
        kernel, bias = f"{add.name}/kernel", f"{add.name}/bias"
        graph.initializer.extend(
            [
                onnx.numpy_helper.from_array(gain.reshape(-1, 1, 1, 1).astype("float32"), kernel),
                onnx.numpy_helper.from_array(shift.ravel().astype("float32"), bias),
            ]
        )
        convolution = onnx.helper.make_node(
            "Conv", [given, kernel, bias], list(add.output), add.name, group=gain.size,
            kernel_shape=[1, 1],
        )  # fmt: skip
        graph.node.insert(list(graph.node).index(add), convolution)
        graph.node.remove(add)
        graph.node.remove(mul)
    _forget_unused(graph)


def _tensor_and_channels(
    node: Any, values: Mapping[str, np.ndarray]
) -> tuple[str, np.ndarray | None]:
    """What is computed with, and the numbers of its channels; None where there are no such."""
    constant = [name for name in node.input if name in values]
    rest = [name for name in node.input if name not in values]
    if len(constant) != 1 or len(rest) != 1:
        return "", None
    array = values[constant[0]]
    maps = array.ndim > 2 and array.shape[-2:] == (1, 1) and array.shape[-3] == array.size > 1
    return rest[0], array if maps else None


def _forget_unused(graph: Any) -> None:
    used = {name for node in graph.node for name in node.input}
    for each in [each for each in graph.initializer if each.name not in used]:
        graph.initializer.remove(each)


def _graph(path: Path) -> Any:
    import onnx

    with opened(path) as file:
        return onnx.ModelProto.FromString(file.read())


def multiplying(path: Path) -> dict[str, str]:
    """The layers of a file that multiply, and the tensor that each makes."""
    return {
        node.name: node.output[0] for node in _graph(path).graph.node if node.op_type in MULTIPLYING
    }


def joined(path: Path, largest: Mapping[str, float]) -> list[set[str]]:
    """Tensors that come together in concatenations, in groups that can have one range.

    None of a group has to be rounded anew, and copies are all that a concatenation does. What
    others read too joins only those that are at most twice as large, as it would lose a bit.

    Args:
        path: The file.
        largest: The largest magnitude of each tensor.
    """
    nodes = _graph(path).graph.node
    readers = Counter(name for node in nodes for name in node.input)
    groups: dict[str, set[str]] = {}
    for node in nodes:
        if node.op_type != "Concat" or node.output[0] not in largest:
            continue
        group = {*node.output}
        for name in node.input:
            other = groups.get(name, {name})
            together = group | other
            if name not in largest:
                continue
            read = [largest[each] for each in together if readers[each] > 1]
            if max(largest[each] for each in together) <= _BIT * min(read, default=np.inf):
                group = together
        groups |= dict.fromkeys(group, group)
    return list({id(group): group for group in groups.values()}.values())


def squashing(path: Path) -> list[str]:
    """What makes probabilities: of 256 values they would mostly be equal."""
    nodes = _graph(path).graph.node
    return [node.name for node in nodes if node.op_type in ("Softmax", "Sigmoid")]


def tell(path: Path, tensors: Sequence[str], told: Path) -> None:
    """Write a file that returns tensors within another beside its outputs."""
    import onnx

    model = _graph(path)
    made = {name for node in model.graph.node for name in node.output}
    known = {each.name for each in model.graph.output}
    for name in tensors:
        if name in made and name not in known:
            model.graph.output.append(onnx.ValueInfoProto(name=name))
    told.write_bytes(model.SerializeToString())
