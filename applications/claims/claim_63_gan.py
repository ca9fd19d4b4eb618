"""A GAN's samples look like what it learnt from, of every kind, and are no copies of it.

Unsupervised learning, adversarial nets (Goodfellow et al. 2014). A DCGAN learns scanned digits of
16 x 16 pixels with the settings of `applications/generate.py`, and makes 1,000. A classifier of the
digits learnt from judges them, by how far its features of them are from those of other true digits
(FID in its own features) and by what it calls them. Beside them stand those of the network before
training, and of a Gaussian with the mean and covariance of the pixels learnt from. How near a
sample lies to the nearest digit learnt from is compared with how near true digits do that were not
learnt.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Unsupervised learning"
MINUTES = 2
CRITERION = (
    "The FID of the samples is at most a tenth of that of the untrained network's and below that "
    "of the Gaussian's; each of the ten digits is a hundredth of the samples or more; and the "
    "median distance of a sample to the nearest digit learnt from is at least 0.75 times that of "
    "true digits which were not learnt."
)
SIDE, LATENT, SAMPLES, SHOWN = 16, 32, 1000, 8


def digits(data, split):
    """Pictures between -1 and 1, and their classes."""
    part = kc.data.collect(getattr(data, split), "label")
    return part.images[..., :1].astype("float32") / 127.5 - 1, np.array(part.labels)


def classifier(x, y, epochs):
    """A classifier of digits, right of about 97 % of others."""
    picture = keras.Input(x.shape[1:])
    made = picture
    for filters in (16, 32):
        made = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(made)
        made = keras.layers.MaxPooling2D()(made)
    made = keras.layers.Dense(64, "relu", name="features")(keras.layers.Flatten()(made))
    model = keras.Model(picture, keras.layers.Dense(10, "softmax")(made))
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=32, epochs=epochs, verbose=0)
    return model


def adversaries(seed):
    """A fresh pair of networks."""
    shape = (SIDE, SIDE, 1)
    return kc.training.GANTrainer(
        kc.models.dcgan_generator(shape, latent=LATENT, filters=32),
        kc.models.dcgan_discriminator(shape, filters=32),
        smoothing=0.1, seed=seed,
    )  # fmt: skip


def by_pixels(x, count, draw):
    """Pictures drawn from a Gaussian of the pixels, cut to what pixels can be."""
    flat = x.reshape(len(x), -1).astype("float64")
    # Pixels at the edges never vary: no inverse of the covariance is wanted.
    made = draw.multivariate_normal(flat.mean(0), np.cov(flat.T), count, "ignore", method="eigh")
    return made.reshape(count, *x.shape[1:]).clip(-1, 1).astype("float32")


def nearest(pictures, x):
    """The distance of each picture to the nearest of others."""
    one, other = pictures.reshape(len(pictures), -1), x.reshape(len(x), -1)
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * one @ other.T
    return np.sqrt(squares.min(1).clip(0))


def measure(seed, quick):
    """A row for each kind of pictures."""
    draw = np.random.default_rng(seed)
    data = kc.data.load("digits", seed=seed, image_size=SIDE)
    (x, y), (new, labels) = digits(data, "train"), digits(data, "test")
    count = 100 if quick else SAMPLES
    seeing = classifier(x, y, 1 if quick else 15)
    features = keras.Model(seeing.input, seeing.get_layer("features").output)
    trainer = adversaries(seed)
    made = {"untrained": trainer.generate(count, seed=seed)}
    trainer.compile()
    trainer.fit(x[:128] if quick else x, batch_size=64, epochs=1 if quick else 60, verbose=0)
    made |= {"GAN": trainer.generate(count, seed=seed), "Gaussian": by_pixels(x, count, draw),
        "true, not learnt": new}  # fmt: skip
    rows = []
    for name, pictures in made.items():
        # True digits are compared with one another: one half with the other.
        real, judged = (new[::2], new[1::2]) if name.startswith("true") else (new, pictures)
        distance = kc.training.FrechetDistance(features)
        distance.update_state(real, judged)
        called = np.bincount(seeing.predict(pictures, verbose=0).argmax(1), minlength=10)
        rows.append({"pictures": name, "FID": float(distance.result()),
            "least of a digit": float(called.min() / len(pictures)),
            "nearest": float(np.median(nearest(pictures, x)))})  # fmt: skip
    right = float((seeing.predict(new, verbose=0).argmax(1) == labels).mean())
    rows = [{**row, "judge right": right} for row in rows]
    # To be drawn, for the first seed: sixteen greys of each pixel, as letters.
    for name, pictures in made.items() if seed == 0 else ():
        for greys in (97.5 + 7.5 * (pictures[:SHOWN] + 1)).astype("uint8"):
            rows.append({"pictures": name, "pixels": greys.tobytes().decode()})
    return rows


def judge(rows):
    """By seed: distances, kinds and copies."""
    held = []
    for _, part in rows[rows["FID"].notna()].groupby("seed"):
        table = part.set_index("pictures")
        distance, near = table["FID"], table["nearest"]
        held.append(
            {
                "FID against untrained": distance["GAN"] <= 0.1 * distance["untrained"],
                "FID against the Gaussian": distance["GAN"] < distance["Gaussian"],
                "every digit": table["least of a digit"]["GAN"] >= 0.01,
                "no copies": near["GAN"] >= 0.75 * near["true, not learnt"],
            }
        )
    mean = rows.groupby("pictures").mean(numeric_only=True)
    told = ", ".join(f"{name} {each['FID']:.1f}" for name, each in mean.iterrows())
    return by_seed(
        held,
        f"FID in the features of a classifier that reads {mean['judge right'].iloc[0]:.1%} of true "
        f"digits right: "
        f"{told}. The rarest digit is {mean['least of a digit']['GAN']:.1%} of the GAN's samples; "
        f"to the nearest digit learnt from a sample has {mean['nearest']['GAN']:.2f}, a true one "
        f"{mean['nearest']['true, not learnt']:.2f}.",
    )


def draw(rows, axes):
    """Pictures of the first seed, and the distances of all seeds."""
    wall, names = [], []
    for name, part in rows.groupby("pictures", sort=False):
        shown = [np.frombuffer(text.encode(), "uint8") for text in part["pixels"].dropna()]
        # A light edge keeps neighbours apart.
        tiles = [np.pad(x.reshape(SIDE, SIDE), 1, constant_values=112) for x in shown]
        wall.append(np.hstack(tiles))
        names.append(f"{name}\nFID {', '.join(f'{each:.1f}' for each in part['FID'].dropna())}")
    axes.imshow(np.vstack(wall), "gray", interpolation="nearest")
    places = np.arange(len(names)) * (SIDE + 2) + SIDE / 2 + 0.5
    axes.set(xticks=[], yticks=places, yticklabels=names)
