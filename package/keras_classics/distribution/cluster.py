"""Several workers, each a process of its own that runs the same command: who writes what."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.text_files import parse_json
from keras_classics.core.errors import InputError

_EXAMPLE = (
    '\'{"cluster": {"worker": ["10.0.0.1:12345", "10.0.0.2:12345"]}, '
    '"task": {"type": "worker", "index": 0}}\''
)


@dataclass(frozen=True)
class Worker:
    """One process of a cluster.

    Attributes:
        addresses: Of all workers, `host:port`.
        number: Which of them this process is; the first is the one that writes.
    """

    addresses: tuple[str, ...]
    number: int


def this_worker() -> Worker:
    """What `TF_CONFIG` says.

    Raises:
        InputError: It is not set, or describes no worker.
    """
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = parse_json(text)
        cluster, task = config["cluster"], config["task"]
        chief = tuple(cluster.get("chief", ()))
        number = int(task["index"]) + (len(chief) if task["type"] == "worker" else 0)
        worker = Worker((*chief, *cluster["worker"]), number)
        if number >= len(worker.addresses) or task["type"] not in ("chief", "worker"):
            raise ValueError("the task is none of the cluster's")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"strategy='multi_worker' was given with TF_CONFIG={text!r}"
            if text
            else "strategy='multi_worker' was given and TF_CONFIG is not set",
            "the addresses of all workers and the number of this one",
            f"Run: export TF_CONFIG={_EXAMPLE}, with the index of each worker.",
        ) from error
    return worker


class LostWorkerError(InputError, ConnectionError):
    """A worker waits in vain for another."""


def lost_worker(message: str) -> LostWorkerError:
    """The error of a worker that waits in vain for another, from what the engine says."""
    return LostWorkerError(
        f"Another worker does not answer any more ({message.splitlines()[0].rstrip(': ')})",
        "all workers of TF_CONFIG at work",
        "Start the same command again on every worker: it goes on from the checkpoint.",
    )


@checked
def check_verb(strategy: str, verb: str | None) -> None:
    """Refuse to do more than train where several workers run the same command.

    Args:
        strategy: A name of `STRATEGIES`.
        verb: What an application is asked to do.

    Raises:
        InputError: The strategy is `"multi_worker"` and the verb is not `"train"`.
    """
    if strategy == "multi_worker" and verb != "train":
        raise InputError(
            f"--strategy multi_worker was given with {verb or 'no verb'}",
            "the verb train",
            "Train with it on every worker, then run the other verbs on one, without it.",
        )


@checked
def own_folder(folder: str | os.PathLike, strategy: str) -> Path:
    """The folder this process of a run reads and writes.

    It is the run's own, except for the other workers of `"multi_worker"`. They run the same
    command and would overwrite each other: they get a copy, so as to go on from the same
    checkpoint, which is deleted in the end. Call it before `strategy`, which waits until every
    worker is there; until then nothing may be written.

    Args:
        folder: The run's folder, which all workers see.
        strategy: A name of `STRATEGIES`.

    Raises:
        InputError: `TF_CONFIG` does not say which worker this is.
    """
    folder = Path(folder)
    if strategy != "multi_worker" or this_worker().number == 0:
        return folder
    copy = Path(tempfile.mkdtemp(prefix="keras-classics-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    if folder.is_dir():
        for file in folder.iterdir():
            # Not the pictures of a large data set, which a worker stores for itself.
            if file.is_file() and file.suffix != ".npy":
                shutil.copy2(file, copy)
    return copy
