"""The command line of `applications/translation.py`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import keras_classics as kc
from translators.form import FORMS, parse_pairs

# Units of a sentence, at most, where nothing else is said.
MAX_UNITS = {"word": 40, "token": 50, "sentencepiece": 60, "character": 160}
PHRASES_DATA = {"train": 20000, "validation": 500, "test": 1000}


def parse(argv: Sequence[str] | None, description: str) -> argparse.Namespace:
    """The command line, with the defaults that depend on the data filled in."""
    common = argparse.ArgumentParser(add_help=False)
    add = common.add_argument
    add("--data", default="phrases",
        help="phrases, parallel:FILE.en,FILE.fr, parallel:FOLDER or tfds:NAME")  # fmt: skip
    add("--data-options", type=kc.cli.key_values, nargs="+", default=[], metavar="KEY=VALUE",
        help="for phrases: train=20000 ...; for files: validation=v.en,v.fr test=...")  # fmt: skip
    add("--languages", default="en,fr",
        help="the source, then one target or more, told apart by a first token")  # fmt: skip
    add("--pairs", help="directions that one model learns, in place of "
        "--languages: en-fr,fr-en,en-nl,nl-en")  # fmt: skip
    add("--sharing", choices=tuple(FORMS), default="tokens", help="what several directions share: "
        "all, told apart by a first token; or what lies between their own encoders and "
        "decoders")  # fmt: skip
    add("--zero-shot", help="directions to evaluate though they were not "
        "trained; by default all others between these languages")  # fmt: skip
    add("--strict", action="store_true",
        help="refuse empty lines and long sentences, not skip and cut them")  # fmt: skip
    add("--vocabulary", choices=tuple(kc.data.UNITS), help="what is numbered: words (lower case, "
        "no punctuation), tokens (words and marks as written; the default), ...")  # fmt: skip
    add("--vocabulary-size", type=int, help="greatest size; by default no limit, and for "
        "sentencepieces 8000")  # fmt: skip
    add("--min-count", type=int, help="rarer units become the unknown word")
    add("--max-words", type=int, help="units of a sentence, at most")
    add("--units", type=int, default=128)
    add("--embedding-size", type=int, help="by default as wide as the states")
    add("--depth", type=int, default=1)
    add("--cell", default="gru", help=", ".join(kc.layers.RECURRENT_LAYERS))
    add("--attention", default="additive",
        choices=("none", "additive", "luong_dot", "luong_general", "luong_concat"))  # fmt: skip
    add("--context", choices=("initial_state", "every_step"), default="initial_state",
        help="without attention, when the decoder sees the encoder's states")  # fmt: skip
    add("--readout", choices=("state", "summed", "concatenated", "maxout"), help="what the logits "
        "are made of; by default the state, with additive attention a sum")  # fmt: skip
    add("--tie-embeddings", action="store_true", help="one matrix for what the decoder reads and "
        "answers")  # fmt: skip
    add("--one-direction", action="store_true", help="read the source forwards only")
    add("--reverse-source", action="store_true", help="read it backwards")
    add("--dropout", type=float, default=0.1)
    add("--scheduled-sampling", choices=("none", "model", "uniform", "always"), default="none")
    add("--epochs", type=int, default=8)
    add("--batch-size", type=int, default=64)
    add("--learning-rate", type=float, default=3e-3)
    add("--warm-up-steps", type=int, default=0, help="in which the rate rises from 0; it then "
        "falls along half a cosine to 0")  # fmt: skip
    add("--clip-norm", type=float, default=5.0, help="of all gradients together")
    kc.cli.add_skip_flag(common)
    add("--average-epochs", type=int, default=0, metavar="N", help="end with the average of the "
        "weights over about the last N epochs")  # fmt: skip
    add("--precision", choices=("float32", "mixed_float16", "mixed_bfloat16"), default="float32")
    add("--strategy", choices=kc.distribution.STRATEGIES, default="auto")
    add("--unknowns", choices=("replace", "ban"), help="with attention, unknown words become the "
        "source word looked at most (default); or they are never written")  # fmt: skip
    add("--dictionary", type=Path, metavar="FILE", help="lines of a word, a tab and its "
        "translation, for unknown words that are replaced")  # fmt: skip
    add("--beam", type=int, default=5)
    add("--length-penalty", choices=("gnmt", "power", "none"), default="gnmt", help="what the beam "
        "divides log-probabilities by: ((5 + n) / 6)^alpha for n units, n^alpha or "
        "nothing")  # fmt: skip
    add("--alpha", type=float, default=0.6, help="strength of the length penalty")
    add("--coverage", type=float, default=0.0, help="with attention, strength of the penalty on "
        "source units that were not looked at")  # fmt: skip
    add("--sentences", type=int, default=4, help="test sentences whose attention is drawn")
    add("--seed", type=int, default=0)
    add("--out", default="runs/translation", help="folder of the run")

    parser = argparse.ArgumentParser(
        description=description,
        parents=[common],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(verb=None, groups=None, ensemble=[])
    verbs = parser.add_subparsers(
        dest="verb", metavar="train | evaluate | project | export | translate"
    )
    verbs.add_parser("train", parents=[common], help="train, or go on training")
    scoring = verbs.add_parser("evaluate", parents=[common], help="figures and alignments of the "
        "test split")  # fmt: skip
    scoring.add_argument("--ensemble", type=Path, nargs="+", default=[], metavar="FOLDER",
        help="other runs on the same data whose models write together with that of "
        "OUT; results go into OUT/ensemble")  # fmt: skip
    projecting = verbs.add_parser("project", parents=[common], help="draw the encoder's states")
    projecting.add_argument("--groups", type=Path, help="a text file with groups of sentences, "
        "empty lines between; dates in several forms by default")  # fmt: skip
    shipping = verbs.add_parser("export", parents=[common], help="write a SavedModel, LiteRT, ONNX")
    kc.cli.add_export_flags(shipping)
    asking = verbs.add_parser("translate", parents=[common], help="translate sentences")
    asking.add_argument("texts", nargs="*", help="sentences; lines of standard input without any")
    asking.add_argument("--from", dest="folder", type=Path, metavar="FOLDER",
        help="a SavedModel or a run's folder; OUT, or else the shipped model")  # fmt: skip
    asking.add_argument("--into", help="the target language, where there are several")
    asking.add_argument("--out-of", help="the source language, where --sharing is middle")
    asking.add_argument("--n-best", type=int, default=1)

    options = parser.parse_args(argv)
    options.languages = [part.strip() for part in options.languages.split(",") if part.strip()]
    for key in ("pairs", "zero_shot"):
        given = getattr(options, key)
        setattr(options, key, None if given is None else parse_pairs(given))
    if options.pairs:
        options.languages = list(dict.fromkeys(chain.from_iterable(options.pairs)))
    if len(options.languages) < 2:
        raise kc.InputError(
            f"--languages {','.join(options.languages)} was given. Allowed: the source and at "
            "least one target language. Write for example en,fr."
        )
    options.data_options = dict(options.data_options)
    if options.dictionary:
        options.dictionary = kc.data.read_dictionary(options.dictionary)
    phrases = options.data == "phrases"
    if phrases:
        options.data_options = {**PHRASES_DATA, **options.data_options}
    if options.vocabulary is None:
        # Dutch and German write a number as one word, however long.
        compounds = phrases and {"nl", "de"} & {*options.languages}
        options.vocabulary = "character" if compounds else "token"
    words = options.vocabulary in ("word", "token")
    looks = options.attention != "none" and options.vocabulary != "sentencepiece"
    defaults = {
        "min_count": 2 if words and not phrases else 1,
        "max_words": MAX_UNITS[options.vocabulary],
        "unknowns": "replace" if looks else "ban",
    }
    for key, value in defaults.items():
        if getattr(options, key) is None:
            setattr(options, key, value)
    return options


def beam_settings(options: argparse.Namespace) -> dict:
    """The arguments of `kc.decoding.beam_search` that the command line sets."""
    return {
        "width": options.beam,
        "length_penalty": None if options.length_penalty == "none" else options.length_penalty,
        "alpha": options.alpha,
        "coverage": options.coverage,
    }
