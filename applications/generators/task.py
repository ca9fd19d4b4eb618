"""What all tasks of `generate.py` have in common."""

from __future__ import annotations

from typing import ClassVar

import keras_classics as kc
from generators.settings import Settings


class Task(kc.jobs.Job):
    """Pictures in, a network that makes others out."""

    Settings = Settings
    name, makes = "generate", "generator"
    verbs = {
        **kc.jobs.VERBS,
        "sample": "draw pictures that are made of numbers",
        "interpolate": "draw walks between them",
        "stylize": "give pictures the learned style",
        "enlarge": "make pictures larger",
    }
    # Of `verbs`, those that the task has alone.
    own_verbs = ("sample", "interpolate")
    # What opens a run of any task.
    door: ClassVar[type[kc.jobs.Job]]

    @property
    def task(self):
        return self.settings.task

    def complete(self):
        self.settings.follow()

    def whole(self):
        return ["train", "evaluate", *self.own_verbs, "export"]

    def reader_options(self):
        return self.settings.some("image_size")

    def read(self, split):
        """Pictures with their classes, if they have some: they help what is trained here to see."""
        part = getattr(self.data, split)
        known = (name for name in ("label", "captions") if len(part) and hasattr(part[0], name))
        field = next((name for name in known if getattr(part[0], name) is not None), "image")
        return kc.data.collect(part, field, description=split)

    def pairs(self, part):
        """What a batch is made of, arrays."""
        raise NotImplementedError

    def batches(self, part, plan, model):
        arrays, given = (
            self.pairs(part),
            {"batch_size": plan.batch_size, "seed": self.settings.seed},
        )
        return lambda first: kc.data.array_batches(*arrays, first=first, **given)

    def validation(self, part, plan, model):
        return {}

    def others(self):
        """The jobs of the runs that --beside names, by what tells them apart."""
        return {str(folder): kc.jobs.open_run(self.door, folder) for folder in self.settings.beside}

    def page(self, file, pictures, heading, columns=8, titles=None):
        path = self.results / file
        kc.analysis.draw_tiles(path, pictures, titles, columns=columns, heading=heading)
        self.output.result(f"picture: {path}", {"picture": str(path)})
