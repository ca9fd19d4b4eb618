"""Presets: a model as a folder that others can read, with the page that says what it is.

A preset is a folder of four files: `config.json`, the configuration of the model;
`model.safetensors`, its weights; `facts.json`, what a job knows of it (classes, preparation,
figures); and `README.md`, the page. Nothing in it is a program, and none of it is run when it is
read. `hf://OWNER/NAME` is such a folder on the Hugging Face Hub, fetched by `huggingface_hub`
(extra `huggingface`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.array_files import read_state, write_safetensors
from keras_classics.core.boundary.files import reading
from keras_classics.core.boundary.model_files import of_configuration
from keras_classics.core.boundary.text_files import read_json, write_json, write_text
from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import card, list_models
from keras_classics.core.errors import InputError, import_extra
from keras_classics.core.graphs.graph import check_model
from keras_classics.core.graphs.variables import warn_of_no_numbers
from keras_classics.core.versions import installed
from keras_classics.jobs.records import METRICS, RUN, read_metrics, read_record
from keras_classics.jobs.shipped import scores_table, settings_told

CONFIG, WEIGHTS, FACTS, PAGE = "config.json", "model.safetensors", "facts.json", "README.md"
FORM = "keras-classics preset 1"
HUB = re.compile(r"hf://(?P<name>[\w.-]+/[\w.-]+?)(?:@(?P<revision>[\w./-]+))?$")
_ALLOWED = f"a preset, a folder with {CONFIG}, {WEIGHTS} and {FACTS} as kc.save_preset writes them"
_REMEDY = "Fetch it again, or save it anew by kc.save_preset."
# What of a run's record is told on the page.
_RECORD = {"settings": dict, "versions": dict, "command": str, "started": str}


@dataclass(frozen=True)
class Preset:
    """A model and what is known of it.

    Attributes:
        model: The model, not compiled.
        facts: What was given to `save_preset`, such as the names of its classes.
    """

    model: keras.Model
    facts: Mapping[str, Any] = field(default_factory=dict)


@checked
def save_preset(
    model: keras.Model,
    folder: str | os.PathLike[str],
    *,
    facts: Mapping[str, Any] | None = None,
    run: str | os.PathLike[str] | None = None,
) -> None:
    """Save a model as a preset: a folder of text files and arrays, with a page about it.

    Args:
        model: The model; what it was compiled with is left out.
        folder: Made if absent; a preset that is there is replaced file by file.
        facts: What who loads it wants to know, as JSON has it: classes, a preparation, words.
        run: Folder of the run that trained it; the page tells its command, settings, versions and
            figures.

    Raises:
        InputError: It is no model, the facts are none of JSON's, or the folder cannot be written.

    Example:
        ```python
        model = kc.create_model("lenet_5")
        kc.save_preset(model, "lenet", facts={"classes": ["even", "odd"]})
        ```
    """
    check_model(model)
    folder = Path(folder)
    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    arrays = {
        name: np.asarray(keras.ops.convert_to_numpy(weight))
        for name, weight in _names(model).items()
    }
    page = _page(model, arrays, facts or {}, None if run is None else Path(run))
    write_json(folder / FACTS, dict(facts or {}))
    write_json(folder / CONFIG, {"form": FORM, "made_with": installed(("keras",)), "model": config})
    write_safetensors(folder / WEIGHTS, arrays, format="keras")
    write_text(folder / PAGE, page)


@checked
def load_preset(path: str | os.PathLike[str]) -> Preset:
    """Load a preset, which may come from a stranger: nothing in it is run.

    Args:
        path: A folder that `save_preset` wrote, or `hf://OWNER/NAME`, perhaps with `@REVISION`, on
            the Hugging Face Hub.

    Returns:
        The model with its weights, and the facts.

    Raises:
        InputError: It is absent, damaged or hostile: files that lie elsewhere, Lambda layers,
            classes that are neither Keras's nor registered, weights of other names or shapes, and
            layers that ask for far more memory than there are weights are refused.
        MissingExtraError: It is on the Hub, and `huggingface_hub` is not installed.

    Example:
        ```python
        kc.save_preset(kc.create_model("lenet_5"), "lenet", facts={"classes": ["even", "odd"]})
        preset = kc.load_preset("lenet")  # or hf://OWNER/NAME
        preset.model, preset.facts  # the latter {"classes": ["even", "odd"]}
        ```
    """
    folder, within = _place(path)
    config = read_json(_member(folder, within, CONFIG), _ALLOWED, _REMEDY)
    if not isinstance(config, dict) or config.get("form") != FORM:
        raise InputError(f"{folder / CONFIG} holds something else", _ALLOWED, _REMEDY)
    facts = read_json(_member(folder, within, FACTS), _ALLOWED, _REMEDY)
    if not isinstance(facts, dict):
        raise InputError(f"{folder / FACTS} holds something else", _ALLOWED, _REMEDY)
    arrays = read_state(_member(folder, within, WEIGHTS))
    with reading(
        folder,
        "a preset of layers of Keras, of this package and of your own that are registered",
        "Register its classes by keras.saving.register_keras_serializable, or fetch it again.",
    ):
        model = of_configuration(config.get("model"), sum(each.nbytes for each in arrays.values()))
        if not isinstance(model, keras.Model):
            raise ValueError("its configuration is of no model")
        _fill(model, arrays)
    warn_of_no_numbers(folder, model.variables)
    return Preset(model, facts)


def _names(model: keras.Model) -> dict[str, keras.Variable]:
    """The weights by their place and own name: paths depend on how a model came to be."""
    return {f"{place}.{weight.name}": weight for place, weight in enumerate(model.weights)}


def _fill(model: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Give a model its weights, all of them or none.

    Raises:
        ValueError: Names or shapes differ.
    """
    weights = _names(model)
    if unlike := sorted(weights.keys() ^ arrays.keys()):
        raise ValueError(f"its weights and its configuration differ in {', '.join(unlike[:3])}")
    for name, weight in weights.items():
        found, expected = arrays[name], tuple(weight.shape)
        if found.shape != expected or found.dtype.kind not in "fiub":
            raise ValueError(f"{name} is {found.dtype} {found.shape} and not {expected}")
    for name, weight in weights.items():
        weight.assign(arrays[name])


def _place(path: str | os.PathLike[str]) -> tuple[Path, Path]:
    """The folder of a preset, and that within which its files must lie."""
    told = os.fspath(path)
    if not told.startswith("hf://"):
        return Path(path), Path(path)
    if (found := HUB.match(told)) is None:
        raise InputError(
            f"path={told!r} was given",
            "hf://OWNER/NAME, perhaps with @REVISION behind it",
            "Write it as the page of the model on the Hub does, with hf:// before it.",
        )
    hub = import_extra("huggingface_hub", "huggingface")
    # It may fail in any of its own ways, and those of what it fetches by.
    with reading(
        told,
        "a preset on the Hub, which this machine reaches or has fetched before",
        "Check its name and the network, or fetch the folder yourself and give its path.",
    ):
        folder = hub.snapshot_download(
            found["name"],
            revision=found["revision"],
            allow_patterns=[CONFIG, WEIGHTS, FACTS, PAGE],
        )
    # Files of a snapshot are links into the store of its repository, two folders up.
    return Path(folder), Path(folder).parents[1]


def _member(folder: Path, within: Path, name: str) -> Path:
    """A file of a preset, which lies in its folder and doesn't only seem to.

    Raises:
        InputError: It is a link that leads out of it.
    """
    path = folder / name
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(within)):
        raise InputError(f"{path} is a link that leads elsewhere", _ALLOWED, _REMEDY)
    return path


def _page(
    model: keras.Model, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any], run: Path | None
) -> str:
    """The page about a preset, in the form of the Hub's model cards."""
    known = card(model.name) if model.name in list_models() else None
    count = sum(each.size for each in arrays.values())
    parts = [
        "---\nlibrary_name: keras\ntags:\n- keras\n- keras-classics\n---",
        f"# {model.name}",
        f"{count:,} numbers, {sum(each.nbytes for each in arrays.values()) / 1e6:.2f} MB.",
        *([] if known is None else [_of_card(known)]),
        "## Use\n\n```python\nimport keras_classics as kc\n\n"
        'preset = kc.load_preset("FOLDER")  # or hf://OWNER/NAME\n'
        "preset.model.summary()\n```",
    ]
    if facts:
        parts.append(
            f"## Facts\n\n`{FACTS}` has {', '.join(f'`{name}`' for name in sorted(facts))}."
        )
    if run is not None:
        parts += _of_run(run)
    return "\n\n".join(parts) + "\n"


def _of_card(known: ModelCard) -> str:
    told = {
        "Idea": known.idea,
        "Paper": known.paper,
        "Published, and not of these weights": known.published,
        "Deviations from the paper": known.deviations,
    }
    return "\n".join(f"- {name}: {text}" for name, text in told.items())


def _of_run(run: Path) -> list[str]:
    """What the record of a run says, and its figures."""
    record = read_record(run / RUN, _RECORD)
    parts = [
        f"## How it was made\n\nBy `python {record['command']}`, started {record['started'][:10]}, "
        f"with Keras {record['versions'].get('keras')}. Settings: "
        f"{settings_told(record['settings'])}."
    ]
    if (run / METRICS).exists():
        parts.append(f"## Figures\n\n{scores_table(read_metrics(run))}")
    return parts
