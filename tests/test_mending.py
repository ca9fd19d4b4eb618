"""What distribution patches is there and takes what it took; without it one device trains."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from keras_classics.core.keras_internals import (
    TESTED,
)
from keras_classics.distribution import mending

WORKS_AGAIN = rf"Keras {TESTED}, with which this was tested. Run: pip install 'keras=={TESTED}.\*'"


PATCHES = [*mending.REPLICAS, *mending.BATCHES]


@pytest.fixture
def unmended(monkeypatch):
    """Undoes what a test mends, in this process of one device."""
    for patch in PATCHES:
        owner = mending._look_up(patch.module, patch.owner)
        monkeypatch.setattr(owner, patch.name, getattr(owner, patch.name))
    monkeypatch.setattr(mending, "_summed", list(mending._summed))


def names_in_place():
    return [getattr(mending._look_up(patch.module, patch.owner), patch.name) for patch in PATCHES]


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_what_is_patched_is_there_and_takes_what_it_took(patch):
    _, original = mending._found(patch)
    assert callable(original)


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
@pytest.mark.parametrize("how", ["gone", "another"])
def test_a_release_without_it_trains_on_one_device_only(patch, how, unmended, monkeypatch):
    owner = mending._look_up(patch.module, patch.owner)
    if how == "gone":
        holder = next(o for o in getattr(owner, "__mro__", [owner]) if patch.name in vars(o))
        monkeypatch.delattr(holder, patch.name)
        if holder is not owner and patch.name in vars(owner):
            monkeypatch.delattr(owner, patch.name)
        if hasattr(owner, patch.name):
            monkeypatch.delattr(next(o for o in owner.__mro__ if patch.name in vars(o)), patch.name)
    else:
        monkeypatch.setattr(owner, patch.name, lambda something, quite, different, yes: None)
    before = [vars(mending._look_up(each.module, each.owner)).get(each.name) for each in PATCHES]
    patches = mending.REPLICAS if patch in mending.REPLICAS else mending.BATCHES
    with pytest.raises(kc.InputError, match=f"one device only here.*{WORKS_AGAIN}"):
        mending._apply(patches, ())
    after = [vars(mending._look_up(each.module, each.owner)).get(each.name) for each in PATCHES]
    # All or none.
    assert before == after


@pytest.mark.parametrize("needed", mending.CALLED, ids=str)
def test_what_is_called_besides_is_there_or_missed(needed):
    assert mending._look_up(*needed)
    with pytest.raises(kc.InputError, match="one device only"):
        mending._apply((), [(needed[0], needed[1] + "_no_more")])


def test_an_untested_release_that_has_all_of_it_says_so_once(unmended, monkeypatch):
    before = names_in_place()
    monkeypatch.setattr(keras, "__version__", "3.99.0")
    with pytest.warns(UserWarning, match=f"tested with Keras {TESTED}, and this is 3.99.0"):
        mending._apply(mending.REPLICAS, ())
    count = len(mending.REPLICAS)
    assert all(a is not b for a, b in zip(before[:count], names_in_place(), strict=False))


def test_one_device_computes_the_same_after_mending(unmended):
    def losses():
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.Dropout(0.5)])
        model.compile(keras.optimizers.SGD(0.1, global_clipnorm=0.1), "mse")
        x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
        return model.fit(x, x, epochs=3, verbose=0).history["loss"]

    before = losses()
    mending._apply(mending.REPLICAS, ())
    assert losses() == before


def test_statistics_of_batch_norm_take_one_exchange_and_are_the_whole_batch_s(monkeypatch):
    import tensorflow as tf

    rows = np.random.default_rng(0).normal(3, 2, (5, 4, 3)).astype("float32")
    mended = mending._pooling(tf.nn.moments)
    monkeypatch.setattr(mending, "replica_context", lambda: True)
    told = []
    monkeypatch.setattr(mending, "sum_over_replicas", lambda value: told.append(value) or value)
    mended(tf.constant(rows[3:]), [0, 1], False)
    (other,) = told
    monkeypatch.setattr(mending, "sum_over_replicas", lambda value: value + other)
    # Of replicas that have three rows and two.
    for keepdims in (False, True):
        found = mended(tf.constant(rows[:3]), [0, 1], keepdims)
        for value, whole in zip(found, (rows.mean, rows.var), strict=True):
            np.testing.assert_allclose(value, whole((0, 1), keepdims=keepdims), rtol=1e-5)
