"""The grammar of layers' names, and models that share an input without sharing names.

A layer of the catalogue is called after its place: `stage2_block1_conv2`, `head_pool`,
`predictions`. Keras wants every name of a graph once. Where a builder is called on a tensor whose
graph holds a model of the catalogue already, the layers of the new one have its name before theirs:
`resnet_18__stage2_block1_conv2`. Whoever reads the grammar reads the `own_name` behind it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count

import keras

from keras_classics.core.graphs.graph import connected_names, inputs_of, rebuilt
from keras_classics.core.keras_internals import deep_graphs
from keras_classics.core.types import Tensor

GRAMMAR = re.compile(r"stem_|stage\d|head_|logits|predictions|auxiliary")
_BETWEEN = "__"


def own_name(name: str) -> str:
    """A layer's name by the grammar, without that of a model before it."""
    return name.rpartition(_BETWEEN)[2]


@deep_graphs()
def built_on(tensor: Tensor, build: Callable[[Tensor], keras.Model]) -> keras.Model:
    """Build a model on a tensor, under names that are still free there.

    Args:
        tensor: What it is built on, an input or not.
        build: From a tensor to the model on it.

    Returns:
        The model; its layers' names have the model's before them where others of the same names
        stand in the tensor's graph.
    """
    taken = connected_names(tensor)
    if not any(GRAMMAR.match(own_name(name)) for name in taken):
        return build(tensor)
    # Built aside, where its weights find the names they know, and then put in place.
    aside = keras.Input(tensor.shape[1:], dtype=tensor.dtype, name="image")
    model = build(aside)
    names = {layer.name for layer in model.layers}
    prefix = _free_prefix(model.name, names, taken) if names & taken else ""
    pairs: list[tuple[keras.layers.Layer, keras.layers.Layer]] = []

    def renamed(layer: keras.layers.Layer) -> keras.layers.Layer:
        named = {"name": f"{prefix}{layer.name}"}
        pairs.append((type(layer).from_config(layer.get_config() | named), layer))
        return pairs[-1][0]

    outputs = rebuilt(model.outputs, {id(aside): tensor}, renamed)
    for made, layer in pairs:
        made.set_weights(layer.get_weights())
    return keras.Model(
        inputs_of(tensor),
        keras.tree.pack_sequence_as(model.output, outputs),
        name=model.name,
    )


def _free_prefix(model: str, names: set[str], taken: set[str]) -> str:
    prefixes = (f"{model}{f'_{number}' if number else ''}{_BETWEEN}" for number in count())
    return next(
        prefix for prefix in prefixes if not any(f"{prefix}{name}" in taken for name in names)
    )
