"""Style transfer by descending on the pixels, the slow way that a network is measured by.

Gatys, Ecker, Bethge, "Image style transfer using convolutional neural networks", CVPR 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_choice, check_whole, import_extra
from keras_classics.core.graphs.gradients import compiled_over, value_and_gradients
from keras_classics.core.picture_values import LARGEST, check_picture
from keras_classics.core.types import Tensor, Whole
from keras_classics.training.trainers.perceptual import PerceptualLoss, check_weights, variation

STARTS = ("content", "noise")


@dataclass(frozen=True, eq=False)
class StyledPicture:
    """A picture that was descended to.

    Attributes:
        picture: float32 `(height, width, 3)` between 0 and 255.
        losses: The loss after each step, the first before any.
    """

    picture: np.ndarray
    losses: np.ndarray


@checked
def descend_to_style(
    perception: PerceptualLoss,
    content: np.ndarray,
    style: np.ndarray,
    *,
    steps: Whole = 500,
    content_weight: float = 1.0,
    style_weight: float = 5.0,
    variation_weight: float = 1e-6,
    start: str = "content",
    seed: int = 0,
) -> StyledPicture:
    """Look for a picture of one content and another style by L-BFGS, within 0 to 255.

    The loss is that of `kc.training.PerceptualTrainer` with the same weights, so that the two can
    be compared.

    Args:
        perception: What sees them.
        content: The picture, `(height, width, 3)` between 0 and 255.
        style: The picture whose style is wanted, of any size.
        steps: Of L-BFGS, each of which may take more than one evaluation; Johnson et al. compare
            with 500.
        content_weight: See there.
        style_weight: See there.
        variation_weight: See there.
        start: `"content"`, or `"noise"`.
        seed: Of the noise.

    Raises:
        InputError: A picture is none, or an argument is not admitted.
        MissingExtraError: SciPy is not installed.
    """
    minimize = import_extra("scipy.optimize", "fooling").minimize
    check_choice("start", start, STARTS)
    check_picture("content", content)
    check_weights({"content": content_weight, "style": style_weight, "variation": variation_weight})
    steps, seed = check_whole("steps", steps), check_whole("seed", seed, 0)
    given = content.astype("float32")
    grams = [ops.convert_to_tensor(each) for each in perception.style_of(style)]

    def loss(picture: Tensor, wanted: Tensor) -> Tensor:
        maps, there = perception.maps(picture), perception.maps(wanted)
        return ops.sum(
            content_weight * perception.content_distance(maps, there)
            + style_weight * perception.style_distance(maps, grams)
            + variation_weight * variation(picture)
        )

    def both(picture: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        value, (gradient,) = value_and_gradients(lambda x: loss(x, wanted), [picture])
        return value, gradient

    differentiated = compiled_over(perception.capture.model, both)
    wanted = ops.convert_to_tensor(given[None])

    def evaluated(flat: np.ndarray) -> tuple[float, np.ndarray]:
        picture = ops.convert_to_tensor(flat.reshape(1, *given.shape).astype("float32"))
        value, gradient = differentiated(picture, wanted)
        return float(value), ops.convert_to_numpy(gradient).astype("float64").ravel()

    # The first step of L-BFGS has length 1, which in parts of the range is seen in float32; and it
    # ends where a step gains little, which in parts of the first loss says something.
    def in_units(shares: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = evaluated(LARGEST * shares)
        return value / unit, gradient * LARGEST / unit

    noise = np.random.default_rng(seed).uniform(0, LARGEST, given.shape)
    first = (given if start == "content" else noise).astype("float64").ravel()
    losses = [evaluated(first)[0]]
    unit = losses[0] or 1.0
    found = minimize(
        in_units,
        first / LARGEST,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 1.0)] * first.size,
        callback=lambda intermediate_result: losses.append(unit * float(intermediate_result.fun)),
        options={"maxiter": steps, "maxfun": 4 * steps, "ftol": 0.0, "gtol": 0.0},
    )
    picture = (LARGEST * found.x).reshape(given.shape).astype("float32")
    return StyledPicture(picture, np.asarray(losses))
