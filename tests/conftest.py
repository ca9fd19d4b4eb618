"""Threads are few, the longest files begin, and what a file of tests has built is forgotten."""

import collections
import gc
import os
import tempfile
from pathlib import Path

# Runs share their cores, and threads that wait for one another burn a core; read by the engines
# and NumPy when they are first imported, here and in the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
# The pool that TensorFlow has on processors with oneDNN gives nothing back: a worker grew to 8 GB.
os.environ.setdefault("TF_ONEDNN_USE_SYSTEM_ALLOCATOR", "1")

# What JAX has compiled serves the whole run, its workers and the processes that tests start.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    compiled = tempfile.TemporaryDirectory(prefix="compiled-", ignore_cleanup_errors=True)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = compiled.name

import keras
import pytest


def pytest_collection_modifyitems(items):
    """The files with most slow tests come first: a long one at the end would leave a worker alone."""
    slow = collections.Counter(item.path for item in items if item.get_closest_marker("slow"))
    # Two tests of all layers, each a run of its own.
    slow[Path(__file__).parent / "layers" / "test_backends.py"] += 100
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope="module", autouse=True)
def forgotten():
    """Hundreds of traced models would make every later garbage collection slow."""
    yield
    keras.utils.clear_session(free_memory=True)
    # What is left lives as long as the process: nobody need look at it again.
    gc.freeze()
