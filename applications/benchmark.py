"""Measure this package beside others, on this machine.

    python applications/benchmark.py build          # making models
    python applications/benchmark.py train          # a step of training
    python applications/benchmark.py inference      # a batch of predictions
    python applications/benchmark.py fold           # the same, normalisation folded away
    python applications/benchmark.py decode         # beam search
    python applications/benchmark.py binary         # convolution by XNOR and bit counts
    python applications/benchmark.py packed         # packed XNOR-AlexNet beside AlexNet
    python applications/benchmark.py forms          # one model as SavedModel, LiteRT, ONNX, int8
    python applications/benchmark.py depth          # thousands of convolutions in one layer
    python applications/benchmark.py scaling        # two workers beside one
    python applications/benchmark.py maps           # class-activation maps
    python applications/benchmark.py landscape      # points of loss landscapes
    python applications/benchmark.py attacks        # pictures that fool classifiers
    python applications/benchmark.py inversion      # steps of feature inversion
    python applications/benchmark.py boxes          # suppression, pooling, average precision
    python applications/benchmark.py fields         # random fields over pictures
    python applications/benchmark.py recurrent      # training with LSTM and GRU
    python applications/benchmark.py multidimensional  # an LSTM over grids
    python applications/benchmark.py rtrl           # learning forward in time
    python applications/benchmark.py translate      # an exported translator
    python applications/benchmark.py table          # all that was measured, for its page

A verb is a function of its module in `VERBS`: its keyword arguments are the flags, the notes on
their types the help, their defaults literals or constants of the file. What it returns are the rows
that are printed and entered into the file `--out`, in place of older rows of the same measurement.
What is compared takes turns within one process and the fastest turn counts: the times are this
machine's, the ratios (ours / theirs) travel further.
"""

from __future__ import annotations

import argparse
import ast
import datetime
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

import keras_classics as kc  # noqa: E402
from benchmarks.measuring import ALONE, MEASURED, console  # noqa: E402

STORED = Path(__file__).with_suffix(".csv")
# What a row is of; a later row of the same takes its place.
KEYS = ["benchmark", "model", "setting", "beside"]
KINDS = {"int": int, "float": float, "str": str}
MARKS = "<!-- benchmark -->", "<!-- end of benchmark -->"

# Of each verb the module, which needs an engine. These have tables of their own on the page:
TABLES = {
    "binary": "binary",
    "packed": "binary",
    "forms": "binary",
    "depth": "depth",
    "scaling": "scaling",
    "boxes": "boxes",
    "maps": "maps",
    "recurrent": "recurrent",
    "multidimensional": "recurrent",
    "rtrl": "recurrent",
    "translate": "recurrent",
}
VERBS = {
    "build": "models",
    "train": "models",
    "inference": "models",
    "fold": "models",
    "decode": "searches",
    "landscape": "landscapes",
    "attacks": "attacks",
    "inversion": "inversions",
    "fields": "fields",
    **TABLES,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns the exit code."""
    return kc.cli.guarded(run, argv)


def run(argv: Sequence[str] | None) -> None:
    """Parse the arguments and do what the verb says."""
    parser = kc.cli.Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    argv = sys.argv[1:] if argv is None else argv
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in VERBS:
        if name != next(iter(argv), None):
            verbs.add_parser(name, help=first_line(name))
            continue
        described, listed = read_verb(name)
        flags = verbs.add_parser(name, help=first_line(name), description=described)
        flags.add_argument(
            "--out", type=Path, default=Path("runs/benchmark.csv"), help="file of the results"
        )
        for flag in listed:
            text = f"{flag.note} (default: {flag.default or 'those'})"
            flags.add_argument(f"--{flag.name}", type=flag.kind, default=flag.default, help=text)
    shown = verbs.add_parser("table", help="tables of the page about speed, from a file of results")
    shown.add_argument("results", nargs="?", type=Path, default=STORED, help="file of the results")
    shown.add_argument("--insert", type=Path, help=f"write them into this file, after {MARKS[0]}")
    settings = vars(parser.parse_args(argv))
    verb = settings.pop("verb")
    if verb == "table":
        print_tables(**settings)
    else:
        measure(verb, **settings)


class Flag(NamedTuple):
    """A keyword argument of a verb."""

    name: str
    kind: type
    note: str
    default: int | float | str


def first_line(name: str) -> str:
    """Of a verb's docstring."""
    return read_verb(name)[0].splitlines()[0]


def read_verb(name: str) -> tuple[str, list[Flag]]:
    """A verb's docstring and flags as they stand in its file, which itself needs an engine."""
    file = Path(__file__).parent / "benchmarks" / f"{VERBS[name]}.py"
    body = ast.parse(kc.jobs.read_text(file)).body
    named = {ast.unparse(each.targets[0]): each.value for each in body
             if isinstance(each, ast.Assign)}  # fmt: skip
    [verb] = [each for each in body if isinstance(each, ast.FunctionDef) and each.name == name]
    flags = []
    for argument, default in zip(verb.args.kwonlyargs, verb.args.kw_defaults, strict=True):
        kind, note = argument.annotation.slice.elts
        default = named.get(ast.unparse(default), default)
        kind, note, default = KINDS[kind.id], ast.literal_eval(note), ast.literal_eval(default)
        flags.append(Flag(argument.arg, kind, note, default))
    return ast.get_docstring(verb), flags


def verb_of(name: str) -> Callable[..., pd.DataFrame]:
    """The function that measures."""
    kc.cli.import_keras()
    return getattr(importlib.import_module(f"benchmarks.{VERBS[name]}"), name)


def measure(verb: str, out: Path, **settings) -> None:
    """Measure, print, and enter the rows into the file."""
    earlier = [read_results(out)] if out.exists() else []
    facts = kc.jobs.describe_run(settings)
    rows = verb_of(verb)(**settings)
    rows.insert(0, "benchmark", verb)
    rows["ratio"] = rows["ours"] / rows["peer"]
    texts = [rows[column].map(figure) if rows[column].dtype == float else rows[column]
             for column in rows]  # fmt: skip
    left = sum(rows[column].dtype != float for column in rows)
    console.print(f"{verb}: {facts['machine']}")
    console.print(kc.cli.columns([list(rows), *zip(*texts, strict=True)], left=left))

    rows["date"] = datetime.date.today().isoformat()
    rows["commit"] = facts["commit"]
    rows["machine"] = facts["machine"]
    rows["versions"] = ", ".join(f"{name} {found}" for name, found in facts["versions"].items())
    together = pd.concat([*earlier, rows]).drop_duplicates(KEYS, keep="last")
    kc.jobs.write_table(out, together, index=False, float_format="%.4g")
    console.print(f"written: {out}")


def read_results(path: Path) -> pd.DataFrame:
    """The rows of a file of results.

    Raises:
        InputError: It is another kind of file.
    """
    rows = kc.jobs.read_table(
        path, "a file of results of this benchmark", "Measure into another file with --out."
    )
    if not {*KEYS, *MEASURED, "ratio"} <= set(rows):
        raise kc.InputError(
            f"{path} was given",
            "a file of results of this benchmark",
            "Measure into another file with --out.",
        )
    return rows


def print_tables(results: Path, insert: Path | None) -> None:
    """Print the tables of the page about speed, or write them between their marks in a file."""
    text = readme_tables(read_results(results))
    if insert is None:
        print(text)
        return
    before, mark, rest = kc.jobs.read_text(insert).partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not end:
        raise kc.InputError(
            f"{insert} was given",
            f"a text that has {' and '.join(MARKS)}",
            "Put them where the tables shall be.",
        )
    kc.jobs.write_text(insert, f"{before}{mark}\n{text}\n{end}{after}")
    print(insert)


def readme_tables(rows: pd.DataFrame) -> str:
    """What was measured, as Markdown: models beside twins, searches, the rest, and where."""
    searched = rows["benchmark"] == "decode"
    twins = rows["benchmark"].isin(["build", "train", "inference", "fold"])
    alone = (rows["benchmark"] == "build") & (rows["beside"] == ALONE)
    parts = []
    if (beside := rows[twins & ~alone]).size:
        order = beside["benchmark"].map(list(VERBS).index)
        beside = beside.iloc[order.argsort(kind="stable")]
        parts.append(markdown(with_ratios(beside), ["model", "beside"]))
    if alone.any():
        slowest = rows.loc[rows[alone]["ours"].idxmax()]
        parts.append(
            f"Slowest to build of the models without a twin ({alone.sum()} measured): "
            f"{slowest['model']}, {figure(slowest['ours'])} s."
        )
    if (decoded := rows[searched]).size:
        decoded = decoded.assign(
            column=decoded["model"] + ": sentences/s (ours / theirs)",
            cell=[f"{figure(1e3 / r.peer)} ({r.ratio:.2f})" for r in decoded.itertuples()],
        )
        parts.append(f"Beam search, {decoded['setting'].iloc[0]}:")
        parts.append(markdown(decoded, ["beside"]))
    for name in TABLES:
        if (found := rows[rows["benchmark"] == name]).size:
            parts.append(markdown(with_ratios(found), ["model", "beside"]))
    facts = (", then ".join(rows[fact].unique()) for fact in ("date", "machine", "versions"))
    return "\n\n".join([*parts, f"Measured: {'; '.join(facts)}."])


def with_ratios(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with what `markdown` wants: a column for each setting, of ratios and our figures."""
    cells = [f"{row.ratio:.2f} ({figure(row.ours)} {row.unit})" for row in rows.itertuples()]
    return rows.assign(column=rows["benchmark"] + ": " + rows["setting"], cell=cells)


def figure(value: float) -> str:
    """Three digits of a number, or all before the point; nothing for what was not measured."""
    if np.isnan(value):
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def markdown(rows: pd.DataFrame, names: list[str]) -> str:
    """A table of the `cell`s, a line for each of `names`, a column for each `column`."""
    table = rows.set_index([*names, "column"])["cell"].unstack(sort=False, fill_value="")
    table = table.reset_index()
    aligned = ["---"] * len(names) + ["---:"] * (table.shape[1] - len(names))
    return "\n".join(f"| {' | '.join(row)} |" for row in (table, aligned, *table.to_numpy()))


if __name__ == "__main__":
    raise SystemExit(main())
