"""More samples tighten a VAE's bound, and learning by weighted samples gives a better likelihood.

Unsupervised learning, variational autoencoders and importance weights (Burda et al. 2016). Digits
of 8 x 8 pixels, black or white, are learnt by the evidence bound of one sample and by the weighted
one of 20, with the same networks, steps and rate. The likelihood of 200 digits that were not learnt
is bounded with 1, 5, 50 and 500 samples, and the numbers of the code whose mean varies over these
digits by more than 0.01 are counted. What it would cost to know only how often each pixel is white
stands beside it. The number of epochs is that of `applications/generate.py`.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Unsupervised learning"
MINUTES = 3
CRITERION = (
    "With both the mean bound rises from each number of samples to the next, and from 1 to 500 by "
    "0.5 nats or more; the bound of 500 samples lies above the digits' likelihood by single pixels "
    "by 5 nats or more; learning by the weights of 20 samples ends with a bound of 500 samples "
    "that is greater by 0.2 nats or more, and with no fewer active numbers in the code."
)
SAMPLES = (1, 5, 50, 500)
SHAPE, LATENT = (8, 8, 1), 16
TRAINED = {"elbo": 1, "iwae": 20}


def digits(seed, split):
    """Digits in black and white."""
    part = kc.data.collect(getattr(kc.data.load("digits", seed=seed), split), "label")
    return (part.images[..., :1] > 127).astype("float32")


def by_pixels(train, new):
    """Nats a digit when pixels are white by their share in training, each by itself."""
    share = (train.sum(0) + 1) / (len(train) + 2)
    return float((new * np.log(share) + (1 - new) * np.log(1 - share)).sum((1, 2, 3)).mean())


def measure(seed, quick):
    """A row for each bound that was learnt by and number of samples."""
    train, new = digits(seed, "train"), digits(seed, "test")[: 10 if quick else 200]
    rows = [{"learnt by": "pixels", "samples": 0, "bound": by_pixels(train, new)}]
    for bound, samples in TRAINED.items():
        keras.utils.set_random_seed(seed)
        form = {"latent": LATENT, "units": (100, 100)}
        trainer = kc.training.VAETrainer(
            kc.models.vae_encoder(SHAPE, **form), kc.models.vae_decoder(SHAPE, **form),
            bound=bound, samples=samples, seed=seed,
        )  # fmt: skip
        trainer.compile(keras.optimizers.Adam(1e-3))
        trainer.fit(train, batch_size=32, epochs=1 if quick else 60, verbose=0)
        means = keras.ops.convert_to_numpy(trainer(new)["mean"])
        for count in SAMPLES[:2] if quick else SAMPLES:
            found = trainer.importance_bound(new, samples=count, seed=seed)
            rows.append({"learnt by": bound, "samples": count, "bound": float(found.mean()),
                "active": int((means.var(0) > 0.01).sum())})  # fmt: skip
    return rows


def judge(rows):
    """By seed: bounds by number of samples, and those of both ways to learn."""
    held = []
    most = rows["samples"].max()
    for _, part in rows.groupby("seed"):
        table = part.pivot_table(index="samples", columns="learnt by", values="bound")
        bounds, pixels = table[list(TRAINED)].dropna(), table["pixels"].max()
        active = part.groupby("learnt by")["active"].max()
        held.append(
            {
                "more samples tighten": (np.diff(bounds, axis=0) > 0).all(),
                "by half a nat": (bounds.iloc[-1] - bounds.iloc[0] >= 0.5).all(),
                "against pixels": (bounds.iloc[-1] - pixels >= 5).all(),
                "weighted samples": bounds["iwae"][most] - bounds["elbo"][most] >= 0.2,
                "active numbers": active["iwae"] >= active["elbo"],
            }
        )
    mean = rows.groupby(["learnt by", "samples"])[["bound", "active"]].mean()
    told = "; ".join(
        f"learnt by {name}, {mean['bound'][name, 1]:.2f} with 1 sample and "
        f"{mean['bound'][name, most]:.2f} with {most}, {mean['active'][name, 1]:.1f} active"
        for name in TRAINED
    )
    return by_seed(held, f"Nats a new digit: {told}; by pixels {mean['bound']['pixels', 0]:.2f}.")


def draw(rows, axes):
    """Bounds by the number of samples."""
    for name in TRAINED:
        for seed, part in rows[rows["learnt by"] == name].groupby("seed"):
            label = {"elbo": "learnt by one sample", "iwae": "learnt by 20, weighted"}[name]
            axes.semilogx(part["samples"], part["bound"], "o-" if name == "iwae" else "s--",
                color=f"C{seed}", label=f"{label}, seed {seed}")  # fmt: skip
    axes.set(xlabel="samples of the bound", ylabel="nats a digit")
    axes.legend(fontsize=7)
