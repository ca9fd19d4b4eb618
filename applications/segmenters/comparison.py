"""The network of the settings, and trainings of several beside each other."""

from __future__ import annotations

import dataclasses
import time

import keras

import keras_classics as kc
from segmenters import figures

# What differs from the settings, by kind; each is trained as long.
KINDS = {
    "FCN-32s": {"stride": 32},
    "FCN-16s": {"stride": 16},
    "FCN-8s": {"stride": 8},
    "FCN-8s, fixed enlargement": {"stride": 8, "upsampling": "fixed"},
    "FCN-8s, field after it": {"stride": 8},
    "FCN-8s, CRF-RNN": {"stride": 8, "crf": True},
}


def network(settings, classes):
    """The network that the settings name."""
    if settings.model.endswith(".keras"):
        backbone = kc.load_model(settings.model)
    else:
        given = {"include_top": False, "weights": None, **settings.model_options}
        backbone = kc.create_model(settings.model, **given)
    kinds = settings.some("upsampling", "scaled_skips")
    model = kc.models.fcn(backbone, classes, settings.stride, **kinds)
    if not settings.crf:
        return model
    return kc.models.crf_rnn(model, bilateral_width=80.0, colour_width=settings.colour_width)


def compared(job):
    """Rows of figures on the validation split: a training of each kind and seed.

    The random field after the network is laid over what FCN-8s says, without training.
    """
    training, held = job.split("train"), job.split("validation")
    classes = list(job.data.info.pixel_classes)
    images, rows, said = [each.image for each in held], [], []
    for seed in range(job.settings.seeds):
        for kind, changed in KINDS.items():
            begun = time.perf_counter()
            if kind.endswith("field after it"):
                found = kc.models.dense_crf(images, said, colour_width=job.settings.colour_width)
            else:
                settings = dataclasses.replace(job.settings, **changed, seed=seed)
                found = kc.models.segment(trained(job, settings, training, classes), images)
            said = found if kind == "FCN-8s" else said
            metrics, _ = figures.scores(held, [each.argmax(-1) for each in found], classes)
            seconds = time.perf_counter() - begun
            rows.append({"kind": kind, "seed": seed, **metrics, "seconds": seconds})
            job.output.remark(f"{kind}, seed {seed}: mean IU {metrics['mean IU']:.3f}")
    return rows


def trained(job, settings, training, classes):
    """A network, trained from the beginning."""
    keras.utils.set_random_seed(settings.seed)
    one = type(job)(settings, job.folder, job.output)
    one.facts = {"known": {"classes": classes}}
    model = one.build()
    plan = one.plan(model, training)
    batches = one.batches(training, plan, model)(0)
    one.compile(model, plan).fit(
        batches, steps_per_epoch=plan.steps_per_epoch, epochs=plan.epochs, verbose=0,
        shuffle=False,
    )  # fmt: skip
    return model
