"""Training that knows the numbers will have eight bits.

Every convolution and dense layer computes with weights and inputs that are rounded as the file will
round them (`kc.layers.FakeQuantConv2D`). Jacob et al., "Quantization and training of neural
networks for efficient integer-arithmetic-only inference", CVPR 2018, arXiv:1712.05877.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.graphs.graph import ancestry, functional, same_layer
from keras_classics.core.keras_internals import deep_graphs
from keras_classics.core.types import Whole
from keras_classics.export.few_bits.samples import checked_samples
from keras_classics.export.folding import fold
from keras_classics.layers.image.fake_quant import FakeQuantConv2D, FakeQuantDense

_BATCH = 32

_ROUNDING: dict[type[keras.layers.Layer], type[keras.layers.Layer]] = {
    keras.layers.Conv2D: FakeQuantConv2D,
    keras.layers.Dense: FakeQuantDense,
}


@deep_graphs()
@checked
def quantization_aware(model: keras.Model, data: ArrayLike, *, bits: Whole = 8) -> keras.Model:
    """A model that computes as its file in few bits will, to be trained on.

        aware = kc.export.quantization_aware(model, pictures[:200])
        aware.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy")
        aware.fit(pictures, classes, epochs=3)
        kc.export.quantize(aware, "resnet.onnx", pictures[:200], labels=classes[:200])

    Normalisations are folded away first, as in the file; so take a trained model, and a small rate
    of learning. Kernels are rounded filter by filter, inputs of layers within the range seen, which
    follows the batches of training. What is no plain `Conv2D` or `Dense`, or is called twice, stays
    as it is.

    Args:
        model: A functional or built sequential model, trained. It stays as it is.
        data: Samples of what it takes, by which the ranges start.
        bits: Of weights and activations, 2 to 16. A file of `quantize` has eight.

    Returns:
        A functional model with weights of its own, which `quantize` takes.

    Raises:
        InputError: The model has no graph of layers, more than one input or nothing to round, the
            data are of another shape or kind, or an argument is not admitted.

    Example:
        ```python
        pictures = np.random.default_rng(0).uniform(0, 1, (8, 32, 32, 3)).astype("float32")
        model = kc.create_model("lenet_5_modern", classes=10, input_shape=(32, 32, 3))
        aware = kc.export.quantization_aware(model, pictures)
        ```
    """
    bits = check_whole("bits", bits, 2)
    if bits > 16:
        raise InputError(f"bits={bits} was given", "2 to 16", "Use 8, as files have.")
    plain = fold(functional(model))
    nodes = [node for node in ancestry(plain.outputs) if not node.is_input]
    calls = Counter(node.operation.name for node in nodes)
    inputs = {
        node.operation.name: node.input_tensors[0]
        for node in nodes
        if type(node.operation) in _ROUNDING and calls[node.operation.name] == 1
    }
    if len(plain.inputs) != 1 or not inputs:
        raise InputError(
            f"{model.name!r} with {len(plain.inputs)} inputs and {len(inputs)} plain Conv2D "
            "and Dense layers was given",
            "a model of one input, with such layers",
            "Train the part of it that is one.",
        )

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer.name not in inputs:
            return same_layer(layer)
        return _ROUNDING[type(layer)].from_config({**layer.get_config(), "bits": bits})

    (image,) = plain.inputs
    samples = checked_samples("data", data, tuple(image.shape[1:]), image.dtype)
    ranges = _ranges(plain, inputs, samples)
    aware = keras.models.clone_model(plain, clone_function=clone)
    for layer in aware.layers:
        weights = plain.get_layer(layer.name).get_weights()
        layer.set_weights([*weights, ranges[layer.name]] if layer.name in inputs else weights)
    return aware


def plainly(model: keras.Model) -> keras.Model:
    """A model of `quantization_aware` without the rounding; another model as it is."""
    plain = {rounding: kind for kind, rounding in _ROUNDING.items()}
    if not any(type(layer) in plain for layer in model.layers):
        return model

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if type(layer) not in plain:
            return same_layer(layer)
        config = layer.get_config()
        del config["bits"]
        return plain[type(layer)].from_config(config)

    found = keras.models.clone_model(model, clone_function=clone)
    for layer in found.layers:
        source = model.get_layer(layer.name)
        weights = source.get_weights()
        # The range comes last: it is no trainable weight.
        layer.set_weights(weights[:-1] if type(source) in plain else weights)
    return found


def _ranges(model: keras.Model, tensors: dict[str, Any], data: np.ndarray) -> dict[str, np.ndarray]:
    """The least and the largest number of each tensor, and 0 in any case."""
    asking = keras.Model(model.input, list(tensors.values()))
    found = {name: np.zeros(2, "float32") for name in tensors}
    for first in range(0, len(data), _BATCH):
        seen = asking(data[first : first + _BATCH], training=False)
        for name, tensor in zip(found, keras.tree.flatten(seen), strict=True):
            array = ops.convert_to_numpy(tensor)
            low, high = found[name]
            found[name] = np.array([min(low, array.min()), max(high, array.max())], "float32")
    return found
