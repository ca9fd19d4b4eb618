"""Recognition for `labelling.py`: digits out of pictures of lines, or out of speech, by CTC."""

from __future__ import annotations

import functools
import math

import numpy as np

import keras_classics as kc
from labellers.task import Task

WIDTH, STRIDE = 10, 2
# Convolutions, and how many columns or frames become one step of each: two in all.
FRONT_ENDS = {"image": ((16, 32), (1, 2)), "speech": ((64,), (2,))}


class Recognize(Task):
    """Codec: `"kind"`, `"image"` or `"speech"`; `"labels"`; and of images the `"height"`."""

    CODEC = {"kind": str, "labels": str}
    DEFAULTS = {"data": "digit_lines", "epochs": 12, "batch_size": 32, "learning_rate": 4e-3,
        "units": 64}  # fmt: skip
    takes = {"inputs": "uint8 or float32", "lengths": "int32"}
    gives = ("texts", "log_probabilities")
    # While training the loss tells.
    metrics = []

    def read(self, split):
        """Lines have an image, speech has sound, both have a text."""
        key = next((key for key in ("image", "audio") if self.data.has(key, "text")), None)
        if key is None:
            raise kc.InputError(
                f"--task recognize was given for the data {self.data.info.name!r}",
                "lines of text or speech",
                "Use --data digit_lines, --data iam:FOLDER or --data speech:FOLDER.",
            )
        return [(getattr(each, key), each.text, each.name) for each in getattr(self.data, split)]

    def make_facts(self, training):
        labels, first = "".join(self.data.info.classes), training[0][0]
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
        """Convolutions, bidirectional recurrent layers, CTC."""
        filters, strides = FRONT_ENDS[self.codec["kind"]]
        return kc.models.ctc_recognizer(
            labels=len(self.lines.labels),
            input_shape=self.lines.input_shape,
            filters=filters,
            strides=strides,
            **self.settings.some("cell", "units", "layers", "dropout"),
        )

    def sizes(self, model):
        """Labels, without the blank: known and of the model."""
        return {"labels": (len(self.lines.labels), model.output_shape[-1] - 1)}

    @property
    def loss(self):
        """CTC."""
        return kc.training.CTCLoss()

    def scores(self, model, part):
        """Label error rates of both decoders; the first sequences over time."""
        labels, drawn = self.lines.labels, slice(self.settings.pictures)
        right = [*map(self.lines.text, part.targets)]
        found = kc.models.recognize(model, part, labels, width=WIDTH)
        best, beam = [each.best_path for each in found], [each.texts[0] for each in found]
        shares = [each.probabilities for each in found[drawn]]
        shown = [each[..., 0] if part.axis else each.T[::-1] for each in part.inputs[drawn]]
        kc.analysis.draw_spikes(self.results / "spikes.png", shown, shares, labels, beam, right)
        table = {"name": part.names, "true": right, "best path": best, "beam": beam}
        table["log_probability"] = [each.log_probabilities[0] for each in found]
        answers = {"best path": best, f"beam {WIDTH}": beam}
        metrics = kc.training.labelling_metrics
        return {key: metrics(each, right) for key, each in answers.items()}, table

    def export(self, model, path, format):
        kc.export.export_recognizer(model, self.lines.labels, path, width=WIDTH, format=format)

    def example(self):
        path = self.folder / ("example.wav" if self.lines.height is None else "example.png")
        self.lines.write(path, self.split("test")[0][0])
        return [str(path)]

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
        pairs = zip(texts, map(math.exp, scores), strict=True)
        text = ", ".join(f"{text or '(nothing)'} {share:.1%}" for text, share in pairs)
        return kc.jobs.Answer(text, {"texts": texts, "log_probabilities": scores})
