"""Residual networks as ensembles of paths: how long the paths are, and which of them learn.

Veit, Wilber, Belongie, NeurIPS 2016 (arXiv:1605.06431). Of n blocks each path takes either the
branch or the shortcut, so that there are 2^n paths, whose lengths are binomial. The gradient that
comes back along a path shrinks with every branch it goes through: what trains the network are the
short paths, of which there are few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import comb
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from keras_classics.analysis.inside.batch_statistics import ordered
from keras_classics.analysis.inside.model_loss import Measure, model_loss
from keras_classics.analysis.inside.network_blocks import Block, chosen_blocks, find_blocks
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole, check_wholes
from keras_classics.core.graphs.gradients import compiled_over, value_and_gradients
from keras_classics.core.graphs.graph import check_intact, functional, run
from keras_classics.core.types import Tensor, Whole


@dataclass(frozen=True, eq=False)
class PathGradients:
    """The gradients that reach the input of a residual network along paths of several lengths.

    Attributes:
        blocks: The names of the blocks.
        lengths: Branches that a path goes through.
        norms: `(lengths, samples)`: mean over the examples of the gradient's length, each for one
            path drawn.
        shares: Of all paths that are of the length.
    """

    blocks: tuple[str, ...]
    lengths: np.ndarray
    norms: np.ndarray
    shares: np.ndarray

    @property
    def contributions(self) -> np.ndarray:
        """Shares of the gradient that come along paths of each length, 1 in all."""
        total = self.shares * self.norms.mean(axis=1)
        return total / max(total.sum(), np.finfo(float).tiny)


@checked
def path_lengths(blocks: Whole) -> np.ndarray:
    """The shares of paths by length: binomial, `n! / (k! (n-k)!) / 2^n`.

    Args:
        blocks: n, the residual blocks of a network.

    Returns:
        `(n + 1,)`, from the path of shortcuts alone to that through all branches. Of 54 blocks, as
        in a ResNet-110, paths through 19 to 35 make up 0.98017, and through 5 to 17, along which
        the gradient comes, 0.0045367.
    """
    count = check_whole("blocks", blocks)
    # Whole numbers of any size, of which the quotient is a float.
    return np.array([comb(count, length) / 2**count for length in range(count + 1)])


@checked
def path_gradients(
    model: keras.Model,
    inputs: Any,
    labels: Any,
    *,
    blocks: Iterable[str] | None = None,
    lengths: Sequence[Whole] | None = None,
    samples: Whole = 8,
    measure: Measure | None = None,
    seed: Whole = 0,
) -> PathGradients:
    """How long the gradient is that comes back along single paths.

    The forward pass is that of the whole network, in inference mode; of the gradient only that part
    is followed which goes through the branches of some blocks drawn at random, and the shortcuts of
    all others, as in the paper.

    Args:
        model: A functional model with residual blocks, only read.
        inputs: A batch of what it takes; the gradient is by the first.
        labels: What they are, as `model.evaluate` takes them.
        blocks: The residual blocks that count; all by default. The others are left whole.
        lengths: Of the paths; all by default.
        samples: Paths that are drawn of each length.
        measure: What is differentiated in place of the compiled loss, see
            `kc.analysis.loss_landscape`.
        seed: Chooses the paths.

    Returns:
        Norms by length and sample, and the shares of all paths.

    Raises:
        InputError: The model has no residual blocks or loss, or an argument does not fit.
    """
    chosen = (
        [each for each in find_blocks(model) if each.kind == "residual"]
        if blocks is None
        else chosen_blocks(model, blocks)
    )
    others = [each.name for each in chosen if each.kind != "residual"]
    if others or not chosen:
        raise InputError(
            f"{', '.join(others)} of {model.name!r} are not residual"
            if others
            else f"{model.name!r} has no residual block",
            "residual blocks, one or more",
            "See the kinds in kc.analysis.find_blocks(model).",
        )
    longest = len(chosen)
    wanted = range(longest + 1) if lengths is None else check_wholes("lengths", lengths, 0)
    if max(wanted) > longest:
        raise InputError(
            f"lengths={lengths!r} were given",
            f"lengths of paths through {longest} blocks",
            f"Pass lengths=range({longest + 1}).",
        )
    samples, seed = check_whole("samples", samples), check_whole("seed", seed, 0)
    gradient = path_gradient(model, chosen, inputs, labels, measure)
    generator = np.random.default_rng(seed)
    norms = np.zeros((len(wanted), samples))
    for row, length in enumerate(wanted):
        for column in range(samples):
            through = np.zeros(longest, "float32")
            through[generator.permutation(longest)[:length]] = 1
            found = gradient(through)
            norms[row, column] = np.sqrt(np.square(found).reshape(len(found), -1).sum(-1)).mean()
    names = tuple(each.name for each in chosen)
    lengths_found = np.array(wanted)
    return PathGradients(names, lengths_found, norms, path_lengths(longest)[lengths_found])


def path_gradient(
    model: keras.Model,
    blocks: Sequence[Block],
    inputs: Any,
    labels: Any,
    measure: Measure | None = None,
) -> Callable[[np.ndarray], np.ndarray]:
    """A compiled function of a path to the gradient of each example's loss that comes along it.

    Summed over all paths it is the gradient itself.

    Args:
        model: See `path_gradients`.
        blocks: Its residual blocks.
        inputs: See `path_gradients`.
        labels: See `path_gradients`.
        measure: See `path_gradients`.

    Returns:
        From `(blocks,)`, 1 for a branch and 0 for a shortcut, to an array of the shape of the first
        input.

    Raises:
        InputError: The model has no loss.
    """
    graph = functional(model)
    check_intact(model)
    inputs, labels = tree.map_structure(
        lambda x: ops.convert_to_tensor(np.asarray(x)), (inputs, labels)
    )
    loss = model_loss(model, measure, inputs, labels)
    given = [
        ops.cast(x, y.dtype) for x, y in zip(ordered(graph, inputs), graph.inputs, strict=True)
    ]

    def gradients(through: Tensor, given: list[Tensor], inputs: Any, labels: Any) -> Tensor:
        instead = {
            block.joint: partial(_one_way, block, through[number])
            for number, block in enumerate(blocks)
        }

        def function(first: Tensor) -> Tensor:
            outputs = run(graph, [first, *given[1:]], instead=instead)
            packed = tree.pack_sequence_as(graph.output, outputs)
            # The loss is a mean, and examples are independent.
            return loss(inputs, labels, packed) * ops.cast(ops.shape(first)[0], "float32")

        _, (found,) = value_and_gradients(function, given[:1])
        return found

    compiled = compiled_over(model, gradients)

    def along(through: np.ndarray) -> np.ndarray:
        path = ops.convert_to_tensor(np.asarray(through, "float32"))
        return ops.convert_to_numpy(compiled(path, given, inputs, labels))

    return along


def _one_way(block: Block, through: Tensor, *arguments: Any, **options: Any) -> Any:
    """A sum whose gradient goes back into its branch, or into its shortcut."""
    flat = tree.flatten((arguments, options))
    tensors = [number for number, each in enumerate(flat) if ops.is_tensor(each)]
    for which, at in enumerate(tensors):
        share = through if which == block.branch else 1 - through
        share = ops.cast(share, flat[at].dtype)
        flat[at] = share * flat[at] + ops.stop_gradient((1 - share) * flat[at])
    arguments, options = tree.pack_sequence_as((arguments, options), flat)
    return block.joint[-1].operation(*arguments, **options)
