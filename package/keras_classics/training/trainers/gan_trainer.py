"""Adversarial nets: a generator learns to make what a discriminator cannot tell from the real.

Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville, Bengio, "Generative
adversarial nets", NIPS 2014. Salimans, Goodfellow, Zaremba, Cheung, Radford, Chen, "Improved
techniques for training GANs", NIPS 2016 (smoothing of one side).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_rate, check_whole
from keras_classics.core.graphs.model_ends import bounds_of, check_logits
from keras_classics.core.picture_values import value_range
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Name, Optimizer, Tensor, Whole
from keras_classics.training.divided_optimizer import DividedOptimizer
from keras_classics.training.trainers.generating import (
    PictureTrainer,
    made_of,
    refuse_weights,
    track,
)
from keras_classics.training.trainers.nested_networks import as_config, check_network, with_networks

LOSSES = ("non_saturating", "minimax")
LATENTS = ("uniform", "normal")
# What brings pictures to the range of a generator.
BRINGING = {
    (-1.0, 1.0): "those of 0 to 255 there: pictures / 127.5 - 1",
    (0.0, 1.0): "those of 0 to 255 there: pictures / 255; those of -1 to 1: (pictures + 1) / 2",
}
# What resizing may overshoot by, in parts of the range.
OVERSHOOT = 0.25


@registered
class GANTrainer(PictureTrainer):
    """A generator and a discriminator that `fit` trains against each other.

    With D the probability that the discriminator gives, it descends
    `-log D(real) - log(1 - D(made))`, real and made pictures in batches of their own, so that
    batch normalisation does not tell them apart by their company; the generator descends
    `-log D(made)`, or `log(1 - D(made))`, in which the discriminator stands still. Both move at
    once, by the gradients of one point and one batch of made pictures, where the paper's algorithm
    moves one after the other.

    It is trained with all arguments of `fit` or by `kc.training.fit`, resumed, saved and loaded
    like any other model; called, it gives the discriminator's logits. The two networks are models
    of their own, to be saved and exported: `trainer.generator.save(path)`.

    The history has `discriminator_loss` and `generator_loss`, whose sum is `loss`; `real_score` and
    `made_score`, the mean D of both; and `diversity`: how much made pictures differ within a batch,
    the deviation of a pixel over it, in parts of how much real ones do. At 0 all are one picture;
    `kc.callbacks.WarnOfCollapse` says so. Batches of one real picture, or of one many times, say
    nothing of it; where there are no others, it is no number. Labels are not used.

    Args:
        generator: A model from `(batch, latent)` to pictures.
        discriminator: A model from pictures of that shape to logits `(batch, 1)`.
        loss: Of the generator: `"non_saturating"`, or `"minimax"`, whose gradient vanishes where
            the discriminator is right.
        smoothing: What real pictures' probability of 1 is lowered by in the discriminator's
            loss; that of made ones stays 0. From 0 to below 1; 0.1 with Salimans et al.
        latent: What pictures are made of: `"uniform"` between -1 and 1, or `"normal"`.
        seed: Of what is drawn in training. Where it has got to is in the checkpoints of
            `kc.training.fit`.
        name: Name of the model.

    Raises:
        InputError: The networks do not fit each other, the discriminator ends in an activation, or
            an argument is not admitted; out of `fit` and its like, real pictures are far from what
            the generator's last activation can make, or have weights.

    Example:
        ```python
        generator = kc.models.dcgan_generator((8, 8, 1), latent=10, filters=4)
        discriminator = kc.models.dcgan_discriminator((8, 8, 1), filters=4)
        trainer = kc.training.GANTrainer(generator, discriminator)
        trainer.compile()
        pictures = np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 1))
        trainer.fit(pictures, batch_size=8, verbose=0)
        made = trainer.generate(16)  # (16, 8, 8, 1)
        ```
    """

    network_names = ("generator", "discriminator")
    optimizer_names = ("discriminator_optimizer", "generator_optimizer")

    @checked
    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        loss: str = "non_saturating",
        smoothing: float = 0.0,
        latent: str = "uniform",
        seed: int = 0,
        name: Name = "gan",
    ) -> None:
        super().__init__(name=name)
        check_choice("loss", loss, LOSSES)
        check_choice("latent", latent, LATENTS)
        _check_fit(generator, discriminator)
        self.smoothing = check_rate("smoothing", smoothing)
        self.seed = check_whole("seed", seed, 0)
        self.form = loss
        self.latent = latent
        self.generator = generator
        self.discriminator = discriminator
        self.draws = keras.random.SeedGenerator(self.seed)
        self.entropy = keras.losses.BinaryCrossentropy(from_logits=True)
        names = ("discriminator_loss", "generator_loss", "real_score", "made_score")
        self.trackers = [*map(keras.metrics.Mean, names), _MeanOfSome(name="diversity")]
        self.built = True

    @checked
    def compile(  # type: ignore[override]
        self,
        discriminator_optimizer: Optimizer | None = None,
        generator_optimizer: Optimizer | None = None,
        **arguments: Any,
    ) -> None:
        """Prepare for `fit`.

        Args:
            discriminator_optimizer: Keras optimizer, or its name; by default that of DCGAN, Adam
                of rate 2e-4 and a first moment of 0.5.
            generator_optimizer: Likewise, another object.
            **arguments: `run_eagerly`, `jit_compile`, `steps_per_execution`, `auto_scale_loss`, as
                Keras's `compile` takes.

        Raises:
            InputError: Another argument is given; the losses are the trainer's own.
        """
        self.check_compiling(arguments)
        given = (discriminator_optimizer, generator_optimizer)
        parts = [_adam() if each is None else keras.optimizers.get(each) for each in given]
        optimizer = DividedOptimizer(parts)
        optimizer.divide([x.trainable_variables for x in (self.discriminator, self.generator)])
        super().compile(optimizer=optimizer, **arguments)
        # Not in the first step, whose failure would leave half of the states behind.
        self.optimizer.build(self.trainable_variables)
        self._given = parts, arguments

    def call(self, inputs: Any, training: bool | None = None) -> Tensor:
        """The discriminator's logits of pictures."""
        return self.discriminator(self.pictures_of(inputs), training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The losses of both, each of which has gradients by its own weights alone."""
        refuse_weights(sample_weight)
        x = self.pictures_of(x)
        made = self.generator(self._latents(ops.shape(x)[0]), training=training)
        on_real = y_pred
        on_made = self.discriminator(ops.stop_gradient(made), training=training)
        # Neither its weights nor its statistics are the generator's to move.
        with keras.StatelessScope(
            [(each, ops.stop_gradient(each.value)) for each in self.discriminator.variables]
        ):
            judged = self.discriminator(made, training=training)
        lowered = 1.0 - (self.smoothing if training else 0.0)
        sides = [(lowered, on_real), (0.0, on_made)]
        own, sign = (1.0, 1.0) if self.form == "non_saturating" else (0.0, -1.0)
        discriminator = sum(self._mean_entropy(*side) for side in sides)
        generator = sign * self._mean_entropy(own, judged)
        told = (
            sum(_entropies(*side) for side in sides),
            sign * _entropies(own, judged),
            ops.sigmoid(on_real),
            ops.sigmoid(on_made),
        )
        *trackers, diversity = self.trackers
        track(trackers, told)
        real, least = _spread(x), keras.config.epsilon()
        share = _spread(made) / ops.maximum(real, least)
        diversity.update_state(share, sample_weight=ops.cast(real > least, "float32"))
        return discriminator + generator

    @checked
    def generate(
        self, latents: Whole | np.ndarray, *, seed: int = 0, batch_size: Whole = 256
    ) -> np.ndarray:
        """Make pictures, in inference mode.

        Args:
            latents: How many, or what they are made of, `(count, latent)`.
            seed: Of what they are made of.
            batch_size: How many are made together.

        Returns:
            float32 `(count, height, width, channels)`.
        """
        if not isinstance(latents, np.ndarray):
            latents = self.latents(latents, seed=seed)
        return made_of(self.generator, latents, batch_size)

    @checked
    def latents(self, count: Whole, *, seed: int = 0) -> np.ndarray:
        """What pictures are made of, float32 `(count, latent)`, the same for the same seed."""
        size = (check_whole("count", count), self.generator.inputs[0].shape[1])
        draw = np.random.default_rng(check_whole("seed", seed, 0))
        found = draw.uniform(-1, 1, size) if self.latent == "uniform" else draw.normal(size=size)
        return found.astype("float32")

    @property
    def picture_range(self) -> tuple[float, float]:
        """Lowest and highest value of made pictures; -1 and 1 where nothing bounds them."""
        return bounds_of(self.generator) or (-1.0, 1.0)

    @property
    def reader(self) -> keras.Model:
        """The discriminator."""
        return self.discriminator

    def check_values(self, pictures: np.ndarray) -> None:
        """Refuse real pictures that the generator could not make."""
        least, most = value_range("Pictures have", pictures)
        bounds = bounds_of(self.generator)
        if bounds is None:
            return
        lowest, highest = bounds
        width = highest - lowest
        if least < lowest - OVERSHOOT * width or most > highest + OVERSHOOT * width:
            there = f"* {width:g} + {lowest:g}"
            other = (
                f"those of 0 to 255 there: pictures / 255 {there}; those of -1 to 1: "
                f"(pictures + 1) / 2 {there}"
            )
            raise InputError(
                f"Pictures have values from {least:g} to {most:g}",
                f"values between {lowest:g} and {highest:g}, as {self.generator.name!r} makes them",
                f"Bring {BRINGING.get(bounds, other)}.",
            )

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            "generator": as_config(self.generator),
            "discriminator": as_config(self.discriminator),
            "loss": self.form,
            "smoothing": self.smoothing,
            "latent": self.latent,
            "seed": self.seed,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: Any = None) -> GANTrainer:
        """See Keras."""
        return cls(**with_networks(config, cls.network_names, custom_objects))

    def get_compile_config(self) -> Config | None:
        """See Keras."""
        if not self.compiled:
            return None
        parts, arguments = self._given
        own = {
            name: keras.saving.serialize_keras_object(part)
            for name, part in zip(self.optimizer_names, parts, strict=True)
        }
        return {**own, **arguments}

    def _latents(self, count: Any) -> Tensor:
        shape = (count, self.generator.inputs[0].shape[1])
        if self.latent == "uniform":
            return keras.random.uniform(shape, -1.0, 1.0, seed=self.draws)
        return keras.random.normal(shape, seed=self.draws)

    def _mean_entropy(self, target: float, logits: Tensor) -> Tensor:
        """The part of the loss, divided among replicas as Keras does with its losses."""
        logits = ops.cast(logits, "float32")
        return self.entropy(ops.full_like(logits, target), logits)


class _MeanOfSome(keras.metrics.Mean):
    """A mean that is no number where nothing counted."""

    def result(self) -> Tensor:
        return ops.where(self.count > 0, super().result(), float("nan"))


def _entropies(target: float, logits: Tensor) -> Tensor:
    """The same of each picture."""
    logits = ops.cast(logits, "float32")
    return ops.softplus(logits) - target * logits


def _spread(pictures: Tensor) -> Tensor:
    """The deviation of a pixel over the batch, the mean of all pixels."""
    return ops.mean(ops.std(ops.cast(pictures, "float32"), axis=0))


def _adam() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(2e-4, beta_1=0.5)


def _shapes(model: keras.Model) -> tuple[Sequence, Sequence]:
    return tuple([tuple(x.shape) for x in side] for side in (model.inputs, model.outputs))  # type: ignore[return-value]


def _check_fit(generator: keras.Model, discriminator: keras.Model) -> None:
    check_network(generator)
    check_network(discriminator)
    (given, made), (judged, logits) = _shapes(generator), _shapes(discriminator)
    fits = len(given) == len(made) == len(judged) == len(logits) == 1
    numbers = fits and len(given[0]) == 2 and given[0][1] is not None
    if not numbers or made != judged or logits != [(None, 1)]:
        raise InputError(
            f"A generator from {given} to {made} and a discriminator from {judged} to {logits} "
            "were given",
            "a generator from (batch, latent) to pictures, and a discriminator from those to "
            "(batch, 1)",
            "Build both for one image_shape: kc.models.dcgan_generator(image_shape) and "
            "kc.models.dcgan_discriminator(image_shape).",
        )
    check_logits(discriminator)
    own = {id(x) for x in generator.trainable_variables}
    if both := [x for x in discriminator.trainable_variables if id(x) in own]:
        raise InputError(
            f"A generator and a discriminator were given that have {len(both)} weights in common, "
            f"such as {both[0].path}",
            "two networks without a common layer that learns",
            "Give each layers of its own.",
        )
