"""Translation, from parallel text to a SavedModel that answers in sentences.

Without a verb the whole job: train (with progress, resumable), evaluate with sacrebleu, draw what
the model looks at and how it lays out sentences, export, and translate one sentence.

    python applications/translation.py                                     # the embedded phrases
    python applications/translation.py --data parallel:FOLDER --languages en,fr
    python applications/translation.py --pairs en-fr,fr-en,en-nl,nl-en     # and zero-shot fr-nl
    python applications/translation.py translate 'twenty-one kilometers'   # the model at hand
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

import keras_classics as kc  # noqa: E402
from translators.asking import SOURCE, Served, exported, standard_input  # noqa: E402
from translators.flags import beam_settings, parse  # noqa: E402
from translators.form import FORMS, Form, trained_pairs, untrained_pairs  # noqa: E402
from translators.scoring import score, score_languages, speak, surprise, ways  # noqa: E402
from translators.trained import MODEL, companions, trained  # noqa: E402

SHIPPED = Path(__file__).resolve().parent.parent / "saved_models" / "translation-phrases"
EXPORT = "saved_model"

# Settings that may differ between a run and the run it continues.
FREE = {
    "verb", "out", "epochs", "beam", "strategy", "sentences", "n_best", "folder", "texts", "into",
    "to", "format", "groups", "zero_shot", "out_of", "ensemble",
    "length_penalty", "alpha", "coverage", "dictionary",
}  # fmt: skip

console = kc.cli.plain_console()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns the exit code."""
    return kc.cli.guarded(run, argv)


def run(argv: Sequence[str] | None) -> int | None:
    """Parse the arguments and do what the verb says."""
    options = parse(argv, __doc__)
    kc.distribution.check_verb(options.strategy, options.verb)
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
    options.folder, options.n_best = Path(options.out), 3
    options.out_of, options.into = trained_pairs(vars(options))[0]
    table = kc.data.read_table(
        options.folder / "translations.csv",
        "what evaluate wrote",
        "Run: python applications/translation.py evaluate",
        keep_default_na=False,
    )
    options.texts = [table["source"][0]]
    return translate(options)


def train(options: argparse.Namespace) -> None:
    """Train a translator into OUT, from where an earlier run stopped."""
    out = kc.distribution.own_folder(options.out, options.strategy)
    place = kc.distribution.strategy(options.strategy)
    kc.training.check_continues(out, vars(options), free=FREE)
    keras.utils.set_random_seed(options.seed)
    keras.config.set_dtype_policy(options.precision)
    data = load(options)
    texts = {split: read(data, split, options) for split in ("train", "validation")}

    def vocabulary_of(sentences):
        return kc.data.make_vocabulary(
            options.vocabulary,
            sentences,
            min_count=options.min_count,
            max_size=options.vocabulary_size,
        )

    form = FORMS[options.sharing].of(trained_pairs(vars(options)), texts["train"], vocabulary_of)
    form.check_folder(out)
    encoded = {split: encode(form, part, options, split) for split, part in texts.items()}
    # Of every part, and all have as many: the texts are parallel.
    counts = {split: len(next(iter(parts.values()))[0]) for split, parts in encoded.items()}
    steps = kc.data.steps_per_epoch(counts["train"], options.batch_size)
    with place:
        try:
            model, learner = form.build(options)
        except ValueError as error:
            # The builder raises these on its arguments, which here the user typed.
            raise kc.InputError(str(error)) from error
        optimizer = keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(
                0.0,
                max(1, steps * options.epochs - options.warm_up_steps),
                warmup_target=options.learning_rate,
                warmup_steps=options.warm_up_steps,
            ),
            global_clipnorm=options.clip_norm,
            **kc.training.averaging(options.average_epochs * steps),
        )
        learner.compile(
            kc.cli.guarded_optimizer(optimizer, options),
            keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, ignore_class=kc.data.Vocabulary.PAD, name="cross_entropy"
            ),
            # Every length of sentences would be compiled anew.
            jit_compile=False,
        )
    settings = kc.training.run_settings(vars(options), free=FREE)
    kc.training.record_run(out, settings, free=FREE, data=data.info.facts())
    form.save(out)
    sentences = counts["train"] * len(encoded["train"])
    sizes = ", ".join(f"{len(each)} {name}" for name, each in form.vocabularies.items())
    console.print(
        f"{model.count_params():,} parameters, {sentences:,} training sentences, "
        f"{options.vocabulary}s: {sizes}",
        highlight=False,
    )
    callbacks = []
    if options.scheduled_sampling != "none":
        # Half way to sampling after half the training.
        k = kc.callbacks.half_way_constant(steps * options.epochs / 2)
        callbacks.append(kc.callbacks.ScheduledSampling(mode=options.scheduled_sampling, k=k))

    def stream(split: str, first: int = 0):
        return form.batches(
            encoded[split],
            batch_size=min(options.batch_size, counts[split]),
            seed=options.seed,
            first=first,
        )

    with place:
        history = kc.training.fit(
            learner,
            lambda first: stream("train", first),
            steps_per_epoch=steps,
            epochs=options.epochs,
            folder=out,
            callbacks=callbacks,
            verbose="auto" if console.is_terminal else 2,
            validation_data=stream("validation"),
            validation_steps=max(1, counts["validation"] // options.batch_size),
        )
    kc.cli.tell_skipped(learner)
    kc.save_model(model, out / MODEL)
    seen = steps * options.batch_size * len(encoded["train"])
    rate = seen / max(history["seconds"].median(), 0.1)
    console.print(f"trained: {out / MODEL}, {rate:.0f} sentences/s", highlight=False)


def evaluate(options: argparse.Namespace) -> None:
    """Translate the test split, score it, draw alignments."""
    model, form, options = trained(options)
    models = [model, *companions(options, form)]
    # What several write together stands beside what one wrote alone.
    out = Path(options.out, "ensemble") if options.ensemble else Path(options.out)
    out.mkdir(exist_ok=True)
    data = load(options)
    texts = read(data, "test", options)
    # Only for the limit: --strict refuses, otherwise the number of cut sentences is told.
    encode(form, texts, options, "test")
    names = ways(form.pairs, untrained_pairs(form.pairs, options.zero_shot))
    found = speak(models, form, {way: texts[way[0]] for way in names if len(way) == 2}, options)
    halfway = {way: [each.text for each in found[way[:2]]] for way in names if len(way) == 3}
    found |= speak(models, form, halfway, options)
    written = {way: [each.text for each in found[way]] for way in names}
    figures, signature = score(written, texts)
    normalize = form.sides(form.pairs[0])[1].normalize
    languages = {}
    if len(names) > 1:
        learned = read(data, "train", options)
        directed, languages = score_languages(written, texts, learned, normalize)
        figures = {way: each | directed[way] for way, each in figures.items()}
    for way, perplexity in surprise(models, form, texts, options).items():
        figures[way]["perplexity"] = perplexity
    metrics = {names[way]: each for way, each in figures.items()}
    if options.vocabulary == "word":
        # It writes lower case without punctuation, and only so can it be right.
        normal = {language: list(map(normalize, each)) for language, each in texts.items()}
        for way, each in score(written, normal)[0].items():
            metrics[f"{names[way]} in lower case without punctuation"] = each
    kc.training.record_metrics(out, metrics)
    pd.concat(
        pd.DataFrame(
            {
                "direction": names[way],
                "source": texts[way[0]],
                "translation": written[way],
                "reference": texts[way[-1]],
                "log_probability": [each.log_probability for each in found[way]],
                **({"language": languages[way]} if languages else {}),
            }
        )
        for way in names
    ).to_csv(out / "translations.csv", index=False)
    console.print(f"BLEU: {signature}", highlight=False)
    count = len(next(iter(texts.values())))
    together = f", {len(models)} models" if options.ensemble else ""
    title = f"{count} test sentences, beam {options.beam}{together}"
    console.print(kc.cli.metrics_table(metrics, title))
    first = form.pairs[0]
    told = [form.told(text, first[1]) for text in texts[first[0]]]
    if not options.ensemble:
        kc.export.write_examples(
            out,
            told,
            [[text] for text in texts[first[1]]],
            written[first],
            lambda said, true: kc.training.translation_metrics(said, true).figures,
        )
    if found[first][0].alignments is not None:
        shown = slice(options.sentences)
        kc.analysis.draw_alignments(
            out / "alignments.png",
            [each.alignments for each in found[first][shown]],
            *(
                [[vocabulary.join([unit]) for unit in vocabulary.split(text)] for text in side]
                for vocabulary, side in zip(
                    form.sides(first), (told[shown], written[first][shown]), strict=True
                )
            ),
        )
        console.print(f"picture: {out / 'alignments.png'}")


def project(options: argparse.Namespace) -> None:
    """Draw what the encoder makes of groups of sentences, in their two main directions."""
    out = Path(options.out)
    model, form, options = trained(options)
    source, target = form.pairs[0]
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
    told = [form.told(text, target) for text in table["sentence"]]
    rows = encode_side(told, form.sides((source, target))[0], options, "projected")
    encoder, _ = kc.models.split_translator(model, form.part((source, target)))
    encoded = encoder(kc.data.pad_rows(rows))
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
    )


def export(options: argparse.Namespace) -> None:
    """Write what was trained, or one for each direction with an encoder and decoder of its own."""
    path, kind = kc.cli.export_place(options)
    folders = kind == "saved_model"
    model, form, options = trained(options)
    for part in dict.fromkeys(map(form.part, form.pairs)):
        source, target = (form.vocabularies[name] for name in form.names(part))
        place = path
        if part:
            name = "-".join(part)
            place = path / name if folders else path.with_stem(f"{path.stem}-{name}")
        kc.export.export_translator(
            model,
            source,
            target,
            place,
            max_words=options.max_words,
            format=kind,
            n_best=options.beam,
            pair=part,
            # The other formats see numbers only, so that there is no word to put in.
            replace_unknowns=folders and options.unknowns == "replace",
            dictionary=options.dictionary,
            **beam_settings(options),
        )
        if folders:
            source.save(place / SOURCE)
            shutil.copyfile(Path(options.out) / "run.json", place / "run.json")
        console.print(f"exported: {place}")


def translate(options: argparse.Namespace) -> int:
    """Translate sentences with an exported model; a faulty one does not stop the others."""
    folder = options.folder or Path(options.out)
    places = [folder, folder / EXPORT, *([] if options.folder else [SHIPPED])]
    served = Served(*exported(places, options.into, options.out_of))
    unit, failed, cut = served.vocabulary.UNIT, 0, 0
    for text in options.texts or standard_input():
        units = served.units(text)
        long = len(units) > served.limit
        if not served.vocabulary.split(text) or (long and options.strict):
            print(
                f"error: {text[:60]!r} has {len(units)} {unit}s. Allowed: 1 to {served.limit}. "
                "Divide it, or leave out --strict to have it cut.",
                file=sys.stderr,
            )
            failed += 1
            continue
        cut += long
        best = served.answers(text)[: options.n_best]
        shown = [
            f"{answer} ({score:.2f})" if options.n_best > 1 else answer for answer, score in best
        ]
        line = f"{text} -> {' | '.join(shown)}"
        console.print(line, highlight=False)
    if cut:
        console.print(f"{cut} sentences were cut to {served.limit} {unit}s")
    return 1 if failed else 0


def load(options: argparse.Namespace) -> kc.data.Data:
    """The parallel text that the options name."""
    own = {"languages": options.languages} if options.data == "phrases" else {}
    data = kc.cli.load_data(options, **own)
    if data.info.languages is None:
        raise kc.InputError(
            f"--data {options.data} was given, which has no parallel text. Allowed: phrases, "
            "parallel:FILE.en,FILE.fr, parallel:FOLDER, a tfds:NAME of translations. See --help."
        )
    return data


def read(data: kc.data.Data, split: str, options: argparse.Namespace) -> dict[str, list[str]]:
    """The sentences of a split by language."""
    return kc.data.collect_parallel(getattr(data, split), options.languages).texts


def encode(
    form: Form, texts: dict[str, list[str]], options: argparse.Namespace, split: str
) -> dict[tuple[str, str] | None, list[list[np.ndarray]]]:
    """Numbers of what each part of a translator reads and writes."""
    return {
        part: [
            encode_side(side, form.vocabularies[name], options, f"{split} {name}")
            for name, side in zip(form.names(part), sides, strict=True)
        ]
        for part, sides in form.examples(texts).items()
    }


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


if __name__ == "__main__":
    sys.exit(main())
