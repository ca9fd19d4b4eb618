"""Labels for known places of a sequence, or one for all of it.

After the tasks of Graves, "Supervised sequence labelling with recurrent neural networks", 2012:
segment classification (`tagger`), where the places of the labels are known, and sequence
classification (`sequence_classifier`). Where only the labels' order is known, see
`kc.models.ctc_recognizer`.
"""

from __future__ import annotations

from typing import Any

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_choice, check_whole
from keras_classics.core.types import Activation, Name
from keras_classics.layers.recurrent.time_pooling import SegmentMean, SumOverTime
from keras_classics.models.recurrent.rnn import rnn

SUMMARIES = ("last", "mean", "sum")


@checked
def tagger(
    *,
    classes: int,
    segments: bool = False,
    bidirectional: bool = True,
    padded: bool = True,
    output_activation: Activation = "softmax",
    name: Name = "tagger",
    **network: Any,
) -> keras.Model:
    """Build a network that gives every step of a sequence a class, or every segment.

    Input `(batch, time)` of ids or `(batch, time, width)` of vectors, padded on the right with
    zeros; output `(batch, time, classes)` with Keras's mask, so losses leave padding out.

    Args:
        classes: Number of classes.
        segments: Classify segments: the model then takes `{"sequence", "segments"}`, where
            `segments (batch, time)` has for every step the number of its segment, from 1 on, or 0;
            row `n - 1` of the output is segment `n`, from the mean of its steps' logits.
        bidirectional: Read in both directions.
        padded: Whether id 0, or a vector of zeros, is padding.
        output_activation: Activation of the output; None for logits.
        name: Name of the model.
        **network: As for `kc.models.rnn`: `vocabulary_size` or `input_size`, `cell`, `units`, ...

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        model = kc.models.tagger(classes=17, vocabulary_size=100, cell="lstm", units=8)
        kc.training.compile_labeller(model, keras.optimizers.Adam())
        model(np.array([[5, 9, 3, 0], [7, 2, 0, 0]])).shape  # (2, 4, 17)
        ```
    """
    reader = rnn(
        "many_to_many", outputs=check_whole("classes", classes), padded=padded,
        bidirectional=bidirectional,
        output_activation=None if segments else output_activation, name=name, **network,
    )  # fmt: skip
    if not segments:
        return reader
    numbers = keras.Input((None,), dtype="int32", name="segments")
    means = SegmentMean(name="segment_mean")([reader.output, numbers])
    output = keras.layers.Activation(output_activation, name="segment_predictions")(means)
    return keras.Model({"sequence": reader.input, "segments": numbers}, output, name=name)


@checked
def sequence_classifier(
    *,
    classes: int,
    summary: str = "last",
    bidirectional: bool = True,
    padded: bool = True,
    output_activation: Activation = "softmax",
    name: Name = "sequence_classifier",
    **network: Any,
) -> keras.Model:
    """Build a network that gives a sequence one class.

    Input as for `tagger`; output `(batch, classes)`.

    Args:
        classes: Number of classes.
        summary: What is classified: `"last"`, the state when all is read (of both directions);
            `"mean"`, the mean of the outputs at all steps; or `"sum"`: every step votes, and the
            logits are added up.
        bidirectional: Read in both directions.
        padded: Whether id 0, or a vector of zeros, is padding, which counts nowhere.
        output_activation: Activation of the output; None for logits.
        name: Name of the model.
        **network: As for `kc.models.rnn`: `vocabulary_size` or `input_size`, `cell`, `units`, ...

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        model = kc.models.sequence_classifier(classes=6, vocabulary_size=100, cell="lstm", units=8)
        kc.training.compile_labeller(model, keras.optimizers.Adam())
        model(np.array([[5, 9, 3, 0], [7, 2, 0, 0]])).shape  # (2, 6)
        ```
    """
    check_choice("summary", summary, SUMMARIES)
    common: dict[str, Any] = {
        "outputs": check_whole("classes", classes),
        "bidirectional": bidirectional,
        "padded": padded,
        "name": name,
    }
    if summary == "last":
        return rnn("many_to_one", output_activation=output_activation, **common, **network)
    # The output is linear in the states: the mean of the logits is the logit of their mean.
    reader = rnn("many_to_many", output_activation=None, **common, **network)
    pooling = keras.layers.GlobalAveragePooling1D if summary == "mean" else SumOverTime
    logits = pooling(name="over_time")(reader.output)
    output = keras.layers.Activation(output_activation, name="sequence_predictions")(logits)
    return keras.Model(reader.input, output, name=name)
