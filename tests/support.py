"""What tests of layers, models and decoders have in common; plain functions, no framework."""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest

import engines
from browser import Browser

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
# Numbers of others, with their provenance in a README.
NUMBERS = ROOT / "tests" / "data"


def shared(*parts: str) -> Path:
    """A file outside the project, or skip the test that wants it."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs {path}, which is not part of the project")
    return path


def check_layer(layer: keras.layers.Layer, *inputs: np.ndarray, steps: int = 1) -> np.ndarray:
    """The contract of a layer; returns its output.

    The config round trip is equal, symbolic and eager shapes agree, a saved model with the layer
    gives the same output, every trainable weight gets a finite gradient that is not all zero, and
    in half precision the layer says what it says in single.
    """
    config = layer.get_config()
    twin = type(layer).from_config(json.loads(json.dumps(config)))
    assert twin.get_config() == config

    symbols = [keras.Input(x.shape[1:], dtype=str(x.dtype)) for x in inputs]
    outputs = layer(*symbols)
    model = keras.Model(symbols, outputs)
    value = model.predict_on_batch(list(inputs))
    assert value.shape[1:] == tuple(outputs.shape[1:])
    if layer.trainable_weights:
        check_gradients(model, list(inputs), value.shape)

    check_half_precision(lambda dtype: type(layer).from_config({**config, "dtype": dtype}), *inputs)
    return value


def check_half_precision(make: Callable[[str], keras.layers.Layer], *inputs) -> None:
    """In half precision a layer gives the numbers of single precision.

    In float16 also for inputs whose squares it cannot hold; what a result itself cannot hold is
    left out there.

    Args:
        make: From a policy to a new layer of it.
        *inputs: What the layer is called on, a list for a layer that takes several.
    """
    keras.utils.set_random_seed(0)
    single = make("float32")
    in_single = answering(single, *inputs)
    for policy, error in (("mixed_bfloat16", 0.05), ("mixed_float16", 0.01)):
        half = make(policy)
        in_half = answering(half, *inputs)
        half.set_weights(single.get_weights())
        for largest in (None,) if policy == "mixed_bfloat16" else (None, 3000.0):
            given = keras.tree.map_structure(partial(_rounded, policy, largest), inputs)
            pairs = zip(
                *(keras.tree.flatten(answer(*given)) for answer in (in_half, in_single)),
                strict=True,
            )
            for found, expected in pairs:
                _check_near(found, expected, error, exact=policy == "mixed_float16" and not largest)


def answering(layer: keras.layers.Layer, *inputs) -> Callable:
    """The layer, built for such inputs, as what gives its answer to them.

    JAX compiles a call outside of models operation by operation, and loops anew each time: there
    the whole call is compiled once.
    """
    if keras.config.backend() != "jax":
        layer(*inputs)
        return layer
    import jax

    layer(*keras.tree.map_structure(lambda x: keras.KerasTensor(x.shape, str(x.dtype)), inputs))

    @jax.jit
    def call(values, *given):
        with keras.StatelessScope(zip(layer.variables, values, strict=True)):
            return layer(*given)

    return lambda *given: call([variable.value for variable in layer.variables], *given)


def _check_near(found, expected, error: float, *, exact: bool) -> None:
    found, expected = (
        keras.ops.convert_to_numpy(keras.ops.cast(x, "float32")) for x in (found, expected)
    )
    held = np.abs(expected) < 30_000
    scale = np.abs(expected).max(initial=0.0, where=held)
    near = np.isclose(found, expected, rtol=error, atol=error * scale)[held]
    assert np.isfinite(found[held]).all()
    # Squashed large sums are 1 or -1, but for the few near 0, whose rounding is not small.
    assert near.size == 0 or near.mean() >= (1.0 if exact else 0.95), f"{near.mean():.0%} agree"


def _rounded(policy: str, largest: float | None, x: np.ndarray) -> np.ndarray:
    """Numbers both precisions have, the largest of them as given; whole numbers stay."""
    if not np.issubdtype(x.dtype, np.floating):
        return x
    x = x if largest is None else x * (largest / np.abs(x).max())
    x = keras.ops.cast(x, policy.removeprefix("mixed_"))
    return keras.ops.convert_to_numpy(keras.ops.cast(x, "float32"))


def check_gradients(model: keras.Model, inputs, output_shape) -> None:
    """One training step on a random target changes every trainable weight to a finite value."""
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    model.compile(keras.optimizers.SGD(0.1), "mse")
    target = np.random.default_rng(0).normal(size=output_shape).astype("float32")
    model.train_on_batch(inputs, target)
    for weight, old in zip(model.trainable_weights, before, strict=True):
        new = keras.ops.convert_to_numpy(weight)
        assert np.all(np.isfinite(new)), weight.path
        assert not np.array_equal(new, old), f"{weight.path} received no gradient"


def check_round_trip(model: keras.Model, inputs, tmp_path: Path) -> keras.Model:
    """A saved `.keras` file loads without custom objects and gives the same output."""
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)
    # Called as they are: to trace each for one answer takes longer.
    answers = (keras.tree.flatten(each(inputs)) for each in (loaded, model))
    for found, expected in zip(*answers, strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (found, expected)))
    return loaded


@contextmanager
def undrawn() -> Iterator[None]:
    """Kernels made within are zeros: drawing them takes longest where others are loaded anyway."""

    def zeros(self, shape, dtype=None):
        if keras.config.backend() == "jax":
            # Which would compile its own for each shape.
            return keras.ops.convert_to_tensor(np.zeros(shape, "float32"), dtype)
        return keras.ops.zeros(shape, dtype)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.initializers.VarianceScaling, "__call__", zeros)
        yield


def load_application(name: str) -> ModuleType:
    """A script of `applications/` as a module of its own, whatever has been imported before."""
    path = ROOT / "applications" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look for their module there.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def shipped_record(folder: Path) -> dict:
    """The record of a shipped model, which a commit made as it stands and which is small."""
    run = json.loads((folder / "run.json").read_text())
    assert run["commit"] and not run["commit"].endswith("-dirty")
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 5 * 2**20
    return run


def in_browser(page: Path, width: int, seen: str) -> dict:
    """What a script sees of a page in a real browser, or skip where there is none.

    Args:
        page: The file.
        width: Of the window, in pixels.
        seen: An object of JavaScript.
    """
    with Browser(page.with_name("profile"), width) as browser:
        browser.open(page.as_uri())
        return browser.value(f"({seen})")


# JAX spends most of a test in compiling, of that most in optimising and in writing fused loops by
# the newer of XLA's two ways, and compiles many an operation for test after test.
QUICK_JAX = {
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    "XLA_FLAGS": "--xla_cpu_use_fusion_emitters=false",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


def settings_of(backend: str) -> dict[str, str]:
    """What a process needs in its environment to test the package on a backend; or skip the test.

    It is skipped where the backend is not installed, as PyTorch is not for every Python.
    """
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    return {
        **(QUICK_JAX if backend == "jax" else {}),
        "KERAS_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "package"), str(ROOT / "tests")]),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def run_on(backend: str, code: str, *, timeout: int = 300) -> str:
    """Run code where a backend has been imported, and nothing done with it; returns what it printed.

    For tests of what is done there. What is imported, when, and with which settings can be seen
    only in a process from its beginning: `run_python`.
    """
    if engines.CAN_COPY:
        return engine_of(backend).run(code, timeout)
    return run_python(code, backend=backend, timeout=timeout)


def engine_of(backend: str) -> engines.Engine:
    """The process whose copies `run_on` runs in; or skip the test."""
    # TensorFlow, because Keras imports it on every backend where random numbers are seeded.
    ready = ("support", "keras_classics.core.cards.catalogue", "tensorflow")
    return engines.engine(*ready, **settings_of(backend))


def run_without_us(code: str) -> str:
    """Run code where TensorFlow has been imported and none of us; returns what it printed."""
    settings = {**settings_of("tensorflow"), "PYTHONPATH": ""}
    if engines.CAN_COPY:
        return engines.engine("tensorflow", **settings).run(code, timeout=300)
    return run_python(code, PYTHONPATH="")


def run_python(code: str, *, backend: str = "tensorflow", timeout: int = 300, **environment) -> str:
    """Run code in a fresh process on a backend; returns what it printed."""
    settings = {**os.environ, **settings_of(backend), **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], env=settings, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def reckon_in(floats: str) -> None:
    """From now on this process does, in JAX too, to which `float64` is not even an offer."""
    keras.config.set_floatx(floats)
    # Not implied where a policy was already asked for.
    keras.config.set_dtype_policy(floats)
    if floats == "float64" and keras.config.backend() == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)


def growth(call: Callable[[], object]) -> int:
    """What a call takes of memory at its greatest, in bytes; 0 where the system does not tell."""
    status = Path("/proc/self/status")

    def of(name):
        lines = (line.split() for line in status.read_text().splitlines())
        return next(int(line[1]) * 1024 for line in lines if line[0] == f"{name}:")

    if not status.exists():
        call()
        return 0
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = of("VmRSS")
    call()
    return of("VmHWM") - before
