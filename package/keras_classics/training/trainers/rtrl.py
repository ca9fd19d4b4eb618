"""Learning recurrent networks forward in time: RTRL, SnAp-1 and UORO.

Backpropagation through time needs the whole past; these carry the derivative of the state by the
parameters along instead, so that a network can learn at every step of an endless sequence.

With H units and P parameters (of the order of H squared) a step costs, for one sequence:

| method | time | memory | |
|---|---|---|---|
| RTRL | `O(H^2 P)` | `O(H P)` | exact while the weights stand still |
| SnAp-1 | `O(P)`; as RTRL for the GRU that resets first | `O(P)` | biased |
| UORO | `O(P)` | `O(P)` | unbiased, noisy |

Williams, Zipser, "A learning algorithm for continually running fully recurrent neural networks",
Neural Computation 1, 1989. Menick, Elsen, Evci, Osindero, Simonyan, Graves, "Practical real time
recurrent learning with a sparse approximation", ICLR 2021. Tallec, Ollivier, "Unbiased online
recurrent optimization", ICLR 2018.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.graphs.gradients import compiled, compiled_update, value_and_gradients
from keras_classics.core.types import Count, Tensor
from keras_classics.training.trainers.cell_equations import (
    Block,
    CellEquations,
    MadeStep,
    cell_equations,
)

UPDATES = ("step", "sequence")


class ExactInfluence:
    """RTRL: the derivative of every state by every parameter, `(B, K * H, Q * G * H)` a block.

    `advance` of every method takes random signs `(B, K, H)`; only UORO uses them.
    """

    def start(self, step: MadeStep) -> list[Tensor]:
        """No influence yet."""
        return [ops.zeros_like(self.immediate(step, block)) for block in step.blocks]

    def advance(self, step: MadeStep, influence: list[Tensor], signs: Tensor) -> list[Tensor]:
        """Move the old influence through the step and add the step's own."""
        transition = step.transition()
        return [
            ops.matmul(transition, old) + self.immediate(step, block)
            for block, old in zip(step.blocks, influence, strict=True)
        ]

    def immediate(self, step: MadeStep, block: Block) -> Tensor:
        """Influence of a block within the step."""
        product = ops.einsum("bkigj,bq->bkiqgj", step.dense(block), block.source)
        size = step.states.shape[1] * step.states.shape[2]
        return ops.reshape(product, (-1, size, block.source.shape[1] * _sums(block)))

    def gradients(self, step: MadeStep, influence: list[Tensor], by_states: Tensor) -> list[Tensor]:
        """From the loss's derivative by the states `(B, K, H)` to that by each block."""
        flat = ops.reshape(by_states, (-1, by_states.shape[1] * by_states.shape[2]))
        return [
            ops.reshape(ops.einsum("bs,bsp->p", flat, whole), (-1, *block.direct.shape[2:]))
            for block, whole in zip(step.blocks, influence, strict=True)
        ]


class MaskedInfluence(ExactInfluence):
    """SnAp-1 of a cell in which a step connects units: RTRL, kept where one step reaches.

    Where it can reach follows from the equations, not from the numbers: an input of zero, as most
    are in one-hot vectors, has no influence now and keeps that of the steps before.
    """

    def advance(self, step: MadeStep, influence: list[Tensor], signs: Tensor) -> list[Tensor]:
        """As RTRL does, then forget what a step alone cannot move."""
        whole = super().advance(step, influence, signs)
        return [
            ops.where(self.reached(step, block), new, ops.zeros_like(new))
            for block, new in zip(step.blocks, whole, strict=True)
        ]

    def reached(self, step: MadeStep, block: Block) -> np.ndarray:
        """Which entries of the influence, `(K * H, Q * G * H)`, a step can move."""
        reach = step.reach(block)[None, :, None]
        kinds, sources = step.states.shape[1], block.source.shape[1]
        pattern = np.tile(reach, (kinds, 1, sources, 1, 1))
        return pattern.reshape(kinds * reach.shape[1], -1)


class OwnInfluence:
    """SnAp-1: the derivative of a unit's own states by its own weights, `(B, K, Q, G, H)`."""

    def start(self, step: MadeStep) -> list[Tensor]:
        """No influence yet."""
        return [ops.zeros_like(self.immediate(block)) for block in step.blocks]

    def advance(self, step: MadeStep, influence: list[Tensor], signs: Tensor) -> list[Tensor]:
        """Move the old influence along each unit's own path and add the step's own."""
        transition = step.own_transition()
        return [
            ops.einsum("bkli,blqgi->bkqgi", transition, old) + self.immediate(block)
            for block, old in zip(step.blocks, influence, strict=True)
        ]

    def immediate(self, block: Block) -> Tensor:
        """Influence of a block within the step."""
        return block.direct[:, :, None] * block.source[:, None, :, None, None]

    def gradients(self, step: MadeStep, influence: list[Tensor], by_states: Tensor) -> list[Tensor]:
        """From the loss's derivative by the states `(B, K, H)` to that by each block."""
        return [ops.einsum("bki,bkqgi->qgi", by_states, whole) for whole in influence]


class RankOneInfluence:
    """UORO: the influence as one random product of a state vector and a parameter vector."""

    def start(self, step: MadeStep) -> list[Tensor]:
        """No influence yet: first the state's vector, then each block's."""
        blocks = [
            ops.zeros_like(block.source[:, :, None, None] * block.direct[:, :1])
            for block in step.blocks
        ]
        return [ops.zeros_like(step.states), *blocks]

    def advance(self, step: MadeStep, influence: list[Tensor], signs: Tensor) -> list[Tensor]:
        """Move both vectors, and mix the step's own influence in with random signs."""
        old_state, *old_blocks = influence
        kinds, units = step.states.shape[1:]
        flat = ops.reshape(old_state, (-1, kinds * units))
        moved = ops.einsum("bst,bt->bs", step.transition(), flat)
        moved = ops.reshape(moved, (-1, kinds, units))
        pulled = [
            block.source[:, :, None, None] * step.pulled(block, signs)[:, None]
            for block in step.blocks
        ]
        # These scales make the variance least; the guard serves the first step, from nothing.
        old_scale = ops.sqrt((_norm(old_blocks) + GUARD) / (_norm([moved]) + GUARD))
        new_scale = ops.sqrt((_norm(pulled) + GUARD) / (_norm([signs]) + GUARD))
        state = _by_row(old_scale, moved) * moved + _by_row(new_scale, signs) * signs
        blocks = [
            old / _by_row(old_scale, old) + new / _by_row(new_scale, new)
            for old, new in zip(old_blocks, pulled, strict=True)
        ]
        return [state, *blocks]

    def gradients(self, step: MadeStep, influence: list[Tensor], by_states: Tensor) -> list[Tensor]:
        """From the loss's derivative by the states `(B, K, H)` to an estimate for each block."""
        state, *blocks = influence
        along = ops.sum(by_states * state, axis=(1, 2))
        return [ops.einsum("b,bqgi->qgi", along, block) for block in blocks]


GUARD = 1e-12
METHODS = ("rtrl", "snap1", "uoro")


class ForwardTrainer:
    """Trains a recurrent cell and what reads its output, step by step, forward in time.

    Args:
        cell: `SimpleRNNCell`, `LSTMCell` or `GRUCell` of Keras, our `CourseGRUCell`, or our
            `LSTMVariantCell` (no forget gate, coupled gates, peepholes) without projection; such as
            `keras.layers.LSTM(8).cell` or `kc.layers.recurrent_layer("lstm_peephole", 8).cell`.
        readout: Layer or model from the cell's output `(batch, units)` to predictions.
        loss: Keras loss, or its name; of one step, averaged over the batch.
        optimizer: Keras optimizer, or its name.
        method: `"rtrl"` (exact), `"snap1"` or `"uoro"`.
        update: `"step"`: the weights move at every step, and the influence is that of slightly
            older weights, wrong in the order of the learning rate; `"sequence"`: they move at the
            end of a sequence, by the sum of its steps' gradients.
        seed: Seed of UORO's signs and of `fit`'s shuffling.

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        sequences = np.random.default_rng(0).normal(size=(4, 10, 3))
        sums = sequences.sum(axis=2, keepdims=True).cumsum(axis=1)
        cell = kc.layers.recurrent_layer("elman", 8).cell
        trainer = kc.training.ForwardTrainer(cell, keras.layers.Dense(1), method="snap1")
        losses = trainer.fit(sequences, sums, epochs=2, batch_size=4)  # one of each epoch
        ```
    """

    @checked
    def __init__(
        self,
        cell: keras.layers.Layer,
        readout: keras.Model | keras.layers.Layer,
        loss: str | keras.losses.Loss | Callable[[Tensor, Tensor], Tensor] = "mse",
        optimizer: str | keras.optimizers.Optimizer = "sgd",
        *,
        method: str = "rtrl",
        update: str = "step",
        seed: int | None = None,
    ) -> None:
        check_choice("method", method, METHODS)
        check_choice("update", update, UPDATES)
        self.cell = cell
        self.readout = readout
        self.loss = keras.losses.get(loss)
        self.optimizer = keras.optimizers.get(optimizer)
        self.method = method
        self.update = update
        self.shuffle = np.random.default_rng(seed)
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.equations: CellEquations | None = None
        self.states: Tensor | None = None
        self.influence: list[Tensor] | None = None

    @property
    def trainable_variables(self) -> list:
        """The cell's and the readout's, in the order of `gradients`."""
        return [*self.cell.trainable_variables, *self.readout.trainable_variables]

    @checked
    def reset(self, rows: ArrayLike | Tensor | None = None) -> None:
        """Forget the past: of all sequences, or of those rows of the batch that are true."""
        if rows is None or self.states is None or self.influence is None:
            self.states = self.influence = None
            return
        keep = ops.logical_not(ops.convert_to_tensor(rows, "bool"))
        self.states = _kept(keep, self.states)
        self.influence = [_kept(keep, part) for part in self.influence]

    @checked
    def step(self, inputs: Tensor, targets: Tensor) -> float:
        """Read one step of every sequence and learn from it.

        Args:
            inputs: `(batch, features)`.
            targets: What the loss compares with the readout's `(batch, ...)`.

        Returns:
            Loss of the step, before its update.
        """
        value, gradients = self._forward(inputs, targets)
        self._update(gradients)
        return float(value)

    @checked
    def gradients(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[float, list]:
        """Loss summed over whole sequences and its gradients, with the weights standing still.

        Args:
            inputs: `(batch, time, features)`.
            targets: `(batch, time, ...)`.
        """
        self.reset()
        total = 0.0
        summed: list[Tensor] = []
        for t in range(inputs.shape[1]):
            value, gradients = self._forward(inputs[:, t], targets[:, t])
            total += float(value)
            summed = list(map(ops.add, summed, gradients)) if summed else gradients
        return total, summed

    @checked
    def fit(
        self, inputs: ArrayLike, targets: ArrayLike, *, epochs: int = 1, batch_size: Count = 1
    ) -> list[float]:
        """Learn from sequences of one length; the past is forgotten between them.

        Args:
            inputs: `(sequences, time, features)`.
            targets: `(sequences, time, ...)`.
            epochs: Passes over the sequences, in a new order each.
            batch_size: Sequences read side by side; 1 is online learning, all of them one batch.

        Returns:
            Mean loss per step of each epoch.

        Raises:
            InputError: Inputs and targets differ in number or length.
        """
        inputs, targets = np.asarray(inputs), np.asarray(targets)
        if inputs.shape[:2] != targets.shape[:2]:
            raise InputError(
                f"Inputs of {inputs.shape} and targets of {targets.shape} were given",
                "as many sequences, and as many steps, in both",
                "Give every step of every sequence its target.",
            )
        losses = []
        for _ in range(epochs):
            order = self.shuffle.permutation(len(inputs))
            total = 0.0
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                total += len(rows) * self._learn(inputs[rows], targets[rows])
            losses.append(total / (len(inputs) * inputs.shape[1]))
        return losses

    def _learn(self, inputs: np.ndarray, targets: np.ndarray) -> float:
        if self.update == "sequence":
            value, gradients = self.gradients(inputs, targets)
            self._update(gradients)
            return value
        self.reset()
        return sum(self.step(inputs[:, t], targets[:, t]) for t in range(inputs.shape[1]))

    def _forward(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, list[Tensor]]:
        equations = self._build(inputs)
        inputs = ops.convert_to_tensor(inputs, self.cell.compute_dtype)
        targets = ops.convert_to_tensor(targets)
        shape = (inputs.shape[0], equations.kinds, self.cell.units)
        if self.states is None:
            self.states = ops.zeros(shape, inputs.dtype)
        signs = ops.sign(keras.random.uniform(shape, -1, 1, seed=self.seed_generator))
        value, gradients, self.states, self.influence = self._advance(
            [variable.value for variable in self.cell.trainable_variables],
            [variable.value for variable in self.readout.trainable_variables],
            [variable.value for variable in self.readout.non_trainable_variables],
            inputs,
            targets,
            self.states,
            self.influence,
            ops.cast(signs, inputs.dtype),
        )
        return value, gradients

    def _advanced(
        self,
        cell: list[Tensor],
        readout: list[Tensor],
        fixed: list[Tensor],
        inputs: Tensor,
        targets: Tensor,
        states: Tensor,
        influence: list[Tensor] | None,
        signs: Tensor,
    ) -> tuple[Tensor, list[Tensor], Tensor, list[Tensor]]:
        """One step as a pure function: loss, gradients, new states, new influence."""
        equations = cast(CellEquations, self.equations)
        step = equations.step(cell, inputs, states)
        influence = self.rule.start(step) if influence is None else influence
        influence = self.rule.advance(step, influence, signs)

        def loss(output: Tensor, *readout: Tensor) -> Tensor:
            predictions, _ = self.readout.stateless_call(list(readout), fixed, output)
            return ops.mean(self.loss(targets, predictions))

        value, (by_output, *by_readout) = value_and_gradients(loss, [step.states[:, 0], *readout])
        by_states = ops.pad(by_output[:, None], ((0, 0), (0, equations.kinds - 1), (0, 0)))
        by_cell = equations.assemble(self.rule.gradients(step, influence, by_states))
        return value, [*by_cell, *by_readout], step.states, influence

    def _build(self, inputs: Tensor) -> CellEquations:
        if self.equations is not None:
            return self.equations
        equations = cell_equations(self.cell)
        if not self.cell.built:
            self.cell.build(tuple(inputs.shape))
        if not self.readout.built:
            self.readout.build((None, self.cell.units))
        self.equations = equations
        coupled = equations.gate is not None
        self.rule = {
            "rtrl": ExactInfluence,
            "snap1": MaskedInfluence if coupled else OwnInfluence,
            "uoro": RankOneInfluence,
        }[self.method]()
        self._advance = compiled(self._advanced)
        self.optimizer.build(self.trainable_variables)
        self._update = compiled_update(self.optimizer, self.trainable_variables)
        return equations


def _sums(block: Block) -> int:
    """Number of sums a block feeds."""
    return block.direct.shape[2] * block.direct.shape[3]


def _norm(parts: list[Tensor]) -> Tensor:
    """Euclidean length over all parts, of each row of the batch."""
    squares = [ops.sum(part**2, axis=tuple(range(1, len(part.shape)))) for part in parts]
    return ops.sqrt(sum(squares))


def _by_row(values: Tensor, like: Tensor) -> Tensor:
    """`(B,)` in the rank of another tensor."""
    return ops.reshape(values, (-1, *(1,) * (len(like.shape) - 1)))


def _kept(keep: Tensor, part: Tensor) -> Tensor:
    """The rows that are true, zeros for the others."""
    return ops.where(_by_row(keep, part), part, ops.zeros_like(part))
