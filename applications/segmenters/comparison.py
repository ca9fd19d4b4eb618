"""The network of the settings, and trainings of several beside each other."""

from __future__ import annotations

import dataclasses
import time

import keras

import keras_classics as kc
from segmenters import figures

# What differs from the settings, by kind. The first four are trained as long from the beginning.
FINEST, FIELD = "FCN-8s", "FCN-8s, field after it"
KINDS = {
    "FCN-32s": {"stride": 32},
    "FCN-16s": {"stride": 16},
    FINEST: {"stride": 8},
    "FCN-8s, fixed enlargement": {"stride": 8, "upsampling": "fixed"},
    FIELD: {"stride": 8},
    # These go on from what FCN-8s has learned, as the paper's; the one shows what time alone does.
    "FCN-8s, trained further": {"stride": 8},
    "FCN-8s, CRF-RNN": {"stride": 8, "crf": True},
}
GOING_ON = ("FCN-8s, trained further", "FCN-8s, CRF-RNN")
# Of what the command line may say, what the kinds differ in.
_PLAIN = {"upsampling": "learned", "crf": False}
_SLOWER = 0.1


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
    images, truth = [each.image for each in held], [each.class_mask for each in held]
    rows = []
    for seed in range(job.settings.seeds):
        # Of this seed, by kind.
        said, models = {}, {}
        for kind, changed in KINDS.items():
            begun = time.perf_counter()
            if kind == FIELD:
                width = job.settings.colour_width
                found = kc.models.dense_crf(images, said[FINEST], colour_width=width)
            else:
                settings = dataclasses.replace(
                    job.settings, **{**_PLAIN, **changed}, start_from=None, seed=seed
                )
                start = models[FINEST] if kind in GOING_ON else None
                models[kind] = trained(job, settings, training, start)
                found = kc.models.segment(models[kind], images)
            said[kind] = found
            masks = [each.argmax(-1) for each in found]
            metrics, _ = figures.scores(truth, masks, classes)
            seconds = time.perf_counter() - begun
            rows.append({"kind": kind, "seed": seed, **metrics, "seconds": seconds})
            job.output.remark(f"{kind}, seed {seed}: mean IU {metrics['mean IU']:.3f}")
    return rows


def trained(job, settings, training, start):
    """A network, trained from the beginning, or at a smaller rate on from another."""
    if start is not None:
        rate = _SLOWER * settings.learning_rate
        settings = dataclasses.replace(settings, epochs=settings.further_epochs, learning_rate=rate)
    keras.utils.set_random_seed(settings.seed)
    one = type(job)(settings, job.folder, job.output)
    one.complete()
    one.data = job.data
    one.facts = one.make_facts(training)
    model = one.build()
    if start is not None:
        kc.models.take_over(start, model)
    plan = one.plan(model, training)
    batches = one.batches(training, plan, model)(0)
    one.compile(model, plan).fit(
        batches, steps_per_epoch=plan.steps_per_epoch, epochs=plan.epochs, verbose=0,
        shuffle=False,
    )  # fmt: skip
    return model
