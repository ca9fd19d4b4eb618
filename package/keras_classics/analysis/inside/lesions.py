"""Lesions: what a network still does without some of its blocks, or with them in another order.

Veit, Wilber, Belongie, "Residual networks behave like ensembles of relatively shallow networks",
NeurIPS 2016 (arXiv:1605.06431). A residual network goes on with any one block deleted, because half
of its paths do not pass through it; a plain network has one path, and is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from keras_classics.analysis.inside.batch_statistics import ordered
from keras_classics.analysis.inside.network_blocks import Block, chosen_blocks
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_whole
from keras_classics.core.graphs.graph import Place, functional, run, run_calls
from keras_classics.core.keras_internals import maker
from keras_classics.core.types import Tensor

ACTIONS = ("delete", "swap", "shuffle")
_FUNCTIONS = ("train_function", "test_function", "predict_function")


@dataclass(frozen=True, eq=False)
class Lesion:
    """What was done to a network.

    Attributes:
        blocks: The names of the blocks.
        standing: For each of them the name of the one in its place; None where there is none.
    """

    blocks: tuple[str, ...]
    standing: Mapping[str, str | None]

    @property
    def kendall_tau(self) -> float:
        """How much of the order is left: 1 for all of it, -1 for the reverse.

        Of blocks that stand in the same order and in the other the difference, as a share of all
        pairs; deleted ones are left out.
        """
        places = [self.standing[name] for name in self.blocks]
        order = [self.blocks.index(name) for name in places if name is not None]
        signs = [1 if one < other else -1 for one, other in combinations(order, 2)]
        return float(np.mean(signs)) if signs else 1.0


@checked
@contextmanager
def lesion(
    model: keras.Model,
    blocks: str | Block | Iterable[str | Block],
    *,
    action: str = "delete",
    seed: int = 0,
) -> Iterator[Lesion]:
    """Let a model run without some blocks, or with them in another order, for a while.

    A deleted residual block leaves its shortcut, projecting or not; what stands behind the sum,
    such as a rectifier, stays. A deleted dense block leaves zeros for its channels. A plain block
    leaves what came into it: every second pixel where it had halved the picture, channels cut off
    or filled with zeros. Statistics of batch normalisation are not estimated again, as in the
    paper.

    Weights and graph are never touched: the model is only called otherwise, and is itself again
    after the `with`, whatever happened there. Within, `model(x)`, `predict` and `evaluate` run the
    damaged network, in inference mode; functions compiled from it before do not know of it. What
    follows the graph, such as class-activation maps and attacks, refuses it meanwhile.

    Args:
        model: A functional or built sequential model, with whatever models are nested in it.
        blocks: One or more of `find_blocks`, or their names, or those of layers of one input and
            one output.
        action: `"delete"`; `"swap"`, of two; or `"shuffle"`, of two or more. Blocks change places
            only with those whose input and output are of the same shape.
        seed: Chooses the order of a shuffle.

    Yields:
        What stands in which place.

    Raises:
        InputError: There is no such block, it cannot be moved there, the model is lesioned already,
            or it is to be trained.

    Example:
        ```python
        model = kc.create_model("resnet_20_cifar", width=0.25, classes=5)
        images = np.zeros((2, 32, 32, 3), "float32")
        for block in kc.analysis.find_blocks(model)[:2]:
            with kc.analysis.lesion(model, block):
                without = model.predict_on_batch(images)
        ```
    """
    check_choice("action", action, ACTIONS)
    chosen = chosen_blocks(model, blocks)
    standing = _standing(chosen, action, seed)
    if "call" in vars(model):
        raise InputError(
            f"{model.name!r} has a lesion already",
            "a whole model",
            "Name all blocks in one lesion, or end the first.",
        )
    damaged = _Damaged(model, [(x, y) for x, y in zip(chosen, standing, strict=True) if x is not y])
    names = tuple(each.name for each in chosen)
    told = [None if each is None else each.name for each in standing]
    _forget_functions(model)
    model.call = damaged.call
    try:
        yield Lesion(names, dict(zip(names, told, strict=True)))
    finally:
        del model.call
        _forget_functions(model)


def _forget_functions(model: keras.Model) -> None:
    """Let Keras compile `fit`, `evaluate` and `predict` anew: they hold what the model has been."""
    for name in _FUNCTIONS:
        if hasattr(model, name):
            setattr(model, name, None)


def _standing(chosen: list[Block], action: str, seed: int) -> list[Block | None]:
    """The block in the place of each."""
    if action == "delete":
        return [None] * len(chosen)
    groups: dict[tuple, list[int]] = {}
    for number, block in enumerate(chosen):
        groups.setdefault((*block.signature, block.above), []).append(number)
    movable = max(map(len, groups.values())) > 1
    if not movable or (action == "swap" and (len(chosen) != 2 or len(groups) != 1)):
        shapes = " and ".join(f"{x.name} ({_sizes(x.entry)} to {_sizes(x.output)})" for x in chosen)
        raise InputError(
            f"action={action!r} was given for {shapes}",
            f"{'two' if action == 'swap' else 'two or more'} blocks of one kind and shape",
            "Choose blocks of one stage, but for its first.",
        )
    generator = np.random.default_rng(check_whole("seed", seed, 0))
    standing: list[Block | None] = list(chosen)
    for numbers in groups.values():
        order = numbers[::-1]
        if action == "shuffle" and len(numbers) > 2:
            while (order := generator.permutation(numbers).tolist()) == numbers:
                pass
        for place, number in zip(numbers, order, strict=True):
            standing[place] = chosen[number]
    return standing


def _sizes(tensor: Tensor) -> str:
    return "x".join(str(side) for side in tensor.shape[1:])


class _Damaged:
    """How a model with lesions is called."""

    def __init__(self, model: keras.Model, changes: list[tuple[Block, Block | None]]) -> None:
        self.model = functional(model)
        self.changes = changes
        self.entries = {
            id(block): _source(self.model, block.entry, block.above) for block, _ in changes
        }
        self.wanted = {place for place, _ in self.entries.values()}

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """In the place of the model's own method."""
        if training:
            raise InputError(
                f"{self.model.name!r} was to be trained while it has a lesion",
                "evaluate, predict, or a call in inference mode",
                "Train it before or after the lesion.",
            )
        given = ordered(self.model, inputs)
        met: dict[Place, list[Tensor]] = {}

        def after(place: Place, outputs: Any) -> Any:
            if place in self.wanted:
                met[place] = tree.flatten(outputs)
            return outputs

        def value(block: Block) -> Tensor:
            place, number = self.entries[id(block)]
            found = met[place][number] if place else given[number]
            return ops.cast(found, block.entry.dtype)

        instead: dict[Place, Callable[..., Any]] = {}
        for block, other in self.changes:
            instead[block.joint] = partial(_joined, block, other, partial(value, block))
        outputs = run(self.model, given, instead=instead, after=after)
        return tree.pack_sequence_as(self.model.output, outputs)


def _source(model: keras.Model, tensor: Tensor, above: Place) -> tuple[Place, int]:
    """The call that makes a tensor, and which output it is; of the model's input no call."""
    node = maker(tensor)
    if not node.is_input:
        return (*above, node), _number(node.outputs, tensor)
    if above:
        outer = above[-1]
        number = _number(outer.operation.inputs, tensor)
        return _source(model, outer.input_tensors[number], above[:-1])
    return (), _number(model.inputs, tensor)


def _joined(
    block: Block, other: Block | None, entry: Callable[[], Tensor], *arguments: Any, **options: Any
) -> Any:
    """What a block's joint gives with another in its place, or none."""
    operation = block.joint[-1].operation
    if block.branch is None:
        if other is not None:
            return _through(other, entry())
        return _fitted(entry(), operation(*arguments, **options))
    flat = tree.flatten((arguments, options))
    tensors = [number for number, each in enumerate(flat) if ops.is_tensor(each)]
    at = tensors[block.branch]
    flat[at] = ops.zeros_like(flat[at]) if other is None else _through(other, entry())
    arguments, options = tree.pack_sequence_as((arguments, options), flat)
    return operation(*arguments, **options)


def _through(block: Block, value: Tensor) -> Tensor:
    """What a block's branch makes of a value."""
    known = {id(block.entry): value}
    run_calls(block.calls, known, above=block.above)
    return known[id(block.output)]


def _fitted(value: Tensor, like: Tensor) -> Tensor:
    """A value in the shape of another: every n-th of its places, or the middle; channels cut or 0.

    Raises:
        InputError: It has another number of axes, or fewer places.
    """
    if len(value.shape) != len(like.shape):
        raise _unfit(value, like)
    for axis in range(1, len(like.shape) - 1):
        here, there = value.shape[axis], like.shape[axis]
        if here != there:
            if here < there:
                raise _unfit(value, like)
            step = here // there
            start = 0 if step > 1 else (here - there) // 2
            value = ops.take(value, start + step * np.arange(there), axis=axis)
    have, need = value.shape[-1], like.shape[-1]
    if have < need:
        value = ops.pad(value, [(0, 0)] * (len(like.shape) - 1) + [(0, need - have)])
    return ops.cast(value[..., :need], like.dtype)


def _unfit(value: Tensor, like: Tensor) -> InputError:
    return InputError(
        f"A block that makes {_sizes(like)} of {_sizes(value)} was to be deleted",
        "blocks that keep the axes of what they are given and enlarge none",
        "Choose another block.",
    )


def _number(tensors: Iterable[Tensor], tensor: Tensor) -> int:
    return next(number for number, each in enumerate(tensors) if each is tensor)
