"""Ensembles against numpy, against their only member, and against enumeration."""

from types import SimpleNamespace

import numpy as np
import pytest
from keras import ops

from decoding.across_backends import ensemble_results
from decoding.toys import (
    END,
    LENGTH,
    START,
    attentive,
    encodings,
    markov,
    random_trees,
    rows_of,
    tiny_decoder,
)
from keras_classics.core.errors import InputError
from keras_classics.decoding import (
    CompiledSearch,
    Ensemble,
    beam_search,
    exhaustive,
    greedy,
    sample,
    score,
)
from support import run_on

SETTINGS = {"start": START, "end": END, "banned": (0, 1)}
FIRST = [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.6, 0.4, 0.0]]
SECOND = [[0.6, 0.3, 0.1], [0.3, 0.3, 0.4], [0.0, 0.5, 0.5]]


def together(*toys, **settings):
    """The step and the state of an ensemble of toys, given as their steps and states."""
    steps, states = zip(*toys, strict=True)
    members = [SimpleNamespace(step=step, initial_state=lambda state: state) for step in steps]
    ensemble = Ensemble(members, **settings)
    return ensemble.step, ensemble.initial_state(states)


def probabilities_of(average, weights):
    """What an ensemble of the two tables gives after each id, as the searches normalise it."""
    toys = [(markov(table), rows_of(3)) for table in (FIRST, SECOND)]
    step, state = together(*toys, average=average, weights=weights)
    return ops.convert_to_numpy(ops.softmax(step(np.arange(3), state)[0]))


@pytest.mark.parametrize("weights", [None, (3.0, 1.0)])
def test_averages_against_numpy(weights):
    first, second = np.array(FIRST), np.array(SECOND)
    share = 0.5 if weights is None else 0.75
    arithmetic = share * first + (1 - share) * second
    np.testing.assert_allclose(
        probabilities_of("probabilities", weights), arithmetic, rtol=1e-5, atol=1e-7
    )
    geometric = first**share * second ** (1 - share)
    np.testing.assert_allclose(
        probabilities_of("log_probabilities", weights),
        geometric / geometric.sum(axis=1, keepdims=True),
        rtol=1e-5, atol=1e-7,
    )  # fmt: skip


@pytest.mark.parametrize("average", ["probabilities", "log_probabilities"])
@pytest.mark.parametrize("count", [1, 2])
def test_equal_members_are_one(count, average):
    toy = attentive(20)
    step, state = together(*[toy] * count, average=average)
    settings = {**SETTINGS, "max_length": LENGTH}
    for search, own in [
        (greedy, {}),
        (sample, {"seed": 3}),
        (beam_search, {"width": 4, "n_best": 4, "coverage": 0.3}),
        (exhaustive, {"n_best": 4, "coverage": 0.3}),
    ]:
        found, expected = search(step, state, **settings, **own), search(*toy, **settings, **own)
        for name, value in expected._asdict().items():
            np.testing.assert_allclose(
                getattr(found, name), value, rtol=1e-4, atol=1e-5, err_msg=name
            )


@pytest.mark.parametrize("average", ["probabilities", "log_probabilities"])
def test_a_beam_wide_enough_equals_enumeration(average):
    # Members whose states tell them where they are: those that do not follow their beams show.
    step, state = together(attentive(20), random_trees(20, seed=7), average=average)
    settings = {**SETTINGS, "max_length": LENGTH, "n_best": 3}
    found = beam_search(step, state, width=256, **settings)
    every = exhaustive(step, state, **settings)
    np.testing.assert_array_equal(found.ids, every.ids)
    np.testing.assert_allclose(found.scores, every.scores, rtol=1e-4)
    scores = score(step, state, every.ids, start=START, end=END)
    np.testing.assert_allclose(ops.sum(scores, axis=-1), every.log_probabilities, rtol=1e-4)


def test_attention_is_averaged_where_all_members_look():
    looking = attentive(4)
    step, state = together(looking, attentive(4, seed=5), weights=(1, 3))
    logits, state = step(ops.full((4,), START, "int32"), state)
    own = [ops.convert_to_numpy(member["alignment"]) for member in state["members"]]
    np.testing.assert_allclose(state["alignment"], 0.25 * own[0] + 0.75 * own[1], rtol=1e-5)
    for other in (random_trees(4), attentive(4, positions=5)):
        assert "alignment" not in together(looking, other)[1]


def test_an_ensemble_is_compiled_like_a_decoder():
    decoders = [tiny_decoder(seed=seed) for seed in (0, 1)]
    search = CompiledSearch(Ensemble(decoders), max_length=6, coverage=0.2, **SETTINGS)
    encoded = [encodings(), encodings(seed=4)]
    found, expected = search(encoded), search.decode(encoded)
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-4)


def test_refuses_members_that_do_not_fit():
    toy = markov(FIRST), rows_of(1)
    with pytest.raises(InputError, match=r"\[3, 4\] ids"):
        step, state = together(toy, (markov(np.full((4, 4), 0.25)), rows_of(1)))
        step(ops.zeros((1,), "int32"), state)
    for weights in ((1.0,), (1.0, 0.0), (1.0, -1.0)):
        with pytest.raises(InputError, match="2 members"):
            together(toy, toy, weights=weights)
    with pytest.raises(InputError, match="0 members"):
        Ensemble([])
    with pytest.raises(ValueError, match="average='mean' was given"):
        Ensemble([None], average="mean")


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backends_agree(backend, tmp_path):
    path = tmp_path / "found.npz"
    run_on(
        backend,
        "import numpy as np; from decoding.across_backends import ensemble_results; "
        f"np.savez({str(path)!r}, **ensemble_results())",
    )
    with np.load(path) as found:
        assert found["backend"] == backend
        for name, value in ensemble_results().items():
            if name != "backend":
                np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-5, err_msg=name)
