"""R-CNN, SPP-net and Fast R-CNN on the same trunk, proposals and pictures: the papers' table.

First the trunk learns as R-CNN's is tuned: to tell regions apart, each warped to one size. R-CNN
reads all proposals so, and learns support vector machines and ridges behind it; SPP-net keeps the
trunk and learns what stands behind its pyramid, at one scale and at five; Fast R-CNN begins with
the same trunk and learns all of it. SPP-net ends here in the two tasks of Fast R-CNN, which takes
the place of its own support vector machines. Each time of learning has that of the trunk in it.
"""

from __future__ import annotations

import time

import numpy as np

import keras_classics as kc
from detectors import figures, learning, proposing

# SPP-net's five scales over its single one.
FIVE = tuple(side / 688 for side in (480, 576, 688, 864, 1200))
# Of a crop of 227 pixels R-CNN has 16 around the region.
CONTEXT = 16 / 227
LEVELS = (1, 2, 3, 6)


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
    network, shared = told_apart(job, train, known)
    job.output.remark(f"the trunk has learned to tell regions apart, {shared:.0f} s")
    rows = {}

    def enter(name, training, convolution, find):
        """A row: what it took, and what it finds."""
        find(0)
        begun = time.perf_counter()
        found = [find(number) for number in range(len(test))]
        total = (time.perf_counter() - begun) / len(test)
        precision, _ = figures.precisions(found, truths, job.classes, rules="voc10")
        rows[name] = {"training": training, "convolution": convolution, "total": total}
        first = next(iter(rows.values()))
        rows[name] |= {f"{part} faster": first[part] / rows[name][part]
                       for part in ("convolution", "total")}  # fmt: skip
        rows[name]["AP50"] = precision["AP"]
        job.output.remark(f"{name}: AP50 {precision['AP']:.3f}, {total:.3f} s a picture")

    rcnn = kc.models.RCNN(features_of(network), classes, context=context(settings))
    begun = time.perf_counter()
    rcnn.fit(train, known, seed=settings.seed)
    own = time.perf_counter() - begun
    enter("R-CNN", shared + own, convolution_of_regions(job, network, test, asked),
          lambda number: rcnn.detect(test[number].image, asked[number]))  # fmt: skip
    for name, factors, end in (
        ("SPP-net, one scale", (1.0,), spp_net),
        ("SPP-net, five scales", FIVE, spp_net),
        ("Fast R-CNN", (1.0,), fast_rcnn),
    ):
        learning.seeded(settings)
        scales = [round(settings.scale * factor) for factor in factors]
        model = end(job, trunk_of(job, network, settings.window), scales)
        own = learning.learned(model, train, known, classes, settings)
        convolution = convolution_of_pictures(job, network, scales, test)
        enter(name, shared + own, convolution, lambda number, model=model: kc.models.detect(
            model, [test[number].image], [asked[number]], batch_size=1)[0])  # fmt: skip
    return rows


def spp_net(job, trunk, scales):
    """SPP-net, whose trunk stays as it is."""
    head = job.settings.some("units", "dropout", "window")
    return kc.models.spp_net(
        trunk, len(job.classes), levels=LEVELS, stride=stride(trunk), scales=scales, **head
    )


def fast_rcnn(job, trunk, scales):
    """Fast R-CNN, which learns as a whole."""
    head = job.settings.some("bins", "units", "dropout", "window")
    return kc.models.fast_rcnn(trunk, len(job.classes), stride=stride(trunk), scales=scales, **head)


def stride(trunk):
    """Pixels between neighbours in the map."""
    return trunk.input_shape[1] // trunk.output_shape[1]


def context(settings):
    """Pixels of a warped region around its box."""
    return round(CONTEXT * settings.window)


def told_apart(job, examples, proposals):
    """R-CNN's network, tuned on warped regions of which a quarter show something.

    Returns:
        The classifier, and the seconds it took.
    """
    import keras

    settings, classes = job.settings, len(job.classes)
    begun = time.perf_counter()
    rng = np.random.default_rng(settings.seed)
    crops, labels = [], []
    for example, boxes in zip(examples, proposals, strict=True):
        boxes = np.concatenate([boxes, example.boxes])
        found = kc.boxes.match(boxes, example.boxes)
        drawn = kc.boxes.sample_regions(found.overlap, settings.regions, rng)
        shows = found.overlap[drawn] >= 0.5
        # Of what overlaps nothing the last, background.
        own = np.append(example.box_labels, classes)[found.truth[drawn]]
        labels.append(np.where(shows, own, classes))
        size = settings.window
        warped = kc.models.warp_regions(example.image, boxes[drawn], size,
                                        context=context(settings))  # fmt: skip
        crops.append(warped.astype("uint8"))
    trunk = picture_trunk(job, settings.window)
    x = keras.layers.Flatten()(trunk.output)
    for width in settings.units:
        x = keras.layers.Dense(width, activation="relu")(x)
    network = keras.Model(trunk.input, keras.layers.Dense(classes + 1)(x))
    images, targets = np.concatenate(crops), np.concatenate(labels)
    steps = -(-len(images) // 64) * settings.epochs
    network.compile(
        kc.training.cosine_adam(settings.learning_rate, steps),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    network.fit(images / np.float32(127.5) - 1, targets, batch_size=64, epochs=settings.epochs,
                verbose=0)  # fmt: skip
    return network, time.perf_counter() - begun


def features_of(network):
    """What R-CNN's classifiers read: the last layer before the network's own."""
    import keras

    return keras.Model(network.input, network.layers[-1].input)


def picture_trunk(job, size):
    """The trunk for pictures of a size."""
    return kc.models.picture_encoder(size=size, as_map=True, **job.settings.compared)


def trunk_of(job, network, size):
    """The trunk that the network has, for pictures of a size."""
    trunk = picture_trunk(job, size)
    trunk.set_weights(network.get_weights()[: len(trunk.weights)])
    return trunk


def convolution_of_regions(job, network, examples, proposals):
    """Seconds in which the trunk reads all warped regions of a picture."""
    settings = job.settings
    trunk = trunk_of(job, network, settings.window)
    warped = [
        kc.models.warp_regions(
            example.image, boxes, settings.window, context=context(settings)
        ) / 127.5 - 1
        for example, boxes in zip(examples[: settings.timed], proposals, strict=False)
    ]  # fmt: skip
    return seconds_of(lambda crops: trunk.predict(crops, batch_size=64, verbose=0), warped)


def convolution_of_pictures(job, network, scales, examples):
    """Seconds in which the trunk reads a picture at some scales."""
    seconds, count = 0.0, job.settings.timed
    for scale in scales:
        factor = scale / min(job.size)
        size = tuple(round(side * factor) for side in job.size)
        trunk = trunk_of(job, network, size)
        zeros = [np.zeros((1, *size, 3), "float32")] * min(count, len(examples))
        seconds += seconds_of(trunk.predict_on_batch, zeros)
    return seconds


def seconds_of(function, inputs):
    """Mean seconds of a call, after one that prepares it."""
    function(inputs[0])
    begun = time.perf_counter()
    for each in inputs:
        function(each)
    return (time.perf_counter() - begun) / len(inputs)
