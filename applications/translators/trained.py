"""What finished trainings left: translators with their vocabularies and settings."""

from __future__ import annotations

import argparse
from pathlib import Path

import keras

import keras_classics as kc
from translators.form import FORMS, Form, trained_pairs

MODEL = "translator.keras"


def trained(options: argparse.Namespace) -> tuple[keras.Model, Form, argparse.Namespace]:
    """The trained model of OUT, its form, and its settings under the present options."""
    out = Path(options.out)
    merged = argparse.Namespace(**{**vars(options), **recorded(out)})
    merged.strict = options.strict
    form = FORMS[merged.sharing].load(out, trained_pairs(vars(merged)))
    model = kc.load_model(out / MODEL)
    form.check_model(model)
    return model, form, merged


def companions(options: argparse.Namespace, form: Form) -> list[keras.Model]:
    """The models of the runs in --ensemble, to write together with that of a form.

    Raises:
        InputError: A folder holds no trained translator, or one of other directions, sharing or
            vocabularies.
    """
    return [companion(folder, options.sharing, form) for folder in options.ensemble]


def companion(folder: Path, sharing: str, form: Form) -> keras.Model:
    """The model of another run; see `companions`."""
    settings = recorded(folder)
    # Runs of one form only, before there were two, do not name it.
    pairs, shared = trained_pairs(settings), settings.get("sharing", "tokens")
    if (pairs, shared) != (form.pairs, sharing):
        said, allowed = (", ".join(map("-".join, each)) for each in (pairs, form.pairs))
        raise kc.InputError(
            f"--ensemble {folder} was given, a translator of {said} with --sharing {shared}. "
            f"Allowed: {allowed} with --sharing {sharing}. Train it with the flags of this run."
        )
    other = FORMS[sharing].load(folder, form.pairs)
    if other.vocabularies != form.vocabularies:
        raise kc.InputError(
            f"--ensemble {folder} was given, whose vocabularies are others. Allowed: runs on the "
            "same data with the same vocabularies. Train it with the flags of this run, but for "
            "--seed, --out and those of the network."
        )
    model = kc.load_model(folder / MODEL)
    other.check_model(model)
    return model


def recorded(folder: Path) -> dict:
    """The settings of a finished training."""
    return kc.training.finished_settings(
        folder, MODEL, kind="translator", application="translation.py"
    )
