"""Compiled once: same results, none of them stale, nothing traced twice; on three backends."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from decoding.across_backends import results
from decoding.toys import END, START, encodings, reweigh, tiny_decoder
from keras_classics.core.errors import InputError
from keras_classics.decoding import CompiledSearch, beam_search
from keras_classics.layers import RecurrentDecoder
from keras_classics.layers.recurrent.constant_products import ConstantProducts
from support import run_on

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


def test_a_table_of_products_changes_nothing(here):
    for name in [name for name in here if name.startswith("same_with_a_table_")]:
        plain = here[name.replace("with_a", "without_a")]
        np.testing.assert_allclose(here[name], plain, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backends_agree(backend, here, tmp_path):
    path = tmp_path / "found.npz"
    code = f"from decoding.across_backends import results; np.savez({str(path)!r}, **results())"
    run_on(backend, f"import numpy as np; {code}")
    with np.load(path) as found:
        assert found["backend"] == backend and set(found) == set(here)
        if backend == "jax":
            check_compiled(found)
        for name in filter(lambda name: name.startswith("same_"), here):
            np.testing.assert_allclose(found[name], here[name], rtol=1e-5, atol=1e-5, err_msg=name)
        np.testing.assert_allclose(found["shares_drawn"], here["shares_drawn"], atol=0.02)


def write_only(decoder, word):
    """Let a decoder say one word for ever, as long as its embeddings are positive."""
    for weight in decoder.weights:
        weight.assign(np.zeros(weight.shape))
    # The sum of the candidate, which comes last, is large for every id, and so is the logit.
    kernel = np.zeros(decoder.recurrence.cell.kernel.shape)
    kernel[:, -decoder.units :] = 1.0
    decoder.recurrence.cell.kernel.assign(kernel)
    decoder.embedding.embeddings.assign(np.ones(decoder.embedding.embeddings.shape))
    decoder.output_layer.kernel.assign(np.eye(decoder.vocabulary_size)[[word] * decoder.units])


def test_products_are_those_of_the_weights_a_search_finds(monkeypatch):
    made = []
    plain = ConstantProducts.__init__
    monkeypatch.setattr(
        ConstantProducts, "__init__", lambda self, *given: (made.append(1), plain(self, *given))[1]
    )
    decoder = RecurrentDecoder(7, 4)
    decoder.build((None, None), (None, 8))
    write_only(decoder, 3)
    # Three rows of six steps feed 18 ids, of which half is counted: 9, and there are 7.
    encoded = np.zeros((3, 8), "float32")
    search = CompiledSearch(decoder, "greedy", jit_compile=False, **SETTINGS)
    assert np.all(search(encoded).ids[:, :5] == 3) and made == [1]
    write_only(decoder, 5)
    assert np.all(search(encoded).ids[:, :5] == 5)

    # Of weights that change no more they are made with the search, which here is told a lie.
    made.clear()
    frozen = CompiledSearch(decoder, "greedy", jit_compile=False, frozen=True, **SETTINGS)
    assert made == [1]
    decoder.embedding.embeddings.assign(-np.ones(decoder.embedding.embeddings.shape))
    assert np.all(frozen(encoded).ids[:, :5] == 5)
    # Two rows feed too few for a table.
    assert np.all(search(encoded[:2]).ids[:, :5] != 5) and made == [1]


HALF = SimpleNamespace(initial_state=len)


@pytest.mark.parametrize("wrong", [keras.layers.Dense(2), keras.Sequential(), HALF, None])
def test_what_makes_no_steps_is_refused_with_what_does(wrong):
    with pytest.raises(InputError, match=r'no initial_state and step.*get_layer\("decoder"\)'):
        CompiledSearch(wrong, start=1, end=2, max_length=4)
