"""Recordings for `labelling.py`: one class for what is said, however slowly."""

from __future__ import annotations

import numpy as np

import keras_classics as kc
from labellers.tasks import Task

SOUNDS = kc.data.Transcription("")
# How many times as long as it was said a word is heard in the evaluation.
PACES = (0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0)


class Word(Task):
    """Data are recordings of single words; the codec is the words there are."""

    CODEC = {"classes": list[str]}
    DEFAULTS = {"data": None, "epochs": 12, "batch_size": 32, "learning_rate": 4e-3,
        "units": 64}  # fmt: skip
    takes = {"inputs": "float32", "lengths": "int32"}
    gives = ("classes", "probabilities")

    def complete(self):
        if self.settings.data is None:
            raise kc.InputError(
                "--task word was given without data",
                "recordings of single words",
                "Give --data speech:FOLDER.",
            )
        super().complete()

    def reader_options(self):
        return {"digits": (1, 1)}

    def read(self, split):
        return kc.data.transcribed(self.data, split, field="audio")

    def make_facts(self, training):
        return {"codec": {"classes": sorted({each.target for each in training})}}

    def numbered(self, part, split):
        sounds, texts, names = zip(*part, strict=True)
        words = self.codec["classes"]
        if strange := sorted(set(texts) - set(words)):
            raise kc.InputError(
                f"The {split} split says {strange[0]!r}",
                f"words of the training split: {', '.join(words)}",
                "Move recordings of it there, or leave it out.",
            )
        heard = SOUNDS.sequences(sounds).inputs
        labels = [np.int32(words.index(text)) for text in texts]
        return kc.data.LabelledSequences(heard, labels, names=names)

    def distortion(self):
        return self.heard_otherwise()

    def build(self):
        """A bidirectional network that answers once."""
        return kc.models.sequence_classifier(
            classes=len(self.codec["classes"]),
            input_size=SOUNDS.input_shape[-1],
            **self.settings.some("cell", "units", "layers", "dropout", "summary"),
        )

    def sizes(self, model):
        """Words: known and of the model."""
        return {"classes": (len(self.codec["classes"]), model.output_shape[-1])}

    def scores(self, model, part):
        """Accuracy at every pace; every recording with what was heard in it at its own."""
        labels, metrics, table = np.array(part.targets), {}, {}
        for pace in PACES:
            frames = [kc.data.stretched(each, pace) for each in part.inputs]
            paced = kc.data.LabelledSequences(frames, part.targets)
            found = np.stack(kc.models.label_probabilities(model, paced))
            name = "test" if pace == 1 else f"{pace:g} times as long"
            metrics[name] = kc.training.classification_metrics(labels, found)
            if pace == 1:
                shown = kc.training.predictions(labels, found, self.codec["classes"])
                table = {"name": part.names, **shown}
        return metrics, table

    def export(self, model, path, format):
        kc.export.export_sound_classifier(model, self.codec["classes"], path, format=format)

    def example(self):
        path = self.folder / "example.wav"
        SOUNDS.write(path, self.split("test")[0].content)
        return [str(path)]

    def ask(self, query, exported):
        sound = SOUNDS.read(query)
        length = np.array([len(sound)], "int32")
        found = kc.jobs.first_answer(exported, sound[None], length)["probabilities"]
        kc.jobs.check_count("classes", len(self.codec["classes"]), len(found), "codec.json")
        return self.by_class(np.array(found))

    def ask_model(self, query, model):
        part = kc.data.LabelledSequences(SOUNDS.sequences([SOUNDS.read(query)]).inputs, [])
        return self.by_class(kc.models.label_probabilities(model, part)[0])
