"""Which releases of other libraries are at hand."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable


def installed(libraries: Iterable[str]) -> dict[str, str]:
    """Versions by library, of those that are installed.

    Args:
        libraries: Names as a package registry has them, such as `"scikit-learn"`.
    """
    found = {}
    for name in libraries:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
