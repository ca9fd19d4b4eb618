"""Compiled once: same results, none of them stale, nothing traced twice; on three backends."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from decoding.across_backends import results
from decoding.toys import END, START, encodings, reweigh, tiny_decoder
from keras_classics.core.errors import InputError
from keras_classics.decoding import CompiledSearch, beam_search
from support import run_python

SETTINGS = {"start": START, "end": END, "max_length": 6, "banned": (0, 1)}


@pytest.mark.parametrize("jit_compile", [True, False])
@pytest.mark.parametrize(
    "method, options",
    [("greedy", {}), ("sample", {"seed": 5, "top_k": 1}), ("beam_search", {"n_best": 2})],
)
def test_equals_what_is_not_compiled(method, options, jit_compile):
    search = CompiledSearch(tiny_decoder(), method, jit_compile=jit_compile, **SETTINGS, **options)
    encoded = encodings()
    found, expected = search(encoded), search.decode(encoded)
    assert type(found) is type(expected)
    for name, value in found._asdict().items():
        np.testing.assert_allclose(value, getattr(expected, name), rtol=1e-4, atol=1e-5)


def test_takes_a_prefix():
    layer, encoded = tiny_decoder(), encodings()
    prefix = np.array([[3, 4], [5, 0], [0, 0], [7, 7]])
    found = CompiledSearch(layer, **SETTINGS)(encoded, prefix)
    expected = beam_search(layer.step, layer.initial_state(encoded), prefix=prefix, **SETTINGS)
    np.testing.assert_array_equal(found.ids, expected.ids)


def test_an_int_seed_draws_the_same_at_every_call():
    search = CompiledSearch(tiny_decoder(), "sample", seed=1, **SETTINGS)
    np.testing.assert_array_equal(search(encodings(20)).ids, search(encodings(20)).ids)


def test_unknown_method():
    with pytest.raises(ValueError, match="method='beam' was given"):
        CompiledSearch(tiny_decoder(), "beam", **SETTINGS)


@pytest.fixture(scope="module")
def here():
    """The results on this backend."""
    return results()


def check_compiled(found):
    """Decoding was not traced again for the same shapes, nor did it remember weights or draws."""
    assert found["traced_again"] == 0
    assert np.any(found["same_greedy_ids"] != found["same_greedy_with_new_weights_ids"])
    assert np.any(found["drawn"] != found["drawn_next"])


def test_nothing_is_traced_twice_or_stale(here):
    check_compiled(here)
    layer = tiny_decoder()
    reweigh(layer, seed=9)
    fresh = CompiledSearch(layer, "greedy", **SETTINGS).decode(encodings())
    np.testing.assert_array_equal(here["same_greedy_with_new_weights_ids"], fresh.ids)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backends_agree(backend, here, tmp_path):
    path = tmp_path / "found.npz"
    code = f"from decoding.across_backends import results; np.savez({str(path)!r}, **results())"
    run_python(f"import numpy as np; {code}", backend=backend)
    with np.load(path) as found:
        assert found["backend"] == backend and set(found) == set(here)
        if backend == "jax":
            check_compiled(found)
        for name in filter(lambda name: name.startswith("same_"), here):
            np.testing.assert_allclose(found[name], here[name], rtol=1e-5, atol=1e-5, err_msg=name)
        np.testing.assert_allclose(found["shares_drawn"], here["shares_drawn"], atol=0.02)


HALF = SimpleNamespace(initial_state=len)


@pytest.mark.parametrize("wrong", [keras.layers.Dense(2), keras.Sequential(), HALF, None])
def test_what_makes_no_steps_is_refused_with_what_does(wrong):
    with pytest.raises(InputError, match=r'no initial_state and step.*get_layer\("decoder"\)'):
        CompiledSearch(wrong, start=1, end=2, max_length=4)
