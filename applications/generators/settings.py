"""The settings of `generate.py`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras_classics as kc
from explainers.flags import PIXELS

flag = kc.jobs.flag
# By task: data, side of the pictures, epochs, pictures in a batch and learning rate.
DEFAULTS = {
    "gan": ("digits", 16, 60, 64, 2e-4),
    "vae": ("digits", 16, 60, 64, 1e-3),
    "style": ("scenes", 64, 5, 8, 1e-3),
    "super_resolution": ("scenes", 64, 5, 8, 4e-4),
}
# What has a meaning for some tasks alone, and of it what needs more.
CODED, STYLED = {"task": ["gan", "vae"]}, {"task": ["style"]}
ENLARGED = {"task": ["super_resolution"]}
SEEN = {"task": ["style", "super_resolution"]}
NAMED, JUDGED = {**SEEN, "loss_network": []}, {**ENLARGED, "judge_network": []}
# Scenes with more to see than one thing before a plain ground.
CROWDED = {"train": 1600, "validation": 100, "test": 100, "objects": (2, 5), "clutter": 0.8}


@dataclasses.dataclass(kw_only=True)
class Settings(kc.jobs.Settings):
    """What is left out follows from the task."""

    task: str | None = flag(None, "what is learned; gan by default", choices=tuple(DEFAULTS))
    data: str | None = flag(None, "digits, scenes, npz:FILE, folder:DIR, captions:FOLDER, "
        "tfds:NAME; by default digits to make, scenes to style and enlarge")  # fmt: skip
    image_size: int | None = flag(None, "side that training pictures are made to, whatever their "
        "form; 16 or 64 by default")  # fmt: skip
    latent: int = flag(32, "numbers that a picture is made of", when=CODED)
    filters: int = flag(32, "channels of the first maps; deeper ones have more")
    bound: str = flag("elbo", "that is learned by", choices=("elbo", "iwae"),
        when={"task": ["vae"]})  # fmt: skip
    samples: int = flag(1, "codes drawn for each picture", when={"task": ["vae"]})
    smoothing: float = flag(0.1, "of the labels of real pictures", when={"task": ["gan"]})
    style_picture: Path | None = flag(None, "whose style is learned; waves by default",
        when=STYLED)  # fmt: skip
    style_weight: float = flag(5.0, "of style, against that of content; both are measured in what "
        "untouched pictures have", when=STYLED)  # fmt: skip
    variation_weight: float = flag(0.01, "likewise, of what neighbouring pixels differ by",
        when=STYLED)  # fmt: skip
    pixel_weight: float = flag(0.1, "of pixels, beside what the loss network sees, to enlarge by",
        when={**ENLARGED, "loss": ["perceptual"]})  # fmt: skip
    factor: int = flag(4, "how many times larger, 4 or 8", when=ENLARGED)
    loss: str = flag("perceptual", "to enlarge by", choices=("perceptual", "pixels"), when=ENLARGED)
    loss_network: str | None = flag(None, "what sees the pictures: a name of keras-classics list, "
        "or a .keras file; by default a classifier of the training pictures, trained here",
        when=SEEN)  # fmt: skip
    loss_weights: str = flag("imagenet", "of a --loss-network by name: imagenet, or a file (.pth, "
        ".safetensors, .npz, .h5, .keras)", when=NAMED)  # fmt: skip
    loss_pixels: str | None = flag(None, "what the --loss-network was trained to see, where its "
        "weights are not published ones", choices=PIXELS, when=NAMED)  # fmt: skip
    start_from: Path | None = flag(None, "folder of a finished run to style or enlarge, whose "
        "weights it goes on from: perceptual from pixels, x8 from x4, another style",
        when=SEEN)  # fmt: skip
    judge_network: str | None = flag(None, "another network, by whose content enlarged pictures "
        "are judged", verbs=["evaluate"], when=ENLARGED)  # fmt: skip
    judge_weights: str = flag("imagenet", "likewise", verbs=["evaluate"], when=JUDGED)
    judge_pixels: str | None = flag(None, "likewise", verbs=["evaluate"], when=JUDGED,
        choices=PIXELS)  # fmt: skip
    beside: list[Path] = flag(list, "folders of other runs to compare with: a VAE beside a GAN, "
        "pixels beside perceptual", verbs=["evaluate", "enlarge"],
        when={"task": ["gan", "vae", "super_resolution"]})  # fmt: skip
    gatys: int = flag(500, "steps of descent on the pixels, to compare a style network with; 0 "
        "for none", verbs=["evaluate"], when=STYLED)  # fmt: skip
    count: int = flag(64, "pictures drawn", verbs=["sample", "interpolate"])
    seed: int = flag(0, "of weights, orders, made data, and what is drawn",
        verbs=["train", "sample", "interpolate"])  # fmt: skip
    tile: int | None = flag(None, "side of what is read at once; whole pictures by default",
        verbs=["stylize", "enlarge"])  # fmt: skip
    network: Path | None = flag(None, "in the place of a run's: a .keras file, or the folder of an "
        "export", verbs=["stylize", "enlarge"], when=SEEN)  # fmt: skip
    images: list[Path] = flag(list, "files to style or enlarge; those of the test split by default",
        verbs=["stylize", "enlarge"])  # fmt: skip

    def follow(self) -> None:
        """Fill in what the task decides."""
        self.fill(task="gan" if self.network is None else "style")
        data, side, epochs, batch, rate = DEFAULTS[self.task]
        if (self.data or data) == "scenes":
            self.fill(data_options=CROWDED)
        self.fill(data=data, image_size=side, epochs=epochs, batch_size=batch, learning_rate=rate)
