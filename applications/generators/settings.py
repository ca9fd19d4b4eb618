"""The settings of `generate.py`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras_classics as kc

flag = kc.jobs.flag
# By task: data, side of the pictures, epochs, pictures in a batch and learning rate.
DEFAULTS = {
    "gan": ("digits", 16, 60, 64, 2e-4),
    "vae": ("digits", 16, 60, 64, 1e-3),
    "style": ("scenes", 64, 4, 4, 1e-3),
    "super_resolution": ("scenes", 64, 4, 4, 1e-3),
}


@dataclasses.dataclass(kw_only=True)
class Settings(kc.jobs.Settings):
    """What is left out follows from the task."""

    task: str = flag("gan", "what is learned", choices=tuple(DEFAULTS))
    data: str | None = flag(None, "digits, scenes, npz:FILE, folder:DIR, tfds:NAME; by default "
        "digits to make, scenes to style and enlarge")  # fmt: skip
    image_size: int | None = flag(None, "side of the training pictures; 16 or 64 by default")
    latent: int = flag(32, "numbers that a picture is made of")
    filters: int = flag(32, "channels of the first maps; deeper ones have more")
    bound: str = flag("elbo", "of a VAE", choices=("elbo", "iwae"))
    samples: int = flag(1, "codes drawn for each picture of a VAE")
    smoothing: float = flag(0.1, "of the real side, for a GAN")
    style_picture: Path | None = flag(None, "whose style is learned; waves by default")
    factor: int = flag(4, "of super-resolution, 4 or 8")
    loss: str = flag("perceptual", "of super-resolution", choices=("perceptual", "pixels"))
    loss_network: Path | None = flag(None, "a .keras file of a classifier; by default one of the "
        "scenes, trained here")  # fmt: skip
    count: int = flag(64, "pictures drawn", verbs=["sample", "interpolate", "evaluate"])
    tile: int | None = flag(None, "side of what is read at once; whole pictures by default",
        verbs=["stylize", "enlarge"])  # fmt: skip
    images: list[Path] = flag(list, "files to style or enlarge; those of the test split by default",
        verbs=["stylize", "enlarge"])  # fmt: skip

    def follow(self) -> None:
        """Fill in what the task decides."""
        data, side, epochs, batch, rate = DEFAULTS[self.task]
        self.fill(data=data, image_size=side, epochs=epochs, batch_size=batch, learning_rate=rate)
