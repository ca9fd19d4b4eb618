"""The command line: `keras-classics list | tree | card | summary | plot | convert | ...`.

Parsing and printing only.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

from keras_classics.analysis.drawing.complexity import costs, trainable_parameters
from keras_classics.analysis.drawing.family_tree import draw_family_tree
from keras_classics.core.catalogue import card, create_model, list_models
from keras_classics.core.errors import InputError, explain
from keras_classics.core.files import write_whole
from keras_classics.data.load import Data, load
from keras_classics.export import FORMATS, Spec, describe_shipped, described, serve_check
from keras_classics.training.optimizers import SkipNonFinite, refuse_strategies, skipping
from keras_classics.training.runs import other_releases
from keras_classics.weights import load_keras_applications, load_torch

__all__ = [
    "add_export_flags",
    "add_skip_flag",
    "export_place",
    "guarded",
    "guarded_optimizer",
    "key_values",
    "load_data",
    "main",
    "metrics_table",
    "sound",
    "tell_skipped",
]

Asked = TypeVar("Asked")
Content = TypeVar("Content")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the console script; returns the exit code."""
    return guarded(_run, argv)


def guarded(run: Callable[[Sequence[str] | None], int | None], argv: Sequence[str] | None) -> int:
    """Run a command: a user's mistake becomes one sentence and exit code 1, Ctrl-C code 130.

    Args:
        run: The command, from the arguments to an exit code or None.
        argv: The arguments; those of the process by default.
    """
    try:
        return run(argv) or 0
    except (InputError, ImportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def sound(
    asked: Iterable[Asked], read: Callable[[Asked], Content], faulty: list[Asked]
) -> Iterator[tuple[Asked, Content]]:
    """Read what a user names, one after the other; a faulty one is a line of its own, not the end.

    Args:
        asked: Such as the paths of pictures.
        read: From one of them to its content; raises `InputError`.
        faulty: Takes those that could not be read.

    Yields:
        Each of the others, and its content.
    """
    for each in asked:
        try:
            content = read(each)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            faulty.append(each)
            continue
        yield each, content


def key_values(text: str) -> tuple[str, object]:
    """Parse `key=value` for argparse; the value is a Python literal or else a string."""
    key, separator, value = text.partition("=")
    if not separator or not key.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form key=value")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def add_export_flags(verb: argparse.ArgumentParser) -> None:
    """Give an application's verb `export` the flags `--format` and `--to`."""
    verb.add_argument(
        "--format", choices=FORMATS, default="saved_model", help="litert and onnx take pictures "
        "of one size and ids in place of texts; see help(keras_classics.export)",
    )  # fmt: skip
    verb.add_argument("--to", help="by default OUT/saved_model, OUT/model.tflite or OUT/model.onnx")


def export_place(options: argparse.Namespace) -> tuple[Path, str]:
    """Where an application exports to, and in which format.

    Args:
        options: `out`, and what the flags of `add_export_flags` say, if there are any.
    """
    form = getattr(options, "format", "saved_model")
    name = {"saved_model": "saved_model", "litert": "model.tflite", "onnx": "model.onnx"}[form]
    return Path(getattr(options, "to", None) or Path(options.out) / name), form


def add_skip_flag(parser: argparse.ArgumentParser) -> None:
    """Give an application's training the flag `--skip-non-finite`."""
    parser.add_argument(
        "--skip-non-finite", action="store_true", help="leave out, and count, steps whose gradient "
        "is infinite or not a number, in place of ending at such a loss",
    )  # fmt: skip


def guarded_optimizer(
    optimizer: keras.optimizers.Optimizer, options: argparse.Namespace
) -> keras.optimizers.Optimizer:
    """The optimizer that the flag of `add_skip_flag` asks for.

    Args:
        optimizer: The one to train with.
        options: `skip_non_finite`.

    Returns:
        `SkipNonFinite` around it where the flag was given, or else itself.

    Raises:
        InputError: The flag was given in the scope of a strategy of `tf.distribute`.
    """
    if not options.skip_non_finite:
        return optimizer
    refuse_strategies()
    return SkipNonFinite(optimizer)


def tell_skipped(model: keras.Model) -> None:
    """Say after a training how many steps were left out, if it could leave out any.

    Args:
        model: What was trained, compiled with `guarded_optimizer`.
    """
    optimizer = skipping(model.optimizer)
    if optimizer is not None:
        print(f"{int(optimizer.skipped)} steps were left out: their gradients were not finite")


def load_data(options: argparse.Namespace, **own: object) -> Data:
    """Load the data that the flags of an application name, and say what was skipped.

    Also says where the run in `out` had its data made by other releases of libraries.

    Args:
        options: `data`, `data_options`, `seed` and `out`; `strict`, if there is such a flag.
        **own: Further arguments of the application, which no flag can change.

    Raises:
        InputError: The data or their options are wrong.
    """
    strict = getattr(options, "strict", False)
    try:
        data = load(options.data, seed=options.seed, strict=strict, **options.data_options, **own)
    except TypeError as error:
        raise InputError(
            explain(
                f"--data-options {options.data_options} was given ({error})",
                "the arguments of the data's reader",
                "See help(kc.data.load).",
            )
        ) from error
    for sentence in data.info.skipped:
        print(f"skipped: {sentence}")
    if sentence := other_releases(options.out, data.info.made_with):
        print(f"warning: {sentence}")
    return data


def metrics_table(
    metrics: Mapping[str, Mapping[str, float]], title: str, *, digits: int = 3
) -> Table:
    """Metrics as a table to print: a row for each of what was evaluated.

    Args:
        metrics: Figures by what was evaluated; a figure that a row lacks is left empty.
        title: Stands above the table.
        digits: Digits behind the point.
    """
    names = list(dict.fromkeys(name for values in metrics.values() for name in values))
    table = Table("", *names, title=title)
    for row, values in metrics.items():
        figures = (f"{values[name]:.{digits}f}" if name in values else "" for name in names)
        table.add_row(row, *figures)
    return table


def _run(argv: Sequence[str] | None) -> int | None:
    parser = argparse.ArgumentParser(prog="keras-classics", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)

    listing = verbs.add_parser("list", help="names, years and parameters of the catalogue")
    listing.add_argument("pattern", nargs="?", default="*", help="shell pattern on the name")
    listing.add_argument("--family", help="only this family")
    listing.add_argument("--year", type=int, help="only papers of this year")
    listing.add_argument("--markdown", action="store_true", help="as a table for a README")
    listing.set_defaults(run=_list)

    tree = verbs.add_parser("tree", help="picture of all models: years, families, ideas, sizes")
    tree.add_argument("--out", default="family_tree.png", help="file ending in .png, .svg or .pdf")
    tree.set_defaults(run=_tree)

    facts = verbs.add_parser("card", help="all facts of one model")
    facts.add_argument("name")
    facts.set_defaults(run=_card)

    build = argparse.ArgumentParser(add_help=False)
    build.add_argument("name")
    build.add_argument(
        "--set",
        dest="arguments",
        metavar="KEY=VALUE",
        type=key_values,
        nargs="+",
        default=[],
        help="arguments of the builder, for example classes=10 'input_shape=(64,64,3)'",
    )
    summary = verbs.add_parser(
        "summary", parents=[build], help="layers with activations, parameters and multiply-adds"
    )
    summary.set_defaults(run=_summary)
    plot = verbs.add_parser("plot", parents=[build], help="picture of the graph")
    plot.add_argument("--out", help="file ending in .png, .svg, .pdf or .dot; NAME.png by default")
    plot.set_defaults(run=_plot)
    convert = verbs.add_parser(
        "convert", parents=[build], help="weights of PyTorch or keras.applications as ours"
    )
    convert.add_argument(
        "source", help="state in .safetensors, .npz or .pth, or keras.applications in .h5 or .keras"
    )
    convert.add_argument("--out", help="file ending in .weights.h5 or .keras; NAME.weights.h5")
    convert.set_defaults(run=_convert)

    checking = verbs.add_parser("serve-check", help="ask an exported model something, and time it")
    checking.add_argument("path", help="folder of a SavedModel, or .tflite, .onnx or .keras file")
    checking.add_argument(
        "--input", help="an .npz file of arrays by name, a picture file or a text; made up without"
    )
    checking.add_argument("--repeats", type=int, default=10, help="calls that are timed")
    checking.set_defaults(run=_serve_check)
    shipped = verbs.add_parser("shipped", help="page about a folder of exported models")
    shipped.add_argument("folder", nargs="?", default="saved_models")
    shipped.add_argument("--out", help="Markdown file; printed without")
    shipped.set_defaults(run=_shipped)

    options = parser.parse_args(argv)
    try:
        return options.run(options)
    except ValueError as error:
        # Builders raise ValueError on their arguments, which here the user typed.
        raise InputError(str(error)) from error


def _list(options) -> None:
    names = list_models(options.pattern, family=options.family, year=options.year)
    headings = ("name", "family", "year", "input", "parameters", "multiply-adds")
    rows = [
        (
            row.name,
            row.family,
            str(row.year),
            "x".join(map(str, row.input_shape)),
            f"{row.parameters:,}",
            "" if row.multiply_adds is None else f"{row.multiply_adds:,}",
        )
        for row in map(card, names)
    ]
    if options.markdown:
        for row in (headings, ("---",) * 4 + ("---:",) * 2, *rows):
            print(f"| {' | '.join(row)} |")
        return
    table = Table(box=None)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number < 4 else "right")
    for row in rows:
        table.add_row(*row)
    _print(table)


def _tree(options) -> None:
    draw_family_tree(options.out)
    print(options.out)


def _card(options) -> None:
    table = Table(box=None, show_header=False)
    facts = card(options.name)
    for key in (field.name for field in dataclasses.fields(facts)):
        value = getattr(facts, key)
        if key == "recipes":
            for name, recipe in value.items():
                table.add_row(f"recipe {name}", str(recipe))
            continue
        large = type(value) is int and value > 9999
        table.add_row(key.replace("_", " "), f"{value:,}" if large else str(value))
    _print(table)


def _summary(options) -> None:
    model = create_model(options.name, **dict(options.arguments))
    rows = costs(model)
    table = Table("layer", "kind", "output", box=None, show_footer=True)
    for heading, total in (
        ("activations", sum(row.activations for row in rows)),
        ("parameters", model.count_params()),
        ("multiply-adds", sum(row.multiply_adds for row in rows)),
    ):
        table.add_column(heading, f"{total:,}", justify="right")
    for row in rows:
        table.add_row(
            row.name,
            row.kind,
            "x".join(map(str, row.output_shape)),
            f"{row.activations:,}",
            f"{row.parameters:,}",
            f"{row.multiply_adds:,}",
        )
    _print(table)
    print(f"trainable parameters: {trainable_parameters(model):,}")


def _plot(options) -> None:
    model = create_model(options.name, **dict(options.arguments))
    path = options.out or f"{options.name}.png"
    try:
        dot = keras.utils.model_to_dot(model, show_shapes=True, show_layer_names=True)
        ending = path.rpartition(".")[2]
        dot.write(path, format="raw" if ending == "dot" else ending)
    except (ImportError, FileNotFoundError, AttributeError) as error:
        raise InputError(
            explain(
                f"The graph cannot be drawn here ({str(error).splitlines()[0]})",
                "an environment with pydot and, but for .dot files, the Graphviz programs",
                "Run: pip install 'keras-classics[plot]', and install Graphviz (on Debian: "
                "apt-get install graphviz).",
            )
        ) from error
    print(path)


def _convert(options) -> None:
    path = options.out or f"{options.name}.weights.h5"
    if not path.endswith((".weights.h5", ".keras")):
        raise InputError(
            explain(
                f"--out {path} was given",
                "a file ending in .weights.h5 (weights) or .keras (the whole model)",
                "Change the ending.",
            )
        )
    model = create_model(options.name, **dict(options.arguments))
    from_keras = options.source.lower().endswith((".h5", ".keras"))
    load = load_keras_applications if from_keras else load_torch
    load(model, options.source)
    save = model.save if path.endswith(".keras") else model.save_weights
    save(path)
    print(path)


def _serve_check(options) -> None:
    served = serve_check(options.path, options.input, repeats=options.repeats)
    table = Table("", "name", "takes or returns", "here", "values", box=None)
    for kind, specs, arrays in (
        ("input", served.model.inputs, served.inputs),
        ("output", served.model.outputs, served.outputs),
    ):
        for name, spec in specs.items():
            table.add_row(kind, name, *_values(spec, arrays[name]))
    _print(table)
    print(
        f"latency: {served.latency:.3g} ms (median of {options.repeats} calls after warm-up, "
        f"{min(served.milliseconds):.3g} to {max(served.milliseconds):.3g})"
    )


def _values(spec: Spec, array: np.ndarray) -> tuple[str, str, str]:
    """A tensor's type, its shape in an answer, and its first values."""
    first = array.ravel()[:3].tolist()
    texts = [
        repr(textwrap.shorten(value.decode("utf-8", "replace"), 60))
        if isinstance(value, bytes)
        else f"{value:.4g}"
        for value in first
    ]
    more = ", ..." if array.size > len(first) else ""
    return described(spec), "x".join(map(str, array.shape)), ", ".join(texts) + more


def _shipped(options) -> None:
    text = describe_shipped(options.folder)
    if options.out is None:
        print(text, end="")
        return
    write_whole(options.out, lambda path: path.write_text(text, "utf-8"))
    print(options.out)


def _print(table: Table) -> None:
    # A table that is piped away must not be cut to a terminal's width.
    console = Console(soft_wrap=True) if sys.stdout.isatty() else Console(width=250)
    console.print(table, highlight=False)
