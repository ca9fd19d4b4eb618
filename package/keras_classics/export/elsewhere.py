"""What exported files answer in a process that has neither Keras nor this package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.array_files import read_arrays
from keras_classics.core.boundary.text_files import parse_json
from keras_classics.export import reopening
from keras_classics.export.reopening import Arrays, reopens_with_tensorflow

Job = tuple[str | os.PathLike, Sequence[Arrays]]


@checked
def answers_elsewhere(jobs: Sequence[Job]) -> list[list[dict[str, np.ndarray]] | str]:
    """Ask exported files in processes of their own, where importing Keras or this package fails.

    One process answers for all SavedModels, and one without TensorFlow for all other files.

    Args:
        jobs: Pairs of a path and the inputs to ask about, arrays by name.

    Returns:
        For each job its answers, arrays by name (texts are bytes); or why there are none.

    Raises:
        RuntimeError: A process ended before it had answered.
    """
    found: list = [None] * len(jobs)
    for by_tensorflow in (True, False):
        numbers = [
            number
            for number, (path, _) in enumerate(jobs)
            if reopens_with_tensorflow(path) == by_tensorflow
        ]
        if numbers:
            replies = _ask([jobs[number] for number in numbers])
            for number, reply in zip(numbers, replies, strict=True):
                found[number] = reply
    return found


def _ask(jobs: Sequence[Job]) -> list[list[dict[str, np.ndarray]] | str]:
    with tempfile.TemporaryDirectory() as folder:
        written = [_write(Path(folder) / str(number), *job) for number, job in enumerate(jobs)]
        listed = Path(folder) / "jobs.json"
        listed.write_text(json.dumps(written), "utf-8")
        done = subprocess.run(
            # -P: the folder of the program is not searched for modules.
            [sys.executable, "-P", reopening.__file__, str(listed)],
            env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"Reopening failed: {done.stderr[-2000:]}")
        failures = parse_json(done.stdout.splitlines()[-1])
        return [
            failure or [_read(path) for path in job["answers"]]
            for job, failure in zip(written, failures, strict=True)
        ]


def _write(folder: Path, path: str | os.PathLike, batches: Sequence[Arrays]) -> dict:
    folder.mkdir()
    questions = [folder / f"question{number}.npz" for number in range(len(batches))]
    for question, inputs in zip(questions, batches, strict=True):
        arrays: dict[str, Any] = {name: reopening.plain(x) for name, x in inputs.items()}
        np.savez(question, **arrays)
    answers = [folder / f"answer{number}.npz" for number in range(len(batches))]
    return {
        "path": str(path),
        "questions": [str(question) for question in questions],
        "answers": [str(answer) for answer in answers],
    }


def _read(path: str) -> dict[str, np.ndarray]:
    return read_arrays(path, "an answer", "Ask again.")
