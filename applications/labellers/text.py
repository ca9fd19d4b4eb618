"""What tagging and classification of texts have in common: units in, classes out."""

from __future__ import annotations

import keras

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

    @classmethod
    def reading(cls, sequences, unit: str, classes) -> Task:
        """The task of giving classes to texts of these units."""
        units = kc.data.Units.from_sequences(sequences, unit, min_count=MIN_COUNT[unit])
        return cls({"unit": unit, "items": units.items, "classes": classes})

    def network(self, options) -> dict:
        """Arguments of the network that follow from the units and the options."""
        return {
            "classes": len(self.facts["classes"]),
            "vocabulary_size": len(self.units),
            "embedding_size": EMBEDDING[self.units.unit],
            "cell": options.cell,
            "units": options.units,
            "layers": options.layers,
            "dropout": options.dropout,
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
