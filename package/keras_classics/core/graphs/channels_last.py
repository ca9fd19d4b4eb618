"""Channels last, as everything here has them; what has them first is told so, in one sentence."""

from __future__ import annotations

import keras

from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.graphs.graph import has_graph


def check_setting() -> None:
    """Refuse to build while Keras is set to channels first.

    Raises:
        InputError: It is.
    """
    if keras.config.image_data_format() == "channels_first":
        raise _refusal("Keras is set to image_data_format='channels_first'")


def check_format(data_format: str | None) -> None:
    """Refuse a layer's `data_format` that is not `"channels_last"`, the default.

    Raises:
        InputError: It is another.
    """
    remedy = "Leave data_format out, and put the channels last: keras.ops.moveaxis(x, 1, -1)."
    check_choice("data_format", data_format or "channels_last", ("channels_last",), remedy)


def check_layers(model: keras.Model) -> None:
    """Refuse a model that has its channels first, in nested models too.

    Raises:
        InputError: A layer of it has.
    """
    for layer in model.layers:
        if has_graph(layer):
            check_layers(layer)
        elif getattr(layer, "data_format", None) == "channels_first":
            raise _refusal(f"The layer {layer.name!r} has its channels first")


def _refusal(given: str) -> InputError:
    return InputError(
        given,
        "models with channels last, (batch, height, width, channels)",
        "Call keras.config.set_image_data_format('channels_last') and build the model again; "
        "its weights fit.",
    )
