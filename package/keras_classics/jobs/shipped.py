"""The page about a folder of exported models, written from what lies in it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import opened, reading
from keras_classics.core.errors import InputError
from keras_classics.export.examples import EXAMPLES, Examples, read_examples
from keras_classics.export.reopening import SAVED_MODEL, Spec
from keras_classics.export.serving import described
from keras_classics.jobs.records import METRICS, RUN, read_metrics, read_record

# What is told of how a model was made.
RECORD = {
    "settings": dict, "versions": dict, "command": str, "started": str, "backend": str,
    "machine": str,
}  # fmt: skip
# What a model is for, by one of its outputs, and who asks it; the first that is there.
KINDS = {
    "boxes": (
        "Detector: pictures in, boxes with classes out.",
        "detection.py detect {file} --from",
    ),
    "captions": ("Captioner: pictures in, sentences out.", "captioning.py caption {file} --from"),
    "masks": (
        "Segmenter: pictures in, the class of every pixel out.",
        "segmentation.py segment {file} --from",
    ),
    "translations": (
        "Translator: sentences in, sentences out.",
        "translation.py translate 'some text' --from",
    ),
    "all_probabilities": (
        "Classifier: pictures in, names of classes out.",
        "classification.py predict {file} --from",
    ),
    "styled": (
        "Style network: pictures of any size in, the same in one style out, some values of which "
        "are below 0 or above 255.",
        "generate.py stylize --images {file} --network",
    ),
    "texts": ("Recogniser: lines or recordings in, texts out.", "labelling.py label {file} --from"),
    "units": (
        "Labeller: texts in, classes of units or texts out.",
        "labelling.py label 'some text' --from",
    ),
}
# The same of what has no export, by the job that made it.
JOBS = {"language_model": ("Writer: text out.", "language_model.py write --out")}


@checked
def describe_shipped(folder: str | os.PathLike) -> str:
    """Write the Markdown page of a folder of models with what their runs left beside them.

    Of each model: what it is, its inputs and outputs with shapes and types, size, recorded scores,
    the command that made it, and how to call it. Nothing is loaded or run.

    Args:
        folder: Holds a folder for each model.

    Raises:
        InputError: There is no model in it.
    """
    folder = Path(folder)
    models = sorted(
        {path.parent for name in (SAVED_MODEL, "*.keras") for path in folder.glob(f"*/{name}")}
    )
    if not models:
        raise InputError(
            f"{folder} holds no exported model",
            f"a folder whose folders hold {SAVED_MODEL} or a .keras file",
            "Export one: see help(keras_classics.export).",
        )
    head = (
        f"# Shipped models\n\nWritten by `keras-classics shipped {folder.name} --out "
        f"{folder.name}/README.md`. Any export is tried out by `keras-classics serve-check PATH`."
    )
    return "\n\n".join([head, *map(_section, models)]) + "\n"


def _section(model: Path) -> str:
    path = f"{model.parent.name}/{model.name}"
    exported = (model / SAVED_MODEL).exists()
    inputs, outputs = _signature(model) if exported else ({}, {})
    record = read_record(model / RUN, RECORD) if (model / RUN).exists() else {}
    kinds = [KINDS[name] for name in KINDS if name in outputs]
    what, asking = [*kinds, JOBS.get(record.get("job", ""), ("A model.", None))][0]
    picture = f"{path}/example.png" if (model / "example.png").exists() else "picture.png"
    parts = [f"## {model.name}", what, _facts(model, record)]
    if exported:
        parts.append(markdown_table(["", "name", "type and shape"], [
            *(["input", f"`{name}`", described(spec)] for name, spec in inputs.items()),
            *(["output", f"`{name}`", described(spec)] for name, spec in outputs.items()),
        ]))  # fmt: skip
    if (model / METRICS).exists():
        parts.append(scores_table(read_metrics(model)))
    if (examples := read_examples(model)) is not None:
        parts.append(_carried(examples, record))
    if exported:
        parts.append(_call(path, inputs, picture))
    for each in sorted(model.glob("*.keras")):
        load = f'model = kc.load_model("{path}/{each.name}")'
        parts.append(f"```python\nimport keras_classics as kc\n\n{load}\n```")
    if asking:
        parts.append(f"```bash\npython applications/{asking.format(file=picture)} {path}\n```")
    return "\n\n".join(parts)


def _facts(model: Path, record: Mapping[str, Any]) -> str:
    names = (SAVED_MODEL, "*.keras", "variables/*", "assets/*")
    files = [file for name in names for file in model.glob(name)]
    size = f"{sum(file.stat().st_size for file in files) / 1e6:.2f} MB"
    if not record:
        return f"{size}; how it was made is not recorded."
    return (
        f"{size}. Made by `python {record['command']}` at commit `{record['commit']}`, started "
        f"{record['started'][:10]}, with Keras {record['versions'].get('keras')} on "
        f"{record['backend']} ({record['machine']}). Settings: {settings_told(record['settings'])}."
    )


def settings_told(settings: Mapping[str, Any]) -> str:
    """Those that are set to something."""
    told = {key: value for key, value in settings.items() if value not in (None, False, "none")}
    return ", ".join(f"{key} {json.dumps(value)}" for key, value in told.items())


def scores_table(metrics: Mapping[str, Mapping[str, float | None]]) -> str:
    """Figures by what was evaluated, a row each."""
    names = list(dict.fromkeys(name for values in metrics.values() for name in values))
    rows = [
        [key, *(_figure(values.get(name)) for name in names)] for key, values in metrics.items()
    ]
    return markdown_table(["evaluated", *names], rows)


def _carried(examples: Examples, record: Mapping[str, Any]) -> str:
    side, shape = record.get("settings", {}).get("image_size"), np.shape(examples.inputs[0])
    windows = ""
    if len(shape) == 3 and isinstance(side, int) and max(shape[:2]) < side:
        windows = (
            f" Of each picture, of {side} x {side} pixels, there is the window of {shape[0]} x "
            f"{shape[1]} where most is to be told apart: whole pictures have the figures above."
        )
    figures = ", ".join(f"{name} {value:.4g}" for name, value in examples.figures.items())
    return (
        f"Beside it lie the first {len(examples.inputs):,} of its {examples.split_size:,} test "
        f"examples (`{EXAMPLES}`), on which a test judges it: {figures}.{windows} The test split "
        f"as made here and now is the same where its SHA-256 begins with "
        f"{examples.split_sha256[:12]}."
    )


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _call(path: str, inputs: Mapping[str, Spec], picture: str) -> str:
    lines = [
        "import tensorflow as tf",
        "",
        f'shipped = tf.saved_model.load("{path}")',
        *(f"{name} = {_value(spec, picture)}" for name, spec in inputs.items()),
        f'shipped.signatures["serving_default"]({", ".join(f"{name}={name}" for name in inputs)})',
    ]
    return "\n".join(["```python", *lines, "```"])


def _value(spec: Spec, picture: str) -> str:
    if spec.dtype == "string":
        return 'tf.constant(["some text"])'
    if len(spec.shape) == 4 and (spec.dtype == "uint8" or spec.shape[-1] == 3):
        read = f'tf.io.decode_image(tf.io.read_file("{picture}"))[None]'
        return read if spec.dtype == "uint8" else f'tf.cast({read}, "{spec.dtype}")'
    sizes = [1 if axis is None else axis for axis in spec.shape]
    return f'tf.zeros({sizes}, "{spec.dtype}")'


def _signature(model: Path) -> tuple[dict[str, Spec], dict[str, Spec]]:
    """Inputs and outputs, read without loading the model."""
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    path = model / SAVED_MODEL
    with reading(path, "an exported model", "Export it again, or remove it."), opened(path) as file:
        saved = saved_model_pb2.SavedModel.FromString(file.read())
        signature = saved.meta_graphs[0].signature_def["serving_default"]

    def specs(tensors: Any) -> dict[str, Spec]:
        return {name: spec(tensors[name]) for name in sorted(tensors)}

    def spec(tensor: Any) -> Spec:
        sizes = [axis.size for axis in tensor.tensor_shape.dim]
        shape = tuple(None if size < 0 else size for size in sizes)
        return Spec(shape, tf.as_dtype(tensor.dtype).name)

    return specs(signature.inputs), specs(signature.outputs)


def markdown_table(heading: list[str], rows: list[list[str]]) -> str:
    """A table of texts."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
