"""Sequence classification: the language of a phrase, or the opinion of a sentence."""

from __future__ import annotations

import numpy as np

import keras_classics as kc
from labellers.task import check_sizes, in_batches, write_table
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

    @classmethod
    def of(cls, data, options):
        """Languages differ in their characters, opinions in words."""
        unit = options.unit or ("character" if data.info.languages else "word")
        texts = [element["text"].decode() for element in data.train.as_numpy_iterator()]
        rows = [text.split() for text in texts] if unit == "word" else texts
        return cls.reading(rows, unit, data.info.classes)

    def read(self, data, split):
        """Numbers of units, the class, and the text."""
        inputs, targets, names = [], [], []
        for element in getattr(data, split).as_numpy_iterator():
            names.append(element["text"].decode())
            inputs.append(self.units.encode(self.units.split(names[-1])))
            targets.append(np.int32(element["label"]))
        return kc.data.LabelledSequences(inputs, targets), names

    def build(self, options):
        """A bidirectional network that answers once."""
        return kc.models.sequence_classifier(summary=options.summary, **self.network(options))

    def evaluate(self, model, part, names, folder, options):
        """Accuracy, F1 and cross-entropy; every text with what was said of it."""
        batches = in_batches(part)
        probabilities = np.concatenate(
            [model.predict_on_batch(part.network_input(numbers)) for numbers in batches]
        )
        labels, classes = np.array(part.targets), self.facts["classes"]
        write_table(folder, {
            "text": names,
            "true": [classes[n] for n in labels],
            "predicted": [classes[n] for n in probabilities.argmax(axis=1)],
            "probability": probabilities.max(axis=1),
        })  # fmt: skip
        return {"test": kc.training.classification_metrics(labels, probabilities)}

    def example(self, data, folder):
        """A test text."""
        return next(iter(data.test.as_numpy_iterator()))["text"].decode()

    def answer(self, served, query):
        """All classes with their probabilities."""
        found = served.serve([query])["probabilities"][0].numpy()
        classes = self.facts["classes"]
        check_sizes("classes", len(classes), len(found))
        return ", ".join(f"{classes[n]} {found[n]:.1%}" for n in np.argsort(-found))
