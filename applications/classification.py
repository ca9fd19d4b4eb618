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
import functools
import sys
from pathlib import Path

import numpy as np

import keras_classics as kc

# One object each, so that its kind is the picture's class.
SCENES_DATA = {"train": 4000, "validation": 500, "test": 1000, "objects": (1, 1)}
# Pictures whose maps are drawn in training.
EXPLAINED = 12
flag = kc.jobs.flag


@dataclasses.dataclass(kw_only=True)
class Settings(kc.jobs.Settings):
    """Their defaults are LeNet-5 on digits."""

    data: str = flag("digits", "digits, scenes, npz:FILE[,FILE], folder:DIR, tfds:NAME")
    model: str = flag("lenet_5", "a name of keras-classics list")
    model_options: dict = flag(dict, "arguments of its builder, such as width=0.5")
    recipe: str = flag("quick", "quick, paper, or another of the model's card")
    image_size: int | None = flag(None, "of the network's input; the recipe's by default")
    pictures: int = flag(40, "mistakes drawn, at most", verbs=["evaluate"])
    explain_every: int = flag(0, "draw class-activation maps of validation pictures every so many "
        "epochs", may_change=True, metavar="EPOCHS")  # fmt: skip


def right(answers, references):
    """The share of names that are true ones."""
    pairs = zip(answers, references, strict=True)
    return {"accuracy": float(np.mean([answer in true for answer, true in pairs]))}


class Classification(kc.jobs.Job):
    """Pictures in, names of classes out."""

    Settings = Settings
    name, makes = "classification", "classifier"
    verbs = {**kc.jobs.VERBS, "predict": "classify image files"}
    reads, asks, queries = "label", "predict", "IMAGE"
    takes, gives = {"images": "uint8"}, ("classes", "probabilities")
    figures = ("loss", "accuracy")
    shipped = Path(__file__).resolve().parent.parent / "saved_models" / "classification-scenes"

    def complete(self):
        if self.settings.data == "scenes":
            self.settings.fill(data_options=SCENES_DATA)
        self.asked = []

    def fact_files(self):
        classes = kc.jobs.Fact("classes.json", kc.jobs.read_record)
        preparation = kc.jobs.Fact("preparation.npz", kc.data.Preparation.load)
        return {"classes": classes, "preparation": preparation}

    def make_facts(self, training):
        _, recipe, taken = self.design
        preparation = kc.data.fit_preparation(recipe, training.images, **taken)
        return {"classes": list(self.data.info.classes), "preparation": preparation}

    def check_data(self, data):
        kc.jobs.check_classes(self.facts["classes"], data.info.classes, "classes.json")

    def check_model(self, model):
        known = len(self.facts["classes"])
        kc.jobs.check_count("classes", known, model.output_shape[-1], "classes.json")
        prepared = self.facts["preparation"].input_shape
        kc.jobs.check_count("pictures", prepared, model.input_shape[1:], "preparation.npz")

    @functools.cached_property
    def design(self):
        """The model, how it is trained, and what its input is like."""
        settings = self.settings
        choices = settings.some("recipe", "image_size", "batch_size", "learning_rate")
        # Mirrored digits are none.
        mirror = settings.data != "digits"
        choices |= {"mirror": mirror, "builder_arguments": settings.model_options}
        return kc.training.design_classifier(settings.model, self.data.info, **choices)

    def build(self):
        return self.design.model

    def plan(self, model, training):
        recipe = self.design.recipe
        epochs = self.settings.epochs or recipe.epochs_of
        plan = kc.jobs.Plan.of(len(training), recipe.batch_size, epochs)
        return dataclasses.replace(plan, trained_by=recipe.told(plan.epochs))

    def compile(self, model, plan):
        lengths = {"steps_per_epoch": plan.steps_per_epoch, "epochs": plan.epochs}
        kc.training.compile_model(model, self.design.recipe, guard=self.guarded, **lengths)
        return model

    def numbers(self, model):
        """Of classes, and of outputs: some models have auxiliary classifiers in training."""
        return {"classes": len(self.facts["classes"]), "outputs": len(model.outputs)}

    def batches(self, part, plan, model):
        given = {"batch_size": plan.batch_size, "seed": self.settings.seed, **self.numbers(model)}
        preparation = self.facts["preparation"]
        return lambda first: kc.data.classified_batches(part, preparation, first=first, **given)

    def validation(self, part, plan, model):
        given = [part, self.facts["preparation"]]
        return {"validation_data": kc.data.validation_batches(*given, **self.numbers(model))}

    def callbacks(self, model, plan, validation):
        if not self.settings.explain_every:
            return []
        chosen = np.linspace(0, len(validation) - 1, min(EXPLAINED, len(validation))).astype(int)
        images = self.facts["preparation"].central([validation.images[n] for n in chosen])
        shown = [images, self.folder / "maps", validation.labels[chosen]]
        every = {"every_epochs": self.settings.explain_every, "tensorboard": self.tensorboard}
        return [kc.callbacks.GradCAM(*shown, self.facts["classes"], **every)]

    def kept(self, model):
        import keras

        # Without auxiliary classifiers.
        return model if len(model.outputs) == 1 else keras.Model(model.inputs, model.outputs[0])

    def evaluate(self, model):
        classes, test = self.facts["classes"], self.split("test")
        found = kc.data.predict_classes(model, self.facts["preparation"], test.images)
        scores = kc.training.class_scores(test.labels, found)
        self.table("classes.csv", {"class": classes, **scores})
        columns = kc.training.predictions(test.labels, found, classes)
        self.table("predictions.csv", {"image": test.names, **columns})
        confusion, mistakes = self.results / "confusion_matrix.png", self.results / "mistakes.png"
        counts, most = kc.training.confusion_matrix(test.labels, found), self.settings.pictures
        kc.analysis.draw_confusion(confusion, counts, classes)
        kc.analysis.draw_mistakes(mistakes, test.images, test.labels, found, classes, most=most)
        kc.data.write_picture(self.results / "example.png", test.images[0])
        true = [[classes[label]] for label in test.labels]
        answers = [classes[label] for label in found.argmax(axis=1)]
        kc.export.write_examples(self.results, test.images, true, answers, right)
        self.output.remark(f"pictures: {confusion}, {mistakes}")
        metrics = {"test": kc.training.classification_metrics(test.labels, found)}
        return kc.jobs.Scores(metrics, f"{len(test)} test pictures", digits=4)

    def export(self, model, path, format):
        preparation, classes = self.facts["preparation"], self.facts["classes"]
        kc.export.export_classifier(model, preparation, classes, path, format=format)

    def ask(self, query, exported):
        picture = kc.data.read_image(query)
        found = kc.jobs.first_answer(exported, picture[None])
        return self.answer(query, picture, found["classes"], found["probabilities"])

    def ask_model(self, query, model):
        picture = kc.data.read_image(query)
        found = kc.data.predict_classes(model, self.facts["preparation"], [picture])[0]
        best = np.argsort(-found)[:5]
        names = [self.facts["classes"][n] for n in best]
        return self.answer(query, picture, names, found[best])

    def answer(self, query, picture, names, probabilities):
        """An answer, which is drawn in the end."""
        told = f"{Path(query).name}\n{names[0]} {probabilities[0]:.0%}"
        self.asked.append((picture, told))
        return kc.jobs.ranked(names, probabilities, of="classes")

    def answered(self):
        if self.asked:
            drawn = self.results / "answers.png"
            kc.analysis.draw_tiles(drawn, *zip(*self.asked, strict=True))
            self.output.remark(f"picture: {drawn}")


main = functools.partial(kc.jobs.run, Classification)

if __name__ == "__main__":
    sys.exit(main())
