"""Pictures out of pictures: what all such networks have in common, and a style network."""

from __future__ import annotations

import functools
import time
from pathlib import Path

import keras
import numpy as np

import keras_classics as kc
from generators.classifiers import network_of, preparation, trained_seer
from generators.figures import losses, waves, write_examples
from generators.task import Task

SEEING, UNITS = "loss_network.keras", "units.json"
# Training pictures by which the parts of the loss are measured.
MEASURED = 16
# Steps in which the learning rate rises.
WARM = 50
# Of a style's side, so that the fourth level of a loss network has something of it to see.
LEAST_STYLE = 32
# Of what an export makes, in grey levels of 255.
TOLERANCE = 0.01
# Test pictures that are descended for, one after another.
DESCENDED = 2


def check_units(units, where):
    """Refuse parts of a loss that cannot be measured in what pictures have of them.

    Args:
        units: By part.
        where: Whose they are, a folder or data.

    Raises:
        InputError: One is 0 or no number.
    """
    for name, each in units.items():
        if not (isinstance(each, float) and 0 < each < np.inf):
            raise kc.InputError(
                f"{where} has {each} as the unit of {name}",
                "numbers above 0, as pictures that differ have them",
                "Give other pictures or another loss network, and train into another --out.",
            )


def read_units(path):
    """The units that a training wrote."""
    units = kc.jobs.read_record(path, {"content": float})
    check_units(units, path)
    return units


class Transforming(Task):
    """What both have in common: a network that sees, and pictures of any size."""

    figures = ("loss", "content")
    # What a classifier that is trained on the spot is for.
    seer = "which is to see them"

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
            self.output.remark(f"training a classifier of the pictures, {self.seer}")
            labels = getattr(training, "labels", None)
            self.facts["seeing"] = trained_seer(training.images, labels)
        units = self.units(training.images[:MEASURED].astype("float32"))
        units = {name: float(np.mean(x)) for name, x in units.items()}
        check_units(units, self.settings.data)
        return {**self.facts, "units": units}

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
        return {f"{name}_weight": weight / self.unit(name) for name, weight in given.items()}

    def unit(self, name):
        """What a part of the loss is measured in."""
        units = self.facts["units"]
        if name not in units:
            raise kc.InputError(
                f"{self.folder / UNITS} has no unit of {name}",
                "that of a training with this task and loss network",
                "Put the file back, or train into another --out.",
            )
        return units[name]

    def check_model(self, model):
        """Refuse what makes pictures of another size: who reads a run need not have trained it."""
        self.check_times(model, self.times, self.folder / self.model_file)

    def check_times(self, model, times, where):
        """Refuse a network that does not make pictures so many times as large."""
        [made] = kc.models.transform_pictures(model, np.zeros((1, 32, 32, 3), "uint8"))
        if made.shape[:2] != (32 * times, 32 * times):
            raise kc.InputError(
                f"{where} makes a picture of {made.shape[0]} x {made.shape[1]} of 32 x 32 pixels",
                f"a network that makes it {times} times as large"
                if times > 1
                else "a network that keeps the size",
                "Name another, or train one.",
            )

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
            pictures = [kc.data.read_image(path) for path in files]
            for path, picture in zip(files, pictures, strict=True):
                if min(picture.shape[:2]) < 2:
                    raise kc.InputError(
                        f"{path} is a picture of {picture.shape[0]} x {picture.shape[1]} pixels",
                        "2 x 2 and more",
                        "Leave it out.",
                    )
            return [path.name for path in files], pictures
        test = self.split("test")
        return [f"test {n}" for n in range(8)], list(test.images[:8])

    def keep_each(self, names, pictures, ending):
        """A file for each, with its number where several would have one name."""
        files = [Path(name).stem.replace(" ", "-") for name in names]
        if len(set(files)) < len(files):
            files = [f"{number}-{file}" for number, file in enumerate(files, start=1)]
        for file, picture in zip(files, pictures, strict=True):
            kc.data.write_picture(self.results / f"{file}-{ending}.png", picture)

    def export(self, model, path, format):
        kc.export.export_model(model, path, format, tolerance=TOLERANCE)


class Stylist(Transforming):
    """Johnson's network, of one style."""

    own_verbs, times = ("stylize",), 1

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
        layers = self.perception.style
        style = {name: 1 / len(layers) / self.unit(f"style {name}") for name in layers}
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

    def callbacks(self, model, plan, validation):
        """None; what is learned lies beside what is made of it."""
        kc.data.write_picture(self.folder / "style.png", self.style)
        return super().callbacks(model, plan, validation)

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
