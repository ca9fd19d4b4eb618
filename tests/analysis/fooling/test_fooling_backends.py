"""On JAX and PyTorch attacks give what they give on TensorFlow, and keep the ten rules."""

import numpy as np
import pytest

from analysis.fooling import fooling_networks
from support import run_on

CODE = """
import numpy as np
from analysis.fooling.fooling_networks import network, results
from analysis.fooling.test_attack_rules import test_the_ten_rules
from analysis.fooling.test_auto_attack import test_losses_by_hand
np.savez(r"{path}", **results())
test_losses_by_hand()
for name in {names}:
    test_the_ten_rules(network(), name)
"""
# One of each kind of what they compute.
RULED = ("fgsm_l2", "fgsm_l1", "pgd", "deepfool", "carlini_wagner", "apgd_dlr", "fab", "square")


@pytest.fixture(scope="module")
def expected():
    return fooling_networks.results()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backends_agree(expected, backend, tmp_path):
    path = tmp_path / "found.npz"
    run_on(backend, CODE.format(path=path, names=RULED), timeout=900)
    found = np.load(path)
    assert str(found["backend"]) == backend and set(found) == set(expected)
    for name in set(expected) - {"backend"}:
        near = np.isclose(found[name], expected[name], atol=0.05)
        # Where a search takes another turn by a rounding, all of an image is another.
        searches = ("lbfgs", "lbfgs_smallest", "carlini_wagner", "fab", "fab_l2")
        assert near.mean() > (0.8 if name in searches else 0.97), name
