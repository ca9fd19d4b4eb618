"""Paths through residual networks: their numbers, and gradients along them."""

import itertools
import json

import keras
import numpy as np
import pytest

import keras_classics as kc
from analysis.inside.lesion_networks import dense_blocks, residual
from keras_classics.analysis.inside.residual_paths import path_gradient
from keras_classics.core.graphs.gradients import value_and_gradients
from support import run_on

VECTORS = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
TARGETS = np.random.default_rng(1).normal(size=(5, 2)).astype("float32")


def test_the_shares_of_the_paper():
    shares = kc.analysis.path_lengths(54)
    assert shares.sum() == pytest.approx(1)
    assert shares[5:18].sum() == pytest.approx(0.0045367, abs=5e-8)
    assert shares[19:36].sum() == pytest.approx(0.98017, abs=5e-6)
    # Thousands of blocks, whose paths no float can count.
    assert kc.analysis.path_lengths(2000).sum() == pytest.approx(1)


def test_all_paths_together_are_the_gradient():
    model = residual(activation="relu")
    along = path_gradient(model, kc.analysis.find_blocks(model), VECTORS, TARGETS)
    paths = [along(np.array(path)) for path in itertools.product((0, 1), repeat=3)]

    def loss(x):
        return keras.ops.sum(keras.losses.mean_squared_error(TARGETS, model(x)))

    _, (whole,) = value_and_gradients(loss, [keras.ops.convert_to_tensor(VECTORS)])
    np.testing.assert_allclose(sum(paths), whole, rtol=1e-4, atol=1e-6)
    assert not np.allclose(paths[0], whole, rtol=0.1)


def test_along_one_path_it_is_the_product_of_its_blocks():
    model = residual()
    along = path_gradient(model, kc.analysis.find_blocks(model), VECTORS, TARGETS)
    outputs = keras.ops.convert_to_numpy(model(VECTORS))
    kernels = {x.name: x.get_weights()[0] for x in model.layers if x.weights}
    upstream = (outputs - TARGETS) @ kernels["predictions"].T
    for name in ("block3_dense2", "block3_dense1", "block1_dense2", "block1_dense1"):
        upstream = upstream @ kernels[name].T
    np.testing.assert_allclose(along(np.array([1, 0, 1])), upstream, rtol=1e-4, atol=1e-5)


def test_norms_by_length():
    model = residual(activation="relu")
    before = model.get_weights()
    found = kc.analysis.path_gradients(model, VECTORS, TARGETS, samples=3, seed=1)
    assert found.blocks == ("block1", "block2", "block3")
    assert found.norms.shape == (4, 3) and found.contributions.sum() == pytest.approx(1)
    np.testing.assert_allclose(found.shares, [1 / 8, 3 / 8, 3 / 8, 1 / 8])
    along = path_gradient(model, kc.analysis.find_blocks(model), VECTORS, TARGETS)
    for length, path in ((0, np.zeros(3)), (3, np.ones(3))):
        norms = np.linalg.norm(along(path), axis=-1)
        np.testing.assert_allclose(found.norms[length], norms.mean(), rtol=1e-5)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    some = kc.analysis.path_gradients(model, VECTORS, TARGETS, blocks=["block2"], lengths=[1])
    assert some.norms.shape == (1, 8) and some.shares.tolist() == [0.5]


def test_what_is_refused():
    with pytest.raises(kc.InputError, match="no residual block"):
        kc.analysis.path_gradients(dense_blocks(), np.zeros((1, 6, 6, 3)), np.zeros((1, 2)))
    with pytest.raises(kc.InputError, match="block2_dense1 of .* not residual"):
        kc.analysis.path_gradients(residual(), VECTORS, TARGETS, blocks=["block2_dense1"])
    with pytest.raises(kc.InputError, match=r"lengths=\[4\].*range\(4\)"):
        kc.analysis.path_gradients(residual(), VECTORS, TARGETS, lengths=[4])
    with pytest.raises(kc.InputError, match="blocks=0"):
        kc.analysis.path_lengths(0)


def norms_on_the_backend():
    test_the_shares_of_the_paper()
    model = residual(activation="relu")
    model.set_weights([np.cos(np.arange(x.size).reshape(x.shape)) for x in model.get_weights()])
    return kc.analysis.path_gradients(model, VECTORS, TARGETS, samples=2).norms.tolist()


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_find_the_same(backend):
    code = (
        "import json; from analysis.inside.test_residual_paths import norms_on_the_backend; "
        "print(json.dumps(norms_on_the_backend()))"
    )
    found = json.loads(run_on(backend, code).splitlines()[-1])
    np.testing.assert_allclose(found, norms_on_the_backend(), rtol=1e-3)
