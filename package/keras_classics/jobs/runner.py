"""One runner: what every application does, done once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_classics.core.boundary.files import check_writable
from keras_classics.core.commands import guarded, import_keras
from keras_classics.core.errors import InputError, import_extra
from keras_classics.distribution import check_verb
from keras_classics.jobs.flags import EXPORTS, Asked, parse
from keras_classics.jobs.job import Job
from keras_classics.jobs.output import metrics_table
from keras_classics.jobs.records import record_metrics
from keras_classics.jobs.settings import TRAIN

if TYPE_CHECKING:
    import keras

EVALUATING, EXPORTING = "evaluate", "export"


def run(job: type[Job], argv: Sequence[str] | None = None, *, about: str | None = None) -> int:
    """Run a job as its command line says; returns the exit code.

    `python applications/NAME.py VERB --flag value`, or without a verb the whole job: train,
    evaluate, what else the job can do, export, and ask the export about an example.

    A training goes on where it was stopped, by the same command; a finished one stays finished.
    Only the flags of a verb are admitted to it, and those that made the run as they were. Nothing
    is written before everything was looked at, and one training at a time may use a folder.

    Args:
        job: The class of the job.
        argv: The arguments; those of the process by default.
        about: Stands above the help; by default the docstring of the module the job is in, an
            application.
    """
    about = about or sys.modules[job.__module__].__doc__ or ""
    given = list(sys.argv[1:] if argv is None else argv)
    return guarded(lambda _: _run(job, given, about), given, tracebacks="--verbose" in given)


def _run(job: type[Job], argv: Sequence[str], about: str) -> int:
    asked = parse(job, argv, about)
    strategy = asked.typed.get("strategy", "auto")
    check_verb(strategy, asked.verb)
    if asked.tensorboard:
        import_extra("tensorboard", "tensorboard")
    import_keras()
    if asked.verb:
        _check_extras(job, [asked.verb])
        return _do(job, asked, asked.verb)
    import keras

    settings = job.Settings(**asked.typed)
    verbs = job.of(settings, asked.out or job.out, asked.output).whole()
    _check_extras(job, verbs)
    if EXPORTING in verbs and keras.config.backend() != "tensorflow":
        asked.output.remark(
            f"on the {keras.config.backend()} backend there is no export: it is left out, and the "
            f"run's own {job.model_file} answers"
        )
        verbs.remove(EXPORTING)
    for verb in verbs:
        code = _do(job, asked, verb)
        if code:
            return code
    return 0


def _do(job: type[Job], asked: Asked, verb: str) -> int:
    from keras_classics.jobs.asking import ask
    from keras_classics.jobs.opening import fresh, note_export, of_run, opened
    from keras_classics.jobs.training_run import train

    folder = asked.out or job.out
    if verb == TRAIN:
        train(job, asked)
        return 0
    if verb == job.asks:
        return ask(job, asked)
    if verb in job.runless:
        check_writable(folder)
        getattr(fresh(job, asked, folder), verb)()
        return 0
    if verb == EXPORTING:
        path = asked.to or folder / EXPORTS[asked.format]
        _check_export(job, asked.format, path, folder)
    found = of_run(job, asked, verb, folder)
    if verb == EVALUATING:
        check_writable(folder)
    model = opened(found)
    if verb == EVALUATING:
        _evaluate(found, model)
    elif verb == EXPORTING:
        for each in found.export(model, path, asked.format) or [path]:
            note_export(found, each)
            asked.output.result(f"exported: {each}", {"exported": str(each)})
    else:
        getattr(found, verb)(model)
    return 0


def _evaluate(job: Job, model: keras.Model) -> None:
    scores = job.evaluate(model)
    record_metrics(job.results, scores.metrics)
    table = metrics_table(scores.metrics, scores.title, digits=scores.digits)
    job.output.result(table, {"metrics": scores.metrics})


def _check_export(job: type[Job], format: str, path: Path, folder: Path) -> None:
    """Refuse an export that cannot be, before the model is read."""
    import keras

    from keras_classics.export.formats import require_tensorflow

    backend = keras.config.backend()
    if backend != "tensorflow":
        raise InputError(
            f"An export was asked for on the {backend} backend",
            "the TensorFlow backend, which reads what was trained on any",
            f"Run: KERAS_BACKEND=tensorflow {job.command} export --out {folder}",
        )
    require_tensorflow(format, path)


def _check_extras(job: type[Job], verbs: Sequence[str]) -> None:
    """Say at once which optional library is missing, and not after hours of training.

    Raises:
        ImportError: One is.
    """
    for verb in verbs:
        for module, extra in job.extras.get(verb, ()):
            import_extra(module, extra)
