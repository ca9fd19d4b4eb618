"""A kernel does at once what no line does; learned features find what matters among much else.

Feed-forward networks, kernels and hidden units as features. Whether two of the inputs have the same
sign is learnt from 1,000 examples, first with these inputs alone and then among 20 more that mean
nothing: by a perceptron, by one in the space of a Gaussian (its width the best of four on other
examples) or of products of two inputs, which somebody has to think of, and by 64 hidden ReLUs.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Feed-forward networks"
MINUTES = 2
CRITERION = (
    "On 2,000 new examples the line is never right in more than 65 %; with two inputs the Gaussian "
    "kernel and the learned features are in 95 % or more; with 20 more the learned features are in "
    "90 % or more, the products too, but the Gaussian kernel at most in 80 %."
)
FURTHER = (
    "Only the bound on the Gaussian kernel failed: among 20 other inputs it is right in 89 %. "
    "Among 40 it is in 74 to 76 %, the products in 75 to 78 %, and the learned features in 97 %; "
    "among 80 in 59 to 60 %, 64 to 65 % and 90 to 91 %. So the claim comes true with more inputs "
    "than were asked for, and then the products, which were the right thought with few, fail as "
    "well."
)
WIDTHS = (0.3, 1.0, 3.0, 10.0)


def examples(draw, count, extra):
    """Inputs between -1 and 1, and whether the first two have one sign, none too near to change."""
    x = draw.uniform(-1, 1, (4 * count, 2 + extra))
    x = x[np.abs(x[:, 0] * x[:, 1]) > 0.05][:count]
    return x.astype("float32"), (x[:, 0] * x[:, 1] > 0).astype(int)


def right(model, x, labels):
    """Share of the examples on the right side of zero."""
    return float(((model.predict(x, verbose=0)[:, 0] > 0) == labels).mean())


def line(x, labels):
    """Rosenblatt's perceptron, as good as it was at the end of any pass."""
    model = kc.create_model(
        "perceptron", input_shape=x.shape[1:], classes=1, classifier_activation=None, weights=None
    )
    kc.models.fit_perceptron(model, x, labels, max_epochs=20, pocket=True)
    return model


def kernel(x, labels, kind, **settings):
    """A perceptron in the space of a kernel."""
    model = kc.models.kernel_perceptron(x, kernel=kind, **settings)
    kc.models.fit_kernel_perceptron(model, labels, max_epochs=30)
    return model


def learned(x, labels, epochs):
    """A hidden layer by gradient descent."""
    model = kc.create_model(
        "mlp_mnist", input_shape=x.shape[1:], units=(64,), classes=1, classifier_activation=None,
        weights=None,
    )  # fmt: skip
    rate = keras.optimizers.schedules.CosineDecay(0.01, epochs * -(-len(x) // 32))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=0.1), loss)
    model.fit(x, labels[:, None], batch_size=32, epochs=epochs, verbose=0)
    return model


def measure(seed, quick):
    """A row for each learner and number of other inputs."""
    draw, rows = np.random.default_rng(seed), []
    for extra in (0, 20):
        train = examples(draw, 200 if quick else 1000, extra)
        other, test = examples(draw, 1000, extra), examples(draw, 2000, extra)
        gaussians = [kernel(*train, "gaussian", width=width) for width in WIDTHS]
        found = {
            "line": line(*train),
            "gaussian": max(gaussians, key=lambda model: right(model, *other)),
            "products": kernel(*train, "polynomial", degree=2),
            "learned": learned(*train, 2 if quick else 100),
        }
        rows += [
            {"learner": name, "other inputs": extra, "right": right(model, *test),
            "numbers kept": model.count_params()} for name, model in found.items()
        ]  # fmt: skip
    return rows


def judge(rows):
    """By seed: each of the sentences."""
    held = []
    for _, part in rows.groupby("seed"):
        share = part.set_index(["learner", "other inputs"])["right"]
        held.append(
            {
                "the line": share["line"].max() <= 0.65,
                "the kernel and the features alone": min(share["gaussian", 0], share["learned", 0])
                >= 0.95,
                "the features and the products among others": min(
                    share["learned", 20], share["products", 20]
                )
                >= 0.9,
                "the bound on the kernel among others": share["gaussian", 20] <= 0.8,
            }
        )
    mean = rows.groupby(["learner", "other inputs"])["right"].mean()
    told = ", ".join(
        f"{name} {mean[name, 0]:.1%} and {mean[name, 20]:.1%}" for name in mean.index.levels[0]
    )
    return by_seed(held, f"Right alone and among 20 others: {told}.")


def draw(rows, axes):
    """Shares right, side by side."""
    mean = rows.groupby(["learner", "other inputs"])["right"].mean().unstack()
    mean.plot.bar(ax=axes, rot=0)
    axes.axhline(0.5, color="k", linestyle=":")
    axes.set(ylabel="right of new examples", xlabel="")
