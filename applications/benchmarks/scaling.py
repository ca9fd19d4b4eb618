"""Two workers on a core each beside one worker on one."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import time
from collections.abc import Sequence
from typing import Annotated

import keras
import numpy as np
import pandas as pd

import keras_classics as kc
from benchmarks.measuring import CLOCKS, MEASURED

# Steps whose time is taken together: the runs of several workers wander by a step.
STRETCH = 5


def scaling(
    *,
    networks: Annotated[str, "of cnn, translator, with commas"] = "cnn,translator",
    batch: Annotated[int, "examples of a step for each worker"] = 64,
    steps: Annotated[int, "steps, of which the fastest five in a row count"] = 30,
    units: Annotated[int, "of the translator's encoder and decoder"] = 256,
    turns: Annotated[int, "runs of one worker and of two, in turns"] = 2,
) -> pd.DataFrame:
    """Examples a second of two workers on two cores beside twice those of one worker on one.

    The workers are processes on this machine, each held to a core of its own, and give each other
    their gradients through its network. The ratio is the efficiency: 1 if that took no time. By the
    processor's time it tells what the exchange itself takes, on a machine that others use too.
    """
    cores = sorted(os.sched_getaffinity(0))
    if keras.config.backend() != "tensorflow" or len(cores) < 2:
        raise kc.InputError(
            f"The backend is {keras.config.backend()}, and {len(cores)} cores are there",
            "tensorflow on two cores or more",
            "Set KERAS_BACKEND=tensorflow, on a machine that has them.",
        )
    rows = []
    for name in networks.split(","):
        if name not in NETWORKS:
            raise kc.InputError(
                f"--networks {name} was given", ", ".join(NETWORKS), "Choose from these."
            )
        rates = {1: np.zeros(2), 2: np.zeros(2)}
        for _ in range(turns):
            for count, former in rates.items():
                found = _together(name, cores[:count], batch, steps, units)
                rates[count] = np.maximum(former, found)
        for clock, one, two in zip(CLOCKS.values(), *rates.values(), strict=True):
            # A second of both workers is two of their processors'.
            twice = one if clock else 2 * one
            rows.append({"model": name + clock, "ours": two, "peer": twice})
    setting = f"two workers, a core and {batch} examples each"
    rows = pd.DataFrame(rows).assign(setting=setting, beside="twice one worker")
    return rows.assign(unit="examples/s").reindex(columns=MEASURED)


def _together(name: str, cores: Sequence[int], batch: int, steps: int, units: int) -> np.ndarray:
    """Examples a second of workers on these cores, by the clock and by their processors' time."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in cores]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    with multiprocessing.get_context("spawn").Pool(len(cores), maxtasksperchild=1) as pool:
        arguments = [(name, n, cores, addresses, batch, steps, units) for n in range(len(cores))]
        seconds = np.array(pool.starmap(work, arguments, chunksize=1))
    examples = batch * len(cores) * STRETCH
    return examples / np.array([seconds[:, 0].max(), seconds[:, 1].sum()])


def work(
    name: str, number: int, cores: Sequence[int], addresses: Sequence[str], batch: int, steps: int,
    units: int,
) -> np.ndarray:  # fmt: skip
    """Be a worker: seconds of the fastest stretch of steps, and of the processor's time."""
    os.sched_setaffinity(0, {cores[number]})
    place = "cpu"
    if len(cores) > 1:
        task = {"type": "worker", "index": number}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
        place = "multi_worker"
    import tensorflow as tf

    strategy = kc.distribution.strategy(place)
    ended: list[tuple[float, float]] = []
    clock = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: ended.append(
            (time.perf_counter(), time.process_time())
        )
    )
    rows, draw = batch * len(cores), np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    with strategy:
        model, inputs, labels = NETWORKS[name](draw, rows, units)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss)
        # One long epoch: what begins an epoch is no part of a step.
        batches = tf.data.Dataset.from_tensors((inputs, labels)).repeat()
        model.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0, callbacks=[clock])
    taken = np.array(ended[STRETCH + 1 :]) - np.array(ended[1:-STRETCH])
    return taken.min(axis=0)


def _cnn(draw: np.random.Generator, rows: int, units: int):
    model = kc.create_model("resnet_20_cifar", weights=None, classifier_activation=None)
    images = draw.normal(size=(rows, *model.input_shape[1:])).astype("float32")
    return model, images, draw.integers(0, 10, rows)


def _translator(draw: np.random.Generator, rows: int, units: int):
    model = kc.models.translator(5000, 5000, units=units, attention="additive")
    words = [draw.integers(1, 5000, (rows, 20)).astype("int32") for _ in range(3)]
    return model, {"source": words[0], "target_in": words[1]}, words[2]


NETWORKS = {"cnn": _cnn, "translator": _translator}
