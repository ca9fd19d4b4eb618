"""Finished runs: what a later verb is told, and the model it opens."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import file_fingerprint
from keras_classics.core.errors import InputError
from keras_classics.jobs.flags import Asked, refuse_idle
from keras_classics.jobs.job import Job
from keras_classics.jobs.output import Output
from keras_classics.jobs.records import RUN, check_job, read_run, update_run
from keras_classics.jobs.settings import (
    TRAIN,
    check_kinds,
    flags_of,
    from_record,
    made_of,
    needed,
    option_of,
    told,
    unmet,
)
from keras_classics.training.checkpoints import steps_made


def fresh(job: type[Job], asked: Asked, folder: Path) -> Job:
    """A job with the settings that were typed."""
    made = job.of(job.Settings(**asked.typed), folder, asked.output)
    made.complete()
    # What needs no run may try all that settings can be.
    if asked.verb not in job.runless:
        refuse_idle(made.settings, asked.typed)
    return made


def of_run(job: type[Job], asked: Asked, verb: str, folder: Path) -> Job:
    """A job with the settings of a run in a folder, under those of a verb that were typed.

    One that brings its model needs no run.

    Args:
        job: What kind of job.
        asked: The command line.
        verb: What is to be done with the run.
        folder: The run's folder.

    Raises:
        InputError: The folder holds no finished training of the job, or a flag contradicts it.
    """
    if job.of(job.Settings(**asked.typed), folder, asked.output).brings_model():
        return fresh(job, asked, folder)
    record = finished(job, folder, verb)
    check_kinds(job.Settings, record["settings"], folder / RUN)
    known = {each.field: each for each in flags_of(job.Settings)}
    made = {
        name: from_record(known[name], value)
        for name, value in record["settings"].items()
        if name in known and TRAIN in known[name].verbs
    }
    found = job.of(job.Settings(**{**made, **asked.typed}), folder, asked.output)
    found.complete()
    _refuse_other_runs(found, verb)
    refuse_idle(found.settings, asked.typed)
    _refuse_contradictions(found, asked, verb, record)
    return found


def finished(job: type[Job], folder: Path, verb: str) -> dict[str, Any]:
    """The record of a finished training in a folder.

    Args:
        job: What kind of job.
        folder: The run's folder.
        verb: What is to be done with the run.

    Raises:
        InputError: It holds none, or one of another job.
    """
    record = read_run(folder)
    if record is not None:
        check_job(folder, record, job.name)
    if record is None or not (folder / job.model_file).exists():
        refuse_unfinished(job, folder)
        raise InputError(
            f"{folder} holds no trained {job.makes}",
            "the --out of a finished training",
            f"Run: {_training(job, verb)} --out {folder}",
        )
    return record


def _training(job: type[Job], verb: str) -> str:
    """The command that trains what a verb is for."""
    chosen = [
        f"{option_of(job.Settings, name)} {values[0]}"
        for name, values in job.verb_needs.get(verb, {}).items()
    ]
    return " ".join([job.command, "train", *chosen])


def _refuse_other_runs(job: Job, verb: str) -> None:
    """Refuse a verb for which a run has no meaning.

    Raises:
        InputError: It has none.
    """
    kind, needs = type(job.settings), job.verb_needs.get(verb, {})
    if (place := unmet(job.settings, needs)) is not None:
        wanted = [needed(kind, name, values) for name, values in needs.items()]
        raise InputError(
            f"{verb} was asked of {job.folder}, a run {place}",
            f"runs {' and '.join(wanted)}",
            f"Name one by --out, or train it: {_training(type(job), verb)} --out FOLDER",
        )


def refuse_unfinished(job: type[Job], folder: Path) -> None:
    """Refuse the folder of a training of the job that was stopped and has not gone on.

    Raises:
        InputError: It is.
    """
    record = read_run(folder)
    sessions = (record or {}).get("sessions")
    if record is None or record.get("job") != job.name or not sessions:
        return
    epochs, steps = record["settings"].get("epochs"), steps_made(folder) or 0
    command = (sessions[-1] if isinstance(sessions[-1], dict) else {}).get("command") or ""
    if not command:
        command = f"{job.command} train --out {folder}"
    elif command.split()[0].endswith(".py"):
        command = f"python {command}"
    raise InputError(
        f"{folder} holds a training that is unfinished: {steps} steps of its {epochs} epochs "
        "are kept",
        "the --out of a finished training",
        f"It goes on where it stopped; run: {command}",
    )


def _refuse_contradictions(job: Job, asked: Asked, verb: str, record: Mapping[str, Any]) -> None:
    # A run of before there was a setting has its default.
    default = told(vars(type(job).Settings()))
    wrong, made = [], made_of(job.settings)
    for each in flags_of(type(job).Settings):
        if each.field not in asked.typed or verb in each.verbs or not each.made:
            continue
        # Of no meaning, and its default.
        if each.field not in made:
            continue
        now = made[each.field]
        then = record["settings"].get(each.field, default[each.field])
        if now != then:
            wrong.append(f"{each.option} {now!r}, but {job.folder} has {then!r}")
    if wrong:
        raise InputError(
            f"{verb} was given what contradicts the run ({'; '.join(wrong)})",
            "the settings the run was trained with",
            "Leave them out, or name the run that has them with --out.",
        )


def opened(job: Job) -> keras.Model:
    """The trained model of a job's run, after a look at whether it and the facts belong together.

    Raises:
        InputError: A file is damaged, or of another run.
    """
    if not job.brings_model():
        load_facts(job)
    return job.trained()


@checked
def open_run(job: type[Job], folder: str | os.PathLike) -> Job:
    """The job of a finished training, with its settings and facts; `trained()` is its model.

    Args:
        job: What kind of job.
        folder: The run's folder.

    Raises:
        InputError: The folder holds no finished training of the job, or a damaged one.
    """
    found = of_run(job, Asked(None, {}), "", Path(folder))
    load_facts(found)
    return found


@checked
def open_twin(job: Job, folder: str | os.PathLike, form: str) -> keras.Model:
    """The trained model of another run, to answer together with that of a job.

    Args:
        job: With its facts.
        folder: The other run's folder.
        form: Name of what of the job must be the same, a text.

    Raises:
        InputError: The folder holds no such run, or one of another form or with other facts.
    """
    other = open_run(type(job), folder)
    here, there = (getattr(each, form) for each in (job, other))
    if here != there:
        raise InputError(
            f"{folder} was given, a {job.makes} of {there}",
            here,
            "Train it with the flags of this run.",
        )
    files = {name: file for name, (file, _) in job.fact_files().items()}
    changed = [file for name, file in files.items() if other.facts[name] != job.facts[name]]
    if changed:
        raise InputError(
            f"{folder} was given, of whose files others are {', '.join(changed)}",
            f"runs on the same data, with the same {', '.join(files.values())}",
            "Train it with the flags of this run, but for --seed, --out and those of the network.",
        )
    return other.trained()


def load_facts(job: Job) -> None:
    """Read the facts of a job's run."""
    job.facts = {name: load(job.folder / file) for name, (file, load) in job.fact_files().items()}


def note_export(job: Job, path: Path) -> None:
    """Note of which model an export was made."""
    digest = file_fingerprint(job.folder / job.model_file)
    update_run(job.folder, "exports", _key(job.folder, path), digest)


def tell_stale(job: type[Job], folder: Path, export: Path, output: Output) -> None:
    """Say that an export was made of a model that has since been trained further.

    Args:
        job: What kind of job.
        folder: The run's folder.
        export: Where the export is.
        output: Takes the remark.
    """
    record, model = read_run(folder), folder / job.model_file
    made_of_model = (record or {}).get("exports", {}).get(_key(folder, export))
    if made_of_model is None or not model.exists() or not export.exists():
        return
    if made_of_model != file_fingerprint(model):
        output.remark(
            f"{export} was exported before the model was trained further; to have it as it is now, "
            f"run: {job.command} export --out {folder}"
        )


def _key(folder: Path, path: Path) -> str:
    """How a run's record calls an export: by its place in the run's folder, which may move."""
    folder, path = folder.resolve(), path.resolve()
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)
