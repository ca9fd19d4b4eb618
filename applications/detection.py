"""Detection of objects with Fast R-CNN on any trunk, from pictures with boxes to a SavedModel.

Without a verb the whole job: train (with progress, resumable), evaluate by class and size, draw
what is found beside what is there, sort the mistakes, export, and look at one picture file.

    python applications/detection.py                                       # the embedded scenes
    python applications/detection.py --data voc:FOLDER                     # or coco:JSON, ...
    python applications/detection.py detect photo.jpg                      # the model at hand
    python applications/detection.py compare                               # R-CNN, SPP-net and it
    python applications/detection.py upsampling                            # small objects
    python applications/detection.py proposals --data voc:FOLDER           # recall and MABO
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import numpy as np

import keras_classics as kc
from detectors import comparison, figures, proposing, small_objects
from detectors.settings import PHOTOGRAPHS, SCENES, SCENES_DATA, Settings

KNOWN = {"classes": list[str], "size": list}


class Detection(kc.jobs.Job):
    """Pictures in, boxes with classes out."""

    Settings = Settings
    name, makes = "detection", "detector"
    verbs = {
        **kc.jobs.VERBS,
        "export": "write a SavedModel",
        "detect": "find objects in image files",
        "compare": "R-CNN, SPP-net and Fast R-CNN on the same trunk: time and precision",
        "upsampling": "small objects, by factor of upsampling and depth of the trunk",
        "proposals": "recall and overlap of proposals, by kind",
    }
    reads, asks, queries = "boxes", "detect", "IMAGE"
    extras = {"compare": [("sklearn.svm", "digits")]}
    takes, gives = {"images": "uint8"}, ("boxes", "classes", "scores")
    runless = ("compare", "upsampling", "proposals")
    whole_verbs = ("train", "evaluate", "export", "detect")
    formats = ("saved_model",)
    shipped = Path(__file__).resolve().parent.parent / "saved_models" / "detection-scenes"

    def complete(self):
        scenes = self.settings.data == "scenes"
        self.settings.fill(**(SCENES if scenes else PHOTOGRAPHS))
        if scenes:
            self.settings.fill(data_options=SCENES_DATA)
        if self.settings.proposals != "grid":
            self.takes = {**self.takes, "proposals": "float32"}
        self.asked = []

    def reader_options(self):
        return self.settings.some("image_size")

    def fact_files(self):
        load = functools.partial(kc.jobs.read_record, members=KNOWN)
        return {"known": kc.jobs.Fact("known.json", load)}

    def make_facts(self, training):
        sizes = {each.image.shape[:2] for each in training}
        if len(sizes) > 1:
            raise kc.InputError(
                f"{self.settings.data} has pictures of {len(sizes)} sizes, such as "
                f"{sorted(sizes)[:2]}",
                "pictures of one size, to which a batch is made",
                "Resize them, for example by --image-size 320.",
            )
        return {"known": {"classes": list(self.data.info.classes), "size": list(sizes.pop())}}

    @property
    def classes(self):
        return self.facts["known"]["classes"]

    @property
    def size(self):
        return tuple(self.facts["known"]["size"])

    def check_model(self, model):
        classes = model.get_layer("offsets").output.shape[-2]
        kc.jobs.check_count("classes", len(self.classes), classes, "known.json")
        pixels = model.get_layer("image").output.shape[1:3]
        kc.jobs.check_count("pixels of height and width", self.size, pixels, "known.json")

    def check_data(self, data):
        kc.jobs.check_classes(self.classes, data.info.classes, "known.json")

    def build(self):
        settings, size = self.settings, self.size
        part = {"layer": settings.backbone_layer, "as_map": True, **settings.backbone_options}
        trunk = kc.models.picture_encoder(settings.backbone, size, **part)
        head = settings.some("bins", "units", "dropout")
        return kc.models.fast_rcnn(trunk, len(self.classes), **head)

    def compile(self, model, plan):
        optimizer = kc.training.cosine_adam(self.settings.learning_rate, plan.steps)
        kc.training.compile_detector(model, self.guarded(optimizer))
        return model

    def proposed(self, examples):
        return proposing.propose([each.image for each in examples], self.settings)

    def batches(self, part, plan, model):
        given = {"classes": len(self.classes), **self.settings.some("augment", "seed", "regions")}
        given["batch_size"] = min(plan.batch_size, len(part))
        proposals = self.proposed(part)
        return lambda first: kc.data.region_batches(part, proposals, first=first, **given)

    def found(self, model, images):
        """What a model finds in pictures of its size."""
        proposals = proposing.propose(images, self.settings)
        rules = {"least_score": self.settings.least_score, "threshold": self.settings.overlap}
        return kc.models.detect(model, images, proposals, **rules)

    def evaluate(self, model):
        test, classes = self.split("test"), self.classes
        found, truths = self.found(model, [each.image for each in test]), figures.truths_of(test)
        metrics, by_class = figures.precisions(found, truths, classes, rules=self.settings.rules)
        for sentence in kc.boxes.diagnose(found, truths, len(classes)):
            self.output.remark(f"warning: {sentence}")
        self.table("classes.csv", by_class)
        sure = [figures.surest(each, self.settings.shown_from) for each in found]
        self.table("mistakes.csv", [figures.mistakes(sure, truths)])
        shown, page = slice(self.settings.pictures), self.results / "detections.png"
        kc.analysis.draw_boxes(page, test[shown], classes, sure[shown])
        self.output.remark(f"pictures: {page}")
        figures.write_examples(self.results, test, found, classes)
        kc.data.write_picture(self.results / "example.png", test[0].image)
        return kc.jobs.Scores({"test": metrics}, f"{len(test)} test pictures", digits=3)

    def export(self, model, path, format):
        grid = self.settings.proposals == "grid"
        kc.export.export_detector(
            model, self.classes, path, image_size=self.size, format=format,
            windows=proposing.windows(self.size, self.settings) if grid else None,
            least_score=self.settings.least_score, threshold=self.settings.overlap,
        )  # fmt: skip

    def ask(self, query, exported):
        picture, asked = kc.data.read_image(query), []
        if "proposals" in self.takes:
            # Of the picture as the network sees it, as in evaluate.
            [proposed] = proposing.propose([kc.data.read_image(query, self.size)], self.settings)
            asked = [(proposed * self.scale(picture))[None].astype("float32")]
        found = kc.jobs.first_answer(exported, picture[None], *asked)
        return self.answer(query, picture, found["boxes"], found["classes"], found["scores"])

    def ask_model(self, query, model):
        picture = kc.data.read_image(query)
        [found] = self.found(model, [kc.data.read_image(query, self.size)])
        names = [self.classes[label] for label in found.box_labels]
        return self.answer(query, picture, found.boxes * self.scale(picture), names, found.scores)

    def scale(self, picture):
        """What leads from the network's pixels to those of a picture."""
        return np.tile(np.divide(picture.shape[:2], self.size), 2)

    def answer(self, query, picture, boxes, names, scores):
        """An answer of what is sure, which is drawn in the end."""
        found = figures.sure_rows(boxes, names, scores, self.settings.shown_from)
        self.asked.append((picture, Path(query).name, *found.values()))
        return kc.jobs.Answer(figures.told(*found.values()), found)

    # What needs no trained model.

    def compare(self):
        self.tell("compare", comparison.compared(self), "a picture each, in seconds")

    def upsampling(self):
        self.tell("upsampling", small_objects.upsampled(self), "AP at an overlap of 0.5")

    def proposals(self):
        parts = [each for split in ("train", "validation", "test") for each in self.split(split)]
        some = parts[:: -(-len(parts) // self.settings.count)]
        rows = proposing.qualities(some, self.data.info.classes, self.settings)
        self.tell("proposals", rows, f"proposals of {len(some)} pictures")

    def tell(self, verb, rows, title):
        """Print the table of a verb and keep it with how it was made."""
        self.table(f"{verb}.csv", [{"": name, **row} for name, row in rows.items()])
        record = {**kc.jobs.describe_run(vars(self.settings)), "figures": rows}
        kc.jobs.write_json(self.results / f"{verb}.json", record)
        self.output.result(kc.jobs.metrics_table(rows, title), {verb: rows})

    def answered(self):
        if self.asked:
            figures.draw_answers(self.results / "answers.png", self.asked)
            self.output.remark(f"picture: {self.results / 'answers.png'}")


main = functools.partial(kc.jobs.run, Detection)

if __name__ == "__main__":
    sys.exit(main())
