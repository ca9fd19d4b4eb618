"""Weight sharing: all weights of a layer become a few values, which a small number names.

Han, Mao, Dally, "Deep Compression: compressing deep neural networks with pruning, trained
quantization and Huffman coding", ICLR 2016. Its three steps are `prune`, `share_weights`, and the
entropy coding of `Shared.sizes()`, each with a training between that holds what the last has made.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops

from keras_classics.compression.pruning import prunable
from keras_classics.core.arguments import checked
from keras_classics.core.boundary.archive_files import zipped_file_size, zipped_size
from keras_classics.core.counts import Wholes
from keras_classics.core.errors import InputError, check_choice, check_whole
from keras_classics.core.finite_weights import check_finite

ROUNDS = 50
# Bits of a distance from one weight that is left to the next: the best of these is taken.
_DISTANCES = range(2, 9)
_FLOAT_BITS = 32


class Shared:
    """The values that the weights of a model share.

    Made by `share_weights`. `kc.callbacks.HoldWeights(shared)` keeps them shared while the model
    learns: after each step every weight becomes the mean of those it shares a value with, which is
    the paper's training of the values. Zeros stay zeros.

    Args:
        groups: Variables, each with a number for each of its weights: 0 for those that are zero.
    """

    @checked
    def __init__(self, groups: Sequence[tuple[keras.Variable, np.ndarray]]) -> None:
        self.variables = [variable for variable, _ in groups]
        self.groups = [group for _, group in groups]
        self._tensors: list[tuple[Any, ...]] | None = None

    def hold(self) -> None:
        """Give every weight the mean of those it shares a value with."""
        if self._tensors is None:
            self._tensors = []
            for group in self.groups:
                members = np.bincount(group.ravel()).astype("float32")
                # Zeros count as many, and their sum as nothing.
                shares = np.where(np.arange(len(members)) > 0, 1 / np.maximum(members, 1), 0)
                numbers, where = np.unique(group.ravel(), return_index=True)
                first = np.zeros(len(members), "int32")
                first[numbers] = where
                kept = group.ravel().astype("int32"), first, shares.astype("float32")
                self._tensors.append(tuple(map(ops.convert_to_tensor, kept)))
        for variable, (group, first, shares) in zip(self.variables, self._tensors, strict=True):
            flat = ops.cast(ops.reshape(variable.value, (-1,)), "float32")
            # Sums of a million weights would drift in 32 bits, those of what moved do not.
            before = ops.take(flat, first) * ops.sign(shares)
            moved = flat - ops.take(before, group)
            means = before + ops.segment_sum(moved, group, num_segments=shares.shape[0]) * shares
            variable.assign(ops.reshape(ops.take(means, group), variable.shape))

    def sizes(self) -> pd.DataFrame:
        """What the weights take after each of the paper's three steps.

        Returns:
            A line for each variable and one for all, with the numbers of `"weights"`, `"left"`
            (not zero) and `"values"`, and bytes: `"float32"`; `"pruned"`, what is left and its
            distances; `"shared"`, names of values in place of what is left, and the values; and
            `"coded"`, names and distances in a Huffman code, its lengths included.
        """
        lines = [
            (variable.path, *_sizes(group))
            for variable, group in zip(self.variables, self.groups, strict=True)
        ]
        names = ["variable", "weights", "left", "values", "float32", "pruned", "shared", "coded"]
        table = pd.DataFrame(lines, columns=names)
        table.loc[len(table)] = ["all", *table[names[1:]].sum()]
        return table


@checked
def share_weights(
    model: keras.Model, bits: int | Mapping[str, int] = 5, *, keep: Sequence[str] = ()
) -> Shared:
    """Let the weights of each layer share a few values, in place: k-means of each kernel.

    The values begin evenly between the smallest and the largest weight, which the paper found best.
    Weights that are zero stay so.

        shared = kc.compression.share_weights(model, 5)
        model.fit(images, labels, callbacks=[kc.callbacks.HoldWeights(shared)])
        print(shared.sizes())

    Args:
        model: Any model, pruned before or not.
        bits: Bits of the number that names a value, from 1 to 16; or that of layers by their name,
            and others are left alone. The paper takes 8 for convolutions and 5 for dense layers.
        keep: Names of layers that are left alone.

    Returns:
        Which weights share a value.

    Raises:
        InputError: An argument is not admitted, or a name is of no layer.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        shared = kc.compression.share_weights(model, 4)  # 16 values a layer
        ```
    """
    wanted = bits if isinstance(bits, Mapping) else {}
    for name in wanted:
        known = tuple(layer.name for layer in model.layers)
        check_choice("bits", name, known, "Give names that model.summary() shows.")
    groups = []
    for variable in prunable(model, keep):
        own = [wanted[part] for part in variable.path.split("/") if part in wanted]
        if isinstance(bits, Mapping) and not own:
            continue
        count = check_whole("bits", own[-1] if own else bits, 1, largest=16)
        array = ops.convert_to_numpy(variable).astype("float32")
        check_finite(variable, array)
        groups.append((variable, cluster(array, 2**count)))
    if not groups:
        raise InputError(
            f"bits={bits!r} was given, which names no layer with a kernel",
            "bits of all layers, or of some by their names",
            "Pass bits=5.",
        )
    shared = Shared(groups)
    shared.hold()
    return shared


def cluster(values: np.ndarray, count: int) -> np.ndarray:
    """Numbers of clusters: k-means of the values that are not zero, by Lloyd's rounds.

    Args:
        values: Array of any shape.
        count: Clusters; those without a value are left out.

    Returns:
        int32 in the same shape: 0 for zeros, others from 1 on in the order of the values.
    """
    flat = values.ravel()
    present = np.flatnonzero(flat)
    groups = np.zeros(flat.size, "int32")
    if not len(present):
        return groups.reshape(values.shape)
    order = present[np.argsort(flat[present], kind="stable")]
    ranked = flat[order].astype("float64")
    sums = np.concatenate([[0], np.cumsum(ranked)])
    centres = np.linspace(ranked[0], ranked[-1], count)
    edges = np.zeros(0, int)
    for _ in range(ROUNDS):
        former = edges
        # Of sorted numbers a cluster is a stretch, which ends halfway to the next centre.
        edges = np.searchsorted(ranked, (centres[1:] + centres[:-1]) / 2, side="right")
        if np.array_equal(edges, former):
            break
        ends = np.concatenate([[0], edges, [len(ranked)]])
        members = np.diff(ends)
        means = np.diff(sums[ends]) / np.maximum(members, 1)
        centres = np.where(members > 0, means, np.nan)
        if (empty := np.isnan(centres)).any():
            # A cluster without a value begins again at one that is far from its own.
            own = np.repeat(means, members)
            far = np.argsort(-np.abs(ranked - own), kind="stable")[: empty.sum()]
            centres = np.concatenate([centres[~empty], ranked[far]])
        centres = np.sort(centres)
    _, names = np.unique(
        np.searchsorted(edges, np.arange(len(ranked)), "right"), return_inverse=True
    )
    groups[order] = names + 1
    return groups.reshape(values.shape)


@checked
def huffman_bits(counts: Wholes) -> int:
    """Bits of a text in its best code of whole bits a letter.

    Args:
        counts: How often each letter stands in it.
    """
    heap = [int(each) for each in counts if each > 0]
    if len(heap) == 1:
        return heap[0]
    heapq.heapify(heap)
    bits = 0
    while len(heap) > 1:
        # Whatever is under a fork of the tree becomes a bit longer.
        both = heapq.heappop(heap) + heapq.heappop(heap)
        bits += both
        heapq.heappush(heap, both)
    return bits


@checked
def zipped_bytes(model: keras.Model | str | os.PathLike[str]) -> int:
    """Bytes of a model's weights, zipped: what a file of them takes that is compressed.

    Args:
        model: Any model; or a file that one was exported to, all of which is counted.

    Raises:
        InputError: The file cannot be read.
    """
    if isinstance(model, str | os.PathLike):
        return zipped_file_size(model)
    return zipped_size(ops.convert_to_numpy(each) for each in model.weights)


def _sizes(group: np.ndarray) -> tuple[int, int, int, int, int, int, int]:
    """Weights, those that are left, values, and bytes after each step."""
    flat = group.ravel()
    present = np.flatnonzero(flat)
    left, values = len(present), int(flat.max(initial=0))
    bits_of_name = max(1, (values - 1).bit_length())
    coded = fixed = pruned = _FLOAT_BITS * flat.size
    for bits in _DISTANCES:
        span = 2**bits
        gaps = np.diff(present, prepend=-1) - 1
        # A distance that is too long passes over a weight of zero that is written.
        fillers = int((gaps // span).sum())
        distances = np.bincount(gaps % span, minlength=span)
        distances[span - 1] += fillers
        letters = np.concatenate([[fillers], np.bincount(flat[present], minlength=1)[1:]])
        entries = left + fillers
        pruned = min(pruned, entries * (_FLOAT_BITS + bits))
        book = _FLOAT_BITS * values
        fixed = min(fixed, entries * (bits_of_name + bits) + book)
        # The length of each letter's code is a byte, from which the code follows.
        lengths = 8 * (np.count_nonzero(letters) + np.count_nonzero(distances))
        code = huffman_bits(letters) + huffman_bits(distances)
        coded = min(coded, code + book + int(lengths))
    # Where little is zero, the names of all places, with one for zero, need no distances.
    counts = np.bincount(flat, minlength=1)
    letters = counts[counts > 0]
    book = _FLOAT_BITS * values
    fixed = min(fixed, flat.size * max(1, (len(letters) - 1).bit_length()) + book)
    coded = min(coded, huffman_bits(letters) + book + 8 * len(letters))
    whole = _FLOAT_BITS // 8 * flat.size
    return flat.size, left, values, whole, -(-pruned // 8), -(-fixed // 8), -(-coded // 8)
