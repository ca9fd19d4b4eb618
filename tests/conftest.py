"""Threads are few, and between the files of tests what the last one built is forgotten."""

import gc
import os

# Runs share their cores, and threads that wait for one another burn a core; read by the engines
# and NumPy when they are first imported, here and in the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import keras
import pytest


@pytest.fixture(scope="module", autouse=True)
def forgotten():
    """Hundreds of traced models would make every later garbage collection slow."""
    yield
    keras.utils.clear_session(free_memory=True)
    # What is left lives as long as the process: nobody need look at it again.
    gc.freeze()
