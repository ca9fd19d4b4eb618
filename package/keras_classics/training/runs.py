"""What every run leaves beside its results: how it was made, and its figures."""

from __future__ import annotations

import datetime
import os
import platform
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from keras_classics.core import text_files
from keras_classics.core.errors import InputError, explain
from keras_classics.core.files import write_whole
from keras_classics.core.text_files import as_json, write_json
from keras_classics.core.versions import installed
from keras_classics.training.commits import commit

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


def record_run(
    folder: str | os.PathLike,
    settings: Mapping[str, Any],
    *,
    free: Collection[str] = (),
    data: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write `run.json`: settings, command, commit, versions, machine, and what the data are.

    Where the folder holds a run with the same settings, that run goes on: its record stays, with
    the greater number of epochs, and what is true of now is added to its `"continued"`.

    Args:
        folder: The run's folder; made if absent.
        settings: The resolved settings, the seed among them.
        free: Names of settings that may differ between a run and the run it continues; the number
            of epochs always may.
        data: What is known of the data, `kc.data.Info.facts()`.

    Returns:
        What was written.

    Raises:
        InputError: The folder cannot be written, or holds a damaged `run.json`.
    """
    record, first = describe_run(settings, data), read_run(folder)
    now = run_settings(settings)
    if first is not None and not _changed(first, now, {*free, "epochs"}):
        record = _gone_on(first, record)
    write_json(Path(folder) / RUN, record)
    return record


def describe_run(
    settings: Mapping[str, Any], data: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Say how a run is made, of what can be known of it here and now.

    Args:
        settings: The resolved settings, as JSON can have them.
        data: What is known of the data, `kc.data.Info.facts()`.

    Returns:
        `"settings"`, `"command"`, `"commit"` (of this package; None where it came without its
        history), `"started"` (UTC), `"backend"`, `"versions"` by library, `"machine"`, and
        `"data"` if given.
    """
    return {
        "settings": dict(settings),
        "command": " ".join(sys.argv),
        "commit": commit(),
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "backend": keras.config.backend(),
        "versions": installed(LIBRARIES),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}",
        **({} if data is None else {"data": dict(data)}),
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
    return read_json(path, {"settings": dict}, optional={"data": dict, "continued": list})


def run_settings(settings: Mapping[str, Any], *, free: Collection[str] = ()) -> dict[str, Any]:
    """Settings as `run.json` keeps them: as JSON has them, tuples as lists.

    Args:
        settings: All settings, such as `vars(options)`.
        free: Names of those that may differ between a run and the run it continues. They are left
            out, except for the number of epochs.
    """
    kept = {key: value for key, value in settings.items() if key not in {*free} - {"epochs"}}
    return as_json(kept)


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
    changed = _changed(record, run_settings(settings, free=free), free)
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
    write_whole(Path(folder) / "metrics.csv", table.to_csv)


def read_metrics(folder: str | os.PathLike) -> dict[str, dict[str, float | None]]:
    """Read what `record_metrics` wrote.

    Args:
        folder: The run's folder.

    Returns:
        Figures by what was evaluated; None for one that is not finite.

    Raises:
        InputError: The file is absent, damaged, or holds something else.
    """
    path = Path(folder) / METRICS
    metrics = read_json(path, {})
    figures = [
        figure
        for values in metrics.values()
        for figure in (values.values() if isinstance(values, dict) else ["none"])
    ]
    if not all(isinstance(figure, int | float | None) for figure in figures):
        raise InputError(
            explain(f"{path} holds something else", "figures by name", "Evaluate again.")
        )
    return metrics


def read_json(
    path: Path,
    members: Mapping[str, type] | None = None,
    *,
    optional: Mapping[str, type] | None = None,
) -> Any:
    """Read JSON that `write_json` wrote, of a folder that may come from a stranger.

    Args:
        path: The file.
        members: Names and types of what it must hold, as a table; None for a list of texts.
        optional: Of what it may hold besides.

    Raises:
        InputError: The file is absent, damaged, or holds something else.
    """
    allowed = f"the {path.name} that a training wrote"
    remedy = "Choose another folder, or train anew."
    content = text_files.read_json(path, allowed, remedy)
    if members is None:
        sound = isinstance(content, list) and all(isinstance(each, str) for each in content)
    else:
        sound = isinstance(content, dict) and all(
            isinstance(content.get(name), kind)
            for name, kind in {**(optional or {}), **members}.items()
            if name in members or name in content
        )
    if not sound:
        raise InputError(explain(f"{path} holds something else", allowed, remedy))
    return content


def other_releases(folder: str | os.PathLike, made_with: Mapping[str, str]) -> str | None:
    """Say that the data of a run were made by other releases than those at hand.

    Such data may differ: what was held back of the one may be among what was learned of the other.

    Args:
        folder: The run's folder.
        made_with: Releases by library that make the data here and now.

    Returns:
        A sentence, or None where they are the same, or where nothing is recorded.

    Raises:
        InputError: The folder's `run.json` is damaged.
    """
    record = read_run(folder) or {}
    then = record.get("data", {}).get("made_with")
    if not isinstance(then, dict):
        return None
    changed = [
        f"{library} {then.get(library)}, now {made_with.get(library)}"
        for library in {**then, **made_with}
        if then.get(library) != made_with.get(library)
    ]
    if not changed:
        return None
    return (
        f"the data of {folder} were made with {'; '.join(changed)}: figures on them cannot be "
        "compared"
    )


def _changed(record: Mapping[str, Any], now: Mapping[str, Any], free: Collection[str]) -> list[str]:
    """Settings of a record that are others now."""
    return [
        f"{key} {value!r}, now {now.get(key)!r}"
        for key, value in record["settings"].items()
        if key not in free and now.get(key) != value
    ]


def _gone_on(first: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a run that goes on."""
    # A run that has had six epochs keeps them when two are asked for.
    longest = max(first["settings"], now["settings"], key=lambda each: each.get("epochs") or 0)
    later = {key: value for key, value in now.items() if key != "settings"}
    return {**first, "settings": longest, "continued": [*first.get("continued", ()), later]}
