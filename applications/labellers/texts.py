"""Texts for `labelling.py`: a class for every word or character, or one for the whole text."""

from __future__ import annotations

import functools
from itertools import groupby

import numpy as np

import keras_classics as kc
from labellers.tasks import Task

# Words that are seen once teach what an unknown word is like.
MIN_COUNT = {"word": 2, "character": 1}
DEFAULTS = {"epochs": 3, "batch_size": 64, "learning_rate": 5e-3}


class Texts(Task):
    """What both have in common; the codec is the unit, the known units and the classes."""

    CODEC = {"unit": str, "items": list, "classes": list[str]}
    takes, gives = {"texts": "string"}, ("units", "classes", "probabilities")

    def make_facts(self, training):
        texts, classes = [text for text, _, _ in training], list(self.data.info.classes)
        unit = "character" if isinstance(texts[0], str) else "word"
        units = kc.data.Units.from_sequences(texts, unit, min_count=MIN_COUNT[unit])
        return {"codec": {"unit": unit, "items": list(units.items), "classes": classes}}

    @functools.cached_property
    def units(self):
        """What texts are made of."""
        return kc.data.Units(self.codec["items"], self.codec["unit"])

    def numbered(self, part, split):
        texts, classes, names = zip(*part, strict=True)
        return kc.data.LabelledSequences([*map(self.units.encode, texts)], classes, names=names)

    def network(self):
        """Arguments of the network that follow from the codec and the settings."""
        known = {"vocabulary_size": len(self.units), "classes": len(self.codec["classes"])}
        known |= {"embedding_size": 64 if self.units.unit == "word" else None}
        return known | self.settings.some("cell", "units", "layers", "dropout")

    def sizes(self, model):
        """Units, the padding and the unknown among them, and classes: known and of the model."""
        units = len(self.units), kc.models.vocabulary_size(model)
        return {"units": units, "classes": (len(self.codec["classes"]), model.output_shape[-1])}

    def export(self, model, path, format):
        classes = self.codec["classes"]
        kc.export.export_text_labeller(model, self.units, classes, path, format=format)

    def example(self):
        text = self.split("test")[0].content
        return [text if isinstance(text, str) else " ".join(text)]

    def divided(self, query):
        """The units of a text, which is refused without any, whoever answers."""
        if units := self.units.split(query):
            return units
        raise kc.InputError(f"{query!r} was given, which holds nothing", "texts", "Write one.")

    def ask(self, query, exported):
        units = self.divided(query)
        found = np.array(kc.jobs.first_answer(exported, [query])["probabilities"])
        kc.jobs.check_count("classes", len(self.codec["classes"]), found.shape[-1], "codec.json")
        return self.answer(units, found)

    def ask_model(self, query, model):
        units = self.divided(query)
        part = kc.data.LabelledSequences([self.units.encode(units)], [])
        return self.answer(units, kc.models.label_probabilities(model, part)[0])


class Tag(Texts):
    """A class for each word of a sentence, or each character of a text."""

    DEFAULTS = {"data": "source_code", "units": 64, **DEFAULTS}

    def read(self, split):
        return kc.data.tagged(self.data, split)

    def build(self):
        return kc.models.tagger(**self.network())

    def scores(self, model, part):
        """Accuracy by unit, of all and of unknown words, beside the most frequent class."""
        found = kc.models.label_probabilities(model, part)
        unknown = [numbers == self.units.UNKNOWN for numbers in part.inputs]
        metrics, scores = kc.training.tagging_metrics(found, part.targets, unknown)
        return {"test": metrics}, {"class": self.codec["classes"], **scores}

    def answer(self, units, found):
        """Words with their tags, or runs of characters of one class."""
        classes = [self.codec["classes"][n] for n in found.argmax(axis=1)]
        pairs = list(zip(units, classes, strict=True))
        text = " ".join(f"{word}/{tag}" for word, tag in pairs)
        if self.units.unit != "word":
            runs = groupby(pairs, key=lambda pair: pair[1])
            told = [(name, "".join(unit for unit, _ in run)) for name, run in runs]
            text = " ".join(f"{name}:{run!r}" for name, run in told if name != "space")
        return kc.jobs.Answer(text, {"units": units, "classes": classes})


class Classify(Texts):
    """One class for a text: that of a sentence, or the language of parallel text."""

    DEFAULTS = {"data": "phrases", "units": 48, **DEFAULTS}
    DATA_OPTIONS = {"train": 4000, "validation": 300, "test": 500}

    @functools.cached_property
    def data(self):
        """Parallel text becomes sentences."""
        data = super().data
        return data if data.has("text", "label") else kc.data.by_language(data)

    def read(self, split):
        return kc.data.classed(self.data, split, unit=self.settings.unit)

    def build(self):
        return kc.models.sequence_classifier(summary=self.settings.summary, **self.network())

    def scores(self, model, part):
        """Accuracy, F1 and cross-entropy; every text with what was said of it."""
        found, labels = np.stack(kc.models.label_probabilities(model, part)), np.array(part.targets)
        columns = kc.training.predictions(labels, found, self.codec["classes"])
        metrics = kc.training.classification_metrics(labels, found)
        return {"test": metrics}, {"text": part.names, **columns}

    def answer(self, units, found):
        """All classes with their probabilities."""
        return self.by_class(found)
