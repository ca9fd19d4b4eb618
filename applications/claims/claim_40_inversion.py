"""The deeper the layer, the less of a picture is found from it again, though its class still is.

Boxes, pixels, seeing: understanding representations by inverting them (Mahendran and Vedaldi 2015).
LeNet-5 learns digits. From what each of its layers says of a test digit, pictures are looked for by
descent that have the same features, from two starts. How far they are from the digit is counted in
distances to another test digit. All layers have the same prior, so that it does not make the
difference.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Boxes, pixels, seeing"
MINUTES = 3
CRITERION = (
    "In the median over the digits the distance of what is found rises from each of the five "
    "layers to the next, from at most 0.3 to at least three times the first; two finds of a digit "
    "are farther apart from the last layer than from the first; features are found at least three "
    "times nearer than another digit's from every layer; and from the last nine in ten of the "
    "pictures that are found are read as the digit they were found for."
)
LAYERS = ("stage1_conv1", "stage1_out", "stage2_out", "head_conv", "head_dense1")


def pictures(split):
    """Digits from 0 to 1 and their classes."""
    x = np.stack([each.image[..., :1] for each in split]) / 255
    return x.astype("float32"), np.array([each.label for each in split])


def lengths(x):
    """Euclidean lengths of pictures."""
    return np.sqrt(np.square(x).sum(axis=(-3, -2, -1)))


def measure(seed, quick):
    """A row for each layer and digit."""
    data = kc.data.load("digits", seed=seed, image_size=32)
    x, y = pictures(data.train)
    test, labels = pictures(data.test[: 2 if quick else 20])
    model = kc.create_model("lenet_5_modern", weights=None)
    steps = 2 if quick else 600
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    shown = np.random.default_rng(seed).integers(len(x), size=32 * steps)
    model.fit(x[shown], y[shown], batch_size=32, shuffle=False, verbose=0)
    said = model.predict(test, verbose=0).argmax(-1)
    other = lengths(np.roll(test, -1, axis=0) - test)
    rows = []
    for layer in LAYERS[::2] if quick else LAYERS:
        found = kc.analysis.invert(
            model, test, layer, bounds=(0, 1), restarts=2, steps=3 if quick else 400,
            smoothness=0.5, seed=seed,
        )  # fmt: skip
        away = lengths(found.images - test[:, None]).mean(axis=1) / other
        apart = lengths(found.images[:, 0] - found.images[:, 1]) / other
        read = [model.predict(found.images[:, n], verbose=0).argmax(-1) == said for n in range(2)]
        for number, label in enumerate(labels):
            rows.append({"layer": layer, "digit": label, "away": away[number],
                "apart": apart[number], "features away":
                found.errors[number].mean() / found.between[number],
                "read alike": np.mean([each[number] for each in read])})  # fmt: skip
    return rows


def judge(rows):
    """By seed: farther, wider, and of the same class."""
    held, order = [], rows["layer"].unique()
    for _, part in rows.groupby("seed"):
        table = part.groupby("layer")[["away", "apart", "features away"]].median().loc[order]
        first, last = table.iloc[0], table.iloc[-1]
        alike = part.groupby("layer")["read alike"].mean()
        held.append(
            {
                "each layer is further away": (table["away"].diff().dropna() > 0).all(),
                "the first layer": first["away"] <= 0.3,
                "the last layer": last["away"] >= 3 * first["away"],
                "starts": last["apart"] > first["apart"],
                "features reached": (table["features away"] <= 1 / 3).all(),
                "the class of the last layer": alike[order[-1]] >= 0.9,
            }
        )
    middle = rows.groupby("layer")[["away", "apart", "features away"]].median()
    alike = rows.groupby("layer")["read alike"].mean()
    told = "; ".join(
        f"{layer} {middle['away'][layer]:.2f}, {middle['apart'][layer]:.2f}, "
        f"{middle['features away'][layer]:.2f} and {alike[layer]:.0%}"
        for layer in order
    )
    return by_seed(
        held,
        "In distances to another digit, from the digit, of two finds, and in features, and the "
        f"share that is read alike: {told}.",
    )


def draw(rows, axes):
    """Distances by layer."""
    order = list(rows["layer"].unique())
    places = [order.index(layer) for layer in rows["layer"]]
    for figure, label in (("away", "from the digit"), ("apart", "of two finds"),
                          ("features away", "in features")):  # fmt: skip
        middle = rows.groupby("layer", sort=False)[figure].median()
        axes.plot(range(len(order)), middle, "o-", label=label)
        axes.plot(places, rows[figure], ".", color=axes.lines[-1].get_color(), alpha=0.15)
    axes.set_xticks(range(len(order)), order)
    axes.set(ylabel="in distances to another digit")
    axes.legend()
