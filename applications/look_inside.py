r"""Look inside a classifier of pictures: what excites it, what it has kept, what fools it.

Without a verb the whole job: train a small classifier of scenes, do all that the verbs do, and
write one page with pictures and a sentence each. Networks that others have trained are looked into
with --model, --weights and --images; a verb alone renews its part of the page.

    python applications/look_inside.py
    python applications/look_inside.py fool --epsilon 4
    python applications/look_inside.py --model squeezenet_1_0 --weights squeezenet.npz \
        --pixels caffe --classes synset_words.txt --images photos/*.jpg --out runs/squeezenet
    python applications/look_inside.py lesion --model resnet_20_cifar --weights resnet20.npz \
        --pixels torch --data npz:train.npz,test.npz --beside runs/plain --out runs/resnet
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from pathlib import Path

import numpy as np

import classification
import keras_classics as kc
from explainers import classifiers
from explainers.flags import PIXELS
from insiders import damage, features, theory
from insiders.subject import check_twin, subject_of

VERBS = {
    "receptive": (features.receptive, "what units of its layers see"),
    "patches": (features.patches, "the pieces of pictures that excite channels most"),
    "invert": (features.invert, "what layers have kept of pictures"),
    "maximize": (features.maximize, "the pictures that classes would like best"),
    "fool": (damage.fool, "pictures that are called otherwise after a small change"),
    "lesion": (damage.lesion, "what it still does without one of its blocks"),
    "landscape": (damage.landscape, "the loss around its weights"),
    "isometry": (theory.isometry, "whether gradients come through"),
    "overview": (theory.overview, "what it and others reach and cost"),
}
PAGE = "look_inside.html"
# What is trained where nothing is brought.
TRAINED = "resnet_20_cifar"
RECORD = {"network": str, "sentences": list, "pictures": dict}
flag = functools.partial(kc.jobs.flag, verbs=tuple(VERBS))


@dataclasses.dataclass(kw_only=True)
class Settings(classification.Settings):
    """Their defaults are a narrow ResNet-20 on scenes, some minutes of training."""

    data: str = kc.jobs.flag("scenes", "scenes, digits, npz:FILE[,FILE], folder:DIR, tfds:NAME")
    model: str = kc.jobs.flag(TRAINED, "a name of keras-classics list; with --weights, "
        "or as a .keras file or the folder of a run of classification.py, it is looked into as it "
        "is")  # fmt: skip
    model_options: dict | None = kc.jobs.flag(
        None, "arguments of its builder; width=0.5 where the default model is trained"
    )
    epochs: int | None = kc.jobs.flag(8, "epochs in all", may_change=True)
    weights: str | None = flag(None, "of a --model by name: imagenet, or a file (.pth, "
        ".safetensors, .npz, .h5, .keras)")  # fmt: skip
    pixels: str | None = flag(None, "what it was trained to see, where neither a run nor published "
        "weights say so", choices=PIXELS)  # fmt: skip
    classes: Path | None = flag(None, "text file with the name of each class in a line")
    images: list[Path] = flag(list, "files of pictures, in place of the test split of --data")
    count: int = flag(200, "pictures of the test split that are looked at")
    pictures: int = flag(4, "pictures shown where not all are")
    layers: list[str] = flag(list, "names of the layers looked at; by default five")
    steps: int = flag(200, "steps in which pictures are looked for")
    epsilon: float = flag(2.0, "largest change of a value, of 255")
    points: int = flag(13, "of the landscape, in each of two directions; odd")
    depths: list[int] = flag(lambda: [4, 16, 64], "of untrained networks, for isometry")
    beside: list[Path] = kc.jobs.flag(list, "classifiers to compare lesions with: folders of runs "
        "of classification.py", verbs=("lesion",))  # fmt: skip


class LookInside(classification.Classification):
    """From a classifier to a page about it."""

    Settings = Settings
    name = "look_inside"
    verbs = {"train": kc.jobs.VERBS["train"], **{verb: help for verb, (_, help) in VERBS.items()}}
    asks = None

    def complete(self):
        super().complete()
        if self.settings.model_options is None:
            small = self.settings.model == TRAINED and not self.brings_model()
            self.settings.model_options = {"width": 0.5} if small else {}
        if self.settings.points % 2 == 0:
            raise kc.InputError(
                f"--points {self.settings.points} was given",
                "odd numbers, so that the weights themselves are one of them",
                f"Pass --points {self.settings.points + 1}.",
            )

    def read(self, split):
        part = getattr(self.data, split)
        if split == "test":
            # From all over it: those of a folder lie class after class.
            chosen = np.linspace(0, len(part) - 1, min(self.settings.count, len(part)))
            part = [part[int(n)] for n in chosen]
        return kc.data.collect(part, "label", description=split)

    def brings_model(self):
        path = Path(self.settings.model)
        return self.settings.weights is not None or path.suffix == ".keras" or path.is_dir()

    def whole(self):
        return [verb for verb in self.verbs if verb != "train" or not self.brings_model()]

    def trained(self):
        if not self.brings_model():
            return super().trained()
        if (self.folder / self.model_file).exists():
            raise kc.InputError(
                f"--out {self.folder} was given, which holds another classifier",
                "a folder for what is found alone",
                "Choose another.",
            )
        self.brought = classifiers.load(self.settings)
        return self.brought.model

    def look(self, verb, model):
        """Do what a verb says, tell it, and renew its part of the page."""
        find, about = VERBS[verb]
        self.output.remark(f"{verb}: {about}", style="dim")
        subject = self.subject(model)
        finding = find(subject, self.others(subject)) if verb == "lesion" else find(subject)
        if self.brings_model():
            kc.jobs.record_run(self.folder, vars(self.settings), job=self.name)
        record = {"verb": verb, "network": self.network, **finding.told()}
        kc.jobs.write_json(subject.folder / f"{verb}.json", record)
        self.output.result("\n".join(finding.sentences), record)
        self.write_page(subject.folder)
        self.output.remark(f"page: {self.folder / PAGE}")

    @property
    def network(self):
        """What is looked into, as records have it."""
        return f"{self.settings.model} {self.settings.weights or ''}".strip()

    def write_page(self, folder):
        """One page of all that was found in this network."""
        sections = []
        for verb, (_, about) in VERBS.items():
            if not (folder / f"{verb}.json").exists():
                continue
            found = kc.jobs.read_record(folder / f"{verb}.json", RECORD)
            if found["network"] == self.network:
                pictures = {told: folder / file for told, file in found["pictures"].items()}
                title = f"{verb}: {about}"
                sections.append(kc.analysis.PageSection(title, found["sentences"], pictures))
        kc.analysis.write_page(self.folder / PAGE, f"Inside {self.network}", sections)

    def subject(self, model):
        """The network and the pictures it is shown."""
        if self.brings_model():
            classifier = self.brought
        else:
            classifier = classifiers.of_job(self, model)
        folder = self.folder / "inside"
        if self.settings.images:
            pictures = [kc.data.read_image(path) for path in self.settings.images]
            images = classifier.seen(pictures)
            return subject_of(classifier, images, None, folder, self.settings)
        test = self.split("test")
        if len(self.data.info.classes) != len(classifier.classes):
            raise kc.InputError(
                f"{model.name} has {len(classifier.classes)} classes, and {self.settings.data} "
                f"{len(self.data.info.classes)}",
                "pictures of its classes",
                "Pass them as --images FILE ..., or --data with as many classes.",
            )
        names = dataclasses.replace(classifier, classes=self.data.info.classes)
        return subject_of(names, classifier.seen(test.images), test.labels, folder, self.settings)

    def others(self, subject):
        """The networks of --beside, shown the same pictures."""
        test = None if self.settings.images else self.split("test")
        found = []
        for path in self.settings.beside:
            other = classifiers.of_run(path)
            pictures = [kc.data.read_image(each) for each in self.settings.images]
            images = other.seen(pictures if test is None else test.images)
            labels = None if test is None else test.labels
            if test is not None:
                check_twin(path, other, images, subject)
            found.append(subject_of(other, images, labels, subject.folder, self.settings))
        return found


for verb in VERBS:
    setattr(LookInside, verb, functools.partialmethod(LookInside.look, verb))

main = functools.partial(kc.jobs.run, LookInside)

if __name__ == "__main__":
    sys.exit(main())
