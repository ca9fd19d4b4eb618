"""Make a classifier of pictures small and fast, and keep the books: what each way costs and gains.

Without a verb the whole job: train a narrow ResNet-20 on scenes, do all that the verbs do, time all
forms together, and print one table: weights that are not zero, bits of one, bytes zipped,
milliseconds for a picture on this machine, accuracy. A verb alone renews its lines; `measure` times
them beside the others. What others have trained is run through it with --data and --model, as in
classification.py.

    python applications/compress.py
    python applications/compress.py train --epochs 2 --out runs/small
    python applications/compress.py prune --sparsity 0.9 --out runs/small
    python applications/compress.py measure --out runs/small
    python applications/compress.py --data npz:train.npz,test.npz --out runs/mine
"""

from __future__ import annotations

import dataclasses
import functools
import sys

import numpy as np

import classification
import keras_classics as kc
from compressors import ledger
from compressors.forms import copied, of_signs, seeded
from compressors.settings import Settings

VERBS = {
    "prune": "set weights to zero, and take filters out",
    "share": "let weights share a few values, and code their names",
    "quantize": "numbers of eight bits, in ONNX and for LiteRT",
    "distil": "train a smaller network by what this one says, beside one by labels alone",
    "pack": "train a network of signs, and pack them into bits",
    "fastest": "find the fastest form of it",
    "measure": "time all forms together, and print the ledger",
}


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

    def complete(self):
        super().complete()
        self.settings.check()

    def prune(self, model):
        steps = self.settings.tune_epochs * self.plan(None, self.split("train")).steps_per_epoch
        pruning = kc.callbacks.Pruning(
            self.settings.sparsity, begin=0, end=max(1, steps // 2), every=max(1, steps // 20)
        )
        zeros = f"{self.settings.sparsity:.0%} zeros"
        sparse = self.tuned(copied(model), zeros, pruning)
        fewer, out = copied(model), f"{self.settings.filters:.0%} of filters out"
        masks = kc.compression.prune_filters(fewer, self.settings.filters)
        small = kc.compression.strip(self.tuned(fewer, out, kc.callbacks.HoldWeights(masks)))
        lines = self.entry(zeros, sparse, "pruned.keras"), self.entry(out, small, "stripped.keras")
        self.enter("prune", *lines)

    def share(self, model):
        less = copied(model)
        pruned = kc.compression.prune(less, self.settings.sparsity)
        self.tuned(less, "zeros before values are shared", kc.callbacks.HoldWeights(pruned))
        shared = kc.compression.share_weights(less, self.settings.bits)
        self.tuned(less, "values shared", kc.callbacks.HoldWeights(shared))
        sizes = shared.sizes()
        self.table("shared.csv", sizes.to_dict("list"))
        last, bits = sizes.iloc[-1], {"bits": self.settings.bits}
        note = f"bytes of kernels: {last['float32']:,}; pruned {last['pruned']:,}, " \
            f"shared {last['shared']:,}, coded {last['coded']:,}"  # fmt: skip
        if last["coded"] > last["shared"]:
            note += ": the tables of codes take more than the codes save"
        self.enter("share", self.entry("values shared", less, "shared.keras", **bits, note=note))

    def quantize(self, model):
        (images, labels), lines = self.samples(), []
        for format, ending in (("onnx", ".onnx"), ("litert", ".tflite")):
            real = {"form": f"float32 {format}", "file": f"float32{ending}"}
            few = {"form": f"int8 {format}", "file": f"int8{ending}", "beside": real["form"]}
            try:
                kc.export.export_model(model, self.folder / real["file"], format)
                lines.append(self.entry(model=model, **real))
                made = kc.export.quantize(
                    model, self.folder / few["file"], images, format, labels=labels
                )
            except kc.export.ExportError as error:
                self.output.remark(str(error))
                continue
            noisy = made.layers.sort_values("decibels").head(1).itertuples()
            note = "".join(f"noisiest: {x.layer}, {x.decibels:.0f} dB" for x in noisy)
            lines.append(self.entry(model=model, bits=8, note=note, **few))
        self.enter("quantize", *lines)

    def distil(self, model):
        options = self.settings.model_options | self.settings.student
        facts = {"input_shape": model.input_shape[1:], "classes": model.output_shape[-1]}
        lines, heat = [], self.settings.temperature
        for teacher, file in (("labels", "plain_student.keras"), ("the teacher", "student.keras")):
            seeded(self.settings.seed)
            student = kc.create_model(self.settings.model, weights=None, **facts, **options)
            learner, form = student, f"student, by {teacher}"
            if teacher != "labels":
                learner = kc.compression.distiller(student, copied(model), temperature=heat)
            self.tuned(learner, form, anew=True)
            lines.append(self.entry(form, student, file))
        self.enter("distil", *lines)

    def pack(self, model):
        seeded(self.settings.seed)
        signs, real = of_signs(model.input_shape[1:], model.output_shape[-1]), "signs, in float32"
        line = self.entry(real, self.tuned(signs, "signs", anew=True), "signs.keras")
        kc.compression.pack(signs).save(self.folder / "packed.npz")
        packed = self.entry("signs, packed", signs, "packed.npz", bits=1, beside=real)
        self.enter("pack", line, packed)

    def fastest(self, model):
        images, labels = self.samples()
        found = kc.export.fastest(model, 1, images, labels=labels, folder=self.folder)
        self.table("fastest.csv", found.table.to_dict("list"))
        self.output.remark(found.table.round(4).to_string(index=False))
        form, numbers = found.winner
        file = found.path.name if found.path else self.model_file
        known = {"bits": 8 if numbers == "int8" else 32, "note": f"{form}, of fastest.csv"}
        self.enter("fastest", self.entry("the fastest form", model, file, **known))

    def measure(self, model):
        """Time all forms, the trained one first, and print the ledger."""
        rows = self.renewed("train", self.entry(ledger.TRAINED, model, self.model_file))
        rows = ledger.timed(rows, self.folder, self.seen(self.split("test").images[0][None])[0])
        self.table(ledger.BOOK, rows.to_dict("list"))
        told = "\n".join([ledger.shown(rows), *ledger.doubts(rows)])
        self.output.result(told, {"ledger": ledger.records(rows)})

    def samples(self):
        part = self.split("validation")
        chosen = np.random.default_rng(0).permutation(len(part))[: self.settings.samples]
        images = np.concatenate([self.seen(part.images[n][None]) for n in chosen])
        return images, part.labels[chosen]

    def seen(self, images):
        return dataclasses.replace(self.facts["preparation"], test_crops=1).views(images)[:, 0]

    def tuned(self, model, form, *callbacks, anew=False):
        """The model of a form, trained for some epochs; twice as many where it begins anew."""
        import keras

        training = self.split("train")
        plan = self.plan(None, training)
        epochs, rate = (1 + anew) * self.settings.tune_epochs, 3e-3 if anew else 1e-3
        self.output.remark(f"training: {form}, {epochs} epochs of {plan.steps_per_epoch} batches")
        falling = keras.optimizers.schedules.CosineDecay(rate, epochs * plan.steps_per_epoch)
        model.compile(keras.optimizers.Adam(falling), "categorical_crossentropy")
        batches = kc.data.classified_batches(
            training, self.facts["preparation"], seed=self.settings.seed,
            classes=len(self.facts["classes"]), batch_size=plan.batch_size,
        )  # fmt: skip
        lengths = {"steps_per_epoch": plan.steps_per_epoch, "epochs": epochs}
        model.fit(batches, **lengths, callbacks=callbacks, verbose=0, shuffle=False)
        return model

    def entry(self, form, model, file, **known):
        """What the ledger says of a form, on the test pictures; of Keras its file is written."""
        if file.endswith(".keras") and file != self.model_file:
            kc.save_model(model, self.folder / file)
        test = self.split("test")
        images = np.concatenate([self.seen(each[None]) for each in test.images])
        return ledger.line(self.folder, form, model, images, test.labels, file=file, **known)

    def renewed(self, verb, *lines):
        return ledger.renewed(self.results / ledger.BOOK, list(self.verbs), verb, lines)

    def enter(self, verb, *lines):
        """Renew a verb's lines in the ledger, and print them."""
        rows = self.renewed(verb, *lines)
        self.table(ledger.BOOK, rows.to_dict("list"))
        own = rows[rows["verb"] == verb]
        self.output.result(ledger.shown(own), {"ledger": ledger.records(own)})


main = functools.partial(kc.jobs.run, Compress)

if __name__ == "__main__":
    sys.exit(main())
