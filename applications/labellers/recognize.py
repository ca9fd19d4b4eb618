"""Recognition for `labelling.py`: digits out of pictures of lines, or out of speech, by CTC."""

from __future__ import annotations

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
                f"--task recognize was given for the data {self.data.info.name!r}. Allowed: lines "
                "of text or speech. Use --data digit_lines or --data speech:FOLDER."
            )
        return [(getattr(each, key), each.text, each.name) for each in getattr(self.data, split)]

    def make_facts(self, training):
        labels, first = "".join(self.data.info.classes), training[0][0]
        image = {"kind": "image", "labels": labels, "height": len(first)}
        return {"codec": image if first.ndim == 3 else {"kind": "speech", "labels": labels}}

    @property
    def image(self):
        """Whether pictures are read, and not sound."""
        return self.codec["kind"] == "image"

    def numbered(self, part, split):
        """Grey pictures of 0 to 1, or log-mel frames; labels from 1 on."""
        contents, texts, names = zip(*part, strict=True)
        known = self.codec["labels"]
        labels = [np.array([1 + known.index(sign) for sign in text], "int32") for text in texts]
        sequences = self.sequences(contents, labels, names)
        return kc.training.labellable(sequences, STRIDE, remark=self.output.remark)

    def sequences(self, contents, targets=(), names=()):
        """What the network takes of pictures or recordings."""
        features = [*map(kc.data.grey if self.image else kc.data.log_mel_frames, contents)]
        form = {"axis": int(self.image), "told": True, "names": names}
        return kc.data.LabelledSequences(features, targets, **form)

    def build(self):
        """Convolutions, bidirectional recurrent layers, CTC."""
        height, (filters, strides) = self.codec.get("height"), FRONT_ENDS[self.codec["kind"]]
        return kc.models.ctc_recognizer(
            labels=len(self.codec["labels"]),
            input_shape=(height, None, 1) if self.image else (None, kc.data.BANDS),
            filters=filters,
            strides=strides,
            **self.settings.some("cell", "units", "layers", "dropout"),
        )

    def sizes(self, model):
        """Labels, without the blank: known and of the model."""
        return {"labels": (len(self.codec["labels"]), model.output_shape[-1] - 1)}

    @property
    def loss(self):
        """CTC."""
        return kc.training.CTCLoss()

    def found(self, model, part, n_best=1):
        """What the model reads in sequences."""
        labels = self.codec["labels"]
        return kc.models.recognize(model, part, labels, width=WIDTH, n_best=n_best)

    def scores(self, model, part):
        """Label error rates of both decoders; the first sequences over time."""
        labels, drawn = self.codec["labels"], self.settings.pictures
        right = ["".join(labels[n - 1] for n in target) for target in part.targets]
        found = self.found(model, part)
        best, beam = [each.best_path for each in found], [each.texts[0] for each in found]
        shown = [each[..., 0] if self.image else each.T[::-1] for each in part.inputs[:drawn]]
        shares = [each.probabilities for each in found[:drawn]]
        kc.analysis.draw_spikes(self.results / "spikes.png", shown, shares, labels, beam, right)
        table = {"name": part.names, "true": right, "best path": best, "beam": beam}
        table["log_probability"] = [each.log_probabilities[0] for each in found]
        answers = {"best path": best, f"beam {WIDTH}": beam}
        metrics = kc.training.labelling_metrics
        return {key: metrics(each, right) for key, each in answers.items()}, table

    def export(self, model, path, format):
        kc.export.export_recognizer(model, self.codec["labels"], path, width=WIDTH, format=format)

    def example(self):
        path = self.folder / ("example.png" if self.image else "example.wav")
        write = kc.data.write_picture if self.image else kc.data.write_wave
        write(path, self.split("test")[0][0])
        return [str(path)]

    def content(self, query):
        """What a file holds."""
        if not self.image:
            return kc.data.read_wave(query) / np.float32(32768)
        picture, height = kc.data.read_image(query), self.codec["height"]
        if len(picture) != height:
            raise kc.InputError(
                f"{query} is {len(picture)} pixels high. Allowed: {height}, the height of the "
                "training lines. Resize it."
            )
        return picture

    def ask(self, query, exported):
        content = self.content(query)
        length = np.array([content.shape[int(self.image)]], "int32")
        found = kc.jobs.first_answer(exported, content[None], length)
        return self.answer(found["texts"], found["log_probabilities"])

    def ask_model(self, query, model):
        [found] = self.found(model, self.sequences([self.content(query)]), n_best=3)
        return self.answer(found.texts, found.log_probabilities)

    def answer(self, texts, scores):
        """The texts that a picture or recording may be, with their probabilities."""
        pairs = zip(texts, map(math.exp, scores), strict=True)
        text = ", ".join(f"{text or '(nothing)'} {share:.1%}" for text, share in pairs)
        return kc.jobs.Answer(text, {"texts": texts, "log_probabilities": scores})
