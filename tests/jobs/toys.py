"""A job small enough to be trained in a moment: a line through points."""

from __future__ import annotations

import dataclasses
import json
from functools import cached_property
from types import SimpleNamespace

import keras
import numpy as np

import keras_classics as kc

flag = kc.jobs.flag


@dataclasses.dataclass
class Points:
    x: np.ndarray
    y: np.ndarray

    def __len__(self):
        return len(self.x)


@dataclasses.dataclass(kw_only=True)
class Settings(kc.jobs.Settings):
    data: str = flag("points", "points")
    epochs: int = flag(3, may_change=True)
    batch_size: int = flag(4)
    learning_rate: float = flag(0.1)
    slope: float = flag(2.0, "of the line")
    names: list[str] = flag(["a", "b"], "of the classes")
    form: str = flag("line", "that is drawn", choices=("line", "curve"))
    bend: float = flag(1.0, "of a curve", when={"form": ["curve"]})
    corners: int = flag(2, "that are drawn", verbs=["evaluate"],
        when={"form": ["curve"], "bend": []})  # fmt: skip
    stop_at: int = flag(0, "Ctrl-C comes at this step", may_change=True)
    digits: int = flag(3, "that are shown", verbs=["evaluate"])
    times: int = flag(1, "what the answer is multiplied by", verbs=["ask"])


class Stop(keras.callbacks.Callback):
    def __init__(self, step):
        super().__init__()
        self.step = step
        self.made = 0

    def on_train_batch_end(self, batch, logs=None):
        self.made += 1
        if self.made == self.step:
            raise KeyboardInterrupt


class Toy(kc.jobs.Job):
    """Draws a line through points."""

    Settings = Settings
    name, makes = "toy", "line"
    verbs = {**kc.jobs.VERBS, "look": "say the slope", "ask": "ask for the line at numbers"}
    asks, reads_lines, queries = "ask", True, "NUMBER"
    # What the points are multiplied by: data that change behind a run's back.
    factor = 1.0

    @cached_property
    def data(self):
        sizes = {"train": 16, "validation": 4, "test": 4}
        return SimpleNamespace(info=kc.data.Info(name="points", sizes=sizes))

    def read(self, split):
        count, seed = self.data.info.sizes[split], self.settings.seed
        x = np.random.default_rng(seed).normal(size=(count, 1)).astype("float32")
        return Points(x, np.float32(self.factor * self.settings.slope) * x)

    def fact_files(self):
        return {"names": kc.jobs.Fact("names.json", kc.jobs.read_record)}

    def make_facts(self, training):
        return {"names": self.settings.names}

    def check_model(self, model):
        kc.jobs.check_count("names", len(self.facts["names"]), 2, "names.json")

    def build(self):
        return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])

    def compile(self, model, plan):
        rate = keras.optimizers.schedules.CosineDecay(self.settings.learning_rate, plan.steps)
        model.compile(self.guarded(keras.optimizers.SGD(rate, momentum=0.5)), "mse")
        return model

    def batches(self, part, plan, model):
        def endless(number):
            while True:
                epoch, place = divmod(number, plan.steps_per_epoch)
                order = np.random.default_rng([self.settings.seed, epoch]).permutation(len(part))
                chosen = order[place * plan.batch_size : (place + 1) * plan.batch_size]
                yield part.x[chosen], part.y[chosen]
                number += 1

        return endless

    def validation(self, part, plan, model):
        return {"validation_data": (part.x, part.y)}

    def callbacks(self, model, plan, validation):
        return [Stop(self.settings.stop_at)] if self.settings.stop_at else []

    def evaluate(self, model):
        self.output.remark("evaluating")
        test = self.split("test")
        error = float(np.mean((model.predict(test.x, verbose=0) - test.y) ** 2))
        return kc.jobs.Scores({"test": {"error": error}}, "the line [red]", self.settings.digits)

    def look(self, model):
        slope = slope_of(model)
        self.output.result(f"slope {slope:.3f}", {"slope": slope})

    def export(self, model, path, format):
        path.mkdir(parents=True, exist_ok=True)
        (path / "saved_model.pb").write_text(json.dumps(slope_of(model)))

    def open_export(self, folder):
        return json.loads((folder / "saved_model.pb").read_text())

    def example(self):
        return ["1"]

    def ask(self, query, exported):
        return self.line_at(query, exported)

    def ask_model(self, query, model):
        return self.line_at(query, slope_of(model))

    def line_at(self, query, slope):
        try:
            value = slope * float(query) * self.settings.times
        except ValueError:
            raise kc.InputError(f"{query!r} is no number. Allowed: numbers. Write 1.") from None
        return kc.jobs.Answer(f"{value:.3f}", {"value": value})


def slope_of(model):
    return float(keras.ops.convert_to_numpy(model.layers[-1].kernel)[0, 0])
