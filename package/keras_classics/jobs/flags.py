"""From a command line to a verb and what was typed: only the flags that the verb has."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_classics.core.commands import Parser, key_values
from keras_classics.core.errors import InputError, UsageError
from keras_classics.core.names import did_you_mean
from keras_classics.core.version import __version__
from keras_classics.jobs.output import Output
from keras_classics.jobs.settings import TRAIN, Flag, Settings, flags_of, needed, unmet

if TYPE_CHECKING:
    from keras_classics.jobs.job import Job


# Formats of an export, and what one is called in the folder of a run.
EXPORTS = {"saved_model": "saved_model", "litert": "model.tflite", "onnx": "model.onnx"}
# As far as seeds go; that many steps of that many epochs can still be counted.
MOST = 2**32 - 1
METAVARS = {int: "N", float: "X", str: "TEXT", Path: "PATH"}


@dataclass(frozen=True)
class Asked:
    """A command line that was understood.

    Attributes:
        verb: What is to be done; None is the whole job.
        typed: Settings that were typed, by field.
        queries: What the verb that asks a model is asked.
        out: Folder of the run, if it was typed.
        source: The model that was named to be asked, if one was.
        format: Format of an export.
        to: Where the export goes, if it was typed.
        tensorboard: Whether to write logs for TensorBoard.
        output: Where words and figures go.
    """

    verb: str | None
    typed: dict[str, Any]
    queries: list[str] = field(default_factory=list)
    out: Path | None = None
    source: Path | None = None
    format: str = "saved_model"
    to: Path | None = None
    tensorboard: bool = False
    output: Output = field(default_factory=Output)


def parse(job: type[Job], argv: Sequence[str], about: str = "") -> Asked:
    """Understand a command line.

    Args:
        job: What is to be done.
        argv: The arguments, the verb first, if there is one.
        about: Stands above the help of the whole job.

    Raises:
        UsageError: It is no command: an unknown verb or flag, or a flag the verb does not have.
        InputError: A value of a flag is not admitted.
        SystemExit: Help was asked for, and printed.
    """
    argv = list(argv)
    verb = argv[0] if argv and not argv[0].startswith("-") else None
    if verb is not None and verb not in job.verbs:
        raise UsageError(
            f"{verb!r} was given",
            f"{', '.join(job.verbs)}, first of all, or no verb for the whole job",
            did_you_mean(verb, job.verbs) or f"See {job.command} --help.",
        )
    flags = flags_of(job.Settings)
    found = vars(_parser(job, verb, flags, about).parse_args(argv[1:] if verb else argv))
    typed = {each.field: found.pop(each.field) for each in flags if each.field in found}
    typed = {each.field: _value(each, typed[each.field]) for each in flags if each.field in typed}
    if verb is not None:
        # Those that make the run may be repeated, and are compared with it later.
        others = [
            each.option
            for each in flags
            if each.field in typed and verb not in each.verbs and not each.made
        ]
        _refuse(
            others,
            f"to {verb}",
            f"the flags of {verb}, and those of the training as they were",
            f"{job.command} {verb} --help lists its flags.",
        )
    return Asked(
        verb=verb,
        typed=typed,
        output=Output(
            found.pop("quiet"),
            found.pop("verbose"),
            found.pop("json"),
            answers=verb is not None and verb == job.asks,
        ),
        **{key: value for key, value in found.items() if value is not None},
    )


def _parser(
    job: type[Job], verb: str | None, flags: Sequence[Flag], about: str
) -> argparse.ArgumentParser:
    told = job.verbs[verb] if verb else about
    asking = verb is not None and verb == job.asks
    queries = f" [{job.queries} ...]" if job.reads_lines else f" {job.queries} [{job.queries} ...]"
    parser = Parser(
        prog=f"{job.command} {verb}" if verb else job.command,
        description=told,
        usage=f"%(prog)s{queries if asking else '' if verb else ' [VERB]'} [flags]",
        epilog=None if verb else _verbs(job),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    if asking:
        more = ", or else the lines of standard input" if job.reads_lines else ""
        parser.add_argument("queries", nargs="*" if job.reads_lines else "+", metavar=job.queries,
            help=f"what is asked about, one or several{more}")  # fmt: skip
    for each in flags:
        # A flag of another verb is parsed, to be refused by its name.
        _add(parser, each, shown=verb is None or verb in each.verbs)
    own = parser.add_argument
    own("--out", type=_new_path, metavar="FOLDER", help=f"folder of the run (default: {job.out})")
    if asking:
        names = ("--from", *job.source_names)
        own(*names, dest="source", type=_path, metavar="FOLDER",
            help="an exported model or a run's folder; by default that of --out"
            + (", and where none is named the shipped model" if job.shipped else ""))  # fmt: skip
    if verb == "export":
        forms = tuple(job.formats or EXPORTS)
        own("--format", choices=forms, default=forms[0], help="litert and onnx take pictures of "
            "one size and ids in place of texts; see help(keras_classics.export)"
            if len(forms) > 1 else "the only one there is for it")  # fmt: skip
        places = [f"OUT/{EXPORTS[form]}" for form in forms]
        own("--to", type=_new_path, help=f"by default {' or '.join(places)}")
    if verb in (None, TRAIN):
        own("--tensorboard", action="store_true", help="write logs for it into OUT/tensorboard")
    if verb is None:
        own("--version", action="version", version=f"keras-classics {__version__}")
    own("--quiet", action="store_true", default=False, help="results only")
    own("--verbose", action="store_true", default=False, help="more remarks, and tracebacks")
    own("--json", action="store_true", default=False, help="results as lines of JSON on standard "
        "output, all else on standard error")  # fmt: skip
    return parser


def _verbs(job: type[Job]) -> str:
    width = max(map(len, job.verbs)) + 2
    lines = [f"  {verb:<{width}}{help}" for verb, help in job.verbs.items()]
    return "\n".join(
        ["verbs, of which each has flags of its own (VERB --help):", *lines,
         f"  {'none':<{width}}{_whole(job)}"]
    )  # fmt: skip


def _whole(job: type[Job]) -> str:
    # Where the verbs follow from settings too, the description says what is done.
    if job.whole.__qualname__ != "Job.whole":
        return "the whole job, as said above"
    return f"{', '.join(job.whole_verbs or job.verbs)}, one after the other"


def _add(parser: argparse.ArgumentParser, each: Flag, *, shown: bool) -> None:
    help = each.help.replace("%", "%%") if shown else argparse.SUPPRESS
    arguments: dict[str, Any] = {"dest": each.field, "help": help}
    if each.kind is bool:
        switch: Any = argparse.BooleanOptionalAction if each.on else "store_true"
        parser.add_argument(each.option, action=switch, **arguments)
        return
    if each.many:
        # An empty list may be meant, of files it is what a shell makes of a name that none has.
        arguments["nargs"] = "+" if each.many == "dict" or each.kind is Path else "*"
    if each.choices is None:
        kind = "KEY=VALUE" if each.many == "dict" else METAVARS[each.kind]
        arguments["metavar"] = each.metavar or kind
    if each.choices:
        arguments["choices"] = each.choices
    read: Callable[[str], Any] = _path if each.kind is Path else each.kind
    parser.add_argument(each.option, type=key_values if each.many == "dict" else read, **arguments)


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("an empty text is no path; the folder here is .")
    return Path(text)


def _new_path(text: str) -> Path:
    """A path that engines can write to, and a record name."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{ascii(text)} is not UTF-8") from None
    return _path(text)


def _value(each: Flag, typed: Any) -> Any:
    if each.many == "dict":
        return dict(typed)
    # What admits no 0 is not told that 0 is the smallest.
    if each.check and not each.parse:
        return each.check(each.option, typed)
    for number in typed if each.many else [typed]:
        _check_number(each, number)
    return each.parse(typed) if each.parse else typed


def _check_number(each: Flag, number: Any) -> None:
    """Refuse what no flag of its kind means."""
    if each.kind is int and not 0 <= number <= MOST:
        allowed = f"whole numbers from 0 to {MOST:,}"
    elif each.kind is float and not math.isfinite(number):
        allowed = "finite numbers"
    else:
        return
    raise InputError(f"{each.option}={number} was given", allowed, f"Leave {each.option} out.")


def refuse_idle(settings: Settings, typed: Mapping[str, Any]) -> None:
    """Refuse flags that have no meaning beside the other settings; their defaults are no fault.

    Args:
        settings: Completed.
        typed: What was typed, by field.

    Raises:
        UsageError: There is one.
    """
    kind = type(settings)
    default, idle, places, allowed = vars(kind()), [], [], []
    for each in flags_of(kind):
        if each.field not in typed or typed[each.field] == default[each.field]:
            continue
        if (place := unmet(settings, each.when)) is not None:
            idle.append(each.option)
            places.append(place)
            needs = [needed(kind, name, values) for name, values in each.when.items()]
            allowed.append(f"{each.option} {' and '.join(needs)}")
    _refuse(idle, ", ".join(dict.fromkeys(places)), "; ".join(allowed))


def _refuse(options: Sequence[str], place: str, allowed: str, more: str = "") -> None:
    """Refuse flags that have no meaning in some place, if there are any."""
    if options:
        out = f"Leave {'it' if len(options) == 1 else 'them'} out"
        raise UsageError(
            f"{', '.join(options)} was given {place}, where it has no meaning",
            allowed,
            f"{out}; {more}" if more else f"{out}.",
        )
