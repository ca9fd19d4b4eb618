"""The class of every pixel with a fully convolutional network on any classifier.

Without a verb the whole job: train FCN-8s (with progress, resumable), evaluate with the four
figures and the F of outlines, draw answers beside the truth, export, and segment one picture file.

    python applications/segmentation.py                                    # the embedded scenes
    python applications/segmentation.py --data camvid:FOLDER --stride 8    # or masks:FOLDER, ...
    python applications/segmentation.py segment photo.jpg                  # the model at hand
    python applications/segmentation.py compare                            # 32, 16, 8; CRF-RNN
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from pathlib import Path

import numpy as np

import keras_classics as kc
from segmenters import comparison, figures
from segmenters.settings import MASKED, SCENES_DATA, Settings


class Segmentation(kc.jobs.Job):
    """Pictures in, the class of every pixel out."""

    Settings = Settings
    name, makes = "segmentation", "segmenter"
    verbs = {
        **kc.jobs.VERBS,
        "segment": "label the pixels of image files",
        "compare": "strides, enlargements and a random field, over seeds",
    }
    reads, asks, queries = "class_mask", "segment", "IMAGE"
    takes, gives = {"images": "uint8"}, ("masks", "probabilities", "names")
    runless = ("compare",)
    whole_verbs = ("train", "evaluate", "export", "segment")
    figures = ("loss", "mean_IU")
    shipped = Path(__file__).resolve().parent.parent / "saved_models" / "segmentation-scenes"

    def complete(self):
        if self.settings.data == "scenes":
            self.settings.fill(data_options=SCENES_DATA, image_size=figures.SCENE_SIDE)
        if not 0 <= self.settings.balance <= 1:
            raise kc.InputError(
                f"--balance {self.settings.balance} was given",
                "0 to 1",
                "Give 0 for classes that weigh alike, 0.5 or 1 for rare ones that weigh more.",
            )
        self.asked, self.written, self.weights = [], set(), None

    def reader_options(self):
        masked = self.settings.data.partition(":")[0] in MASKED
        return {**self.settings.some("image_size"), **({"masks": True} if masked else {})}

    def fact_files(self):
        load = functools.partial(kc.jobs.read_record, members={"classes": list[str]})
        return {"known": kc.jobs.Fact("known.json", load)}

    def make_facts(self, training):
        classes = list(self.data.info.pixel_classes)
        if exponent := self.settings.balance:
            masks = [each.class_mask for each in training]
            self.weights = kc.training.median_frequency_weights(
                masks, len(classes), exponent=exponent
            )
        return {"known": {"classes": classes}}

    @property
    def classes(self):
        return self.facts["known"]["classes"]

    def check_model(self, model):
        classes = model.output_shape[-1]
        kc.jobs.check_count("classes", len(self.classes), classes, "known.json")

    def check_data(self, data):
        kc.jobs.check_classes(self.classes, data.info.pixel_classes, "known.json")

    def build(self):
        model = comparison.network(self.settings, len(self.classes))
        return kc.jobs.begin_with(self, model, kc.jobs.earlier_run(self, "classes"))

    def compile(self, model, plan):
        rate = self.settings.learning_rate
        optimizer = kc.training.cosine_adam(rate, plan.steps, warm_up_steps=plan.steps // 20)
        loss = kc.training.PixelCrossEntropy(class_weights=self.weights)
        kc.training.compile_segmenter(model, self.guarded(optimizer), loss=loss)
        return model

    def batches(self, part, plan, model):
        settings = self.settings
        given = {"batch_size": min(plan.batch_size, len(part)), "seed": settings.seed}
        given |= {"size": settings.crop, "scales": tuple(settings.scales), "flip": settings.mirror}
        make = functools.partial(kc.data.mask_batches, part, **given)
        # What no batch can be made with is refused before a run has a record of it.
        make()
        return lambda first: make(first=first)

    def validation(self, part, plan, model):
        # Whole pictures, each in the middle of what holds all of them.
        size = tuple(max(each.image.shape[axis] for each in part) for axis in (0, 1))
        batches = kc.data.whole_mask_batches(part, batch_size=plan.batch_size, size=size)
        return {"validation_data": batches}

    def evaluate(self, model):
        judged, classes = self.settings.judged, self.classes
        part = self.split(judged)

        def say(images):
            return [each.argmax(-1) for each in kc.models.segment(model, images)]

        found = say([each.image for each in part])
        metrics, by_class = figures.scores([each.class_mask for each in part], found, classes)
        self.table("classes.csv", by_class)
        shown, page = slice(self.settings.pictures), self.results / "masks.png"
        kc.analysis.draw_masks(page, part[shown], classes, found[shown])
        self.output.remark(f"pictures: {page}")
        if judged == "test":
            figures.write_examples(self.results, part, say, classes)
        kc.data.write_picture(self.results / "example.png", part[0].image)
        return kc.jobs.Scores({judged: metrics}, f"{len(part)} {judged} pictures", digits=3)

    def export(self, model, path, format):
        side = None if format == "saved_model" else self.settings.image_size
        kc.export.export_segmenter(model, self.classes, path, format=format, image_size=side)

    def ask(self, query, exported):
        picture = kc.data.read_image(query)
        found = kc.jobs.first_answer(exported, picture[None])
        names = [str(name) for name in found["names"]]
        return self.answer(query, picture, np.asarray(found["masks"]), names)

    def ask_model(self, query, model):
        picture = kc.data.read_image(query)
        [found] = kc.models.segment(model, [picture])
        return self.answer(query, picture, found.argmax(-1), self.classes)

    def answer(self, query, picture, mask, names):
        """Shares of the classes; the mask is written, and drawn over the picture in the end."""
        stem, number = figures.shortened(Path(query).stem), 2
        path = self.results / f"{stem}-mask.png"
        # Pictures of other folders or endings may have the name too.
        while path in self.written:
            path = self.results / f"{stem}-{number}-mask.png"
            number += 1
        self.written.add(path)
        palette = kc.analysis.class_colours(len(names))
        kc.data.write_picture(path, mask[..., None], palette=palette)
        shares = np.bincount(mask.ravel(), minlength=len(names)) / mask.size
        best = [n for n in np.argsort(-shares) if shares[n] > 0]
        told = ", ".join(f"{names[n]} {shares[n]:.0%}" for n in best)
        self.asked.append((figures.Shown(picture, Path(query).name, mask), names))
        record = {"shares": {names[n]: float(shares[n]) for n in best}, "mask": str(path)}
        return kc.jobs.Answer(told, record)

    def compare(self):
        rows = comparison.compared(self)
        self.table("compare.csv", rows)
        record = {**kc.jobs.describe_run(dataclasses.asdict(self.settings)), "figures": rows}
        kc.jobs.write_json(self.results / "compare.json", record)
        means = figures.means(rows)
        title = f"{self.settings.seeds} seeds, {self.settings.data}"
        self.output.result(kc.jobs.metrics_table(means, title), {"compare": means})

    def answered(self):
        if self.asked:
            drawn = self.results / "answers.png"
            shown, names = zip(*self.asked, strict=True)
            kc.analysis.draw_masks(drawn, list(shown), names[0], title="answer")
            self.output.remark(f"picture: {drawn}")


main = functools.partial(kc.jobs.run, Segmentation)

if __name__ == "__main__":
    sys.exit(main())
