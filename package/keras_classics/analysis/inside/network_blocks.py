"""The blocks of a network, found in its graph: residual, dense, or a plain layer with what follows.

A sum of two ways that part at one tensor is a residual block: the way with more weights is its
branch, the other its shortcut, which may project. A tensor joined to what was made of it is a dense
block. Where a network has neither, a layer with a kernel is a block, with the normalisation and
activation behind it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.graph import Place, ancestry, functional, has_graph, path
from keras_classics.core.keras_internals import Node, maker, operation_name
from keras_classics.core.names import did_you_mean
from keras_classics.core.types import Tensor


@dataclass(frozen=True, eq=False)
class Block:
    """A part of a network that can be left out.

    Attributes:
        name: What the names of its layers begin with, or that of the layer it ends in.
        kind: `"residual"`, `"dense"` or `"plain"`.
        joint: Where it ends: the sum, the concatenation, or its last layer.
        branch: Which input of the joint is the block's branch; None for a plain block, which has
            no other way around.
        entry: What goes into it.
        output: What its branch gives.
        calls: Those of its branch, in order.
        projects: Whether the shortcut of a residual block does more than hand on.
    """

    name: str
    kind: str
    joint: Place
    branch: int | None
    entry: Tensor
    output: Tensor
    calls: tuple[Node, ...]
    projects: bool = False

    @property
    def above(self) -> Place:
        """Where the model is nested that the block is of."""
        return self.joint[:-1]

    @property
    def signature(self) -> tuple[Any, ...]:
        """What blocks must have in common that take each other's place."""
        return self.kind, tuple(self.entry.shape), tuple(self.output.shape)


@checked
def find_blocks(model: keras.Model) -> list[Block]:
    """The blocks of a network, in order.

    Args:
        model: A functional or built sequential model, with whatever models are nested in it; only
            read.

    Returns:
        Its residual and dense blocks; where there are none, its plain ones but for the last layer
        with a kernel, which is the classifier.

    Raises:
        InputError: The model is subclassed or not built.
    """
    model = functional(model)
    merged = list(_merged(model.outputs, ()))
    plain = [] if merged else list(_plain(model.outputs, ()))[:-1]
    return _named(merged or plain)


def chosen_blocks(model: keras.Model, chosen: str | Block | Iterable[str | Block]) -> list[Block]:
    """Blocks by their names, those of their last layers, or of any layer of one input and output.

    Args:
        model: As for `find_blocks`.
        chosen: Names of one or more, or what `find_blocks` gives of this model.

    Raises:
        InputError: There is no such block or layer, it is named twice, or there are several.
    """
    several = isinstance(chosen, Iterable) and not isinstance(chosen, str)
    given: Any = chosen if several else [chosen]
    wanted = [each.name if isinstance(each, Block) else each for each in given]
    blocks = find_blocks(model)
    model = functional(model)
    found: list[Block] = []
    for name in wanted:
        named = [x for x in blocks if name == x.name or (x.kind != "plain" and _ends(x, name))]
        if not named:
            single = _singles(model.outputs, ())
            named = [x for x in single if _ends(x, name)]
        if len(named) != 1 or any(named[0].joint == each.joint for each in found):
            known = [each.name for each in blocks]
            wrong = "named more than once" if named else f"not in {model.name!r}"
            raise InputError(
                f"The block {name!r} is {wrong}",
                f"different ones of {', '.join(known[:6])}{', ...' if known[6:] else ''}, or "
                "a layer with one input and one output",
                did_you_mean(str(name), known) or "See kc.analysis.find_blocks(model).",
            )
        found += named
    if not found:
        raise InputError(
            "No block was given", "one block or more", "See kc.analysis.find_blocks(model)."
        )
    return found


def _ends(block: Block, name: str) -> bool:
    return name in (path(block.joint), block.joint[-1].operation.name)


def _merged(outputs: Iterable[Tensor], above: Place) -> Iterator[Block]:
    """Residual and dense blocks of a model and of those nested in it."""
    nodes = ancestry(outputs)
    parting = _dominators(nodes)
    for node in nodes:
        operation = node.operation
        if has_graph(operation) and not node.is_input:
            yield from _merged(operation.outputs, (*above, node))
        adds = isinstance(operation, layers.Add) or operation_name(operation) == "Add"
        joins = isinstance(operation, layers.Concatenate)
        tensors = list(node.input_tensors)
        fork = parting.get(id(node))
        if not (adds or joins) or len(tensors) != 2 or fork is None or len(fork.outputs) != 1:
            continue
        entry = fork.outputs[0]
        ways = [_between(tensor, entry) for tensor in tensors]
        weighty = [(sum(map(_has_kernel, way)), len(way)) for way in ways]
        branch = weighty.index(max(weighty))
        other = 1 - branch
        apart = not {id(x) for x in ways[0]} & {id(x) for x in ways[1]}
        if weighty[branch][0] == weighty[other][0] or not apart:
            continue
        if joins and tensors[other] is not entry:
            continue
        yield Block(
            _prefix(ways[branch]),
            "residual" if adds else "dense",
            (*above, node),
            branch,
            entry,
            tensors[branch],
            tuple(ways[branch]),
            projects=tensors[other] is not entry,
        )


def _plain(outputs: Iterable[Tensor], above: Place) -> Iterator[Block]:
    """Layers with a kernel, each with what follows it and keeps its shape."""
    nodes = ancestry(outputs)
    readers: dict[int, list[Node]] = {}
    for node in nodes:
        for tensor in node.input_tensors:
            readers.setdefault(id(tensor), []).append(node)
    for node in nodes:
        if has_graph(node.operation) and not node.is_input:
            yield from _plain(node.operation.outputs, (*above, node))
        elif _is_single(node) and _has_kernel(node):
            calls = [node]
            while len(following := readers.get(id(calls[-1].outputs[0]), [])) == 1:
                if not _only_shapes(following[0]):
                    break
                calls += following
            yield _chain(path((*above, node)), calls, above)


def _singles(outputs: Iterable[Tensor], above: Place) -> Iterator[Block]:
    """Every layer of one input and one output as a block."""
    for node in ancestry(outputs):
        if node.is_input:
            continue
        if has_graph(node.operation):
            yield from _singles(node.operation.outputs, (*above, node))
        elif _is_single(node):
            yield _chain(path((*above, node)), [node], above)


def _chain(name: str, calls: list[Node], above: Place) -> Block:
    entry, output = calls[0].input_tensors[0], calls[-1].outputs[0]
    return Block(name, "plain", (*above, calls[-1]), None, entry, output, tuple(calls))


def _named(blocks: list[Block]) -> list[Block]:
    """With paths for names; that of the joint where several would have one name."""
    full = [path(each.above) + "/" if each.above else "" for each in blocks]
    names = [
        each.name if each.kind == "plain" else f"{start}{each.name}"
        for each, start in zip(blocks, full, strict=True)
    ]
    counts = Counter(names)
    return [
        replace(each, name=name if counts[name] == 1 and each.name else path(each.joint))
        for each, name in zip(blocks, names, strict=True)
    ]


def _prefix(calls: Iterable[Node]) -> str:
    """What the names of layers have in common, up to a `_`."""
    return os.path.commonprefix([each.operation.name for each in calls]).rpartition("_")[0]


def _dominators(nodes: list[Node]) -> dict[int, Node | None]:
    """For each call the last one before it that every way from the inputs goes through."""
    above: dict[int, Node | None] = {}
    depth: dict[int, int] = {}

    def common(one: Node | None, other: Node | None) -> Node | None:
        while one is not other:
            if one is None or other is None:
                return None
            if depth[id(one)] >= depth[id(other)]:
                one = above[id(one)]
            else:
                other = above[id(other)]
        return one

    for node in nodes:
        before: list[Node | None] = [maker(tensor) for tensor in node.input_tensors]
        last = reduce(common, before) if before else None
        above[id(node)] = last
        depth[id(node)] = depth[id(last)] + 1 if last is not None else 0
    return above


def _between(tensor: Tensor, entry: Tensor) -> list[Node]:
    """The calls that make a tensor of another, in order."""
    order: list[Node] = []
    seen: set[int] = set()
    stack = [(tensor, False)]
    while stack:
        each, complete = stack.pop()
        if each is entry:
            continue
        node = maker(each)
        if complete:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((each, True))
            stack += [(before, False) for before in reversed(node.input_tensors)]
    return order


def _is_single(node: Node) -> bool:
    return not node.is_input and len(node.input_tensors) == len(node.outputs) == 1


def _has_kernel(node: Node) -> bool:
    weights = getattr(node.operation, "weights", ())
    return any(len(each.shape) > 1 for each in weights)


def _only_shapes(node: Node) -> bool:
    """Whether a call belongs to the layer before it: an activation, a normalisation, a dropout."""
    if not _is_single(node) or _has_kernel(node) or hasattr(node.operation, "pool_size"):
        return False
    return tuple(node.outputs[0].shape) == tuple(node.input_tensors[0].shape)
