"""Channel orders of ResNets whose option A shortcuts put zeros on both sides.

Our `ZeroPaddedShortcut` appends zeros, as the paper's authors do. Much PyTorch code puts half of
them in front: the same network with its channels in another order, from the first such shortcut
to the classifier. Reordering the weights makes the two equal.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import keras
import numpy as np

from keras_classics.core.graphs.layer_names import own_name
from keras_classics.layers.image.shortcuts import ZeroPaddedShortcut
from keras_classics.weights.naming import weighted


class Order(NamedTuple):
    """For each of our channels, its place in a network with zeros on both sides."""

    inputs: np.ndarray | None
    outputs: np.ndarray | None


def channel_orders(model: keras.Model) -> dict[str, Order]:
    """The orders in which layers read and write their channels.

    Args:
        model: A ResNet of ours.

    Returns:
        Orders by the layers' own names, for the layers that touch a reordered stage.
    """
    streams = _streams(model)
    orders = {}
    names = [own_name(layer.name) for layer in weighted(model)]
    for name in names:
        if found := re.fullmatch(r"(stage(\d+)_block(\d+))_(conv|norm)(\d)", name):
            prefix, stage, block, depth = found[1], int(found[2]), int(found[3]), int(found[5])
            last = f"{prefix}_conv{depth + 1}" not in names
            before = streams.get(stage - 1 if block == 1 else stage)
            orders[name] = Order(
                before if depth == 1 and found[4] == "conv" else None,
                streams.get(stage) if last else None,
            )
    return orders | {"predictions": Order(streams.get(max(streams, default=0)), None)}


def reordered(values: np.ndarray, order: Order) -> np.ndarray:
    """A kernel `(..., inputs, outputs)` or vector `(outputs,)` in our order of channels."""
    if order.outputs is not None:
        values = values[..., order.outputs]
    if order.inputs is not None and values.ndim > 1:
        values = values[..., order.inputs, :]
    return values


def _streams(model: keras.Model) -> dict[int, np.ndarray]:
    """The order of the channels between the blocks of each stage with a padded shortcut."""
    streams: dict[int, np.ndarray] = {}
    for layer in model.layers:
        if isinstance(layer, ZeroPaddedShortcut):
            stage = int(re.findall(r"^stage(\d+)", own_name(layer.name))[0])
            channels = layer.input.shape[-1]
            before = streams.get(stage - 1, np.arange(channels))
            kept = before + (layer.filters - channels) // 2
            zeros = np.setdiff1d(np.arange(layer.filters), kept)
            streams[stage] = np.concatenate([kept, zeros])
    return streams
