"""Segment classification: a class for every word of a sentence, or every character of a program."""

from __future__ import annotations

from itertools import groupby

import numpy as np

import keras_classics as kc
from labellers.task import in_batches, write_table
from labellers.text import TextTask

# Characters of a program that are read at once.
WINDOW = 100


class Tag(TextTask):
    """Data are documents of classed characters, or sentences of tagged words."""

    DATA = "source_code"
    DATA_OPTIONS = {}
    DEFAULTS = {"epochs": 3, "batch_size": 64, "learning_rate": 5e-3, "units": 64}

    @classmethod
    def of(cls, data, options):
        """Words have tags, documents classes of their characters."""
        spec = data.train.element_spec
        if not ("words" in spec or "token_classes" in spec):
            raise kc.InputError(
                f"--task tag was given for the data {data.info.name!r}. Allowed: source_code or "
                "tagged sentences. Use --data conllu:FILE for these."
            )
        unit = "word" if "words" in spec else "character"
        rows = [units for units, _, _ in elements(data, "train")]
        return cls.reading(rows, unit, data.info.classes)

    def read(self, data, split):
        """Numbers of units, classes, and where they stand."""
        rows = list(elements(data, split))
        inputs = [self.units.encode(units) for units, _, _ in rows]
        targets = [classes for _, classes, _ in rows]
        return kc.data.LabelledSequences(inputs, targets), [name for _, _, name in rows]

    def build(self, options):
        """A bidirectional network that answers at every step."""
        return kc.models.tagger(**self.network(options))

    def evaluate(self, model, part, names, folder, options):
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
        write_table(folder, {"class": self.facts["classes"], **scores})
        shares = np.bincount(labels) / len(labels)
        metrics = {"accuracy": right.mean(), "always the same": shares.max()}
        if unknown.any():
            metrics["accuracy of the unknown"] = right[unknown].mean()
        return {"test": {key: float(value) for key, value in metrics.items()}}

    def example(self, data, folder):
        """A test sentence, or lines of a program."""
        units = next(iter(elements(data, "test")))[0]
        return " ".join(units) if self.units.unit == "word" else "".join(units)

    def answer(self, served, query):
        """Words with their tags, or runs of characters of one class."""
        found = served.serve([query])
        pairs = zip(found["units"][0].numpy(), found["classes"][0].numpy(), strict=True)
        pairs = [(unit.decode(), name.decode()) for unit, name in pairs]
        if self.units.unit == "word":
            return " ".join(f"{word}/{tag}" for word, tag in pairs)
        runs = groupby(pairs, key=lambda pair: pair[1])
        return " ".join(f"{name}:{''.join(unit for unit, _ in run)!r}" for name, run in runs
                        if name != "space")  # fmt: skip


def elements(data: kc.data.Data, split: str):
    """Units, their classes, int32, and a name, for every sequence of a split."""
    for element in getattr(data, split).as_numpy_iterator():
        name = element["name"].decode()
        if "words" in element:
            yield [word.decode() for word in element["words"]], element["tags"], name
            continue
        text, classes = element["text"].decode(), element["token_classes"].astype("int32")
        for start in range(0, len(text), WINDOW):
            end = start + WINDOW
            yield text[start:end], classes[start:end], f"{name}:{start}"
