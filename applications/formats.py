"""Which model can be had in which format, and how exactly: a table that a run fills.

    python applications/formats.py run --out runs/formats.csv          # all of them, about an hour
    python applications/formats.py run --rows vgg lenet --formats onnx
    python applications/formats.py table                               # what is stored, as Markdown
    python applications/formats.py table --out package/docs/formats.md

Every family of the catalogue and every sequence model is built small, with weights drawn at random,
exported, checked, and asked again in a process that has neither Keras nor this package. Of the ways
to export it, the first that succeeds is the row's: batches and sizes of any kind before fixed ones.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

import keras_classics as kc  # noqa: E402
from shipping.rows import FAMILIES, INSIDE, SEQUENCES  # noqa: E402

STORED = Path(__file__).with_suffix(".csv")
ENDINGS = {"saved_model": "", "litert": ".tflite", "onnx": ".onnx"}
TITLES = {"saved_model": "SavedModel", "litert": "LiteRT", "onnx": "ONNX"}
TOLERANCE = 1e-4

# How the network alone is exported, from the freest way on.
PICTURES = ({"size": "any"}, {})
STEPS = ({}, {"batch_size": 1}, {"batch_size": 1, "size": 12})

console = kc.cli.plain_console()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns the exit code."""
    return kc.cli.guarded(run, argv)


def run(argv: Sequence[str] | None) -> None:
    """Parse the arguments and do what the verb says."""
    parser = kc.cli.Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    filling = verbs.add_parser("run", help="export, check, ask elsewhere, enter the rows")
    names = [*FAMILIES, *SEQUENCES, *INSIDE]
    filling.add_argument("--rows", nargs="+", default=names, metavar="ROW", choices=names)
    filling.add_argument("--formats", nargs="+", default=list(ENDINGS), choices=list(ENDINGS))
    filling.add_argument("--out", type=Path, default=Path("runs/formats.csv"))
    shown = verbs.add_parser("table", help="the rows of a file as Markdown")
    shown.add_argument("results", nargs="?", type=Path, default=STORED)
    shown.add_argument("--out", type=Path, help="write it there")
    options = parser.parse_args(argv)
    if options.verb == "run":
        kc.cli.import_keras()
        rows = fill(options.rows, options.formats)
        enter(rows, options.out)
        console.print(markdown(rows), highlight=False)
        console.print(f"written: {options.out}")
        return
    text = page(read(options.results))
    if options.out:
        kc.jobs.write_text(options.out, text)
        print(options.out)
    else:
        print(text, end="")


def fill(names: Sequence[str], formats: Sequence[str]) -> pd.DataFrame:
    """Export what is named, then ask all files in processes without Keras and without us."""
    import keras

    with tempfile.TemporaryDirectory() as folder:
        rows, exported = [], []
        for name in names:
            for format in formats:
                path = Path(folder) / f"{len(rows)}{ENDINGS[format]}"
                row, found = attempt(name, format, path)
                rows.append({"row": name, "format": format, **row})
                exported.append(found)
                console.print(f"{name}, {format}: {cell(pd.Series(row))}", highlight=False)
            keras.utils.clear_session()
        asked = [found for found in exported if found]
        answers = kc.export.answers_elsewhere(
            [(found.path, [inputs for inputs, _ in found.asked]) for found in asked]
        )
    told = dict(zip(map(id, asked), answers, strict=True))
    for row, found in zip(rows, exported, strict=True):
        if found:
            row |= elsewhere(row, found, told[id(found)])
    return pd.DataFrame(rows)


def attempt(name: str, format: str, path: Path) -> tuple[dict, kc.export.Exported | None]:
    """Export one row's model in the first way that succeeds."""
    refusal = ""
    for export in ways(name):
        try:
            found = export(path, format)
        except kc.InputError as error:
            refusal = getattr(error, "reason", str(error))
        else:
            batch, size = freedom(found)
            row = {"difference": found.difference, "batch": batch, "size": size, "reason": ""}
            return row, found
    return empty(refusal), None


def empty(reason: str) -> dict:
    """What a cell holds that is none."""
    return {"difference": np.nan, "batch": "", "size": "", "reason": reason}


def ways(name: str) -> list[Callable[[Path, str], kc.export.Exported]]:
    """The ways to export a row's model."""
    import keras

    keras.utils.set_random_seed(1)
    if name in INSIDE:
        return [INSIDE[name]]
    if name in FAMILIES:
        member, arguments = FAMILIES[name]
        model = kc.create_model(member, weights=None, **arguments)
    else:
        model = SEQUENCES[name]()
    draw_weights(model)

    def way(settings: dict) -> Callable[[Path, str], kc.export.Exported]:
        return lambda path, format: kc.export.export_model(
            model, path, format, tolerance=TOLERANCE, **settings
        )

    return [way(settings) for settings in (PICTURES if name in FAMILIES else STEPS)]


def draw_weights(model) -> None:
    """Weights at random, of a size that keeps signals: new ones would make all outputs alike."""
    draw = np.random.default_rng(3)
    for weight in model.weights:
        if "variance" in weight.path or "gamma" in weight.path:
            weight.assign(draw.uniform(0.5, 1.5, weight.shape))
        elif "float" in weight.dtype:
            scale = np.sqrt(max(1, np.prod(weight.shape[:-1])))
            weight.assign(draw.normal(size=weight.shape) / scale)


def freedom(found: kc.export.Exported) -> tuple[str, str]:
    """Which batches and which sizes a file takes."""
    specs = list(found.inputs.values())
    batches = {spec.shape[0] for spec in specs}
    batch = "any" if batches == {None} else str(max(batches - {None}))
    # What varies, and of that ids and pictures before states and lengths.
    shape, _ = max(
        specs, key=lambda spec: (spec.shape[1:].count(None), "int" in spec.dtype, len(spec.shape))
    )
    # The last axis of pictures and vectors is channels or features.
    axes = shape[1:-1] if len(shape) > 2 else shape[1:]
    return batch, " x ".join("any" if axis is None else str(axis) for axis in axes)


def elsewhere(row: dict, found: kc.export.Exported, answers) -> dict:
    """What changes in a row by what the file says in a bare process."""
    if isinstance(answers, str):
        return empty(f"elsewhere: {answers.splitlines()[0][:100]}")
    distances = [
        max(kc.export.differences(expected, answer, TOLERANCE).values())
        for (_, expected), answer in zip(found.asked, answers, strict=True)
    ]
    if max(distances) > TOLERANCE:
        return empty(f"elsewhere it differs by {max(distances):.1g}")
    return {"difference": max(row["difference"], *distances)}


def enter(rows: pd.DataFrame, path: Path) -> None:
    """Put rows into a file, in place of older ones of the same model and format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    earlier = [read(path)] if path.exists() else []
    together = pd.concat([*earlier, rows]).drop_duplicates(["row", "format"], keep="last")
    names = [*FAMILIES, *SEQUENCES, *INSIDE]
    order = together["row"].map(names.index) * 10 + together["format"].map(list(ENDINGS).index)
    ordered = together.iloc[order.argsort(kind="stable")]
    kc.jobs.write_table(path, ordered, index=False, float_format="%.1e")


def read(path: Path) -> pd.DataFrame:
    """The rows of a file.

    Raises:
        InputError: It is another kind of file.
    """
    allowed, remedy = "a file that `formats.py run` wrote", "Name another."
    rows = kc.jobs.read_table(path, allowed, remedy, dtype={"batch": str, "size": str})
    if (
        not {"row", "format", "difference", "batch", "size", "reason"} <= set(rows)
        or rows["difference"].dtype.kind != "f"
    ):
        raise kc.InputError(f"{path} was given", allowed, remedy)
    return rows.fillna({"batch": "", "size": "", "reason": ""})


def page(rows: pd.DataFrame) -> str:
    """The whole table with what must be known to read it."""
    parts = ["# What can be had in which format", EXPLANATION]
    for title, names in HEADINGS.items():
        part = rows[rows["row"].isin(names)]
        if len(part):
            parts += [f"## {title}", markdown(part)]
    return "\n\n".join(parts) + "\n"


def markdown(rows: pd.DataFrame) -> str:
    """A line for each model, a column for each format."""
    cells = rows.assign(cell=[cell(row) for _, row in rows.iterrows()])
    table = cells.pivot(index="row", columns="format", values="cell").reindex(rows["row"].unique())
    formats = [format for format in ENDINGS if format in table]
    lines = [["", *map(TITLES.get, formats)], ["---"] * (1 + len(formats))]
    lines += [[name, *table.loc[name, formats].fillna("")] for name in table.index]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(row: pd.Series) -> str:
    """One cell in words."""
    if row["reason"]:
        return f"no: {row['reason']}"
    batch = "any batch" if row["batch"] == "any" else f"batch {row['batch']}"
    size = {"any": "any length", "any x any": "any size"}.get(row["size"], row["size"])
    return "; ".join(filter(None, [f"{row['difference']:.0e}", batch, size]))


EXPLANATION = """\
`python applications/formats.py run --out applications/formats.csv` filled the file this page is
made from, `python applications/formats.py table --out package/docs/formats.md` made it. A cell has
the largest difference of a number between the file, asked in a process without Keras and without
this package, and the model (a share, where numbers are above 1); and which batches and sizes the
file takes. The networks are small members of their families, with weights drawn at random. LiteRT
files have built-in operations only. A file in any of these formats is a program, which is run as it
is: ask only those whose origin you trust."""

HEADINGS = {
    "The catalogue, a member of each family": FAMILIES,
    "Sequence networks alone": SEQUENCES,
    "With preparation and decoding inside": INSIDE,
}

if __name__ == "__main__":
    sys.exit(main())
