"""Clips for `labelling.py`: one class for what happens, which no frame need show."""

from __future__ import annotations

import numpy as np

import keras_classics as kc
from labellers.tasks import Task

# Frames of still shapes, which an encoder may learn before what comes first and what later.
STILLS = 4000


class Clip(Task):
    """Data are clips; the codec is the classes there are, and the frames and size of a clip."""

    CODEC = {"classes": list[str], "frames": int, "size": list}
    DEFAULTS = {"data": "moving_scenes", "epochs": 10, "batch_size": 32, "learning_rate": 2e-3,
        "units": 64, "cell": "gru"}  # fmt: skip
    takes = {"clips": "uint8"}
    gives = ("classes", "probabilities")

    def complete(self):
        super().complete()
        settings = self.settings
        order = settings.data == "moving_scenes" and settings.data_options.get("task") == "order"
        settings.fill(still_epochs=10 if order else 0)

    def read(self, split):
        return kc.data.filmed(self.data, split)

    def make_facts(self, training):
        first = training[0].content
        frames = max(len(each.content) for each in training)
        classes = list(self.data.info.classes)
        return {"codec": {"classes": classes, "frames": frames, "size": list(first.shape[1:3])}}

    def check_data(self, data):
        kc.jobs.check_classes(self.codec["classes"], data.info.classes, "codec.json")

    def numbered(self, part, split):
        clips, labels, names = zip(*part, strict=True)
        whole = [self.even(clip, name) for clip, name in zip(clips, names, strict=True)]
        return kc.data.LabelledSequences(whole, labels, names=names, multiple=1)

    def even(self, clip, name):
        """As many frames as all clips have: of shorter ones some stay for longer."""
        size = tuple(self.codec["size"])
        if clip.shape[1:3] != size:
            raise kc.InputError(
                f"{name} has frames of {clip.shape[1:3]}",
                f"{size}, the size of the first clip of the training",
                f"Give --data-options 'image_size=({size[0]},{size[1]})'.",
            )
        places = np.linspace(0, len(clip) - 1, self.codec["frames"])
        return clip[places.round().astype(int)]

    def build(self):
        """A network of the catalogue on every frame, and what reads the frames in order."""
        import keras

        settings, size = self.settings, tuple(self.codec["size"])
        network = kc.models.picture_encoder(settings.encoder, size, **settings.encoder_options)
        encoder = keras.Sequential(
            [keras.Input((*size, 3)), keras.layers.Rescaling(1 / 127.5, -1), network]
        )
        if settings.still_epochs:
            self.learn_stills(encoder, settings.still_epochs)
        recurrent = settings.cell in kc.layers.RECURRENT_LAYERS
        reader = settings.some("layers", "dropout", "summary") if recurrent else {}
        return kc.models.video_classifier(
            encoder, len(self.codec["classes"]), over_time=settings.cell, units=settings.units,
            **reader,
        )  # fmt: skip

    def learn_stills(self, encoder, epochs):
        """Teach an encoder which shape is which, before clips of several."""
        import keras

        height, width = self.codec["size"]
        if height != width:
            raise kc.InputError(
                f"--still-epochs {epochs} was given with frames of {height} x {width}",
                "square frames",
                "Leave it out.",
            )
        frames, labels = kc.data.still_shapes(STILLS, size=height, seed=self.settings.seed)
        head = keras.Sequential([encoder, keras.layers.Dense(3, "softmax")])
        head.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
        head.fit(frames, labels, batch_size=32, epochs=epochs, verbose=0)

    def sizes(self, model):
        """Classes and sizes of frames: known and of the model."""
        return {
            "classes": (len(self.codec["classes"]), model.output_shape[-1]),
            "pixels": (tuple(self.codec["size"]), model.input_shape[2:4]),
        }

    def scores(self, model, part):
        """Accuracy, F1 and cross-entropy; every clip with what was said of it, some drawn."""
        classes, labels = self.codec["classes"], np.array(part.targets)
        found = np.stack(kc.models.label_probabilities(model, part))
        shown = kc.training.predictions(labels, found, classes)
        drawn = range(min(self.settings.pictures, len(part)))
        if drawn:
            told = [f"{classes[labels[n]]}\nsaid: {classes[found[n].argmax()]}" for n in drawn]
            empty = [""] * (self.codec["frames"] - 1)
            kc.analysis.draw_tiles(
                self.results / "clips.png", [frame for n in drawn for frame in part.inputs[n]],
                [title for each in told for title in (each, *empty)],
                columns=self.codec["frames"],
            )  # fmt: skip
        metrics = kc.training.classification_metrics(labels, found)
        return {"test": metrics}, {"clip": part.names, **shown}

    def export(self, model, path, format):
        kc.export.export_clip_classifier(model, self.codec["classes"], path, format=format)

    def example(self):
        place = self.folder / "example"
        place.mkdir(exist_ok=True)
        for number, frame in enumerate(self.split("test")[0].content, 1):
            kc.data.write_picture(place / f"{number}.png", frame)
        return [str(place)]

    def clip_of(self, query):
        """A clip `(1, frames, height, width, 3)` from a folder of frames or a video file."""
        size = tuple(self.codec["size"])
        clip = kc.data.read_clip(query, frames=self.codec["frames"], size=size)
        return self.even(clip, query)[None]

    def ask(self, query, exported):
        found = kc.jobs.first_answer(exported, self.clip_of(query))["probabilities"]
        kc.jobs.check_count("classes", len(self.codec["classes"]), len(found), "codec.json")
        return self.by_class(np.array(found))

    def ask_model(self, query, model):
        return self.by_class(model.predict(self.clip_of(query), verbose=0)[0])
