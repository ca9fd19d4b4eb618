"""Translation, from parallel text to a SavedModel that answers in sentences.

Without a verb the whole job: train (with progress, resumable), evaluate with sacrebleu, draw what
the model looks at and how it lays out sentences, export, and translate one sentence.

    python applications/translation.py                                     # the embedded phrases
    python applications/translation.py --data parallel:FOLDER --languages en,fr
    python applications/translation.py --pairs en-fr,fr-en,en-nl,nl-en     # and zero-shot fr-nl
    python applications/translation.py translate 'twenty-one kilometers'   # the model at hand
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from pathlib import Path

import keras_classics as kc

PHRASES_DATA = {"train": 20000, "validation": 500, "test": 1000}
flag = kc.jobs.flag


@dataclasses.dataclass(kw_only=True)
class Settings(kc.jobs.TranslatorSettings, epochs=8, batch_size=64, learning_rate=3e-3):
    """Their defaults are English to French on the phrases."""

    data: str = flag("phrases", "phrases, parallel:FILE.en,FILE.fr, parallel:FOLDER or tfds:NAME")
    data_options: dict = flag(dict, "phrases: train=20000 ...; files: validation=v.en,v.fr ...")


class Translation(kc.jobs.Job):
    """Sentences in, sentences out."""

    Settings = Settings
    name, makes, model_file = "translation", "translator", "translator.keras"
    verbs = kc.jobs.VERBS | {
        "project": "draw the encoder's states of groups of sentences",
        "translate": "translate sentences, or the lines of standard input",
    }
    reads, asks, queries, reads_lines = "texts", "translate", "TEXT", True
    extras = {"evaluate": [("sacrebleu", "translation")]}
    shipped = Path(__file__).resolve().parent.parent / "saved_models" / "translation-phrases"

    def whole(self):
        # Only of the phrases groups are known.
        return [verb for verb in self.verbs if verb != "project" or self.settings.data == "phrases"]

    def complete(self):
        settings = self.settings
        self.pairs = kc.export.trained_pairs(vars(settings))
        if settings.data == "phrases":
            # Dutch and German write a number as one word, however long.
            compounds = any({"nl", "de"} & {*pair} for pair in self.pairs)
            unit = "character" if compounds else "token"
            settings.fill(data_options=PHRASES_DATA, vocabulary=unit, min_count=1)
        settings.fill_units()
        self.search = settings.search()
        self.sharing = kc.models.SHARINGS[settings.sharing](self.pairs)
        self.form = f"{', '.join(map('-'.join, self.pairs))} with --sharing {settings.sharing}"
        self.cut, self.asked = 0, []
        if settings.ensemble:
            # What several write together stands beside what one wrote alone.
            self.results = self.folder / "ensemble"

    def reader_options(self):
        return self.settings.some("languages") if self.settings.data == "phrases" else {}

    def read(self, split):
        return super().read(split).of(self.settings.languages)

    def fact_files(self):
        names = self.sharing.vocabulary_names()
        return {name: kc.jobs.Fact(f"{name}.json", kc.data.load_vocabulary) for name in names}

    def make_facts(self, training):
        unit, limits = self.settings.vocabulary, self.settings.numbering()
        make = functools.partial(kc.data.make_vocabulary, unit, **limits)
        self.sharing.make_vocabularies(training.texts, make)
        return self.sharing.vocabularies

    def numbered(self, part, split):
        limits = {"split": split, **self.settings.some("max_words", "strict")}
        return self.sharing.number(part.texts, remark=self.output.remark, **limits)

    def check_model(self, model):
        self.sharing.vocabularies = self.facts
        self.sharing.check_model(model)

    def build(self):
        model, self.learner = self.sharing.build(**self.settings.network())
        return model

    def compile(self, model, plan):
        rate = self.settings.falling(plan.steps_per_epoch)
        optimizer = kc.training.cosine_adam(steps=plan.steps, **rate)
        kc.training.compile_translator(self.learner, self.guarded(optimizer))
        return self.learner

    def told(self, model, plan, training):
        sizes = ", ".join(f"{len(each)} {name}" for name, each in self.facts.items())
        count, told = len(self.pairs), super().told(model, plan, training)
        return f"{told}, {count} direction{'s' * (count > 1)}\n{self.settings.vocabulary}s: {sizes}"

    def batches(self, part, plan, model):
        size, seed = min(plan.batch_size, len(part)), self.settings.seed
        return functools.partial(self.sharing.batches, part, batch_size=size, seed=seed)

    def callbacks(self, model, plan, validation):
        return kc.callbacks.scheduled_sampling(self.settings.scheduled_sampling, steps=plan.steps)

    def evaluate(self, model):
        settings, sharing, test = self.settings, self.sharing, self.split("test")
        models = [model, *(kc.jobs.open_twin(self, each, "form") for each in settings.ensemble)]
        # Only for the limit: --strict refuses, otherwise the number of cut sentences is told.
        self.numbered(test, "test")
        options, learned = settings.some("zero_shot"), lambda: self.split("train").texts
        options |= self.search
        scored = kc.training.score_directions(sharing, models, test.texts, learned, **options)
        self.table("translations.csv", scored.columns)
        source, target = pair = self.pairs[0]
        told = [sharing.told(text, target) for text in test.texts[source]]
        found, true = scored.found[pair], [[text] for text in test.texts[target]]
        if not settings.ensemble:
            kc.export.write_examples(self.results, told, true, [each.text for each in found],
                lambda *both: kc.training.translation_metrics(*both).figures)  # fmt: skip
        page, shown = self.results / "alignments.png", slice(settings.sentences)
        if kc.analysis.draw_translations(page, told[shown], found[shown], sharing.sides(pair)):
            self.output.remark(f"picture: {page}")
        self.output.remark(f"BLEU: {scored.signature}")
        together = f", {len(models)} models" if settings.ensemble else ""
        title = f"{len(told)} test sentences, beam {settings.beam}{together}"
        return kc.jobs.Scores(scored.metrics, title)

    def project(self, model):
        pair, settings = self.pairs[0], self.settings
        if settings.data != "phrases" and not settings.groups:
            raise kc.InputError(
                f"project was asked for on {settings.data} without groups",
                "--groups FILE, paraphrases below each other and empty lines between groups",
                "Write such a file.",
            )
        limits = {"max_words": settings.max_words, "remark": self.output.remark}
        states = functools.partial(self.sharing.states, model, pair, **limits)
        groups = kc.data.sentence_groups(settings.groups, language=pair[0])
        found, page = kc.analysis.project_groups(groups, states), self.results / "projection.png"
        found.draw(page)
        self.table("projection.csv", found.columns)
        self.output.result(f"{found.told}; picture: {page}", found.figures)

    def export(self, model, path, format):
        record, options = kc.jobs.read_run(self.folder), {"n_best": self.settings.beam}
        options |= {"format": format, **self.search}
        return kc.export.export_translators(model, self.sharing, path, record, **options)

    def example(self):
        (self.settings.out_of, self.settings.into), self.settings.n_best = self.pairs[0], 3
        return [self.split("test").texts[self.settings.out_of][0]]

    def exports_in(self, folder):
        return bool(kc.export.exported_directions(folder))

    def open_export(self, folder):
        return kc.export.ExportedTranslator(folder, self.settings.into, self.settings.out_of)

    def ask(self, query, exported):
        found, known = exported.answers(query, strict=self.settings.strict), exported.vocabulary
        self.cut, self.limit = self.cut + found.cut, f"{exported.limit} {known.UNIT}s"
        self.asked.append((found.asked, found.best, (known, known)))
        return self.answer(found.texts, found.log_probabilities)

    def ask_model(self, query, model):
        pair = next((each for each in self.pairs if each[1] == self.settings.into), self.pairs[0])
        [best] = self.sharing.translate([model], {pair: [query]}, **self.search)[pair]
        self.asked.append((self.sharing.told(query, pair[1]), best, self.sharing.sides(pair)))
        return self.answer([best.text], [best.log_probability])

    def answer(self, texts, scores):
        """The best of some translations; of one alone no score is shown."""
        shown = "{} ({:.2f})" if self.settings.n_best > 1 else "{}"
        return self.ranked(texts, scores, of="translations", shown=shown)

    def line(self, query, answer):
        return f"{query} -> {answer.text}"

    def answered(self):
        if self.cut:
            self.output.remark(f"sentences that were cut to {self.limit}: {self.cut}")
        if self.settings.draw and self.asked:
            told, found, sides = zip(*self.asked[: self.settings.sentences], strict=True)
            page = self.results / "answers.png"
            if kc.analysis.draw_translations(page, told, found, sides[0]):
                self.output.remark(f"picture: {page}")


main = functools.partial(kc.jobs.run, Translation)

if __name__ == "__main__":
    sys.exit(main())
