"""The compiled kernels on processors that count bits in other ways."""

import os
import platform
import subprocess
import sys

import pytest

from support import ROOT

pytest.importorskip("numba", reason="needs numba: pip install 'keras-classics[binary]'")

KERNELS = ROOT / "package" / "keras_classics" / "compression" / "popcount_kernels.py"
PROGRAM = """
import importlib.util, sys
import numpy as np

spec = importlib.util.spec_from_file_location("kernels", sys.argv[1])
kernels = importlib.util.module_from_spec(spec)
sys.modules["kernels"] = kernels
spec.loader.exec_module(kernels)
draw = np.random.default_rng(0)
words = draw.integers(0, 2**64, (7, 3), "uint64")
kernel = draw.integers(0, 2**64, (3, 64), "uint64")
out = np.empty((7, 50), "int32")
kernels.integers(
    words.ravel(), 21, np.arange(7) * 3, np.arange(3),
    np.ascontiguousarray(kernel.reshape(3, 2, 32).swapaxes(0, 1)),
    np.full((1, 50), 192, "int32"), np.zeros(7, "int64"), (0, 7), (0, 2), out,
)
expected = 192 - 2 * np.bitwise_count(words[:, :, None] ^ kernel).sum(1, dtype="int32")
assert np.array_equal(out, expected[:, :50])
(code,) = kernels.integers.inspect_asm().values()
print(kernels.instructions(), *(name in code for name in ("vpopcntq", "vpshufb", "pshufb")))
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="forces an x86 processor")
@pytest.mark.parametrize(
    ("name", "features", "told"),
    [
        ("haswell", "+avx,+avx2,+bmi,+bmi2,+popcnt,+sse4.2,+ssse3", "AVX2 False True True"),
        ("nehalem", "+popcnt,+sse4.2,+ssse3", "SSSE3 False False True"),
    ],
)
def test_the_instructions_are_those_of_the_processor_and_the_counts_stay(
    tmp_path, name, features, told
):
    forced = {
        "NUMBA_CPU_NAME": name,
        "NUMBA_CPU_FEATURES": features,
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(KERNELS)],
        env=os.environ | forced, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == told


def test_what_was_compiled_is_kept_for_the_next_process(tmp_path):
    forced = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    program = f"{PROGRAM}\nprint(sum(kernels.integers.stats.cache_hits.values()))"
    told = [
        subprocess.run(
            [sys.executable, "-c", program.replace("(code,) =", "code = 0,;_ ="), str(KERNELS)],
            env=forced, capture_output=True, text=True, check=False,
        ).stdout.split()[-1:]
        for _ in range(2)
    ]  # fmt: skip
    assert told == [["0"], ["1"]]
