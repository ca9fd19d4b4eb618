"""One flag for where to train: what it takes, what it refuses, who writes."""

import json
import re
import shlex
from unittest import mock

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.distribution import sums
from keras_classics.distribution.cluster import this_worker


def test_an_unknown_strategy_is_refused():
    with pytest.raises(ValueError, match="strategy='gpu'.*'mirrored'"):
        kc.distribution.strategy("gpu")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("model_parallel", "KERAS_BACKEND=jax"),
        ("multi_worker", "export TF_CONFIG="),
        ("tpu", "strategy='auto'"),
    ],
)
def test_what_the_engine_does_not_offer_names_what_works(name, remedy, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(kc.InputError, match=remedy):
        kc.distribution.strategy(name)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="replicas are TensorFlow's")
def test_few_numbers_of_workers_with_a_processor_each_are_gathered(monkeypatch):
    import tensorflow as tf

    strategy = mock.create_autospec(tf.distribute.MultiWorkerMirroredStrategy, instance=True)
    strategy.extended.worker_devices = ["/job:worker/replica:0/task:1/device:CPU:0"]
    context = mock.Mock(strategy=strategy, num_replicas_in_sync=2, all_reduce=lambda _, x: 10 * x)
    monkeypatch.setattr(sums, "replica_context", lambda: context)
    asked = []

    def gather(input, **options):
        asked.append(options)
        return tf.concat([input, 3 * input], 0)

    monkeypatch.setattr(tf.raw_ops, "CollectiveGatherV2", gather)

    @tf.function(autograph=False)
    def summed(value):
        with tf.GradientTape() as tape:
            tape.watch(value)
            total = sums.sum_over_replicas(value)
        return total, tape.gradient(total, value)

    ones = tf.ones((2, 3))
    for found in summed(ones):
        np.testing.assert_array_equal(found, np.full((2, 3), 4))
    # Forward, and backward what the loss of the other replica owes to this one.
    assert [each["group_size"] for each in asked] == [2, 2]
    assert all(len(each["ordering_token"]) == 1 for each in asked)
    # Others are left to TensorFlow: many, of another type, outside of a program, of graphics cards.
    for value in (tf.ones(2**14 + 1), tf.ones(3, "float16")):
        assert summed(value)[0][0] == 10
    assert sums.sum_over_replicas(tf.ones(())) == 10
    strategy.extended.worker_devices = ["/job:worker/replica:0/task:1/device:GPU:0"]
    assert summed(tf.ones(2))[0][0] == 10
    assert len(asked) == 2


def test_a_place_is_entered_again_for_fit():
    place = kc.distribution.strategy("auto")
    with place:
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
    with place, place:
        model.fit(np.ones((2, 1)), np.ones((2, 1)), verbose=0)
    assert model.optimizer.iterations == 1


CLUSTER = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}


@pytest.mark.parametrize(
    ("kind", "index", "number"), [("chief", 0, 0), ("worker", 0, 1), ("worker", 1, 2)]
)
def test_the_first_of_all_addresses_writes(kind, index, number, monkeypatch, tmp_path):
    task = {"type": kind, "index": index}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": CLUSTER, "task": task}))
    assert this_worker().addresses == ("a:1", "b:1", "c:1")
    assert this_worker().number == number
    (tmp_path / "checkpoint.npz").write_bytes(b"first")
    own = kc.distribution.own_folder(tmp_path, "multi_worker")
    assert (own == tmp_path) == (number == 0)
    assert (own / "checkpoint.npz").read_bytes() == b"first"
    assert kc.distribution.own_folder(tmp_path, "mirrored") == tmp_path


@pytest.mark.parametrize(
    "config",
    ["", "{", "[]", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}'],
)
def test_a_cluster_that_is_none_is_refused(config, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(kc.InputError, match="TF_CONFIG.*Run: export TF_CONFIG=") as refused:
        this_worker()
    # What Python found is of no use to who set it; what is to be typed works as it stands.
    assert "Error" not in str(refused.value)
    typed = re.search(r"Run: export (.*), with", str(refused.value))[1]
    monkeypatch.setenv("TF_CONFIG", shlex.split(typed)[0].removeprefix("TF_CONFIG="))
    assert this_worker().addresses


@pytest.mark.parametrize("verb", [None, "evaluate"])
def test_several_workers_only_train(verb):
    with pytest.raises(kc.InputError, match="the verb train"):
        kc.distribution.check_verb("multi_worker", verb)
    kc.distribution.check_verb("mirrored", verb)
    kc.distribution.check_verb("multi_worker", "train")


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="replicas are TensorFlow's")
@pytest.mark.parametrize("asked", [{"jit_compile": True}, {"steps_per_execution": 2}], ids=str)
def test_what_several_devices_would_fail_at_is_refused_on_one_too(asked):
    values = np.zeros((8, 4), "float32")
    with kc.distribution.strategy("mirrored"):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
        model.compile("sgd", "mse", **asked)
        (name,) = asked
        with pytest.raises(kc.InputError, match=f"{name}=.*Leave {name} out"):
            model.fit(values, values, batch_size=4, verbose=0)
        model.compile("sgd", "mse")
        model.fit(values, values, batch_size=4, verbose=0)
