"""What every run leaves beside its results: how it was made, and its figures."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from keras_classics.core import files
from keras_classics.core.errors import InputError, explain

RUN = "run.json"
METRICS = "metrics.json"
LIBRARIES = (
    "keras-classics",
    "keras",
    "keras-hub",
    "tensorflow",
    "jax",
    "torch",
    "numpy",
    "pandas",
)


def record_run(folder: str | os.PathLike, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Write `run.json`: settings, command, commit, versions and machine.

    Args:
        folder: The run's folder; made if absent.
        settings: The resolved settings, the seed among them.

    Returns:
        What was written.

    Raises:
        InputError: The folder cannot be written.
    """
    record = describe_run(settings)
    write_json(Path(folder) / RUN, record)
    return record


def describe_run(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Say how a run is made, of what can be known of it here and now.

    Args:
        settings: The resolved settings, as JSON can have them.

    Returns:
        `"settings"`, `"command"`, `"commit"` (None outside git), `"started"` (UTC), `"backend"`,
        `"versions"` by library, and `"machine"`.
    """
    return {
        "settings": dict(settings),
        "command": " ".join(sys.argv),
        "commit": commit(),
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "backend": keras.config.backend(),
        "versions": {name: found for name in LIBRARIES if (found := _version(name))},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}",
    }


def read_run(folder: str | os.PathLike) -> dict[str, Any] | None:
    """Read `run.json`.

    Args:
        folder: The run's folder.

    Returns:
        What `record_run` wrote, or None if the folder has none.

    Raises:
        InputError: It is damaged, or was not written by `record_run`.
    """
    path = Path(folder) / RUN
    if not path.exists():
        return None
    return read_json(path, {"settings": dict})


def run_settings(settings: Mapping[str, Any], *, free: Collection[str] = ()) -> dict[str, Any]:
    """Settings as `run.json` keeps them: as JSON has them, tuples as lists.

    Args:
        settings: All settings, such as `vars(options)`.
        free: Names of those that may differ between a run and the run it continues. They are left
            out, except for the number of epochs.
    """
    kept = {key: value for key, value in settings.items() if key not in {*free} - {"epochs"}}
    return json.loads(json.dumps(kept))


def finished_settings(
    folder: str | os.PathLike, model: str, *, kind: str, application: str
) -> dict[str, Any]:
    """The settings of a finished training.

    Args:
        folder: The run's folder.
        model: Name of the file in it that a finished training leaves.
        kind: What is trained, for the message.
        application: Script that trains it, for the message.

    Raises:
        InputError: The folder holds no finished training.
    """
    record = read_run(folder)
    if record is None or not (Path(folder) / model).exists():
        raise InputError(
            explain(
                f"{folder} holds no trained {kind}",
                "the --out of a finished training",
                f"Run: python applications/{application} train --out {folder}",
            )
        )
    return record["settings"]


def check_continues(
    folder: str | os.PathLike, settings: Mapping[str, Any], *, free: Collection[str] = ()
) -> None:
    """Refuse to continue a run that was made with other settings.

    Args:
        folder: The run's folder.
        settings: The settings of now.
        free: Names of settings that may differ.

    Raises:
        InputError: The folder holds a run with other settings.
    """
    record = read_run(folder)
    if record is None:
        return
    now = run_settings(settings, free=free)
    changed = [
        f"{key} {value!r}, now {now.get(key)!r}"
        for key, value in record["settings"].items()
        if key not in free and now.get(key) != value
    ]
    if changed:
        raise InputError(
            explain(
                f"{folder} holds a run with other settings ({'; '.join(changed)})",
                "the same settings, to go on where it stopped",
                "Choose another --out, or delete the folder.",
            )
        )


def record_metrics(folder: str | os.PathLike, metrics: Mapping[str, Mapping[str, float]]) -> None:
    """Write metrics as `metrics.json` and as a table, `metrics.csv`.

    Args:
        folder: The run's folder.
        metrics: Figures by what was evaluated; each becomes a row of the table.

    Raises:
        InputError: The folder cannot be written.
    """
    write_json(Path(folder) / METRICS, metrics)
    table = pd.DataFrame(metrics).T.rename_axis("evaluated")
    files.write_whole(Path(folder) / "metrics.csv", table.to_csv)


def write_json(path: Path, content: Any) -> None:
    """Write JSON, whole or not at all, making the folder.

    Args:
        path: The file.
        content: What JSON can have.

    Raises:
        InputError: The file cannot be written.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    files.write_whole(path, lambda fresh: fresh.write_text(text, "utf-8"))


def read_json(path: Path, members: Mapping[str, type] | None = None) -> Any:
    """Read JSON that `write_json` wrote, of a folder that may come from a stranger.

    Args:
        path: The file.
        members: Names and types of what it must hold, as a table; None for a list of texts.

    Raises:
        InputError: The file is absent, damaged, or holds something else.
    """
    allowed = f"the {path.name} that a training wrote"
    remedy = "Choose another folder, or train anew."
    content = files.read_json(path, allowed, remedy)
    if members is None:
        sound = isinstance(content, list) and all(isinstance(each, str) for each in content)
    else:
        sound = isinstance(content, dict) and all(
            isinstance(content.get(name), kind) for name, kind in members.items()
        )
    if not sound:
        raise InputError(explain(f"{path} holds something else", allowed, remedy))
    return content


def commit() -> str | None:
    """The commit of the working tree, marked when files differ from it; None outside git."""
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
