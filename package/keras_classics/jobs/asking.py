"""The verb that asks a model: which one answers, and one answer after another."""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.jobs.flags import Asked
from keras_classics.jobs.job import Job
from keras_classics.jobs.opening import (
    fresh,
    load_facts,
    of_run,
    opened,
    refuse_unfinished,
    tell_stale,
)
from keras_classics.jobs.output import Output
from keras_classics.jobs.ranked_answers import Answer
from keras_classics.jobs.records import read_run

EXPORT = "saved_model"


def ask(kind: type[Job], asked: Asked) -> int:
    """Answer queries; one that cannot be answered does not stop the others.

    Args:
        kind: What kind of job.
        asked: The command line; the whole job asks about an example.

    Returns:
        The exit code: 1 if one could not be answered.

    Raises:
        InputError: There is no model to ask.
    """
    job, export, named = _answering(kind, asked)
    queries = asked.queries if asked.verb else job.example()
    answer = _answerer(job, export)
    job.output.remark(f"answers from {named}")
    lines = not queries and kind.reads_lines
    failed = 0
    for query, unread in _standard_input() if lines else ((query, None) for query in queries):
        if lines and not query and unread is None:
            # Line by line: what is empty has an empty answer.
            job.output.result("", {"query": query})
            continue
        try:
            if unread is not None:
                raise unread
            _check_text(query)
            found = answer(job, query)
        except InputError as error:
            job.output.error(error)
            failed += 1
            if lines:
                job.output.result("", {"query": query, "error": str(error)})
            continue
        # A line is an answer, whatever a file is called.
        told = "\\n".join(str(query).splitlines())
        job.output.result(job.line(told, found), {"query": query, **found.record})
    try:
        job.answered()
    except InputError as error:
        # All was answered: a run's folder may be another's, that can only be read.
        job.output.remark(f"not kept: {error}")
    return 1 if failed else 0


def _check_text(query: Any) -> None:
    """Refuse what was typed in bytes that are no text, which can be neither read nor shown."""
    try:
        str(query).encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{str(query)!r} is not valid UTF-8", "UTF-8", "Convert the text, or rename."
        ) from None


class Answers:
    """A model that answers one query after another, whoever asks: a page, say, or a program.

    Args:
        kind: What kind of job.
        folder: An exported model, or a run's folder.
        **settings: Of the verb that asks, such as `n_best=3`.

    Raises:
        InputError: There is no such model, or a damaged one.

    Example:
        ```python
        from classification import Classification

        answers = kc.jobs.Answers(Classification, Classification.shipped)
        print(answers(Classification.shipped / "example.png", "runs/asked").text)
        ```
    """

    @checked
    def __init__(self, kind: type[Job], folder: str | os.PathLike[str], **settings: Any) -> None:
        given = Asked(kind.asks, settings, source=Path(folder), output=Output(quiet=True))
        self._job, export, _ = _answering(kind, given)
        self._answer = _answerer(self._job, export)

    @checked
    def __call__(self, query: str | os.PathLike[str], results: str | os.PathLike[str]) -> Answer:
        """Answer a query.

        Args:
            query: A text, or the path of a file, as the job asks for.
            results: Folder of what the job writes or draws of its answers.

        Raises:
            InputError: It is none that can be answered, or the folder cannot be written.
        """
        _check_text(query)
        # A job keeps what it was asked, to draw it in the end.
        job = copy.deepcopy(self._job)
        job.results = Path(results)
        found = self._answer(job, os.fspath(query))
        job.answered()
        return found


def _answerer(job: Job, export: Path | None) -> Callable[[Job, Any], Answer]:
    """From a job and a query to the answer of an export, or of the run's own model."""
    if export is None:
        model = opened(job)
        return lambda job, query: job.ask_model(query, model)
    exported = job.open_export(export)
    return lambda job, query: job.ask(query, exported)


def _answering(kind: type[Job], asked: Asked) -> tuple[Job, Path | None, str]:
    """The job, the export that answers, None for the run's own model, and what to call it."""
    place = asked.source or asked.out or kind.out
    if place.name == EXPORT and _holds_model(kind, place.parent):
        place = place.parent
    # The whole job on another backend has made no export, whatever lies there.
    made = asked.verb is not None or keras.config.backend() == "tensorflow"
    if made and (found := _exported(kind, asked, place)) is not None:
        return *found, str(found[1])
    if _holds_model(kind, place):
        job = _job(kind, asked, place)
        load_facts(job)
        return job, None, str(place / kind.model_file)
    if asked.source is None and asked.out is None and kind.shipped is not None:
        if (found := _exported(kind, asked, kind.shipped)) is not None:
            data = ((read_run(kind.shipped) or {}).get("settings") or {}).get("data")
            learned = f", which learned {data}" if isinstance(data, str) else ""
            return *found, f"the shipped model, {found[1]}{learned}"
    refuse_unfinished(kind, place)
    for folder in (place, place / EXPORT):
        if (folder / "saved_model.pb").exists():
            raise InputError(
                f"{folder} holds an export of something else than a {kind.makes}",
                f"what {kind.name} exports",
                f"Name {f'{kind.shipped}, or ' if kind.shipped else ''}the --out of a finished "
                "run of this application.",
            )
    lacks = f"holds no exported model, and holds no trained {kind.makes}"
    shipped = f"write --from {kind.shipped} for the shipped model, " if kind.shipped else ""
    raise InputError(
        f"{place} {lacks if place.exists() else 'does not exist'}",
        "the --out of a finished run, or an exported model",
        f"Name one, {shipped}or train it: {kind.command} --out {asked.out or kind.out}",
    )


def _exported(kind: type[Job], asked: Asked, place: Path) -> tuple[Job, Path] | None:
    """A job about the export in a folder, or in a run's folder."""
    probe = kind.of(kind.Settings(), place, asked.output)
    for folder in (place, place / EXPORT):
        if probe.exports_in(folder):
            job = _job(kind, asked, place)
            if folder != place:
                tell_stale(kind, place, folder, asked.output)
            if (place / kind.model_file).exists():
                load_facts(job)
            return job, folder
    return None


def _job(kind: type[Job], asked: Asked, place: Path) -> Job:
    """A job with the settings of the run that answers, if there is one, that writes into it."""
    verb = kind.asks or ""
    if _holds_model(kind, place):
        job = of_run(kind, asked, verb, place)
    else:
        job = fresh(kind, asked, place)
    if asked.out is not None:
        job.results = asked.out
    elif not _holds_model(kind, place) or _is_shipped(kind, place):
        # Nothing is written beside a model of somebody else.
        job.results = kind.out
    return job


def _is_shipped(kind: type[Job], place: Path) -> bool:
    return kind.shipped is not None and place.resolve() == kind.shipped.resolve()


def _holds_model(kind: type[Job], place: Path) -> bool:
    return (place / kind.model_file).exists() and read_run(place) is not None


def _standard_input() -> Iterator[tuple[str, InputError | None]]:
    """The lines of standard input, without a byte-order mark, and what is wrong with one."""
    # A process may be started without any.
    for number, line in enumerate(sys.stdin.buffer if sys.stdin else (), start=1):
        encoding, unread = "utf-8-sig" if number == 1 else "utf-8", None
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError:
            text = line.decode(encoding, "replace")
            unread = InputError(
                f"Line {number} of standard input is not valid UTF-8", "UTF-8", "Convert the text."
            )
        yield text.strip(), unread
