"""The three backends answer, measure and learn alike."""

import json
from functools import cache

import numpy as np
import pytest

from models.dense import backends_by_hand
from support import run_on


@cache
def here():
    return backends_by_hand.answers()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_other_backends_say_and_learn_the_same(backend):
    code = "from models.dense.backends_by_hand import answers\nimport json\nprint(json.dumps(answers()))"
    found = json.loads(run_on(backend, code).splitlines()[-1])
    assert found.keys() == here().keys()
    for name, values in here().items():
        np.testing.assert_allclose(found[name], values, rtol=2e-3, atol=2e-3, err_msg=name)
