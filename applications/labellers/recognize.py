"""Temporal classification: digits out of pictures of lines, or out of speech, by CTC."""

from __future__ import annotations

import argparse

import keras
import numpy as np

import keras_classics as kc
from labellers.task import Task, in_batches, write_table

WIDTH = 10


class Recognize(Task):
    """Facts: `"kind"`, `"image"` or `"speech"`; `"labels"`; and of images the `"height"`."""

    DATA = "digit_lines"
    DATA_OPTIONS = {}
    DEFAULTS = {"epochs": 12, "batch_size": 32, "learning_rate": 4e-3, "units": 64}
    FACTS = {"kind": str, "labels": str}

    # Convolutions and how many columns or frames become one step.
    FRONT_ENDS = {"image": ((16, 32), (1, 2)), "speech": ((64,), (2,))}

    @classmethod
    def of(cls, data, options):
        """Lines have an image, speech has sound, both have a text."""
        spec = data.train.element_spec
        kind = next((kind for kind, key in (("image", "image"), ("speech", "audio"))
                     if key in spec and "text" in spec), None)  # fmt: skip
        if kind is None:
            raise kc.InputError(
                f"--task recognize was given for the data {data.info.name!r}. Allowed: lines of "
                "text or speech. Use --data digit_lines or --data speech:FOLDER."
            )
        facts = {"kind": kind, "labels": "".join(data.info.classes)}
        return cls({**facts, "height": spec["image"].shape[0]} if kind == "image" else facts)

    def read(self, data, split):
        """Grey pictures of 0 to 1, or log-mel frames; labels from 1 on."""
        inputs, targets, names = [], [], []
        image = self.facts["kind"] == "image"
        for element in getattr(data, split).as_numpy_iterator():
            inputs.append(grey(element["image"]) if image else heard(element["audio"]))
            text = element["text"].decode()
            targets.append(
                np.array([1 + self.facts["labels"].index(sign) for sign in text], "int32")
            )
            names.append(element["name"].decode())
        part = kc.data.LabelledSequences(inputs, targets, axis=int(image), told=True)
        return self._possible(part, names)

    def _possible(self, part, names):
        steps = part.lengths() // np.prod(self.FRONT_ENDS[self.facts["kind"]][1])
        wrong = set(kc.training.impossible_labellings(kc.data.pad_arrays(part.targets), steps))
        if not wrong:
            return part, names
        kept = [n for n in range(len(part)) if n not in wrong]
        first = min(wrong)
        print(
            f"left out: {len(wrong)} sequences with fewer steps than their labels need, the first "
            f"is {names[first]} ({steps[first]} steps for {len(part.targets[first])} labels)"
        )
        chosen = ([part.inputs[n] for n in kept], [part.targets[n] for n in kept])
        if not kept:
            raise kc.InputError(
                "No sequence is left to learn from. Allowed: sequences with a step for every "
                "label and a blank between equal ones. Give longer ones."
            )
        return kc.data.LabelledSequences(*chosen, part.axis, part.told), [names[n] for n in kept]

    def build(self, options: argparse.Namespace):
        """Convolutions, bidirectional recurrent layers, CTC."""
        filters, strides = self.FRONT_ENDS[self.facts["kind"]]
        image = self.facts["kind"] == "image"
        return kc.models.ctc_recognizer(
            labels=len(self.facts["labels"]),
            input_shape=(self.facts["height"], None, 1) if image else (None, kc.data.BANDS),
            filters=filters,
            strides=strides,
            cell=options.cell,
            units=options.units,
            layers=options.layers,
            dropout=options.dropout,
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

    def evaluate(self, model, part, names, folder, options):
        """Label error rates of both decoders; the first sequences over time."""
        right = [self._text(target) for target in part.targets]
        answers, scores = {"best path": [], f"beam {WIDTH}": []}, []
        for numbers in in_batches(part):
            logits = model.predict_on_batch(part.network_input(numbers))
            found = (
                kc.decoding.ctc_greedy(logits),
                kc.decoding.ctc_beam_search(logits, width=WIDTH),
            )
            for key, each in zip(answers, found, strict=True):
                answers[key] += map(self._text, keras.ops.convert_to_numpy(each.ids[:, 0]))
            scores += keras.ops.convert_to_numpy(found[1].log_probabilities[:, 0]).tolist()
        best, beam = answers.values()
        write_table(folder, {"name": names, "true": right, "best path": best, "beam": beam,
                             "log_probability": scores})  # fmt: skip
        shown = range(min(options.pictures, len(part)))
        logits = model.predict_on_batch(part.network_input(shown))
        kc.analysis.draw_spikes(
            folder / "spikes.png",
            [part.inputs[n][..., 0] if part.axis else part.inputs[n].T[::-1] for n in shown],
            [self._probabilities(logits[n], part.lengths()[n]) for n in shown],
            self.facts["labels"],
            beam,
            right,
        )
        return {key: kc.training.labelling_metrics(found, right) for key, found in answers.items()}

    def _text(self, labels) -> str:
        return "".join(self.facts["labels"][label - 1] for label in labels if label)

    def _probabilities(self, logits, length: int) -> np.ndarray:
        """Of all labels at every step of a sequence, without the steps that fill up a batch."""
        steps = length // np.prod(self.FRONT_ENDS[self.facts["kind"]][1])
        return keras.ops.convert_to_numpy(keras.ops.softmax(logits[:steps]))

    def export(self, model, path, format):
        """Pictures or sound in, texts out."""
        kc.export.export_recognizer(model, self.facts["labels"], path, width=WIDTH, format=format)

    def example(self, data, folder):
        """The first test sequence as a file."""
        element = next(iter(data.test.as_numpy_iterator()))
        if self.facts["kind"] == "image":
            path = folder / "example.png"
            keras.utils.save_img(str(path), element["image"], scale=False)
        else:
            path = folder / "example.wav"
            kc.data.write_wave(path, element["audio"])
        return str(path)

    def answer(self, served, query):
        """The texts that a picture's or wave file's content may be."""
        if self.facts["kind"] == "image":
            picture = kc.data.read_image(query)
            if len(picture) != self.facts["height"]:
                raise kc.InputError(
                    f"{query} is {len(picture)} pixels high. Allowed: {self.facts['height']}, the "
                    "height of the training lines. Resize it."
                )
            inputs, length = picture, picture.shape[1]
        else:
            inputs = kc.data.read_wave(query) / np.float32(32768)
            length = len(inputs)
        found = served.serve(inputs[None], np.array([length], "int32"))
        texts, scores = found["texts"][0].numpy(), found["log_probabilities"][0].numpy()
        return ", ".join(f"{text.decode() or '(nothing)'} {np.exp(score):.1%}"
                         for text, score in zip(texts, scores, strict=True))  # fmt: skip


def grey(picture: np.ndarray) -> np.ndarray:
    """A grey picture of 0 to 1, `(height, width, 1)`."""
    # The weights of TensorFlow's own, which the exported model applies.
    return (picture @ np.array([0.2989, 0.587, 0.114], "float32"))[..., None] / 255


def heard(audio: np.ndarray) -> np.ndarray:
    """Log-mel frames of a recording."""
    frames = keras.ops.convert_to_numpy(kc.data.log_mel(audio[None]))[0]
    return frames[: kc.data.frame_count(len(audio))]
