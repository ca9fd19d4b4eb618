"""Image captioning, from pictures to a SavedModel that answers in sentences.

Without a verb the whole job: train (with progress, resumable), evaluate with the field's metrics
beside an image-blind baseline, draw test pictures with their captions, export, and caption one
picture file from the exported model.

    python applications/captioning.py                                   # the embedded scenes
    python applications/captioning.py --data captions:FOLDER            # Flickr8k's layout
    python applications/captioning.py caption photo.jpg                 # the model at hand
"""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import pandas as pd  # noqa: E402

import keras_classics as kc  # noqa: E402

SAMPLING = ("none", "model", "uniform", "always")
# The encoder of the scenes: ResNet-18 up to its second stage, half as wide, and attention over its
# 8 x 8 map. Small enough for a laptop, and where things stand matters there.
SCENES_DATA = {"train": 16000, "validation": 500, "test": 1000}
SCENES_ENCODER, SCENES_ENCODER_OPTIONS = "resnet_18", {"width": 0.5}
SCENES = {"image_size": 64, "min_count": 1}
SCENES_MODEL = {"encoder_layer": "stage2_out", "attention": "additive"}
PICTURES = {"image_size": 128, "min_count": 5}
# Pictures in which it is drawn, in training, where the decoder looks.
EXPLAINED = 6
flag = kc.jobs.flag


@dataclasses.dataclass(kw_only=True)
class Settings(kc.jobs.Settings):
    """Their defaults are the scenes."""

    data: str = flag("scenes", "scenes, captions:FOLDER or tfds:NAME")
    data_options: dict = flag(dict, "for scenes: train=16000 clutter=0.5 'objects=(1,5)' ...")
    epochs: int = flag(6, may_change=True)
    batch_size: int = flag(64)
    learning_rate: float = flag(2e-3)
    image_size: int | None = flag(None, "side the pictures are resized to")
    encoder: str = flag(SCENES_ENCODER, "catalogue name, or a .keras file")
    encoder_options: dict = flag(dict, "arguments of the encoder's builder, such as width=0.5")
    encoder_layer: str | None = flag(None, "layer whose output is described; by default the last "
        "feature map with attention, and without what the classifier reads")  # fmt: skip
    freeze_encoder: bool = flag(False, "train the decoder on stored encodings")
    decoder: str = flag("gru", "gru (the course's), gru_reset_after, lstm or elman")
    start_from: str = flag("initial_state", choices=("initial_state", "first_input"))
    attention: str | None = flag(None, choices=("none", "additive"))
    units: int = flag(128)
    dropout: float = flag(0.1)
    scheduled_sampling: str = flag("none", choices=SAMPLING)
    max_words: int = flag(24)
    min_count: int | None = flag(None, "rarer words become the unknown word")
    beam: int = flag(5, verbs=["evaluate", "export"])
    pictures: int = flag(12, "pictures drawn", verbs=["evaluate"])
    explain_every: int = flag(0, "draw where the decoder looks in validation pictures every so "
        "many epochs; needs attention", may_change=True, metavar="EPOCHS")  # fmt: skip
    n_best: int = flag(1, "captions for a picture", verbs=["caption"])


class Captioning(kc.jobs.Job):
    """Pictures in, sentences out."""

    Settings = Settings
    name, makes, model_file = "captioning", "captioner", "captioner.keras"
    verbs = {**kc.jobs.VERBS, "caption": "caption image files"}
    asks, queries, source_names = "caption", "IMAGE", ["--model"]
    extras = {"evaluate": [("pycocoevalcap.bleu.bleu_scorer", "captions")]}
    shipped = Path(__file__).resolve().parent.parent / "saved_models" / "captioning-scenes"

    def complete(self):
        settings, follow = self.settings, dict(PICTURES)
        if settings.data == "scenes":
            settings.data_options = {**SCENES_DATA, **settings.data_options}
            follow = dict(SCENES)
            if settings.encoder == SCENES_ENCODER:
                settings.encoder_options = {**SCENES_ENCODER_OPTIONS, **settings.encoder_options}
                # Without attention nothing can read a map: the course's vector.
                follow |= {} if settings.attention == "none" else SCENES_MODEL
        for key, value in {"attention": "none", **follow}.items():
            if getattr(settings, key) is None:
                setattr(settings, key, value)

    def reader_options(self):
        return {"image_size": self.settings.image_size}

    def read(self, split):
        cache, count = self.folder / f"{split}-images.npy", self.data.info.sizes[split]
        return kc.data.collect(
            getattr(self.data, split), count=count, cache=cache, description=split
        )

    def fact_files(self):
        return {"vocabulary": kc.jobs.Fact("vocabulary.json", kc.data.Vocabulary.load)}

    def make_facts(self, training):
        texts = [text for texts in training.captions for text in texts]
        min_count = self.settings.min_count
        return {"vocabulary": kc.data.Vocabulary.from_captions(texts, min_count=min_count)}

    def check_model(self, model):
        self.facts["vocabulary"].check_matches(model.get_layer("decoder").vocabulary_size)

    def build(self):
        settings = self.settings
        attention = None if settings.attention == "none" else settings.attention
        if settings.encoder.endswith(".keras"):
            encoder = kc.load_model(settings.encoder)
        else:
            encoder = kc.create_model(
                settings.encoder,
                include_top=not attention,
                input_shape=(settings.image_size, settings.image_size, 3),
                **settings.encoder_options,
            )
        if settings.encoder_layer:
            encoder = keras.Model(encoder.inputs, encoder.get_layer(settings.encoder_layer).output)
        elif not attention and not settings.encoder.endswith(".keras"):
            # The course's vector: what the classifier would read.
            encoder = keras.Model(encoder.inputs, encoder.get_layer("predictions").input)
        return kc.models.captioner(
            encoder,
            len(self.facts["vocabulary"]),
            settings.units,
            settings.decoder,
            attention,
            start_from=settings.start_from,
            dropout=settings.dropout,
            seed=settings.seed,
            train_encoder=not settings.freeze_encoder,
        )

    def compile(self, model, plan):
        learner = kc.models.split_captioner(model)[1] if self.settings.freeze_encoder else model
        rate = keras.optimizers.schedules.CosineDecay(self.settings.learning_rate, plan.steps)
        learner.compile(
            self.guarded(keras.optimizers.Adam(rate, global_clipnorm=5.0)),
            keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, ignore_class=kc.data.Vocabulary.PAD, name="cross_entropy"
            ),
        )
        return learner

    def batches(self, part, plan, model):
        tokens = kc.data.encode_captions(
            part.captions, self.facts["vocabulary"], self.settings.max_words
        )
        frozen = self.settings.freeze_encoder
        inputs = kc.models.encode_images(model, part.images) if frozen else part.images
        return lambda first: kc.data.caption_batches(
            inputs,
            tokens,
            batch_size=min(plan.batch_size, len(part)),
            seed=self.settings.seed,
            first=first,
            key="encoded" if frozen else "image",
            prepare=None if frozen else self.prepared,
        )

    def validation(self, part, plan, model):
        batches = self.batches(part, plan, model)(0)
        steps = max(1, len(part) // plan.batch_size)
        return {"validation_data": batches, "validation_steps": steps}

    def callbacks(self, model, plan, validation):
        settings = self.settings
        found = kc.callbacks.scheduled_sampling(settings.scheduled_sampling, steps=plan.steps)
        if settings.explain_every:
            shown = validation.images[:EXPLAINED]
            attention = kc.callbacks.Attention(
                self.prepared(shown).numpy(),
                self.folder / "attention",
                self.facts["vocabulary"],
                references=[texts[0] for texts in validation.captions[:EXPLAINED]],
                max_words=settings.max_words,
                pictures=shown,
                every_epochs=settings.explain_every,
                tensorboard=self.tensorboard,
                # With a frozen encoder the decoder alone is trained.
                model=model,
            )
            found.append(attention)
        return found

    def prepared(self, images):
        """What the encoder takes of uint8 pictures."""
        return kc.data.network_input(images, (self.settings.image_size, self.settings.image_size))

    def said(self, model, images, n_best=1):
        """The best captions of pictures."""
        settings = self.settings
        beams = {"width": settings.beam, "n_best": n_best, "max_words": settings.max_words}
        return list(kc.models.caption(model, self.facts["vocabulary"], images, **beams))

    def evaluate(self, model):
        test = self.split("test")
        captions, scores = zip(*(best for best, *_ in self.said(model, test.images)), strict=True)
        shuffled = kc.training.shuffled_captions(captions, seed=self.settings.seed)
        said = pd.DataFrame(
            {
                "image": test.names,
                "caption": captions,
                "log_probability": scores,
                "references": [" | ".join(texts) for texts in test.captions],
            }
        )
        kc.data.write_table(self.results / "captions.csv", said, index=False)
        kc.export.write_examples(
            self.results,
            test.images,
            test.captions,
            captions,
            lambda said, true: kc.training.caption_metrics(said, true, meteor=False),
        )
        shown, page = slice(min(self.settings.pictures, len(test))), self.results / "captions.png"
        kc.analysis.draw_captions(page, test.images[shown], captions[shown], test.captions[shown])
        kc.data.write_picture(self.results / "example.png", test.images[0])
        self.output.remark(f"pictures: {page}")
        metrics = {
            "model": kc.training.caption_metrics(captions, test.captions),
            "image-blind": kc.training.caption_metrics(shuffled, test.captions),
        }
        return kc.jobs.Scores(metrics, f"{len(test)} test images, beam {self.settings.beam}")

    def export(self, model, path, format):
        kc.export.export_captioner(
            model,
            self.facts["vocabulary"],
            path,
            image_size=(self.settings.image_size, self.settings.image_size),
            max_words=self.settings.max_words,
            format=format,
            width=self.settings.beam,
            n_best=self.settings.beam,
        )

    def example(self):
        self.settings.n_best = 3
        return [str(self.folder / "example.png")]

    def ask(self, query, exported):
        found = exported.serve(kc.data.read_image(query)[None])
        texts = [text.decode() for text in found["captions"][0].numpy()]
        return self.named(zip(texts, found["log_probabilities"][0].numpy().tolist(), strict=True))

    def ask_model(self, query, model):
        return self.named(
            self.said(model, kc.data.read_image(query)[None], self.settings.n_best)[0]
        )

    def named(self, captions):
        """An answer: the best of some captions with their log-probabilities."""
        best = list(captions)[: self.settings.n_best]
        return kc.jobs.Answer(
            " | ".join(f"{text} (log p {score:.2f})" for text, score in best),
            {"captions": [text for text, _ in best], "log_probabilities": [p for _, p in best]},
        )


def main(argv=None):
    """Run the application; returns the exit code."""
    return kc.jobs.run(Captioning, argv, about=__doc__)


if __name__ == "__main__":
    sys.exit(main())
