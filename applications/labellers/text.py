"""What tagging and classification of texts have in common: units in, classes out."""

from __future__ import annotations

import keras
import numpy as np

import keras_classics as kc
from labellers.task import Task

# Words that are seen once teach what an unknown word is like.
MIN_COUNT = {"word": 2, "character": 1}
EMBEDDING = {"word": 64, "character": None}


class TextTask(Task):
    """Facts: `"unit"`, `"items"` (the known units) and `"classes"`."""

    FACTS = {"unit": str, "items": list, "classes": list}

    def __init__(self, facts):
        super().__init__(facts)
        self.units = kc.data.Units(facts["items"], facts["unit"])

    @staticmethod
    def reading(sequences, unit, classes):
        """The facts of giving classes to texts of these units."""
        units = kc.data.Units.from_sequences(sequences, unit, min_count=MIN_COUNT[unit])
        return {"unit": unit, "items": list(units.items), "classes": list(classes)}

    def network(self, settings):
        """Arguments of the network that follow from the units and the settings."""
        return {
            "classes": len(self.facts["classes"]),
            "vocabulary_size": len(self.units),
            "embedding_size": EMBEDDING[self.units.unit],
            "cell": settings.cell,
            "units": settings.units,
            "layers": settings.layers,
            "dropout": settings.dropout,
        }

    def sizes(self, model):
        """Units, the padding and the unknown among them, and classes."""
        kinds = keras.layers.Embedding, kc.layers.OneHot
        reading = next((layer for layer in model.layers if isinstance(layer, kinds)), None)
        # A model of another task may read no units at all.
        known = getattr(reading, "size", getattr(reading, "input_dim", 0))
        return {
            "units": (len(self.units), known),
            "classes": (len(self.facts["classes"]), model.output_shape[-1]),
        }

    def loss(self):
        """Cross-entropy of every step or text; padding is masked."""
        return keras.losses.SparseCategoricalCrossentropy(name="cross_entropy")

    def export(self, model, path, format):
        """Texts in, classes out."""
        kc.export.export_text_labeller(
            model, self.units, self.facts["classes"], path, format=format
        )

    def probabilities(self, query, model):
        """Of the classes, of each unit or of the text; and the units."""
        units = self.units.split(query)
        if not len(units):
            raise kc.InputError(
                f"{query!r} was given, which holds no {self.units.unit}. Allowed: texts. Write one."
            )
        part = kc.data.LabelledSequences([self.units.encode(units)], [np.int32(0)])
        return model.predict_on_batch(part.network_input([0]))[0], units
