"""Queens and tours: the energy is what it says, and annealing finds its floor."""

import itertools

import numpy as np
import pytest

import keras_classics as kc

POINTS = np.random.default_rng(1).random((10, 2))
DISTANCES = np.linalg.norm(POINTS[:, None] - POINTS, axis=-1)


def test_of_65536_boards_two_have_no_energy():
    boards = np.array(list(itertools.product([0, 1], repeat=16)))
    energy = kc.models.queens_energy(4, count=1.0)
    values = energy.of(boards)
    assert values.min() == 0
    solutions = values < 1e-9
    assert solutions.sum() == 2
    np.testing.assert_array_equal(kc.models.valid_queens(boards), solutions)
    # Published by another count: 102 strict minima under single flips, of which 100 are no answer.
    neighbours = values[np.arange(2**16)[:, None] ^ (1 << np.arange(16))]
    assert (neighbours > values[:, None] + 1e-9).all(1).sum() == 102


@pytest.mark.slow
def test_eight_queens_from_a_hundred_starts(tmp_path):
    energy = kc.models.queens_energy(8)
    model = kc.models.annealed_network(energy, seed=1)
    starts = kc.models.random_starts(energy, 100)
    boards = model.predict(starts, batch_size=100, verbose=0)
    valid = kc.models.valid_queens(boards)
    assert valid.sum() >= 95
    # Not one answer a hundred times: there are 92.
    assert len(np.unique(boards[valid], axis=0)) > 30
    np.testing.assert_allclose(kc.models.hopfield_energy(model, boards), energy.of(boards))
    # A loaded one goes on with the same chances as the saved one would.
    quick = kc.models.annealed_network(energy, sweeps=2, seed=1)
    quick.save(tmp_path / "queens.keras")
    loaded = kc.load_model(tmp_path / "queens.keras")
    np.testing.assert_array_equal(loaded(starts[:3]), quick(starts[:3]))


@pytest.mark.slow
def test_tours_are_mostly_valid_and_longer_than_the_shortest():
    energy = kc.models.tour_energy(DISTANCES)
    model = kc.models.annealed_network(energy, sweeps=500, hottest=0.5, seed=1)
    states = model.predict(kc.models.random_starts(energy, 100), batch_size=100, verbose=0)
    valid, tours = kc.models.tours_of(states)
    assert valid.sum() >= 80
    lengths, shortest = (
        kc.models.tour_lengths(tours, DISTANCES),
        kc.models.shortest_tour(DISTANCES),
    )
    np.testing.assert_allclose(energy.of(states)[valid], 0.5 * lengths, rtol=1e-6)
    assert lengths.min() >= shortest - 1e-9
    # Than by chance they are shorter.
    chance = kc.models.tour_lengths(
        np.array([np.random.default_rng(n).permutation(10) for n in range(200)]), DISTANCES
    )
    assert lengths.mean() < 0.85 * chance.mean()


def test_the_shortest_tour_is_that_of_all_orders():
    table = DISTANCES[:7, :7]
    tours = np.array([(0, *rest) for rest in itertools.permutations(range(1, 7))])
    best = kc.models.tour_lengths(tours, table).min()
    assert kc.models.shortest_tour(table) == pytest.approx(best)
    assert kc.models.shortest_tour(table[:2, :2]) == pytest.approx(2 * table[0, 1])


def test_what_is_refused_and_that_the_remedy_works():
    with pytest.raises(kc.InputError, match=r"np.linalg.norm\(points\[:, None\]"):
        kc.models.tour_energy(POINTS)
    with pytest.raises(kc.InputError, match="at most 15"):
        kc.models.shortest_tour(np.zeros((16, 16)))
    with pytest.raises(kc.InputError, match="Exchange them"):
        kc.models.annealed_network(kc.models.queens_energy(4), hottest=0.1, coldest=0.2)
    with pytest.raises(kc.InputError, match="Did you mean 'sweeps'"):
        kc.models.annealed_network(kc.models.queens_energy(4), sweep=1)
    with pytest.raises(kc.InputError, match=r"Pass states.reshape\(len\(states\), -1\)"):
        kc.models.queens_energy(4).of(np.zeros((3, 4, 4)))
    with pytest.raises(kc.InputError, match="numbers from 0 to 9"):
        kc.models.tour_lengths(np.array([[0, 10]]), DISTANCES)
    odd = kc.models.QuadraticEnergy(np.array([[0, 1], [0, 0.0]]), np.zeros(2), 0.0)
    with pytest.raises(kc.InputError, match="not symmetric"):
        kc.models.annealed_network(odd)
    even = kc.models.QuadraticEnergy((odd.weights + odd.weights.T) / 2, np.zeros(2), 0.0)
    kc.models.annealed_network(even, sweeps=1)


def test_states_of_no_square_are_refused_and_none_are_no_tours():
    valid, tours = kc.models.tours_of([])
    assert valid.shape == (0,) and tours.shape == (0, 0)
    valid, tours = kc.models.tours_of(np.zeros((2, 3, 3)))
    assert not valid.any() and tours.shape == (0, 3)
    nothing = (np.zeros(()), np.zeros((3, 0)))
    for states in (np.zeros((2, 5)), np.zeros((2, 2, 8)), np.eye(3), *nothing):
        with pytest.raises(kc.InputError, match="one row each"):
            kc.models.tours_of(states)


def test_energies_that_a_network_cannot_hold_are_refused():
    none = np.zeros((3, 3))
    for weights, bias in ((none, np.zeros(5)), (np.zeros((3, 4)), np.zeros(3))):
        with pytest.raises(kc.InputError, match="a bias, to each unit"):
            kc.models.annealed_network(kc.models.QuadraticEnergy(weights, bias, 0.0))
    for bias, constant in ((np.full(3, np.nan), 0.0), (np.zeros(3), 1e300)):
        with pytest.raises(kc.InputError, match="Pass smaller constants"):
            kc.models.annealed_network(kc.models.QuadraticEnergy(none, bias, constant))
    with pytest.raises(kc.InputError, match="Pass smaller constants"):
        kc.models.annealed_network(kc.models.queens_energy(4, lines=1e300))
    # In metres it would be cheaper to leave cities out.
    with pytest.raises(kc.InputError, match=r"Pass distances / distances.max\(\)"):
        kc.models.tour_energy(1000 * DISTANCES)
    kc.models.tour_energy(1000 * DISTANCES / (1000 * DISTANCES).max())
