"""What every run leaves beside its results: how it was made, when it was worked on, its figures."""

from __future__ import annotations

import datetime
import os
import platform
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_classics.core.arguments import checked
from keras_classics.core.boundary import text_files
from keras_classics.core.boundary.files import write_whole
from keras_classics.core.boundary.text_files import write_json
from keras_classics.core.counts import Figure
from keras_classics.core.errors import InputError
from keras_classics.core.versions import installed
from keras_classics.jobs.commits import commit
from keras_classics.jobs.settings import told

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
# Of other types a run.json was written by somebody else.
_OPTIONAL = {"job": str, "data": dict, "sessions": list, "exports": dict, "backend": str}


@checked
def describe_run(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Say how something is made, of what can be known of it here and now.

    Args:
        settings: The resolved settings, as JSON can have them.

    Returns:
        `"settings"`, `"command"`, `"commit"` (of this package; None where it came without its
        history), `"started"` (UTC), `"backend"`, `"versions"` by library, and `"machine"`.
    """
    import keras

    return {
        "settings": dict(settings),
        "command": shlex.join(sys.argv),
        "commit": commit(),
        "started": _now(),
        "backend": keras.config.backend(),
        "versions": installed(LIBRARIES),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}",
    }


@checked
def record_run(
    folder: str | os.PathLike, settings: Mapping[str, Any], *, job: str
) -> dict[str, Any]:
    """Write `run.json` of something that is made at once, and is no training to be continued.

    Args:
        folder: The run's folder; made if absent.
        settings: The resolved settings, the seed among them.
        job: What it is, such as `"explain"`.

    Returns:
        What was written.

    Raises:
        InputError: The folder cannot be written, or holds a run of another job.
    """
    if (first := read_run(folder)) is not None:
        check_job(Path(folder), first, job)
    record = {**describe_run(told(settings)), "job": job}
    write_json(Path(folder) / RUN, record)
    return record


class Session:
    """One stretch of work on a run: a line of its record, begun at the start and ended at the end.

    A training that is killed leaves a line without an end.

    Args:
        folder: The run's folder; made if absent.
        job: Name of the job.
        settings: What makes the run, as JSON can have it, and the number of epochs.
        data: What is known of the data.
        start: Steps made before.

    Raises:
        InputError: The folder cannot be written, or holds a damaged `run.json`.
    """

    def __init__(
        self,
        folder: Path,
        job: str,
        settings: Mapping[str, Any],
        data: Mapping[str, Any],
        start: int,
    ) -> None:
        self._folder = folder
        self._began = time.monotonic()
        first, now = read_run(folder), describe_run(settings)
        line = {key: value for key, value in now.items() if key != "settings"}
        self._line = {**line, "epochs": settings.get("epochs"), "from_step": start}
        # A run that goes on keeps how it began; old records lack what is known today.
        self._record = {**now, "job": job, "data": dict(data), **(first or {})}
        self._record["settings"] = dict(settings)
        self._record["sessions"] = [*self._record.get("sessions", []), self._line]
        self._write()

    def end(self, outcome: str, step: int | None) -> None:
        """Complete the line.

        Args:
            outcome: How it ended: `"finished"`, or what stopped it.
            step: Steps of all that are kept.
        """
        seconds = round(time.monotonic() - self._began, 1)
        self._line.update(ended=_now(), seconds=seconds, to_step=step, outcome=outcome)
        self._write()

    def _write(self) -> None:
        write_json(self._folder / RUN, self._record)


@checked
def read_run(folder: str | os.PathLike) -> dict[str, Any] | None:
    """Read `run.json`.

    Args:
        folder: The run's folder.

    Returns:
        What a run wrote, or None if the folder has none.

    Raises:
        InputError: It is damaged, or was written by something else.
    """
    path = Path(folder) / RUN
    if not path.exists():
        return None
    return read_record(path, {"settings": dict}, optional=_OPTIONAL)


def check_job(folder: Path, record: Mapping[str, Any], name: str) -> None:
    """Refuse the folder of another job.

    Raises:
        InputError: It is.
    """
    if record.get("job", name) != name:
        raise InputError(
            f"{folder} holds a run of {record['job']}",
            f"a folder of {name}, or none",
            "Choose another --out.",
        )


def update_run(folder: Path, member: str, key: str, value: Any) -> None:
    """Note something in a member of `run.json` that is a table, such as `"exports"`."""
    record = read_run(folder)
    if record is not None:
        write_json(folder / RUN, {**record, member: {**record.get(member, {}), key: value}})


@checked
def record_metrics(folder: str | os.PathLike, metrics: Mapping[str, Mapping[str, Figure]]) -> None:
    """Write metrics as `metrics.json` and as a table, `metrics.csv`.

    Args:
        folder: The run's folder.
        metrics: Figures by what was evaluated; each becomes a row of the table.

    Raises:
        InputError: The folder cannot be written.
    """
    import pandas as pd

    write_json(Path(folder) / METRICS, metrics)
    table = pd.DataFrame(metrics).T.rename_axis("evaluated")
    write_whole(Path(folder) / "metrics.csv", table.to_csv)


@checked
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
    metrics = read_record(path, {})
    figures = [
        figure
        for values in metrics.values()
        for figure in (values.values() if isinstance(values, dict) else ["none"])
    ]
    if not all(isinstance(figure, int | float | None) for figure in figures):
        raise InputError(f"{path} holds something else", "figures by name", "Evaluate again.")
    return metrics


@checked
def read_record(
    path: Path,
    members: Mapping[str, Any] | None = None,
    *,
    optional: Mapping[str, Any] | None = None,
) -> Any:
    """Read JSON that `write_json` wrote, of a folder that may come from a stranger.

    Args:
        path: The file.
        members: Names and types of what it must hold, as a table, `list[str]` for a list of texts
            that differ, none of them empty; None where it is such a list alone.
        optional: Of what it may hold besides.

    Raises:
        InputError: The file is absent, damaged, or holds something else.
    """
    allowed = f"the {path.name} that a training wrote"
    remedy = "Choose another folder, or train anew."
    content = text_files.read_json(path, allowed, remedy)
    if members is None:
        sound = _are_names(content)
    else:
        sound = isinstance(content, dict) and all(
            _are_names(content.get(name))
            if kind == list[str]
            else isinstance(content.get(name), kind)
            for name, kind in {**(optional or {}), **members}.items()
            if name in members or name in content
        )
    if not sound:
        raise InputError(f"{path} holds something else", allowed, remedy)
    return content


def _are_names(content: Any) -> bool:
    """Whether it is a list of texts that differ, none of them empty."""
    texts = isinstance(content, list) and all(isinstance(each, str) for each in content)
    return texts and all(content) and len(set(content)) == len(content)


def other_releases(record: Mapping[str, Any], made_with: Mapping[str, str]) -> str | None:
    """Say that the data of a run were made by other releases than those at hand.

    Such data may differ: what was held back of the one may be among what was learned of the other.

    Args:
        record: The run's `run.json`.
        made_with: Releases by library that make the data here and now.

    Returns:
        A sentence, or None where they are the same, or where nothing is recorded.
    """
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
    return f"the data were made with {'; '.join(changed)}: figures on them cannot be compared"


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
