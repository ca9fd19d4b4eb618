"""Classifiers of moving pictures: any network on every frame, and what reads the frames in order.

Donahue et al., "Long-term recurrent convolutional networks for visual recognition and description",
CVPR 2015; Shi et al., "Convolutional LSTM network", NIPS 2015. Three that see no order, or two
frames of it, tell how much of a task needs more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_whole, check_wholes
from keras_classics.core.graphs.graph import functional
from keras_classics.core.types import Activation, Name, Tensor, Whole
from keras_classics.layers.recurrent.by_name import RECURRENT_LAYERS
from keras_classics.layers.recurrent.folded_time import (
    FoldTime,
    FrameDifferences,
    MiddleFrame,
    UnfoldTime,
)
from keras_classics.models.recurrent.tagger import sequence_classifier

# What reads no order of more than two frames.
BASELINES = ("frame", "mean", "differences")
# Arguments of `sequence_classifier` that follow from others here.
FIXED = {"cell", "input_size", "output_activation"}
# "jordan" feeds back classes, which an encoder has not.
CELLS = tuple(each for each in RECURRENT_LAYERS if each != "jordan")


@checked
def video_classifier(
    encoder: keras.Model,
    classes: Whole,
    *,
    over_time: str = "gru",
    units: Whole = 64,
    classifier_activation: Activation = "softmax",
    name: Name = "video_classifier",
    **network: Any,
) -> keras.Model:
    """Build a classifier of clips from a network for pictures.

    The encoder sees all frames as one batch, so batch normalisation in training is over all of
    them.

    Args:
        encoder: From pictures to vectors, of the catalogue or not; its layers are shared.
        classes: Number of classes.
        over_time: A recurrent cell of `kc.layers.RECURRENT_LAYERS`; or a baseline: `"frame"`, the
            middle frame alone; `"mean"`, the mean of all frames' vectors; `"differences"`, the mean
            of the vectors of each frame less the one before, of two frames and more.
        units: Of the recurrent layer.
        classifier_activation: Activation of the output; None for logits.
        name: Name of the model.
        **network: For a cell, as for `kc.models.sequence_classifier`: `layers`, `bidirectional`,
            `summary`, ...

    Returns:
        A functional model from `(batch, time, height, width, channels)` to `(batch, classes)`, for
        any number of frames.

    Raises:
        InputError: An argument is not admitted, or the encoder gives no vectors.

    Example:
        ```python
        encoder = kc.models.VGG11(
            include_top=False, pooling="avg", input_shape=(32, 32, 3), width=0.125
        )
        model = kc.models.video_classifier(encoder, 10, units=8)
        model(np.zeros((2, 5, 32, 32, 3))).shape  # (2, 10), of five frames
        ```
    """
    classes, units = check_whole("classes", classes), check_whole("units", units)
    check_choice("over_time", over_time, (*CELLS, *BASELINES))
    clips, features = _frames(encoder, over_time)
    if over_time in CELLS:
        if taken := sorted(FIXED & network.keys()):
            raise InputError(
                f"{taken[0]}={network[taken[0]]!r} was given",
                f"what the classifier does not set itself, as it does {', '.join(sorted(FIXED))}",
                "Give the cell as over_time, and the activation as classifier_activation.",
            )
        settings = {"bidirectional": False, "padded": False} | network
        reader = sequence_classifier(
            classes=classes, input_size=features.shape[-1], cell=over_time, units=units,
            output_activation=classifier_activation, name="reader", **settings,
        )  # fmt: skip
        return keras.Model(clips, reader(features), name=name)
    check_choice("further arguments", tuple(network), ((),), "Only recurrent layers take them.")
    if over_time != "frame":
        features = layers.GlobalAveragePooling1D(name="over_time")(features)
    output = layers.Dense(classes, classifier_activation, name="predictions")(features)
    return keras.Model(clips, output, name=name)


@checked
def video_encoder(
    encoder: keras.Model,
    *,
    over_time: str = "gru",
    units: Whole = 64,
    as_map: bool = False,
    name: Name = "video_encoder",
) -> keras.Model:
    """Build a network from clips to what a captioner says: what happens, in words.

    Its clips are then the captioner's `"image"`, `(batch, time, height, width, channels)`, and
    `kc.data.Pictures` of clips the examples of `kc.data.caption_batches`.

    Args:
        encoder: As for `video_classifier`.
        over_time: Likewise.
        units: Of the recurrent layer.
        as_map: Whether the states of all frames are kept, `(batch, time, 1, units)`, for a
            captioner with attention; otherwise the last, `(batch, units)`. Of the baselines only
            `"differences"` and `"mean"` have several, before they are brought together.
        name: Name of the model.

    Raises:
        InputError: An argument is not admitted, or the encoder gives no vectors.

    Example:
        ```python
        encoder = kc.models.VGG11(
            include_top=False, pooling="avg", input_shape=(32, 32, 3), width=0.125
        )
        model = kc.models.captioner(kc.models.video_encoder(encoder), 50, units=8)
        inputs = {"image": np.zeros((2, 5, 32, 32, 3)), "target_in": np.ones((2, 7), "int32")}
        model(inputs).shape  # (2, 7, 50)
        ```
    """
    units = check_whole("units", units)
    check_choice("over_time", over_time, (*CELLS, *BASELINES[as_map:]))
    clips, x = _frames(encoder, over_time)
    if over_time in CELLS:
        x = RECURRENT_LAYERS[over_time](units, return_sequences=as_map, name="reader")(x)
    elif over_time != "frame" and not as_map:
        x = layers.GlobalAveragePooling1D(name="over_time")(x)
    if as_map:
        x = layers.Reshape((-1, 1, x.shape[-1]), name="steps")(x)
    return keras.Model(clips, x, name=name)


@checked
def convolutional_lstm(
    input_shape: Sequence[Whole],
    classes: Whole,
    *,
    filters: Sequence[Whole] = (16, 16),
    kernel_size: Whole = 3,
    classifier_activation: Activation = "softmax",
    name: Name = "convolutional_lstm",
) -> keras.Model:
    """Build a classifier of clips whose states are maps, halved in size after each layer.

    Args:
        input_shape: Height, width and channels of a frame.
        classes: Number of classes.
        filters: Channels of the state of each layer.
        kernel_size: Of the convolutions of inputs and states.
        classifier_activation: Activation of the output; None for logits.
        name: Name of the model.

    Returns:
        A functional model from `(batch, time, height, width, channels)` to `(batch, classes)`.

    Raises:
        InputError: An argument is not admitted.
    """
    shape = check_wholes("input_shape", input_shape, count=3)
    classes, kernel_size = check_whole("classes", classes), check_whole("kernel_size", kernel_size)
    filters = check_wholes("filters", filters)
    clips = x = keras.Input((None, *shape), name="clips")
    for level, count in enumerate(filters, 1):
        if level > 1:
            x = layers.MaxPooling3D((1, 2, 2), padding="same", name=f"pool_{level - 1}")(x)
        x = layers.ConvLSTM2D(
            count, kernel_size, padding="same", return_sequences=level < len(filters),
            name=f"recurrent_{level}",
        )(x)  # fmt: skip
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    output = layers.Dense(classes, classifier_activation, name="predictions")(x)
    return keras.Model(clips, output, name=name)


def _frames(encoder: keras.Model, over_time: str) -> tuple[Tensor, Tensor]:
    """Clips, and what an encoder makes of their frames: of each, or of the one that counts."""
    encoder = functional(encoder)
    shapes = [output.shape for output in encoder.outputs]
    if len(encoder.inputs) != 1 or len(shapes) != 1 or len(shapes[0]) != 2:
        raise InputError(
            f"The encoder {encoder.name!r} gives outputs of shapes {shapes}",
            "one vector for each picture",
            "Build it with include_top=False, pooling='avg'.",
        )
    clips = x = keras.Input((None, *encoder.inputs[0].shape[1:]), name="clips")
    if over_time == "frame":
        (middle,) = keras.tree.flatten(encoder(MiddleFrame(name="middle_frame")(x)))
        return clips, middle
    if over_time == "differences":
        x = FrameDifferences(name="frame_differences")(x)
    (frames,) = keras.tree.flatten(encoder(FoldTime(name="fold_time")(x)))
    return clips, UnfoldTime(name="unfold_time")([frames, x])
