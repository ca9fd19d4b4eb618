"""The contract of every layer on the other two backends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import QUICK_JAX


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_all_hold(backend):
    command = [sys.executable, "-m", "pytest", str(Path(__file__).parent), "-k", "contract"]
    environment = {**os.environ, **QUICK_JAX, "KERAS_BACKEND": backend}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:]
