"""Labels for sequences: one each, one for every step, or in order at unknown places (CTC).

Without a verb the whole job: train (with progress, resumable), evaluate with the field's metrics,
export, and answer one query from the exported model.

    python applications/labelling.py                           # digits in lines, by CTC
    python applications/labelling.py --data speech:FOLDER      # spoken digits, by CTC
    python applications/labelling.py --task tag                # token classes of source code
    python applications/labelling.py --task tag --data conllu:TRAIN.conllu,TEST.conllu
    python applications/labelling.py --task classify           # the language of a phrase
    python applications/labelling.py --task classify --data sentences:FOLDER
    python applications/labelling.py label line.png            # the model at hand
"""

from __future__ import annotations

import dataclasses
import functools
import sys

import keras_classics as kc
from labellers.recognize import Recognize
from labellers.texts import Classify, Tag

TASKS = {"recognize": Recognize, "tag": Tag, "classify": Classify}
flag = kc.jobs.flag


@dataclasses.dataclass(kw_only=True)
class Settings(kc.jobs.Settings):
    """Many of their defaults are those of the task."""

    task: str = flag("recognize", choices=tuple(TASKS))
    data: str | None = flag(None, "digit_lines, speech:FOLDER, source_code, "
        "conllu:FILE[,FILE[,FILE]], phrases, parallel:FILE,FILE, sentences:FOLDER")  # fmt: skip
    data_options: dict = flag(dict, "of the data's reader, for example 'digits=(3,8)'")
    cell: str = flag("lstm", "recurrent cell: lstm, gru, elman, ...", name="model")
    units: int | None = flag(None, "width of a recurrent layer, in each direction")
    layers: int = flag(1)
    dropout: float = flag(0.2)
    unit: str | None = flag(None, "of classified texts; by default characters for languages, else "
        "words", choices=("word", "character"))  # fmt: skip
    summary: str = flag("last", "what of all steps is classified: the last state, the mean, or the "
        "sum of the votes", choices=("last", "mean", "sum"))  # fmt: skip
    pictures: int = flag(6, "sequences that are drawn over time", verbs=["evaluate"])


class Labelling(kc.jobs.Job):
    """Lines, recordings or texts in, texts or classes out."""

    Settings = Settings
    name, makes = "labelling", "labeller"
    verbs = {**kc.jobs.VERBS, "label": "label picture or wave files, or texts"}
    asks, queries = "label", "FILE or TEXT"

    def complete(self):
        settings, self.kind = self.settings, TASKS[self.settings.task]
        self.takes, self.gives = self.kind.TAKES, self.kind.GIVES
        if settings.data in (None, self.kind.DATA):
            settings.data_options = {**self.kind.DATA_OPTIONS, **settings.data_options}
        settings.fill(data=self.kind.DATA, **self.kind.DEFAULTS)

    @property
    def task(self):
        """The task, bound to what the network reads and writes."""
        return self.kind(self.facts["codec"])

    @functools.cached_property
    def data(self):
        return self.kind.adapt(super().data)

    def read(self, split):
        return self.kind.examples(self.data, split)

    def fact_files(self):
        load = functools.partial(kc.jobs.read_record, members=self.kind.FACTS)
        return {"codec": kc.jobs.Fact("codec.json", load)}

    def make_facts(self, training):
        return {"codec": self.kind.codec(training, self.data, self.settings)}

    def numbered(self, part, split):
        return self.task.part(part, self.output.remark)

    def check_model(self, model):
        for what, sizes in self.task.sizes(model).items():
            kc.jobs.check_count(what, *sizes, "codec.json")

    def build(self):
        return self.task.build(self.settings)

    def compile(self, model, plan):
        optimizer = kc.training.cosine_adam(self.settings.learning_rate, plan.steps)
        model.compile(self.guarded(optimizer), self.task.loss(), metrics=self.task.metrics)
        return model

    def batches(self, part, plan, model):
        size, seed = plan.batch_size, self.settings.seed
        return lambda first: kc.data.sequence_batches(part, batch_size=size, seed=seed, first=first)

    def validation(self, part, plan, model):
        return {"validation_data": kc.data.all_batches(part)}

    def evaluate(self, model):
        examples, task = self.split("test"), self.task
        part = task.part(examples, self.output.remark)
        drawn = self.settings.pictures
        metrics, table = task.evaluate(model, part, self.results, drawn)
        self.table("predictions.csv", table)
        return kc.jobs.Scores(metrics, f"{len(part)} test sequences", digits=4)

    def export(self, model, path, format):
        self.task.export(model, path, format)

    def example(self):
        return [self.task.example(self.split("test")[0], self.folder)]

    def ask(self, query, exported):
        return self.task.ask(query, exported)

    def ask_model(self, query, model):
        return self.task.ask_model(query, model)


main = functools.partial(kc.jobs.run, Labelling)

if __name__ == "__main__":
    sys.exit(main())
