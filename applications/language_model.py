"""A character language model: learns from text, writes text, shows what its cells keep track of.

Without a verb the whole job: train (with progress, resumable, samples on the way), evaluate on held
out text in bits per character, find and draw interpretable cells, and write.

    python applications/language_model.py                             # Python's standard library
    python applications/language_model.py --data text:FILE            # your own text
    python applications/language_model.py write --prime "def " --temperature 0.7
"""

from __future__ import annotations

import dataclasses
import functools
import sys

import keras_classics as kc

flag, SPLITS = kc.jobs.flag, ("train", "validation", "test")
# Test documents that a model carries with it, and the first characters of each.
CARRIED, EXCERPT = 100, 2000


@dataclasses.dataclass(kw_only=True)
class Settings(kc.jobs.WritingSettings, kc.jobs.RecurrentSettings, cell="lstm", depth=2,
        dropout=0.0, epochs=10, batch_size=50, learning_rate=4e-3):  # fmt: skip
    """Their defaults are a small LSTM on the standard library."""

    data: str = flag("source_code", "source_code or text:FILE")
    data_options: dict = flag(dict, "characters=1000000 of source_code; pieces=50 test=0 of text")
    embedding_size: int | None = flag(None, "width of a learned embedding; one-hot without")
    initial_range: float | None = flag(None, "matrices start uniform in +-this (char-rnn: 0.08)")
    k1: int = flag(50, "characters between two updates")
    k2: int | None = flag(None, "characters the gradient reaches back, a multiple of k1 (default)")
    optimizer: str = flag("adam", choices=("adam", "rmsprop"))
    decay: float = flag(0.97, "of the rate, once in an epoch after the first")
    decay_after: int = flag(1, "epochs before the rate begins to fall")
    characters: int = flag(20_000, "that cells are scored on", verbs=["cells"])


class LanguageModel(kc.jobs.Job):
    """Text in, text out."""

    Settings = Settings
    name, makes, model_file = "language_model", "language model", "language_model.keras"
    reads = "text"
    verbs = {
        "train": "train, or go on training",
        "evaluate": "nats and bits per character of held-out text",
        "cells": "find and draw interpretable cells",
        "write": "write text",
    }
    extras = {"cells": [("sklearn.metrics", "digits")]}

    def fact_files(self):
        return {"alphabet": kc.jobs.Fact("alphabet.json", kc.data.Alphabet.load)}

    def make_facts(self, training):
        parts = [training, *map(self.split, SPLITS[1:])]
        texts = [document.text for part in parts for document in part]
        return {"alphabet": kc.data.Alphabet.from_texts(texts)}

    def check_model(self, model):
        self.facts["alphabet"].check_matches(model.output["logits"].shape[-1])

    def encoded(self, documents):
        return [self.facts["alphabet"].encode(document.text) for document in documents]

    def windows(self, documents):
        sizes = self.settings.some("batch_size", "k1", "k2")
        return kc.data.text_windows(self.encoded(documents), **sizes)

    def plan(self, model, training):
        steps, settings = self.windows(training).steps, self.settings
        return kc.jobs.Plan(steps, settings.epochs, settings.batch_size * settings.k1)

    def build(self):
        network = self.settings.network() | self.settings.some("initial_range")
        return kc.models.language_model(len(self.facts["alphabet"]), **network)

    def compile(self, model, plan):
        settings = self.settings
        trainer = kc.training.TruncatedBPTT(model, settings.batch_size, settings.k1, settings.k2)
        falls = {"factor": settings.decay, "first": settings.decay_after}
        falls |= {"steps_per_epoch": plan.steps_per_epoch, "epochs": plan.epochs}
        falls |= settings.some("learning_rate", "clip_norm")
        optimizer = kc.training.falling_optimizer(settings.optimizer, **falls)
        kc.training.compile_reader(trainer, self.guarded(optimizer))
        return trainer

    def told(self, model, plan, training):
        known, characters = len(self.facts["alphabet"]), self.windows(training).characters
        length = f"{plan.epochs} epochs of {plan.steps_per_epoch} iterations"
        told = f"{model.count_params():,} parameters, {known} characters"
        return f"{told}, {characters:,} to learn from in {length}"

    def batches(self, part, plan, model):
        return self.windows(part).batches

    def validation(self, part, plan, model):
        return {"validation_data": self.windows(part).epoch()}

    def writer(self, model, length):
        decoder, options = kc.models.split_language_model(model), self.settings.writing()
        return kc.decoding.TextWriter(decoder, self.facts["alphabet"], length=length, **options)

    def callbacks(self, model, plan, validation):
        writer = self.writer(model, self.settings.sample_length)
        show = functools.partial(self.output.excerpt, "after {:,} iterations")
        return [kc.callbacks.Samples(writer, show, self.settings.samples)]

    def evaluate(self, model):
        texts = {split: self.encoded(self.split(split)) for split in SPLITS}
        learnt, size = texts.pop("train"), len(self.facts["alphabet"])
        metrics = kc.training.text_metrics(model, learnt, texts, size)
        if excerpts := [each.text[:EXCERPT] for each in self.split("test")[:CARRIED]]:
            encoded = [*map(self.facts["alphabet"].encode, excerpts)]
            figures = kc.training.text_metrics(model, learnt, {"test": encoded}, size)["test"]
            # The truth of a text is itself.
            given = excerpts, [[]] * len(excerpts), excerpts
            kc.export.write_examples(self.results, *given, lambda *_: figures)
        return kc.jobs.Scores(metrics, "per character of held-out text", digits=4)

    def cells(self, model):
        """Find cells that follow what is true of held-out text; write a table and a page."""
        alphabet, page = self.facts["alphabet"], self.results / "cells.html"
        texts = [*self.split("test"), *self.split("validation")]
        options = self.settings.some("characters", "seed")
        # A text has no classes, code those of its characters.
        options |= {"class_names": self.data.info.classes or ()}
        findings, excerpts = kc.analysis.find_cells(model, texts, alphabet, **options)
        rows = [{**dataclasses.asdict(each), "follows": each.follows} for each in findings]
        self.table("cells.csv", rows)
        reader = kc.analysis.CellReader(model)
        kc.analysis.write_cells_page(page, findings, excerpts, reader, alphabet)
        figures = {each.title: each.figures for each in findings}
        self.output.result(kc.jobs.metrics_table(figures, "cells"), {"cells": figures})
        self.output.remark(f"page: {page}")

    def write(self, model):
        """Write text."""
        settings = self.settings
        for number, text in enumerate(self.writer(model, settings.length)(settings.count), 1):
            if settings.count > 1:
                self.output.rule(str(number))
            self.output.result(settings.prime + text, {"prime": settings.prime, "text": text})


main = functools.partial(kc.jobs.run, LanguageModel)

if __name__ == "__main__":
    sys.exit(main())
