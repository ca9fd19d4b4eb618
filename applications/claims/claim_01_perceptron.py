"""A perceptron makes at most M / d^2 mistakes, never stops on XOR, and ends where it was led.

Feed-forward networks, the perceptron and its convergence. Examples that a unit vector through the
origin separates with margin d, none of them longer than 1, are shown in turn until none is answered
wrong; the bound is the largest squared length M over d^2, whatever the order and however many
examples there are. A threshold is the weight of one more input, which is always 1: with it M is 2
at most, and the bound 50 for a margin of 0.2. XOR is shown for 1,000 passes. The same examples are
then shown in ten orders, and to one perceptron from ten starts. In the table `found` is the number
of corrections, for XOR 1 if it was learnt and 0 if not, and for orders and starts how many
different lines they ended with.
"""

import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Feed-forward networks"
MINUTES = 1
CRITERION = (
    "In every problem the corrections are at most M / d^2; XOR is never learnt in 1,000 passes; "
    "and ten orders, and ten starts, end with at least two different sets of weights."
)
XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32"), np.array([0, 1, 1, 0])


def unit(features):
    """A perceptron of one unit; its threshold is the weight of an input that is always 1."""
    return kc.create_model("perceptron", input_shape=(features,), classes=1, weights=None)


def separable(draw, examples, features, margin):
    """Examples of length 1 at most, and what a direction says of them, none nearer than margin."""
    direction = draw.normal(size=features)
    direction /= np.linalg.norm(direction)
    points = draw.normal(size=(20 * examples, features))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    found = points[np.abs(points @ direction) >= margin][:examples]
    return found.astype("float32"), (found @ direction > 0).astype(int)


def learnt(x, labels, start=None, passes=1000):
    """What Rosenblatt's rule does, and the weights it ends with."""
    model = unit(x.shape[1])
    if start is not None:
        model.set_weights([start[:, None], np.zeros(1)])
    history = kc.models.fit_perceptron(model, x, labels, max_epochs=passes)
    return history, np.concatenate([each.ravel() for each in model.get_weights()])


def measure(seed, quick):
    """A row for each problem, then XOR, the orders and the starts."""
    draw, rows = np.random.default_rng(seed), []
    for features in (2, 10) if quick else (2, 10, 30):
        for margin in (0.2, 0.1, 0.05):
            x, labels = separable(draw, 200, features, margin)
            # The threshold is one more input of 1, so that the examples are a little longer.
            length = (x**2).sum(1).max() + 1
            history, _ = learnt(x, labels)
            rows.append({"kind": "separable", "features": features, "margin": margin,
                "found": int(history.corrections[0]), "bound": length / margin**2})  # fmt: skip
    history, _ = learnt(*XOR)
    rows.append({"kind": "xor", "features": 2, "found": int(history.converged)})
    x, labels = separable(draw, 50, 2, 0.1)
    orders = [draw.permutation(len(x)) for _ in range(10)]
    ends = [learnt(x[order], labels[order])[1] for order in orders]
    rows.append({"kind": "orders", "features": 2, "found": different(ends)})
    ends = [learnt(x, labels, start=draw.normal(size=2))[1] for _ in range(10)]
    rows.append({"kind": "starts", "features": 2, "found": different(ends)})
    return rows


def different(ends):
    """How many of the separating lines differ, as directions."""
    directions = np.array(ends) / np.linalg.norm(ends, axis=1, keepdims=True)
    return len(np.unique(directions.round(4), axis=0))


def judge(rows):
    """By seed: the bound, XOR, orders and starts."""
    held = []
    for _, part in rows.groupby("seed"):
        kinds = part.set_index("kind")["found"]
        bounded = part[part["kind"] == "separable"]
        held.append(
            {
                "the bound": (bounded["found"] <= bounded["bound"]).all(),
                "XOR": kinds["xor"] == 0,
                "orders and starts": min(kinds["orders"], kinds["starts"]) >= 2,
            }
        )
    most = (rows["found"] / rows["bound"]).max()
    learnt = int(rows[rows["kind"] == "xor"]["found"].sum())
    return by_seed(
        held,
        f"At most {most:.0%} of the bound was used; XOR was "
        f"{f'learnt with {learnt} seeds' if learnt else 'never learnt'}; ten orders ended with "
        f"{rows[rows['kind'] == 'orders']['found'].min():.0f} lines at least, ten starts with "
        f"{rows[rows['kind'] == 'starts']['found'].min():.0f}.",
    )


def draw(rows, axes):
    """Corrections against the bound."""
    part = rows[rows["kind"] == "separable"]
    for features, each in part.groupby("features"):
        axes.loglog(each["bound"], each["found"].clip(lower=1), "o", label=f"{features} features")
    axes.loglog(*[sorted(part["bound"])] * 2, "k--", label="the bound")
    axes.set(xlabel="M / d^2", ylabel="corrections")
    axes.legend()
