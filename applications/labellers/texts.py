"""Texts for `labelling.py`: a class for every word or character, or one for the whole text."""

from __future__ import annotations

from itertools import groupby

import numpy as np

import keras_classics as kc

# Words that are seen once teach what an unknown word is like.
MIN_COUNT = {"word": 2, "character": 1}
EMBEDDING = {"word": 64, "character": None}
# Characters of a program that are read at once.
WINDOW = 100


class Texts:
    """What both have in common; facts are the unit, the known units and the classes."""

    FACTS, DATA_OPTIONS = {"unit": str, "items": list, "classes": list}, {}
    TAKES, GIVES = {"texts": "string"}, ("units", "classes", "probabilities")
    metrics = ["accuracy"]

    def __init__(self, facts):
        self.classes = facts["classes"]
        self.units = kc.data.Units(facts["items"], facts["unit"])

    @staticmethod
    def adapt(data):
        """The data as this task wants them."""
        return data

    @staticmethod
    def reading(sequences, unit, classes):
        """The facts of giving classes to texts of these units."""
        units = kc.data.Units.from_sequences(sequences, unit, min_count=MIN_COUNT[unit])
        return {"unit": unit, "items": list(units.items), "classes": list(classes)}

    def part(self, examples, remark):
        """Numbers of units and classes."""
        self.names = [name for _, _, name in examples]
        inputs = [self.units.encode(units) for units, _, _ in examples]
        return kc.data.LabelledSequences(inputs, [classes for _, classes, _ in examples])

    def network(self, settings):
        """Arguments of the network that follow from the units and the settings."""
        return {
            "classes": len(self.classes),
            "vocabulary_size": len(self.units),
            "embedding_size": EMBEDDING[self.units.unit],
            **settings.some("cell", "units", "layers", "dropout"),
        }

    def sizes(self, model):
        """Units, the padding and the unknown among them, and classes: known and of the model."""
        known, classes = kc.models.vocabulary_size(model), model.output_shape[-1]
        return {"units": (len(self.units), known), "classes": (len(self.classes), classes)}

    def loss(self):
        """Cross-entropy of every step or text; padding is masked."""
        return "sparse_categorical_crossentropy"

    def export(self, model, path, format):
        """Texts in, classes out."""
        kc.export.export_text_labeller(model, self.units, self.classes, path, format=format)

    def probabilities(self, query, model):
        """Of the classes, of each unit or of the text; and the units."""
        units = self.units.split(query)
        if not len(units):
            raise kc.InputError(
                f"{query!r} was given, which holds no {self.units.unit}. Allowed: texts. Write one."
            )
        part = kc.data.LabelledSequences([self.units.encode(units)], [])
        return kc.models.label_probabilities(model, part)[0], units


class Tag(Texts):
    """Data are documents of classed characters, or sentences of tagged words."""

    DATA = "source_code"
    DEFAULTS = {"epochs": 3, "batch_size": 64, "learning_rate": 5e-3, "units": 64}

    @staticmethod
    def examples(data, split):
        """Units, their classes, and where they stand."""
        tagged, rows = data.has("words", "tags"), []
        if not (tagged or data.has("token_classes")):
            raise kc.InputError(
                f"--task tag was given for the data {data.info.name!r}. Allowed: source_code or "
                "tagged sentences. Use --data conllu:FILE for these."
            )
        for each in getattr(data, split):
            if tagged:
                rows.append((each.words, each.tags, each.name))
                continue
            classes = each.token_classes.astype("int32")
            for start in range(0, len(each.text), WINDOW):
                cut = slice(start, start + WINDOW)
                rows.append((each.text[cut], classes[cut], f"{each.name}:{start}"))
        return rows

    @classmethod
    def codec(cls, examples, data, settings):
        """Words have tags, documents classes of their characters."""
        unit = "word" if data.has("words") else "character"
        return cls.reading([units for units, _, _ in examples], unit, data.info.classes)

    def build(self, settings):
        """A bidirectional network that answers at every step."""
        return kc.models.tagger(**self.network(settings))

    def evaluate(self, model, part, folder, drawn):
        """Accuracy by unit, of all and of unknown words, beside the most frequent class."""
        found = kc.models.label_probabilities(model, part)
        unknown = [numbers == self.units.UNKNOWN for numbers in part.inputs]
        metrics, scores = kc.training.tagging_metrics(found, part.targets, unknown)
        return {"test": metrics}, {"class": self.classes, **scores}

    def example(self, example, folder):
        """A test sentence, or lines of a program."""
        return " ".join(example[0]) if self.units.unit == "word" else example[0]

    def ask(self, query, exported):
        """Words with their tags, or runs of characters of one class."""
        found = kc.jobs.first_answer(exported, [query])
        return self.told(found["units"], found["classes"])

    def ask_model(self, query, model):
        """The same."""
        found, units = self.probabilities(query, model)
        return self.told(units, [self.classes[n] for n in found.argmax(axis=1)])

    def told(self, units, classes):
        """An answer."""
        pairs = list(zip(units, classes, strict=True))
        text = " ".join(f"{word}/{tag}" for word, tag in pairs)
        if self.units.unit != "word":
            runs = groupby(pairs, key=lambda pair: pair[1])
            text = " ".join(f"{name}:{''.join(unit for unit, _ in run)!r}" for name, run in runs
                            if name != "space")  # fmt: skip
        return kc.jobs.Answer(text, {"units": list(units), "classes": list(classes)})


class Classify(Texts):
    """Data are sentences with a class, or parallel text, whose class is its language."""

    DATA, DATA_OPTIONS = "phrases", {"train": 4000, "validation": 300, "test": 500}
    DEFAULTS = {"epochs": 3, "batch_size": 64, "learning_rate": 5e-3, "units": 48}

    @staticmethod
    def adapt(data):
        """Parallel text becomes sentences."""
        return data if data.has("text", "label") else kc.data.by_language(data)

    @staticmethod
    def examples(data, split):
        """The text, its class, and the text as its name."""
        return [(each.text, np.int32(each.label), each.text) for each in getattr(data, split)]

    @classmethod
    def codec(cls, examples, data, settings):
        """Languages differ in their characters, opinions in words."""
        unit = settings.unit or ("character" if data.info.languages else "word")
        rows = [text.split() if unit == "word" else text for text, _, _ in examples]
        return cls.reading(rows, unit, data.info.classes)

    def part(self, examples, remark):
        """Numbers of units, and the class."""
        rows = [(self.units.split(text), label, name) for text, label, name in examples]
        return super().part(rows, remark)

    def build(self, settings):
        """A bidirectional network that answers once."""
        return kc.models.sequence_classifier(summary=settings.summary, **self.network(settings))

    def evaluate(self, model, part, folder, drawn):
        """Accuracy, F1 and cross-entropy; every text with what was said of it."""
        found, labels = np.stack(kc.models.label_probabilities(model, part)), np.array(part.targets)
        table = {"text": self.names, **kc.training.predictions(labels, found, self.classes)}
        return {"test": kc.training.classification_metrics(labels, found)}, table

    def example(self, example, folder):
        """A test text."""
        return example[0]

    def ask(self, query, exported):
        """All classes with their probabilities."""
        return self.told(np.array(kc.jobs.first_answer(exported, [query])["probabilities"]))

    def ask_model(self, query, model):
        """The same."""
        return self.told(self.probabilities(query, model)[0])

    def told(self, found):
        """An answer."""
        kc.jobs.check_count("classes", len(self.classes), len(found), "codec.json")
        best = {self.classes[n]: float(found[n]) for n in np.argsort(-found)}
        text = ", ".join(f"{name} {share:.1%}" for name, share in best.items())
        return kc.jobs.Answer(text, {"probabilities": best})
