"""Pictures out of pictures: a style network, or super-resolution."""

from __future__ import annotations

import functools

import keras
import numpy as np

import keras_classics as kc
from generators.classifiers import trained_classifier
from generators.task import Task

SEEING = "loss_network.keras"


class Transforming(Task):
    """What both have in common: a network that sees, and pictures of any size."""

    figures = ("loss", "content")

    def fact_files(self):
        return {"seeing": kc.jobs.Fact(SEEING, kc.load_model)}

    def make_facts(self, training):
        own = self.settings.loss_network
        if own is not None:
            return {"seeing": kc.load_model(own)}
        if (self.folder / SEEING).exists():
            return {"seeing": kc.load_model(self.folder / SEEING)}
        self.output.remark("training a classifier of the pictures, which is to see them")
        seen = training.images.astype("float32") / 127.5 - 1
        return {"seeing": trained_classifier(seen, training.labels, epochs=4, any_size=True)}

    @functools.cached_property
    def perception(self):
        return kc.training.PerceptualLoss(
            self.facts["seeing"], prepare=lambda pictures: pictures / 127.5 - 1
        )

    def given(self):
        """Names and pictures of --images, or of the test split."""
        files = self.settings.images
        if files:
            return [path.name for path in files], [kc.data.read_image(path) for path in files]
        test = self.split("test")
        return [f"test {n}" for n in range(8)], list(test.images[:8])

    def export(self, model, path, format):
        kc.export.export_model(model, path, format)


class Stylist(Transforming):
    """Johnson's network, of one style."""

    own_verbs = ("stylize",)

    def style(self):
        own = self.settings.style_picture
        return waves(self.settings.image_size) if own is None else kc.data.read_image(own)

    def build(self):
        return kc.models.style_network(filters=max(2, self.settings.filters // 4), blocks=2)

    def compile(self, model, plan):
        # A small network sees less in a picture than VGG-16, in numbers near 1.
        trainer = kc.training.PerceptualTrainer(
            model, self.perception, style=self.style(),
            content_weight=1.0, style_weight=20.0, variation_weight=1e-8,
        )  # fmt: skip
        trainer.compile(self.guarded(keras.optimizers.Adam(self.settings.learning_rate)))
        return trainer

    def pairs(self, part):
        return (part.images.astype("float32"),)

    def stylize(self, model):
        names, pictures = self.given()
        made = kc.models.transform_pictures(model, pictures, tile=self.settings.tile)
        shown = [each for pair in zip(pictures, made, strict=True) for each in pair]
        titles = [each for name in names for each in (name, "styled")]
        for name, picture in zip(names, made, strict=True):
            kc.data.write_picture(self.results / f"{name.replace(' ', '-')}-styled.png", picture)
        self.page("styled.png", shown, "Style transfer", columns=4, titles=titles)

    def evaluate(self, model):
        """The loss of the network beside that of the pictures as they are."""
        test = self.split("test").images[:16].astype("float32")
        perception, rows = self.perception, {}
        grams = perception.style_of(self.style())
        there = perception.maps(test)
        for name, pictures in (("as they are", test), ("styled", model(test, training=False))):
            maps = perception.maps(pictures)
            rows[name] = {
                "content": float(np.mean(perception.content_distance(maps, there))),
                "style": float(np.mean(perception.style_distance(maps, grams))),
            }
        return kc.jobs.Scores(rows, f"{len(test)} test pictures")


class Enlarger(Transforming):
    """Super-resolution."""

    own_verbs = ("enlarge",)

    def build(self):
        return kc.models.super_resolution(self.settings.factor, filters=self.settings.filters)

    def compile(self, model, plan):
        alone = self.settings.loss == "pixels"
        trainer = kc.training.PerceptualTrainer(
            model, self.perception, content_weight=0.0 if alone else 1.0,
            variation_weight=0.0, pixel_weight=1.0,
        )  # fmt: skip
        trainer.compile(self.guarded(keras.optimizers.Adam(self.settings.learning_rate)))
        return trainer

    def pairs(self, part):
        large = part.images.astype("float32")
        return self.small(large), large

    def small(self, large):
        """Bicubic, with antialiasing in the place of the paper's blur of 1 pixel."""
        sides = [side // self.settings.factor for side in large.shape[1:3]]
        found = keras.ops.image.resize(large, sides, "bicubic", antialias=True)
        return keras.ops.convert_to_numpy(found).clip(0, 255)

    def bicubic(self, small):
        sides = [side * self.settings.factor for side in small.shape[1:3]]
        return keras.ops.convert_to_numpy(keras.ops.image.resize(small, sides, "bicubic"))

    def enlarge(self, model):
        names, pictures = self.given()
        if not self.settings.images:
            pictures = list(self.small(np.stack(pictures).astype("float32")))
        made = kc.models.transform_pictures(model, pictures, tile=self.settings.tile)
        for name, picture in zip(names, made, strict=True):
            kc.data.write_picture(self.results / f"{name.replace(' ', '-')}-large.png", picture)
        plain = [self.bicubic(each[None].astype("float32"))[0] for each in pictures]
        plain = [np.rint(each.clip(0, 255)).astype("uint8") for each in plain]
        shown = [each for pair in zip(plain, made, strict=True) for each in pair]
        titles = [each for name in names for each in (f"{name}, bicubic", "network")]
        self.page("enlarged.png", shown, "Super-resolution", columns=4, titles=titles)

    def evaluate(self, model):
        large = self.split("test").images.astype("float32")
        small = self.small(large)
        made = np.concatenate([model.predict_on_batch(each[None]) for each in small])
        rows = {}
        for name, pictures in (("bicubic", self.bicubic(small)), ("network", made)):
            pair = pictures.clip(0, 255), large
            rows[name] = {
                "PSNR": float(kc.training.peak_signal_to_noise(*pair).mean()),
                "SSIM": float(kc.training.structural_similarity(*pair).mean()),
            }
        return kc.jobs.Scores(rows, f"{len(large)} test pictures")


def waves(side: int) -> np.ndarray:
    """A style without a painter: waves of three colours, uint8 `(side, side, 3)`."""
    rows, columns = np.mgrid[:side, :side] * (2 * np.pi / side)
    bent = 5 * rows + 2 * np.sin(3 * columns)
    colours = [np.sin(bent), np.sin(bent + columns), np.cos(2 * bent)]
    return np.rint(np.stack(colours, axis=-1) * 110 + 128).clip(0, 255).astype("uint8")
