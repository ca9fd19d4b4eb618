"""Recognition for `labelling.py`: digits out of pictures of lines, or out of speech, by CTC."""

from __future__ import annotations

import math

import numpy as np

import keras_classics as kc

WIDTH = 10
# Convolutions, and how many columns or frames become one step.
FRONT_ENDS = {"image": ((16, 32), (1, 2)), "speech": ((64,), (2,))}


class Recognize:
    """Facts: `"kind"`, `"image"` or `"speech"`; `"labels"`; and of images the `"height"`."""

    DATA, DATA_OPTIONS = "digit_lines", {}
    DEFAULTS = {"epochs": 12, "batch_size": 32, "learning_rate": 4e-3, "units": 64}
    FACTS = {"kind": str, "labels": str}
    TAKES = {"inputs": "uint8 or float32", "lengths": "int32"}
    GIVES = ("texts", "log_probabilities")
    # While training the loss tells.
    metrics = []

    def __init__(self, facts):
        self.image, self.labels = facts["kind"] == "image", facts["labels"]
        self.height = facts.get("height")
        self.filters, self.strides = FRONT_ENDS[facts["kind"]]

    @staticmethod
    def adapt(data):
        """The data as this task wants them."""
        return data

    @staticmethod
    def examples(data, split):
        """Lines have an image, speech has sound, both have a text."""
        key = next((key for key in ("image", "audio") if data.has(key, "text")), None)
        if key is None:
            raise kc.InputError(
                f"--task recognize was given for the data {data.info.name!r}. Allowed: lines of "
                "text or speech. Use --data digit_lines or --data speech:FOLDER."
            )
        return [(getattr(each, key), each.text, each.name) for each in getattr(data, split)]

    @staticmethod
    def codec(examples, data, settings):
        """What the first example is."""
        labels, first = "".join(data.info.classes), examples[0][0]
        image = {"kind": "image", "labels": labels, "height": len(first)}
        return image if first.ndim == 3 else {"kind": "speech", "labels": labels}

    def part(self, examples, remark):
        """Grey pictures of 0 to 1, or log-mel frames; labels from 1 on."""
        contents, texts, self.names = zip(*examples, strict=True)
        labels = [[1 + self.labels.index(sign) for sign in text] for text in texts]
        part = self.sequences(contents, [np.array(each, "int32") for each in labels])
        steps = self.steps(part)
        wrong = kc.training.impossible_labellings(kc.data.pad_arrays(part.targets), steps).tolist()
        if not wrong:
            return part
        first, kept = wrong[0], [n for n in range(len(part)) if n not in wrong]
        remark(
            f"left out: {len(wrong)} sequences with fewer steps than their labels need, the first "
            f"is {self.names[first]} ({steps[first]} steps for {len(labels[first])} labels)"
        )
        if not kept:
            raise kc.InputError(
                "No sequence is left to learn from. Allowed: sequences with a step for every "
                "label and a blank between equal ones. Give longer ones."
            )
        return self.part([examples[n] for n in kept], remark)

    def sequences(self, contents, targets=()):
        """What the network takes of pictures or recordings."""
        features = kc.data.grey if self.image else kc.data.log_mel_frames
        axis = int(self.image)
        return kc.data.LabelledSequences([*map(features, contents)], targets, axis=axis, told=True)

    def steps(self, part):
        """Of the network's output for each sequence."""
        return part.lengths() // math.prod(self.strides)

    def build(self, settings):
        """Convolutions, bidirectional recurrent layers, CTC."""
        return kc.models.ctc_recognizer(
            labels=len(self.labels),
            input_shape=(self.height, None, 1) if self.image else (None, kc.data.BANDS),
            filters=self.filters,
            strides=self.strides,
            **settings.some("cell", "units", "layers", "dropout"),
        )

    def sizes(self, model):
        """Labels, without the blank: known and of the model."""
        return {"labels": (len(self.labels), model.output_shape[-1] - 1)}

    def loss(self):
        """CTC."""
        return kc.training.CTCLoss()

    def read(self, model, part, n_best=1):
        """What the model reads in sequences."""
        options = {"steps": self.steps(part), "width": WIDTH, "n_best": n_best}
        return kc.models.recognize(model, part, self.labels, **options)

    def evaluate(self, model, part, folder, drawn):
        """Label error rates of both decoders; the first sequences over time."""
        right = ["".join(self.labels[n - 1] for n in target) for target in part.targets]
        found = self.read(model, part)
        best, beam = [each.best_path for each in found], [each.texts[0] for each in found]
        shown = [each[..., 0] if self.image else each.T[::-1] for each in part.inputs[:drawn]]
        shares = [each.probabilities for each in found[:drawn]]
        kc.analysis.draw_spikes(folder / "spikes.png", shown, shares, self.labels, beam, right)
        table = {"name": self.names, "true": right, "best path": best, "beam": beam}
        table["log_probability"] = [each.log_probabilities[0] for each in found]
        answers = {"best path": best, f"beam {WIDTH}": beam}
        metrics = kc.training.labelling_metrics
        return {key: metrics(each, right) for key, each in answers.items()}, table

    def export(self, model, path, format):
        """Pictures or sound in, texts out."""
        kc.export.export_recognizer(model, self.labels, path, width=WIDTH, format=format)

    def example(self, example, folder):
        """A test sequence as a file."""
        path = folder / ("example.png" if self.image else "example.wav")
        write = kc.data.write_picture if self.image else kc.data.write_wave
        write(path, example[0])
        return str(path)

    def content(self, query):
        """What a file holds."""
        if not self.image:
            return kc.data.read_wave(query) / np.float32(32768)
        picture = kc.data.read_image(query)
        if len(picture) != self.height:
            raise kc.InputError(
                f"{query} is {len(picture)} pixels high. Allowed: {self.height}, the height of the "
                "training lines. Resize it."
            )
        return picture

    def ask(self, query, exported):
        """The texts that a picture's or wave file's content may be."""
        content = self.content(query)
        length = np.array([content.shape[int(self.image)]], "int32")
        found = kc.jobs.first_answer(exported, content[None], length)
        return self.told(found["texts"], found["log_probabilities"])

    def ask_model(self, query, model):
        """The same."""
        [found] = self.read(model, self.sequences([self.content(query)]), n_best=3)
        return self.told(found.texts, found.log_probabilities)

    def told(self, texts, scores):
        """An answer."""
        pairs = zip(texts, map(math.exp, scores), strict=True)
        text = ", ".join(f"{text or '(nothing)'} {share:.1%}" for text, share in pairs)
        return kc.jobs.Answer(text, {"texts": texts, "log_probabilities": scores})
