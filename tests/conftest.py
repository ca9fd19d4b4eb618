"""Between the files of tests, what the last one built is forgotten."""

import gc

import keras
import pytest


@pytest.fixture(scope="module", autouse=True)
def forgotten():
    """Hundreds of traced models would make every later garbage collection slow."""
    yield
    keras.utils.clear_session(free_memory=True)
    # What is left lives as long as the process: nobody need look at it again.
    gc.freeze()
