"""What the tasks of `labelling.py` have in common, and the first: text in pictures or speech."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

import keras_classics as kc

WIDTH, STRIDE = 10, 2
# Convolutions, and how many columns or frames become one step of each: two in all.
FRONT_ENDS = {"image": ((16, 32), (1, 2)), "speech": ((64,), (2,))}
flag = kc.jobs.flag
# What has a meaning for some tasks alone.
HEARD, CLIPS = {"task": ["recognize", "word"]}, {"task": ["clip"]}


@dataclasses.dataclass(kw_only=True)
class Settings(kc.jobs.Settings):
    """Many of their defaults are those of the task."""

    task: str = flag("recognize", choices=("recognize", "tag", "classify", "word", "clip"))
    data: str | None = flag(None, "digit_lines, iam:FOLDER, speech:FOLDER, source_code, "
        "conllu:FILE[,FILE[,FILE]], phrases, parallel:FILE,FILE, sentences:FOLDER, moving_scenes, "
        "frames:FOLDER, videos:FOLDER")  # fmt: skip
    data_options: dict = flag(dict, "of the data's reader, for example 'digits=(3,8)'")
    cell: str | None = flag(None, "recurrent cell: lstm, gru, elman, ...; by default gru of clips "
        "and else lstm; of clips also frame, mean and differences, which see no order of more than "
        "two frames", name="model")  # fmt: skip
    units: int | None = flag(None, "width of a recurrent layer, in each direction")
    layers: int = flag(1)
    dropout: float = flag(0.2)
    unit: str | None = flag(None, "of classified texts; by default characters for languages, else "
        "words", choices=("word", "character"), when={"task": ["classify"]})  # fmt: skip
    summary: str = flag("last", "what of all steps is classified: the last state, the mean, or the "
        "sum of the votes", choices=("last", "mean", "sum"),
        when={"task": ["classify", "word", "clip"]})  # fmt: skip
    hide_bands: int = flag(5, "of speech: most neighbouring bands of 24 that training hides, twice "
        "in each recording; 0 for none", when=HEARD)  # fmt: skip
    hide_frames: int = flag(8, "of speech: most hundredths of a second that training hides, "
        "once in each half second; 0 for none", when=HEARD)  # fmt: skip
    stretch: float = flag(0.1, "of speech: greatest share by which training says it slower or "
        "faster", when=HEARD)  # fmt: skip
    voice: float = flag(0.0, "of speech: greatest share by which training moves all frequencies, "
        "as of a speaker with a shorter or longer throat", when=HEARD)  # fmt: skip
    noise: float | None = flag(None, "of speech: loudest noise that training adds, in decibels of "
        "a sine of full scale, such as -20", when=HEARD)  # fmt: skip
    normalize: bool = flag(False, "read each band of a recording less its mean, over its "
        "deviation, as for speakers it never heard", when={"task": ["recognize"]})  # fmt: skip
    encoder: str = flag("lenet_5_modern", "what sees each frame, a name of "
        "keras-classics list", when=CLIPS)  # fmt: skip
    encoder_options: dict = flag(dict, "arguments of its builder, such as width=0.5",
        when=CLIPS)  # fmt: skip
    still_epochs: int | None = flag(None, "epochs in which it first learns still shapes; by "
        "default 10 for moving_scenes with task=order, else none", when=CLIPS)  # fmt: skip
    pictures: int = flag(6, "sequences that are drawn over time", verbs=["evaluate"],
        when={"task": ["recognize", "clip"]})  # fmt: skip


class Task(kc.jobs.Job):
    """Sequences in, labels out; `codec.json` holds what the network reads and writes."""

    Settings = Settings
    name, makes = "labelling", "labeller"
    verbs = {**kc.jobs.VERBS, "label": "label picture or wave files, clips, or texts"}
    asks, queries = "label", "FILE or TEXT"
    # Of a task: members of the codec, defaults of settings, some for its own data, and whether it
    # is known which step each label belongs to.
    CODEC, DEFAULTS, DATA_OPTIONS, PLACED = {}, {}, {}, True

    def complete(self):
        self.settings.fill(**{"cell": "lstm", **self.DEFAULTS})
        if self.settings.data == self.DEFAULTS["data"]:
            self.settings.fill(data_options=self.DATA_OPTIONS)

    def fact_files(self):
        load = functools.partial(kc.jobs.read_record, members=self.CODEC)
        return {"codec": kc.jobs.Fact("codec.json", load)}

    @property
    def codec(self):
        """What the network reads and writes."""
        if "codec" not in self.facts:
            raise kc.InputError(
                f"{self.folder} holds an export without the run that made it",
                "the folder of a run, or a shipped model with codec.json",
                "Name the run's folder with --from.",
            )
        return self.facts["codec"]

    def check_model(self, model):
        for what, (known, trained) in self.sizes(model).items():
            kc.jobs.check_count(what, known, trained, "codec.json")

    def compile(self, model, plan):
        optimizer = kc.training.cosine_adam(self.settings.learning_rate, plan.steps)
        kc.training.compile_labeller(model, self.guarded(optimizer), placed=self.PLACED)
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
            bands=settings.hide_bands, frames=settings.hide_frames, stretch=settings.stretch,
            voice=settings.voice, noise=settings.noise,
        )  # fmt: skip

    def validation(self, part, plan, model):
        return {"validation_data": part.all_batches()}

    def evaluate(self, model):
        part = self.numbered(self.split("test"), "test")
        metrics, table = self.scores(model, part)
        self.table("predictions.csv", table)
        return kc.jobs.Scores(metrics, f"{len(part)} test sequences", digits=4)

    def by_class(self, found):
        """An answer of all classes with their probabilities, the most probable first."""
        classes = self.codec["classes"]
        best = {classes[n]: float(found[n]) for n in np.argsort(-found)}
        text = ", ".join(f"{name} {share:.1%}" for name, share in best.items())
        return kc.jobs.Answer(text, {"probabilities": best})


def judged(answers, references):
    """Figures of texts that were read, beside the true ones."""
    return kc.training.labelling_metrics(answers, [text for (text,) in references])


class Recognize(Task):
    """Codec: `"kind"`, `"image"` or `"speech"`; `"labels"`; and of images the `"height"`."""

    CODEC = {"kind": str, "labels": str}
    DEFAULTS = {"data": "digit_lines", "epochs": 12, "batch_size": 32, "learning_rate": 4e-3,
        "units": 64}  # fmt: skip
    takes = {"inputs": "uint8 or float32", "lengths": "int32"}
    gives, PLACED = ("texts", "log_probabilities"), False

    def read(self, split):
        return kc.data.transcribed(self.data, split)

    def make_facts(self, training):
        labels, first = "".join(self.data.info.classes), training[0].content
        image = {"kind": "image", "labels": labels, "height": len(first)}
        return {"codec": image if first.ndim == 3 else {"kind": "speech", "labels": labels}}

    @functools.cached_property
    def lines(self):
        """How lines or recordings become sequences, and texts labels."""
        return kc.data.Transcription(self.codec["labels"], self.codec.get("height"))

    def numbered(self, part, split):
        sequences = self.lines.sequences(*zip(*part, strict=True))
        # What is said faster has fewer steps for as many labels.
        faster = self.distortion().stretch if split == "train" and self.distortion() else 0
        stride = math.ceil(STRIDE / (1 - faster))
        return kc.training.labellable(sequences, stride, remark=self.output.remark)

    def distortion(self):
        """Recordings are distorted, pictures are not."""
        return self.heard_otherwise() if self.codec["kind"] == "speech" else None

    def build(self):
        network = {"labels": len(self.lines.labels), "input_shape": self.lines.input_shape}
        network |= self.settings.some("cell", "units", "layers", "dropout")
        filters, strides = FRONT_ENDS[self.codec["kind"]]
        network["normalized"] = self.settings.normalize
        return kc.models.ctc_recognizer(filters=filters, strides=strides, **network)

    def sizes(self, model):
        """Labels, without the blank: known and of the model."""
        return {"labels": (len(self.lines.labels), model.output_shape[-1] - 1)}

    def scores(self, model, part):
        """Label error rates of both decoders; the first sequences over time."""
        labels, drawn = self.lines.labels, slice(self.settings.pictures)
        right = [*map(self.lines.text, part.targets)]
        found = kc.models.recognize(model, part, labels, width=WIDTH)
        best, beam = [each.best_path for each in found], [each.texts[0] for each in found]
        shares = [each.probabilities for each in found[drawn]]
        shown = [each[..., 0] if part.axis else each.T[::-1] for each in part.inputs[drawn]]
        kc.analysis.draw_spikes(self.results / "spikes.png", shown, shares, labels, beam, right)
        ending = "wav" if self.lines.height is None else "png"
        contents = {each.name: each.content for each in self.split("test")}
        self.lines.write(self.results / f"example.{ending}", next(iter(contents.values())))
        if self.lines.height is not None:
            lines, true = [contents[name] for name in part.names], [[text] for text in right]
            kc.export.write_examples(self.results, lines, true, beam, judged)
        table = {"name": part.names, "true": right, "best path": best, "beam": beam}
        table["log_probability"] = [each.log_probabilities[0] for each in found]
        metrics, decoded = kc.training.labelling_metrics, {"best path": best, f"beam {WIDTH}": beam}
        return {decoder: metrics(each, right) for decoder, each in decoded.items()}, table

    def export(self, model, path, format):
        kc.export.export_recognizer(model, self.lines.labels, path, width=WIDTH, format=format)

    def ask(self, query, exported):
        content = self.lines.read(query)
        length = content.shape[:2][-1]
        found = kc.jobs.first_answer(exported, content[None], np.array([length], "int32"))
        return self.answer(found["texts"], found["log_probabilities"])

    def ask_model(self, query, model):
        part = self.lines.sequences([self.lines.read(query)])
        [found] = kc.models.recognize(model, part, self.lines.labels, width=WIDTH, n_best=3)
        return self.answer(found.texts, found.log_probabilities)

    def answer(self, texts, scores):
        """The texts that a picture or recording may be, with their probabilities."""
        pairs = zip(texts, np.exp(scores), strict=True)
        text = ", ".join(f"{text or '(nothing)'} {share:.1%}" for text, share in pairs)
        return kc.jobs.Answer(text, {"texts": texts, "log_probabilities": scores})
