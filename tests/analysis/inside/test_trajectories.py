"""The way of a training in the plane of its principal components."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from keras_classics.analysis.inside.trajectories import write_state

pytest.importorskip("sklearn")


def network():
    vector = keras.Input((5,))
    model = keras.Model(vector, layers.Dense(2)(layers.Dense(4, "tanh")(vector)))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model


def test_a_way_within_a_plane_is_found_again():
    model = network()
    own = model.get_weights()
    generator = np.random.default_rng(0)
    sides = [[generator.normal(size=x.shape) * (x.ndim > 1) for x in own] for _ in range(2)]
    places = np.array([(3, 1), (2, -1), (1, 0.5), (0, 0)])
    states = [
        [x + a * one + b * two for x, one, two in zip(own, *sides, strict=True)] for a, b in places
    ]
    found = kc.analysis.principal_trajectory(model, states)
    assert sum(found.shares) == pytest.approx(1)
    assert found.shares[0] > found.shares[1]
    np.testing.assert_allclose(found.coordinates[-1], 0, atol=1e-5)
    for state, at in zip(states, found.coordinates, strict=True):
        for number, values in enumerate(state):
            steps = [way.steps[number] for way in found.directions]
            there = own[number] + at[0] * steps[0] + at[1] * steps[1]
            np.testing.assert_allclose(there, values, atol=1e-5)
    for axis, way in zip(found.ranges(9), found.coordinates.T, strict=True):
        assert 0 in axis and axis.min() < way.min() and axis.max() > way.max()


def test_the_callback_keeps_what_the_plane_needs(tmp_path):
    model = network()
    x = np.random.default_rng(1).normal(size=(24, 5))
    y = np.stack([x.sum(-1), x[:, 0]], -1)
    start = model.get_weights()
    keep = kc.callbacks.WeightTrajectory(tmp_path)
    model.fit(x, y, epochs=4, verbose=0, callbacks=[keep])
    assert len(list(tmp_path.glob("*.npz"))) == 5
    # A training that goes on keeps what is there.
    model.fit(x, y, initial_epoch=4, epochs=5, verbose=0, callbacks=[keep])
    found = kc.analysis.principal_trajectory(model, tmp_path)
    again = kc.analysis.principal_trajectory(model, str(tmp_path))
    np.testing.assert_array_equal(found.coordinates, again.coordinates)
    assert found.coordinates.shape == (6, 2)
    np.testing.assert_allclose(found.coordinates[-1], 0, atol=1e-6)
    way = np.concatenate([(a - b).ravel() for a, b in zip(start, model.get_weights(), strict=True)])
    assert 0 < np.linalg.norm(found.coordinates[0]) <= np.linalg.norm(way)
    along, across = found.ranges(5)
    landscape = kc.analysis.loss_landscape(
        model, x, y, found.directions, along=along, across=across
    )
    assert landscape.centre == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)
    kc.analysis.draw_landscape(tmp_path / "way.png", landscape, way=found)
    assert (tmp_path / "way.png").stat().st_size > 5000


def test_weights_of_half_precision_are_kept(tmp_path):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2, use_bias=False, dtype="bfloat16")])
    for number, weight in enumerate((1.0, 0.5, -0.25)):
        model.set_weights([np.array([[weight, weight**2], [0, 1]])])
        write_state(tmp_path, number, model)
    found = kc.analysis.principal_trajectory(model, tmp_path)
    np.testing.assert_allclose(np.linalg.norm(found.coordinates[0]), np.hypot(1.25, 0.9375), 1e-5)


def test_what_is_refused(tmp_path):
    model = network()
    with pytest.raises(kc.InputError, match="0 states.*Keep more epochs"):
        kc.analysis.principal_trajectory(model, tmp_path)
    with pytest.raises(kc.InputError, match="does not fit"):
        kc.analysis.principal_trajectory(model, [model.get_weights()[:2]] * 3)
    lost = [np.full_like(values, np.nan) for values in model.get_weights()]
    with pytest.raises(kc.InputError, match="not all finite numbers.*Leave that state out"):
        kc.analysis.principal_trajectory(model, [model.get_weights(), lost, model.get_weights()])
    with pytest.raises(kc.InputError, match="every=0"):
        kc.callbacks.WeightTrajectory(tmp_path, every=0)
