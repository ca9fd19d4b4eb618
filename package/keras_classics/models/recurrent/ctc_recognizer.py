"""Recognition of label sequences whose places are not known: recurrent network, blank, CTC.

Graves, Fernandez, Gomez, Schmidhuber, "Connectionist temporal classification: labelling unsegmented
sequence data with recurrent neural networks", ICML 2006: a bidirectional LSTM reads, and at every
step says a label or the blank. Lines of text are read from left to right, their columns first
brought together by convolutions (as in Shi, Bai, Yao, arXiv:1507.05717).

Deviations: lengths are an input, so rows of a batch answer as they would alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers as keras_layers

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.graphs.channels_last import check_setting
from keras_classics.core.types import Name, Shape, Tensor
from keras_classics.layers.recurrent.lengths import BlankPadding, NormalizedSteps, ValidSteps
from keras_classics.models.recurrent.stack import RecurrentStack

KERNEL = 3


@checked
def ctc_recognizer(
    *,
    labels: int,
    input_shape: tuple[int | None, ...],
    filters: Sequence[int] = (),
    strides: Sequence[int] | None = None,
    cell: str = "lstm",
    units: int = 100,
    layers: int = 1,
    bidirectional: bool = True,
    dropout: float = 0.0,
    normalized: bool = False,
    name: Name = "ctc_recognizer",
    **cell_arguments: Any,
) -> keras.Model:
    """Build a recogniser for CTC.

    The model takes `{"sequence", "length"}`: `(batch, *input_shape)`, padded behind the end with
    whatever there is, and how many steps (of an image: columns) are real, int `(batch,)`. It
    returns logits `(batch, steps, labels + 1)`: the blank is 0, and certain behind the end.
    There are `length // product of strides` steps. Train it with `kc.training.CTCLoss`, read it
    with `kc.decoding.ctc_greedy` or `ctc_beam_search`.

    Args:
        labels: Number of labels, without the blank.
        input_shape: `(time, width)` of features, or `(height, width, channels)` of images that are
            read along their width; time or width may be None.
        filters: Filters of the convolutions before the recurrent layers, 3 (by 3) wide.
        strides: Steps that become one behind each of them, by maximum; 1 by default. Images
            shrink to half their height each time.
        cell: See `kc.layers.recurrent_layer`.
        units: Width of each recurrent layer, in each direction.
        layers: Recurrent layers.
        bidirectional: Read in both directions, in every layer.
        dropout: Rate between recurrent layers and before the output.
        normalized: Whether each feature of a sequence is read less its mean over the steps, and
            over its deviation (`kc.layers.NormalizedSteps`): speakers and microphones differ in
            both. Not of images.
        name: Name of the model.
        **cell_arguments: Further arguments of the recurrent layers.

    Raises:
        InputError: A size is not positive, the shape of another rank, the strides are not one for
            each convolution, the images too low for so many, or to be normalised.

    Example:
        ```python
        model = kc.models.ctc_recognizer(
            labels=10, input_shape=(12, None, 1), filters=(8, 8), strides=(1, 2), units=8
        )
        model.compile("adam", kc.training.CTCLoss())
        lines, widths = np.zeros((3, 12, 40, 1)), np.array([40, 24, 32])
        logits = model({"sequence": lines, "length": widths})  # (3, 20, 11)
        kc.decoding.ctc_greedy(logits)  # ids, their lengths and log-probabilities
        ```
    """
    filters = tuple(check_whole("filters", size) for size in filters)
    strides = (1,) * len(filters) if strides is None else strides
    strides = tuple(check_whole("strides", size) for size in strides)
    units, layers = check_whole("units", units), check_whole("layers", layers)
    labels = check_whole("labels", labels)
    _check_shape(input_shape, filters, strides)
    if normalized and len(input_shape) == 3:
        raise InputError(
            f"normalized=True was given with input_shape={input_shape}",
            "features (time, width), whose loudness differs from recording to recording",
            "Leave it out for images.",
        )
    check_setting()

    sequence = keras.Input(input_shape, name="sequence")
    length = keras.Input((), dtype="int32", name="length")
    x = NormalizedSteps(name="normalized")([sequence, length]) if normalized else sequence
    x = _front_end(x, length, filters, strides)
    total = math.prod(strides)
    x = ValidSteps(total, masked=True, name="steps")([x, length])
    stack = RecurrentStack(
        cell, units, layers, lambda level: cell_arguments,
        bidirectional=bidirectional, dropout=dropout,
    )  # fmt: skip
    x = stack(x).steps
    if dropout:
        x = keras_layers.Dropout(dropout, name="head_dropout")(x)
    # Logits in half precision would be too coarse to add up paths.
    logits = keras_layers.Dense(labels + 1, dtype="float32", name="predictions")(x)
    logits = BlankPadding(dtype="float32", name="blank_padding")(logits)
    return keras.Model({"sequence": sequence, "length": length}, logits, name=name)


def _front_end(
    sequence: Tensor, length: Tensor, filters: Sequence[int], strides: Sequence[int]
) -> Tensor:
    """Convolutions over `(batch, time, features)`; each sees zeros behind the end."""
    image = len(sequence.shape) == 4
    x = keras_layers.Permute((2, 1, 3), name="columns")(sequence) if image else sequence
    convolution = keras_layers.Conv2D if image else keras_layers.Conv1D
    pooling = keras_layers.MaxPooling2D if image else keras_layers.MaxPooling1D
    passed = 1
    for number, (width, stride) in enumerate(zip(filters, strides, strict=True), 1):
        x = ValidSteps(passed, name=f"valid{number}")([x, length])
        x = convolution(
            width, KERNEL, padding="same", activation="relu", name=f"stem_conv{number}"
        )(x)
        if image or stride > 1:
            x = pooling((stride, 2) if image else stride, name=f"stem_pool{number}")(x)
        passed *= stride
    if image:
        x = keras_layers.Reshape((-1, math.prod(x.shape[2:])), name="features")(x)
    return x


def _check_shape(input_shape: Shape, filters: Sequence[int], strides: Sequence[int]) -> None:
    height = 2 ** len(filters)
    fixed = input_shape[1:] if len(input_shape) == 2 else (*input_shape[:1], *input_shape[2:])
    if len(input_shape) not in (2, 3) or None in fixed:
        raise InputError(
            f"input_shape={input_shape} was given",
            "(time, width) or (height, width, channels), of which None may be the time, or "
            "the width of images",
            "Pass for example (None, 26) or (10, None, 1).",
        )
    if len(strides) != len(filters):
        raise InputError(
            f"{len(strides)} strides were given for {len(filters)} convolutions",
            "one for each",
            "Leave strides out for 1.",
        )
    if len(input_shape) == 3 and input_shape[0] < height:
        raise InputError(
            f"Images {input_shape[0]} high were given for {len(filters)} convolutions",
            f"a height of {height} and above",
            "Give fewer filters, or larger images.",
        )
