"""The command line: `keras-classics list | tree | overview | card | summary | plot | ...`.

Parsing and printing only. What needs Keras is imported by the verbs that need it, so that
`--help`, a typing error, `list` and `card` are answered at once. What other command lines can use
of it, `core/commands.py`, is public here.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_classics.core.cards import index
from keras_classics.core.commands import (
    Parser,
    columns,
    guarded,
    import_keras,
    key_values,
    parse_pairs,
    plain_console,
    positive,
    printable,
    sound,
)
from keras_classics.core.errors import InputError
from keras_classics.core.names import did_you_mean
from keras_classics.core.version import __version__

if TYPE_CHECKING:
    import keras
    import numpy as np

    from keras_classics.export import Spec

__all__ = [
    "Parser",
    "columns",
    "guarded",
    "import_keras",
    "key_values",
    "main",
    "parse_pairs",
    "plain_console",
    "positive",
    "sound",
]


def main(argv: Sequence[str] | None = None) -> int:
    """Answer a command line; returns the exit code.

    Args:
        argv: The arguments; those of the process by default.
    """

    def run(argv: Sequence[str] | None) -> None:
        options = _parser().parse_args(argv)
        if options.engine:
            import_keras()
        options.run(options)

    return guarded(run, argv)


def _parser() -> Parser:
    parser = Parser(
        prog="keras-classics",
        description="The networks of the classic deep-learning courses, as Keras 3 models.",
    )
    parser.add_argument("--version", action="version", version=f"keras-classics {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(
        name: str,
        run: Callable[[argparse.Namespace], None],
        text: str,
        *parents: Parser,
        engine: bool = True,
    ) -> Parser:
        own = verbs.add_parser(name, parents=parents, help=text, description=_sentence(text))
        own.set_defaults(run=run, engine=engine)
        return own

    listing = verb("list", _list, "names, years and parameters of the catalogue", engine=False)
    listing.add_argument("pattern", nargs="?", default="*", help="shell pattern on the name")
    listing.add_argument("--family", help="only this family")
    listing.add_argument("--year", type=int, help="only papers of this year")
    listing.add_argument("--markdown", action="store_true", help="as a table for a README")

    tree = verb("tree", _tree, "picture of all models: years, families, ideas, sizes")
    tree.add_argument("--out", default="family_tree.png", help="file ending in .png, .svg or .pdf")

    reached = verb("overview", _overview, "published accuracies by cost, as picture and table")
    reached.add_argument("pattern", nargs="?", default="*", help="shell pattern on the name")
    reached.add_argument(
        "--data",
        default="imagenet",
        choices=("imagenet", "cifar-10", "mnist"),
        help="on which the accuracy was reached",
    )
    reached.add_argument("--out", default="overview.png", help="file ending in .png, .svg or .pdf")
    reached.add_argument(
        "--measure", action="store_true", help="also images per second and memory, on this machine"
    )
    reached.add_argument(
        "--batch-size", type=positive, default=8, help="images run at once where that is measured"
    )

    facts = verb("card", _card, "all facts of one model", engine=False)
    facts.add_argument("name", help="such as vgg_d, or VGG16")

    build = Parser(add_help=False)
    build.add_argument("name", help="such as vgg_d, or VGG16")
    _add_settings(build, "arguments of the builder, for example classes=10 'input_shape=(64,64,3)'")
    verb("summary", _summary, "layers with activations, parameters and multiply-adds", build)
    plot = verb("plot", _plot, "picture of the graph", build)
    plot.add_argument("--out", help="file ending in .png, .svg, .pdf or .dot; NAME.png by default")
    convert = verb("convert", _convert, "weights of PyTorch or keras.applications as ours", build)
    convert.add_argument(
        "source", help="state in .safetensors, .npz or .pth, or keras.applications in .h5 or .keras"
    )
    convert.add_argument("--out", help="file ending in .weights.h5 or .keras; NAME.weights.h5")

    checking = verb("serve-check", _serve_check, "ask an exported model something, and time it")
    checking.add_argument(
        "path", nargs="+", help="folder of a SavedModel, or a .tflite, .onnx or .keras file; all "
        "but the last are programs, which are run; several are compared, on equal threads"
    )  # fmt: skip
    checking.add_argument(
        "--input", help="an .npz file of arrays by name, a picture file or a text; made up without"
    )
    checking.add_argument("--repeats", type=positive, default=10, help="calls that are timed")
    checked = verb("check-data", _check_data, "what is wrong with a data set, with file names")
    drawn = verb(
        "draw-data", _draw_data, "picture of examples with their boxes or masks, as models see them"
    )
    for each in (checked, drawn):
        each.add_argument("spec", help="such as scenes, voc:FOLDER, masks:FOLDER or boxes:CSV")
        _add_settings(each, "arguments of kc.data.load, for example image_size=128")
    drawn.add_argument("--split", default="train", choices=("train", "validation", "test"))
    drawn.add_argument("--count", type=positive, default=12, help="pictures")
    drawn.add_argument(
        "--raw", action="store_true", help="pictures with boxes as in their files, none mirrored"
    )
    drawn.add_argument(
        "--augment", nargs="*", default=["flip"], metavar="NAME",
        help="of pictures with boxes: some of mosaic, scale, crop, flip and colour",
    )  # fmt: skip
    drawn.add_argument("--out", default="data.png", help="file ending in .png, .svg or .pdf")
    shipped = verb("shipped", _shipped, "page about a folder of exported models")
    shipped.add_argument("folder", nargs="?", default="saved_models")
    shipped.add_argument("--out", help="Markdown file; printed without")
    ship = verb("ship", _ship, "copy a run's export with its record, figures and test examples")
    ship.add_argument("folder", metavar="RUN", help="folder of a run, evaluated and exported")
    ship.add_argument("to", metavar="FOLDER", help="such as saved_models/NAME")
    ship.add_argument("--files", nargs="+", default=[], metavar="NAME",
        help="of the run's own model, as model.keras classes.json, which then is opened as a "
        "run's is")  # fmt: skip
    return parser


def _add_settings(parser: Parser, help: str) -> None:
    """Have a verb take arguments of a function as KEY=VALUE."""
    parser.add_argument(
        "--set",
        dest="arguments",
        metavar="KEY=VALUE",
        type=key_values,
        nargs="+",
        default=[],
        help=help,
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _list(options: argparse.Namespace) -> None:
    found = index.chosen(options.pattern, family=options.family, year=options.year)
    if not found:
        asked = [options.pattern, *([f"of {options.year}"] if options.year else [])]
        raise InputError(
            f"No model matches {' '.join(asked)}",
            "a shell pattern on names, such as 'resnet*', and a year of some paper",
            did_you_mean(options.pattern, index.read()) or "Run: keras-classics list",
        )
    headings = ("name", "family", "year", "input", "parameters", "multiply-adds")
    rows = [
        (
            facts["name"],
            facts["family"],
            str(facts["year"]),
            facts["input_shape"],
            f"{facts['parameters']:,}",
            "" if facts["multiply_adds"] is None else f"{facts['multiply_adds']:,}",
        )
        for facts in found
    ]
    if options.markdown:
        for row in (headings, ("---",) * 4 + ("---:",) * 2, *rows):
            print(f"| {' | '.join(row)} |")
        return
    print(columns([headings, *rows], left=4))
    for namesake in dict.fromkeys(facts["namesake"] for facts in found if facts["namesake"]):
        print(f"\n{namesake}")


def _card(options: argparse.Namespace) -> None:
    facts = dict(index.facts_of(options.name))
    recipes = facts.pop("recipes")
    facts |= {f"recipe {name}": recipe for name, recipe in recipes.items()}
    labels = {key: key.replace("_", " ") for key in facts}
    indent = max(map(len, labels.values())) + 2
    # What is piped away is not cut to a terminal's width.
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for key, value in facts.items():
        if value == "":
            continue
        text = labels[key].ljust(indent) + _value(value)
        if width is not None:
            text = textwrap.fill(text, max(width, 2 * indent), subsequent_indent=" " * indent)
        print(text)


def _value(value: object) -> str:
    large = type(value) is int and value > 9999
    return f"{value:,}" if large else str(value)


def _tree(options: argparse.Namespace) -> None:
    from keras_classics.analysis.drawing.figures.family_tree import draw_family_tree

    draw_family_tree(options.out)
    print(options.out)


def _overview(options: argparse.Namespace) -> None:
    from keras_classics.analysis import draw_overview, measure_speed, overview
    from keras_classics.analysis.drawing.plots import check_ending

    # Before minutes of measuring.
    check_ending(options.out)
    rows = overview(options.pattern, data=options.data)
    if options.measure:
        rows = measure_speed(rows, batch_size=options.batch_size)
    headings = ["name", "published", "year", "accuracy", "multiply-adds", "parameters"]
    headings += ["images/s", "megabytes"] if options.measure else []
    table = [
        [
            row.name,
            row.published,
            str(row.year),
            f"{row.accuracy:.2f}",
            "" if row.multiply_adds is None else f"{row.multiply_adds:,}",
            f"{row.parameters:,}",
            *(
                "" if value is None else f"{value:,.4g}"
                for value in (row.images_per_second, row.megabytes)
                if options.measure
            ),
        ]
        for row in rows
    ]
    print(columns([headings, *table], left=2))
    draw_overview(options.out, rows, by="images_per_second" if options.measure else "multiply_adds")
    print(options.out)


def _model(options: argparse.Namespace) -> keras.Model:
    from keras_classics.core.cards.catalogue import create_model

    # Written out, so that nobody is told that nothing was loaded.
    return create_model(options.name, **({"weights": None} | dict(options.arguments)))


def _summary(options: argparse.Namespace) -> None:
    from keras_classics.analysis.drawing.complexity import costs, trainable_parameters

    model = _model(options)
    rows = costs(model)
    table = [("layer", "kind", "output", "activations", "parameters", "multiply-adds")]
    table += [
        (
            row.name,
            row.kind,
            _sizes(row.output_shape),
            f"{row.activations:,}",
            f"{row.parameters:,}",
            f"{row.multiply_adds:,}",
        )
        for row in rows
    ]
    activations, multiply_adds = (
        sum(getattr(row, key) for row in rows) for key in ("activations", "multiply_adds")
    )
    totals = (activations, model.count_params(), multiply_adds)
    print(columns([*table, ("in all", "", "", *(f"{total:,}" for total in totals))], left=3))
    print(f"trainable parameters: {trainable_parameters(model):,}")


def _plot(options: argparse.Namespace) -> None:
    from keras_classics.analysis.drawing.graph_picture import check_graph_ending, draw_graph

    path = Path(options.out or f"{options.name}.png")
    # Before a large model is built.
    check_graph_ending(path)
    draw_graph(path, _model(options))
    print(path)


def _convert(options: argparse.Namespace) -> None:
    from keras_classics.core.boundary.files import write_whole
    from keras_classics.core.boundary.model_files import save_model
    from keras_classics.weights import load_keras_applications, load_torch

    path = options.out or f"{options.name}.weights.h5"
    if not path.endswith((".weights.h5", ".keras")):
        raise InputError(
            f"--out {path} was given",
            "a file ending in .weights.h5 (weights) or .keras (the whole model)",
            "Change the ending.",
        )
    model = _model(options)
    from_keras = options.source.lower().endswith((".h5", ".keras"))
    load = load_keras_applications if from_keras else load_torch
    load(model, options.source)
    if path.endswith(".keras"):
        save_model(model, path)
    else:
        write_whole(path, model.save_weights)
    print(path)


def _serve_check(options: argparse.Namespace) -> None:
    from keras_classics.export import PROGRAM, serve_check, serve_compare

    if not all(path.endswith(".keras") for path in options.path):
        print(f"note: {PROGRAM}", file=sys.stderr)
    first, *others = options.path
    if others:
        found = serve_compare(options.path, options.input, turns=options.repeats)
        lines = [
            (str(each.path), f"{each.milliseconds:.3g}", f"{each.times_faster:.3g}",
             f"{each.difference:.2g}", f"{each.bytes:,}")
            for each in found.itertuples()
        ]  # fmt: skip
        print(columns([("", "ms", "times faster", "difference", "bytes"), *lines], left=1))
        return
    served = serve_check(first, options.input, repeats=options.repeats)
    rows = [("", "name", "takes or returns", "here", "values")]
    for kind, specs, arrays in (
        ("input", served.model.inputs, served.inputs),
        ("output", served.model.outputs, served.outputs),
    ):
        rows += [(kind, name, *_values(spec, arrays[name])) for name, spec in specs.items()]
    print(columns(rows, left=5))
    print(
        f"latency: {served.latency:.3g} ms (median of {options.repeats} calls after warm-up, "
        f"{min(served.milliseconds):.3g} to {max(served.milliseconds):.3g})"
    )


def _values(spec: Spec, array: np.ndarray) -> tuple[str, str, str]:
    """A tensor's type, its shape in an answer, and its first values."""
    from keras_classics.export import described

    first = array.ravel()[:3].tolist()
    texts = [
        repr(textwrap.shorten(value.decode("utf-8", "replace"), 60))
        if isinstance(value, bytes)
        else f"{value:.4g}"
        for value in first
    ]
    more = ", ..." if array.size > len(first) else ""
    return described(spec), _sizes(array.shape), ", ".join(texts) + more


def _sizes(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _check_data(options: argparse.Namespace) -> None:
    from keras_classics.data import load
    from keras_classics.data.doctor import counted, examine

    found = examine(load(options.spec, **dict(options.arguments)))
    print(*found.facts, sep="\n")
    if found.table:
        print(columns(found.table, left=1))
    for kind, sentences in (("fault", found.faults), ("remark", found.remarks)):
        print(counted(len(sentences), kind))
        for sentence in sentences:
            print(f"  {printable(sentence)}")


def _draw_data(options: argparse.Namespace) -> None:
    from keras_classics.analysis import draw_boxes, draw_masks
    from keras_classics.analysis.drawing.plots import check_ending
    from keras_classics.data import load
    from keras_classics.data.pictures.augmenting.box_augmentation import seen_by_detectors

    check_ending(options.out)
    data = load(options.spec, **dict(options.arguments))
    examples = getattr(data, options.split)[: options.count]
    if data.has("boxes"):
        if not options.raw:
            examples = seen_by_detectors(examples, seed=0, augment=options.augment)
        draw_boxes(options.out, examples, data.info.classes or ())
    elif data.has("class_mask"):
        draw_masks(options.out, examples, data.info.pixel_classes or ())
    else:
        raise InputError(
            f"The examples of {options.spec} have no boxes and no masks",
            "data with boxes or masks",
            "Give scenes, voc:FOLDER, coco:JSON, kitti:FOLDER, boxes:CSV, masks:FOLDER or a "
            "set of TFDS.",
        )
    print(options.out)


def _shipped(options: argparse.Namespace) -> None:
    from keras_classics.core.boundary.files import write_whole
    from keras_classics.jobs import describe_shipped

    text = describe_shipped(options.folder)
    if options.out is None:
        print(text, end="")
        return
    write_whole(options.out, lambda path: path.write_text(text, "utf-8"))
    print(options.out)


def _ship(options: argparse.Namespace) -> None:
    from keras_classics.export import ship

    ship(options.folder, options.to, options.files)
    print(options.to)
