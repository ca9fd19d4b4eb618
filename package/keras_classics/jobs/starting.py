"""`--start-from`: a training that begins with the weights of a finished run."""

from __future__ import annotations

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.jobs.job import Job
from keras_classics.jobs.opening import open_run
from keras_classics.models.dense.fcn import take_over
from keras_classics.training.checkpoints import steps_made


@checked
def earlier_run(job: Job, same: str, kind: type[Job] | None = None) -> Job | None:
    """The finished run that the setting `start_from` names, whose weights a training begins with.

    Args:
        job: With its settings, and with its facts where `same` is one of them.
        same: Name of what of both jobs must be the same, a text or a list of texts.
        kind: What opens a run of the job, where that is another class; by default its own.

    Returns:
        The run; None where no run is named, or the training has begun: what goes on has its own
        weights, and the run that it began from may be gone.

    Raises:
        InputError: The folder holds no finished training of the job, or one of another kind.
    """
    folder = job.settings.start_from
    if folder is None or steps_made(job.folder):
        return None
    found = open_run(type(job) if kind is None else kind, folder)
    here, there = (getattr(each, same) for each in (job, found))
    if here != there:
        raise InputError(
            f"--start-from {folder} was given, a run of the {same} {_told(there)}",
            f"runs of the {same} {_told(here)}",
            "Name such a run, or leave --start-from out.",
        )
    return found


@checked
def begin_with(job: Job, model: keras.Model, earlier: Job | None) -> keras.Model:
    """Give a model the weights of an earlier run, and tell which layers had none there.

    Args:
        job: What trains the model.
        model: With weights of its own; it is changed.
        earlier: From `earlier_run`; None leaves the model as it is.

    Returns:
        The model.

    Raises:
        InputError: The earlier model is damaged, or no layer of it agrees in name and shapes.
    """
    if earlier is not None:
        new = take_over(earlier.trained(), model)
        told = f"new are {', '.join(new)}" if new else "no layer is new"
        job.output.remark(f"goes on from {job.settings.start_from}; {told}")
    return model


def _told(what: str | list[str]) -> str:
    return what if isinstance(what, str) else ", ".join(what)
