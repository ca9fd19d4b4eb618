"""The translators of the course on real text: Multi30k, from English to German and to French.

    python applications/multi30k.py FOLDER                      # the course's GRU, and attention
    python applications/multi30k.py FOLDER --pairs en-de --systems forwards,reversed,both

FOLDER has `train.en`, `train.de`, `val.en`, `test_2016_flickr.en`, ..., or these with `.gz`. Each
system is a run of `translation.py` in a folder of its own, which goes on where it was stopped; BLEU
and chrF2 are sacrebleu's, with beam 5. Arguments that are not named here go to `translation.py`,
behind those of the system.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import keras_classics as kc
from translation import Translation

SHARED = "--vocabulary sentencepiece --vocabulary-size 4000 --embedding-size 256"
# Cho's decoder. At its full rate from the start Adam drives the states to the ends of tanh, where
# they tell nothing of the source.
PLAIN = (
    "--attention none --context every_step --readout maxout --tie-embeddings --units 384 "
    "--dropout 0.35 --learning-rate 1.5e-3 --warm-up-steps 450 --clip-norm 1"
)
# Flags of `translation.py` by system.
SYSTEMS = {
    "none": f"{PLAIN} --epochs 8",
    "attention": "--attention additive --units 256 --dropout 0.3 --learning-rate 2e-3 --epochs 7",
    # Ways to read a source without attention, trained shortly.
    "forwards": f"{PLAIN} --epochs 3 --one-direction",
    "reversed": f"{PLAIN} --epochs 3 --one-direction --reverse-source",
    "both": f"{PLAIN} --epochs 3",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns the exit code."""
    return kc.cli.guarded(run, argv)


def run(argv: Sequence[str] | None) -> None:
    """Train and evaluate what the arguments name, and print a table of it."""
    parser = kc.cli.Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("folder", help="folder of the corpus")
    add("--systems", default="none,attention", help=f"some of {', '.join(SYSTEMS)}, with commas")
    add(
        "--pairs",
        type=kc.cli.parse_pairs,
        default="en-de,en-fr",
        help="source and target languages",
    )
    add("--out", type=Path, default=Path("runs/multi30k"), help="folder of the runs")
    options, more = parser.parse_known_args(argv)
    systems = options.systems.split(",")
    unknown = [name for name in systems if name not in SYSTEMS]
    if unknown:
        raise kc.InputError(
            f"--systems {options.systems} was given",
            f"{', '.join(SYSTEMS)}, with commas between",
            f"Leave out {', '.join(unknown)}.",
        )
    console, found = kc.cli.plain_console(), {}
    for name in systems:
        for pair in map("-".join, options.pairs):
            title = f"{pair}, {name}"
            console.rule(title)
            found[title] = scored(name, pair, options, more)
            kc.jobs.record_metrics(options.out, found)
    console.print(kc.jobs.metrics_table(found, "test_2016_flickr", digits=1))


def scored(system: str, pair: str, options: argparse.Namespace, more: Sequence[str]) -> dict:
    """Train and evaluate one system; returns its figures."""
    out = options.out / f"{pair}-{system}"
    flags = [
        *f"{SHARED} {SYSTEMS[system]}".split(),
        *("--data", f"parallel:{options.folder}", "--languages", pair.replace("-", ",")),
        *("--out", str(out)),
        *more,
    ]
    for command in (["train", *flags], ["evaluate", "--out", str(out)]):
        if code := kc.jobs.run(Translation, command):
            sys.exit(code)
    history = kc.training.read_history(out)
    [figures] = kc.jobs.read_metrics(out).values()
    spent = {"epochs": len(history), "minutes": history["seconds"].sum() / 60}
    return {name: figures[name] for name in ("BLEU", "chrF2")} | spent


if __name__ == "__main__":
    sys.exit(main())
