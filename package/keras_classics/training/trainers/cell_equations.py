"""One step of a recurrent cell with its derivatives, as learning forward in time needs them.

The cells of Elman, of the LSTM and of the GRU act unit by unit between their matrix products: new
states are element-wise functions of the old ones and of the products' sums. So every derivative
follows from element-wise ones, which automatic differentiation gives for a whole batch at once.
Peepholes are element-wise too: a unit's own weights, which learn as biases do.

Shapes: batch B, K states of H units each (the first is the output), G gates, Q inputs of a product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from keras_classics.core.errors import InputError
from keras_classics.core.graphs.gradients import value_and_gradients
from keras_classics.core.types import Tensor
from keras_classics.layers.recurrent.feedback_and_course_cells import CourseGRUCell
from keras_classics.layers.recurrent.lstm_cells import BLOCKS, LSTMVariantCell


@dataclass(frozen=True)
class Block:
    """A part of a weight, `(Q, G, H)`: which sums it feeds and what it multiplies there.

    Attributes:
        source: What the weight multiplies, `(B, Q)`.
        direct: Derivative of the new states of a unit by the unit's own sums, `(B, K, G, H)`.
        gated: Derivative of the inner product's operand by the sums, `(B, G, H)`; `None` where
            the sums do not reach it.
        gating: Numbers of the gates whose sums reach that operand, and by it every unit.
    """

    source: Tensor
    direct: Tensor
    gated: Tensor | None = None
    gating: tuple[int, ...] = ()


@dataclass(frozen=True)
class MadeStep:
    """A step that was made, and its derivatives.

    Attributes:
        states: New states `(B, K, H)`.
        blocks: The cell's parameters, in the order of `CellEquations.assemble`.
        by_states: Derivative of the new states of a unit by its own old ones, `(B, K, K, H)`,
            products left out.
        recurrent: Recurrent kernel `(H, G, H)`, without the inner product's part.
        spread: Derivative of the new states by the inner product's operand, `(B, K, H, H)`.
        gated_states: Derivative of that operand by the unit's old states, `(B, K, H)`.
    """

    states: Tensor
    blocks: list[Block]
    by_states: Tensor
    recurrent: Tensor
    spread: Tensor | None = None
    gated_states: Tensor | None = None

    def transition(self) -> Tensor:
        """Derivative of the new states by the old ones, `(B, K * H, K * H)`."""
        whole = _diagonal(self.by_states)
        if self.spread is not None:
            whole = whole + ops.einsum("bkij,blj->bkilj", self.spread, self.gated_states)
        sums = self.dense(self.blocks[1])
        by_output = ops.einsum("bkigj,mgj->bkim", sums, self.recurrent)
        whole = whole + _first_state(by_output, axis=3, states=self.by_states.shape[1])
        size = whole.shape[1] * whole.shape[2]
        return ops.reshape(whole, (-1, size, size))

    def own_transition(self) -> Tensor:
        """The part of `transition` that stays within a unit, `(B, K, K, H)`."""
        loops = ops.diagonal(self.recurrent, axis1=0, axis2=2)
        by_output = ops.einsum("bkgi,gi->bki", self.blocks[1].direct, loops)
        return self.by_states + _first_state(by_output, axis=2, states=self.by_states.shape[1])

    def dense(self, block: Block) -> Tensor:
        """Derivative of the new states of all units by a block's sums, `(B, K, H, G, H)`."""
        whole = _diagonal(block.direct)
        if block.gated is not None:
            whole = whole + ops.einsum("bkij,bgj->bkigj", self.spread, block.gated)
        return whole

    def reach(self, block: Block) -> np.ndarray:
        """Whether a sum can move a unit within the step, `(H, G, H)`, whatever the numbers."""
        _, _, gates, units = block.direct.shape
        reached = np.zeros((units, gates, units), bool)
        reached[np.arange(units), :, np.arange(units)] = True
        reached[:, list(block.gating)] = True
        return reached

    def pulled(self, block: Block, direction: Tensor) -> Tensor:
        """`direction (B, K, H)` times `dense(block)`: `(B, G, H)`, without building the latter."""
        result = ops.einsum("bki,bkgi->bgi", direction, block.direct)
        if block.gated is not None:
            reached = ops.einsum("bki,bkij->bj", direction, self.spread)
            result = result + reached[:, None] * block.gated
        return result


@dataclass(frozen=True)
class CellEquations:
    """What is particular to one kind of cell.

    A step is `states = unit(states, a, r, gate(states, a, r) U_inner, p)`, with `a` the sums of
    the input, `r` those of the output before, `(B, G, H)`, and `p` the peepholes. Only the GRU that
    resets before its product has an inner one; its recurrent sums are those of the other gates.

    Attributes:
        cell: Keras cell.
        kinds: Number of states, K.
        gates: Number of gates, G.
        unit: `(states, a, r, inner sums, peepholes) -> new states`, element-wise.
        gate: `(states, a, r) -> operand of the inner product`, element-wise, or `None`.
        gating: Numbers of the gates whose sums `gate` reads.
        peepholes: Whether the last of the cell's weights are peepholes, `(gates, units)`.
    """

    cell: keras.layers.Layer
    kinds: int
    gates: int
    unit: Callable[..., list[Tensor]]
    gate: Callable[..., Tensor] | None = None
    gating: tuple[int, ...] = ()
    peepholes: bool = False

    def step(self, weights: list[Tensor], inputs: Tensor, states: Tensor) -> MadeStep:
        """Make a step and differentiate it.

        Args:
            weights: The cell's trainable variables, in their order, or other values for them.
            inputs: `(B, I)`.
            states: `(B, K, H)`.
        """
        units, gates = self.cell.units, self.gates
        kernel, recurrent = (ops.reshape(w, (-1, gates, units)) for w in weights[:2])
        biases = weights[2:-1] if self.peepholes else weights[2:]
        biases = [ops.reshape(w, (-1, gates, units)) for w in biases]
        biases = [row for rows in biases for row in ops.unstack(rows, axis=0)]
        outer = gates if self.gate is None else gates - 1
        output, inner_kernel = states[:, 0], recurrent[:, outer:]
        recurrent = recurrent[:, :outer]
        a = ops.tensordot(inputs, kernel, 1) + sum(biases[:1])
        r = ops.tensordot(output, recurrent, 1) + sum(biases[1:])
        own = ops.zeros_like(a[:, :0])
        if self.peepholes:
            # A row for each sequence, so that the derivatives are element-wise in the batch too.
            own = weights[-1] + ops.zeros_like(a[:, :1])

        inner = self.gate
        if inner is None:
            more, gated_by = ops.zeros_like(a[:, :0]), [None] * 3
        else:
            operand, partials = _partials(lambda *given: [inner(*given)], states, a, r)
            operand, gated_by = operand[:, 0], [partial[:, 0] for partial in partials]
            more = ops.tensordot(operand, inner_kernel, 1)
        new, partials = _partials(self.unit, states, a, r, more, own)
        by_states, by_a, by_r, by_more, by_own = partials

        gated_states, gated_a, gated_r = gated_by
        gating = self.gating
        blocks = [Block(inputs, by_a, gated_a, gating), Block(output, by_r, gated_r, gating)]
        spread = None
        if self.gate is not None:
            spread = ops.einsum("bkgi,jgi->bkij", by_more, inner_kernel)
            blocks.append(Block(operand, by_more))
        one = ops.ones_like(inputs[:, :1])
        sums = [(by_a, gated_a, gating), (by_r, gated_r, gating)]
        blocks += [Block(one, *each) for each in sums[: len(biases)]]
        if self.peepholes:
            blocks.append(Block(one, by_own))
        return MadeStep(new, blocks, by_states, recurrent, spread, gated_states)

    def assemble(self, blocks: list[Tensor]) -> list[Tensor]:
        """From one array `(Q, G, H)` for each block to one for each of the cell's weights."""
        kernel, recurrent, *rest = blocks
        if self.gate is not None:
            recurrent = ops.concatenate([recurrent, rest.pop(0)], axis=1)
        peepholes = [rest.pop()] if self.peepholes else []
        biases = [ops.concatenate(rest, axis=0)] if rest else []
        weights = [kernel, recurrent, *biases, *peepholes]
        shapes = [variable.shape for variable in self.cell.trainable_variables]
        return [ops.reshape(w, shape) for w, shape in zip(weights, shapes, strict=True)]


def cell_equations(cell: keras.layers.Layer) -> CellEquations:
    """The equations of a cell: `SimpleRNNCell`, `LSTMCell`, `GRUCell`, or one of our variants.

    Raises:
        InputError: The cell is of another kind, or projects its output.
    """
    # Not its subclasses: the multiplicative LSTM is one, of other equations.
    equations = _EQUATIONS.get(type(cell))
    if equations is None:
        raise InputError(
            f"A {type(cell).__name__} was given",
            ", ".join(kind.__name__ for kind in _EQUATIONS),
            "Pass the cell of such a layer: keras.layers.LSTM(8).cell.",
        )
    return equations(cell)


def _elman(cell: keras.layers.Layer) -> CellEquations:
    return CellEquations(cell, 1, 1, lambda states, a, r, *_: [cell.activation(a + r)[:, 0]])


def _lstm(cell: keras.layers.Layer, forget: str = "gate", peepholes: bool = False) -> CellEquations:
    gates = [block for block in BLOCKS[forget] if block != "candidate"]

    def unit(states: Tensor, a: Tensor, r: Tensor, _: Tensor, own: Tensor) -> list[Tensor]:
        sums = dict(zip(BLOCKS[forget], ops.unstack(a + r, axis=1), strict=True))
        memory = states[:, 1]

        def gate(name: str, memory: Tensor) -> Tensor:
            peeped = own[:, gates.index(name)] * memory if peepholes else 0.0
            return cell.recurrent_activation(sums[name] + peeped)

        kept = 1.0 if forget == "none" else gate("forget", memory)
        into = 1.0 - kept if forget == "coupled" else gate("input", memory)
        memory = kept * memory + into * cell.activation(sums["candidate"])
        return [gate("output", memory) * cell.activation(memory), memory]

    return CellEquations(cell, 2, len(BLOCKS[forget]), unit, peepholes=peepholes)


def _lstm_variant(cell: LSTMVariantCell) -> CellEquations:
    if cell.projection:
        raise InputError(
            f"An LSTMVariantCell with projection={cell.projection} was given",
            "projection=None, for the new states of a unit must be functions of its own sums",
            "Leave the projection out, and let the readout project.",
        )
    return _lstm(cell, cell.forget, cell.peepholes)


def _gru(cell: keras.layers.Layer) -> CellEquations:
    course = isinstance(cell, CourseGRUCell)

    def merged(states: Tensor, update: Tensor, candidate: Tensor) -> list[Tensor]:
        update, candidate = cell.recurrent_activation(update), cell.activation(candidate)
        kept = 1.0 - update if course else update
        return [kept * states[:, 0] + (1.0 - kept) * candidate]

    def reset_after(states: Tensor, a: Tensor, r: Tensor, *_: Tensor) -> list[Tensor]:
        reset = cell.recurrent_activation(a[:, 1] + r[:, 1])
        return merged(states, a[:, 0] + r[:, 0], a[:, 2] + reset * r[:, 2])

    def reset_before(
        states: Tensor, a: Tensor, r: Tensor, inner: Tensor, _: Tensor
    ) -> list[Tensor]:
        return merged(states, a[:, 0] + r[:, 0], a[:, 2] + inner[:, 0])

    def reset(states: Tensor, a: Tensor, r: Tensor) -> Tensor:
        return cell.recurrent_activation(a[:, 1] + r[:, 1]) * states[:, 0]

    if not course and cell.reset_after:
        return CellEquations(cell, 1, 3, reset_after)
    return CellEquations(cell, 1, 3, reset_before, reset, gating=(1,))


_EQUATIONS = {
    keras.layers.SimpleRNNCell: _elman,
    keras.layers.LSTMCell: _lstm,
    keras.layers.GRUCell: _gru,
    CourseGRUCell: _gru,
    LSTMVariantCell: _lstm_variant,
}


def _partials(
    function: Callable[..., list[Tensor]], *arguments: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """Outputs `(B, K, ...)` of an element-wise function, and their derivatives `(B, K, ...)`."""
    outputs = function(*arguments)
    # The sum's derivative is each element's own, for no element reads another's arguments.
    rows = [
        value_and_gradients(lambda *given, k=k: ops.sum(function(*given)[k]), arguments)[1]
        for k in range(len(outputs))
    ]
    return ops.stack(outputs, axis=1), [ops.stack(row, axis=1) for row in zip(*rows, strict=True)]


def _diagonal(partial: Tensor) -> Tensor:
    """`(B, K, G, H)` to `(B, K, H, G, H)`, zero between different units."""
    return ops.einsum("bkgi,ij->bkigj", partial, ops.eye(partial.shape[-1], dtype=partial.dtype))


def _first_state(partial: Tensor, *, axis: int, states: int) -> Tensor:
    """Put an axis of states in, where only the first, the output, has a derivative."""
    partial = ops.expand_dims(partial, axis)
    widths = [(0, 0)] * len(partial.shape)
    widths[axis] = (0, states - 1)
    return ops.pad(partial, widths)
