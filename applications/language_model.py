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

flag = kc.jobs.flag
SAMPLED, SPLITS = ["train", "write"], ("train", "validation", "test")


def typed_text(text):
    r"""A text as it is typed, in which \n is a line end."""
    return text.replace("\\n", "\n")


@dataclasses.dataclass(kw_only=True)
class Settings(kc.jobs.Settings):
    """Their defaults are a small LSTM on the standard library."""

    data: str = flag("source_code", "source_code or text:FILE")
    data_options: dict = flag(dict, "characters=1000000 of source_code; pieces=50 test=0 of text")
    cell: str = flag("lstm", "lstm, gru, elman, ...")
    units: int = flag(128)
    depth: int = flag(2, "recurrent layers, one on the other")
    embedding_size: int | None = flag(None, "width of a learned embedding; one-hot without")
    tie_embeddings: bool = flag(False, "one matrix for reading and answering")
    dropout: float = flag(0.0)
    initial_range: float | None = flag(None, "matrices start uniform in plus/minus this "
        "(char-rnn: 0.08)")  # fmt: skip
    k1: int = flag(50, "characters between two updates")
    k2: int | None = flag(None, "characters the gradient reaches back, a multiple of k1, its "
        "default")  # fmt: skip
    epochs: int = flag(10, may_change=True)
    batch_size: int = flag(50)
    optimizer: str = flag("adam", choices=("adam", "rmsprop"))
    learning_rate: float = flag(4e-3)
    decay: float = flag(0.97, "of the rate, once in an epoch after the first")
    decay_after: int = flag(1, "epochs before the rate begins to fall")
    clip_norm: float = flag(5.0, "of all gradients together; 0 for no limit")
    seed: int = flag(0, "of weights, dropout and what is written", verbs=SAMPLED)
    samples: list[int] = flag([100, 300, 700, 2000], "iterations after which a sample is shown",
        may_change=True, metavar="ITERATION")  # fmt: skip
    sample_length: int = flag(300, may_change=True)
    prime: str = flag("", "text to go on from; \\n for a line end", verbs=SAMPLED, may_change=True,
        parse=typed_text)  # fmt: skip
    temperature: float = flag(1.0, "below 1 safer, above 1 wilder", verbs=SAMPLED, may_change=True)
    top_k: int | None = flag(None, "draw from the k most probable only", verbs=SAMPLED,
        may_change=True)  # fmt: skip
    top_p: float | None = flag(None, "draw from the fewest of this probability only",
        verbs=SAMPLED, may_change=True)  # fmt: skip
    length: int = flag(500, "characters to write", verbs=["write"])
    count: int = flag(1, "texts to write", verbs=["write"])
    characters: int = flag(20_000, "that cells are scored on", verbs=["cells"])


class LanguageModel(kc.jobs.Job):
    """Text in, text out."""

    Settings = Settings
    name, makes = "language_model", "language model"
    model_file = "language_model.keras"
    verbs = {
        "train": "train, or go on training",
        "evaluate": "nats and bits per character of held-out text",
        "cells": "find and draw interpretable cells",
        "write": "write text",
    }
    extras = {"cells": [("sklearn.metrics", "digits")]}

    def read(self, split):
        return kc.data.collect(getattr(self.data, split), "text", description=split)

    def fact_files(self):
        return {"alphabet": kc.jobs.Fact("alphabet.json", kc.data.Alphabet.load)}

    def make_facts(self, training):
        others = [each for split in SPLITS[1:] for each in self.split(split)]
        texts = [document.text for document in [*training, *others]]
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
        network = self.settings.some(
            "units", "depth", "cell", "embedding_size", "dropout", "tie_embeddings",
            "initial_range", "seed",
        )  # fmt: skip
        return kc.models.language_model(len(self.facts["alphabet"]), **network)

    def compile(self, model, plan):
        settings = self.settings
        trainer = kc.training.TruncatedBPTT(model, settings.batch_size, settings.k1, settings.k2)
        optimizer = kc.training.falling_optimizer(
            settings.optimizer,
            settings.learning_rate,
            factor=settings.decay,
            steps_per_epoch=plan.steps_per_epoch,
            epochs=plan.epochs,
            first=settings.decay_after,
            clip_norm=settings.clip_norm,
        )
        kc.training.compile_reader(trainer, self.guarded(optimizer))
        return trainer

    def told(self, model, plan, training):
        characters = self.windows(training).characters
        return (
            f"{model.count_params():,} parameters, {len(self.facts['alphabet'])} characters, "
            f"{characters:,} to learn from in {plan.epochs} epochs of {plan.steps_per_epoch} "
            "iterations"
        )

    def batches(self, part, plan, model):
        return self.windows(part).batches

    def validation(self, part, plan, model):
        return {"validation_data": self.windows(part).epoch()}

    def writer(self, model, length):
        return kc.decoding.TextWriter(
            kc.models.split_language_model(model),
            self.facts["alphabet"],
            length=length,
            **self.settings.some("prime", "seed", "temperature", "top_k", "top_p"),
        )

    def callbacks(self, model, plan, validation):
        writer = self.writer(model, self.settings.sample_length)
        return [kc.callbacks.Samples(writer, self.show, self.settings.samples)]

    def show(self, iteration, text):
        """What training has come to."""
        self.output.rule(f"after {iteration:,} iterations")
        self.output.remark(text)
        self.output.rule()

    def evaluate(self, model):
        texts = {split: self.encoded(self.split(split)) for split in SPLITS}
        learnt, size = texts.pop("train"), len(self.facts["alphabet"])
        metrics = kc.training.text_metrics(model, learnt, texts, size)
        return kc.jobs.Scores(metrics, "per character of held-out text", digits=4)

    def cells(self, model):
        """Find cells that follow what is true of held-out text; write a table and a page."""
        alphabet, page = self.facts["alphabet"], self.results / "cells.html"
        findings, excerpts = kc.analysis.find_cells(
            model,
            [*self.split("test"), *self.split("validation")],
            alphabet,
            class_names=self.data.info.classes,
            **self.settings.some("characters", "seed"),
        )
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
