"""Each at its own best rate, every method that remembers gradients outruns plain descent.

Feed-forward networks, optimization: momentum, Nesterov, Adagrad, Adadelta, RMSprop and Adam
against stochastic gradient descent. All start from the same weights and see the same batches of
digits; each has the rate, of a grid of five a factor of about 3 apart, with which it itself ends
lowest. Where each grid begins was found with another seed.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Feed-forward networks"
MINUTES = 2
CRITERION = (
    "After 3 epochs each of the six has a lower loss on the training digits than plain descent, "
    "and no best rate lies at an end of its grid, so that none was kept from a better one."
)
METHODS = {
    "SGD": keras.optimizers.SGD,
    "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
    "Nesterov": lambda rate: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
    "Adagrad": keras.optimizers.Adagrad,
    "Adadelta": keras.optimizers.Adadelta,
    "RMSprop": keras.optimizers.RMSprop,
    "Adam": keras.optimizers.Adam,
}
FIRST_RATE = {"SGD": 0.03, "momentum": 0.01, "Nesterov": 0.01, "Adagrad": 0.01, "Adadelta": 1.0,
    "RMSprop": 0.0003, "Adam": 0.001}  # fmt: skip
FACTORS = (1, 3, 10, 30, 100)


def raced(method, rates, start, batches, x, y):
    """The loss after all batches, for each rate; the network is compiled once."""
    model = kc.create_model("mlp_mnist", input_shape=(64,), units=(64, 64), weights=None)
    optimizer = METHODS[method](rates[0])
    model.compile(optimizer, "sparse_categorical_crossentropy")
    optimizer.build(model.trainable_variables)
    fresh = [np.array(variable) for variable in optimizer.variables]
    losses = []
    for rate in rates:
        model.set_weights(start)
        for variable, value in zip(optimizer.variables, fresh, strict=True):
            variable.assign(value)
        optimizer.learning_rate = rate
        model.fit(x[batches], y[batches], batch_size=32, shuffle=False, verbose=0)
        losses.append(model.evaluate(x, y, batch_size=len(x), verbose=0))
    return np.nan_to_num(losses, nan=np.inf)


def measure(seed, quick):
    """A row for each method and rate."""
    data = kc.data.load("digits", seed=seed)
    examples = data.train[:320] if quick else data.train
    x = np.stack([each.image[..., 0].ravel() for each in examples]) / 255
    y = np.array([each.label for each in examples])
    order = np.random.default_rng(seed)
    batches = np.concatenate([order.permutation(len(x)) for _ in range(1 if quick else 3)])
    start = kc.create_model(
        "mlp_mnist", input_shape=(64,), units=(64, 64), weights=None
    ).get_weights()
    rows = []
    for method, first in FIRST_RATE.items():
        rates = [first * factor for factor in FACTORS]
        losses = raced(method, rates, start, batches, x, y)
        rows += [
            {"method": method, "rate": rate, "loss": min(loss, 1e3)}
            for rate, loss in zip(rates, losses, strict=True)
        ]
    return rows


def best(part):
    """Of each method the lowest loss, and whether its rate is inside the grid."""
    found = {}
    for method, each in part.groupby("method"):
        row = each.loc[each["loss"].idxmin()]
        found[method] = row["loss"], each["rate"].min() < row["rate"] < each["rate"].max()
    return found


def judge(rows):
    """By seed: all six below plain descent, all rates inside."""
    seeds = [best(part) for _, part in rows.groupby("seed")]
    held = [
        {
            "rates inside the grid": all(inside for _, inside in found.values()),
            "before plain descent": all(
                loss < found["SGD"][0] for name, (loss, _) in found.items() if name != "SGD"
            ),
        }
        for found in seeds
    ]
    mean = {name: np.mean([found[name][0] for found in seeds]) for name in FIRST_RATE}
    edge = sorted({name for found in seeds for name, (_, inside) in found.items() if not inside})
    told = ", ".join(f"{name} {mean[name]:.3f}" for name in sorted(mean, key=mean.get))
    return by_seed(
        held, f"Losses: {told}." + (f" Best at an end of the grid: {', '.join(edge)}." * bool(edge))
    )


def draw(rows, axes):
    """Loss by rate."""
    mean = rows.groupby(["method", "rate"])["loss"].mean()
    for method in FIRST_RATE:
        axes.loglog(mean[method].index, mean[method].clip(upper=3), "o-", label=method)
    axes.set(xlabel="rate", ylabel="loss after 3 epochs")
    axes.legend(fontsize=7)
