"""Maps point at the object of the class asked for; on pooled networks CAM and Grad-CAM are one.

Boxes, pixels, seeing: class-activation maps (Zhou et al. 2016) and Grad-CAM (Selvaraju et al.
2017). A network of five convolutions, global pooling and one dense layer learns the kind of the one
object in a scene. In scenes of two objects of different kinds, of which it never saw any, maps are
asked for each kind in turn: does their highest point lie in the box of that object? Beside it stand
the middle of the picture and the maps of the same network before it learned.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Boxes, pixels, seeing"
MINUTES = 3
CRITERION = (
    "Brought to a range of 0 to 1, CAM, without what is negative, and Grad-CAM differ nowhere by "
    "more than 0.001; both point at the object asked for in at least half of the questions, three "
    "times as often as the middle of the picture does, and twice as often as before learning."
)
METHODS = ("cam", "grad_cam")


def network(classes):
    """Five convolutions, global pooling and one dense layer."""
    model = keras.Sequential([keras.Input((64, 64, 3)), keras.layers.Rescaling(1 / 127.5, -1)])
    for number, (filters, strides) in enumerate(((16, 1), (32, 2), (48, 2), (64, 2), (64, 1)), 1):
        model.add(keras.layers.Conv2D(filters, 3, strides, padding="same", use_bias=False))
        model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.ReLU(name=f"relu{number}"))
    model.add(keras.layers.GlobalAveragePooling2D())
    model.add(keras.layers.Dense(classes, activation="softmax"))
    return model


def learned(model, scenes, epochs):
    """The model after it has learned kinds."""
    x = np.stack([scene.image for scene in scenes]).astype("float32")
    y = np.array([scene.label for scene in scenes])
    steps = epochs * -(-len(x) // 32)
    model.compile(kc.training.cosine_adam(3e-3, steps), "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=32, epochs=epochs, verbose=0)
    return model


def measure(seed, quick):
    """Rows of the network before and after learning, and of the middle."""
    count, asked = (32, 6) if quick else (1500, 200)
    sizes = {"train": count, "validation": 1, "test": asked}
    single = kc.data.load("scenes", seed=seed, objects=(1, 1), **sizes)
    pairs = kc.data.load("scenes", seed=seed, objects=(2, 2), **sizes)
    scenes = [scene for scene in pairs.test if len(set(scene.box_labels)) == 2]
    x = np.stack([scene.image for scene in scenes]).astype("float32")
    # Each picture twice, once for either object.
    questions = np.repeat(x, 2, axis=0)
    kinds = np.concatenate([scene.box_labels for scene in scenes])
    boxes = list(np.concatenate([scene.boxes for scene in scenes]))
    model, rows = network(len(single.info.classes)), []
    for state in ("before learning", "learned"):
        if state == "learned":
            learned(model, list(single.train), 1 if quick else 10)
        maps = {
            method: kc.analysis.cam(model, questions, method=method, target=kinds, rectify=True)
            for method in METHODS
        }
        apart = np.abs(np.subtract(*map(kc.analysis.normalized, maps.values()))).max()
        for method, found in maps.items():
            hits = kc.analysis.pointing_game(found, boxes, tolerance=0)
            inside = kc.analysis.energy_game(found, boxes)
            rows.append({"state": state, "method": method, "pointed": hits.mean(),
                "inside": inside.mean(), "apart": apart})  # fmt: skip
    middle = kc.analysis.centre_maps(len(questions), 64, 64)
    hits = kc.analysis.pointing_game(middle, boxes, tolerance=0)
    rows.append({"state": "no network", "method": "the middle", "pointed": hits.mean(),
        "inside": kc.analysis.energy_game(middle, boxes).mean()})  # fmt: skip
    answers = model.predict(
        np.stack([scene.image for scene in single.test]).astype("float32"), verbose=0
    ).argmax(-1)
    right = np.mean(answers == [scene.label for scene in single.test])
    rows.append({"state": "learned", "method": "right of single objects", "right": right})
    return rows


def judge(rows):
    """By seed: one map, and where it points."""
    held = []
    for _, part in rows.groupby("seed"):
        pointed = part.set_index(["state", "method"])["pointed"]
        middle = pointed["no network", "the middle"]
        held.append(
            {
                "one map": part[part["state"] == "learned"]["apart"].max() <= 0.001,
                "pointing": all(
                    pointed["learned", method]
                    >= max(0.5, 3 * middle, 2 * pointed["before learning", method])
                    for method in METHODS
                ),
            }
        )
    mean = rows.groupby(["state", "method"])[["pointed", "inside", "right"]].mean()
    told = "; ".join(
        f"{method} {mean['pointed']['learned', method]:.1%}, before learning "
        f"{mean['pointed']['before learning', method]:.1%}"
        for method in METHODS
    )
    return by_seed(
        held,
        f"Right of single objects {mean['right']['learned', 'right of single objects']:.1%}. Of "
        f"two, that asked for is pointed at by {told}; the middle "
        f"{mean['pointed']['no network', 'the middle']:.1%}. After learning the two maps differ by "
        f"{rows[rows['state'] == 'learned']['apart'].max():.1g} at most.",
    )


def draw(rows, axes):
    """Pointed at and inside, by method and state."""
    known = rows.dropna(subset="pointed")
    told = (known["method"] + ",\n" + known["state"]).where(
        known["state"] != "no network", known["method"]
    )
    names = list(told.unique())
    for figure, label in (("pointed", "points at it"), ("inside", "share of the map in it")):
        mean = known.groupby(told, sort=False)[figure].mean()
        axes.plot(range(len(names)), mean, "_", markersize=24, label=label)
        axes.plot(told.map(names.index), known[figure], ".", color=axes.lines[-1].get_color())
    axes.set_xticks(range(len(names)), names)
    axes.set(ylim=(0, 1))
    axes.legend()
