"""CRF-RNN: mean-field inference of a fully connected random field as a layer that learns.

Zheng et al., "Conditional random fields as recurrent neural networks", ICCV 2015; Kraehenbuehl,
Koltun, "Efficient inference in fully connected CRFs with Gaussian edge potentials", NIPS 2011.

Every pixel hears from every other: near ones (the spatial kernel), and near ones of like colour
(the bilateral kernel, over positions and colours). One iteration is

    Q = softmax(U)                          at first; afterwards of the last line
    M = w_s * filter_s(Q) + w_b * filter_b(Q)    with a weight for each class
    U' = U - M C                            C is the compatibility of classes

**The filters.** Over a grid of pixels the spatial Gaussian is the product of one along columns and
one along rows, so that it is exact as two matrix products. The bilateral kernel of N pixels has N
squared entries: 64 MB at 64 x 64, 7.5 GB at 240 x 180. With `filtering="exact"` it is made all the
same, for small pictures and as an oracle. By default (`"landmarks"`) it is replaced by one of low
rank, of the kernel between all pixels and a grid of landmarks and that among these (Nystroem):
`K = A' A + D`, `A = L^-1 K_mn`, `L L' = K_mm`; the diagonal D is what `A' A` lacks of the 1 that a
pixel is to itself, without which small things of a colour of their own hear nobody. It was chosen
by measurement on photographs of roads against the exact one, as the error of what the filter
changes (mean absolute, in shares of the change itself; normalised, 441 landmarks, without D):

| filter, widths 160 and 3 / 80 and 13 | 64 x 64 | 240 x 180 |
|---|---|---|
| landmarks (this one) | 1 to 9 % / 0.3 % | 8 % / 0.7 % |
| landmarks as cells to splat to and slice from | 3 to 14 % / 5 % | 10 % / 8 % |
| every pixel hears of the landmarks alone | 17 to 31 % / 9 to 13 % | 41 % / 17 % |
| windows of 11 x 11 to 15 x 15, dilated or not (ConvCRF) | 22 to 57 % / 16 to 42 % | |

With D, on probabilities that are drawn anew for every pixel, four photographs of 64 x 64 have 4 to
6 % and 0.1 to 0.6 % (without it 5 to 9 % and 0.1 to 0.5 %), one of 240 x 180 has 5 % and 0.1 % (3 %
and 0.1 %).

Ten iterations for 12 classes take 29 ms of one processor at 64 x 64 (exactly: 87) and 386 ms at
240 x 180 (exactly, with rows of the kernel computed anew for each iteration: 26 s), where the
matrix has 76 MB a picture; `applications/benchmark.py fields` measures it. It is symmetric and of
matrix products alone, so that gradients pass, batches are of any size, and every engine and the
SavedModel have it; a permutohedral lattice hashes, which graphs cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_positive,
    check_whole,
)
from keras_classics.core.registration import registered
from keras_classics.core.shapes import agree
from keras_classics.core.types import Config, Shape, Tensor, Whole
from keras_classics.layers.image.image_layer import ImageLayer

# Added among landmarks, of which some are alike: 32 bits hold what remains.
_JITTER = 1e-3
_LEAST = 1e-6
# What lies beyond is as good as 0 or without end, and in single precision its squares are.
_SMALLEST, _LARGEST = 1e-9, 1e9


@registered
class MeanFieldCRF(ImageLayer):
    """Refines the logits of pixels by what like pixels say, in some iterations of mean field.

    Called on `[logits, image]`, `(batch, height, width, classes)` and `(batch, height, width, 3)`
    with colours of 0 to 255; gives logits, of any size of pictures and in float32 inside. Gradients
    pass to the logits and to the weights, not to the image. As in the released program each pixel
    also hears itself.

    Args:
        iterations: In training; 5 in the paper.
        inference_iterations: Otherwise; 10 in the paper.
        spatial_width: Standard deviation of the spatial kernel in pixels.
        bilateral_width: That of the bilateral kernel's positions, in pixels.
        colour_width: That of its colours, of 0 to 255.
        filtering: `"landmarks"` or `"exact"`; see the module. Their weights are the same.
        grid: Rows and columns of landmarks; memory is `4 height width grid^2` bytes a picture.
        normalization: `"after"` divides what a kernel gathers by what it gathers of ones, as the
            released program; `"symmetric"` by the roots of both ends' sums, as pydensecrf.

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        logits = np.zeros((1, 16, 24, 5), "float32")
        image = np.zeros((1, 16, 24, 3), "float32")  # of 0 to 255
        layer = kc.layers.MeanFieldCRF(iterations=5, grid=5)
        layer([logits, image]).shape  # (1, 16, 24, 5)
        ```
    """

    # Logits less what others say, whatever that is made of.
    linear_output = True

    @checked
    def __init__(
        self,
        iterations: Whole = 5,
        inference_iterations: Whole = 10,
        *,
        spatial_width: float = 3.0,
        bilateral_width: float = 160.0,
        colour_width: float = 3.0,
        filtering: str = "landmarks",
        grid: Whole = 21,
        normalization: str = "after",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice("filtering", filtering, ("landmarks", "exact"))
        check_choice("normalization", normalization, ("after", "symmetric"))
        self.iterations = check_whole("iterations", iterations)
        self.inference_iterations = check_whole("inference_iterations", inference_iterations)
        self.spatial_width = checked_factor("spatial_width", spatial_width)
        self.bilateral_width = checked_factor("bilateral_width", bilateral_width)
        self.colour_width = checked_factor("colour_width", colour_width)
        self.filtering = filtering
        self.grid = check_whole("grid", grid, 2)
        self.normalization = normalization

    def build(self, input_shape: list[Shape]) -> None:
        """Weights of 1 for both kernels of each class; classes are compatible with themselves.

        Raises:
            InputError: It is not called on logits and a picture of their height and width.
        """
        shapes = self._checked_shapes(input_shape)
        classes = shapes[0][-1]
        # Half precision would not hold sums over pixels: all is computed in single.
        kind = {"dtype": "float32", "autocast": False}
        self.spatial = self.add_weight((classes,), "ones", name="spatial", **kind)
        self.bilateral = self.add_weight((classes,), "ones", name="bilateral", **kind)
        self.compatibility = self.add_weight(
            (classes, classes), _MinusIdentity(), name="compatibility", **kind
        )

    def call(self, inputs: list[Tensor], training: bool = False) -> Tensor:
        """The refined logits."""
        logits, image = inputs
        self._checked_shapes([tuple(each.shape) for each in inputs])
        unary = ops.cast(logits, "float32")
        image = ops.stop_gradient(ops.cast(image, "float32"))
        # What has no colour would leave no matrix of landmarks: its picture alone has no answer.
        sound = ops.all(ops.isfinite(image), axis=-1, keepdims=True)
        unary = ops.where(sound, unary, float("nan"))
        image = ops.where(sound, image, 0.0)
        batch, height, width, classes = ops.shape(unary)
        near = _Spatial(height, width, self.spatial_width)
        alike = _FILTERS[self.filtering](self, image)
        kernels = [
            (_Normalized(each, image, self.normalization), weight)
            for each, weight in ((near, self.spatial), (alike, self.bilateral))
        ]
        refined = unary
        for _ in range(self.iterations if training else self.inference_iterations):
            likely = ops.softmax(refined, axis=-1)
            message = sum(weight * kernel(likely) for kernel, weight in kernels)
            refined = unary - ops.matmul(message, self.compatibility)
        return ops.cast(refined, self.compute_dtype)

    def _checked_shapes(self, given: Sequence[Any]) -> list[Shape]:
        """The shapes of logits and picture, as far as they are known."""
        # Of a single tensor it is numbers.
        shapes = [tuple(shape) if isinstance(shape, Sequence) else (shape,) for shape in given]
        fit = len(shapes) == 2 and all(len(shape) == 4 for shape in shapes) and shapes[1][-1] == 3
        sides = [shape[:3] for shape in shapes]
        if not fit or not agree(*sides) or any(0 in side[1:] for side in sides):
            raise InputError(
                f"{self.name!r} was called on shapes {list(given)}",
                "[logits, image], (batch, height, width, classes) and (..., 3), of one size",
                "Give both, the picture with colours of 0 to 255.",
            )
        return shapes

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """That of the logits."""
        return tuple(input_shape[0])

    def get_config(self) -> Config:
        """The constructor's arguments."""
        names = ("iterations", "inference_iterations", "spatial_width", "bilateral_width",
                 "colour_width", "filtering", "grid", "normalization")  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@registered
class _MinusIdentity(keras.initializers.Identity):
    """The Potts model but for a constant: what is said of a class speaks for it."""

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Tensor:
        return -super().__call__(shape, dtype)


class _Spatial:
    """The Gaussian of positions, exactly: one along each axis."""

    def __init__(self, height: Any, width: Any, deviation: float) -> None:
        self.rows, self.columns = (self._along(side, deviation) for side in (height, width))

    def __call__(self, x: Tensor) -> Tensor:
        x = ops.einsum("hk,bkwc->bhwc", self.rows, x)
        return ops.einsum("wk,bhkc->bhwc", self.columns, x)

    @staticmethod
    def _along(side: Any, deviation: float) -> Tensor:
        places = ops.cast(ops.arange(side), "float32") / deviation
        return ops.exp(-0.5 * ops.square(places[:, None] - places[None]))


class _Bilateral:
    """The Gaussian of positions and colours, as a matrix that is multiplied by."""

    def __init__(self, layer: MeanFieldCRF, image: Tensor) -> None:
        batch, height, width, _ = ops.shape(image)
        self.shape = batch, height, width
        rows, columns = (ops.cast(ops.arange(side), "float32") for side in (height, width))
        ones = ops.ones_like(image[..., :1])
        places = [ones * rows[None, :, None, None], ones * columns[None, None, :, None]]
        self.maps = ops.concatenate(
            [
                ops.concatenate(places, axis=-1) / layer.bilateral_width,
                image / layer.colour_width,
            ],
            axis=-1,
        )
        self.features = ops.reshape(self.maps, (batch, height * width, 5))
        self.prepare(layer)

    def prepare(self, layer: MeanFieldCRF) -> None:
        """Compute what every iteration multiplies by."""
        self.matrix = _gaussian(self.features, self.features)

    def __call__(self, x: Tensor) -> Tensor:
        batch, height, width = self.shape
        flat = ops.reshape(x, (batch, height * width, x.shape[-1]))
        return ops.reshape(self.product(flat), (batch, height, width, x.shape[-1]))

    def product(self, x: Tensor) -> Tensor:
        """The kernel times `(batch, pixels, classes)`."""
        return ops.matmul(self.matrix, x)


class _Landmarks(_Bilateral):
    """The same of low rank."""

    def prepare(self, layer: MeanFieldCRF) -> None:
        batch, height, width = self.shape
        chosen = self.maps
        for axis, side in ((1, height), (2, width)):
            # The middles of equal parts, as many whatever the size: compilers meet one shape.
            middles = (ops.arange(layer.grid, dtype="float32") + 0.5) / layer.grid
            places = ops.cast(ops.floor(middles * ops.cast(side, "float32")), "int32")
            chosen = ops.take(chosen, places, axis=axis)
        landmarks = ops.reshape(chosen, (batch, layer.grid**2, 5))
        among = _gaussian(landmarks, landmarks) + _JITTER * ops.eye(layer.grid**2)
        factor = ops.cholesky(among)
        self.matrix = ops.stop_gradient(
            ops.solve_triangular(factor, _gaussian(landmarks, self.features), lower=True)
        )
        # What is like no landmark is like itself: small things of a colour of their own.
        self.own = ops.maximum(1.0 - ops.sum(ops.square(self.matrix), axis=1), 0.0)[..., None]

    def product(self, x: Tensor) -> Tensor:
        """Down to the landmarks and up again."""
        told = ops.matmul(ops.swapaxes(self.matrix, 1, 2), ops.matmul(self.matrix, x))
        return told + self.own * x


class _Normalized:
    """A kernel whose sums are made 1, or nearly."""

    def __init__(self, kernel: Any, image: Tensor, way: str) -> None:
        self.kernel, self.way = kernel, way
        # What is of low rank may say a little less than nothing.
        self.total = ops.maximum(kernel(ops.ones_like(image[..., :1])), _LEAST)

    def __call__(self, x: Tensor) -> Tensor:
        if self.way == "after":
            return self.kernel(x) / self.total
        root = ops.rsqrt(self.total)
        return root * self.kernel(root * x)


_FILTERS = {"exact": _Bilateral, "landmarks": _Landmarks}


def checked_factor(argument: str, value: object) -> float:
    """A width or weight that single precision can reckon with.

    Args:
        argument: Name of the argument.
        value: What was given.

    Raises:
        InputError: It is no number, or so small or large that nothing could be told from 0 or from
            infinity.
    """
    factor = check_positive(argument, value)
    if _SMALLEST <= factor <= _LARGEST:
        return factor
    raise InputError(
        f"{argument}={factor:g} was given",
        f"a number from {_SMALLEST:g} to {_LARGEST:g}",
        f"Leave {argument} out for the default.",
    )


def _gaussian(one: Tensor, other: Tensor) -> Tensor:
    """`exp(-|f - g|^2 / 2)` of all pairs of features."""
    distances: Any = 0.0
    # Not by products: of large squares their small difference would keep few digits, and the matrix
    # of landmarks would not be positive.
    for axis in range(one.shape[-1]):
        distances += ops.square(one[:, :, None, axis] - other[:, None, :, axis])
    return ops.exp(-0.5 * distances)
