"""The verb `train`: look at everything first, write afterwards."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras

from keras_classics.analysis.drawing.figures.training_curves import draw_history
from keras_classics.core.boundary.model_files import save_model
from keras_classics.distribution import own_folder, strategy
from keras_classics.jobs import continuing
from keras_classics.jobs.fingerprint import fingerprint
from keras_classics.jobs.flags import Asked
from keras_classics.jobs.job import Job
from keras_classics.jobs.lock import alone
from keras_classics.jobs.opening import fresh, tell_stale
from keras_classics.jobs.output import Output
from keras_classics.jobs.plan import Plan
from keras_classics.jobs.records import Session, check_job, read_run, write_json
from keras_classics.jobs.settings import made_of
from keras_classics.training.checkpoints import (
    is_finished,
    optimizers_of,
    restore,
    steps_made,
)
from keras_classics.training.optimizers import skipping
from keras_classics.training.resumable import fit, read_history


def train(kind: type[Job], asked: Asked) -> None:
    """Train into the run's folder, from where an earlier training stopped.

    Raises:
        InputError: Something that was typed is wrong, or the folder holds what cannot be continued;
            then nothing in it has changed.
    """
    job = fresh(kind, asked, asked.out or kind.out)
    settings = job.settings
    job.folder = own_folder(job.folder, settings.strategy)
    # Where there is a folder, another training may be in it; a new one is made when all is well.
    with contextlib.ExitStack() as stack:
        exists = job.folder.is_dir()
        if exists:
            stack.enter_context(alone(job.folder))
        place = strategy(settings.strategy)
        record = read_run(job.folder)
        if record is not None:
            check_job(job.folder, record, job.name)
            continuing.check_settings(job.folder, record, made_of(settings))
            continuing.check_backend(job.folder, record)
        stack.enter_context(_numbers(settings))
        training, validation = job.split("train"), job.split("validation")
        data = {
            **job.data.info.facts(),
            "examples": {"train": len(training), "validation": len(validation)},
            "fingerprint": fingerprint([training, validation]),
        }
        with place:
            job.facts = job.make_facts(training)
        continuing.check_facts(job.folder, job.fact_files(), job.facts)
        if record is not None:
            continuing.check_data(job.folder, record, data)
        training = job.numbered(training, "train")
        validation = job.numbered(validation, "validation")
        with place:
            model = job.build()
            plan = job.plan(model, training)
            learner = job.compile(model, plan)
            step = restore(learner, job.folder)
        # What is damaged, or too short for a batch, is refused before anything is written.
        read_history(job.folder)
        continuing.check_epochs(record, plan, step, job.output)
        job.output.remark(job.told(model, plan, training))
        saved = job.folder / job.model_file
        if saved.exists() and is_finished(
            job.folder, steps_per_epoch=plan.steps_per_epoch, epochs=plan.epochs
        ):
            job.output.result(f"already trained: {saved}", {"trained": str(saved)})
            return
        if not exists:
            stack.enter_context(alone(job.folder))
        if asked.tensorboard:
            job.tensorboard = job.folder / "tensorboard"
        made = {**made_of(settings), "epochs": plan.epochs}
        if plan.trained_by:
            made["trained_by"] = plan.trained_by
        with place:
            batches = job.batches(training, plan, model)
            validated = job.validation(validation, plan, model)
        session = Session(job.folder, job.name, made, data, step)
        _save_facts(job)
        _fit(job, model, learner, plan, batches, validation, validated, place, session)
        save_model(job.kept(model), saved)
        job.output.result(f"trained: {saved}", {"trained": str(saved), "epochs": plan.epochs})
        tell_stale(kind, job.folder, job.folder / "saved_model", job.output)


def _save_facts(job: Job) -> None:
    for name, (file, _) in job.fact_files().items():
        fact = job.facts[name]
        if hasattr(fact, "save"):
            fact.save(job.folder / file)
        else:
            write_json(job.folder / file, fact)


def _fit(
    job: Job,
    model: keras.Model,
    learner: keras.Model,
    plan: Plan,
    batches: Callable[[int], Iterable],
    validation: Any,
    validated: Mapping[str, Any],
    place: contextlib.AbstractContextManager[Any],
    session: Session,
) -> None:
    callbacks = job.callbacks(model, plan, validation)
    if job.tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(job.tensorboard))
    if not (job.output.bars or job.output.quiet):
        callbacks.append(_Lines(job.output, plan.epochs))
    outcome = "failed"
    try:
        with place:
            history = fit(
                learner,
                batches,
                steps_per_epoch=plan.steps_per_epoch,
                epochs=plan.epochs,
                folder=job.folder,
                callbacks=callbacks,
                verbose="auto" if job.output.bars else 0,
                **validated,
            )
        outcome = "finished"
    except KeyboardInterrupt:
        outcome = "interrupted"
        raise
    except Exception as error:
        outcome = f"failed: {error}"
        raise
    finally:
        session.end(outcome, steps_made(job.folder))
    for optimizer, _ in optimizers_of(learner):
        guard = skipping(optimizer)
        if guard is not None:
            job.output.remark(
                f"{int(guard.skipped)} steps were left out: their gradients were not finite"
            )
    draw_history(job.folder / "history.png", history, job.figures)
    seconds = float(history["seconds"].median()) if len(history) else 0.0
    if seconds:
        rate = plan.steps_per_epoch * plan.batch_size / max(seconds, 0.1)
        job.output.detail(f"{rate:,.0f} examples/s")


@contextlib.contextmanager
def _numbers(settings: Any) -> Iterator[None]:
    """Seed and precision of a training."""
    keras.utils.set_random_seed(settings.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(settings.precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class _Lines(keras.callbacks.Callback):
    """A line for every epoch, where no bar can move."""

    def __init__(self, output: Output, epochs: int) -> None:
        super().__init__()
        self._output = output
        self._epochs = epochs

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        figures = ", ".join(f"{name} {value:.4g}" for name, value in (logs or {}).items())
        seconds = time.monotonic() - self._began
        self._output.remark(f"epoch {epoch + 1} of {self._epochs}: {figures} ({seconds:.0f} s)")
