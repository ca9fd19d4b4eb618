"""Pictures out of pictures: a style network, or super-resolution."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

import keras_classics as kc
from generators.classifiers import network_of, preparation, trained_seer
from generators.task import Task

SEEING, UNITS = "loss_network.keras", "units.json"
# Training pictures by which the parts of the loss are measured.
MEASURED = 16
# Steps in which the learning rate rises.
WARM = 50
read_units = functools.partial(kc.jobs.read_record, members={"content": float})
# Pixels by which what is seen of enlarged pictures moves at most: strides up to 8 fall anywhere.
SHIFT = 7
# Of super-resolution.
FACTORS = (4, 8)
# Of a style's side, so that the fourth level of a loss network has something of it to see.
LEAST_STYLE = 32
# Of what an export makes, in grey levels of 255.
TOLERANCE = 0.01
# Pictures that are seen at once.
TOGETHER = 32
# Test pictures that are descended for, one after another.
DESCENDED = 2


class Transforming(Task):
    """What both have in common: a network that sees, and pictures of any size."""

    figures = ("loss", "content")

    def complete(self):
        super().complete()
        for name in ("style_weight", "variation_weight", "pixel_weight"):
            weight = getattr(self.settings, name)
            if weight < 0:
                raise kc.InputError(
                    f"--{name.replace('_', '-')} {weight:g} was given",
                    "numbers from 0 on",
                    "Leave it out for the default.",
                )

    def read(self, split):
        """Pictures with classes, which help what is trained here to see, or with captions."""
        part = getattr(self.data, split)
        known = len(part) and getattr(part[0], "label", None) is not None
        return kc.data.collect(part, "label" if known else "captions", description=split)

    def fact_files(self):
        files = {"units": kc.jobs.Fact(UNITS, read_units)}
        if self.settings.loss_network is None:
            files["seeing"] = kc.jobs.Fact(SEEING, kc.load_model)
        return files

    def make_facts(self, training):
        kept = self.fact_files()
        # A training that goes on goes on with what it began with, to the last bit.
        if all((self.folder / file).exists() for file, _ in kept.values()):
            return {name: load(self.folder / file) for name, (file, load) in kept.items()}
        # What was given is read before anything is learned.
        self.read_given()
        if self.settings.loss_network is None:
            self.output.remark("training a classifier of the pictures, which is to see them")
            labels = getattr(training, "labels", None)
            self.facts["seeing"] = trained_seer(training.images, labels)
        units = self.units(training.images[:MEASURED].astype("float32"))
        return {**self.facts, "units": {name: float(np.mean(x)) for name, x in units.items()}}

    def read_given(self):
        """Files and folders that a training begins from."""
        return self.earlier

    @functools.cached_property
    def seeing(self):
        """The loss network, and how pictures come to it."""
        own = self.settings
        network = (
            self.facts["seeing"]
            if own.loss_network is None
            else network_of(own.loss_network, own.loss_weights)
        )
        return network, preparation(own.loss_network, own.loss_pixels, "--loss-pixels")

    @functools.cached_property
    def perception(self):
        return self.seen_by()

    def seen_by(self, **style):
        """What sees pictures: of the second level, Johnson's relu2_2, as small ones are content."""
        network, prepare = self.seeing
        content = kc.training.PerceptualLoss(network).style[1:2] or None
        return kc.training.PerceptualLoss(network, content=content, prepare=prepare, **style)

    def units(self, pictures):
        """What each part of the loss is measured in, of any loss network."""
        raise NotImplementedError

    def weights(self, **given):
        """Of the parts of the loss."""
        units = self.facts["units"]
        return {f"{name}_weight": weight / units[name] for name, weight in given.items()}

    @functools.cached_property
    def earlier(self):
        """The run that this one goes on from, or None."""
        return kc.jobs.earlier_run(self, "task", self.door)

    def rate(self, plan):
        """Rises over the first steps, and falls to 0 with the last."""
        highest, warm = self.settings.learning_rate, min(WARM, plan.steps // 2)
        return keras.optimizers.schedules.CosineDecay(
            highest / WARM, plan.steps - warm, warmup_target=highest, warmup_steps=warm
        )

    def given(self):
        """Names and pictures of --images, or of the test split."""
        files = self.settings.images
        if files:
            return [path.name for path in files], [kc.data.read_image(path) for path in files]
        test = self.split("test")
        return [f"test {n}" for n in range(8)], list(test.images[:8])

    def keep_each(self, names, pictures, ending):
        """A file for each, with its number where several would have one name."""
        files = [name.replace(" ", "-") for name in names]
        if len(set(files)) < len(files):
            files = [f"{number}-{file}" for number, file in enumerate(files, start=1)]
        for file, picture in zip(files, pictures, strict=True):
            kc.data.write_picture(self.results / f"{file}-{ending}.png", picture)

    def export(self, model, path, format):
        kc.export.export_model(model, path, format, tolerance=TOLERANCE)


class Stylist(Transforming):
    """Johnson's network, of one style."""

    own_verbs = ("stylize",)

    @functools.cached_property
    def style(self):
        """The picture whose style is learned."""
        own = self.settings.style_picture
        if own is None:
            return waves(self.settings.image_size)
        found = kc.data.read_image(own)
        if min(found.shape[:2]) < LEAST_STYLE:
            raise kc.InputError(
                f"--style-picture {own} was given, of {found.shape[0]} x {found.shape[1]} pixels",
                f"pictures of {LEAST_STYLE} x {LEAST_STYLE} and more",
                "Give a larger one, or leave it out for waves.",
            )
        return found

    def read_given(self):
        return self.style, super().read_given()

    def build(self):
        model = kc.models.style_network(
            filters=max(2, self.settings.filters // 4), blocks=2, enlarging="nearest"
        )
        return kc.jobs.begin_with(self, model, self.earlier)

    def units(self, pictures):
        """Of content, what pictures differ by; of style, how far theirs is from it, by layer."""
        seen = self.perception
        maps, grams = seen.maps(pictures), seen.style_of(self.style)
        others = {name: keras.ops.roll(each, 1, axis=0) for name, each in maps.items()}
        styles = seen.style_distances(maps, grams)
        return {
            "content": seen.content_distance(maps, others),
            # Of a picture whose neighbours differ by 16.
            "variation": 2 * 3 * 256.0 * np.prod(pictures.shape[1:3]),
            **{f"style {name}": each for name, each in styles.items()},
        }

    @functools.cached_property
    def weighing(self):
        """What sees pictures, all layers of the style alike."""
        layers, units = self.perception.style, self.facts["units"]
        style = {name: 1 / len(layers) / units[f"style {name}"] for name in layers}
        return self.seen_by(style=style)

    @property
    def weighed(self):
        own = self.settings
        weights = self.weights(content=1.0, variation=own.variation_weight)
        return {**weights, "style_weight": own.style_weight}

    def trainer(self, model):
        return kc.training.PerceptualTrainer(model, self.weighing, style=self.style, **self.weighed)

    def compile(self, model, plan):
        trainer = self.trainer(model)
        trainer.compile(self.guarded(keras.optimizers.Adam(self.rate(plan))))
        return trainer

    def pairs(self, part):
        return (part.images.astype("float32"),)

    def stylize(self, model):
        names, pictures = self.given()
        made = kc.models.transform_pictures(model, pictures, tile=self.settings.tile)
        shown = [each for pair in zip(pictures, made, strict=True) for each in pair]
        titles = [each for name in names for each in (name, "styled")]
        self.keep_each(names, made, "styled")
        self.page("styled.png", shown, "Style transfer", columns=4, titles=titles)

    def evaluate(self, model):
        """The loss of the network beside that of the pictures as they are, and of Gatys's way."""
        test = self.split("test").images.astype("float32")
        few, trainer = test[:DESCENDED], self.trainer(model)
        # Compiled, and not a part of what is measured.
        model.predict_on_batch(test[:1])
        began = time.perf_counter()
        made = np.concatenate([model.predict_on_batch(each[None]) for each in test])
        seconds = (time.perf_counter() - began) / len(test)
        write_examples(self.results, test, made)
        rows = {
            "as they are": losses(trainer, test, test),
            "styled": {**losses(trainer, made, test), "seconds a picture": seconds},
        }
        if self.settings.gatys:
            began = time.perf_counter()
            found = [self.descended(each) for each in few]
            seconds = (time.perf_counter() - began) / len(few)
            rows[f"first {len(few)}, styled"] = losses(trainer, made[: len(few)], few)
            rows[f"first {len(few)}, Gatys"] = {
                **losses(trainer, np.stack(found), few),
                "seconds a picture": seconds,
            }
            shown = [each for trio in zip(few, made, found, strict=False) for each in trio]
            shown = [np.rint(each.clip(0, 255)).astype("uint8") for each in shown]
            titles = ["as it is", "network", f"Gatys, {self.settings.gatys} steps"] * len(few)
            self.page("gatys.png", shown, "Style transfer", columns=3, titles=titles)
        return kc.jobs.Scores(rows, f"{len(test)} test pictures", digits=4)

    def descended(self, picture):
        return kc.training.descend_to_style(
            self.weighing, picture, self.style, steps=self.settings.gatys, **self.weighed
        ).picture


class Brought(Stylist):
    """A style network of a file, or of a folder with its export; no run is needed."""

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
                "--images FILE ...",
                "Name some, or leave --network out for the test split of a run.",
            )
        return super().given()


class Enlarger(Transforming):
    """Super-resolution."""

    own_verbs = ("enlarge",)

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
            model, self.perception, variation_weight=0.0, shift=SHIFT, seed=self.settings.seed,
            **weights,
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
        tiles = [each[n] for n in range(len(names)) for each in shown.values()]
        titles = [f"{name}, {way}" for name in names for way in shown]
        self.page("enlarged.png", tiles, "Super-resolution", columns=len(shown), titles=titles)

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


def losses(
    trainer: kc.training.PerceptualTrainer, pictures: np.ndarray, wanted: np.ndarray
) -> dict[str, float]:
    """The parts of a trainer's loss, weighed, and their sum, of pictures that were made."""
    trainer.reset_metrics()
    made = pictures.clip(0, 255).astype("float32")
    for start in range(0, len(made), TOGETHER):
        rows = slice(start, start + TOGETHER)
        trainer.compute_loss(x=wanted[rows], y_pred=keras.ops.convert_to_tensor(made[rows]))
    parts = {each.name: float(each.result()) for each in trainer.trackers}
    weighed = {name: trainer.weights_of[name] * part for name, part in parts.items()}
    told = {name: part for name, part in weighed.items() if trainer.weights_of[name]}
    return {**told, "loss": sum(told.values())}


def write_examples(folder: Path, pictures: np.ndarray, made: np.ndarray) -> None:
    """Keep the pictures by which a network is judged wherever it lies, with what it makes of them.

    Args:
        folder: Of the run.
        pictures: Of the test split.
        made: Of each.
    """
    colours = [[told(each)] for each in made]
    answers = [colour for (colour,) in colours]
    kc.export.write_examples(folder, pictures.astype("uint8"), colours, answers, colours_off)
    kc.data.write_picture(folder / "example.png", pictures[0].astype("uint8"))


def told(picture: np.ndarray) -> str:
    """Its mean colour."""
    return " ".join(f"{value:.2f}" for value in picture.clip(0, 255).mean(axis=(0, 1)))


def colours_off(answers: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """How far mean colours are off at most, in grey levels."""
    found, true = (
        np.array([line.split() for line in lines], "float64")
        for lines in (answers, [colour for (colour,) in references])
    )
    return {"mean colours off by at most": float(np.abs(found - true).max())}


def distance(seen: kc.training.PerceptualLoss, pictures: np.ndarray, others: np.ndarray) -> float:
    """How far they are apart in content, on average."""
    found = [
        seen.content_distance(seen.maps(one[None]), seen.maps(other[None]))
        for one, other in zip(pictures, others, strict=True)
    ]
    return float(np.mean(found))


def waves(side: int) -> np.ndarray:
    """A style without a painter: waves of three colours, uint8 `(side, side, 3)`."""
    rows, columns = np.mgrid[:side, :side] * (2 * np.pi / side)
    bent = 5 * rows + 2 * np.sin(3 * columns)
    colours = [np.sin(bent), np.sin(bent + columns), np.cos(2 * bent)]
    return np.rint(np.stack(colours, axis=-1) * 110 + 128).clip(0, 255).astype("uint8")
