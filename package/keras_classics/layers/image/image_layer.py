"""What layers of maps have in common: the channels are the last axis."""

from __future__ import annotations

from typing import Any

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.graphs.channels_last import check_setting


class ImageLayer(keras.layers.Layer):
    """A layer of maps `(batch, height, width, channels)`.

    Raises:
        InputError: Keras is set to channels first.
    """

    @checked
    def __init__(self, **kwargs: Any) -> None:
        check_setting()
        super().__init__(**kwargs)
