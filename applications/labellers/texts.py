"""Texts for `labelling.py`: a class for every word or character, or one for the whole text."""

from __future__ import annotations

import functools
from itertools import groupby

import numpy as np

import keras_classics as kc
from labellers.task import Task

# Words that are seen once teach what an unknown word is like.
MIN_COUNT = {"word": 2, "character": 1}
EMBEDDING = {"word": 64, "character": None}
# Characters of a program that are read at once.
WINDOW = 100


class Texts(Task):
    """What both have in common; the codec is the unit, the known units and the classes."""

    CODEC = {"unit": str, "items": list, "classes": list}
    takes, gives = {"texts": "string"}, ("units", "classes", "probabilities")

    @property
    def classes(self):
        """Their names."""
        return self.codec["classes"]

    @functools.cached_property
    def units(self):
        """What texts are made of."""
        return kc.data.Units(self.codec["items"], self.codec["unit"])

    def reading(self, sequences, unit):
        """The facts of giving classes to texts of these units."""
        units = kc.data.Units.from_sequences(sequences, unit, min_count=MIN_COUNT[unit])
        classes = list(self.data.info.classes)
        return {"codec": {"unit": unit, "items": list(units.items), "classes": classes}}

    def network(self):
        """Arguments of the network that follow from the units and the settings."""
        return {
            "classes": len(self.classes),
            "vocabulary_size": len(self.units),
            "embedding_size": EMBEDDING[self.units.unit],
            **self.settings.some("cell", "units", "layers", "dropout"),
        }

    def sizes(self, model):
        """Units, the padding and the unknown among them, and classes: known and of the model."""
        known, classes = kc.models.vocabulary_size(model), model.output_shape[-1]
        return {"units": (len(self.units), known), "classes": (len(self.classes), classes)}

    def export(self, model, path, format):
        kc.export.export_text_labeller(model, self.units, self.classes, path, format=format)

    def probabilities(self, query, model):
        """Of the classes, of each unit or of the text; and the units."""
        units = self.some(query, self.units.split(query))
        part = kc.data.LabelledSequences([self.units.encode(units)], [])
        return kc.models.label_probabilities(model, part)[0], units

    @staticmethod
    def some(query, units):
        """The units of a text, which is refused without any, whoever answers."""
        if not len(units):
            raise kc.InputError(
                f"{query!r} was given, which holds nothing to label",
                "texts",
                "Write one.",
            )
        return units


class Tag(Texts):
    """Data are documents of classed characters, or sentences of tagged words."""

    DEFAULTS = {"data": "source_code", "epochs": 3, "batch_size": 64, "learning_rate": 5e-3,
        "units": 64}  # fmt: skip

    def read(self, split):
        """Units, their classes, and where they stand."""
        tagged, rows = self.data.has("words", "tags"), []
        if not (tagged or self.data.has("token_classes")):
            raise kc.InputError(
                f"--task tag was given for the data {self.data.info.name!r}",
                "source_code or tagged sentences",
                "Use --data conllu:FILE for these.",
            )
        for each in getattr(self.data, split):
            if tagged:
                rows.append((each.words, each.tags, each.name))
                continue
            classes = each.token_classes.astype("int32")
            for start in range(0, len(each.text), WINDOW):
                cut = slice(start, start + WINDOW)
                rows.append((each.text[cut], classes[cut], f"{each.name}:{start}"))
        return rows

    def make_facts(self, training):
        """Words have tags, documents classes of their characters."""
        unit = "word" if self.data.has("words") else "character"
        return self.reading([units for units, _, _ in training], unit)

    def numbered(self, part, split):
        texts, classes, names = zip(*part, strict=True)
        return kc.data.LabelledSequences([*map(self.units.encode, texts)], classes, names=names)

    def build(self):
        """A bidirectional network that answers at every step."""
        return kc.models.tagger(**self.network())

    def scores(self, model, part):
        """Accuracy by unit, of all and of unknown words, beside the most frequent class."""
        found = kc.models.label_probabilities(model, part)
        unknown = [numbers == self.units.UNKNOWN for numbers in part.inputs]
        metrics, scores = kc.training.tagging_metrics(found, part.targets, unknown)
        return {"test": metrics}, {"class": self.classes, **scores}

    def example(self):
        """A test sentence, or lines of a program."""
        text = self.split("test")[0][0]
        return [" ".join(text) if self.units.unit == "word" else text]

    def ask(self, query, exported):
        found = kc.jobs.first_answer(exported, [query])
        return self.answer(self.some(query, found["units"]), found["classes"])

    def ask_model(self, query, model):
        found, units = self.probabilities(query, model)
        return self.answer(units, [self.classes[n] for n in found.argmax(axis=1)])

    def answer(self, units, classes):
        """Words with their tags, or runs of characters of one class."""
        pairs = list(zip(units, classes, strict=True))
        text = " ".join(f"{word}/{tag}" for word, tag in pairs)
        if self.units.unit != "word":
            runs = groupby(pairs, key=lambda pair: pair[1])
            text = " ".join(f"{name}:{''.join(unit for unit, _ in run)!r}" for name, run in runs
                            if name != "space")  # fmt: skip
        return kc.jobs.Answer(text, {"units": list(units), "classes": list(classes)})


class Classify(Texts):
    """Data are sentences with a class, or parallel text, whose class is its language."""

    DEFAULTS = {"data": "phrases", "epochs": 3, "batch_size": 64, "learning_rate": 5e-3,
        "units": 48}  # fmt: skip
    DATA_OPTIONS = {"train": 4000, "validation": 300, "test": 500}

    @functools.cached_property
    def data(self):
        """Parallel text becomes sentences."""
        data = super().data
        return data if data.has("text", "label") else kc.data.by_language(data)

    def read(self, split):
        return [(each.text, np.int32(each.label), each.text) for each in getattr(self.data, split)]

    def make_facts(self, training):
        """Languages differ in their characters, opinions in words."""
        unit = self.settings.unit or ("character" if self.data.info.languages else "word")
        return self.reading([text.split() if unit == "word" else text for text, _, _ in training],
            unit)  # fmt: skip

    def numbered(self, part, split):
        texts, classes, _ = zip(*part, strict=True)
        inputs = [self.units.encode(self.units.split(text)) for text in texts]
        return kc.data.LabelledSequences(inputs, classes, names=texts)

    def build(self):
        """A bidirectional network that answers once."""
        return kc.models.sequence_classifier(summary=self.settings.summary, **self.network())

    def scores(self, model, part):
        """Accuracy, F1 and cross-entropy; every text with what was said of it."""
        found, labels = np.stack(kc.models.label_probabilities(model, part)), np.array(part.targets)
        table = {"text": part.names, **kc.training.predictions(labels, found, self.classes)}
        return {"test": kc.training.classification_metrics(labels, found)}, table

    def example(self):
        return [self.split("test")[0][0]]

    def ask(self, query, exported):
        self.some(query, self.units.split(query))
        return self.answer(np.array(kc.jobs.first_answer(exported, [query])["probabilities"]))

    def ask_model(self, query, model):
        return self.answer(self.probabilities(query, model)[0])

    def answer(self, found):
        """All classes with their probabilities."""
        return self.by_class(self.classes, found)
