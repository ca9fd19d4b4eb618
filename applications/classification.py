"""Image classification with any model of the catalogue, from pictures to a SavedModel.

Without a verb the whole job: train (with progress, resumable), evaluate with the field's metrics,
draw the confusion matrix and the mistakes, export, and classify one picture file from the export.

    python applications/classification.py                                  # LeNet-5 on digits
    python applications/classification.py --data npz:train.npz,test.npz --model resnet_20_cifar
    python applications/classification.py --data folder:DIR --model alexnet --recipe paper
    python applications/classification.py predict photo.jpg                # the model at hand
"""

from __future__ import annotations

import dataclasses
import math
import os
import sys
from functools import cached_property

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

import keras_classics as kc  # noqa: E402

# One object each, so that its kind is the picture's class.
SCENES_DATA = {"train": 4000, "validation": 500, "test": 1000, "objects": (1, 1)}
# Pictures whose maps are drawn in training.
EXPLAINED = 12


@dataclasses.dataclass(kw_only=True)
class Settings(kc.jobs.Settings):
    """Their defaults are LeNet-5 on digits."""

    data: str = kc.jobs.flag("digits", "digits, scenes, npz:FILE[,FILE], folder:DIR, tfds:NAME")
    model: str = kc.jobs.flag("lenet_5", "a name of keras-classics list")
    model_options: dict = kc.jobs.flag(dict, "arguments of its builder, such as width=0.5")
    recipe: str = kc.jobs.flag("quick", "quick, paper, or another of the model's card")
    image_size: int | None = kc.jobs.flag(None, "of the network's input; the recipe's by default")
    pictures: int = kc.jobs.flag(40, "mistakes drawn, at most", verbs=["evaluate"])
    explain_every: int = kc.jobs.flag(
        0, "draw class-activation maps of validation pictures every so many epochs",
        may_change=True, metavar="EPOCHS",
    )  # fmt: skip


class Classification(kc.jobs.Job):
    """Pictures in, names of classes out."""

    Settings = Settings
    name, makes = "classification", "classifier"
    verbs = {**kc.jobs.VERBS, "predict": "classify image files"}
    asks, queries = "predict", "IMAGE"
    figures = ("loss", "accuracy")

    def complete(self):
        if self.settings.data == "scenes":
            self.settings.data_options = {**SCENES_DATA, **self.settings.data_options}
        self.asked = []

    def read(self, split):
        kc.data.check_labelled(self.data)
        count = self.data.info.sizes[split]
        return kc.data.collect_labelled(getattr(self.data, split), count=count, description=split)

    def fact_files(self):
        return {
            "classes": kc.jobs.Fact("classes.json", kc.jobs.read_json),
            "preparation": kc.jobs.Fact("preparation.npz", kc.data.Preparation.load),
        }

    def make_facts(self, training):
        _, recipe, size = self.design
        preparation = kc.data.fit_preparation(recipe, training.images, **size)
        return {"classes": list(self.data.info.classes), "preparation": preparation}

    def check_model(self, model):
        known = len(self.facts["classes"])
        kc.jobs.check_count("classes", known, model.output_shape[-1], "classes.json")
        prepared, taken = self.facts["preparation"].input_shape, model.input_shape[1:]
        if prepared != taken:
            raise kc.InputError(
                f"preparation.npz makes pictures of {prepared} and the model takes {taken}. "
                "Allowed: the file that was written with the model. Put it back, or train into "
                "another --out."
            )

    @cached_property
    def design(self):
        """The model, how it is trained, and what its input is like."""
        settings, info = self.settings, self.data.info
        card = kc.card(settings.model)
        if card.classes is None:
            raise kc.InputError(
                f"--model {card.name} was given, which has no classifier. Allowed: models with "
                "classes. Choose another of keras-classics list."
            )
        if settings.recipe not in ("quick", *card.recipes):
            raise kc.InputError(
                f"--recipe {settings.recipe} was given for {card.name}. Allowed: "
                f"{', '.join(('quick', *card.recipes))}. See keras-classics card {card.name}."
            )
        recipe = card.recipes.get(settings.recipe)
        size = self.input_size(card, native=recipe is not None)
        shape = (size["size"], size["size"], size["channels"])
        known = {
            "classes": len(info.classes),
            "input_shape": (math.prod(shape),) if size["flat"] else shape,
        }
        if twice := known.keys() & settings.model_options:
            raise kc.InputError(
                f"--model-options {' '.join(sorted(twice))} was given. Allowed: what the data do "
                "not say. Leave it out; --image-size changes the size."
            )
        arguments = {**(recipe.builder if recipe else {}), **settings.model_options}
        model = kc.create_model(card.name, **known, **arguments)
        if recipe is None:
            mirror = size["channels"] == 3 and settings.data != "digits"
            recipe = kc.training.quick_recipe(model, mirror=mirror)
        given = {"batch_size": settings.batch_size, "learning_rate": settings.learning_rate}
        changes = {key: value for key, value in given.items() if value is not None}
        return model, dataclasses.replace(recipe, **changes), size

    def input_size(self, card, *, native):
        """Native for a paper's recipe, else no larger than the data."""
        flat = len(card.input_shape) == 1
        own = side = math.isqrt(card.input_shape[0]) if flat else card.input_shape[0]
        if not native and self.data.info.image_shape:
            side = min(own, max(card.smallest_size, *self.data.info.image_shape[:2]))
        return {
            "size": self.settings.image_size or side,
            "native_size": own if native else None,
            "channels": 1 if flat else card.input_shape[-1],
            "flat": flat,
        }

    def build(self):
        return self.design[0]

    def plan(self, model, training):
        recipe = self.design[1]
        steps = kc.data.steps_per_epoch(len(training), recipe.batch_size)
        epochs = self.settings.epochs or recipe.epochs_of(steps)
        return kc.jobs.Plan(steps, epochs, recipe.batch_size, trained_by=recipe.told(epochs))

    def compile(self, model, plan):
        kc.training.compile_model(
            model,
            self.design[1],
            steps_per_epoch=plan.steps_per_epoch,
            epochs=plan.epochs,
            guard=self.guarded,
        )
        return model

    def arrays(self, model):
        """What batches are made with."""
        return {"classes": len(self.facts["classes"]), "outputs": len(model.outputs)}

    def batches(self, part, plan, model):
        return lambda first: kc.data.classified_batches(
            part,
            self.facts["preparation"],
            batch_size=plan.batch_size,
            seed=self.settings.seed,
            first=first,
            **self.arrays(model),
        )

    def validation(self, part, plan, model):
        preparation = self.facts["preparation"]
        batches = kc.data.validation_batches(part, preparation, **self.arrays(model))
        return {"validation_data": batches}

    def callbacks(self, model, plan, validation):
        if not self.settings.explain_every:
            return []
        preparation = dataclasses.replace(self.facts["preparation"], test_crops=1)
        if preparation.flat:
            raise kc.InputError(
                f"--explain-every {self.settings.explain_every} was given with "
                f"{self.settings.model}, which takes vectors. Allowed: networks of pictures. Leave "
                "it out, or choose another --model."
            )
        chosen = np.linspace(0, len(validation) - 1, min(EXPLAINED, len(validation))).astype(int)
        images = [preparation.views(validation.images[n][None])[0, 0].numpy() for n in chosen]
        return [
            kc.callbacks.GradCAM(
                np.stack(images),
                self.folder / "maps",
                validation.labels[chosen],
                self.facts["classes"],
                every_epochs=self.settings.explain_every,
                tensorboard=self.tensorboard,
            )
        ]

    def kept(self, model):
        # Without auxiliary classifiers.
        return model if len(model.outputs) == 1 else keras.Model(model.inputs, model.outputs[0])

    def evaluate(self, model):
        classes, test = self.facts["classes"], self.split("test")
        probabilities = kc.data.predict_classes(model, self.facts["preparation"], test.images)
        answers = probabilities.argmax(axis=1)
        scores = kc.training.class_scores(test.labels, probabilities)
        names = pd.Index(classes, name="class")
        kc.data.write_table(self.results / "classes.csv", pd.DataFrame(scores, names))
        answered = pd.DataFrame(
            {
                "image": test.names,
                "true": [classes[label] for label in test.labels],
                "predicted": [classes[answer] for answer in answers],
                "probability": probabilities.max(axis=1),
            }
        )
        kc.data.write_table(self.results / "predictions.csv", answered, index=False)
        confusion, mistakes = self.results / "confusion_matrix.png", self.results / "mistakes.png"
        counts = kc.training.confusion_matrix(test.labels, probabilities)
        kc.analysis.draw_confusion(confusion, counts, classes)
        # The surest mistakes first: they tell most.
        wrong = np.flatnonzero(answers != test.labels)
        wrong = wrong[np.argsort(-probabilities[wrong, answers[wrong]])]
        shown = wrong[: self.settings.pictures]
        titles = [
            f"{classes[test.labels[n]]}\nas {classes[answers[n]]} ({probabilities[n].max():.0%})"
            for n in shown
        ]
        heading = f"{len(wrong)} of {len(test)} wrong"
        kc.analysis.draw_tiles(mistakes, [test.images[n] for n in shown], titles, heading=heading)
        kc.data.write_picture(self.results / "example.png", test.images[0])
        self.output.remark(f"pictures: {confusion}, {mistakes}")
        metrics = {"test": kc.training.classification_metrics(test.labels, probabilities)}
        return kc.jobs.Scores(metrics, f"{len(test)} test pictures", digits=4)

    def export(self, model, path, format):
        kc.export.export_classifier(
            model, self.facts["preparation"], self.facts["classes"], path, format=format
        )

    def example(self):
        return [str(self.folder / "example.png")]

    def ask(self, query, exported):
        picture = kc.data.read_image(query)
        found = exported.serve(picture[None])
        names = [name.decode() for name in found["classes"][0].numpy()]
        return self.named(picture, names, found["probabilities"][0].numpy())

    def ask_model(self, query, model):
        picture = kc.data.read_image(query)
        found = kc.data.predict_classes(model, self.facts["preparation"], [picture])[0]
        best = np.argsort(-found)[:5]
        return self.named(picture, [self.facts["classes"][n] for n in best], found[best])

    def named(self, picture, names, probabilities):
        """An answer, which is drawn in the end."""
        self.asked.append((picture, f"{names[0]}\n{probabilities[0]:.0%}"))
        pairs = zip(names, probabilities.tolist(), strict=True)
        return kc.jobs.Answer(
            ", ".join(f"{name} {probability:.1%}" for name, probability in pairs),
            {"classes": names, "probabilities": probabilities.tolist()},
        )

    def answered(self):
        if self.asked:
            drawn = self.results / "answers.png"
            drawn.parent.mkdir(parents=True, exist_ok=True)
            pictures, titles = zip(*self.asked, strict=True)
            kc.analysis.draw_tiles(drawn, list(pictures), list(titles))
            self.output.remark(f"picture: {drawn}")


def main(argv=None):
    """Run the application; returns the exit code."""
    return kc.jobs.run(Classification, argv, about=__doc__)


if __name__ == "__main__":
    sys.exit(main())
