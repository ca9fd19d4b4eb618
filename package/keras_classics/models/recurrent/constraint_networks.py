"""Problems as energies of a network: queens on a board, and the travelling salesman.

Hopfield, Tank, "'Neural' computation of decisions in optimization problems", Biological Cybernetics
52, 1985. A unit `V_xi` is on where city `x` is at place `i` of the tour, or a queen stands at row
`x` and column `i`; what must not be costs energy. The published constants (A = B = D = 500, C =
200, with a mean-field network) find few valid tours in the hands of others (Wilson, Pawley 1988).
Here the units are on by chance and cool down, and the constants are ours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_places, check_positive, check_whole
from keras_classics.core.names import check_known
from keras_classics.core.types import Name, Whole
from keras_classics.layers.memory.annealed_units import AnnealedUnits

# What `kc.layers.AnnealedUnits` takes.
ANNEALING = ("sweeps", "hottest", "coldest", "seed", "dtype")
# Tours are found by dynamic programming over subsets, which double with every city.
MOST_CITIES = 15


@dataclass(frozen=True, eq=False)
class QuadraticEnergy:
    """`E(v) = -1/2 v^T W v - b v + c` of units of 0 and 1.

    Attributes:
        weights: `W`, float64 `(units, units)`, symmetric with a zero diagonal.
        bias: `b`, float64 `(units,)`.
        constant: `c`.
    """

    weights: np.ndarray
    bias: np.ndarray
    constant: float

    @checked
    def of(self, states: np.ndarray) -> np.ndarray:
        """The energy of states `(..., units)`, float64 `(...)`.

        Raises:
            InputError: The states are of other units.
        """
        states = np.asarray(states, "float64")
        if states.shape[-1:] != self.bias.shape:
            raise InputError(
                f"States of shape {states.shape} were given",
                f"(..., {len(self.bias)}), the units of this energy",
                "Pass states.reshape(len(states), -1) for boards.",
            )
        fields = states @ self.weights / 2 + self.bias
        return self.constant - np.sum(states * fields, axis=-1)


@checked
def queens_energy(
    queens: Whole = 8, *, lines: float = 1.0, diagonals: float = 1.0, count: float = 2.0
) -> QuadraticEnergy:
    """The energy of queens on a board, 0 where all stand and none attacks another.

    `lines / 2` for each ordered pair in a row and again in a column, `diagonals / 2` for each in a
    diagonal, and `count / 2 (number - queens)^2`.

    Args:
        queens: How many, and the side of the board.
        lines: A and B of Hopfield and Tank.
        diagonals: Weight of the pairs that they have not.
        count: C.

    Returns:
        Of `queens^2` units, row by row.

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        energy = kc.models.queens_energy(4)
        board = np.eye(4)[[1, 3, 0, 2]]
        energy.of(board.reshape(-1))  # 0.0: none attacks another
        energy.of(np.eye(4).reshape(-1))  # above 0: all in one diagonal
        ```
    """
    side = check_whole("queens", queens)
    row, column = np.divmod(np.arange(side * side), side)
    pairs = check_positive("lines", lines) * (_same(row) + _same(column))
    pairs += check_positive("diagonals", diagonals) * (_same(row + column) + _same(row - column))
    return _energy(pairs, check_positive("count", count), side)


@checked
def tour_energy(
    distances: np.ndarray, *, lines: float = 1.0, count: float = 2.0, length: float = 0.5
) -> QuadraticEnergy:
    """The energy of a round tour: `length` times its length where it is valid.

    As in the paper, with the number of cities itself as the number of units that are on.

    Args:
        distances: Symmetric `(cities, cities)`; the constants are for a largest distance near 1.
        lines: A and B: for each city at two places, and each place with two cities.
        count: C.
        length: D. Where it is large beside the others, short tours that leave out cities win.

    Returns:
        Of `cities^2` units, city by city.

    Raises:
        InputError: An argument is not admitted, or the distances are too large beside them.
    """
    table = _checked_distances(distances)
    side, largest = len(table), table.max()
    if check_positive("length", length) * largest > lines + count:
        raise InputError(
            f"Distances up to {largest:.3g} with length={length}, lines={lines} and count={count} "
            "were given",
            "length times the largest distance up to lines + count: else it is cheaper to leave "
            "cities out",
            "Pass distances / distances.max().",
        )
    city, place = np.divmod(np.arange(side * side), side)
    apart = (place[:, None] - place) % side
    # With two cities the one before is the one after, and the way is gone twice.
    follows = (apart == 1).astype(float) + (apart == side - 1)
    pairs = check_positive("lines", lines) * (_same(city) + _same(place))
    pairs += length * table[city][:, city] * follows
    return _energy(pairs, check_positive("count", count), side)


@checked
def annealed_network(
    energy: QuadraticEnergy, *, name: Name = "annealed", **annealing: Any
) -> keras.Model:
    """Build a network that looks for states of low energy.

    Input and output are states `(batch, units)` of 0 and 1.

    Args:
        energy: What `queens_energy` or `tour_energy` returns, or one of your own.
        name: Name of the model.
        **annealing: `sweeps`, `hottest`, `coldest` and `seed`, see `kc.layers.AnnealedUnits`. The
            defaults suit queens; for tours the longer cooling `sweeps=1000, hottest=0.5`.

    Returns:
        A functional model.

    Raises:
        InputError: An argument is not admitted, or weights are not symmetric, have a diagonal, or
            are of other units or too large.

    Example:
        ```python
        energy = kc.models.queens_energy(5)
        model = kc.models.annealed_network(energy, sweeps=20)
        starts = kc.models.random_starts(energy, 10)
        boards = model.predict(starts, verbose=0).reshape(-1, 5, 5)
        kc.models.valid_queens(boards).mean()  # the share of boards without an attack
        ```
    """
    weights, bias = np.asarray(energy.weights), np.asarray(energy.bias)
    if weights.ndim != 2 or weights.shape != (*bias.shape, *bias.shape):
        raise InputError(
            f"Weights of shape {weights.shape} and a bias of shape {bias.shape} were given",
            "(units, units) and (units,)",
            "Give a row and a column of the weights, and a bias, to each unit.",
        )
    largest = max(np.abs(weights).sum(1).max() + np.abs(bias).max(), abs(energy.constant))
    if not largest * len(bias) < float(np.finfo("float32").max):
        raise InputError(
            f"An energy with numbers up to {largest:.3g} was given",
            "finite ones whose sums single precision can hold",
            "Pass smaller constants: the least energy stays where it is if all are divided.",
        )
    if not np.allclose(weights, weights.T) or np.diag(weights).any():
        raise InputError(
            "Weights that are not symmetric, or have a diagonal, were given",
            "symmetric ones without: only they have an energy that does not rise",
            "Pass (weights + weights.T) / 2, and what is on the diagonal as 2 bias.",
        )
    check_known("annealed_network", annealing, ANNEALING)
    layer = AnnealedUnits(name="units", **annealing)
    state = keras.Input((len(weights),), name="state")
    model = keras.Model(state, layer(state), name=name)
    for variable, value in (
        (layer.kernel, weights),
        (layer.bias, bias),
        (layer.constant, energy.constant),
    ):
        variable.assign(value)
    return model


@checked
def random_starts(energy: QuadraticEnergy, count: Whole, *, seed: Whole = 0) -> np.ndarray:
    """States in which as many units are on, by chance, as a valid answer has.

    Args:
        energy: Of a board of units.
        count: How many states.
        seed: Chooses them.

    Returns:
        float32 `(count, units)` of 0 and 1.
    """
    units = len(energy.bias)
    rng = np.random.default_rng(check_whole("seed", seed, 0))
    drawn = rng.random((check_whole("count", count), units)) < units**-0.5
    return drawn.astype("float32")


@checked
def valid_queens(states: np.ndarray) -> np.ndarray:
    """Which states are boards with a queen in every row and column and none attacking another.

    Args:
        states: `(batch, queens^2)` or `(batch, queens, queens)`.

    Returns:
        bool `(batch,)`.

    Raises:
        InputError: The states are of no board.
    """
    boards = _boards(states)
    side = boards.shape[1]
    diagonals = [
        np.trace(view, shift, 1, 2)
        for view in (boards.astype(int), boards[:, :, ::-1].astype(int))
        for shift in range(1 - side, side)
    ]
    return _permutations(boards) & (np.array(diagonals) <= 1).all(0)


@checked
def tours_of(states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The tours that states are.

    Args:
        states: `(batch, cities^2)` or `(batch, cities, places)`.

    Returns:
        Which are valid, bool `(batch,)`; and of these the city at each place, int
        `(valid, places)`.

    Raises:
        InputError: The states are of no square of cities and places.
    """
    boards = _boards(states)
    valid = _permutations(boards)
    # Of nothing there is no largest.
    found = boards[valid].argmax(1) if valid.any() else np.zeros((0, boards.shape[1]), int)
    return valid, found


@checked
def tour_lengths(tours: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """The lengths of round tours.

    Args:
        tours: Cities in order, int `(tours, cities)`.
        distances: `(cities, cities)`.

    Returns:
        float64 `(tours,)`.

    Raises:
        InputError: The distances are none, or a city is not there.
    """
    table = _checked_distances(distances)
    if tours.ndim != 2 or tours.dtype.kind not in "iu":
        raise InputError(
            f"Tours of shape {tours.shape} and type {tours.dtype} were given",
            "whole numbers (tours, cities)",
            "Pass the second value of kc.models.tours_of.",
        )
    check_places("tours", tours.ravel().tolist(), len(table))
    return table[tours, np.roll(tours, -1, axis=1)].sum(1)


@checked
def shortest_tour(distances: np.ndarray) -> float:
    """The length of the shortest round tour, by dynamic programming (Held, Karp 1962).

    Args:
        distances: Symmetric `(cities, cities)`, of at most 15 cities.

    Raises:
        InputError: There are more cities, or the distances are none.
    """
    table = _checked_distances(distances)
    last = len(table) - 1
    if last >= MOST_CITIES:
        raise InputError(
            f"{last + 1} cities were given",
            f"at most {MOST_CITIES}: subsets double with every one",
            "Leave some out, or compare with another solver's tour.",
        )
    if last == 0:
        return 0.0
    # From the last city through the set of bits to the city: the shortest way.
    shortest = np.full((1 << last, last), np.inf)
    for city in range(last):
        shortest[1 << city, city] = table[last, city]
    for visited in range(1, 1 << last):
        ways = shortest[visited]
        for city in range(last):
            if not visited >> city & 1:
                with_city = visited | 1 << city
                way = float((ways + table[:last, city]).min())
                shortest[with_city, city] = min(shortest[with_city, city], way)
    return float((shortest[-1] + table[:last, last]).min())


def _same(lines: np.ndarray) -> np.ndarray:
    return (lines[:, None] == lines).astype("float64")


def _energy(pairs: np.ndarray, count: float, wanted: int) -> QuadraticEnergy:
    """Half the sum over ordered pairs, and what another number of units costs."""
    weights = -(pairs + count)
    np.fill_diagonal(weights, 0)
    # v^2 is v where v is 0 or 1.
    bias = np.full(len(pairs), count * wanted - count / 2)
    return QuadraticEnergy(weights, bias, count * wanted**2 / 2)


def _boards(states: np.ndarray) -> np.ndarray:
    states = np.asarray(states)
    # Of no states it need not be known what of.
    empty = states.ndim > 0 and not len(states)
    side = 0 if empty else math.isqrt(math.prod(states.shape[1:]))
    square = side > 0 and states.shape[1:] in ((side * side,), (side, side))
    if not empty and not square:
        raise InputError(
            f"States of shape {states.shape} were given",
            "(batch, cities * places) or (batch, cities, places), as many of both",
            "Give the states of kc.models.annealed_network, one row each.",
        )
    return states.reshape(len(states), side, side) > 0.5


def _permutations(boards: np.ndarray) -> np.ndarray:
    return (boards.sum(1) == 1).all(1) & (boards.sum(2) == 1).all(1)


def _checked_distances(distances: np.ndarray | Sequence) -> np.ndarray:
    table = np.asarray(distances, "float64")
    square = table.ndim == 2 and table.shape[0] == table.shape[1] > 0
    if not square or not np.isfinite(table).all() or not np.allclose(table, table.T):
        raise InputError(
            f"Distances of shape {table.shape} were given",
            "a symmetric table (cities, cities) of finite numbers",
            "Pass np.linalg.norm(points[:, None] - points, axis=-1).",
        )
    return table
