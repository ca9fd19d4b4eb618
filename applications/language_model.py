"""A character language model: learns from text, writes text, shows what its cells keep track of.

Without a verb the whole job: train (with progress, resumable, samples on the way), evaluate on held
out text in bits per character, find and draw interpretable cells, and write.

    python applications/language_model.py                             # Python's standard library
    python applications/language_model.py --data text:FILE            # your own text
    python applications/language_model.py write --prime "def " --temperature 0.7
"""

from __future__ import annotations

import dataclasses
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import pandas as pd  # noqa: E402

import keras_classics as kc  # noqa: E402

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
        return kc.data.collect_documents(getattr(self.data, split))

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
        settings = self.settings
        size = {"batch_size": settings.batch_size, "k1": settings.k1, "k2": settings.k2}
        return kc.data.text_windows(self.encoded(documents), **size)

    def plan(self, model, training):
        steps, settings = self.windows(training).steps, self.settings
        return kc.jobs.Plan(steps, settings.epochs, settings.batch_size * settings.k1)

    def build(self):
        settings = self.settings
        return kc.models.language_model(
            len(self.facts["alphabet"]),
            settings.units,
            settings.depth,
            settings.cell,
            embedding_size=settings.embedding_size,
            dropout=settings.dropout,
            tie_embeddings=settings.tie_embeddings,
            initial_range=settings.initial_range,
            seed=settings.seed,
        )

    def compile(self, model, plan):
        settings = self.settings
        trainer = kc.training.TruncatedBPTT(model, settings.batch_size, settings.k1, settings.k2)
        falls = range(settings.decay_after, max(plan.epochs, settings.decay_after + 1))
        rate = keras.optimizers.schedules.PiecewiseConstantDecay(
            [epoch * plan.steps_per_epoch - 1 for epoch in falls],
            [settings.learning_rate * settings.decay**number for number in range(len(falls) + 1)],
        )
        limit = settings.clip_norm or None
        if settings.optimizer == "adam":
            optimizer = keras.optimizers.Adam(rate, global_clipnorm=limit)
        else:
            # As in char-rnn, which adds 1e-8 to the root of the mean square. Keras adds to the mean
            # square itself, where its 1e-7 outweighs most gradients of a mean over many characters.
            optimizer = keras.optimizers.RMSprop(
                rate, rho=0.95, epsilon=1e-16, global_clipnorm=limit
            )
        trainer.compile(
            self.guarded(optimizer),
            keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, reduction="mean_with_sample_weight"
            ),
            weighted_metrics=[
                keras.metrics.SparseCategoricalCrossentropy(name="nats", from_logits=True),
                kc.training.BitsPerCharacter(),
            ],
        )
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
        settings = self.settings
        return kc.decoding.TextWriter(
            kc.models.split_language_model(model),
            self.facts["alphabet"],
            prime=settings.prime,
            length=length,
            seed=settings.seed,
            temperature=settings.temperature,
            top_k=settings.top_k,
            top_p=settings.top_p,
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
        alphabet, metrics = self.facts["alphabet"], {}
        learnt = self.encoded(self.split("train"))
        for split in SPLITS[1:]:
            held_out = self.encoded(self.split(split))
            if held_out:
                nats = kc.training.text_nats(model, held_out)
                metrics[split] = kc.training.likelihood(nats)
                nats = kc.training.bigram_nats(learnt, held_out, len(alphabet))
                metrics[f"{split}, bigrams"] = kc.training.likelihood(nats)
        return kc.jobs.Scores(metrics, "per character of held-out text", digits=4)

    def cells(self, model):
        """Find cells that follow what is true of held-out text; write a table and a page."""
        findings, excerpts = kc.analysis.find_cells(
            model,
            [*self.split("test"), *self.split("validation")],
            self.facts["alphabet"],
            characters=self.settings.characters,
            seed=self.settings.seed,
            class_names=kc.data.TOKEN_CLASSES,
        )
        rows = [{**dataclasses.asdict(each), "follows": each.follows} for each in findings]
        table, page = self.results / "cells.csv", self.results / "cells.html"
        kc.data.write_table(table, pd.DataFrame(rows), index=False)
        kc.analysis.write_cells_page(
            page, findings, excerpts, kc.analysis.CellReader(model), self.facts["alphabet"]
        )
        figures = {
            f"{each.target}, {each.layer}:{each.cell}{', follows' if each.follows else ''}": {
                "r": each.correlation,
                **({} if each.roc_auc is None else {"AUC": each.roc_auc}),
                "bigram": each.bigram,
                "untrained": each.untrained,
                "p": each.p_value,
                "nats on": each.rise_on,
                "nats off": each.rise_off,
            }
            for each in findings
        }
        self.output.result(kc.jobs.metrics_table(figures, "cells"), {"cells": figures})
        self.output.remark(f"page: {page}")

    def write(self, model):
        """Write text."""
        settings = self.settings
        for number, text in enumerate(self.writer(model, settings.length)(settings.count), 1):
            if settings.count > 1:
                self.output.rule(str(number))
            self.output.result(settings.prime + text, {"prime": settings.prime, "text": text})


def main(argv=None):
    """Run the application; returns the exit code."""
    return kc.jobs.run(LanguageModel, argv, about=__doc__)


if __name__ == "__main__":
    sys.exit(main())
