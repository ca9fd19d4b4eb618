"""A random field helps a segmenter, and more where both are trained as one network: CRF-RNN.

Boxes, pixels, seeing: CRF-RNN (Zheng et al. 2015). FCN-8s on a narrow ResNet-18 learns to label the
pixels of scenes. Then a fully connected random field is laid over what it says, without learning;
and with the field as a layer behind it, it learns on at a tenth of the rate. As learning on may
help by itself, FCN-8s also does so without the field, equally long.
"""

import keras_classics as kc
from claims.claim import by_seed

PART = "Boxes, pixels, seeing"
MINUTES = 4
CRITERION = (
    "The mean IU and the F of outlines on test scenes are higher with the field after FCN-8s than "
    "of FCN-8s alone, and of CRF-RNN higher than with the field after it and than of FCN-8s that "
    "learned on without it."
)
FURTHER = (
    "FCN-8s had learned to see little more than the background, so that the field had nothing to "
    "go by. With the first seed and 960 steps in place of 240, mean IU and F of outlines are "
    "0.746 and 0.797 of FCN-8s, 0.814 and 0.817 with the field after it, 0.747 and 0.801 learned "
    "on, and 0.799 and 0.851 of CRF-RNN. With 240 further steps in place of 60 as well, on "
    "another machine, they are 0.739 and 0.793, 0.803 and 0.797, 0.751 and 0.804, and 0.802 and "
    "0.854. So the field helps, and learning with it what learning on alone does not; but only of "
    "the outlines is CRF-RNN ahead of the field after FCN-8s, and by mean IU it is not. Three "
    "seeds of this take half an hour, more than a claim is given."
)
ALONE, AFTER, ON, TOGETHER = "FCN-8s", "field after it", "FCN-8s, learned on", "CRF-RNN"
KINDS, COLOURS = (ALONE, AFTER, ON, TOGETHER), 13.0


def network(classes, *, field=False):
    """FCN-8s, perhaps with the field behind it."""
    trunk = kc.create_model("resnet_18", include_top=False, weights=None, width=0.25)
    model = kc.models.fcn(trunk, classes, 8)
    if field:
        model = kc.models.crf_rnn(model, bilateral_width=80.0, colour_width=COLOURS)
    return model


def learned(model, scenes, rate, steps, seed):
    """The model after so many batches of eight."""
    rate = kc.training.cosine_adam(rate, steps, warm_up_steps=steps // 20)
    # A single step costs less than its tracing.
    kc.training.compile_segmenter(model, rate, metrics=[], run_eagerly=steps == 1)
    batches = kc.data.mask_batches(scenes, batch_size=8, seed=seed)
    model.fit(batches, steps_per_epoch=steps, verbose=0, shuffle=False)
    return model


def measure(seed, quick):
    """A row for each of four."""
    count, tested, steps, further = (8, 2, 1, 1) if quick else (800, 150, 240, 60)
    data = kc.data.load("scenes", seed=seed, train=count, validation=1, test=tested)
    train, test, classes = list(data.train), list(data.test), len(data.info.pixel_classes)
    images, truth = [scene.image for scene in test], [scene.class_mask for scene in test]
    first = learned(network(classes), train, 4e-3, steps, seed)
    said = {ALONE: kc.models.segment(first, images)}
    said[AFTER] = kc.models.dense_crf(images, said[ALONE], colour_width=COLOURS)
    for kind in (ON, TOGETHER):
        model = network(classes, field=kind == TOGETHER)
        kc.models.take_over(first, model)
        said[kind] = kc.models.segment(learned(model, train, 4e-4, further, seed + 1), images)
    rows = []
    for kind in KINDS:
        masks = [each.argmax(-1) for each in said[kind]]
        found = kc.training.pixel_figures(kc.training.pixel_confusion(truth, masks, classes))
        outlines = kc.training.boundary_f(truth, masks, classes)
        rows.append({"kind": kind, **found, "outlines": outlines})
    return rows


def judge(rows):
    """By seed: after, together, and learned on alone."""
    held = []
    for _, part in rows.groupby("seed"):
        table = part.set_index("kind")[["mean IU", "outlines"]]
        held.append(
            {
                "the field after FCN-8s": (table.loc[AFTER] > table.loc[ALONE]).all(),
                "CRF-RNN against the field after it": (
                    table.loc[TOGETHER] > table.loc[AFTER]
                ).all(),
                "CRF-RNN against learning on": (table.loc[TOGETHER] > table.loc[ON]).all(),
            }
        )
    mean = rows.groupby("kind")[["mean IU", "outlines"]].mean()
    told = "; ".join(
        f"{kind} {mean['mean IU'][kind]:.3f} and {mean['outlines'][kind]:.3f}" for kind in KINDS
    )
    return by_seed(held, f"Mean IU and F of outlines: {told}.")


def draw(rows, axes):
    """Both figures by kind."""
    places = range(len(KINDS))
    for figure in ("mean IU", "outlines"):
        table = rows.pivot(index="kind", columns="seed", values=figure).loc[list(KINDS)]
        axes.plot(places, table.mean(axis=1), "_", markersize=24, label=figure)
        axes.plot(places, table, ".", color=axes.lines[-1].get_color(), alpha=0.5)
    axes.set_xticks(places, KINDS)
    axes.set(ylabel="on test scenes")
    axes.legend()
