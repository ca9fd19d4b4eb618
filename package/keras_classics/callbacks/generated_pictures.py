"""What a generator makes of the same numbers as training goes on, and a word where it collapses."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from keras_classics.analysis.drawing.pages import draw_tiles
from keras_classics.callbacks.picture_callback import PictureCallback, finite
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_positive, check_whole, shown
from keras_classics.core.types import Whole

# Figure of the history, what is too little of it, what that means, and what else may help.
SIGNS = {
    "diversity": (0.2, "made pictures hardly differ from one another", ""),
    "kl": (
        0.5,
        "codes say next to nothing of the pictures",
        ", or give a smaller deviation where the likelihood is Gaussian",
    ),
}


class Generated(PictureCallback):
    """A grid of pictures made of the same numbers, as training goes on.

    Args:
        folder: As for `kc.callbacks.PictureCallback`.
        pictures: How many.
        seed: Of what they are made of.
        bounds: What is drawn black and what white, the same on every page; by default the
            `picture_range` of the model, or 0 and 1 where it has none.
        **arguments: `every_epochs`, `every_steps`, `tensorboard`, `model`; the model, the trained
            one by default, has `latents` and `generate`, as `kc.training.GANTrainer` and
            `kc.training.VAETrainer` do.

    Raises:
        InputError: See there; or, as training begins, the model makes no pictures of numbers.

    Example:
        ```python
        trainer = kc.training.GANTrainer(
            kc.models.gan_generator((4, 4, 1), units=(8,)),
            kc.models.gan_discriminator((4, 4, 1), units=(8,)),
        )
        trainer.compile()
        pictures = np.zeros((8, 4, 4, 1), "float32")
        trainer.fit(pictures, verbose=0, callbacks=[kc.callbacks.Generated("grid", pictures=4)])
        ```
    """

    kind = "generated"

    @checked
    def __init__(
        self,
        folder: str | os.PathLike,
        *,
        pictures: Whole = 36,
        seed: int = 0,
        bounds: Sequence[float] | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(folder, **arguments)
        self.pictures = check_whole("pictures", pictures)
        self.seed = check_whole("seed", seed, 0)
        if bounds is not None and not (len(bounds) == 2 and bounds[0] < bounds[1]):
            raise InputError(
                f"bounds={shown(bounds)} was given",
                "two numbers, the lower first",
                "Give bounds=(0, 1), or leave it out for what the model says of itself.",
            )
        self.bounds = None if bounds is None else tuple(bounds)

    def prepare(self) -> None:
        """Draw what they are made of."""
        missing = [x for x in ("latents", "generate") if not hasattr(self.explained, x)]
        if missing:
            raise InputError(
                f"{self.explained.name!r} was given, which has no {' and no '.join(missing)}",
                "models that make pictures of numbers",
                "Give kc.callbacks.Generated(folder, model=trainer) a kc.training.GANTrainer or "
                "kc.training.VAETrainer, or leave it out.",
            )
        self.latents = self.explained.latents(self.pictures, seed=self.seed)

    def draw(self, path: Path, when: str) -> None:
        """Write one page."""
        known = self.bounds or getattr(self.explained, "picture_range", None)
        least, most = known or (0.0, 1.0)
        made = (finite(self.explained.generate(self.latents)) - least) / (most - least)
        columns = max(1, round(self.pictures**0.5))
        draw_tiles(path, list(made.clip(0, 1)), columns=columns, heading=f"Generated, {when}")


class WarnOfCollapse(keras.callbacks.Callback):
    """Warns once where a generator makes one picture, or a code says nothing of what it codes.

    It looks at the history: at `diversity` of a `kc.training.GANTrainer`, and at `kl` of a
    `kc.training.VAETrainer`.

    Args:
        patience: After how many epochs in a row below the bound.
        diversity: Its least admitted value, in parts of that of real pictures.
        kl: Its least admitted value, in nats.

    Example:
        ```python
        trainer = kc.training.VAETrainer(
            kc.models.vae_encoder((4, 4, 1), latent=2, units=(8,)),
            kc.models.vae_decoder((4, 4, 1), latent=2, units=(8,)),
        )
        trainer.compile("adam")
        pictures = np.zeros((8, 4, 4, 1), "float32")
        trainer.fit(pictures, verbose=0, callbacks=[kc.callbacks.WarnOfCollapse(patience=1)])
        ```
    """

    @checked
    def __init__(
        self,
        *,
        patience: Whole = 2,
        diversity: float = SIGNS["diversity"][0],
        kl: float = SIGNS["kl"][0],
    ) -> None:
        super().__init__()
        self.patience = check_whole("patience", patience)
        self.least = {
            "diversity": check_positive("diversity", diversity),
            "kl": check_positive("kl", kl),
        }

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin to count."""
        self.low = dict.fromkeys(self.least, 0)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Count the epochs below the bound, and say it at the one that is too many."""
        for name, least in self.least.items():
            value = (logs or {}).get(name)
            if value is None:
                continue
            self.low[name] = self.low[name] + 1 if value < least else 0
            if self.low[name] == self.patience:
                warnings.warn(
                    f"Collapse: {SIGNS[name][1]} ({name} {value:.3g}, below {least:g}, for "
                    f"{self.patience} epochs). Lower the learning rate, or begin with another "
                    f"seed{SIGNS[name][2]}.",
                    stacklevel=2,
                )
