"""Compiled once: same results, none of them stale, nothing traced twice; on three backends."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from decoding.across_backends import results
from decoding.toys import END, START, encodings, reweigh, tiny_decoder

from keras_classics.decoding import CompiledSearch, beam_search

SETTINGS = {"start": START, "end": END, "max_length": 6, "banned": (0, 1)}


@pytest.mark.parametrize("jit_compile", [True, False])
@pytest.mark.parametrize(
    "method, options",
    [("greedy", {}), ("sample", {"seed": 5, "top_p": 0.9}), ("beam_search", {"n_best": 2})],
)
def test_equals_what_is_not_compiled(method, options, jit_compile):
    search = CompiledSearch(
        tiny_decoder(), method, jit_compile=jit_compile, **SETTINGS, **options
    )
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


def test_a_seed_generator_moves_on_and_an_int_does_not():
    layer, encoded = tiny_decoder(), encodings(20)
    options = {**SETTINGS, "method": "sample"}
    fixed = CompiledSearch(layer, seed=1, **options)
    np.testing.assert_array_equal(fixed(encoded).ids, fixed(encoded).ids)
    moving = CompiledSearch(layer, seed=keras.random.SeedGenerator(1), **options)
    assert np.any(moving(encoded).ids != moving(encoded).ids)


def test_unknown_method():
    with pytest.raises(ValueError, match="method='beam' was given"):
        CompiledSearch(tiny_decoder(), "beam", **SETTINGS)


def check_results(found):
    """What has to hold on a backend by itself."""
    assert found["traces_of_the_first_call"] > 0
    assert found["traces_of_later_calls"] == 0
    assert found["stale_after_new_weights"] == 0
    assert found["seed_generator_stood_still"] == 0


def test_nothing_is_traced_twice_or_stale():
    check_results(results())


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backends_agree(backend, tmp_path):
    script = Path(__file__).with_name("across_backends.py")
    path = os.pathsep.join([str(script.parent.parent), *filter(None, sys.path)])
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": path}
    subprocess.run(
        [sys.executable, script, tmp_path / "found.npz"], env=environment, check=True, timeout=300
    )
    expected = results()
    with np.load(tmp_path / "found.npz") as found:
        assert set(found) == set(expected)
        assert found["backend"] == backend
        if backend == "jax":
            check_results(found)
        for name in expected:
            if name.startswith("same_"):
                np.testing.assert_allclose(
                    found[name], expected[name], rtol=1e-5, atol=1e-5, err_msg=name
                )
        np.testing.assert_allclose(found["shares_drawn"], expected["shares_drawn"], atol=0.02)
