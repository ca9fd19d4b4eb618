"""Finite automata as recurrent networks: built, not learned.

Minsky, "Computation: finite and infinite machines", 1967: threshold units that feed each other are
every finite automaton. An Elman network has a unit for each pair of a state and a symbol, on where
the automaton was in this state and read this symbol; it is told by the units of the pairs that lead
to the state, and by the symbol. All sums are whole numbers and a half away from the threshold, so
strings of any length are answered exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_even, check_places, check_whole
from keras_classics.core.types import Name, Whole, Wholes
from keras_classics.layers.image.activations import threshold
from keras_classics.models.recurrent.rnn import rnn

# Pairs of a state and a symbol whose network still has weights of moderate size, 256 MiB.
MOST_PAIRS = 8192


@checked
@dataclass(frozen=True, eq=False)
class Automaton:
    """A finite automaton that answers at every symbol (Mealy 1955).

    Attributes:
        transitions: The next state, int `(states, symbols)`.
        outputs: The answer, int `(states, symbols)` from 0 on; by default the next state.
        start: The first state.

    Raises:
        InputError: A state does not exist, or the tables have different shapes.
    """

    transitions: np.ndarray | Sequence
    outputs: np.ndarray | Sequence | None = None
    start: int = 0

    def __post_init__(self) -> None:
        moves = _checked("transitions", self.transitions)
        answers = moves if self.outputs is None else _checked("outputs", self.outputs)
        check_whole("start", self.start, 0, "Number a state of the table.", largest=len(moves) - 1)
        if moves.shape != answers.shape or moves.max() >= len(moves):
            raise InputError(
                f"Transitions of shape {moves.shape} to states up to {moves.max()} and outputs "
                f"of shape {answers.shape} were given",
                "a row for each state that occurs, and tables of one shape",
                "Add the rows that are missing, and an output for each transition.",
            )
        object.__setattr__(self, "transitions", moves)
        object.__setattr__(self, "outputs", answers)

    @checked
    def run(self, symbols: Wholes) -> list[int]:
        """The answer at each symbol.

        Raises:
            InputError: There is no such symbol.
        """
        check_places("symbols", symbols, np.shape(self.transitions)[1])
        state, moves, answers = self.start, np.asarray(self.transitions), np.asarray(self.outputs)
        given = []
        for symbol in symbols:
            given.append(int(answers[state, symbol]))
            state = moves[state, symbol]
        return given


@checked
def automaton(
    machine: Automaton | np.ndarray | Sequence, *, name: Name = "automaton"
) -> keras.Model:
    """Build the recurrent network of a finite automaton.

    Args:
        machine: The automaton, or its transitions, int `(states, symbols)`, where it starts in
            state 0 and the states are its answers.
        name: Name of the model.

    Returns:
        A model of `kc.models.rnn("many_to_many", ...)` from symbols int `(batch, time)` to `(batch,
        time, outputs)`, 1 at the answer and 0 elsewhere. It has `states * symbols + 1` units. What
        is no symbol of the automaton, which `Automaton.run` refuses, leaves no unit on, and from
        there on no answer.

    Raises:
        InputError: The automaton is none, or too large for a network.

    Example:
        ```python
        parity = kc.models.automaton([[0, 1], [1, 0]])  # in state 1 after an odd number of ones
        bits = np.array([[1, 1, 0, 1]])
        parity.predict(bits, verbose=0).argmax(-1)  # [[1, 0, 0, 1]]
        ```
    """
    if not isinstance(machine, Automaton):
        machine = Automaton(machine)
    moves, answers = np.asarray(machine.transitions), np.asarray(machine.outputs)
    states, symbols = moves.shape
    pairs = states * symbols
    if pairs > MOST_PAIRS:
        raise InputError(
            f"An automaton of {states} states and {symbols} symbols was given",
            f"at most {MOST_PAIRS} pairs of both: the weights are as many as their square",
            "Answer by Automaton.run, or by an automaton of fewer states.",
        )
    model = rnn(
        "many_to_many", outputs=int(answers.max()) + 1, vocabulary_size=symbols, cell="elman",
        units=pairs + 1, learned_initial_state=True, output_activation=None, activation=threshold,
        name=name,
    )  # fmt: skip
    # The last unit is on before the first symbol alone: it is how the automaton came to its start.
    leads_to = np.append(moves.ravel(), machine.start)
    state_of, symbol_of = np.divmod(np.arange(pairs), symbols)
    reads = np.zeros((symbols, pairs + 1))
    reads[symbol_of, np.arange(pairs)] = 1
    follows = np.zeros((pairs + 1, pairs + 1))
    follows[:, :pairs] = leads_to[:, None] == state_of
    # On where both the state and the symbol are there.
    model.get_layer("recurrent_1").set_weights([reads, follows, np.full(pairs + 1, -1.5)])
    model.get_layer("initial_state_1").set_weights([np.eye(pairs + 1)[-1]])
    says = np.zeros((pairs + 1, int(answers.max()) + 1))
    says[np.arange(pairs), answers.ravel()] = 1
    model.get_layer("predictions").set_weights([says, np.zeros(says.shape[1])])
    return model


def parity_automaton() -> Automaton:
    """Whether the ones that were read are odd in number: 0 or 1 at every bit.

    Example:
        ```python
        kc.models.parity_automaton().run([1, 1, 0, 1])  # [1, 0, 0, 1]
        ```
    """
    return Automaton([[0, 1], [1, 0]])


@checked
def bracket_automaton(depth: Whole) -> Automaton:
    """Whether brackets are balanced so far: 1 where all are closed, else 0.

    Args:
        depth: How many may be open at once. Deeper ones, and ones that close nothing, make the rest
            wrong. Symbol 0 opens and 1 closes.
    """
    depth = check_whole("depth", depth)
    wrong = depth + 1
    opened = np.minimum(np.arange(depth + 2) + 1, wrong)
    closed = np.where(np.arange(depth + 2) > 0, np.arange(depth + 2) - 1, wrong)
    closed[wrong] = wrong
    moves = np.stack([opened, closed], axis=1)
    return Automaton(moves, (moves == 0).astype(int))


def adding_automaton() -> Automaton:
    """Addition of binary numbers, the lowest digits first; the state is what is carried.

    Symbol `a + 2 b` are the digits of both numbers; the answer is the digit of their sum. Two zeros
    at the end bring out the last digit.
    """
    carried, first, second = np.ogrid[:2, :2, :2]
    total = (carried + second + first).reshape(2, 4)
    return Automaton(total // 2, total % 2)


def _checked(argument: str, table: np.ndarray | Sequence) -> np.ndarray:
    # A table of its own: what was checked stays as it was.
    array = np.array(check_even(argument, table))
    if array.ndim != 2 or not array.size or array.dtype.kind not in "iu" or array.min() < 0:
        raise InputError(
            f"{argument} of shape {array.shape} and type {array.dtype} were given",
            "whole numbers from 0 on, a row for each state and a column for each symbol",
            "For an automaton of one state that reads two symbols pass [[0, 0]].",
        )
    return array
