"""The one place where matplotlib is set up."""

from __future__ import annotations

from types import ModuleType


def pyplot() -> ModuleType:
    """Return `matplotlib.pyplot`, drawing into files: no screen is needed."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot

    return matplotlib.pyplot
