"""Image captioners: a convolutional encoder and a recurrent decoder, assembled.

The default is the course's form: the encoder's vector sets the initial state of one GRU of 512
units, which is fed its own previous word. `start_from="first_input"` with `cell="lstm"` is Show
and Tell (Vinyals et al., CVPR 2015, arXiv:1411.4555); `attention="additive"` is the soft attention
of Show, Attend and Tell (Xu et al., ICML 2015, arXiv:1502.03044).
"""

from __future__ import annotations

from typing import Any

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.model_files import load_model
from keras_classics.core.cards.catalogue import create_model
from keras_classics.core.cards.image_builder import inline
from keras_classics.core.errors import InputError, check_choice, check_pair
from keras_classics.core.graphs.channels_last import check_layers
from keras_classics.core.keras_internals import deep_graphs
from keras_classics.core.types import Name
from keras_classics.layers.recurrent.decoder import RecurrentDecoder

DECODER = "decoder"


@checked
def picture_encoder(
    name: str,
    size: int | tuple[int, int],
    *,
    layer: str | None = None,
    as_map: bool = False,
    **builder_arguments: Any,
) -> keras.Model:
    """The part of a classifier that describes a picture, for `captioner`.

    Args:
        name: Of a model of the catalogue, or a `.keras` file, whose output describes by default.
        size: Side of the pictures, or height and width, for a model of the catalogue.
        layer: Whose output describes; of the catalogue's models by default the last map with
            `as_map`, and otherwise what the classifier reads.
        as_map: Whether a map `(batch, height, width, features)` is wanted, for attention.
        **builder_arguments: Of the model of the catalogue, such as `width=0.5`.

    Raises:
        InputError: The name is unknown, the file is none, or there is no such layer.
    """
    if name.endswith(".keras"):
        model = load_model(name)
    else:
        shape = (*check_pair("size", size), 3)
        model = create_model(name, include_top=not as_map, input_shape=shape, **builder_arguments)
        if not layer and not as_map:
            return keras.Model(model.inputs, model.get_layer("predictions").input)
    if not layer:
        return model
    known = tuple(each.name for each in model.layers)
    check_choice("layer", layer, known)
    return keras.Model(model.inputs, model.get_layer(layer).output)


@deep_graphs()
@checked
def captioner(
    encoder: keras.Model,
    vocabulary_size: int,
    units: int = 512,
    cell: str = "gru",
    attention: str | None = None,
    *,
    train_encoder: bool = True,
    name: Name = "captioner",
    **decoder_arguments: Any,
) -> keras.Model:
    """Assemble a captioner from any image model and a recurrent decoder.

    Args:
        encoder: Any Keras model from one image to a vector `(batch, features)`, or with attention
            to a map `(batch, height, width, features)`. Its layers are inlined and shared, not
            copied: what trains here trains there.
        vocabulary_size: Number of token ids.
        units: Width of the recurrent state.
        cell: A key of `kc.layers.RECURRENT_LAYERS`: `"gru"` (the course's), `"gru_reset_after"`,
            `"lstm"`, `"elman"`, `"lstm_peephole"`, `"multiplicative"`, `"highway"`, ...
        attention: `None` or `"additive"`.
        train_encoder: False freezes the encoder (its normalisation statistics too); its features
            can then be computed once, see `split_captioner`.
        name: Name of the model.
        **decoder_arguments: Further arguments of `kc.layers.RecurrentDecoder`.

    Returns:
        A functional model `{"image": (batch, height, width, channels), "target_in": (batch, time)}`
        to logits `(batch, time, vocabulary_size)`.

    Raises:
        InputError: The encoder does not turn one image into one encoding that fits the decoder.

    Example:
        ```python
        encoder = kc.models.VGG11(
            include_top=False, pooling="avg", input_shape=(32, 32, 3), width=0.125
        )
        model = kc.models.captioner(encoder, 50, units=16)
        inputs = {"image": np.zeros((2, 32, 32, 3)), "target_in": np.ones((2, 7), "int32")}
        model(inputs).shape  # (2, 7, 50)
        ```
    """
    if len(encoder.inputs) != 1 or len(encoder.outputs) != 1:
        raise InputError(
            f"An encoder with {len(encoder.inputs)} inputs and {len(encoder.outputs)} outputs "
            "was given",
            "one input and one output",
            "Build a sub-model: keras.Model(model.inputs, model.get_layer(...).output).",
        )
    check_layers(encoder)
    encoder.trainable = train_encoder
    source = encoder.inputs[0]
    image = keras.Input(source.shape[1:], dtype=source.dtype, name="image")
    target_in = keras.Input((None,), dtype="int32", name="target_in")
    decoder = RecurrentDecoder(
        vocabulary_size, units, cell, attention, name=DECODER, **decoder_arguments
    )
    logits = decoder(target_in, inline(encoder, image))
    return keras.Model({"image": image, "target_in": target_in}, logits, name=name)


@deep_graphs()
@checked
def split_captioner(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Take a captioner apart, sharing all weights; works on a loaded file.

    Returns:
        The encoder, image to encoding, and the decoder's training model
        `{"encoded", "target_in"} -> logits`. With a frozen encoder, encode every image once and
        train the second on the stored encodings.
    """
    decoder = model.get_layer(DECODER)
    target_in, encoded = decoder.input
    encoder = keras.Model(_named(model, "image"), encoded, name=f"{model.name}_encoder")
    stored = keras.Input(encoded.shape[1:], dtype=encoded.dtype, name="encoded")
    tokens = keras.Input((None,), dtype="int32", name="target_in")
    trainer = keras.Model(
        {"encoded": stored, "target_in": tokens},
        decoder(tokens, stored),
        name=f"{model.name}_decoder",
    )
    return encoder, trainer


def _named(model: keras.Model, name: str) -> keras.KerasTensor:
    return next(tensor for tensor in model.inputs if tensor.name == name)
