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
import os
import sys
from functools import cached_property, partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402

import keras_classics as kc  # noqa: E402
from labellers.classify import Classify  # noqa: E402
from labellers.recognize import Recognize  # noqa: E402
from labellers.tag import Tag  # noqa: E402

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
        "words", choices=kc.data.Units.KINDS)  # fmt: skip
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
        settings, kind = self.settings, TASKS[self.settings.task]
        if settings.data in (None, kind.DATA):
            settings.data_options = {**kind.DATA_OPTIONS, **settings.data_options}
        for key, value in {"data": kind.DATA, **kind.DEFAULTS}.items():
            if getattr(settings, key) is None:
                setattr(settings, key, value)

    @property
    def task(self):
        """The task, bound to what the network reads and writes."""
        return TASKS[self.settings.task](self.facts["codec"])

    @cached_property
    def data(self):
        return TASKS[self.settings.task].adapt(super().data)

    def read(self, split):
        return TASKS[self.settings.task].examples(self.data, split)

    def fact_files(self):
        members = TASKS[self.settings.task].FACTS
        return {"codec": kc.jobs.Fact("codec.json", partial(kc.jobs.read_json, members=members))}

    def make_facts(self, training):
        kind, validation = TASKS[self.settings.task], self.split("validation")
        self.facts = {"codec": kind.codec(training, self.data, self.settings)}
        remark = self.output.remark
        self.parts = [self.task.part(examples, remark) for examples in (training, validation)]
        return self.facts

    def check_model(self, model):
        self.task.check_model(model)

    def build(self):
        return self.task.build(self.settings)

    def plan(self, model, training):
        return super().plan(model, self.parts[0])

    def compile(self, model, plan):
        rate = keras.optimizers.schedules.CosineDecay(self.settings.learning_rate, plan.steps)
        optimizer = self.guarded(keras.optimizers.Adam(rate, global_clipnorm=5.0))
        model.compile(optimizer, self.task.loss(), metrics=self.task.metrics())
        return model

    def batches(self, part, plan, model):
        return lambda first: kc.data.sequence_batches(
            self.parts[0], batch_size=plan.batch_size, seed=self.settings.seed, first=first
        )

    def validation(self, part, plan, model):
        return {"validation_data": kc.data.all_batches(self.parts[1])}

    def evaluate(self, model):
        examples = self.split("test")
        task = self.task
        part = task.part(examples, self.output.remark)
        metrics, table = task.evaluate(model, part, self.results, self.settings)
        kc.data.write_table(self.results / "predictions.csv", table, index=False)
        return kc.jobs.Scores(metrics, f"{len(part)} test sequences", digits=4)

    def export(self, model, path, format):
        self.task.export(model, path, format)

    def example(self):
        return [self.task.example(self.split("test")[0], self.folder)]

    def ask(self, query, exported):
        return self.task.ask(query, exported)

    def ask_model(self, query, model):
        return self.task.ask_model(query, model)


def main(argv=None):
    """Run the application; returns the exit code."""
    return kc.jobs.run(Labelling, argv, about=__doc__)


if __name__ == "__main__":
    sys.exit(main())
