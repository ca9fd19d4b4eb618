"""Small objects on the shallow trunks of the road: enlarged pictures and maps of less depth."""

from __future__ import annotations

import math

import keras_classics as kc
from detectors import figures, learning, proposing


def upsampled(job):
    """Average precision, of small objects and of all, by depth of the map and factor.

    Args:
        job: Of `detection.py`.

    Returns:
        Rows by name.
    """
    settings = job.settings
    train, test = job.split("train")[: settings.count], job.split("test")
    job.facts = job.make_facts(train)
    proposals = proposing.propose([each.image for each in train], settings)
    rows = {}
    for depth in settings.depths:
        for factor in settings.factors:
            learning.seeded(settings)
            model = detector(job, depth, factor)
            seconds = learning.learned(model, train, proposals, len(job.classes), settings)
            found = job.found(model, [each.image for each in test])
            sizes = {"small": (0.0, settings.small**2), "large": (settings.small**2, 1e10)}
            known, _ = figures.precisions(
                found, figures.truths_of(test), job.classes, rules="voc10", sizes=sizes
            )
            name = f"{depth}, enlarged {factor:g} times"
            rows[name] = {**known, "training seconds": seconds}
            job.output.remark(f"{name}: AP of small objects {known.get('AP small', math.nan):.3f}")
    return rows


def detector(job, depth, factor):
    """Fast R-CNN on a trunk of the road, cut at a depth, that enlarges its pictures."""
    # Here, so that `--help` waits for no engine.
    import keras

    settings = job.settings
    trunk = kc.models.road_backbone(
        settings.trunk, until=depth, scale=factor, input_shape=(*job.size, 3),
        width=settings.trunk_width,
    )  # fmt: skip
    # Without normalisation a trunk that is drawn as narrowly as its paper does hardly begins to
    # learn from a few hundred pictures.
    for number, weight in enumerate(trunk.trainable_weights):
        if len(weight.shape) == 4:
            draw = keras.initializers.HeNormal(seed=settings.seed + number)
            weight.assign(draw(weight.shape))
    # Borders take a part of a map, so that its sides are no whole fractions of the picture's.
    stride = 2 ** max(0, round(math.log2(job.size[0] / trunk.output_shape[1])))
    head = settings.some("bins", "units", "dropout")
    return kc.models.fast_rcnn(trunk, len(job.classes), stride=stride, **head)
