"""The commit of the code that runs, wherever the user stands."""

from __future__ import annotations

import filecmp
import importlib.metadata
import os
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_classics.core.boundary.text_files import parse_json

DISTRIBUTION = "keras-classics"
_PACKAGE = Path(__file__).resolve().parent.parent
# Where a checkout of ours has the package.
_INSIDE = Path("package", "keras_classics")
_DIRTY = "-dirty"


def commit() -> str | None:
    """The commit this package runs from, marked `-dirty` where what runs differs from it.

    It is that of the checkout in which the package lies or from which pip installed it, or the one
    pip fetched. The repository in which the user stands may be anybody's: it is not looked at.

    Returns:
        None where the code came without its history, as from a package registry.
    """
    return commit_of(_PACKAGE, _installed_from(_PACKAGE))


def commit_of(package: Path, installed_from: Mapping[str, Any] | None) -> str | None:
    """The commit of a package that lies in a folder; see `commit`.

    Args:
        package: The package's folder.
        installed_from: What pip noted of an installed package: the content of its
            `direct_url.json`. None where there is no such note.
    """
    if package.parts[-2:] == _INSIDE.parts:
        return _described(package.parent.parent)
    if installed_from is None:
        return None
    if "vcs_info" in installed_from:
        return installed_from["vcs_info"].get("commit_id")
    address = urllib.parse.urlparse(installed_from.get("url", ""))
    if address.scheme != "file":
        return None
    checkout = Path(urllib.request.url2pathname(address.path))
    found = _described(checkout)
    if found is None or found.endswith(_DIRTY) or _same_code(package, checkout / _INSIDE):
        return found
    # It was installed from another state of the checkout.
    return found + _DIRTY


def _described(checkout: Path) -> str | None:
    # A folder above it may be the repository of somebody else.
    if not (checkout / ".git").exists():
        return None
    # These would lead git into another repository, as they do in its hooks.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        answer = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "-C", checkout, "describe", "--always",
             f"--dirty={_DIRTY}", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
            env={**environment, "GIT_OPTIONAL_LOCKS": "0"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None


def _same_code(package: Path, other: Path) -> bool:
    ours, theirs = (
        {path.relative_to(root) for path in root.rglob("*.py")} for root in (package, other)
    )
    return ours == theirs and all(
        filecmp.cmp(package / path, other / path, shallow=False) for path in ours
    )


def _installed_from(package: Path) -> dict[str, Any] | None:
    try:
        distribution = importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return None
    # Another copy than the one that runs may be installed.
    if Path(str(distribution.locate_file(package.name))).resolve() != package:
        return None
    note = distribution.read_text("direct_url.json")
    return parse_json(note) if note else None
