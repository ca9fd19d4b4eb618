"""Memories, built networks, clips and mixtures on JAX and PyTorch: the same facts."""

import pytest

from support import run_on

CODE = """
import keras, numpy as np, keras_classics as kc
rng = np.random.default_rng(0)
asked = patterns = rng.choice([-1.0, 1.0], (4, 60))
asked = np.where(np.arange(60) < 5, -patterns, patterns).astype("float32")
for kind, memory in (("binary", {}), ("binary", {"update": "synchronous"}),
                     ("binary", {"rule": "projection"}), ("continuous", {"softness": 0.05}),
                     ("dense", {"seed": 1}), ("softmax", {})):
    model = kc.models.hopfield(patterns, kind, **memory)
    found = model.predict(asked, verbose=0)
    np.testing.assert_allclose(found, patterns, atol=1e-3, err_msg=kind)
    before, after = (kc.models.hopfield_energy(model, each) for each in (asked, found))
    assert (after < before).all(), kind
energy = kc.models.queens_energy(5)
queens = kc.models.annealed_network(energy, sweeps=80, seed=1)
boards = queens.predict(kc.models.random_starts(energy, 10), verbose=0)
assert kc.models.valid_queens(boards).sum() >= 6
np.testing.assert_allclose(kc.models.hopfield_energy(queens, boards), energy.of(boards), atol=1e-5)
symbols = rng.integers(4, size=(5, 40))
adding = kc.models.adding_automaton()
said = kc.models.automaton(adding).predict(symbols, verbose=0).argmax(-1)
np.testing.assert_array_equal(said, [adding.run(row) for row in symbols])
xor = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], "float32")
table = kc.models.boolean_network([0, 1, 1, 0]).predict(xor, verbose=0)[:, 0]
assert table.tolist() == [-1, 1, 1, -1]
machine = kc.models.kernel_perceptron(xor, kernel="polynomial")
assert kc.models.fit_kernel_perceptron(machine, np.array([0, 1, 1, 0])).converged
assert (machine.predict(xor, verbose=0)[:, 0] > 0).tolist() == [False, True, True, False]
assert kc.models.kernel_pca(xor, 2).predict(xor, verbose=0).shape == (4, 2)
units = keras.ops.convert_to_numpy(kc.layers.AssociationUnits(9, 1, 1)(xor))
assert set(np.unique(units)) <= {0, 1}
model = kc.models.rnn("one_to_many", outputs=3, input_size=2, units=4, mixture=2)
drawn = kc.models.sample_trajectories(model, np.zeros((2, 2)), 3)
given = {"vector": np.zeros((2, 2), "float32"), "target_in": 0 * drawn}
model.compile("sgd", kc.training.MixtureDensityLoss())
assert np.isfinite(model.train_on_batch(given, drawn))
encoder = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(4)])
clips = rng.random((4, 3, 8, 8, 3)).astype("float32")
for over_time in ("gru", "frame", "mean", "differences"):
    model = kc.models.video_classifier(encoder, 2, over_time=over_time, units=3)
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert np.isfinite(model.train_on_batch(clips, np.array([0, 1, 0, 1]))), over_time
    assert np.isfinite(model.predict(clips[:, :1], verbose=0)).all(), over_time
points = kc.transfer.embedder(encoder, 3)
points.compile("sgd", kc.training.ContrastiveLoss(mining="all"))
assert np.isfinite(points.train_on_batch(clips[:, 0], np.array([0, 1, 0, 1])))
print("the same")
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_same_facts(backend):
    assert run_on(backend, CODE).split()[-2:] == ["the", "same"]
