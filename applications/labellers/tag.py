"""Segment classification: a class for every word of a sentence, or every character of a program."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pandas as pd

import keras_classics as kc
from labellers.task import in_batches
from labellers.text import TextTask

# Characters of a program that are read at once.
WINDOW = 100


class Tag(TextTask):
    """Data are documents of classed characters, or sentences of tagged words."""

    DATA = "source_code"
    DEFAULTS = {"epochs": 3, "batch_size": 64, "learning_rate": 5e-3, "units": 64}

    @staticmethod
    def examples(data, split):
        """Units, their classes, and where they stand."""
        spec, rows = data.train.element_spec, []
        if not ("words" in spec or "token_classes" in spec):
            raise kc.InputError(
                f"--task tag was given for the data {data.info.name!r}. Allowed: source_code or "
                "tagged sentences. Use --data conllu:FILE for these."
            )
        for element in getattr(data, split).as_numpy_iterator():
            name = element["name"].decode()
            if "words" in element:
                rows.append(([word.decode() for word in element["words"]], element["tags"], name))
                continue
            text, classes = element["text"].decode(), element["token_classes"].astype("int32")
            for start in range(0, len(text), WINDOW):
                end = start + WINDOW
                rows.append((text[start:end], classes[start:end], f"{name}:{start}"))
        return rows

    @staticmethod
    def codec(examples, data, settings):
        """Words have tags, documents classes of their characters."""
        unit = "word" if "words" in data.train.element_spec else "character"
        return TextTask.reading([units for units, _, _ in examples], unit, data.info.classes)

    def part(self, examples, remark):
        """Numbers of units and classes."""
        inputs = [self.units.encode(units) for units, _, _ in examples]
        return kc.data.LabelledSequences(inputs, [classes for _, classes, _ in examples])

    def build(self, settings):
        """A bidirectional network that answers at every step."""
        return kc.models.tagger(**self.network(settings))

    def evaluate(self, model, part, folder, settings):
        """Accuracy by unit, of all and of unknown words, beside the most frequent class."""
        probabilities = []
        for numbers in in_batches(part):
            answers = model.predict_on_batch(part.network_input(numbers))
            probabilities += [answer[: len(part.inputs[n])]
                              for n, answer in zip(numbers, answers, strict=True)]  # fmt: skip
        probabilities, labels = np.concatenate(probabilities), np.concatenate(part.targets)
        unknown = np.concatenate(part.inputs) == self.units.UNKNOWN
        right = probabilities.argmax(axis=1) == labels
        scores = kc.training.class_scores(labels, probabilities)
        scores["units"] = scores.pop("pictures")
        shares = np.bincount(labels) / len(labels)
        metrics = {"accuracy": right.mean(), "always the same": shares.max()}
        if unknown.any():
            metrics["accuracy of the unknown"] = right[unknown].mean()
        figures = {"test": {key: float(value) for key, value in metrics.items()}}
        return figures, pd.DataFrame({"class": self.facts["classes"], **scores})

    def example(self, example, folder):
        """A test sentence, or lines of a program."""
        return " ".join(example[0]) if self.units.unit == "word" else example[0]

    def ask(self, query, exported):
        """Words with their tags, or runs of characters of one class."""
        found = exported.serve([query])
        units, classes = (
            [each.decode() for each in found[key][0].numpy()] for key in ("units", "classes")
        )
        return self.told(units, classes)

    def ask_model(self, query, model):
        """The same."""
        probabilities, units = self.probabilities(query, model)
        best = probabilities[: len(units)].argmax(axis=1)
        return self.told(units, [self.facts["classes"][n] for n in best])

    def told(self, units, classes):
        """An answer."""
        pairs = list(zip(units, classes, strict=True))
        text = " ".join(f"{word}/{tag}" for word, tag in pairs)
        if self.units.unit != "word":
            runs = groupby(pairs, key=lambda pair: pair[1])
            text = " ".join(f"{name}:{''.join(unit for unit, _ in run)!r}" for name, run in runs
                            if name != "space")  # fmt: skip
        return kc.jobs.Answer(text, {"units": list(units), "classes": list(classes)})
