"""Check a device: four networks built, trained, asked, saved and loaded, in two precisions.

    python applications/device_check.py                      # all devices there are
    python applications/device_check.py --size tiny          # a minute, on any machine
    KERAS_BACKEND=jax python applications/device_check.py

It prints steps a second, the share of the device's matrix peak (which it measures) that training
reaches, and memory. The engine is what KERAS_BACKEND says, else TensorFlow, JAX or PyTorch,
whichever is there. Several devices share each batch.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import sys
from collections.abc import Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "KERAS_BACKEND" not in os.environ:
    engines = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}
    there = [name for name, module in engines.items() if importlib.util.find_spec(module)]
    os.environ["KERAS_BACKEND"] = there[0] if there else "tensorflow"

import keras_classics as kc  # noqa: E402


def main(argv: Sequence[str] | None = None) -> int:
    """Run the check; returns the exit code."""
    return kc.cli.guarded(run, argv)


def run(argv: Sequence[str] | None) -> None:
    """Check every network in every precision."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = kc.cli.Parser(description=__doc__, formatter_class=raw)
    parser.add_argument("--size", choices=("full", "tiny"), default="full",
        help="of networks and batches (default: full)")  # fmt: skip
    size = parser.parse_args(argv).size
    kc.cli.import_keras()
    from benchmarks import devices

    # Every network is traced anew, which TensorFlow takes for a mistake.
    logging.getLogger("tensorflow").setLevel("ERROR")
    devices.check_all(devices.SIZES[size])


if __name__ == "__main__":
    sys.exit(main())
