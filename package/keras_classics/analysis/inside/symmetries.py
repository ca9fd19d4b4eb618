"""Weight-space symmetries: other weights, the same network.

Hidden units can be put in another order, and, where their activation is odd as tanh is, have all
they receive and all they send negated. So a layer of H such units has `2^H H!` equivalent sets of
weights, and a network the product over its layers. (Hecht-Nielsen, "On the algebraic structure of
feedforward network weight spaces", 1990; Sussmann, Neural Networks 5, 1992.) Recurrent layers have
the same group: only what becomes the state changes its sign, gates do not.

    symmetry = kc.analysis.symmetries.draw(units=8, seed=1)
    kc.analysis.symmetries.apply(symmetry, model.get_layer("hidden"), [model.get_layer("output")])
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.layers.recurrent.feedback_and_course_cells import CourseGRUCell
from keras_classics.layers.recurrent.lstm_cells import LSTMVariantCell

__all__ = ["Symmetry", "apply", "count", "draw", "every"]

# Of wider layers the number of symmetries has a hundred thousand digits.
MOST_UNITS = 10_000
Layer: TypeAlias = keras.layers.Layer

# Blocks of a cell's fused weights; the candidate becomes the state, the others are gates.
_GRU_BLOCKS = ("update", "reset", "candidate")
_BLOCKS = {
    keras.layers.SimpleRNNCell: ("candidate",),
    keras.layers.LSTMCell: ("input", "forget", "candidate", "output"),
    keras.layers.GRUCell: _GRU_BLOCKS,
    CourseGRUCell: _GRU_BLOCKS,
}


@dataclass(frozen=True)
class Symmetry:
    """An order of the units of a layer, and their signs.

    Attributes:
        order: For each new unit, the old one it was.
        signs: For each new unit, 1, or -1 where it is negated.
    """

    order: tuple[int, ...]
    signs: tuple[int, ...]

    @checked
    def moved(self, values: ArrayLike, axis: int = -1) -> np.ndarray:
        """Hidden values, such as a first state, as the equivalent network has them."""
        values = np.take(np.asarray(values), self.order, axis=axis)
        return np.swapaxes(np.swapaxes(values, axis, -1) * self.signs, axis, -1)

    @checked
    def ordered(self, values: ArrayLike) -> np.ndarray:
        """Values of units that have no sign to change, in the new order; along the last axis."""
        return np.asarray(values)[..., self.order]


@checked
def count(*units: int) -> int:
    """Number of equivalent sets of weights of a network, `2^H H!` for every hidden layer.

    Args:
        *units: Width H of each hidden layer.

    Returns:
        The product over the layers.

    Raises:
        InputError: A layer has less than none, or more than 10,000.
    """
    for width in units:
        check_whole("units", width, 0, largest=MOST_UNITS)
    return math.prod(2**width * math.factorial(width) for width in units)


@checked
def every(units: int) -> Iterator[Symmetry]:
    """All symmetries of a layer.

    Args:
        units: Width of the layer; there are `count(units)`, too many from some eight units on.

    Yields:
        Each once, the identity first.
    """
    check_whole("units", units, 0, largest=MOST_UNITS)
    for order in permutations(range(units)):
        for signs in product((1, -1), repeat=units):
            yield Symmetry(order, signs)


@checked
def draw(units: int, seed: int | None = None) -> Symmetry:
    """Draw one of a layer's symmetries, all equally likely.

    Args:
        units: Width of the layer.
        seed: Chooses it; another one at every call by default.

    Returns:
        The symmetry, for `apply`.

    Example:
        ```python
        kc.analysis.symmetries.draw(3, seed=1)  # an order of three units, and a sign for each
        ```
    """
    check_whole("units", units, 0, largest=MOST_UNITS)
    generator = np.random.default_rng(seed)
    order, signs = generator.permutation(units), generator.choice((1, -1), units)
    return Symmetry(tuple(order.tolist()), tuple(signs.tolist()))


@checked
def apply(symmetry: Symmetry, layer: Layer, readers: Sequence[Layer]) -> None:
    """Give a network the equivalent weights, in place; what it computes does not change.

    States given from outside have to be `symmetry.moved` too.

    Args:
        symmetry: Order and signs of the layer's units.
        layer: Built `Dense`, `SimpleRNN`, `LSTM`, `GRU`, or a layer around `LSTMVariantCell`
            (without projection) or `CourseGRUCell`.
        readers: All layers that read the layer's output, of the same kinds.

    Raises:
        InputError: A layer is of another kind or width, or a sign is negative and the activation
            not odd; no weight has changed.

    Example:
        ```python
        model = kc.models.rnn("many_to_many", outputs=4, input_size=3, cell="lstm", units=8)
        symmetry = kc.analysis.symmetries.draw(8, seed=1)
        readers = [model.get_layer("predictions")]
        kc.analysis.symmetries.apply(symmetry, model.get_layer("recurrent_1"), readers)
        ```
    """
    held, blocks = _weights_and_blocks(layer)
    units = held.units
    if len(symmetry.order) != units:
        raise InputError(
            f"A symmetry of {len(symmetry.order)} units was given for {layer.name!r}",
            f"one of {units} units",
            f"Draw it: draw({units}).",
        )
    if -1 in symmetry.signs:
        _check_odd(layer, held.activation)
    changes = []
    for name in ("kernel", "recurrent_kernel", "bias"):
        variable = getattr(held, name, None)
        if variable is not None:
            values = _by_block(symmetry, ops.convert_to_numpy(variable), blocks)
            if name == "recurrent_kernel":
                values = symmetry.moved(values, axis=0)
            changes.append((variable, values))
    if getattr(held, "peepholes", False):
        # The gate must see what it saw, of a cell whose sign has changed.
        seen = symmetry.moved(ops.convert_to_numpy(held.peephole_kernel))
        changes.append((held.peephole_kernel, seen))
    for reader in readers:
        kernel = _weights_and_blocks(reader)[0].kernel
        _check_reads(reader, kernel, units)
        changes.append((kernel, symmetry.moved(ops.convert_to_numpy(kernel), axis=0)))
    for variable, values in changes:
        variable.assign(values)


def _by_block(symmetry: Symmetry, values: np.ndarray, blocks: Sequence[str]) -> np.ndarray:
    """Fused weights `(..., blocks * units)` with the units of every block moved."""
    parts = zip(blocks, np.split(values, len(blocks), axis=-1), strict=True)
    return np.concatenate(
        [
            symmetry.moved(part) if block == "candidate" else symmetry.ordered(part)
            for block, part in parts
        ],
        axis=-1,
    )


def _weights_and_blocks(layer: Layer) -> tuple[Layer, Sequence[str]]:
    """The layer that holds the weights, a dense one or a cell, and the blocks in them."""
    if isinstance(layer, keras.layers.Dense):
        return layer, ("candidate",)
    cell = getattr(layer, "cell", None)
    if type(cell) is LSTMVariantCell and not cell.projection:
        return cell, cell.blocks
    if type(cell) in _BLOCKS:
        return cell, _BLOCKS[type(cell)]
    known = ["Dense", *(kind.__name__ for kind in _BLOCKS), "LSTMVariantCell without projection"]
    raise InputError(
        f"{layer.name!r} is a {type(cell or layer).__name__}",
        ", ".join(known),
        "The symmetries of other layers are not known here.",
    )


def _check_odd(layer: Layer, activation: Any) -> None:
    points = np.linspace(0.1, 3.0, 7, dtype="float32")
    right, left = (
        ops.convert_to_numpy(activation(ops.convert_to_tensor(x))) for x in (points, -points)
    )
    if not np.allclose(right, -left, atol=1e-5):
        raise InputError(
            f"{layer.name!r} has the activation {activation.__name__}, which is not odd",
            "signs all 1, or an odd activation such as tanh",
            "Keep the signs; only the order of such units is free.",
        )


def _check_reads(reader: Layer, kernel: Any, units: int) -> None:
    if kernel.shape[0] != units:
        raise InputError(
            f"{reader.name!r} reads {kernel.shape[0]} values",
            f"layers that read the {units} units and nothing else",
            "Name the layers that read this layer's output.",
        )
