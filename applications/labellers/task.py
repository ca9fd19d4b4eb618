"""What the tasks of `labelling.py` have in common: their settings, and all but what is read."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

import keras_classics as kc

flag = kc.jobs.flag


@dataclasses.dataclass(kw_only=True)
class Settings(kc.jobs.Settings):
    """Many of their defaults are those of the task."""

    task: str = flag("recognize", choices=("recognize", "tag", "classify", "word"))
    data: str | None = flag(None, "digit_lines, iam:FOLDER, speech:FOLDER, source_code, "
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
    hide_bands: int = flag(5, "of speech: most neighbouring bands of 24 that training hides, twice "
        "in each recording; 0 for none")  # fmt: skip
    hide_frames: int = flag(8, "of speech: most hundredths of a second that training hides, "
        "once in each half second; 0 for none")  # fmt: skip
    stretch: float = flag(0.1, "of speech: greatest share by which training says it slower or "
        "faster")  # fmt: skip
    pictures: int = flag(6, "sequences that are drawn over time", verbs=["evaluate"])


class Task(kc.jobs.Job):
    """Sequences in, labels out; `codec.json` holds what the network reads and writes."""

    Settings = Settings
    name, makes = "labelling", "labeller"
    verbs = {**kc.jobs.VERBS, "label": "label picture or wave files, or texts"}
    asks, queries = "label", "FILE or TEXT"
    # Of a task: members of the codec, and defaults of settings, of which some are for its own data.
    CODEC, DEFAULTS, DATA_OPTIONS = {}, {}, {}
    loss, metrics = "sparse_categorical_crossentropy", ["accuracy"]

    def complete(self):
        self.settings.fill(**self.DEFAULTS)
        if self.settings.data == self.DEFAULTS["data"]:
            self.settings.fill(data_options=self.DATA_OPTIONS)

    def fact_files(self):
        load = functools.partial(kc.jobs.read_record, members=self.CODEC)
        return {"codec": kc.jobs.Fact("codec.json", load)}

    @property
    def codec(self):
        """What the network reads and writes."""
        return self.facts["codec"]

    def check_model(self, model):
        for what, (known, trained) in self.sizes(model).items():
            kc.jobs.check_count(what, known, trained, "codec.json")

    def compile(self, model, plan):
        optimizer = kc.training.cosine_adam(self.settings.learning_rate, plan.steps)
        model.compile(self.guarded(optimizer), self.loss, metrics=self.metrics)
        return model

    def batches(self, part, plan, model):
        given = {"batch_size": plan.batch_size, "seed": self.settings.seed}
        given["distort"] = self.distortion()
        return lambda first: kc.data.sequence_batches(part, first=first, **given)

    def distortion(self):
        """How training changes what it learns from, each time otherwise; None for not at all."""
        return None

    def heard_otherwise(self):
        """The distortion of recordings that the settings ask for."""
        settings = self.settings
        return kc.data.Distortion(
            bands=settings.hide_bands, frames=settings.hide_frames, stretch=settings.stretch
        )

    def validation(self, part, plan, model):
        return {"validation_data": part.all_batches()}

    def evaluate(self, model):
        part = self.numbered(self.split("test"), "test")
        metrics, table = self.scores(model, part)
        self.table("predictions.csv", table)
        return kc.jobs.Scores(metrics, f"{len(part)} test sequences", digits=4)

    def by_class(self, classes, found):
        """An answer of all classes with their probabilities, the most probable first."""
        found = np.array(found)
        kc.jobs.check_count("classes", len(classes), len(found), "codec.json")
        best = {classes[n]: float(found[n]) for n in np.argsort(-found)}
        text = ", ".join(f"{name} {share:.1%}" for name, share in best.items())
        return kc.jobs.Answer(text, {"probabilities": best})
