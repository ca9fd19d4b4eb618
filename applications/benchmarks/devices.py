"""Four networks built, trained, asked, saved and loaded on the devices there are, and measured."""

from __future__ import annotations

import functools
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

import keras_classics as kc

PRECISIONS = ("float32", "mixed_bfloat16")


class Size(NamedTuple):
    """How large everything is."""

    batch: int
    image: int
    blocks: int
    units: int
    words: int
    time: int
    matrix: int
    seconds: float


SIZES = {
    "full": Size(256, 32, 3, 1024, 10_000, 32, 8192, 22.5),
    "tiny": Size(2, 16, 1, 8, 20, 4, 512, 0.1),
}


def networks(size: Size) -> dict[str, keras.Model]:
    """A CNN, an LSTM, the captioner and the translator, all to logits."""
    cnn = functools.partial(
        kc.models.ResNet20CIFAR, weights=None, input_shape=(size.image, size.image, 3),
        repeats=(size.blocks,) * 3, classifier_activation=None,
    )  # fmt: skip
    return {
        "CNN": lambda: cnn(classes=10),
        "LSTM": lambda: keras.Sequential(
            [
                keras.Input((None,), dtype="int32"),
                keras.layers.Embedding(size.words, size.units),
                kc.layers.RECURRENT_LAYERS["lstm"](size.units, return_sequences=True),
                keras.layers.Dense(size.words),
            ]
        ),
        "captioner": lambda: kc.models.captioner(
            cnn(include_top=False, pooling="avg"), size.words, size.units
        ),
        "translator": lambda: kc.models.translator(
            size.words, size.words, units=size.units, attention="luong_general"
        ),
    }


def check(name: str, build, precision: str, size: Size, peak: float) -> str:
    """Do all with one network; a line of what was found."""
    keras.config.set_dtype_policy(precision)
    _forget_peak()
    with kc.distribution.strategy("auto"):
        model = build()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss)
        draw = np.random.default_rng(0)
        asked = model.inputs[0] if len(model.inputs) == 1 else model.input
        x = keras.tree.map_structure(lambda tensor: _drawn(draw, tensor, size), asked)
        shape = (size.batch, size.time) if len(model.outputs[0].shape) == 3 else (size.batch,)
        y = draw.integers(0, model.outputs[0].shape[-1], shape).astype("int32")
        data = {"x": x, "y": y, "batch_size": size.batch, "verbose": 0}
        first = model.fit(**data).history["loss"][0]
        model.train_on_batch(x, y)
        steps, began = 0, time.perf_counter()
        while time.perf_counter() - began < size.seconds:
            last = model.train_on_batch(x, y)
            steps += 1
        rate = steps / (time.perf_counter() - began)
        said = model.predict(x, verbose=0, batch_size=size.batch)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        kc.save_model(model, path)
        again = kc.load_model(path).predict(x, verbose=0, batch_size=size.batch)
    apart = float(np.abs(np.asarray(said, "float32") - np.asarray(again, "float32")).max())
    if not np.isfinite([first, float(np.ravel(last)[0]), apart]).all() or apart > 0.1:
        raise kc.InputError(
            f"{name} in {precision} has a loss of {first:.3g} and is {apart:.3g} off after it was "
            "loaded",
            "finite numbers, the same ones",
            "Report it with this line.",
        )
    # Of all the devices that share a batch.
    share = rate * _operations(model, size) / (peak * len(keras.distribution.list_devices()))
    return (
        f"{name:<11}{precision:<15}{rate:10.2f} steps/s{share:8.1%} of peak  "
        f"{_memory()}  loss {first:.3f} to {float(np.ravel(last)[0]):.3f}, "
        f"{apart:.1e} off when loaded"
    )


def matrix_peak(size: Size, precision: str) -> float:
    """Operations a second of a large matrix product."""
    dtype = "bfloat16" if precision.startswith("mixed") else "float32"
    a = keras.ops.ones((size.matrix, size.matrix), dtype)

    def product():
        # What is read back has been computed.
        return float(keras.ops.cast(keras.ops.matmul(a, a)[0, 0], "float32"))

    def seconds():
        began = time.perf_counter()
        product()
        return time.perf_counter() - began

    product()
    return 2 * size.matrix**3 / min(seconds() for _ in range(3))


def _drawn(draw, tensor, size: Size) -> np.ndarray:
    shape = (size.batch, *(size.time if side is None else side for side in tensor.shape[1:]))
    if tensor.dtype.startswith("int"):
        return draw.integers(1, size.words, shape).astype(tensor.dtype)
    return draw.normal(size=shape).astype("float32")


def _operations(model: keras.Model, size: Size) -> float:
    """Of a training step: two a product, forward, and twice that backward."""
    products = 0.0
    for layer in model.layers:
        for weight in layer.trainable_weights:
            if len(weight.shape) < 2 or "embedding" in weight.path:
                continue
            in_time = any(len(x.shape) == 3 for x in keras.tree.flatten(layer.output))
            places = size.time if in_time else 1
            if len(weight.shape) == 4:
                places = int(np.prod(layer.output.shape[1:3]))
            products += places * float(np.prod(weight.shape))
    return 6 * size.batch * products


def _forget_peak() -> None:
    """Let the peak of memory be the next network's, where the engine can."""
    backend = keras.config.backend()
    engine = sys.modules[backend]
    if backend == "torch" and engine.cuda.is_available():
        engine.cuda.reset_peak_memory_stats()
    elif backend == "tensorflow" and engine.config.list_physical_devices("GPU"):
        engine.config.experimental.reset_memory_stats("GPU:0")


def _memory() -> str:
    """The device's peak, on JAX since the process began; without one the process's, which grows."""
    backend, told = keras.config.backend(), None
    engine = sys.modules[backend]
    if backend == "torch" and engine.cuda.is_available():
        told = engine.cuda.max_memory_allocated()
    elif backend == "jax":
        told = (engine.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    elif backend == "tensorflow" and engine.config.list_physical_devices("GPU"):
        told = engine.config.experimental.get_memory_info("GPU:0")["peak"]
    of = "of the device"
    if told is None:
        import resource

        told, of = 2**10 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "of the process"
    return f"{told / 2**20:8.0f} MiB {of}"


def check_all(size: Size) -> None:
    """Check every network in every precision, and print a line of each."""
    print(keras.config.backend(), *keras.distribution.list_devices(), flush=True)
    before = keras.config.dtype_policy()
    try:
        for precision in PRECISIONS:
            peak = matrix_peak(size, precision)
            print(f"{precision}: matrix products at {peak / 1e12:.3f} TFLOP/s", flush=True)
            for name, build in networks(size).items():
                print(check(name, build, precision, size, peak), flush=True)
    finally:
        keras.config.set_dtype_policy(before)
