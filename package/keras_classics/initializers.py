"""Initialisers of the papers that Keras lacks, and a draw of its own for every weight."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, is_whole
from keras_classics.core.mean_field import CriticalPoint, critical_point, depth_scale
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Initializer, Tensor

__all__ = [
    "BilinearUpsampling",
    "CriticalPoint",
    "CriticalVariance",
    "DeltaOrthogonal",
    "ReciprocalFanInUniform",
    "critical_point",
    "depth_scale",
    "own_draw",
]


@checked
def own_draw(initializer: Initializer, weight: str) -> Callable[..., Tensor]:
    """The initialiser of one weight among several that start by the same rule.

    An initialiser of Keras draws the same numbers every time it is called, so that the weights of
    all layers that are given one object start alike.

    Args:
        initializer: The rule, as layers take it: a name, a config, an object or a function.
        weight: Name of the weight, or of its layer, among those that share the rule.

    Returns:
        The rule with a draw of its own. One with a seed has another seed, made of its own and the
        name: the same rule draws the same numbers for the same name. One without has a fresh draw,
        which `keras.utils.set_random_seed` makes the same again. A function, and a rule whose seed
        is a generator or that has none, is handed back: it draws by itself what it is to draw.

    Example:
        ```python
        rule = keras.initializers.HeNormal(seed=0)
        first = keras.layers.Dense(10, kernel_initializer=kc.initializers.own_draw(rule, "first"))
        second = keras.layers.Dense(10, kernel_initializer=kc.initializers.own_draw(rule, "second"))
        ```
    """
    rule = keras.initializers.get(initializer)
    if not isinstance(rule, keras.initializers.Initializer):
        return rule
    config = rule.get_config()
    seed = config.get("seed")
    if is_whole(seed):
        digest = hashlib.sha256(f"{seed} {weight}".encode(errors="surrogatepass")).digest()
        config["seed"] = int.from_bytes(digest[:4])
    elif seed is not None or "seed" not in config:
        return rule
    return type(rule).from_config(config)


@registered
class ReciprocalFanInUniform(keras.initializers.Initializer):
    """Uniform in `+-numerator / fan_in`, as LeNet-5 starts (LeCun 1998, appendix A).

    Args:
        numerator: The bound times the number of inputs of a unit; 2.4 in the paper.
        seed: Seed of the draw.
    """

    @checked
    def __init__(self, numerator: float = 2.4, seed: int | None = None):
        self.numerator = numerator
        self.seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Tensor:
        """Draw a tensor; all axes of `shape` but the last are inputs of a unit."""
        bound = self.numerator / max(1, math.prod(shape[:-1]))
        return keras.random.uniform(shape, -bound, bound, dtype=dtype, seed=self.seed)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {"numerator": self.numerator, "seed": self.seed}


@registered
class BilinearUpsampling(keras.initializers.Initializer):
    """Kernel of a transposed convolution that interpolates bilinearly, each channel by itself.

    Long, Shelhamer, Darrell, CVPR 2015, as in their released program: with `f = (k + 1) // 2`, and
    the centre at `f - 1` of an odd side `k`, at `f - 0.5` of an even one, a row has `1 - |i -
    centre| / f`, and the kernel is the outer product of two rows. For a stride `s` the side is `2
    s` or `2 s - 1`. Other channels get zeros.
    """

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Tensor:
        """The kernel `(rows, columns, channels, channels)`.

        Raises:
            InputError: It leads from some number of channels to another.
        """
        *sides, outputs, inputs = shape
        if len(sides) != 2 or outputs != inputs:
            raise InputError(
                f"A kernel of shape {tuple(shape)} was to interpolate",
                "(rows, columns, channels, channels)",
                "Give the transposed convolution as many filters as its input has channels.",
            )
        rows, columns = (_tent(side) for side in sides)
        tent = ops.expand_dims(ops.outer(rows, columns), (-2, -1))
        return ops.cast(tent * ops.eye(outputs), dtype or keras.config.floatx())

    def get_config(self) -> Config:
        """No arguments."""
        return {}


def _tent(side: int) -> Tensor:
    half = (side + 1) // 2
    centre = half - 1.0 if side % 2 else half - 0.5
    return 1.0 - ops.abs(ops.arange(side, dtype="float32") - centre) / half


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

    Example:
        ```python
        layer = keras.layers.Conv2D(
            16, 3, padding="same", kernel_initializer=kc.initializers.DeltaOrthogonal(seed=0)
        )
        x = np.random.default_rng(0).normal(size=(1, 8, 8, 16)).astype("float32")
        np.linalg.norm(layer(x)) / np.linalg.norm(x)  # 1.0: lengths are kept
        ```
    """

    @checked
    def __init__(self, gain: float = 1.0, seed: int | None = None):
        self.gain = gain
        self.seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Tensor:
        """Draw `(..., rows, columns, channels, filters)`; axes in front are independent kernels.

        Raises:
            InputError: A side is even, or there are more channels than filters.
        """
        *stack, rows, columns, channels, filters = shape
        if channels > filters or rows % 2 == 0 or columns % 2 == 0:
            raise InputError(
                f"A kernel of shape {tuple(shape)} was to be delta-orthogonal",
                "(..., rows, columns, channels, filters) with odd sides and no fewer filters "
                "than channels, because lengths cannot be kept otherwise",
                "Use more filters or another initialiser.",
            )
        normal = keras.random.normal((*stack, filters, filters), dtype="float32", seed=self.seed)
        orthogonal, triangle = ops.qr(normal)
        # Without the signs the distribution depends on how the decomposition is computed.
        signs = ops.sign(ops.diagonal(triangle, axis1=-2, axis2=-1))
        centre = (self.gain * orthogonal * signs[..., None, :])[..., None, None, :channels, :]
        around = [(0, 0)] * len(stack) + [(rows // 2,) * 2, (columns // 2,) * 2, (0, 0), (0, 0)]
        return ops.cast(ops.pad(centre, around), dtype or keras.config.floatx())

    def get_config(self) -> Config:
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

    Example:
        ```python
        layer = keras.layers.Dense(
            300,
            "tanh",
            kernel_initializer=kc.initializers.CriticalVariance("tanh", 0.01),
            bias_initializer=kc.initializers.CriticalVariance("tanh", 0.01, role="bias"),
        )
        layer(np.zeros((2, 300))).shape  # (2, 300)
        ```
    """

    @checked
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

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Tensor:
        """Draw a tensor; axes before a kernel's last four count kernels, not inputs."""
        if self.role == "bias":
            deviation = self.point.sigma_b
        else:
            deviation = self.point.sigma_w / math.sqrt(math.prod(shape[-4:-1]))
        return keras.random.normal(shape, stddev=deviation, dtype=dtype, seed=self.seed)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            "activation": self.activation,
            "q_star": self.q_star,
            "role": self.role,
            "seed": self.seed,
        }
