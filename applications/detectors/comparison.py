"""R-CNN, SPP-net and Fast R-CNN on the same trunk, proposals and pictures: the papers' table.

First the trunk learns as R-CNN's is tuned: to tell regions apart, each warped to one size. R-CNN
reads all proposals so, and learns support vector machines and ridges behind it; SPP-net keeps the
trunk and learns what stands behind its pyramid, at one scale and at five; Fast R-CNN begins with
the same trunk and learns all of it. SPP-net ends here in the two tasks of Fast R-CNN, which takes
the place of its own support vector machines. Each time of learning has that of the trunk in it.
What has learned is asked with its normalisation folded away.

Times of a picture are those of the processor, all threads together, so that what else the machine
does hardly counts: of all that a detector does the median, of the convolution alone the least.
"""

from __future__ import annotations

import time

import numpy as np

import keras_classics as kc
from detectors import figures, learning, proposing

# Of a crop of 227 pixels R-CNN has 16 around the region.
CONTEXT = 16 / 227
LEVELS = (1, 2, 3, 6)
# Regions in a batch, as R-CNN tunes.
TUNED = 128
# Regions that R-CNN's network reads at once.
AT_ONCE = 64


def compared(job):
    """Time and precision of each.

    Args:
        job: Of `detection.py`.

    Returns:
        Rows by name.
    """
    settings = job.settings
    train, test = job.split("train")[: settings.count], job.split("test")[: settings.tested]
    job.facts = job.make_facts(train)
    known, asked = (
        proposing.few(job.proposed(part), settings.most, settings.seed) for part in (train, test)
    )
    classes, truths = len(job.classes), figures.truths_of(test)
    learning.seeded(settings)
    features, shared = told_apart(job, train, known)
    job.output.remark(f"the trunk has learned to tell regions apart, {shared:.0f} s")
    rows = {}

    def enter(name, training, convolution, find):
        """A row: what it took, and what it finds."""
        found, seconds = timed(find, range(len(test)))
        total = float(np.median(seconds))
        precision, _ = figures.precisions(found, truths, job.classes, rules="voc10")
        rows[name] = {"training": training, "convolution": convolution, "total": total}
        first = next(iter(rows.values()))
        rows[name] |= {f"{part} faster": first[part] / rows[name][part]
                       for part in ("convolution", "total")}  # fmt: skip
        rows[name]["AP50"] = precision["AP"]
        job.output.remark(f"{name}: AP50 {precision['AP']:.3f}, {total:.3f} s a picture")

    rcnn = kc.models.RCNN(kc.export.fold(features), classes, context=context(settings))
    begun = time.perf_counter()
    rcnn.fit(train, known, penalty=settings.penalty, seed=settings.seed)
    own = time.perf_counter() - begun
    enter("R-CNN", shared + own, convolution_of_regions(job, features, test, asked),
          lambda number: rcnn.detect(test[number].image, asked[number]))  # fmt: skip
    for name, scales, end in (
        ("SPP-net, one scale", [settings.scale], spp_net),
        ("SPP-net, five scales", settings.scales, spp_net),
        ("Fast R-CNN", [settings.scale], fast_rcnn),
    ):
        learning.seeded(settings)
        model = end(job, trunk_of(job, features, settings.window), scales)
        own = learning.learned(model, train, known, classes, settings)
        model = kc.export.fold(model)
        convolution = convolution_of_pictures(job, features, scales, test)
        enter(name, shared + own, convolution, lambda number, model=model: kc.models.detect(
            model, [test[number].image], [asked[number]], batch_size=1)[0])  # fmt: skip
    return rows


def spp_net(job, trunk, scales):
    """SPP-net, whose trunk stays as it is."""
    head = job.settings.some("units", "dropout", "window")
    return kc.models.spp_net(trunk, len(job.classes), levels=LEVELS, scales=scales, **head)


def fast_rcnn(job, trunk, scales):
    """Fast R-CNN, which learns as a whole."""
    head = job.settings.some("bins", "units", "dropout", "window")
    return kc.models.fast_rcnn(trunk, len(job.classes), scales=scales, **head)


def context(settings):
    """Pixels of a warped region around its box."""
    return round(CONTEXT * settings.window)


def told_apart(job, examples, proposals):
    """R-CNN's features, tuned on warped regions of which a quarter show something.

    Returns:
        What reads a warped region, for the classifiers and for the regressions of boxes, and the
        seconds it took.
    """
    import keras

    settings, classes = job.settings, len(job.classes)
    begun = time.perf_counter()
    trunk = picture_trunk(job, settings.window)
    # As pool5, which R-CNN's regressions read: what the dense layers make of it tells classes, and
    # no longer where a thing is.
    pooled = keras.layers.Flatten()(keras.layers.MaxPooling2D()(trunk.output))
    x = keras.layers.Flatten()(trunk.output)
    for width in settings.units:
        x = keras.layers.Dense(width, activation="relu")(x)
    features = keras.Model(trunk.input, [x, pooled])
    network = kc.models.region_classifier(features, classes)
    steps = -(-len(examples) * settings.regions // TUNED)
    network.compile(
        kc.training.cosine_adam(settings.learning_rate, steps * settings.epochs),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    batches = kc.data.warped_batches(
        examples, proposals, classes=classes, seed=settings.seed, batch_size=TUNED,
        size=settings.window, context=context(settings),
    )  # fmt: skip
    network.fit(batches, steps_per_epoch=steps, epochs=settings.epochs, verbose=0, shuffle=False)
    return features, time.perf_counter() - begun


def picture_trunk(job, size):
    """The trunk for pictures of a size."""
    return kc.models.picture_encoder(size=size, as_map=True, **job.settings.compared)


def trunk_of(job, features, size):
    """The trunk that features have, for pictures of a size."""
    trunk = picture_trunk(job, size)
    trunk.set_weights(features.get_weights()[: len(trunk.weights)])
    return trunk


def convolution_of_regions(job, features, examples, proposals):
    """Seconds in which the trunk reads all warped regions of a picture."""
    settings = job.settings
    trunk = kc.export.fold(trunk_of(job, features, settings.window))
    warped = [
        kc.models.warp_regions(
            example.image, boxes, settings.window, context=context(settings)
        ) / 127.5 - 1
        for example, boxes in zip(examples[: settings.timed], proposals, strict=False)
    ]  # fmt: skip

    def read(crops):
        for begin in range(0, len(crops), AT_ONCE):
            trunk.predict_on_batch(crops[begin : begin + AT_ONCE])

    return min(timed(read, warped)[1])


def convolution_of_pictures(job, features, scales, examples):
    """Seconds in which the trunk reads a picture at some scales, in one call."""
    import keras

    factors = [scale / min(job.size) for scale in scales]
    sizes = [tuple(round(side * factor) for side in job.size) for factor in factors]
    # One trunk of each size, as the networks read them.
    trunks = [kc.export.fold(trunk_of(job, features, size)) for size in sizes]
    for number, trunk in enumerate(trunks):
        trunk.name = f"scale{number}"
    images = [keras.Input((*size, 3)) for size in sizes]
    network = keras.Model(
        images, [trunk(image) for trunk, image in zip(trunks, images, strict=True)]
    )
    count = min(job.settings.timed, len(examples))
    zeros = [[np.zeros((1, *size, 3), "float32") for size in sizes]] * count
    return min(timed(network.predict_on_batch, zeros)[1])


def timed(function, inputs):
    """Answers, and the processor's seconds of each call, after one that prepares them."""
    function(inputs[0])
    answers, seconds = [], []
    for each in inputs:
        begun = time.process_time()
        answers.append(function(each))
        seconds.append(time.process_time() - begun)
    return answers, seconds
