"""What a recipe is: how a paper trained its network, as facts; `training.recipes` compiles by it.

A family's file has its paper's recipe beside its table; `kc.card(name).recipes["paper"]` shows it.
Figures are the paper's, in the paper's units: a training of another length keeps the shape of the
schedule, pictures of another size keep the proportions of the crops.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice


@dataclass(frozen=True)
class Step:
    """A named step on pictures with its arguments; `step("pad_crop", padding=4)` makes one."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return _call(self.name, self.arguments)


@checked
def step(name: str, **arguments: Any) -> Step:
    """Name a step of augmentation or a normalisation, as `data/pictures/augmenting` knows them."""
    return Step(name, arguments)


# What most papers do on CIFAR (He et al. 2016) and did on ImageNet (Krizhevsky et al. 2012).
SHIFT_AND_MIRROR = (step("pad_crop", padding=4), step("flip"))
CROP_AND_MIRROR = (step("random_crop"), step("flip"))


@dataclass(frozen=True)
class Drops:
    """The rate is multiplied at certain times.

    Attributes:
        at: When, in the unit of the recipe's length.
        factor: By how much, one for all or one for each.
    """

    at: tuple[float, ...]
    factor: float | tuple[float, ...] = 0.1

    @property
    def factors(self) -> tuple[float, ...]:
        """The factor of each drop."""
        return self.factor if isinstance(self.factor, tuple) else (self.factor,) * len(self.at)


@dataclass(frozen=True)
class Cosine:
    """The rate falls to zero along half a cosine, after a linear rise over a share of training."""

    warmup: float = 0.0


@dataclass(frozen=True)
class Linear:
    """The rate falls along a line to a share of the first rate."""

    end: float = 0.0


@dataclass(frozen=True)
class Exponential:
    """The rate is multiplied by `factor` once in every `every`, in the unit of the length."""

    factor: float
    every: float


Schedule = Drops | Cosine | Linear | Exponential


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train a classifier.

    Attributes:
        learning_rate: The first rate.
        batch_size: Pictures in a batch.
        epochs: Length of the training, or
        iterations: its length in batches.
        schedule: How the rate changes; None for not at all.
        optimizer: Class in `keras.optimizers`.
        options: Further arguments of the optimizer.
        weight_decay: The paper's lambda: a step takes `rate * weight_decay * weight` off a weight.
        decayed: `"kernels"`, weights of two and more axes, or `"all"`: biases and the scales of
            normalisation too.
        label_smoothing: Share of a target that is spread over all classes.
        loss_weights: Weight of the loss at each output.
        resize: Shorter side the pictures are resized to before steps crop them, at the card's
            native input; smaller than that input, pictures are padded with black. None for the
            input's own size.
        augmentation: Steps a training picture goes through.
        normalization: How pixels of 0 to 255 become what the network takes.
        test_crops: 1, the centre, or 10: corners and centre, each also mirrored, averaged.
        builder: Arguments of the builder.
        note: What of the paper's training this does not do, or where it guesses.

    Raises:
        InputError: Not exactly one of the two lengths, or a value that is none of the admitted.
    """

    learning_rate: float
    batch_size: int
    epochs: int | None = None
    iterations: int | None = None
    schedule: Schedule | None = None
    optimizer: str = "SGD"
    options: Mapping[str, Any] = field(default_factory=lambda: {"momentum": 0.9})
    weight_decay: float = 0.0
    decayed: str = "kernels"
    label_smoothing: float = 0.0
    loss_weights: tuple[float, ...] = (1.0,)
    resize: int | None = None
    augmentation: tuple[Step, ...] = ()
    normalization: Step = Step("per_channel_mean")
    test_crops: int = 1
    builder: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.iterations is None):
            raise InputError(
                f"epochs={self.epochs} and iterations={self.iterations} were given",
                "one of them",
                "Give the length in the paper's unit.",
            )
        check_choice("decayed", self.decayed, ("kernels", "all"))
        check_choice("test_crops", self.test_crops, (1, 10))

    @property
    def length(self) -> int:
        """Length in the recipe's own unit."""
        # One of the two is given.
        return self.epochs or self.iterations or 0

    @checked
    def epochs_of(self, steps_per_epoch: int) -> int:
        """The length in epochs of so many batches."""
        return self.epochs or -(-self.length // steps_per_epoch)

    def __str__(self) -> str:
        return self.told()

    @checked
    def told(self, epochs: int | None = None) -> str:
        """Say the recipe in one sentence.

        Args:
            epochs: Length of a training by it; the recipe's own, by which its schedule counts, is
                told beside another.
        """
        unit = "epochs" if self.epochs else "iterations"
        length = f"{self.length:,} {unit}"
        if epochs not in (None, self.epochs):
            length = f"{epochs:,} epochs (the recipe's: {length})"
        parts = [
            _call(self.optimizer, self.options),
            f"rate {self.learning_rate:g}",
            *([str(self.schedule)] if self.schedule else []),
            f"{length} of batches of {self.batch_size}",
        ]
        if self.weight_decay:
            parts.append(f"weight decay {self.weight_decay:g} on {self.decayed}")
        if self.label_smoothing:
            parts.append(f"label smoothing {self.label_smoothing:g}")
        if len(self.loss_weights) > 1:
            parts.append(f"loss weights {self.loss_weights}")
        if self.resize:
            parts.append(f"resize {self.resize}")
        parts += [*map(str, self.augmentation), str(self.normalization)]
        if self.test_crops > 1:
            parts.append(f"{self.test_crops} crops in tests")
        if self.builder:
            parts.append(_call("built with", self.builder))
        return "; ".join([*parts, *([self.note] if self.note else [])])


def _call(name: str, arguments: Mapping[str, Any]) -> str:
    given = ", ".join(f"{key}={value}" for key, value in arguments.items())
    return f"{name}({given})" if given else name
