"""Translation, from parallel text to a SavedModel that answers in sentences.

Without a verb the whole job: train (with progress, resumable), evaluate with sacrebleu, draw what
the model looks at and how it lays out sentences, export, and translate one sentence.

    python applications/translation.py                                     # the embedded phrases
    python applications/translation.py --data parallel:FOLDER --languages en,fr
    python applications/translation.py translate 'twenty-one kilometers'   # the model at hand
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from rich.console import Console  # noqa: E402

import keras_classics as kc  # noqa: E402

SHIPPED = Path(__file__).resolve().parent.parent / "saved_models" / "translation-phrases"
MODEL, EXPORT = "translator.keras", "saved_model"
VOCABULARIES = ("source.json", "target.json")

# Units of a sentence, at most, where nothing else is said.
MAX_UNITS = {"word": 40, "token": 50, "sentencepiece": 60, "character": 160}
PHRASES_DATA = {"train": 20000, "validation": 500, "test": 1000}

# Settings that may differ between a run and the run it continues.
FREE = {
    "verb", "out", "epochs", "beam", "strategy", "sentences", "n_best", "folder", "texts", "into",
    "to", "groups",
}  # fmt: skip

console = Console()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns the exit code."""
    return kc.cli.guarded(run, argv)


def run(argv: Sequence[str] | None) -> int | None:
    """Parse the arguments and do what the verb says."""
    options = parse(argv)
    verbs = {
        "train": train,
        "evaluate": evaluate,
        "project": project,
        "export": export,
        "translate": translate,
    }
    if options.verb:
        return verbs[options.verb](options)
    train(options)
    evaluate(options)
    if options.data == "phrases":
        project(options)
    export(options)
    options.folder, options.into, options.n_best = Path(options.out), options.languages[1], 3
    table = pd.read_csv(options.folder / "translations.csv", keep_default_na=False)
    options.texts = [table["source"][0].removeprefix(kc.data.tag_target("", options.into))]
    return translate(options)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line, with the defaults that depend on the data filled in."""
    common = argparse.ArgumentParser(add_help=False)
    add = common.add_argument
    add("--data", default="phrases",
        help="phrases, parallel:FILE.en,FILE.fr, parallel:FOLDER or tfds:NAME")  # fmt: skip
    add("--data-options", type=kc.cli.key_values, nargs="+", default=[], metavar="KEY=VALUE",
        help="for phrases: train=20000 ...; for files: validation=v.en,v.fr test=...")  # fmt: skip
    add("--languages", default="en,fr",
        help="the source, then one target or more, told apart by a first token")  # fmt: skip
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
    add("--cell", default="gru", help="gru, gru_reset_after, lstm or elman")
    add("--attention", default="additive",
        choices=("none", "additive", "luong_dot", "luong_general", "luong_concat"))  # fmt: skip
    add("--context", choices=("initial_state", "every_step"), default="initial_state",
        help="without attention, when the decoder sees the encoder's states")  # fmt: skip
    add("--one-direction", action="store_true", help="read the source forwards only")
    add("--reverse-source", action="store_true", help="read it backwards")
    add("--dropout", type=float, default=0.1)
    add("--epochs", type=int, default=8)
    add("--batch-size", type=int, default=64)
    add("--learning-rate", type=float, default=3e-3)
    add("--precision", choices=("float32", "mixed_float16", "mixed_bfloat16"), default="float32")
    add("--strategy", choices=kc.distribution.STRATEGIES, default="auto")
    add("--unknowns", choices=("replace", "ban"), help="with attention, unknown words become the "
        "source word looked at most (default); or they are never written")  # fmt: skip
    add("--beam", type=int, default=5)
    add("--sentences", type=int, default=4, help="test sentences whose attention is drawn")
    add("--seed", type=int, default=0)
    add("--out", default="runs/translation", help="folder of the run")

    parser = argparse.ArgumentParser(
        description=__doc__,
        parents=[common],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(verb=None, groups=None)
    verbs = parser.add_subparsers(
        dest="verb", metavar="train | evaluate | project | export | translate"
    )
    verbs.add_parser("train", parents=[common], help="train, or go on training")
    verbs.add_parser("evaluate", parents=[common], help="figures and alignments of the test split")
    projecting = verbs.add_parser("project", parents=[common], help="draw the encoder's states")
    projecting.add_argument("--groups", type=Path, help="a text file with groups of sentences, "
        "empty lines between; dates in several forms by default")  # fmt: skip
    shipping = verbs.add_parser("export", parents=[common], help="write a SavedModel")
    shipping.add_argument("--to", help="folder of the SavedModel; OUT/saved_model by default")
    asking = verbs.add_parser("translate", parents=[common], help="translate sentences")
    asking.add_argument("texts", nargs="*", help="sentences; lines of standard input without any")
    asking.add_argument("--from", dest="folder", type=Path, metavar="FOLDER",
        help="a SavedModel or a run's folder; OUT, or else the shipped model")  # fmt: skip
    asking.add_argument("--into", help="the target language, where there are several")
    asking.add_argument("--n-best", type=int, default=1)

    options = parser.parse_args(argv)
    options.languages = [part.strip() for part in options.languages.split(",") if part.strip()]
    if len(options.languages) < 2:
        raise kc.InputError(
            f"--languages {','.join(options.languages)} was given. Allowed: the source and at "
            "least one target language. Write for example en,fr."
        )
    options.data_options = dict(options.data_options)
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


def train(options: argparse.Namespace) -> None:
    """Train a translator into OUT, from where an earlier run stopped."""
    out = Path(options.out)
    kc.training.check_continues(out, vars(options), free=FREE)
    keras.utils.set_random_seed(options.seed)
    keras.config.set_dtype_policy(options.precision)
    data = load(options)
    pairs = {split: read(data, split, options) for split in ("train", "validation")}
    vocabularies = []
    for name, texts in zip(VOCABULARIES, zip(*pairs["train"], strict=True), strict=True):
        vocabulary = kc.data.make_vocabulary(
            options.vocabulary, texts, min_count=options.min_count, max_size=options.vocabulary_size
        )
        if (out / name).exists():
            kc.data.load_vocabulary(out / name).check_matches(vocabulary)
        vocabularies.append(vocabulary)
    encoded = {
        split: [
            encode_side(texts, vocabulary, options, f"{split} {name.removesuffix('.json')}")
            for texts, vocabulary, name in zip(
                zip(*part, strict=True), vocabularies, VOCABULARIES, strict=True
            )
        ]
        for split, part in pairs.items()
    }
    steps = kc.data.steps_per_epoch(len(pairs["train"]), options.batch_size)
    with kc.distribution.strategy(options.strategy):
        model = build(options, *map(len, vocabularies))
        model.compile(
            keras.optimizers.Adam(
                keras.optimizers.schedules.CosineDecay(
                    options.learning_rate, steps * options.epochs
                ),
                global_clipnorm=5.0,
            ),
            keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, ignore_class=kc.data.Vocabulary.PAD, name="cross_entropy"
            ),
            # Every length of sentences would be compiled anew.
            jit_compile=False,
        )
    kc.training.record_run(out, kc.training.run_settings(vars(options), free=FREE))
    for name, vocabulary in zip(VOCABULARIES, vocabularies, strict=True):
        vocabulary.save(out / name)
    console.print(
        f"{model.count_params():,} parameters, {len(pairs['train']):,} training sentences, "
        f"{options.vocabulary}s: {len(vocabularies[0])} in {options.languages[0]}, "
        f"{len(vocabularies[1])} in {' and '.join(options.languages[1:])}",
        highlight=False,
    )

    def stream(split: str, first: int = 0):
        return kc.data.translation_batches(
            *encoded[split],
            batch_size=min(options.batch_size, len(pairs[split])),
            seed=options.seed,
            first=first,
        )

    history = kc.training.fit(
        model,
        lambda first: stream("train", first),
        steps_per_epoch=steps,
        epochs=options.epochs,
        folder=out,
        verbose="auto" if console.is_terminal else 2,
        validation_data=stream("validation"),
        validation_steps=max(1, len(pairs["validation"]) // options.batch_size),
    )
    model.save(out / MODEL)
    rate = steps * options.batch_size / max(history["seconds"].median(), 0.1)
    console.print(f"trained: {out / MODEL}, {rate:.0f} sentences/s", highlight=False)


def build(options: argparse.Namespace, source_size: int, target_size: int) -> keras.Model:
    """The translator the options describe."""
    try:
        return kc.models.translator(
            source_size,
            target_size,
            units=options.units,
            depth=options.depth,
            cell=options.cell,
            embedding_size=options.embedding_size,
            bidirectional=not options.one_direction,
            reverse_source=options.reverse_source,
            context=options.context,
            attention=None if options.attention == "none" else options.attention,
            dropout=options.dropout,
            seed=options.seed,
        )
    except ValueError as error:
        # The builder raises these on its arguments, which here the user typed.
        raise kc.InputError(str(error)) from error


def evaluate(options: argparse.Namespace) -> None:
    """Translate the test split, score it, draw alignments."""
    out = Path(options.out)
    model, vocabularies, options = trained(options)
    pairs = read(load(options), "test", options)
    sources, references = map(list, zip(*pairs, strict=True))
    # Only for the limit: --strict refuses, otherwise the number of cut sentences is told.
    encode_side(sources, vocabularies[0], options, "test source")
    found = list(
        kc.models.translate(
            model,
            *vocabularies,
            sources,
            max_words=options.max_words,
            width=options.beam,
            replace=options.unknowns == "replace",
        )
    )
    translations = [each.text for each in found]
    metrics, each = {}, len(pairs) // (len(options.languages) - 1)
    for number, target in enumerate(options.languages[1:]):
        part = slice(number * each, (number + 1) * each)
        true = {target: references[part]}
        if options.vocabulary == "word":
            # It writes lower case without punctuation, and only so can it be right.
            normal = [vocabularies[1].normalize(text) for text in references[part]]
            true[f"{target} in lower case without punctuation"] = normal
        for name, texts in true.items():
            scores = kc.training.translation_metrics(translations[part], [[t] for t in texts])
            metrics[name] = scores.figures
            console.print(f"{name}: {scores.signature}", highlight=False, soft_wrap=True)
    kc.training.record_metrics(out, metrics)
    pd.DataFrame(
        {
            "source": sources,
            "translation": translations,
            "reference": references,
            "log_probability": [each.log_probability for each in found],
        }
    ).to_csv(out / "translations.csv", index=False)
    console.print(
        kc.cli.metrics_table(metrics, f"{len(pairs)} test sentences, beam {options.beam}")
    )
    if found[0].alignments is not None:
        shown = slice(options.sentences)
        kc.analysis.draw_alignments(
            out / "alignments.png",
            [each.alignments for each in found[shown]],
            *(
                [[vocabulary.join([unit]) for unit in vocabulary.split(text)] for text in texts]
                for vocabulary, texts in zip(
                    vocabularies, (sources[shown], translations[shown]), strict=True
                )
            ),
        )
        console.print(f"picture: {out / 'alignments.png'}")


def project(options: argparse.Namespace) -> None:
    """Draw what the encoder makes of groups of sentences, in their two main directions."""
    out = Path(options.out)
    model, vocabularies, options = trained(options)
    source, *targets = options.languages
    if options.groups:
        groups = kc.data.read_groups(options.groups)
    elif options.data == "phrases":
        groups = kc.data.phrase_groups(source)
    else:
        raise kc.InputError(
            f"project was asked for on {options.data} without groups. Allowed: --groups FILE, "
            "paraphrases below each other and empty lines between groups. Write such a file."
        )
    table = pd.DataFrame(
        [(label, text) for label, texts in groups for text in texts],
        columns=["group", "sentence"],
    )
    told = table["sentence"]
    if len(targets) > 1:
        told = [kc.data.tag_target(text, targets[0]) for text in told]
    rows = encode_side(told, vocabularies[0], options, "projected")
    encoded = kc.models.split_translator(model)[0](kc.data.pad_rows(rows))
    states = encoded["states"] if isinstance(encoded, dict) else encoded
    states = keras.ops.convert_to_numpy(states)
    coordinates, shares = kc.analysis.principal_components(states)
    within, between = kc.analysis.group_cosines(states, table["group"])
    table[["x", "y"]] = coordinates
    table.to_csv(out / "projection.csv", index=False)
    kc.analysis.draw_projection(
        out / "projection.png", coordinates, table["sentence"], table["group"], shares
    )
    console.print(
        f"encoder states of {len(table)} sentences: mean cosine {within:.3f} within groups, "
        f"{between:.3f} between them; picture: {out / 'projection.png'}",
        highlight=False,
        soft_wrap=True,
    )


def export(options: argparse.Namespace) -> None:
    """Write the trained translator as one SavedModel, its settings beside it."""
    out = Path(options.out)
    path = Path(getattr(options, "to", None) or out / EXPORT)
    model, vocabularies, options = trained(options)
    kc.export.export_translator(
        model,
        *vocabularies,
        path,
        max_words=options.max_words,
        width=options.beam,
        n_best=options.beam,
        replace_unknowns=options.unknowns == "replace",
    )
    for name in ("run.json", VOCABULARIES[0]):
        shutil.copyfile(out / name, path / name)
    console.print(f"exported: {path}")


def translate(options: argparse.Namespace) -> int:
    """Translate sentences with an exported model; a faulty one does not stop the others."""
    import tensorflow as tf

    path = exported(options)
    trained_with = argparse.Namespace(**kc.training.read_run(path)["settings"])
    limit, targets = trained_with.max_words, trained_with.languages[1:]
    into = options.into or (targets[0] if len(targets) == 1 else None)
    if into not in targets:
        raise kc.InputError(
            f"--into {into} was given. Allowed: {', '.join(targets)}. Name one of them."
        )
    vocabulary = kc.data.load_vocabulary(path / VOCABULARIES[0])
    served = tf.saved_model.load(str(path))
    failed = cut = 0
    for text in options.texts or standard_input():
        units = vocabulary.split(kc.data.tag_target(text, into) if len(targets) > 1 else text)
        long = len(units) > limit
        if not vocabulary.split(text) or (long and options.strict):
            print(
                f"error: {text[:60]!r} has {len(units)} {vocabulary.UNIT}s. Allowed: 1 to {limit}. "
                "Divide it, or leave out --strict to have it cut.",
                file=sys.stderr,
            )
            failed += 1
            continue
        cut += long
        asked = vocabulary.join(units[:limit])
        takes_numbers = vocabulary.UNIT == "sentencepiece"
        found = served.serve(tf.constant([vocabulary.encode(asked) if takes_numbers else asked]))
        best = [answer.decode() for answer in found["translations"][0].numpy()]
        if options.n_best > 1:
            scores = found["log_probabilities"][0].numpy()
            best = [f"{answer} ({score:.2f})" for answer, score in zip(best, scores, strict=True)]
        answers = " | ".join(best[: options.n_best])
        console.print(f"{text} -> {answers}", soft_wrap=True, highlight=False, markup=False)
    if cut:
        console.print(f"{cut} sentences were cut to {limit} {vocabulary.UNIT}s")
    return 1 if failed else 0


def exported(options: argparse.Namespace) -> Path:
    """The folder of the SavedModel to ask."""
    folder = options.folder or Path(options.out)
    places = [folder, folder / EXPORT, *([] if options.folder else [SHIPPED])]
    for path in places:
        if (path / "saved_model.pb").exists() and (path / VOCABULARIES[0]).exists():
            return path
    raise kc.InputError(
        f"No exported translator was found in {folder}. Allowed: a folder that translation.py "
        "export wrote. Run translation.py without a verb, or name one with --from."
    )


def standard_input() -> Iterator[str]:
    """The lines of standard input."""
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            yield line.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise kc.InputError(
                f"Line {number} of standard input is not valid UTF-8. Allowed: UTF-8. "
                "Convert the text."
            ) from error


def load(options: argparse.Namespace) -> kc.data.Data:
    """The data the options name; says what was skipped."""
    given = dict(options.data_options)
    if options.data == "phrases":
        given["languages"] = options.languages
    try:
        data = kc.data.load(options.data, seed=options.seed, strict=options.strict, **given)
    except TypeError as error:
        raise kc.InputError(
            f"--data-options {options.data_options} was given ({error}). Allowed: the arguments "
            "of the data's reader. See help(kc.data.load)."
        ) from error
    if data.info.languages is None:
        raise kc.InputError(
            f"--data {options.data} was given, which has no parallel text. Allowed: phrases, "
            "parallel:FILE.en,FILE.fr, parallel:FOLDER, a tfds:NAME of translations. See --help."
        )
    for sentence in data.info.skipped:
        console.print(f"skipped: {sentence}", highlight=False)
    return data


def read(data: kc.data.Data, split: str, options: argparse.Namespace) -> list[tuple[str, str]]:
    """The sentences of a split with their translations."""
    texts = kc.data.collect_parallel(getattr(data, split), options.languages)
    return texts.pairs(options.languages[0], options.languages[1:])


def encode_side(
    texts: Sequence[str], vocabulary: kc.data.Vocabulary, options: argparse.Namespace, name: str
) -> list[np.ndarray]:
    """Numbers of sentences; says how many were too long."""
    rows, cut = kc.data.encode_sentences(
        texts, vocabulary, options.max_words, strict=options.strict
    )
    if cut:
        console.print(
            f"{cut} of {len(rows)} {name} sentences were cut to {options.max_words} "
            f"{vocabulary.UNIT}s (--max-words)",
            highlight=False,
        )
    return rows


def trained(options: argparse.Namespace):
    """The trained model of OUT, its vocabularies, and its settings under the present options."""
    out = Path(options.out)
    recorded = kc.training.finished_settings(
        out, MODEL, kind="translator", application="translation.py"
    )
    merged = argparse.Namespace(**{**vars(options), **recorded})
    merged.strict = options.strict
    vocabularies = [kc.data.load_vocabulary(out / name) for name in VOCABULARIES]
    model = keras.saving.load_model(out / MODEL)
    encoder, decoder = kc.models.split_translator(model)
    sizes = (encoder.get_layer("source_embedding").input_dim, decoder.vocabulary_size)
    for vocabulary, size in zip(vocabularies, sizes, strict=True):
        vocabulary.check_matches(size)
    return model, vocabularies, merged


if __name__ == "__main__":
    sys.exit(main())
