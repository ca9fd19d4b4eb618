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
import functools
import itertools
import sys
from pathlib import Path

import keras_classics as kc

# The encoder of the scenes: ResNet-18 up to its second stage, half as wide, and attention over its
# 8 x 8 map. Small enough for a laptop, and where things stand matters there.
SCENES_ENCODER = {"width": 0.5}
SCENES_MODEL = {"encoder_layer": "stage2_out", "attention": "additive"}
SCENES_DATA = {"train": 16000, "validation": 500, "test": 1000}
# Pictures in which it is drawn, in training, where the decoder looks.
EXPLAINED = 6
flag = kc.jobs.flag


@dataclasses.dataclass(kw_only=True)
class Settings(kc.jobs.CaptionerSettings, epochs=6, batch_size=64, learning_rate=2e-3):
    """Their defaults are the scenes."""

    data: str = flag("scenes", "scenes, captions:FOLDER or tfds:NAME")
    data_options: dict = flag(dict, "for scenes: train=16000 clutter=0.5 'objects=(1,5)' ...")
    pictures: int = flag(12, "pictures drawn", verbs=["evaluate"])


class Captioning(kc.jobs.Job):
    """Pictures in, sentences out."""

    Settings = Settings
    name, makes, model_file = "captioning", "captioner", "captioner.keras"
    verbs = {**kc.jobs.VERBS, "caption": "caption image files"}
    reads, asks, queries, source_names = "captions", "caption", "IMAGE", ["--model"]
    extras = {"evaluate": [("pycocoevalcap.bleu.bleu_scorer", "captions")]}
    takes, gives = {"images": "uint8"}, ("captions", "log_probabilities")
    shipped = Path(__file__).resolve().parent.parent / "saved_models" / "captioning-scenes"

    def complete(self):
        settings, follow = self.settings, {"image_size": 128, "min_count": 5}
        if settings.data == "scenes":
            follow = {"image_size": 64, "min_count": 1, "data_options": SCENES_DATA}
            if settings.encoder == "resnet_18":
                follow["encoder_options"] = SCENES_ENCODER
                # Without attention nothing can read a map: the course's vector.
                follow |= {} if settings.attention == "none" else SCENES_MODEL
        longest = 160 if settings.vocabulary == "character" else 24
        settings.fill(**{"attention": "none", "max_words": longest, **follow})
        self.size = (settings.image_size, settings.image_size)

    def reader_options(self):
        return self.settings.some("image_size")

    def fact_files(self):
        return {"vocabulary": kc.jobs.Fact("vocabulary.json", kc.data.load_vocabulary)}

    def make_facts(self, training):
        texts, limit = itertools.chain(*training.captions), self.settings.some("min_count")
        return {"vocabulary": kc.data.make_vocabulary(self.settings.vocabulary, texts, **limit)}

    def check_model(self, model):
        self.facts["vocabulary"].check_matches(model.get_layer("decoder").vocabulary_size)

    def build(self):
        settings, size = self.settings, self.settings.image_size
        encoder = kc.models.picture_encoder(settings.encoder, size, **settings.encoding())
        return kc.models.captioner(encoder, len(self.facts["vocabulary"]), **settings.network())

    def compile(self, model, plan):
        learner = kc.models.split_captioner(model)[1] if self.settings.freeze_encoder else model
        optimizer = kc.training.cosine_adam(self.settings.learning_rate, plan.steps)
        learner.compile(self.guarded(optimizer), kc.training.unpadded_cross_entropy())
        return learner

    def batches(self, part, plan, model):
        # What a frozen encoder says of a picture is always the same.
        frozen = self.settings.freeze_encoder
        given = {"encoded": kc.models.encode_images(model, part.images) if frozen else None}
        given |= {"batch_size": min(plan.batch_size, len(part)), "size": self.size}
        given |= self.settings.some("max_words", "seed")
        vocabulary = self.facts["vocabulary"]
        return lambda first: kc.data.caption_batches(part, vocabulary, first=first, **given)

    def callbacks(self, model, plan, validation):
        settings, shown = self.settings, validation.images[:EXPLAINED]
        found = kc.callbacks.scheduled_sampling(settings.scheduled_sampling, steps=plan.steps)
        if settings.explain_every:
            # With a frozen encoder the decoder alone is trained.
            given = {"model": model, "tensorboard": self.tensorboard}
            given |= {"every_epochs": settings.explain_every, "max_words": settings.max_words}
            given |= {"references": [first for first, *_ in validation.captions[:EXPLAINED]]}
            folder, vocabulary = self.folder / "attention", self.facts["vocabulary"]
            found.append(kc.callbacks.Attention(shown, folder, vocabulary, **given))
        return found

    def said(self, model, images, n_best=1):
        """The best captions of pictures, with their log-probabilities."""
        limits = {"n_best": n_best, **self.settings.search()}
        return list(kc.models.caption(model, self.facts["vocabulary"], images, **limits))

    def evaluate(self, model):
        test, seed = self.split("test"), self.settings.seed
        captions, scores = zip(*(best for best, *_ in self.said(model, test.images)), strict=True)
        columns = {"image": test.names, "caption": captions, "log_probability": scores}
        references = [" | ".join(texts) for texts in test.captions]
        self.table("captions.csv", {**columns, "references": references})
        score = functools.partial(kc.training.caption_metrics, meteor=False)
        kc.export.write_examples(self.results, test.images, test.captions, captions, score)
        kc.data.write_picture(self.results / "example.png", test.images[0])
        shown, page = slice(self.settings.pictures), self.results / "captions.png"
        kc.analysis.draw_captions(page, test.images[shown], captions[shown], test.captions[shown])
        self.output.remark(f"pictures: {page}")
        metrics = kc.training.caption_figures(captions, test.captions, seed=seed)
        return kc.jobs.Scores(metrics, f"{len(test)} test images, beam {self.settings.beam}")

    def export(self, model, path, format):
        limits = {"n_best": self.settings.beam, **self.settings.search()}
        limits |= {"image_size": self.size, "format": format}
        kc.export.export_captioner(model, self.facts["vocabulary"], path, **limits)

    def example(self):
        self.settings.n_best = 3
        return super().example()

    def ask(self, query, exported):
        found = kc.jobs.first_answer(exported, kc.data.read_image(query)[None])
        return self.answer(found["captions"], found["log_probabilities"])

    def ask_model(self, query, model):
        [best] = self.said(model, kc.data.read_image(query)[None], self.settings.n_best)
        return self.answer(*zip(*best, strict=True))

    def answer(self, captions, scores):
        """The best of some captions."""
        return self.ranked(captions, scores, of="captions", shown="{} (log p {:.2f})")


main = functools.partial(kc.jobs.run, Captioning)

if __name__ == "__main__":
    sys.exit(main())
