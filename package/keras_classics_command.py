"""The program `keras-classics`: it answers what it can before an engine is imported.

Importing any module of a package runs the package's `__init__.py` first; that of `keras_classics`
registers every layer, and imports Keras and its engine for it, which takes seconds. Therefore the
package is imported in two steps here, those of the recipes in `importlib`'s documentation: it is
found, so that its modules can be imported, and it is run once a verb needs more than they know.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator


def main() -> int:
    """Answer the arguments of the process; returns the exit code."""
    spec = importlib.util.find_spec("keras_classics")
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("keras_classics is missing. Run: pip install keras-classics")
    run, package = spec.loader.exec_module, importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = package

    def run_the_package() -> None:
        with engines_lines_kept():
            run(package)

    return importlib.import_module("keras_classics.cli").main(before_engine=run_the_package)


@contextlib.contextmanager
def engines_lines_kept() -> Iterator[None]:
    """Show what is written to standard error meanwhile only where it says why something failed.

    TensorFlow tells about instruction sets and missing drivers: at every import whatever is set,
    later unless it is told not to. Its errors come as exceptions all the same.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryFile() as kept:
        sys.stderr.flush()
        shown = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except Exception:
            kept.seek(0)
            os.write(shown, kept.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(shown, 2)
            os.close(shown)


if __name__ == "__main__":
    sys.exit(main())
