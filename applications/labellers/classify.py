"""Sequence classification: the language of a phrase, or the opinion of a sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd

import keras_classics as kc
from labellers.task import in_batches
from labellers.text import TextTask


class Classify(TextTask):
    """Data are sentences with a class, or parallel text, whose class is its language."""

    DATA = "phrases"
    DATA_OPTIONS = {"train": 4000, "validation": 300, "test": 500}
    DEFAULTS = {"epochs": 3, "batch_size": 64, "learning_rate": 5e-3, "units": 48}

    @staticmethod
    def adapt(data):
        """Parallel text becomes sentences."""
        labelled = {"text", "label"} <= data.train.element_spec.keys()
        return data if labelled else kc.data.by_language(data)

    @staticmethod
    def examples(data, split):
        """The text, its class, and the text as its name."""
        elements = getattr(data, split).as_numpy_iterator()
        rows = ((element["text"].decode(), np.int32(element["label"])) for element in elements)
        return [(text, label, text) for text, label in rows]

    @staticmethod
    def codec(examples, data, settings):
        """Languages differ in their characters, opinions in words."""
        unit = settings.unit or ("character" if data.info.languages else "word")
        texts = [text for text, _, _ in examples]
        rows = [text.split() for text in texts] if unit == "word" else texts
        return TextTask.reading(rows, unit, data.info.classes)

    def part(self, examples, remark):
        """Numbers of units, and the class."""
        inputs = [self.units.encode(self.units.split(text)) for text, _, _ in examples]
        self.names = [name for _, _, name in examples]
        return kc.data.LabelledSequences(inputs, [label for _, label, _ in examples])

    def build(self, settings):
        """A bidirectional network that answers once."""
        return kc.models.sequence_classifier(summary=settings.summary, **self.network(settings))

    def evaluate(self, model, part, folder, settings):
        """Accuracy, F1 and cross-entropy; every text with what was said of it."""
        batches = in_batches(part)
        probabilities = np.concatenate(
            [model.predict_on_batch(part.network_input(numbers)) for numbers in batches]
        )
        labels, classes = np.array(part.targets), self.facts["classes"]
        table = {
            "text": self.names,
            "true": [classes[n] for n in labels],
            "predicted": [classes[n] for n in probabilities.argmax(axis=1)],
            "probability": probabilities.max(axis=1),
        }
        figures = {"test": kc.training.classification_metrics(labels, probabilities)}
        return figures, pd.DataFrame(table)

    def example(self, example, folder):
        """A test text."""
        return example[0]

    def ask(self, query, exported):
        """All classes with their probabilities."""
        return self.told(exported.serve([query])["probabilities"][0].numpy())

    def ask_model(self, query, model):
        """The same."""
        return self.told(self.probabilities(query, model)[0])

    def told(self, found):
        """An answer."""
        classes = self.facts["classes"]
        kc.jobs.check_count("classes", len(classes), len(found), "codec.json")
        best = {classes[n]: float(found[n]) for n in np.argsort(-found)}
        return kc.jobs.Answer(
            ", ".join(f"{name} {share:.1%}" for name, share in best.items()),
            {"probabilities": best},
        )
