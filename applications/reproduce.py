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
import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_classics as kc  # noqa: E402
from claims import claim as claims  # noqa: E402

OUT, QUICK_OUT, PAGE = Path("runs/claims"), Path("runs/claims_quick"), "courses.html"
COLOURS = {claims.HOLDS: "#cdebc8", claims.FAILS: "#f6d0c8", claims.UNDECIDED: "#f3e6b3"}
VERDICTS = (
    "Each says before its run when it holds. It holds, or fails here, if it did with every seed, "
    "or with none, and is undecided otherwise; here means small networks, little data and minutes "
    "of two processor cores, which is not where the lectures' figures come from."
)

console = kc.cli.plain_console()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns the exit code."""
    return kc.cli.guarded(run, argv)


def run(argv: Sequence[str] | None) -> int | None:
    """Parse the arguments and do what the verb says."""
    names = list(claims.names())
    parser = kc.cli.Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    listed = verbs.add_parser("list", help="the claims, and the verdicts there are")
    one = verbs.add_parser("run", help="run some")
    one.add_argument("names", nargs="+", choices=names, metavar="NAME", help="as list has them")
    every = verbs.add_parser("all", help="run all that have no verdict yet, each on its own")
    every.add_argument("--budget", type=kc.cli.positive, default=24 * 60, metavar="MINUTES",
        help="begin nothing that would take longer in all (default: a day)")  # fmt: skip
    every.add_argument("--names", nargs="+", choices=names, metavar="NAME", default=names)
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
    if options.verb == "list":
        list_claims(options.results)
    elif options.verb == "page":
        write_page(options.results, options.out)
        print(options.out)
    else:
        options.out = options.out or (QUICK_OUT if options.quick else OUT)
        if options.verb == "all":
            return run_all(options)
        kc.cli.import_keras()
        # A claim makes many small networks, each traced anew, which TensorFlow takes for a mistake.
        logging.getLogger("tensorflow").setLevel("ERROR")
        for name in options.names:
            claims.run(claims.load(name), options.out, quick=options.quick, again=options.again,
                tell=console.print)  # fmt: skip
    return None


def list_claims(results: Path) -> None:
    """A line for each claim."""
    for name, stem in claims.names().items():
        found = claims.record_of(name, results)
        word = claims.told(found) if found else ""
        console.print(
            f"{int(stem.split('_')[1]):>2}  {name:<28} {word:<10} {claims.load(name).title}"
        )


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


def write_page(results: Path, path: Path) -> None:
    """All claims on one page, whether they hold or not."""
    sections, words = [], []
    for name in claims.names():
        claim, found = claims.load(name), claims.record_of(name, results)
        if found is None or not found["verdict"]:
            continue
        words.append(found["verdict"])
        rows, module = claims.rows_of(name, results), claim.module
        sections.append(
            kc.analysis.PageSection(
                f"{claim.number}. {claim.title}",
                [
                    *claim.about,
                    f"Criterion: {found['criterion']}",
                    f"{claims.told(found).capitalize()}. {found['reason']}",
                    *([f"Further: {module.FURTHER}"] if hasattr(module, "FURTHER") else []),
                    *changes(claim, found),
                    f"To run it again: python applications/reproduce.py run {name} ({took(found)} "
                    f"on {found['machine']}; {found['started'][:10]}).",
                ],
                {module.draw.__doc__ or claim.title: results / f"{name}.png"},
                rows.astype(object).where(rows.notna(), "").to_dict("records"),
                group=module.PART,
                mark=claims.told(found),
                colour=COLOURS[found["verdict"]],
                folded=True,
            )
        )
    counts = ", ".join(f"{words.count(word)} {word}" for word in COLOURS)
    about = f"{len(words)} of {len(claims.names())} claims were run: {counts}. {VERDICTS}"
    kc.analysis.write_page(path, "The courses, re-run", sections, about=about)


def took(record: dict) -> str:
    """How long a run was."""
    if record["minutes"] < 0.1:
        return "a few seconds"
    told = f"{record['minutes']:.1f} minutes"
    spent = record["processor_minutes"]
    return f"{told}, {spent:.1f} of processor time," if spent >= 0.1 else told


def changes(claim: claims.Claim, found: dict) -> list[str]:
    """What was changed after a verdict, said openly, and what it was before."""
    told = [
        f"In the run of {each['started'][:16].replace('T', ', ')}"
        f"{', before its file was changed' * (each['code'] != found['code'])}, the verdict was: "
        f"{each['verdict']}."
        for each in found["earlier"]
        if not each["quick"]
    ]
    if found["code"] != claim.code:
        told.append("Its file was changed since, and it was not run again.")
    return told


if __name__ == "__main__":
    sys.exit(main())
