"""Temporal classification: digits out of pictures of lines, or out of speech, by CTC."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd

import keras_classics as kc
from labellers.task import Task, in_batches

WIDTH = 10
# Convolutions, and how many columns or frames become one step.
FRONT_ENDS = {"image": ((16, 32), (1, 2)), "speech": ((64,), (2,))}


class Recognize(Task):
    """Facts: `"kind"`, `"image"` or `"speech"`; `"labels"`; and of images the `"height"`."""

    DATA = "digit_lines"
    DEFAULTS = {"epochs": 12, "batch_size": 32, "learning_rate": 4e-3, "units": 64}
    FACTS = {"kind": str, "labels": str}

    @staticmethod
    def examples(data, split):
        """Lines have an image, speech has sound, both have a text."""
        key = next((key for key in ("image", "audio") if key in data.train.element_spec), None)
        if key is None or "text" not in data.train.element_spec:
            raise kc.InputError(
                f"--task recognize was given for the data {data.info.name!r}. Allowed: lines of "
                "text or speech. Use --data digit_lines or --data speech:FOLDER."
            )
        return [
            (element[key], element["text"].decode(), element["name"].decode())
            for element in getattr(data, split).as_numpy_iterator()
        ]

    @staticmethod
    def codec(examples, data, settings):
        """What the first example is."""
        labels, first = "".join(data.info.classes), examples[0][0]
        image = {"kind": "image", "labels": labels, "height": len(first)}
        return image if first.ndim == 3 else {"kind": "speech", "labels": labels}

    @property
    def image(self):
        """Whether pictures are read."""
        return self.facts["kind"] == "image"

    def part(self, examples, remark):
        """Grey pictures of 0 to 1, or log-mel frames; labels from 1 on."""
        inputs = [self.features(each) for each, _, _ in examples]
        targets = [
            np.array([1 + self.facts["labels"].index(sign) for sign in text], "int32")
            for _, text, _ in examples
        ]
        self.names = [name for _, _, name in examples]
        part = kc.data.LabelledSequences(inputs, targets, axis=int(self.image), told=True)
        steps = part.lengths() // np.prod(FRONT_ENDS[self.facts["kind"]][1])
        wrong = set(kc.training.impossible_labellings(kc.data.pad_arrays(targets), steps))
        if not wrong:
            return part
        kept, first = [n for n in range(len(part)) if n not in wrong], min(wrong)
        remark(
            f"left out: {len(wrong)} sequences with fewer steps than their labels need, the first "
            f"is {self.names[first]} ({steps[first]} steps for {len(targets[first])} labels)"
        )
        if not kept:
            raise kc.InputError(
                "No sequence is left to learn from. Allowed: sequences with a step for every "
                "label and a blank between equal ones. Give longer ones."
            )
        return self.part([examples[n] for n in kept], remark)

    def features(self, content):
        """What the network takes of a picture or a recording."""
        return kc.data.grey(content) if self.image else kc.data.log_mel_frames(content)

    def build(self, settings):
        """Convolutions, bidirectional recurrent layers, CTC."""
        filters, strides = FRONT_ENDS[self.facts["kind"]]
        return kc.models.ctc_recognizer(
            labels=len(self.facts["labels"]),
            input_shape=(self.facts["height"], None, 1) if self.image else (None, kc.data.BANDS),
            filters=filters,
            strides=strides,
            cell=settings.cell,
            units=settings.units,
            layers=settings.layers,
            dropout=settings.dropout,
        )

    def sizes(self, model):
        """Labels, without the blank."""
        return {"labels": (len(self.facts["labels"]), model.output_shape[-1] - 1)}

    def loss(self):
        """CTC."""
        return kc.training.CTCLoss()

    def metrics(self):
        """None while training: the loss tells."""
        return []

    def evaluate(self, model, part, folder, settings):
        """Label error rates of both decoders; the first sequences over time."""
        right = [self.text(target) for target in part.targets]
        answers, scores = {"best path": [], f"beam {WIDTH}": []}, []
        for numbers in in_batches(part):
            logits = model.predict_on_batch(part.network_input(numbers))
            beams = kc.decoding.ctc_beam_search(logits, width=WIDTH)
            for key, each in zip(answers, (kc.decoding.ctc_greedy(logits), beams), strict=True):
                answers[key] += map(self.text, keras.ops.convert_to_numpy(each.ids[:, 0]))
            scores += keras.ops.convert_to_numpy(beams.log_probabilities[:, 0]).tolist()
        best, beam = answers.values()
        shown = range(min(settings.pictures, len(part)))
        logits = model.predict_on_batch(part.network_input(shown))
        steps = part.lengths() // np.prod(FRONT_ENDS[self.facts["kind"]][1])
        kc.analysis.draw_spikes(
            folder / "spikes.png",
            [part.inputs[n][..., 0] if part.axis else part.inputs[n].T[::-1] for n in shown],
            [keras.ops.convert_to_numpy(keras.ops.softmax(logits[n][: steps[n]])) for n in shown],
            self.facts["labels"],
            beam,
            right,
        )
        metrics = {key: kc.training.labelling_metrics(each, right) for key, each in answers.items()}
        columns = {"name": self.names, "true": right, "best path": best, "beam": beam}
        return metrics, pd.DataFrame({**columns, "log_probability": scores})

    def text(self, labels):
        """What labels spell."""
        return "".join(self.facts["labels"][label - 1] for label in labels if label)

    def export(self, model, path, format):
        """Pictures or sound in, texts out."""
        kc.export.export_recognizer(model, self.facts["labels"], path, width=WIDTH, format=format)

    def example(self, example, folder):
        """A test sequence as a file."""
        path = folder / ("example.png" if self.image else "example.wav")
        if self.image:
            kc.data.write_picture(path, example[0])
        else:
            kc.data.write_wave(path, example[0])
        return str(path)

    def content(self, query):
        """What a file holds, and how long it is."""
        if not self.image:
            sound = kc.data.read_wave(query) / np.float32(32768)
            return sound, len(sound)
        picture = kc.data.read_image(query)
        if len(picture) != self.facts["height"]:
            raise kc.InputError(
                f"{query} is {len(picture)} pixels high. Allowed: {self.facts['height']}, the "
                "height of the training lines. Resize it."
            )
        return picture, picture.shape[1]

    def ask(self, query, exported):
        """The texts that a picture's or wave file's content may be."""
        content, length = self.content(query)
        found = exported.serve(content[None], np.array([length], "int32"))
        texts = [text.decode() for text in found["texts"][0].numpy()]
        return self.told(texts, found["log_probabilities"][0].numpy())

    def ask_model(self, query, model):
        """The same."""
        features = self.features(self.content(query)[0])
        part = kc.data.LabelledSequences([features], [], axis=int(self.image), told=True)
        logits = model.predict_on_batch(part.network_input([0]))
        found = kc.decoding.ctc_beam_search(logits, width=WIDTH, n_best=3)
        ids, scores = map(keras.ops.convert_to_numpy, (found.ids, found.log_probabilities))
        return self.told([self.text(row) for row in ids[0]], scores[0])

    def told(self, texts, scores):
        """An answer."""
        pairs = zip(texts, np.exp(scores), strict=True)
        return kc.jobs.Answer(
            ", ".join(f"{text or '(nothing)'} {share:.1%}" for text, share in pairs),
            {"texts": texts, "log_probabilities": [float(score) for score in scores]},
        )
