"""Variational autoencoders: codes of pictures, by a bound of the likelihood.

Kingma, Welling, "Auto-encoding variational Bayes", ICLR 2014, arXiv:1312.6114. Burda, Grosse,
Salakhutdinov, "Importance weighted autoencoders", ICLR 2016, arXiv:1509.00519.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_positive,
    check_whole,
)
from keras_classics.core.graphs.graph import check_functional
from keras_classics.core.graphs.model_ends import check_logits
from keras_classics.core.picture_values import value_range
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Name, Tensor, Whole
from keras_classics.training.losses.batch_mean import BatchMean
from keras_classics.training.trainers.generating import (
    PictureTrainer,
    idle,
    made_of,
    refuse_weights,
    track,
)
from keras_classics.training.trainers.nested_networks import as_config, check_network, with_networks

LIKELIHOODS = ("bernoulli", "gaussian")
BOUNDS = ("elbo", "iwae")
# Beyond it a variance is no longer told from none, and its exponential overflows in half precision.
LARGEST_LOG_VARIANCE = 10.0
# Of a unit's mean over pictures, from where on Burda et al. call it active.
ACTIVE = 0.01
LOG_TWO_PI = math.log(2 * math.pi)


@registered
class VAETrainer(PictureTrainer):
    """An encoder and a decoder that `fit` trains by a bound of the pictures' likelihood.

    A code z is Gaussian about the encoder's answer, and before that a standard one. The loss is the
    mean over the batch of `-log p(x|z)`, summed over pixels and channels, and of the divergence in
    its closed form, `-1/2 sum(1 + log s^2 - m^2 - s^2)`; or with `"iwae"` of
    `-log 1/K sum_k p(x, z_k) / q(z_k|x)`.

    It is trained with all arguments of `fit` or by `kc.training.fit`, resumed, saved and loaded
    like any other model; called, it gives what the encoder does. Labels are not used. The history
    has `reconstruction` and `kl` in nats, whose sum is the `loss` of `"elbo"`, and `active_units`:
    of how many numbers of the code the mean varies within a batch by more than 0.01. Where `kl` is
    near 0 the code says nothing, of which `kc.callbacks.WarnOfCollapse` warns.

    Args:
        encoder: A model from pictures to `{"mean", "log_variance"}`, both `(batch, latent)`. The
            logarithm is cut to between -10 and 10.
        decoder: A model from `(batch, latent)` to pictures' logits, or means.
        likelihood: `"bernoulli"`: pictures between 0 and 1, whose likelihood is proper for 0 and 1
            alone; `"gaussian"`: any numbers.
        deviation: Of a pixel about its mean, only where Gaussian.
        bound: `"elbo"`, or `"iwae"`.
        samples: Codes drawn for each picture, K.
        kl_weight: What the divergence counts in the loss, only of `"elbo"`; 1 for a bound.
        seed: Of the codes that are drawn in training.
        name: Name of the model.

    Raises:
        InputError: The halves do not fit each other, logits are due and the decoder ends in an
            activation, or an argument is not admitted or would have no effect; out of `fit` and its
            like, pictures have no likelihood or another shape, or weights.

    Example:
        ```python
        encoder = kc.models.vae_encoder((8, 8, 1), latent=3, units=(16,))
        decoder = kc.models.vae_decoder((8, 8, 1), latent=3, units=(16,))
        trainer = kc.training.VAETrainer(encoder, decoder)
        trainer.compile(keras.optimizers.Adam(1e-3))
        pictures = np.random.default_rng(0).uniform(0, 1, (8, 8, 8, 1))
        trainer.fit(pictures, batch_size=8, verbose=0)
        ...  # trainer.importance_bound(others, samples=500), nats of each picture
        ```
    """

    network_names = ("encoder", "decoder")

    @checked
    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        likelihood: str = "bernoulli",
        deviation: float = 1.0,
        bound: str = "elbo",
        samples: Whole = 1,
        kl_weight: float = 1.0,
        seed: int = 0,
        name: Name = "vae",
    ) -> None:
        super().__init__(name=name)
        check_choice("likelihood", likelihood, LIKELIHOODS)
        check_choice("bound", bound, BOUNDS)
        _check_fit(encoder, decoder)
        if likelihood == "bernoulli":
            check_logits(decoder)
            if deviation != 1:
                raise idle("deviation", deviation, "with a Bernoulli", "with likelihood='gaussian'")
        if bound == "iwae" and kl_weight != 1:
            raise idle("kl_weight", kl_weight, "with bound='iwae'", "with bound='elbo'")
        self.likelihood = likelihood
        self.deviation = check_positive("deviation", deviation)
        self.bound = bound
        self.samples = check_whole("samples", samples)
        self.kl_weight = check_positive("kl_weight", kl_weight)
        self.seed = check_whole("seed", seed, 0)
        self.encoder = encoder
        self.decoder = decoder
        self.draws = keras.random.SeedGenerator(self.seed)
        self.per_picture = BatchMean()
        names = ("reconstruction", "kl", "active_units")
        self.trackers = [keras.metrics.Mean(name=each) for each in names]
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> dict[str, Tensor]:
        """The Gaussians of pictures' codes, their log variances cut."""
        found = self.encoder(self.pictures_of(inputs), training=training)
        largest = LARGEST_LOG_VARIANCE
        return {**found, "log_variance": ops.clip(found["log_variance"], -largest, largest)}

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The negative bound."""
        refuse_weights(sample_weight)
        x = self.pictures_of(x)
        mean, log_variance = y_pred["mean"], y_pred["log_variance"]
        size = (ops.shape(x)[0], self.samples, mean.shape[-1])
        noise = keras.random.normal(size, seed=self.draws)
        codes = mean[:, None] + ops.exp(log_variance[:, None] / 2) * noise
        likelihoods = self._log_likelihoods(x, codes, training)
        kl = -0.5 * ops.sum(1 + log_variance - ops.square(mean) - ops.exp(log_variance), axis=-1)
        if self.bound == "elbo":
            losses = self.kl_weight * kl - ops.mean(likelihoods, axis=1)
        else:
            # The terms of log 2 pi are in both, and there are as many of them.
            prior = -0.5 * ops.sum(ops.square(codes), axis=-1)
            own = -0.5 * ops.sum(ops.square(noise) + log_variance[:, None], axis=-1)
            weights = ops.logsumexp(likelihoods + prior - own, axis=1)
            losses = math.log(self.samples) - weights
        active = ops.sum(ops.cast(ops.var(mean, axis=0) > ACTIVE, "float32"))
        track(self.trackers, (-ops.mean(likelihoods, axis=1), kl, active))
        return self.per_picture(losses, losses)

    @checked
    def importance_bound(
        self, pictures: np.ndarray, *, samples: Whole = 50, seed: int = 0, batch_size: Whole = 250
    ) -> np.ndarray:
        """A lower bound of each picture's log likelihood, tighter the more samples.

        `log 1/K sum_k p(x, z_k) / q(z_k|x)`, summed up in float64; the same noise for the same seed
        and number of a picture, so that the bounds of more samples are those of more draws.

        Args:
            pictures: `(count, height, width, channels)`.
            samples: K; 5,000 in the paper's tables.
            seed: Of the codes.
            batch_size: How many codes are decoded together.

        Returns:
            float64 `(count,)`, nats.

        Raises:
            InputError: The pictures have another shape, or values that have no likelihood.
        """
        pictures, seed = np.asarray(pictures), check_whole("seed", seed, 0)
        self.check_pictures(pictures)
        samples, step = check_whole("samples", samples), check_whole("batch_size", batch_size)
        found = np.zeros(len(pictures))
        for number, picture in enumerate(pictures):
            answer = self(picture[None].astype("float32"), training=False)
            mean, log_variance = (
                ops.convert_to_numpy(answer[name])[0].astype("float64")
                for name in ("mean", "log_variance")
            )
            draw = np.random.default_rng([seed, number])
            total = -np.inf
            # However many there are, only some of them are held at once.
            for start in range(0, samples, step):
                noise = draw.normal(size=(min(step, samples - start), len(mean)))
                # As the decoder has them.
                codes = (mean + np.exp(log_variance / 2) * noise).astype("float32")
                exact = codes.astype("float64")
                noise = (exact - mean) / np.exp(log_variance / 2)
                own = -0.5 * (np.square(noise) + log_variance).sum(axis=1)
                weights = self._exact_likelihoods(picture, codes)
                weights = weights - 0.5 * np.square(exact).sum(axis=1) - own
                total = np.logaddexp(total, np.logaddexp.reduce(weights))
            found[number] = total - math.log(samples)
        return found

    @checked
    def generate(
        self, latents: Whole | np.ndarray, *, seed: int = 0, batch_size: Whole = 256
    ) -> np.ndarray:
        """Make pictures: the means of their pixels.

        Args:
            latents: How many, or their codes, `(count, latent)`.
            seed: Of the codes.
            batch_size: How many are made together.

        Returns:
            float32 `(count, height, width, channels)`.
        """
        if not isinstance(latents, np.ndarray):
            latents = self.latents(latents, seed=seed)
        made = made_of(self.decoder, latents, batch_size)
        return 0.5 + 0.5 * np.tanh(made / 2) if self.likelihood == "bernoulli" else made

    @checked
    def latents(self, count: Whole, *, seed: int = 0) -> np.ndarray:
        """Codes of no picture, float32 `(count, latent)`, the same for the same seed."""
        size = (check_whole("count", count), self.decoder.inputs[0].shape[1])
        draw = np.random.default_rng(check_whole("seed", seed, 0))
        return draw.normal(size=size).astype("float32")

    @checked
    def manifold(self, side: Whole = 20) -> np.ndarray:
        """Pictures of a square of codes that are equally many by probability, row by row.

        As in the paper's figure 4: quantiles of the standard Gaussian along both axes.

        Args:
            side: How many along each.

        Returns:
            float32 `(side * side, height, width, channels)`.

        Raises:
            InputError: A code is not of two numbers.
        """
        side, latent = check_whole("side", side), self.decoder.inputs[0].shape[1]
        if latent != 2:
            raise InputError(
                f"The manifold of codes of {latent} numbers was asked for",
                "codes of two",
                "Build encoder and decoder with latent=2, or draw walks between codes.",
            )
        places = [NormalDist().inv_cdf((place + 0.5) / side) for place in range(side)]
        rows, columns = np.meshgrid(places, places, indexing="ij")
        return self.generate(np.stack([rows, columns], axis=-1).reshape(-1, 2).astype("float32"))

    @checked
    def reconstruct(self, pictures: np.ndarray, *, batch_size: Whole = 256) -> np.ndarray:
        """Pictures as their mean codes have them, float32 of the same shape."""
        self.check_pictures(pictures)
        batch = check_whole("batch_size", batch_size)
        means = [
            ops.convert_to_numpy(self(pictures[start : start + batch], training=False)["mean"])
            for start in range(0, len(pictures), batch)
        ]
        none = np.zeros((0, self.decoder.inputs[0].shape[1]), "float32")
        return self.generate(np.concatenate([none, *means]), batch_size=batch)

    @property
    def picture_range(self) -> tuple[float, float]:
        """Lowest and highest value of a picture as it is drawn; a Gaussian's means may pass it."""
        return 0.0, 1.0

    @property
    def reader(self) -> keras.Model:
        """The encoder."""
        return self.encoder

    def check_values(self, pictures: np.ndarray) -> None:
        """Refuse pictures that have no likelihood."""
        least, most = value_range("Pictures have", pictures)
        if self.likelihood == "bernoulli" and not (least >= 0 and most <= 1):
            raise InputError(
                f"Pictures have values from {least:g} to {most:g}",
                f"numbers between 0 and 1, as {self.likelihood!r} has it",
                "Divide those of 0 to 255 by 255; of those of -1 to 1 take (pictures + 1) / 2.",
            )

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            "encoder": as_config(self.encoder),
            "decoder": as_config(self.decoder),
            "likelihood": self.likelihood,
            "deviation": self.deviation,
            "bound": self.bound,
            "samples": self.samples,
            "kl_weight": self.kl_weight,
            "seed": self.seed,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: Any = None) -> VAETrainer:
        """See Keras."""
        return cls(**with_networks(config, cls.network_names, custom_objects))

    def _log_likelihoods(self, x: Tensor, codes: Tensor, training: bool) -> Tensor:
        """`log p(x|z)` `(batch, samples)`, of codes `(batch, samples, latent)`."""
        count, latent = self.samples, codes.shape[-1]
        made = self.decoder(ops.reshape(codes, (-1, latent)), training=training)
        made = ops.reshape(ops.cast(made, "float32"), (-1, count, *made.shape[1:]))
        pixels = ops.cast(x, "float32")[:, None]
        axes = tuple(range(2, len(made.shape)))
        if self.likelihood == "bernoulli":
            return ops.sum(pixels * made - ops.softplus(made), axis=axes)
        squares = ops.square((pixels - made) / self.deviation)
        constant = LOG_TWO_PI + 2 * math.log(self.deviation)
        return -0.5 * ops.sum(squares + constant, axis=axes)

    def _exact_likelihoods(self, picture: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """The same of one picture, summed up in float64."""
        made = ops.convert_to_numpy(self.decoder(codes, training=False)).astype("float64")
        pixels = picture.astype("float64")
        if self.likelihood == "bernoulli":
            terms = pixels * made - np.logaddexp(0, made)
        else:
            squares = np.square((pixels - made) / self.deviation)
            terms = -0.5 * (squares + LOG_TWO_PI + 2 * math.log(self.deviation))
        return terms.reshape(len(codes), -1).sum(axis=1)


def _check_fit(encoder: keras.Model, decoder: keras.Model) -> None:
    check_functional(encoder)
    check_network(decoder)
    pictures, made = ([tuple(x.shape) for x in side] for side in (encoder.inputs, decoder.outputs))
    answers = encoder.output if isinstance(encoder.output, dict) else {}
    codes = {name: tuple(x.shape) for name, x in answers.items()}
    given = [tuple(x.shape) for x in decoder.inputs]
    wanted = dict.fromkeys(("mean", "log_variance"), given[0])
    if len(given) != 1 or None in given[0][1:] or pictures != made or codes != wanted:
        raise InputError(
            f"An encoder from {pictures} to {codes or encoder.output} and a decoder from "
            f"{given} to {made} were given",
            "an encoder from pictures to {'mean', 'log_variance'} of (batch, latent), and a "
            "decoder from there to those pictures",
            "Build both alike: kc.models.vae_encoder(image_shape, latent=latent) and "
            "kc.models.vae_decoder(image_shape, latent=latent).",
        )
