"""The formulas of class-activation maps: functions of a layer's maps and of what moves the score.

`activations` A are the maps `(batch, height, width, channels)` of a layer, `gradients` g those of
the score by them, of the same shape, both float32. What comes out is `(batch, height, width)`,
before any rectification. Sums without an index are over the positions of a map.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from keras import ops

from keras_classics.core.types import Tensor

SPACE = (1, 2)


def weighted(activations: Tensor, weights: Tensor) -> Tensor:
    """Maps added up with one weight for each channel `(batch, channels)`: sum_k w_k A_k."""
    return ops.einsum("bhwk,bk->bhw", activations, weights)


def grad_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Each map counts by its mean gradient (Selvaraju et al. 2017)."""
    return weighted(activations, ops.mean(gradients, SPACE))


def grad_cam_sum(activations: Tensor, gradients: Tensor) -> Tensor:
    """The sum in place of the mean: the same map times the number of positions."""
    return weighted(activations, ops.sum(gradients, SPACE))


def grad_cam_plus_plus(activations: Tensor, gradients: Tensor) -> Tensor:
    """w_k = sum alpha relu(g), with alpha by the paper's equation (Chattopadhay et al. 2018)."""
    alpha = _alpha(activations, gradients)
    return weighted(activations, ops.sum(alpha * ops.relu(gradients), SPACE))


def grad_cam_plus_plus_normalized(activations: Tensor, gradients: Tensor) -> Tensor:
    """The same in the form of the authors' code, where each map's alpha sums to one.

    It is another method: the two maps may correlate weakly.
    """
    alpha = _alpha(activations, gradients)
    alpha = _ratio(alpha, ops.sum(alpha, SPACE, keepdims=True))
    return weighted(activations, ops.sum(alpha * ops.relu(gradients), SPACE))


def _alpha(activations: Tensor, gradients: Tensor) -> Tensor:
    """Alpha = g^2 / (2 g^2 + g^3 sum A), 0 where g or the denominator is 0.

    Derivatives of exp(S) have a common factor exp(S). It cancels here and only scales the map, so
    nothing is raised to a power that overflows; nor is g^2, which would vanish, ever formed.
    """
    total = ops.sum(activations, SPACE, keepdims=True)
    alpha = _ratio(ops.ones_like(gradients), 2 + total * gradients)
    return ops.where(gradients == 0, 0.0, alpha)


def layer_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """sum_k relu(g) A_k, position by position; good in early layers too (Jiang et al. 2021)."""
    return ops.sum(ops.relu(gradients) * activations, -1)


def hires_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """sum_k g A_k, position by position (Draelos and Carin 2020)."""
    return ops.sum(gradients * activations, -1)


def xgrad_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Gradients averaged with the activations as their weights (Fu et al. 2020)."""
    products = ops.sum(gradients * activations, SPACE)
    return weighted(activations, _ratio(products, ops.sum(activations, SPACE)))


def eigen_cam(activations: Tensor) -> Tensor:
    """Projection on the first right singular vector of A as a matrix (positions, channels).

    It knows of no class. The vector has no sign of its own: it gets the one that makes the sum of
    the map positive, which for activations of a ReLU makes all of it so (Muhammad and Yeasin 2020).
    """
    _, height, width, channels = ops.shape(activations)
    matrix = ops.reshape(activations, (-1, height * width, channels))
    # The eigenvectors of the smaller of the two Gram matrices do; eigh puts the largest last.
    if height * width < channels:
        gram = ops.matmul(matrix, ops.swapaxes(matrix, 1, 2))
        values, vectors = ops.eigh(gram)
        # The left singular vector times the singular value is the projection already.
        scale = ops.sqrt(ops.maximum(values[:, -1:], 0.0))
        projection = vectors[..., -1] * scale
    else:
        gram = ops.matmul(ops.swapaxes(matrix, 1, 2), matrix)
        _, vectors = ops.eigh(gram)
        projection = ops.matmul(matrix, vectors[..., -1:])[..., 0]
    sign = ops.where(ops.sum(projection, -1, keepdims=True) < 0, -1.0, 1.0)
    return ops.reshape(projection * sign, (-1, height, width))


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """The quotient, 0 where the denominator is 0."""
    zero = denominator == 0
    return ops.where(zero, 0.0, numerator / ops.where(zero, 1.0, denominator))


class Formula(NamedTuple):
    """A map from activations and gradients, or from activations alone.

    Attributes:
        map: The function.
        differentiates: Whether it takes gradients.
        rectified: Whether the method keeps only what speaks for the class.
    """

    map: Callable[..., Tensor]
    differentiates: bool = True
    rectified: bool = True


FORMULAS = {
    "grad_cam": Formula(grad_cam),
    "grad_cam_sum": Formula(grad_cam_sum),
    "grad_cam_plus_plus": Formula(grad_cam_plus_plus),
    "grad_cam_plus_plus_normalized": Formula(grad_cam_plus_plus_normalized),
    "layer_cam": Formula(layer_cam),
    "hires_cam": Formula(hires_cam),
    "xgrad_cam": Formula(xgrad_cam),
    "eigen_cam": Formula(eigen_cam, differentiates=False, rectified=False),
}
