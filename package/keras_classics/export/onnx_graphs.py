"""Files in ONNX as graphs: what numbers of eight bits need to know of them and to have in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_classics.core.files import opened

# What multiplies, and so takes the time.
MULTIPLYING = ("Conv", "Gemm", "MatMul")


def prepare(path: Path, prepared: Path) -> None:
    """Write a file with the shapes of its maps in it, as calibration needs them."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    # Shapes of Keras's models are known without the inference of symbols, which needs SymPy.
    quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
    model = _graph(prepared)
    _pad_in_poolings(model.graph)
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
