"""Copies of an engine's process: strangers to one another, whatever one of them does."""

import os

import pytest

import engines
from support import engine_of, run_on, run_without_us

pytestmark = pytest.mark.skipif(not engines.CAN_COPY, reason="processes are not copied here")
NAME = "import keras; print(keras.config.backend())"


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_copy_has_the_engine_and_nothing_of_what_others_did(backend):
    fresh = "import jax, sys; from jax._src import xla_bridge; assert not xla_bridge._backends; "
    count = "import os; print(len(os.listdir('/proc/self/task')))"
    run_on(
        backend,
        "import keras, os, sys, keras_classics as kc; keras.config.set_floatx('float64')\n"
        "sys.LEFT = os.environ['LEFT'] = 'left'; keras.ops.matmul(*[keras.ops.ones((9, 9))] * 2)",
    )
    left = "import keras, os, sys; assert not hasattr(sys, 'LEFT') and 'LEFT' not in os.environ; "
    assert run_on(backend, f"{left}{fresh}{NAME}; print(keras.config.floatx())").split() == [
        backend, "float32",
    ]  # fmt: skip
    # Random numbers that nobody seeded differ: the second thread is jemalloc's, of pyarrow.
    draws = {run_on(backend, "import keras; print(keras.random.uniform(()))") for _ in range(2)}
    assert len(draws) == 2 and int(run_on(backend, count)) <= 2


@pytest.mark.slow
def test_what_ends_badly_is_told_and_ends_nobody_else():
    process = engine_of("jax")
    for code, said in (
        (
            "import sys; print('so', file=sys.stderr); raise ValueError('no')",
            "with 1: so\n(.|\n)*no",
        ),
        ("import sys; sys.exit(3)", "with 3"),
        ("assert False, 'a fact'", "with 1(.|\n)*AssertionError: a fact"),
        ("import os; os.kill(os.getpid(), 11)", "with -11"),
        ("(", "with 1(.|\n)*SyntaxError"),
    ):
        with pytest.raises(AssertionError, match=said):
            run_on("jax", code)
    with pytest.raises(AssertionError, match="after 0.1 s"):
        run_on("jax", "import time; time.sleep(60)", timeout=0.1)
    assert run_on("jax", "import sys; sys.exit()") == ""
    assert run_on("jax", NAME) == "jax\n" and engine_of("jax") is process


@pytest.mark.slow
def test_where_the_engine_itself_ends_the_next_test_has_another():
    gone = engine_of("jax")
    with pytest.raises(AssertionError, match="the engine ended"):
        run_on("jax", "import os; os.kill(os.getppid(), 9)")
    assert run_on("jax", NAME) == "jax\n" and engine_of("jax") is not gone


def test_without_copies_it_is_a_process_of_its_own(monkeypatch):
    monkeypatch.setattr(engines, "CAN_COPY", False)
    assert run_on("jax", "import os; print(os.getppid())") == f"{os.getpid()}\n"


@pytest.mark.parametrize("copied", [pytest.param(True, marks=pytest.mark.slow), False])
def test_without_us_there_is_tensorflow_alone(copied, monkeypatch):
    monkeypatch.setattr(engines, "CAN_COPY", copied)
    code = (
        "import os, sys; print('tensorflow' in sys.modules, os.environ['PYTHONPATH'], "
        "[name for name in sys.modules if name.startswith(('keras_classics', 'support'))])"
    )
    assert run_without_us(code) == f"{copied}  []\n"
