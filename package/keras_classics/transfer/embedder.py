"""Any network as a map from pictures to points that can be compared by distance."""

from __future__ import annotations

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.types import Whole
from keras_classics.transfer.heads import replace_head


@checked
def embedder(model: keras.Model, size: Whole = 64, *, normalized: bool = True) -> keras.Model:
    """The same network with an embedding where its classifier was.

    Args:
        model: A functional or built sequential model with or without a classifier, never changed;
            the new model shares its other layers.
        size: Width of the embedding.
        normalized: Whether embeddings have length 1, so that distances are at most 2.

    Returns:
        A functional model from the old one's input to `(batch, size)`.

    Raises:
        InputError: The model has several outputs, or its classifier cannot be made anew.

    Example:
        ```python
        trunk = kc.models.VGG11(include_top=False, input_shape=(32, 32, 3), width=0.125)
        network = kc.transfer.embedder(trunk, 16)
        network.compile("adam", kc.training.TripletLoss())
        network(np.zeros((2, 32, 32, 3))).shape  # (2, 16)
        ```
    """
    new = replace_head(model, size, classifier_activation=None)
    if len(new.outputs) != 1:
        raise InputError(
            f"The model {model.name!r} has {len(new.outputs)} outputs",
            "one",
            "Build it without its auxiliary classifiers, or pass kc.transfer.features of it.",
        )
    output = new.outputs[0]
    if normalized:
        output = keras.layers.UnitNormalization(name="embedding")(output)
    return keras.Model(new.input, output, name=f"{model.name}_embedder")
