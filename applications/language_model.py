"""A character language model: learns from text, writes text, shows what its cells keep track of.

Without a verb the whole job: train (with progress, resumable, samples on the way), evaluate on held
out text in bits per character, find and draw interpretable cells, and write.

    python applications/language_model.py                             # Python's standard library
    python applications/language_model.py --data text:FILE            # your own text
    python applications/language_model.py write --prime "def " --temperature 0.7
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import pandas as pd  # noqa: E402

import keras_classics as kc  # noqa: E402

MODEL, ALPHABET = "language_model.keras", "alphabet.json"

# Rows when text is scored: fewer than in training, so that a row is long enough to remember by.
EVALUATED_ROWS = 10

# Settings that may differ between a run and the run it continues.
FREE = {
    "verb", "out", "epochs", "samples", "sample_length", "prime", "length", "count", "temperature",
    "top_k", "top_p", "characters", "strategy",
}  # fmt: skip

console = kc.cli.plain_console()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns the exit code."""
    return kc.cli.guarded(run, argv)


def run(argv: Sequence[str] | None) -> int | None:
    """Parse the arguments and do what the verb says."""
    options = parse(argv)
    kc.distribution.check_verb(options.strategy, options.verb)
    verbs = {"train": train, "evaluate": evaluate, "cells": cells, "write": write}
    for verb in [options.verb] if options.verb else verbs:
        verbs[verb](options)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    common = argparse.ArgumentParser(add_help=False)
    add = common.add_argument
    add("--data", default="source_code", help="source_code or text:FILE")
    add("--data-options", type=kc.cli.key_values, nargs="+", default=[], metavar="KEY=VALUE",
        help="characters=1000000 of source_code; pieces=50 test=0 of text:FILE ...")  # fmt: skip
    add("--cell", default="lstm", help="lstm, gru, elman, ...")
    add("--units", type=int, default=128)
    add("--depth", type=int, default=2, help="recurrent layers, one on the other")
    add("--embedding-size", type=int, help="width of a learned embedding; one-hot without")
    add("--tie-embeddings", action="store_true", help="one matrix for reading and answering")
    add("--dropout", type=float, default=0.0)
    add("--initial-range", type=float,
        help="matrices start uniform in plus/minus this (char-rnn: 0.08)")  # fmt: skip
    add("--k1", type=int, default=50, help="characters between two updates")
    add("--k2", type=int, help="characters the gradient reaches back, a multiple of k1 (default)")
    add("--epochs", type=int, default=10)
    add("--batch-size", type=int, default=50)
    add("--optimizer", choices=("adam", "rmsprop"), default="adam")
    add("--learning-rate", type=float, default=4e-3)
    add("--decay", type=float, default=0.97, help="of the rate, once in an epoch after the first")
    add("--decay-after", type=int, default=1, help="epochs before the rate begins to fall")
    add("--clip-norm", type=float, default=5.0, help="of all gradients together; 0 for no limit")
    kc.cli.add_skip_flag(common)
    add("--precision", choices=("float32", "mixed_float16", "mixed_bfloat16"), default="float32")
    add("--strategy", choices=kc.distribution.STRATEGIES, default="auto")
    add("--samples", type=int, nargs="*", default=[100, 300, 700, 2000], metavar="ITERATION",
        help="iterations after which training shows a sample")  # fmt: skip
    add("--sample-length", type=int, default=300)
    add("--prime", default="", help="text to go on from; \\n for a line end")
    add("--length", type=int, default=500, help="characters to write")
    add("--count", type=int, default=1, help="texts to write")
    add("--temperature", type=float, default=1.0, help="below 1 safer, above 1 wilder")
    add("--top-k", type=int, help="draw from the k most probable characters only")
    add("--top-p", type=float, help="draw from the fewest characters of this probability only")
    add("--characters", type=int, default=20_000, help="that cells are scored on")
    add("--seed", type=int, default=0)
    add("--out", default="runs/language_model", help="folder of the run")

    parser = argparse.ArgumentParser(
        description=__doc__,
        parents=[common],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(verb=None)
    verbs = parser.add_subparsers(dest="verb", metavar="train | evaluate | write | cells")
    verbs.add_parser("train", parents=[common], help="train, or go on training")
    verbs.add_parser("evaluate", parents=[common], help="nats and bits per character")
    verbs.add_parser("write", parents=[common], help="write text")
    verbs.add_parser("cells", parents=[common], help="find and draw interpretable cells")
    options = parser.parse_args(argv)
    options.data_options = dict(options.data_options)
    options.prime = options.prime.replace("\\n", "\n")
    return options


def train(options: argparse.Namespace) -> None:
    """Train a language model into OUT, from where an earlier run stopped."""
    out = kc.distribution.own_folder(options.out, options.strategy)
    place = kc.distribution.strategy(options.strategy)
    kc.training.check_continues(out, vars(options), free=FREE)
    keras.utils.set_random_seed(options.seed)
    keras.config.set_dtype_policy(options.precision)
    data = kc.cli.load_data(options)
    splits = read(data)
    alphabet = kc.data.Alphabet.from_texts(
        document.text for documents in splits.values() for document in documents
    )
    if (out / ALPHABET).exists():
        kc.data.Alphabet.load(out / ALPHABET).check_matches(alphabet)
    windows = {
        split: lay_out(splits[split], alphabet, options) for split in ("train", "validation")
    }
    steps = windows["train"].steps
    with place:
        try:
            model = build(options, len(alphabet))
        except ValueError as error:
            # The builder raises these on its arguments, which here the user typed.
            raise kc.InputError(str(error)) from error
        trainer = kc.training.TruncatedBPTT(model, options.batch_size, options.k1, options.k2)
        compile_trainer(trainer, options, steps)
    settings = kc.training.run_settings(vars(options), free=FREE)
    kc.training.record_run(out, settings, free=FREE, data=data.info.facts())
    alphabet.save(out / ALPHABET)
    console.print(
        f"{model.count_params():,} parameters, {len(alphabet)} characters, "
        f"{windows['train'].characters:,} to learn from in {options.epochs} epochs of {steps} "
        f"iterations",
        highlight=False,
    )
    writer = kc.decoding.TextWriter(
        kc.models.split_language_model(model),
        alphabet,
        prime=options.prime,
        length=options.sample_length,
        seed=options.seed,
        **filters(options),
    )
    with place:
        history = kc.training.fit(
            trainer,
            windows["train"].batches,
            steps_per_epoch=steps,
            epochs=options.epochs,
            folder=out,
            callbacks=[kc.callbacks.Samples(writer, show_sample, options.samples)],
            verbose="auto" if console.is_terminal else 2,
            validation_data=windows["validation"].epoch(),
        )
    kc.cli.tell_skipped(trainer)
    kc.save_model(model, out / MODEL)
    rate = windows["train"].characters / max(history["seconds"].median(), 0.1)
    console.print(f"trained: {out / MODEL}, {rate:,.0f} characters/s", highlight=False)


def build(options: argparse.Namespace, vocabulary_size: int) -> keras.Model:
    """The model the options describe."""
    return kc.models.language_model(
        vocabulary_size,
        options.units,
        options.depth,
        options.cell,
        embedding_size=options.embedding_size,
        dropout=options.dropout,
        tie_embeddings=options.tie_embeddings,
        initial_range=options.initial_range,
        seed=options.seed,
    )


def compile_trainer(
    trainer: kc.training.TruncatedBPTT, options: argparse.Namespace, steps: int
) -> None:
    """Loss, metrics and optimizer."""
    falls = range(options.decay_after, max(options.epochs, options.decay_after + 1))
    rate = keras.optimizers.schedules.PiecewiseConstantDecay(
        [epoch * steps - 1 for epoch in falls],
        [options.learning_rate * options.decay**number for number in range(len(falls) + 1)],
    )
    limit = options.clip_norm or None
    if options.optimizer == "adam":
        optimizer = keras.optimizers.Adam(rate, global_clipnorm=limit)
    else:
        # As in char-rnn, which adds 1e-8 to the root of the mean square. Keras adds to the mean
        # square itself, where its 1e-7 outweighs most gradients of a mean over many characters.
        optimizer = keras.optimizers.RMSprop(rate, rho=0.95, epsilon=1e-16, global_clipnorm=limit)
    trainer.compile(
        kc.cli.guarded_optimizer(optimizer, options),
        keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        weighted_metrics=[
            keras.metrics.SparseCategoricalCrossentropy(name="nats", from_logits=True),
            kc.training.BitsPerCharacter(),
        ],
    )


def show_sample(iteration: int, text: str) -> None:
    """Print what training has come to."""
    console.rule(f"after {iteration:,} iterations")
    console.print(text, highlight=False)
    console.rule()


def evaluate(options: argparse.Namespace) -> None:
    """Score the held-out text; write metrics."""
    out = Path(options.out)
    model, alphabet, options = trained(options)
    splits = read(kc.cli.load_data(options))
    learnt = [alphabet.encode(document.text) for document in splits["train"]]
    metrics = {}
    for split in ("validation", "test"):
        encoded = [alphabet.encode(document.text) for document in splits[split]]
        if encoded:
            metrics[split] = score(model, encoded, options)
            nats = kc.training.bigram_nats(learnt, encoded, len(alphabet))
            metrics[f"{split}, bigrams"] = likelihood(nats)
    kc.training.record_metrics(out, metrics)
    console.print(kc.cli.metrics_table(metrics, "per character of held-out text", digits=4))


def score(model: keras.Model, encoded: list, options: argparse.Namespace) -> dict[str, float]:
    """Likelihood of text under the model, its states carried from window to window."""
    count = sum(-(-(len(document) - 1) // options.k1) for document in encoded)
    rows = min(EVALUATED_ROWS, count)
    windows = kc.data.text_windows(encoded, batch_size=rows, k1=options.k1)
    reader = kc.training.TruncatedBPTT(model, rows, options.k1)
    compile_trainer(reader, options, windows.steps)
    return likelihood(reader.evaluate(windows.epoch(), verbose=0, return_dict=True)["nats"])


def likelihood(nats: float) -> dict[str, float]:
    """The same figure in its three units."""
    return {
        "nats": nats,
        "bits_per_character": nats / math.log(2.0),
        "perplexity": math.exp(nats),
    }


def cells(options: argparse.Namespace) -> None:
    """Find cells that follow what is true of held-out text; write a table and a page."""
    out = Path(options.out)
    model, alphabet, options = trained(options)
    splits = read(kc.cli.load_data(options))
    held_out = [*splits["test"], *splits["validation"]]
    findings, excerpts = kc.analysis.find_cells(
        model,
        held_out,
        alphabet,
        characters=options.characters,
        seed=options.seed,
        class_names=kc.data.TOKEN_CLASSES,
    )
    rows = [{**dataclasses.asdict(each), "follows": each.follows} for each in findings]
    pd.DataFrame(rows).to_csv(out / "cells.csv", index=False)
    kc.analysis.write_cells_page(
        out / "cells.html", findings, excerpts, kc.analysis.CellReader(model), alphabet
    )
    table = [["", "target", "cell", "r", "AUC", "bigram", "untrained", "p", "nats on", "nats off"]]
    for each in findings:
        auc = "" if each.roc_auc is None else f"{each.roc_auc:.3f}"
        figures = (each.bigram, each.untrained, each.p_value, each.rise_on, each.rise_off)
        table.append(["follows" if each.follows else "", each.target, f"{each.layer}:{each.cell}",
                      f"{each.correlation:.3f}", auc,
                      *(f"{figure:.3f}" for figure in figures)])  # fmt: skip
    console.print(kc.cli.columns(table, left=3))
    console.print(f"page: {out / 'cells.html'}", highlight=False)


def write(options: argparse.Namespace) -> None:
    """Write text."""
    model, alphabet, options = trained(options)
    writer = kc.decoding.TextWriter(
        kc.models.split_language_model(model),
        alphabet,
        prime=options.prime,
        length=options.length,
        seed=options.seed,
        **filters(options),
    )
    for number, text in enumerate(writer(options.count), 1):
        if options.count > 1:
            console.rule(str(number))
        console.print(options.prime, style="dim", end="", highlight=False)
        console.print(text, highlight=False)


def filters(options: argparse.Namespace) -> dict:
    """What a writer draws from."""
    return {name: getattr(options, name) for name in ("temperature", "top_k", "top_p")}


def read(data: kc.data.Data) -> dict[str, list[kc.data.Document]]:
    """All text of the data, by split."""
    return {
        split: kc.data.collect_documents(getattr(data, split))
        for split in ("train", "validation", "test")
    }


def lay_out(
    documents: list[kc.data.Document], alphabet: kc.data.Alphabet, options: argparse.Namespace
) -> kc.data.TextWindows:
    """A split in windows."""
    return kc.data.text_windows(
        [alphabet.encode(document.text) for document in documents],
        batch_size=options.batch_size,
        k1=options.k1,
        k2=options.k2,
    )


def trained(options: argparse.Namespace):
    """The trained model of OUT, its alphabet, and its settings under the present options."""
    out = Path(options.out)
    recorded = kc.training.finished_settings(
        out, MODEL, kind="language model", application="language_model.py"
    )
    merged = argparse.Namespace(**{**vars(options), **recorded})
    alphabet = kc.data.Alphabet.load(out / ALPHABET)
    model = kc.load_model(out / MODEL)
    alphabet.check_matches(model.output["logits"].shape[-1])
    return model, alphabet, merged


if __name__ == "__main__":
    sys.exit(main())
