"""Learning from labellings without times (CTC), and counting their errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.ctc_probabilities import fewest_steps, labelling_log_probabilities
from keras_classics.core.errors import InputError, check_axes
from keras_classics.core.registration import registered
from keras_classics.core.types import DType, Name, Reduction, Tensor
from keras_classics.data.batches import pad_arrays
from keras_classics.data.texts.sequences import LabelledSequences


@registered
class CTCLoss(keras.losses.Loss):
    """Minus the log-probability of the right labelling, over all paths that give it.

    Graves, Fernandez, Gomez, Schmidhuber, ICML 2006. Targets int `(batch, most labels)`, labels
    from 1 on, padded with 0; predictions are logits `(batch, steps, labels + 1)`, the blank first.
    Both lengths of every row count: the labels up to the padding, the steps up to where
    `kc.layers.BlankPadding` begins. A labelling that needs more steps than there are costs
    infinity and moves no weight: leave such rows out, see `labellable`.

    Args:
        reduction: Over the batch.
        name: Of the loss.
        dtype: Type in which it is computed; that of `keras.config.floatx()` by default.

    Example:
        ```python
        labels = np.array([[3, 1, 0]])  # the labelling (3, 1), padded
        logits = np.random.default_rng(0).normal(size=(1, 8, 5)).astype("float32")
        kc.training.CTCLoss()(labels, logits)  # 9.22
        model = kc.models.ctc_recognizer(labels=4, input_shape=(None, 6), units=8)
        model.compile("adam", kc.training.CTCLoss())
        ```
    """

    @checked
    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: Name = "ctc", dtype: DType = None
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """`(batch,)`."""
        check_axes("y_true", y_true, "(batch, most labels)")
        return -labelling_log_probabilities(y_true, y_pred)


@checked
def impossible_labellings(labels: np.ndarray, lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    """Numbers of the rows that no path can give, as they have too few steps.

    Args:
        labels: int `(rows, most labels)`, padded with 0. A label needs a step, and a repeated one
            a blank before it.
        lengths: Steps of each row, as the network's output has them.

    Returns:
        int64 `(impossible,)`, in ascending order.
    """
    return np.flatnonzero(keras.ops.convert_to_numpy(fewest_steps(labels)) > np.asarray(lengths))


@checked
def labellable(
    part: LabelledSequences, stride: int = 1, *, remark: Callable[[str], None] = lambda text: None
) -> LabelledSequences:
    """Leave out the sequences that no path can label, as they have too few steps.

    Args:
        part: The sequences; labels from 1 on.
        stride: Steps of a sequence for each of the network's output.
        remark: Takes a sentence about how many were left out, if some were.

    Raises:
        InputError: None is left.
    """
    steps = part.lengths() // stride
    wrong = impossible_labellings(pad_arrays(part.targets), steps)
    if not len(wrong):
        return part
    first = wrong[0]
    name = part.names[first] if part.names else f"number {first}"
    remark(
        f"left out: {len(wrong)} sequences with fewer steps than their labels need, the first is "
        f"{name} ({steps[first]} steps for {len(part.targets[first])} labels)"
    )
    if len(wrong) == len(part):
        raise InputError(
            "No sequence is left to learn from",
            "sequences with a step for every label and a blank between equal ones",
            "Give longer ones.",
        )
    return part.some(np.setdiff1d(np.arange(len(part)), wrong))


@checked
def edit_distance(found: Sequence, right: Sequence) -> int:
    """Fewest insertions, deletions and substitutions that turn one sequence into another.

    Args:
        found: What was recognised: a string, or a list of words or labels.
        right: What is true, likewise.

    Returns:
        The edits; over lists of words, divided by the true words, the word error rate (WER).

    Raises:
        InputError: An array of several axes was given.
    """
    for name, given in (("found", found), ("right", right)):
        if hasattr(given, "shape"):
            check_axes(name, given, "(length)")
    before = list(range(len(right) + 1))
    for row, item in enumerate(found, 1):
        now = [row]
        for column, other in enumerate(right, 1):
            substituted = before[column - 1] + (item != other)
            now.append(min(substituted, before[column] + 1, now[-1] + 1))
        before = now
    return before[-1]


@checked
def labelling_metrics(found: Sequence[Sequence], right: Sequence[Sequence]) -> dict[str, float]:
    """Figures of labellings, such as strings.

    Args:
        found: What was recognised.
        right: What is true.

    Returns:
        `"label error rate"`, edits over true labels (the word error rate, WER, where sequences are
        lists of words), and `"sequences right"`, a share.

    Raises:
        InputError: There are no true labels, or not as many sequences on both sides.

    Example:
        ```python
        kc.training.labelling_metrics(["1243", "56"], ["1234", "56"])
        # {"label error rate": 0.333, "sequences right": 0.5}: two edits of six labels
        kc.training.labelling_metrics(["we left".split()], ["we all left".split()])
        # {"label error rate": 0.333, "sequences right": 0.0}: one word of three
        ```
    """
    labels = sum(map(len, right))
    if not labels or len(found) != len(right):
        raise InputError(
            f"{len(found)} labellings were given for {len(right)} true ones with {labels} labels",
            "one for each, and some label",
            "Give the labellings of the same sequences.",
        )
    edits = [edit_distance(one, other) for one, other in zip(found, right, strict=True)]
    return {
        "label error rate": sum(edits) / labels,
        "sequences right": edits.count(0) / len(edits),
    }
