"""From a trained network of binary layers to a packed one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras

from keras_classics.compression.packed_layer import PackedLayer
from keras_classics.compression.packed_model import (
    Compare,
    Multiply,
    Normalize,
    PackedModel,
    Step,
    Stretch,
)
from keras_classics.compression.packed_signs import ENGINES, best_engine
from keras_classics.compression.thresholds import (
    Chain,
    gains_and_shifts,
    is_rising,
    pooling_windows,
    rises_or_falls,
)
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.finite_weights import check_finite_weights
from keras_classics.core.graphs.graph import (
    ancestry,
    called_again,
    functional,
    has_graph,
    same_layer,
)
from keras_classics.core.keras_internals import Node, deep_graphs, layers_within
from keras_classics.core.types import Tensor
from keras_classics.layers.image.binary import BinaryConv2D, BinaryDense


@deep_graphs()
@checked
def pack(model: keras.Model, *, engine: str | None = None) -> PackedModel:
    """Pack a trained network of binary layers: a bit for each of their weights.

    Layers with binary inputs multiply by XNOR and bit counts. Where they are not scaled by their
    inputs (`input_scale=False`), normalisation, rectifier, maximum pooling and sign before them
    become one comparison for each channel, found by asking the layers themselves, and between two
    such layers there are bits only: the signs are exactly the network's own. With scaled inputs the
    numbers between are those of the network but for rounding. Layers whose weights alone are binary
    take a bit a weight in the file and are as fast as before. The channels of a layer fill words of
    64 bits, so that one of 32 channels takes as many as one of 64. All other layers stay as they
    are, on Keras's backend.

        packed = kc.compression.pack(model)
        packed.predict(pictures)
        packed.save("packed.npz")

    Args:
        model: A functional or built sequential model, of the catalogue or one's own, in which there
            are `BinaryConv2D` or `BinaryDense` layers; in models nested in it too.
        engine: `"numba"` or `"numpy"`; by default numba where it is installed.

    Returns:
        What answers like the model, with weights of its own.

    Raises:
        InputError: The model has no graph of layers or no binary layer, a weight is not finite,
            its binary layers compute in half precision, it returns lists within others, or the
            engine is unknown.
        ImportError: numba was asked for and is not installed.

    Example:
        ```python
        layers = [keras.layers.Flatten(), kc.layers.BinaryDense(16), kc.layers.BinaryDense(5)]
        model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
        packed = kc.compression.pack(model)
        packed.predict(np.ones((2, 8, 8, 3), "float32")).shape  # (2, 5)
        ```
    """
    engine = engine or best_engine()
    check_choice("engine", engine, ENGINES)
    model = functional(model)
    graph = _Graph.of(model)
    _check_packable(model, [call.node.operation for call in graph.calls if _is_binary(call)])
    output = model.output
    return PackedModel(
        model.name,
        _Packing(graph, engine).steps(),
        [(x.name, tuple(x.shape[1:]), x.dtype) for x in model.inputs],
        graph.outputs,
        # Keras lists what a dict holds by its keys.
        sorted(output) if isinstance(output, dict) else None,
        not isinstance(output, (dict, list, tuple)),
        engine,
    )


def _check_packable(model: keras.Model, binary: Sequence[keras.layers.Layer]) -> None:
    """Refuse what cannot be packed, or would be another network then."""
    check_finite_weights(model)
    within = [x.name for x in layers_within(model) if isinstance(x, (BinaryConv2D, BinaryDense))]
    if within and not binary:
        raise InputError(
            f"The binary layer {within[0]!r} is within another layer of {model.name!r}",
            "binary layers that stand in the model itself, or in models nested in it",
            "Call the binary layers themselves: BinaryDense takes sequences as it is.",
        )
    if not binary:
        raise InputError(
            f"The model {model.name!r} has no binary layer",
            "models with BinaryConv2D or BinaryDense layers, such as kc.models.XNORAlexNet()",
            "Make other models small by kc.compression.prune or kc.export.quantize.",
        )
    for layer in binary:
        if layer.compute_dtype != "float32":
            raise InputError(
                f"{layer.name!r} computes in {layer.compute_dtype}, whose rounding decides "
                "some of its signs",
                "binary layers that compute in float32",
                "Build the model once more, call it twin, after "
                "keras.config.set_dtype_policy('float32'), and pack it after "
                "twin.set_weights(model.get_weights()).",
            )
    output = model.output
    parts = list(output.values()) if isinstance(output, dict) else output
    if isinstance(parts, (list, tuple)) and any(isinstance(x, (dict, list, tuple)) for x in parts):
        raise InputError(
            f"{model.name!r} was given, whose outputs are lists or dicts of others",
            "an array, or a list or dict of arrays",
            "Pack keras.Model(model.input, keras.tree.flatten(model.output)).",
        )


@dataclass(frozen=True)
class _Call:
    """A call of a layer, its tensors by their numbers."""

    node: Node
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass
class _Graph:
    """The calls of a model and of the models nested in it, in order.

    Attributes:
        calls: Each after those it depends on.
        tensors: By number; the model's inputs come first.
        outputs: Numbers of the tensors the model returns.
        inputs: How many inputs it has.
        names: Numbers of tensors by their identity.
    """

    calls: list[_Call] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    inputs: int = 0
    names: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, model: keras.Model) -> _Graph:
        graph = cls(inputs=len(model.inputs))
        for tensor in model.inputs:
            graph._add(tensor)
        graph._walk(model)
        graph.outputs = [graph.names[id(tensor)] for tensor in model.outputs]
        return graph

    def _add(self, tensor: Tensor) -> int:
        self.names[id(tensor)] = len(self.tensors)
        self.tensors.append(tensor)
        return self.names[id(tensor)]

    def _walk(self, model: keras.Model) -> None:
        for node in ancestry(model.outputs):
            if node.is_input:
                continue
            inputs = [self.names[id(tensor)] for tensor in node.input_tensors]
            nested = node.operation
            if has_graph(nested) and _holds_binary(nested):
                inner = functional(nested)
                self.names |= zip(map(id, inner.inputs), inputs, strict=True)
                self._walk(inner)
                found = [self.names[id(tensor)] for tensor in inner.outputs]
                self.names |= zip(map(id, node.outputs), found, strict=True)
            else:
                outputs = [self._add(tensor) for tensor in node.outputs]
                self.calls.append(_Call(node, tuple(inputs), tuple(outputs)))


class _Packing:
    """What becomes of a graph."""

    def __init__(self, graph: _Graph, engine: str) -> None:
        self.graph = graph
        self.engine = engine
        self.made = {number: call for call in graph.calls for number in call.outputs}
        self.readers = Counter(number for call in graph.calls for number in call.inputs)
        self.readers.update(graph.outputs)
        self.signs: set[int] = set()
        self.layers: dict[int, PackedLayer] = {}
        # The layers that are not packed, by those they are copies of.
        self.copies: dict[int, Any] = {}

    def steps(self) -> list[Step]:
        """Everything in order."""
        binary = [call for call in self.graph.calls if _is_binary(call)]
        before = {id(call): self._chain(call) for call in binary}
        sources = {
            id(call): calls[0].inputs[0] if calls else call.inputs[0]
            for call in binary
            for calls, _ in (before[id(call)],)
        }
        self.signs = {sources[id(call)] for call in binary if before[id(call)][1]}
        # How often each tensor is asked for, when what only signs are taken of has gone.
        asked = Counter(self.graph.outputs) + Counter(sources.values())
        rest: list[_Call] = []
        for call in reversed(self.graph.calls):
            if not _is_binary(call) and any(asked[number] for number in call.outputs):
                rest.insert(0, call)
                asked.update(call.inputs)
        kept = {id(call) for call in rest}
        absorbed = {
            id(call) for call in self.graph.calls if not _is_binary(call) and id(call) not in kept
        }
        levels = self._levels(absorbed)
        steps: list[Step] = []
        free = len(self.graph.tensors)
        rules: dict[int, Multiply] = {}
        for level in range(max(levels.values()) + 1):
            steps += self._stretch([call for call in rest if levels[id(call)] == level], rest)
            for call in (each for each in binary if levels[id(each)] == level):
                layer, (calls, bits) = self._layer(call), before[id(call)]
                source = sources[id(call)]
                if bits:
                    chain = self._as_chain(calls, source)
                    producer = rules.get(source)
                    if producer is not None and asked[source] == 1:
                        least, turns = chain.least_products(producer.layer)
                        place = steps.index(producer)
                        steps[place] = Multiply(producer.layer, producer.input, free, least, turns)
                    else:
                        steps.append(Compare(*chain.thresholds(), self.engine, source, free))
                    source, free = free, free + 1
                step = Multiply(layer, source, call.outputs[0])
                if not layer.needs_reals and is_rising(layer.layer.activation):
                    rules[call.outputs[0]] = step
                steps.append(step)
        return steps

    def _chain(self, call: _Call) -> tuple[list[_Call], bool]:
        """The calls before a binary one that become comparisons; and whether it is given signs."""
        layer = call.node.operation
        # Signs of a dense layer are of vectors; of maps and sequences it is given the reals.
        rank = 4 if isinstance(layer, BinaryConv2D) else 2
        found = len(self.graph.tensors[call.inputs[0]].shape)
        if not layer.binary_inputs or layer.input_scale or found != rank:
            return [], False
        calls: list[_Call] = []
        pooled, number = False, call.inputs[0]
        while number in self.made:
            maker = self.made[number]
            pools = pooling_windows(maker.node.operation) is not None
            if not (rises_or_falls(maker.node) or (pools and not pooled)):
                break
            pooled |= pools
            calls.insert(0, maker)
            number = maker.inputs[0]
        return calls, True

    def _as_chain(self, calls: Sequence[_Call], source: int) -> Chain:
        pools = [pooling_windows(each.node.operation) is not None for each in calls]
        return Chain(
            [each.node for each in calls],
            pools.index(True) if any(pools) else None,
            tuple(self.graph.tensors[source].shape[1:]),
        )

    def _levels(self, absorbed: set[int]) -> dict[int, int]:
        """How many binary layers at most stand before each call, one after the other."""
        levels: dict[int, int] = {}
        for call in self.graph.calls:
            before = [self.made[number] for number in call.inputs if number in self.made]
            after = not _is_binary(call) and id(call) not in absorbed
            levels[id(call)] = max(
                (levels[id(each)] + (after and self._packs(each, absorbed)) for each in before),
                default=0,
            )
        return levels

    def _packs(self, call: _Call, absorbed: set[int]) -> bool:
        return _is_binary(call) or id(call) in absorbed

    def _layer(self, call: _Call) -> PackedLayer:
        layer = call.node.operation
        if id(layer) not in self.layers:
            self.layers[id(layer)] = PackedLayer.of(layer, self.engine)
        return self.layers[id(layer)]

    def _stretch(self, calls: Sequence[_Call], rest: Sequence[_Call]) -> list[Step]:
        """Calls of one level as a model; none where there are none."""
        if not calls:
            return []
        if (step := self._normalization(calls)) is not None:
            return [step]
        own = {number for call in calls for number in call.outputs}
        here = set(map(id, calls))
        inputs = sorted({number for call in calls for number in call.inputs} - own)
        elsewhere = {
            number for call in self.graph.calls if id(call) not in here for number in call.inputs
        }
        outputs = sorted(own & (elsewhere | set(self.graph.outputs)))
        known: dict[int, Any] = {}
        for number in inputs:
            tensor = self.graph.tensors[number]
            known[number] = keras.Input(tensor.shape[1:], dtype=tensor.dtype)
        symbols = list(known.values())
        for call in calls:
            values = [known[number] for number in call.inputs]
            found = called_again(call.node, *values, operation=self._copy(call.node.operation))
            known |= zip(call.outputs, keras.tree.flatten(found), strict=True)
        model = keras.Model(symbols, [known[number] for number in outputs])
        for call in calls:
            layer = call.node.operation
            if isinstance(layer, keras.layers.Layer) and layer.weights:
                self._copy(layer).set_weights(layer.get_weights())
        return [Stretch(model, inputs, outputs)]

    def _normalization(self, calls: Sequence[_Call]) -> Normalize | None:
        """The calls as one step, where they are a normalisation alone or right behind a pooling."""
        *before, last = calls
        if last.outputs[0] in self.signs:
            # Another rounding would turn numbers around that are as good as zero.
            return None
        layer = last.node.operation
        pooling = pooling_windows(before[0].node.operation) if before else None
        fits = (
            type(layer) is keras.layers.BatchNormalization
            and rises_or_falls(last.node)
            and layer.compute_dtype == "float32"
            and len(before) <= 1
            and (not before or (pooling is not None and before[0].outputs == last.inputs))
            and all(self.readers[number] == 1 for each in before for number in each.outputs)
        )
        if not fits:
            return None
        return Normalize(*gains_and_shifts(layer), pooling, calls[0].inputs[0], last.outputs[0])

    def _copy(self, operation: Any) -> Any:
        """A layer once more, with weights of its own; an operation without any is itself."""
        if not isinstance(operation, keras.layers.Layer):
            return operation
        if id(operation) not in self.copies:
            # Layers of two nested models may have one name, and come together here.
            taken = {getattr(each, "name", None) for each in self.copies.values()}
            name = operation.name
            while name in taken:
                name = f"{name}_"
            self.copies[id(operation)] = same_layer(operation, name=name)
        return self.copies[id(operation)]


def _is_binary(call: _Call) -> bool:
    return type(call.node.operation) in (BinaryConv2D, BinaryDense)


def _holds_binary(model: keras.Model) -> bool:
    return any(isinstance(layer, (BinaryConv2D, BinaryDense)) for layer in model.layers) or any(
        has_graph(layer) and _holds_binary(layer) for layer in model.layers
    )
