"""A convolutional neural fabric that answers for every pixel: zipped up instead of down.

Saxena, Verbeek, "Convolutional neural fabrics", NIPS 2016: the trellis is that of
`models/image/fabric.py`, but the last layer gathers all scales in the finest, each node adding what
the next coarser one of its layer says, and a 1x1 convolution scores the classes there.
"""

from __future__ import annotations

from functools import partial

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_choice, check_whole
from keras_classics.core.types import Whole
from keras_classics.models.image.fabric import (
    CONVOLUTIONS,
    FINEST,
    dense_convolution,
    first_layer,
    next_layer,
)


@checked
def pixel_fabric(
    classes: Whole,
    *,
    depth: Whole = 4,
    channels: Whole = 32,
    scales: Whole = 5,
    connectivity: str = "dense",
    image_channels: Whole = 3,
    name: str = "pixel_fabric",
) -> keras.Model:
    """A fabric for the class of every pixel.

    Args:
        classes: Number of classes, the background among them.
        depth: Layers of the trellis, 2 and more: the first fills the coarser scales, the last
            gathers them.
        channels: Of every node.
        scales: Of the trellis; each halves the one before.
        connectivity: `"dense"`, or `"sparse"`, in which a channel sees itself and its neighbours.
        image_channels: Of the pictures.
        name: Name of the model.

    Returns:
        A functional model of pictures `(batch, height, width, image_channels)` of any size to
        logits `(batch, height, width, classes)`, float32.

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        model = kc.models.pixel_fabric(3, depth=2, channels=8, scales=3)
        logits = model(np.zeros((1, 33, 47, 3), "float32"))  # (1, 33, 47, 3)
        ```
    """
    check_choice("connectivity", connectivity, tuple(CONVOLUTIONS))
    classes, depth = check_whole("classes", classes, 2), check_whole("depth", depth, 2)
    channels, scales = check_whole("channels", channels), check_whole("scales", scales)
    convolve = partial(CONVOLUTIONS[connectivity], channels=channels)
    image = keras.Input((None, None, check_whole("image_channels", image_channels)), name="image")
    stem = dense_convolution(image, channels=channels, name="stem_conv")
    nodes = first_layer(stem, scales, convolve)
    for layer in range(2, depth + 1):
        nodes = next_layer(nodes, layer, convolve, collect=FINEST if layer == depth else None)
    logits = layers.Conv2D(classes, 1, dtype="float32", name="predictions")(nodes[0])
    return keras.Model(image, logits, name=name)
