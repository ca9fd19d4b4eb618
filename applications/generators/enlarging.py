"""Super-resolution; and networks that are brought, of either kind."""

from __future__ import annotations

import keras
import numpy as np

import keras_classics as kc
from generators.classifiers import network_of, preparation
from generators.figures import distance
from generators.transforming import Stylist, Transforming

# Pixels by which what is seen of enlarged pictures moves at most: strides up to 8 fall anywhere.
SHIFT = 7
# Of super-resolution.
FACTORS = (4, 8)
# Side of what is shown of large pictures beside each other, before they are enlarged.
SHOWN = 48


class Enlarger(Transforming):
    """Super-resolution."""

    own_verbs = ("enlarge",)

    @property
    def times(self):
        return self.settings.factor

    @property
    def seer(self):
        alone = self.settings.loss == "pixels"
        return f"which is to {'judge' if alone else 'see'} them"

    def complete(self):
        super().complete()
        side, factor = self.settings.image_size, self.settings.factor
        if factor not in FACTORS:
            raise kc.InputError(
                f"--factor {factor} was given", "4 and 8", "Leave --factor out for 4."
            )
        if side % factor:
            raise kc.InputError(
                f"--image-size {side} was given to learn enlarging {factor} times from",
                f"multiples of {factor}",
                f"Give for example --image-size {factor * (side // factor + 1)}.",
            )

    def build(self):
        # Without statistics and from the bilinear enlargement, minutes of training count.
        model = kc.models.super_resolution(
            self.settings.factor, filters=self.settings.filters, normalization="none",
            residual=True, enlarging="nearest",
        )  # fmt: skip
        return kc.jobs.begin_with(self, model, self.earlier)

    def units(self, pictures):
        """How far the bicubic enlargement is off."""
        plain, seen = self.bicubic(self.small(pictures)), self.perception
        return {
            "content": seen.content_distance(seen.maps(plain), seen.maps(pictures)),
            "pixel": np.square((plain - pictures) / 255),
        }

    def compile(self, model, plan):
        alone = self.settings.loss == "pixels"
        weights = self.weights(
            content=0.0 if alone else 1.0, pixel=1.0 if alone else self.settings.pixel_weight
        )
        trainer = kc.training.PerceptualTrainer(
            model, self.perception, variation_weight=0.0, shift=0 if alone else SHIFT,
            seed=self.settings.seed, **weights,
        )  # fmt: skip
        trainer.compile(self.guarded(keras.optimizers.Adam(self.rate(plan))))
        return trainer

    def pairs(self, part):
        large = part.images.astype("float32")
        return self.small(large), large

    def small(self, large):
        """Bicubic, with antialiasing in the place of the paper's blur of 1 pixel."""
        sides = [side // self.settings.factor for side in large.shape[1:3]]
        parts = np.array_split(large, -(-len(large) // 64))
        found = [keras.ops.image.resize(each, sides, "bicubic", antialias=True) for each in parts]
        return np.concatenate([keras.ops.convert_to_numpy(each) for each in found]).clip(0, 255)

    def bicubic(self, small):
        sides = [side * self.settings.factor for side in small.shape[1:3]]
        return keras.ops.convert_to_numpy(keras.ops.image.resize(small, sides, "bicubic"))

    def networks(self, model):
        """This one and those of the runs beside it, by the loss they learned by."""
        found = {self.settings.loss: model}
        factor = self.settings.factor
        for folder, job in self.others().items():
            if not isinstance(job, Enlarger) or job.settings.factor != factor:
                raise kc.InputError(
                    f"--beside {folder} was given, a run of another kind",
                    f"runs of --task super_resolution --factor {factor}",
                    "Leave it out, or train one.",
                )
            name = job.settings.loss
            found[name if name not in found else str(folder)] = job.trained()
        return found

    def enlarge(self, model):
        names, pictures = self.given()
        networks, true = self.networks(model), []
        if not self.settings.images:
            true, pictures = pictures, list(self.small(np.stack(pictures).astype("float32")))
        made = {
            name: kc.models.transform_pictures(each, pictures, tile=self.settings.tile)
            for name, each in networks.items()
        }
        self.keep_each(names, made[self.settings.loss], "large")
        plain = [self.bicubic(each[None].astype("float32"))[0] for each in pictures]
        shown = {"bicubic": [np.rint(each.clip(0, 255)).astype("uint8") for each in plain], **made}
        if true:
            shown["as it was"] = true
        tiles = [self.middle(each[n]) for n in range(len(names)) for each in shown.values()]
        titles = [f"{name}, {way}" for name in names for way in shown]
        self.page("enlarged.png", tiles, "Super-resolution", columns=len(shown), titles=titles)

    def middle(self, picture):
        """As much of a large picture as can be told from others beside it."""
        side = SHOWN * self.settings.factor
        top, left = (max(0, length - side) // 2 for length in picture.shape[:2])
        return picture[top : top + side, left : left + side]

    def evaluate(self, model):
        large = self.split("test").images.astype("float32")
        small = self.small(large)
        made = {"bicubic": self.bicubic(small)} | {
            name: np.concatenate([each.predict_on_batch(one[None]) for one in small])
            for name, each in self.networks(model).items()
        }
        judges = {"by its loss network": self.perception}
        own = self.settings
        if own.judge_network is not None:
            prepare = preparation(own.judge_network, own.judge_pixels, "--judge-pixels")
            network = network_of(own.judge_network, own.judge_weights)
            judges["by the judge"] = kc.training.PerceptualLoss(network, prepare=prepare)
        rows = {}
        for name, pictures in made.items():
            pair = pictures.clip(0, 255), large
            rows[name] = {
                "PSNR": float(kc.training.peak_signal_to_noise(*pair).mean()),
                "SSIM": float(kc.training.structural_similarity(*pair).mean()),
                **{judge: distance(seen, *pair) for judge, seen in judges.items()},
            }
        return kc.jobs.Scores(rows, f"{len(large)} test pictures", digits=4)


class Brought(Stylist, Enlarger):
    """A network of a file, or of a folder with its export; no run is needed."""

    def brings_model(self):
        return True

    def trained(self):
        path = self.settings.network
        if path.suffix == ".keras":
            return kc.load_model(path)
        if not (path / "saved_model.pb").exists():
            raise kc.InputError(
                f"--network {path} was given, which holds no network",
                "a .keras file, or the folder of an export",
                "Name for example --network runs/style/model.keras.",
            )
        return kc.export.saved_model_network(path, keras.Input((None, None, 3), name="picture"))

    def given(self):
        if not self.settings.images:
            raise kc.InputError(
                "A --network was given without pictures",
                "--images with one file or more",
                "Name some, or leave --network out for the test split of a run.",
            )
        return super().given()

    def stylize(self, model):
        self.check_times(model, 1, f"--network {self.settings.network}")
        super().stylize(model)

    def enlarge(self, model):
        [made] = kc.models.transform_pictures(model, np.zeros((1, 8, 8, 3), "uint8"))
        self.settings.factor = 8 if made.shape[0] == 64 else 4
        self.check_times(model, self.settings.factor, f"--network {self.settings.network}")
        super().enlarge(model)
