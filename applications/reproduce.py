"""The courses, re-run: each claim of the lectures regenerated from data, with a verdict.

    python applications/reproduce.py list                      # what is claimed, what came of it
    python applications/reproduce.py run perceptron dropout    # some minutes each
    python applications/reproduce.py all --budget 60           # what fits; goes on where it ended
    python applications/reproduce.py page                      # one page of all verdicts
    python applications/reproduce.py all --quick               # a minute each, proves nothing

A claim is one file of `applications/claims/`, to be read alone: what is claimed, when it holds
(written down before it is run), and the code. A verdict is one of three words: holds, fails here,
undecided. Those of our own run are in `applications/claims/results/`.
"""

from __future__ import annotations

import argparse
import difflib
import logging
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_classics as kc  # noqa: E402
from claims import claim as claims  # noqa: E402
from claims import page as pages  # noqa: E402

OUT, QUICK_OUT, PAGE = Path("runs/claims"), Path("runs/claims_quick"), "courses.html"

console = kc.cli.plain_console()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns the exit code."""
    return kc.cli.guarded(run, argv)


def run(argv: Sequence[str] | None) -> int | None:
    """Parse the arguments and do what the verb says."""
    parser = kc.cli.Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    listed = verbs.add_parser("list", help="the claims, and the verdicts there are")
    one = verbs.add_parser("run", help="run some")
    one.add_argument(
        "names", nargs="+", type=named, metavar="NAME", help="or number, as list has it"
    )
    every = verbs.add_parser("all", help="run all that have no verdict yet, each on its own")
    every.add_argument("--budget", type=kc.cli.positive, default=24 * 60, metavar="MINUTES",
        help="begin nothing that would take longer in all (default: a day)")  # fmt: skip
    every.add_argument("--names", nargs="+", type=named, metavar="NAME",
        default=list(claims.names()), help="of these alone")  # fmt: skip
    for each in (one, every):
        each.add_argument("--quick", action="store_true", help="a minute each, to see them run")
        each.add_argument("--again", action="store_true", help="those with a verdict too")
        each.add_argument("--out", type=Path, help=f"default: {OUT}, or {QUICK_OUT}")
    page = verbs.add_parser("page", help="one page of all that was found")
    page.add_argument("--out", type=Path, default=Path("runs") / PAGE, help="the file")
    for each in (listed, page):
        each.add_argument("--results", type=Path, default=claims.RESULTS, metavar="FOLDER",
            help="default: those that come with the project")  # fmt: skip
    options = parser.parse_args(argv)
    if options.verb in ("list", "page") and not options.results.is_dir():
        raise kc.InputError(f"{options.results} was given for --results", "a folder of results",
            f"Write one by run (to {OUT}, by default), or leave --results away.")  # fmt: skip
    if options.verb == "list":
        list_claims(options.results)
    elif options.verb == "page":
        pages.write_page(options.results, options.out)
        print(options.out)
    else:
        options.out = options.out or (QUICK_OUT if options.quick else OUT)
        if options.verb == "all":
            return run_all(options)
        kc.cli.import_keras()
        # A claim makes many small networks, each traced anew, which TensorFlow takes for a mistake.
        logging.getLogger("tensorflow").setLevel("ERROR")
        # A network of another's list of one input is asked by that input alone.
        warnings.filterwarnings("ignore", "The structure of `inputs` doesn't match")
        for name in options.names:
            claims.run(claims.load(name), options.out, quick=options.quick, again=options.again,
                tell=console.print)  # fmt: skip
    return None


def named(text: str) -> str:
    """The claim of a name or a number."""
    names = claims.names()
    found = {str(int(stem.split("_")[1])): name for name, stem in names.items()}
    if text in names or text.lstrip("0") in found:
        return text if text in names else found[text.lstrip("0")]
    near = difflib.get_close_matches(text, names, n=1)
    raise argparse.ArgumentTypeError(
        f"{text!r} is no claim's name or number"
        + (f", did you mean {near[0]!r}?" if near else ", list shows them")
    )


def list_claims(results: Path) -> None:
    """A line for each claim; what is in doubt is explained by the page."""
    for name, stem in claims.names().items():
        claim, found = claims.load(name), claims.record_of(name, results)
        word = claims.told(found) if found else ""
        if word and claims.doubts(claim, found, results):
            word += ", in doubt (see page)"
        console.print(f"{int(stem.split('_')[1]):>2}  {name:<28} {word:<10} {claim.title}")


def run_all(options: argparse.Namespace) -> int:
    """Each in a process of its own: what one leaves behind is no matter of the next."""
    begun, left, failed = time.monotonic(), [], []
    flags = ["--out", str(options.out), *["--quick"] * options.quick, *["--again"] * options.again]
    for name in options.names:
        found = claims.record_of(name, options.out)
        claim = claims.load(name)
        if found and found["verdict"] and found["code"] == claim.code and not options.again:
            console.print(f"{name}: {claims.told(found)} already")
            continue
        spent = (time.monotonic() - begun) / 60
        if spent + (1 if options.quick else claim.module.MINUTES) > options.budget:
            left.append(name)
            continue
        if subprocess.run([sys.executable, __file__, "run", name, *flags]).returncode:
            failed.append(name)
    if left:
        console.print(f"no time was left for {', '.join(left)}: run all again to go on")
    if failed:
        console.print(f"came to no end: {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
