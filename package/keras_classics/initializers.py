"""Initialisers of the papers that Keras lacks."""

from __future__ import annotations

import math

import keras
from keras import ops

from keras_classics.core.errors import InputError, check_choice, explain
from keras_classics.core.mean_field import CriticalPoint, critical_point, depth_scale
from keras_classics.core.registration import registered

__all__ = [
    "CriticalPoint",
    "CriticalVariance",
    "DeltaOrthogonal",
    "ReciprocalFanInUniform",
    "critical_point",
    "depth_scale",
]


@registered
class ReciprocalFanInUniform(keras.initializers.Initializer):
    """Uniform in `+-numerator / fan_in`, as LeNet-5 starts (LeCun 1998, appendix A).

    Args:
        numerator: The bound times the number of inputs of a unit; 2.4 in the paper.
        seed: Seed of the draw.
    """

    def __init__(self, numerator: float = 2.4, seed: int | None = None):
        self.numerator = numerator
        self.seed = seed

    def __call__(self, shape, dtype=None):
        """Draw a tensor; all axes of `shape` but the last are inputs of a unit."""
        bound = self.numerator / max(1, math.prod(shape[:-1]))
        return keras.random.uniform(shape, -bound, bound, dtype=dtype, seed=self.seed)

    def get_config(self):
        """The constructor's arguments."""
        return {"numerator": self.numerator, "seed": self.seed}


@registered
class DeltaOrthogonal(keras.initializers.Initializer):
    """A kernel whose centre is a random orthogonal matrix, and zero around it.

    Xiao, Bahri, Sohl-Dickstein, Schoenholz, Pennington, "Dynamical isometry and a mean field theory
    of CNNs", ICML 2018. At stride 1 all singular values of the convolution are `gain`. The
    orthogonal matrices are distributed uniformly (Haar).

    Args:
        gain: What lengths are multiplied by; `critical_point(activation, q_star).sigma_w` keeps
            the lengths of gradients.
        seed: Seed of the draw.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None):
        self.gain = gain
        self.seed = seed

    def __call__(self, shape, dtype=None):
        """Draw `(..., rows, columns, channels, filters)`; axes in front are independent kernels.

        Raises:
            InputError: A side is even, or there are more channels than filters.
        """
        *stack, rows, columns, channels, filters = shape
        if channels > filters or rows % 2 == 0 or columns % 2 == 0:
            raise InputError(
                explain(
                    f"A kernel of shape {tuple(shape)} was to be delta-orthogonal",
                    "(..., rows, columns, channels, filters) with odd sides and no fewer filters "
                    "than channels, because lengths cannot be kept otherwise",
                    "Use more filters or another initialiser.",
                )
            )
        normal = keras.random.normal((*stack, filters, filters), dtype="float32", seed=self.seed)
        orthogonal, triangle = ops.qr(normal)
        # Without the signs the distribution depends on how the decomposition is computed.
        signs = ops.sign(ops.diagonal(triangle, axis1=-2, axis2=-1))
        centre = (self.gain * orthogonal * signs[..., None, :])[..., None, None, :channels, :]
        around = [(0, 0)] * len(stack) + [(rows // 2,) * 2, (columns // 2,) * 2, (0, 0), (0, 0)]
        return ops.cast(ops.pad(centre, around), dtype or keras.config.floatx())

    def get_config(self):
        """The constructor's arguments."""
        return {"gain": self.gain, "seed": self.seed}


@registered
class CriticalVariance(keras.initializers.Initializer):
    """Gaussian weights or biases of the variance at which gradients keep their length.

    Kernels have the variance `sigma_w^2 / fan_in` and biases `sigma_b^2`, with both sigmas from
    `critical_point(activation, q_star)`.

    Args:
        activation: Activation of the network: `"linear"`, `"relu"` or `"tanh"`.
        q_star: Variance of the preactivations.
        role: `"kernel"`, whose shape `(..., rows, columns, channels, filters)` or `(channels,
            filters)` says the fan-in, or `"bias"`.
        seed: Seed of the draw.

    Raises:
        InputError: An argument is not admitted.
    """

    def __init__(
        self,
        activation: str = "tanh",
        q_star: float = 0.01,
        role: str = "kernel",
        seed: int | None = None,
    ):
        check_choice("role", role, ("kernel", "bias"))
        self.activation = activation
        self.q_star = q_star
        self.role = role
        self.seed = seed
        self.point = critical_point(activation, q_star)

    def __call__(self, shape, dtype=None):
        """Draw a tensor; axes before a kernel's last four count kernels, not inputs."""
        if self.role == "bias":
            deviation = self.point.sigma_b
        else:
            deviation = self.point.sigma_w / math.sqrt(math.prod(shape[-4:-1]))
        return keras.random.normal(shape, stddev=deviation, dtype=dtype, seed=self.seed)

    def get_config(self):
        """The constructor's arguments."""
        return {
            "activation": self.activation,
            "q_star": self.q_star,
            "role": self.role,
            "seed": self.seed,
        }
