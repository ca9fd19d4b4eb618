"""A random field over a segmenter: trained with it as one network, or laid over its answers."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.cards.image_builder import inline
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.graphs.graph import functional
from keras_classics.core.keras_internals import deep_graphs
from keras_classics.core.types import Tensor, Whole
from keras_classics.layers.image.crf import MeanFieldCRF, checked_factor
from keras_classics.models.dense.segment import SHARED_OUT, are_probabilities, check_segmenter

# Probabilities of 0 would forbid a class for good.
_LEAST_PROBABILITY = 1e-8


@deep_graphs()
@checked
def crf_rnn(
    unary_model: keras.Model,
    *,
    iterations: Whole = 5,
    inference_iterations: Whole = 10,
    spatial_width: float = 3.0,
    bilateral_width: float = 160.0,
    colour_width: float = 3.0,
    filtering: str = "landmarks",
    grid: Whole = 21,
    colours: tuple[float, float] = (127.5, 127.5),
    train_unary: bool = True,
    name: str = "crf_rnn",
) -> keras.Model:
    """CRF-RNN on any segmenter: both learn together, or the field alone.

    Zheng et al., ICCV 2015, who start from a trained FCN-8s and train at a very small rate.

    Args:
        unary_model: From pictures `(batch, height, width, 3)` to logits `(batch, height, width,
            classes)`, such as `kc.models.fcn`. Its layers are inlined and shared, not copied.
        iterations: Of mean field in training.
        inference_iterations: Otherwise.
        spatial_width: See `kc.layers.MeanFieldCRF`, as for what follows.
        bilateral_width: In pixels.
        colour_width: Of 0 to 255.
        filtering: `"landmarks"` or `"exact"`.
        grid: Rows and columns of landmarks.
        colours: What the pictures of the model are multiplied by, and what is added, to have
            colours of 0 to 255; the default is for pictures of -1 to 1.
        train_unary: False freezes the segmenter, whose layers are shared: they stay frozen outside
            too, until `unary_model.trainable = True`.
        name: Name of the model.

    Returns:
        A functional model of the same pictures to refined logits, float32.

    Raises:
        InputError: The segmenter does not give logits of its pictures' size, of two classes or
            more.

    Example:
        ```python
        trunk = kc.models.VGG11(include_top=False, input_shape=(None, None, 3), width=0.125)
        segmenter = kc.models.fcn(trunk, 5, 8)  # to be trained before
        model = kc.models.crf_rnn(segmenter, grid=5)
        kc.training.compile_segmenter(model, keras.optimizers.SGD(1e-3))
        model(np.zeros((1, 32, 48, 3))).shape  # (1, 32, 48, 5)
        ```
    """
    unary_model = functional(unary_model)
    check_segmenter(unary_model, coloured=True, logits=True)
    if not train_unary:
        unary_model.trainable = False
    image = keras.Input(unary_model.inputs[0].shape[1:], name="image")
    scale, offset = colours
    coloured = layers.Rescaling(scale, offset, dtype="float32", name="head_colours")(image)
    refined = MeanFieldCRF(
        iterations, inference_iterations,
        spatial_width=spatial_width, bilateral_width=bilateral_width, colour_width=colour_width,
        filtering=filtering, grid=grid, dtype="float32", name="crf",
    )([inline(unary_model, image), coloured])  # fmt: skip
    return keras.Model(image, refined, name=name)


@checked
def dense_crf(
    images: Sequence[np.ndarray] | np.ndarray,
    probabilities: Sequence[np.ndarray] | np.ndarray,
    *,
    iterations: Whole = 10,
    spatial_width: float = 3.0,
    spatial_weight: float = 3.0,
    bilateral_width: float = 80.0,
    colour_width: float = 13.0,
    bilateral_weight: float = 10.0,
    filtering: str = "landmarks",
    grid: Whole = 21,
) -> list[np.ndarray]:
    """A fully connected random field over what a trained network said, without learning.

    The conventions are pydensecrf's: energies are `-log p`, classes are Potts's, kernels are
    normalised from both ends, and the defaults are its customary `sxy=3, compat=3` and `sxy=80,
    srgb=13, compat=10`. A probability of 0 counts as 1e-8.

    Args:
        images: uint8 `(height, width, 3)` each.
        probabilities: Of the classes of their pixels, `(height, width, classes)` each.
        iterations: Of mean field.
        spatial_width: Standard deviation of the kernel of positions, in pixels.
        spatial_weight: How much it counts.
        bilateral_width: That of the kernel of positions and colours in positions, in pixels.
        colour_width: And in colours, of 0 to 255.
        bilateral_weight: How much that kernel counts.
        filtering: `"landmarks"` or `"exact"`; see `kc.layers.MeanFieldCRF`.
        grid: Rows and columns of landmarks.

    Returns:
        Of each picture float32 probabilities `(height, width, classes)`.

    Raises:
        InputError: Pictures and probabilities do not fit.

    Example:
        ```python
        image = np.zeros((16, 24, 3), "uint8")
        image[:, 12:] = 255
        probabilities = np.where(image[..., :1] > 0, [0.3, 0.7], [0.7, 0.3])
        probabilities[8, 5] = 0.1, 0.9  # one dark pixel is taken for a light one
        (refined,) = kc.models.dense_crf([image], [probabilities])  # (16, 24, 2)
        refined[8, 5].argmax()  # 0, as around it
        ```
    """
    iterations = check_whole("iterations", iterations)
    weights = [
        checked_factor("spatial_weight", spatial_weight),
        checked_factor("bilateral_weight", bilateral_weight),
    ]

    @functools.cache
    def field(classes: int) -> MeanFieldCRF:
        made = MeanFieldCRF(
            iterations, iterations,
            spatial_width=spatial_width, bilateral_width=bilateral_width, colour_width=colour_width,
            filtering=filtering, grid=grid, normalization="symmetric", dtype="float32",
        )  # fmt: skip
        made.build([(None, None, None, classes), (None, None, None, 3)])
        for weight, value in zip((made.spatial, made.bilateral), weights, strict=True):
            weight.assign(np.full(classes, value))
        return made

    found = []
    if len(images) != len(probabilities):
        raise _unfit(f"{len(images)} pictures and {len(probabilities)} answers were given")
    for number, (image, said) in enumerate(zip(images, probabilities, strict=True)):
        said = np.asarray(said, "float32")
        image = np.asarray(image)
        if said.ndim != 3 or not said.size or image.shape != (*said.shape[:2], 3):
            raise _unfit(f"Picture {number} has shape {image.shape}, its answer {said.shape}")
        if image.dtype != "uint8":
            raise _unfit(f"Picture {number} has values of type {image.dtype}")
        if not are_probabilities(said):
            raise _unfit(
                f"The answer for picture {number} has values that are no probabilities, which add "
                "up to 1 at each pixel"
            )
        unary = np.log(np.maximum(said, _LEAST_PROBABILITY))
        refined: Tensor = field(said.shape[-1])([unary[None], image[None].astype("float32")])
        found.append(keras.ops.convert_to_numpy(keras.ops.softmax(refined[0])))
    return found


def _unfit(given: str) -> InputError:
    return InputError(
        given,
        "uint8 pictures (height, width, 3) and probabilities (height, width, classes)",
        f"Give what kc.models.segment says, {SHARED_OUT}; and the pictures it was said of.",
    )
