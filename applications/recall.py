"""Memories: pictures completed from half of them, pictures found by what is near.

Without a verb the whole job: learn where pictures of some classes lie (with progress, resumable),
find those of classes that were not learned by their neighbours, and complete half-hidden pictures
from Hopfield networks.

    python applications/recall.py                                          # scenes, and digits
    python applications/recall.py --data digits --model lenet_5
    python applications/recall.py --data npz:train.npz,test.npz --model resnet_20_cifar
    python applications/recall.py recall --stored 20                       # the memory alone
    python applications/recall.py capacity
    python applications/recall.py solve                                    # queens, and tours
"""

from __future__ import annotations

import dataclasses
import functools
import sys

import numpy as np

import classification
import keras_classics as kc
from memories.storing import Storing

flag = kc.jobs.flag
LOSSES = {"triplet": kc.training.TripletLoss, "contrastive": kc.training.ContrastiveLoss}
# A size of two minutes.
TRAINED, SMALL = "simpnet_300k_cifar", {"width": 0.5}
# One object each: of several the picture's class would be that of one, and the rest noise.
SCENES = {"train": 3000, "validation": 300, "test": 900, "objects": (1, 1)}
NEIGHBOURS = (1, 2, 4, 8)


@dataclasses.dataclass(kw_only=True)
class Settings(classification.Settings):
    """Their defaults are a small network on scenes, and digits for the memory."""

    data: str = flag("scenes", "scenes, digits, npz:FILE[,FILE], folder:DIR, tfds:NAME")
    model: str = flag(TRAINED, "a name of keras-classics list")
    size: int = flag(32, "width of the embedding")
    loss: str = flag("triplet", choices=tuple(LOSSES))
    mining: str | None = flag(None, "by default semi_hard, of triplets alone, and else all; with "
        "hard ones from the start all pictures may fall together",
        choices=("hard", "semi_hard", "all"))  # fmt: skip
    unseen: list[str] = flag([], "classes that are not learned but looked for; by default each "
        "third from the second on", metavar="CLASS")  # fmt: skip
    stored: int = flag(10, "pictures stored, of one class after the other", verbs=["recall"])
    stored_data: str = flag("digits", "whose pictures are stored, of one size and up to 64 x 64",
        verbs=["recall"])  # fmt: skip


class Recall(Storing, classification.Classification):
    """Pictures in, points out, of which near ones are alike."""

    Settings = Settings
    name, makes = "recall", "embedder"
    verbs = {
        "train": kc.jobs.VERBS["train"],
        "evaluate": "find pictures of classes that were not learned by their neighbours",
        "recall": "complete half-hidden pictures from Hopfield networks",
        "capacity": "how many random patterns Hebb's rule and projection hold",
        "solve": "queens on a board and tours of cities by annealing",
    }
    asks, runless = None, ("recall", "capacity", "solve")
    whole_verbs = ("train", "evaluate", "recall")
    figures = ("loss",)

    def complete(self):
        triplets = self.settings.loss == "triplet"
        if self.settings.mining == "semi_hard" and not triplets:
            raise kc.InputError(
                f"--mining semi_hard was given with --loss {self.settings.loss}",
                "semi_hard ones of triplets alone, and of others hard or all",
                "Leave --mining out for all.",
            )
        mining = "semi_hard" if triplets else "all"
        self.settings.fill(epochs=15, batch_size=64, learning_rate=2e-3, mining=mining)
        if self.settings.data == "scenes":
            self.settings.fill(data_options=SCENES)
        if self.settings.model == TRAINED:
            self.settings.fill(model_options=SMALL)
        super().complete()

    def read(self, split):
        """To learn from and to choose by the learned classes; to test the others."""
        part, unseen = super().read(split), self.unseen
        chosen = np.flatnonzero(np.isin(part.labels, unseen) == (split == "test"))
        return kc.data.Pictures(
            images=np.stack([part.images[n] for n in chosen]),
            names=[part.names[n] for n in chosen],
            labels=np.asarray(part.labels)[chosen],
        )

    @property
    def unseen(self):
        """Numbers of the classes that are not learned."""
        classes = list(self.data.info.classes)
        names = self.settings.unseen or classes[1::3]
        for name in names:
            if name not in classes:
                raise kc.InputError(
                    f"--unseen {name} was given", ", ".join(classes), "Name some of these."
                )
        if not 0 < len(set(names)) < len(classes) - 1:
            raise kc.InputError(
                f"--unseen named {len(set(names))} of {len(classes)} classes",
                "one or more, with two others to learn",
                "Leave it out for each third.",
            )
        return [classes.index(name) for name in names]

    def check_model(self, model):
        known = self.facts["preparation"].input_shape
        kc.jobs.check_count("pictures", known, model.input_shape[1:], "preparation.npz")

    def build(self):
        return kc.transfer.embedder(super().build(), self.settings.size)

    def plan(self, model, training):
        return kc.jobs.Plan.of(len(training), self.settings.batch_size, self.settings.epochs)

    def compile(self, model, plan):
        optimizer = kc.training.cosine_adam(self.settings.learning_rate, plan.steps)
        loss = LOSSES[self.settings.loss](mining=self.settings.mining)
        model.compile(self.guarded(optimizer), loss)
        return model

    def kept(self, model):
        return model

    def evaluate(self, model):
        test = self.split("test")
        views = self.facts["preparation"].views(test.images)[:, 0]
        found = {"trained": model, "untrained": self.build()}
        metrics = {}
        for name, network in found.items():
            points = network.predict(views, batch_size=100, verbose=0)
            recall = kc.training.recall_at_k(points, test.labels, NEIGHBOURS)
            metrics[name] = {f"recall at {k}": share for k, share in recall.items()}
        classes = len(set(test.labels.tolist()))
        return kc.jobs.Scores(metrics, f"{len(test)} pictures of {classes} classes not learned")


main = functools.partial(kc.jobs.run, Recall)

if __name__ == "__main__":
    sys.exit(main())
