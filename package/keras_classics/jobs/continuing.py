"""Whether a run may be continued: settings, data and facts, compared before any writing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from keras_classics.core.errors import InputError
from keras_classics.jobs.job import Fact
from keras_classics.jobs.output import Output
from keras_classics.jobs.plan import Plan

_OTHER = "Choose another --out, or delete the folder."


def check_settings(folder: Path, record: Mapping[str, Any], made: Mapping[str, Any]) -> None:
    """Refuse to continue with other settings.

    Args:
        folder: The run's folder.
        record: Its `run.json`.
        made: What makes the run of now.

    Raises:
        InputError: The folder holds a run with other settings.
    """
    changed = [
        f"{key} {value!r}, now {made[key]!r}"
        for key, value in record["settings"].items()
        if key != "epochs" and key in made and made[key] != value
    ]
    if changed:
        raise InputError(
            f"{folder} holds a run with other settings ({'; '.join(changed)})",
            "the same settings, to go on where it stopped",
            _OTHER,
        )


def check_backend(folder: Path, record: Mapping[str, Any]) -> None:
    """Refuse to continue on another backend, whose dropout and rounding are others.

    Raises:
        InputError: The folder holds a run on another one.
    """
    now, then = keras.config.backend(), record.get("backend")
    if then not in (None, now):
        raise InputError(
            f"{folder} holds a training on the {then} backend, and this is {now}",
            "the same backend, to go on where it stopped",
            f"Set KERAS_BACKEND={then}, or choose another --out.",
        )


def check_data(folder: Path, record: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """Refuse to continue on other data.

    Args:
        folder: The run's folder.
        record: Its `run.json`; one of before there was a fingerprint tells nothing.
        data: The same facts of the data of now.

    Raises:
        InputError: Something in the data has changed.
    """
    then = record.get("data", {})
    if "fingerprint" not in then or then["fingerprint"] == data["fingerprint"]:
        return
    counts = [
        f"{split} had {count}, now {data['examples'].get(split)}"
        for split, count in then.get("examples", {}).items()
        if data["examples"].get(split) != count
    ]
    releases = [
        f"made with {library} {release}, now {data['made_with'].get(library)}"
        for library, release in then.get("made_with", {}).items()
        if data["made_with"].get(library) != release
    ]
    changed = "; ".join([*counts, *releases]) or "as many examples, but others"
    raise InputError(
        f"{folder} holds a training on other data ({changed})",
        "the very same data, to go on where it stopped",
        "Put the data back, or choose another --out.",
    )


def check_facts(folder: Path, files: Mapping[str, Fact], facts: Mapping[str, Any]) -> None:
    """Refuse to continue where the data now make other facts than the folder holds.

    Args:
        folder: The run's folder.
        files: The facts' files.
        facts: Those that the data make now.

    Raises:
        InputError: One differs, or is damaged.
    """
    for name, (file, load) in files.items():
        path = folder / file
        if not path.exists():
            continue
        kept, now = load(path), facts[name]
        changed = None
        if hasattr(kept, "check_matches"):
            try:
                kept.check_matches(now)
            except InputError as error:
                changed = str(error).partition(". Allowed: ")[0]
        elif not hasattr(kept, "save") and kept != now:
            changed = f"{_short(kept)}, now {_short(now)}"
        if changed is not None:
            raise InputError(
                f"{path} is of other data ({changed})",
                "the same data, to go on where the training stopped",
                _OTHER,
            )


def check_epochs(record: Mapping[str, Any] | None, plan: Plan, step: int, output: Output) -> None:
    """Say what a training of another length means, and refuse one that is shorter than was made.

    Args:
        record: The run's `run.json`, if there is one.
        plan: The length that is asked for now.
        step: Steps made before.
        output: Takes the remark.

    Raises:
        InputError: More epochs were made before.
    """
    then = record["settings"].get("epochs") if record else None
    made = -(-step // plan.steps_per_epoch)
    if plan.epochs < made:
        raise InputError(
            f"--epochs {plan.epochs} was given for a run that has made {made}",
            f"{made} and above",
            "Leave it out, or choose another --out.",
        )
    if step and then not in (None, plan.epochs):
        output.remark(
            f"{then} epochs were planned and {made} made; now there are {plan.epochs}. What "
            f"follows the length of a training, such as the learning rate, goes on as in one of "
            f"{plan.epochs}: the result is not that of {plan.epochs} epochs from the start"
        )


def _short(fact: Any) -> str:
    text = ", ".join(map(str, fact)) if isinstance(fact, list) else str(fact)
    return text if len(text) < 60 else f"{text[:57]}..."
