"""Make a classifier of pictures small and fast, and keep the books: what each way costs and gains.

Without a verb the whole job: train a narrow ResNet-20 on scenes, do all that the verbs do, and
print one table: weights that are not zero, bits of one, bytes zipped, milliseconds for a picture on
this machine, accuracy. A verb alone renews its lines. What others have trained is run through it
with --data and --model, as in classification.py.

    python applications/compress.py
    python applications/compress.py prune --sparsity 0.9
    python applications/compress.py --data npz:train.npz,test.npz --out runs/small
"""

from __future__ import annotations

import dataclasses
import functools
import sys

import numpy as np
import pandas as pd

import classification
import keras_classics as kc
from compressors.forms import answers, copied, measured, of_signs, seeded

BOOK = "ledger.csv"
VERBS = {
    "prune": "set weights to zero, and take filters out",
    "share": "let weights share a few values, and code their names",
    "quantize": "numbers of eight bits, in ONNX and for LiteRT",
    "distil": "train a smaller network by what this one says, beside one by labels alone",
    "pack": "train a network of signs, and pack them into bits",
    "fastest": "time every form of it",
}
flag = kc.jobs.flag


@dataclasses.dataclass(kw_only=True)
class Settings(classification.Settings):
    """Their defaults are a ResNet-20 of half width on scenes, ten minutes in all."""

    data: str = flag("scenes", "scenes, digits, npz:FILE[,FILE], folder:DIR, tfds:NAME")
    model: str = flag("resnet_20_cifar", "a name of keras-classics list")
    model_options: dict = flag(lambda: {"width": 0.5}, "arguments of its builder")
    epochs: int | None = flag(8, "epochs in all", may_change=True)
    tune_epochs: int = flag(3, "epochs after each step, and of the networks that are trained anew "
        "twice as many", verbs=("prune", "share", "distil", "pack"))  # fmt: skip
    sparsity: float = flag(0.8, "share of the weights that become zero", verbs=("prune", "share"))
    filters: float = flag(0.4, "share of the filters that are taken out", verbs=("prune",))
    bits: int = flag(5, "of the name of a shared value", verbs=("share",))
    student: dict = flag(lambda: {"width": 0.25}, "the student's arguments", verbs=("distil",))
    temperature: float = flag(4.0, "of distillation", verbs=("distil",))
    samples: int = flag(300, "validation pictures that ranges of eight bits are seen from and "
        "measured on", verbs=("quantize", "fastest"))  # fmt: skip


class Compress(classification.Classification):
    """From a classifier to smaller ones, in a ledger."""

    Settings = Settings
    name = "compress"
    verbs = {"train": kc.jobs.VERBS["train"], **VERBS}
    asks = None
    extras = {
        "quantize": [("onnxruntime", "onnx"), ("ai_edge_litert", "litert")],
        "pack": [("numba", "binary")],
    }

    def prune(self, model):
        steps = self.settings.tune_epochs * self.plan(None, self.split("train")).steps_per_epoch
        pruning = kc.callbacks.Pruning(
            self.settings.sparsity, begin=0, end=max(1, steps // 2), every=max(1, steps // 20)
        )
        sparse = self.tuned(copied(model), pruning)
        kc.save_model(sparse, self.folder / "pruned.keras")
        fewer = copied(model)
        masks = kc.compression.prune_filters(fewer, self.settings.filters)
        small = kc.compression.strip(self.tuned(fewer, kc.callbacks.HoldWeights(masks)))
        kc.save_model(small, self.folder / "stripped.keras")
        forms = {
            "as trained": model,
            f"{self.settings.sparsity:.0%} zeros": sparse,
            f"{self.settings.filters:.0%} of filters out": small,
        }
        lines = self.lines(forms)
        whole = lines[0]["milliseconds"]
        lines[1]["note"] = f"{whole / lines[1]['milliseconds']:.2f} times as fast: dense kernels " \
            "multiply zeros too"  # fmt: skip
        lines[2]["note"] = f"{whole / lines[2]['milliseconds']:.2f} times as fast"
        self.enter("prune", lines)

    def share(self, model):
        less = copied(model)
        pruned = kc.compression.prune(less, self.settings.sparsity)
        self.tuned(less, kc.callbacks.HoldWeights(pruned))
        shared = kc.compression.share_weights(less, self.settings.bits)
        self.tuned(less, kc.callbacks.HoldWeights(shared))
        sizes = shared.sizes()
        self.table("shared.csv", sizes.to_dict("list"))
        last = sizes.iloc[-1]
        (line,) = self.lines({"values shared": less}, bits=self.settings.bits)
        line["note"] = f"bytes of kernels: {last['float32']:,}; pruned {last['pruned']:,}, " \
            f"shared {last['shared']:,}, coded {last['coded']:,}"  # fmt: skip
        self.enter("share", [line])

    def quantize(self, model):
        (images, labels), lines = self.samples(), []
        for format, file in (("onnx", "int8.onnx"), ("litert", "int8.tflite")):
            path = self.folder / file
            try:
                made = kc.export.quantize(model, path, images, format, labels=labels)
            except kc.export.ExportError as error:
                self.output.remark(str(error))
                continue
            size = kc.compression.zipped_bytes(path)
            lines += self.lines({f"int8 {format}": model}, 8, size, answers(path))
            for x in made.layers.sort_values("decibels").head(1).itertuples():
                lines[-1]["note"] = f"noisiest: {x.layer}, {x.decibels:.0f} dB"
        self.enter("quantize", lines)

    def distil(self, model):
        options = self.settings.model_options | self.settings.student
        facts = {"input_shape": model.input_shape[1:], "classes": model.output_shape[-1]}
        forms, heat = {}, self.settings.temperature
        for teacher in ("labels", "the teacher"):
            seeded(self.settings.seed)
            student = kc.create_model(self.settings.model, weights=None, **facts, **options)
            learner = student
            if teacher != "labels":
                learner = kc.compression.distiller(student, copied(model), temperature=heat)
            self.tuned(learner, anew=True)
            forms[f"student, by {teacher}"] = student
        kc.save_model(student, self.folder / "student.keras")
        self.enter("distil", self.lines(forms))

    def pack(self, model):
        seeded(self.settings.seed)
        signs = self.tuned(of_signs(model.input_shape[1:], model.output_shape[-1]), anew=True)
        packed = kc.compression.pack(signs)
        packed.save(self.folder / "packed.npz")
        size = kc.compression.zipped_bytes(self.folder / "packed.npz")
        lines = self.lines({"signs, in float32": signs})
        self.enter("pack", lines + self.lines({"signs, packed": signs}, 1, size, packed))

    def fastest(self, model):
        images, labels = self.samples()
        found = kc.export.fastest(model, 1, images, labels=labels)
        self.table("fastest.csv", found.table.to_dict("list"))
        told = f"fastest of all: {' '.join(found.winner)}, {found.threads} threads"
        self.output.result(
            f"{found.table.round(4).to_string(index=False)}\n{told}", {"winner": told}
        )

    def samples(self):
        part = self.split("validation")
        chosen = np.random.default_rng(0).permutation(len(part))[: self.settings.samples]
        images = np.concatenate([self.seen(part.images[n][None]) for n in chosen])
        return images, part.labels[chosen]

    def seen(self, images):
        return dataclasses.replace(self.facts["preparation"], test_crops=1).views(images)[:, 0]

    def tuned(self, model, *callbacks, anew=False):
        """The model, trained for some epochs; twice as many where it begins anew."""
        import keras

        training = self.split("train")
        plan = self.plan(None, training)
        epochs, rate = (1 + anew) * self.settings.tune_epochs, 3e-3 if anew else 1e-3
        falling = keras.optimizers.schedules.CosineDecay(rate, epochs * plan.steps_per_epoch)
        model.compile(keras.optimizers.Adam(falling), "categorical_crossentropy")
        batches = kc.data.classified_batches(
            training, self.facts["preparation"], seed=self.settings.seed,
            classes=len(self.facts["classes"]), batch_size=plan.batch_size,
        )  # fmt: skip
        lengths = {"steps_per_epoch": plan.steps_per_epoch, "epochs": epochs}
        model.fit(batches, **lengths, callbacks=callbacks, verbose=0, shuffle=False)
        return model

    def lines(self, forms, bits=32, zipped=None, answer=None):
        """What the ledger says of some forms, by their names, on the test pictures."""
        test = self.split("test")
        images = np.concatenate([self.seen(each[None]) for each in test.images])
        return measured(forms, images, test.labels, bits, zipped, answer)

    def enter(self, verb, lines):
        """Renew a verb's lines in the ledger, and print it."""
        path, rows = self.results / BOOK, pd.DataFrame([{"verb": verb, **x} for x in lines])
        if rows.empty and not path.exists():
            return
        if path.exists():
            former = kc.jobs.read_table(path, "a ledger of this job", "Choose another --out.")
            rows = pd.concat([former[former["verb"] != verb], rows]).fillna("")
        self.table(BOOK, rows.to_dict("list"))
        shown = rows.assign(milliseconds=rows["milliseconds"].round(3)).to_string(index=False)
        self.output.result(shown, {"ledger": rows.to_dict("records")})


main = functools.partial(kc.jobs.run, Compress)

if __name__ == "__main__":
    sys.exit(main())
