"""Translation, from parallel text to a SavedModel that answers in sentences.

Without a verb the whole job: train (with progress, resumable), evaluate with sacrebleu, draw what
the model looks at and how it lays out sentences, export, and translate one sentence.

    python applications/translation.py                                     # the embedded phrases
    python applications/translation.py --data parallel:FOLDER --languages en,fr
    python applications/translation.py --pairs en-fr,fr-en,en-nl,nl-en     # and zero-shot fr-nl
    python applications/translation.py translate 'twenty-one kilometers'   # the model at hand
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import keras_classics as kc
from translators.project import project
from translators.settings import Settings


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
        # Only of the phrases groups are known.
        return [verb for verb in self.verbs if verb != "project" or self.settings.data == "phrases"]

    def complete(self):
        settings = self.settings
        settings.complete()
        self.dictionary = settings.dictionary and kc.data.read_dictionary(settings.dictionary)
        self.pairs = kc.export.trained_pairs(vars(settings))
        self.sharing = kc.models.SHARINGS[settings.sharing](self.pairs)
        self.form = f"{', '.join(map('-'.join, self.pairs))} with --sharing {settings.sharing}"
        self.cut = 0
        if settings.ensemble:
            # What several write together stands beside what one wrote alone.
            self.results = self.folder / "ensemble"

    def reader_options(self):
        return self.settings.some("languages") if self.settings.data == "phrases" else {}

    def read(self, split):
        if self.data.info.languages is None:
            raise kc.InputError(
                f"--data {self.settings.data} was given, which has no parallel text",
                "phrases, parallel:FILE.en,FILE.fr, parallel:FOLDER, a tfds:NAME of translations",
                "See --help.",
            )
        return getattr(self.data, split).of(self.settings.languages)

    def fact_files(self):
        names = self.sharing.vocabulary_names()
        return {name: kc.jobs.Fact(f"{name}.json", kc.data.load_vocabulary) for name in names}

    def make_facts(self, training):
        settings = self.settings
        limits = {"min_count": settings.min_count, "max_size": settings.vocabulary_size}
        make = functools.partial(kc.data.make_vocabulary, settings.vocabulary, **limits)
        self.sharing.make_vocabularies(training.texts, make)
        return self.sharing.vocabularies

    def numbered(self, part, split):
        limits = {"split": split, **self.settings.some("max_words", "strict")}
        return self.sharing.number(part.texts, remark=self.output.remark, **limits)

    def check_model(self, model):
        self.sharing.vocabularies = self.facts
        self.sharing.check_model(model)

    def build(self):
        settings = self.settings
        model, self.learner = self.sharing.build(
            bidirectional=not settings.one_direction,
            **settings.some("units", "depth", "cell", "embedding_size", "reverse_source"),
            **settings.some("attention", "context", "readout", "tie_embeddings", "dropout", "seed"),
        )
        return model

    def compile(self, model, plan):
        optimizer = kc.training.cosine_adam(
            self.settings.learning_rate,
            plan.steps,
            average_steps=self.settings.average_epochs * plan.steps_per_epoch,
            **self.settings.some("warm_up_steps", "clip_norm"),
        )
        kc.training.compile_translator(self.learner, self.guarded(optimizer))
        return self.learner

    def told(self, model, plan, training):
        sizes = ", ".join(f"{len(each)} {name}" for name, each in self.facts.items())
        directions = "1 direction" if len(self.pairs) == 1 else f"{len(self.pairs)} directions"
        told = f"{super().told(model, plan, training)}, {directions}"
        return f"{told}\n{self.settings.vocabulary}s: {sizes}"

    def batches(self, part, plan, model):
        size, seed = min(plan.batch_size, len(part)), self.settings.seed
        return functools.partial(self.sharing.batches, part, batch_size=size, seed=seed)

    def callbacks(self, model, plan, validation):
        return kc.callbacks.scheduled_sampling(self.settings.scheduled_sampling, steps=plan.steps)

    def search(self):
        """Arguments of the beam search; unknown words may become words of the source."""
        limits = self.settings.some("length_penalty", "alpha", "coverage", "max_words")
        words = {"dictionary": self.dictionary, "replace": self.settings.unknowns == "replace"}
        return {"width": self.settings.beam, **words, **limits}

    def evaluate(self, model):
        settings, sharing = self.settings, self.sharing
        twins = [kc.jobs.open_twin(self, folder, "form") for folder in settings.ensemble]
        test, (source, target) = self.split("test"), self.pairs[0]
        # Only for the limit: --strict refuses, otherwise the number of cut sentences is told.
        self.numbered(test, "test")
        texts = test.texts
        options = {"zero_shot": settings.zero_shot, **self.search()}
        models, learned = [model, *twins], lambda: self.split("train").texts
        scored = kc.training.score_directions(sharing, models, texts, learned, **options)
        self.table("translations.csv", scored.columns)
        told = [sharing.told(text, target) for text in texts[source]]
        found, true = scored.found[source, target], [[text] for text in texts[target]]
        if not settings.ensemble:
            answers, score = [each.text for each in found], kc.training.translation_metrics
            kc.export.write_examples(
                self.results, told, true, answers, lambda *both: score(*both).figures
            )
        page, shown = self.results / "alignments.png", slice(settings.sentences)
        sides = sharing.sides((source, target))
        if kc.analysis.draw_translations(page, told[shown], found[shown], sides):
            self.output.remark(f"picture: {page}")
        self.output.remark(f"BLEU: {scored.signature}")
        together = f", {1 + len(twins)} models" if twins else ""
        title = f"{len(told)} test sentences, beam {settings.beam}{together}"
        return kc.jobs.Scores(scored.metrics, title)

    def project(self, model):
        """Draw what the encoder makes of groups of sentences, in their two main directions."""
        project(self, model)

    def export(self, model, path, format):
        record, options = kc.jobs.read_run(self.folder), {"n_best": self.settings.beam}
        options |= {"format": format, **self.search()}
        return kc.export.export_translators(model, self.sharing, path, record, **options)

    def example(self):
        (self.settings.out_of, self.settings.into), self.settings.n_best = self.pairs[0], 3
        return [self.split("test").texts[self.settings.out_of][0]]

    def exports_in(self, folder):
        return bool(kc.export.exported_directions(folder))

    def open_export(self, folder):
        return kc.export.ExportedTranslator(folder, self.settings.into, self.settings.out_of)

    def ask(self, query, exported):
        texts, scores, cut = exported.answers(query, strict=self.settings.strict)
        self.cut, self.limit = self.cut + cut, f"{exported.limit} {exported.vocabulary.UNIT}s"
        return self.answer(texts, scores)

    def ask_model(self, query, model):
        pair = next((each for each in self.pairs if each[1] == self.settings.into), self.pairs[0])
        [best] = self.sharing.translate([model], {pair: [query]}, **self.search())[pair]
        return self.answer([best.text], [best.log_probability])

    def answer(self, texts, scores):
        """The best of some translations; of one alone no score is shown."""
        shown = "{} ({:.2f})" if self.settings.n_best > 1 else "{}"
        form = {"scored": "log_probabilities", "shown": shown, "between": " | "}
        return self.ranked(texts, scores, of="translations", **form)

    def line(self, query, answer):
        return f"{query} -> {answer.text}"

    def answered(self):
        if self.cut:
            were = "sentence was" if self.cut == 1 else "sentences were"
            self.output.remark(f"{self.cut} {were} cut to {self.limit}")


main = functools.partial(kc.jobs.run, Translation)

if __name__ == "__main__":
    sys.exit(main())
