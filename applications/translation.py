"""Translation, from parallel text to a SavedModel that answers in sentences.

Without a verb the whole job: train (with progress, resumable), evaluate with sacrebleu, draw what
the model looks at and how it lays out sentences, export, and translate one sentence.

    python applications/translation.py                                     # the embedded phrases
    python applications/translation.py --data parallel:FOLDER --languages en,fr
    python applications/translation.py --pairs en-fr,fr-en,en-nl,nl-en     # and zero-shot fr-nl
    python applications/translation.py translate 'twenty-one kilometers'   # the model at hand
"""

from __future__ import annotations

import os
import sys
from itertools import chain
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import pandas as pd  # noqa: E402

import keras_classics as kc  # noqa: E402
from translators.exports import Served, directions, pairs_of  # noqa: E402
from translators.settings import MAX_UNITS, PHRASES_DATA, Settings  # noqa: E402


class Translation(kc.jobs.Job):
    """Sentences in, sentences out."""

    Settings = Settings
    name, makes, model_file = "translation", "translator", "translator.keras"
    verbs = {
        **kc.jobs.VERBS,
        "project": "draw the encoder's states of groups of sentences",
        "translate": "translate sentences, or the lines of standard input",
    }
    asks, queries, reads_lines = "translate", "TEXT", True
    extras = {"evaluate": [("sacrebleu", "translation")]}
    shipped = Path(__file__).resolve().parent.parent / "saved_models" / "translation-phrases"

    def whole(self):
        phrases = self.settings.data == "phrases"
        return ["train", "evaluate", *(["project"] if phrases else []), "export", "translate"]

    def complete(self):
        settings, phrases = self.settings, self.settings.data == "phrases"
        if settings.pairs:
            settings.languages = list(dict.fromkeys(chain.from_iterable(settings.pairs)))
        if len(settings.languages) < 2:
            raise kc.InputError(
                f"--languages {','.join(settings.languages)} was given. Allowed: the source and at "
                "least one target language. Write for example en,fr."
            )
        if phrases:
            settings.data_options = {**PHRASES_DATA, **settings.data_options}
        if settings.vocabulary is None:
            # Dutch and German write a number as one word, however long.
            compounds = phrases and {"nl", "de"} & {*settings.languages}
            settings.vocabulary = "character" if compounds else "token"
        words = settings.vocabulary in ("word", "token")
        looks = settings.attention != "none" and settings.vocabulary != "sentencepiece"
        follow = {
            "min_count": 2 if words and not phrases else 1,
            "max_words": MAX_UNITS[settings.vocabulary],
            "unknowns": "replace" if looks else "ban",
        }
        for key, value in follow.items():
            if getattr(settings, key) is None:
                setattr(settings, key, value)
        self.dictionary = settings.dictionary and kc.data.read_dictionary(settings.dictionary)
        self.pairs = pairs_of(vars(settings))
        self.sharing = kc.models.SHARINGS[settings.sharing](self.pairs)
        self.cut = 0
        if settings.ensemble:
            # What several write together stands beside what one wrote alone.
            self.results = self.folder / "ensemble"

    def reader_options(self):
        return {"languages": self.settings.languages} if self.settings.data == "phrases" else {}

    def read(self, split):
        if self.data.info.languages is None:
            raise kc.InputError(
                f"--data {self.settings.data} was given, which has no parallel text. Allowed: "
                "phrases, parallel:FILE.en,FILE.fr, parallel:FOLDER, a tfds:NAME of translations. "
                "See --help."
            )
        return kc.data.collect_parallel(getattr(self.data, split), self.settings.languages)

    def fact_files(self):
        names = self.sharing.vocabulary_names()
        return {name: kc.jobs.Fact(f"{name}.json", kc.data.load_vocabulary) for name in names}

    def make_facts(self, training):
        settings = self.settings
        limits = {"min_count": settings.min_count, "max_size": settings.vocabulary_size}
        self.sharing.make_vocabularies(
            training.texts,
            lambda texts: kc.data.make_vocabulary(settings.vocabulary, texts, **limits),
        )
        # Before anything is written: --strict may refuse them.
        self.rows = {
            split: self.numbered(self.split(split).texts, split)
            for split in ("train", "validation")
        }
        return self.sharing.vocabularies

    def numbered(self, texts, split):
        """Numbers of what each part of the translator reads and writes."""
        return {
            part: [
                self.encode(side, self.sharing.vocabularies[name], f"{split} {name}")
                for name, side in zip(self.sharing.names(part), sides, strict=True)
            ]
            for part, sides in self.sharing.examples(texts).items()
        }

    def encode(self, texts, vocabulary, name):
        """Numbers of sentences; says how many were too long."""
        limit, strict = self.settings.max_words, self.settings.strict
        rows, cut = kc.data.encode_sentences(texts, vocabulary, limit, strict=strict)
        if cut:
            self.output.remark(
                f"{cut} of {len(rows)} {name} sentences were cut to {limit} {vocabulary.UNIT}s "
                "(--max-words)"
            )
        return rows

    def check_model(self, model):
        self.sharing.vocabularies = self.facts
        self.sharing.check_model(model)

    def count(self, split):
        """Pairs of sentences that each part learns from."""
        # All parts have as many: the texts are parallel.
        return len(next(iter(self.rows[split].values()))[0])

    def plan(self, model, training):
        settings, count = self.settings, self.count("train")
        steps = kc.data.steps_per_epoch(count, settings.batch_size)
        return kc.jobs.Plan(steps, settings.epochs, settings.batch_size)

    def build(self):
        settings = self.settings
        model, self.learner = self.sharing.build(
            units=settings.units,
            depth=settings.depth,
            cell=settings.cell,
            embedding_size=settings.embedding_size,
            bidirectional=not settings.one_direction,
            reverse_source=settings.reverse_source,
            context=settings.context,
            attention=None if settings.attention == "none" else settings.attention,
            readout=settings.readout,
            tie_embeddings=settings.tie_embeddings,
            dropout=settings.dropout,
            seed=settings.seed,
        )
        return model

    def compile(self, model, plan):
        settings = self.settings
        rate = keras.optimizers.schedules.CosineDecay(
            0.0,
            max(1, plan.steps - settings.warm_up_steps),
            warmup_target=settings.learning_rate,
            warmup_steps=settings.warm_up_steps,
        )
        averaging = kc.training.averaging(settings.average_epochs * plan.steps_per_epoch)
        optimizer = keras.optimizers.Adam(rate, global_clipnorm=settings.clip_norm, **averaging)
        self.learner.compile(
            self.guarded(optimizer),
            keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, ignore_class=kc.data.Vocabulary.PAD, name="cross_entropy"
            ),
            # XLA would compile every length anew; JAX does nothing without a compiler.
            jit_compile="auto" if keras.config.backend() == "jax" else False,
        )
        return self.learner

    def told(self, model, plan, training):
        sizes = ", ".join(f"{len(each)} {name}" for name, each in self.facts.items())
        return (
            f"{super().told(model, plan, training)}, {len(self.pairs)} directions\n"
            f"{self.settings.vocabulary}s: {sizes}"
        )

    def stream(self, split, first=0):
        """Batches of a split, from any on."""
        return self.sharing.batches(
            self.rows[split],
            batch_size=min(self.settings.batch_size, self.count(split)),
            seed=self.settings.seed,
            first=first,
        )

    def batches(self, part, plan, model):
        return lambda first: self.stream("train", first)

    def validation(self, part, plan, model):
        steps = max(1, self.count("validation") // plan.batch_size)
        return {"validation_data": self.stream("validation"), "validation_steps": steps}

    def callbacks(self, model, plan, validation):
        return kc.callbacks.scheduled_sampling(self.settings.scheduled_sampling, steps=plan.steps)

    def beams(self):
        """Arguments of the search."""
        settings = self.settings
        penalty = None if settings.length_penalty == "none" else settings.length_penalty
        return {
            "width": settings.beam,
            "length_penalty": penalty,
            "alpha": settings.alpha,
            "coverage": settings.coverage,
            "dictionary": self.dictionary,
        }

    def speak(self, models, asked):
        """Translations of the sentences given for each way."""
        limits = {"max_words": self.settings.max_words, "replace": self.replaces}
        return self.sharing.translate(models, asked, **limits, **self.beams())

    @property
    def replaces(self):
        """Whether unknown words become words of the source."""
        return self.settings.unknowns == "replace"

    def evaluate(self, model):
        settings, sharing = self.settings, self.sharing
        models = [model, *(self.companion(folder) for folder in settings.ensemble)]
        self.results.mkdir(exist_ok=True)
        texts = self.split("test").texts
        # Only for the limit: --strict refuses, otherwise the number of cut sentences is told.
        self.numbered(texts, "test")
        others = kc.models.untrained_pairs(self.pairs, settings.zero_shot)
        names = kc.models.ways(self.pairs, others)
        found = self.speak(models, {way: texts[way[0]] for way in names if len(way) == 2})
        halfway = [way for way in names if len(way) == 3]
        found |= self.speak(
            models, {way: [each.text for each in found[way[:2]]] for way in halfway}
        )
        written = {way: [each.text for each in found[way]] for way in names}
        figures, signature = kc.training.direction_metrics(written, texts)
        normalize = sharing.sides(self.pairs[0])[1].normalize
        languages = {}
        if len(names) > 1:
            learned = self.split("train").texts
            directed, languages = kc.training.direction_languages(
                written, texts, learned, normalize
            )
            figures = {way: each | directed[way] for way, each in figures.items()}
        perplexities = sharing.perplexities(models, texts, max_words=settings.max_words)
        for way, perplexity in perplexities.items():
            figures[way]["perplexity"] = perplexity
        metrics = {names[way]: each for way, each in figures.items()}
        if settings.vocabulary == "word":
            # It writes lower case without punctuation, and only so can it be right.
            normal = {language: list(map(normalize, each)) for language, each in texts.items()}
            for way, each in kc.training.direction_metrics(written, normal)[0].items():
                metrics[f"{names[way]} in lower case without punctuation"] = each
        tables = [
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
        ]
        kc.data.write_table(self.results / "translations.csv", pd.concat(tables), index=False)
        source, target = self.pairs[0]
        told = [sharing.told(text, target) for text in texts[source]]
        if not settings.ensemble:
            kc.export.write_examples(
                self.results,
                told,
                [[text] for text in texts[target]],
                written[source, target],
                lambda said, true: kc.training.translation_metrics(said, true).figures,
            )
        self.draw(told, found[source, target])
        self.output.remark(f"BLEU: {signature}")
        together = f", {len(models)} models" if settings.ensemble else ""
        title = f"{len(self.split('test'))} test sentences, beam {settings.beam}{together}"
        return kc.jobs.Scores(metrics, title)

    def companion(self, folder):
        """The model of another run, to write together with this one's."""
        other = kc.jobs.open_run(Translation, folder)
        if (other.pairs, other.settings.sharing) != (self.pairs, self.settings.sharing):
            said, allowed = (
                f"{', '.join(map('-'.join, each.pairs))} with --sharing {each.settings.sharing}"
                for each in (other, self)
            )
            raise kc.InputError(
                f"--ensemble {folder} was given, a translator of {said}. Allowed: {allowed}. Train "
                "it with the flags of this run."
            )
        if other.facts != self.facts:
            raise kc.InputError(
                f"--ensemble {folder} was given, whose vocabularies are others. Allowed: runs on "
                "the same data with the same vocabularies. Train it with the flags of this run, "
                "but for --seed, --out and those of the network."
            )
        return other.trained()

    def draw(self, told, found):
        """What the decoder looked at in some sentences of the first direction."""
        pair, shown = self.pairs[0], slice(self.settings.sentences)
        if found[0].alignments is None:
            return
        page = self.results / "alignments.png"
        written = [each.text for each in found[shown]]
        sides = zip(self.sharing.sides(pair), (told[shown], written), strict=True)
        units = [
            [[vocabulary.join([unit]) for unit in vocabulary.split(text)] for text in side]
            for vocabulary, side in sides
        ]
        kc.analysis.draw_alignments(page, [each.alignments for each in found[shown]], *units)
        self.output.remark(f"picture: {page}")

    def project(self, model):
        """Draw what the encoder makes of groups of sentences, in their two main directions."""
        source, target = self.pairs[0]
        if self.settings.groups:
            groups = kc.data.read_groups(self.settings.groups)
        elif self.settings.data == "phrases":
            groups = kc.data.phrase_groups(source)
        else:
            raise kc.InputError(
                f"project was asked for on {self.settings.data} without groups. Allowed: --groups "
                "FILE, paraphrases below each other and empty lines between groups. Write such a "
                "file."
            )
        rows = [(label, text) for label, texts in groups for text in texts]
        table = pd.DataFrame(rows, columns=["group", "sentence"])
        told = [self.sharing.told(text, target) for text in table["sentence"]]
        numbers = self.encode(told, self.sharing.sides((source, target))[0], "projected")
        part = self.sharing.part((source, target))
        states = kc.models.sentence_states(model, numbers, part)
        coordinates, shares = kc.analysis.principal_components(states)
        within, between = kc.analysis.group_cosines(states, table["group"])
        table[["x", "y"]] = coordinates
        kc.data.write_table(self.results / "projection.csv", table, index=False)
        page = self.results / "projection.png"
        kc.analysis.draw_projection(page, coordinates, table["sentence"], table["group"], shares)
        self.output.result(
            f"encoder states of {len(table)} sentences: mean cosine {within:.3f} within groups, "
            f"{between:.3f} between them; picture: {page}",
            {"sentences": len(table), "within": within, "between": between},
        )

    def export(self, model, path, format):
        folders, places = format == "saved_model", []
        for part in self.sharing.parts():
            name, place = "-".join(part or ()), path
            if part:
                place = path / name if folders else path.with_stem(f"{path.stem}-{name}")
            source, target = (self.facts[name] for name in self.sharing.names(part))
            kc.export.export_translator(
                model,
                source,
                target,
                place,
                max_words=self.settings.max_words,
                format=format,
                n_best=self.settings.beam,
                pair=part,
                # The other formats see numbers only, so that there is no word to put in.
                replace_unknowns=folders and self.replaces,
                **self.beams(),
            )
            if folders:
                source.save(place / "source.json")
                kc.jobs.write_json(place / "run.json", kc.jobs.read_run(self.folder))
            places.append(place)
        return places

    def example(self):
        (self.settings.out_of, self.settings.into), self.settings.n_best = self.pairs[0], 3
        table = kc.data.read_table(
            self.folder / "translations.csv",
            "what evaluate wrote",
            f"Run: {self.command} evaluate --out {self.folder}",
            keep_default_na=False,
        )
        return [table["source"][0]]

    def exports_in(self, folder):
        return bool(directions(folder))

    def open_export(self, folder):
        return Served(folder, self.settings.into, self.settings.out_of)

    def ask(self, query, exported):
        units, unit = exported.units(query), exported.vocabulary.UNIT
        long = len(units) > exported.limit
        if not exported.vocabulary.split(query) or (long and self.settings.strict):
            raise kc.InputError(
                f"{query[:60]!r} has {len(units)} {unit}s. Allowed: 1 to {exported.limit}. "
                "Divide it, or leave out --strict to have it cut."
            )
        self.cut += long
        self.limit = f"{exported.limit} {unit}s"
        return self.named(exported.answers(query))

    def ask_model(self, query, model):
        settings = self.settings
        pair = next(
            (pair for pair in self.pairs if settings.into in (None, pair[1])), self.pairs[0]
        )
        [best] = self.speak([model], {pair: [query]})[pair]
        return self.named([(best.text, best.log_probability)])

    def named(self, answers):
        """An answer: the best of some translations with their log-probabilities."""
        best = answers[: self.settings.n_best]
        scored = [f"{text} ({score:.2f})" for text, score in best]
        return kc.jobs.Answer(
            " | ".join(scored if self.settings.n_best > 1 else [text for text, _ in best]),
            {"translations": [text for text, _ in best], "log_probabilities": [p for _, p in best]},
        )

    def line(self, query, answer):
        return f"{query} -> {answer.text}"

    def answered(self):
        if self.cut:
            self.output.remark(f"{self.cut} sentences were cut to {self.limit}")


def main(argv=None):
    """Run the application; returns the exit code."""
    return kc.jobs.run(Translation, argv, about=__doc__)


if __name__ == "__main__":
    sys.exit(main())
