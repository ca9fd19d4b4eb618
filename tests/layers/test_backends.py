"""The contract of every layer on the other two backends."""

from pathlib import Path

import pytest

from support import run_on


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_all_hold(backend):
    arguments = [str(Path(__file__).parent), "-k", "contract", "-p", "no:cacheprovider"]
    said = run_on(backend, f"import sys, pytest; sys.exit(pytest.main({arguments}))", timeout=900)
    assert int(said.split(" passed")[0].split()[-1]) > 80
