"""The loss of temporal classification, and counting errors of labellings."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.core.graphs.gradients import value_and_gradients
from keras_classics.training.losses.ctc_loss import edit_distance, impossible_labellings

LOGITS = np.array([[[1, 2, 0], [0.5, 0, 1.5], [0, 1, 0.2]]], "float32")


def test_the_loss_is_the_mean_over_sequences():
    loss = kc.training.CTCLoss()(np.array([[1, 2], [1, 0]]), np.repeat(LOGITS, 2, axis=0))
    assert float(loss) == pytest.approx((1.35626071 + 1.84299836) / 2, rel=1e-6)


def test_gradient_equals_differences():
    labels, step = np.array([[1, 2]]), 1e-2
    loss = kc.training.CTCLoss()
    _, (gradient,) = value_and_gradients(lambda x: loss(labels, x), [keras.ops.array(LOGITS)])
    for place in np.ndindex(LOGITS.shape):
        shift = np.zeros_like(LOGITS)
        shift[place] = step
        slope = (float(loss(labels, LOGITS + shift)) - float(loss(labels, LOGITS - shift))) / 2
        assert float(gradient[place]) == pytest.approx(slope / step, abs=2e-4)


def test_impossible_labellings_cost_infinity_and_move_nothing():
    labels = np.array([[1, 1, 1], [1, 2, 0]])
    logits = keras.ops.array(np.repeat(LOGITS, 2, axis=0))
    loss = kc.training.CTCLoss(reduction="sum")
    value, (gradient,) = value_and_gradients(lambda x: loss(labels, x), [logits])
    gradient = keras.ops.convert_to_numpy(gradient)
    assert float(value) == np.inf
    assert np.all(gradient[0] == 0) and np.all(np.isfinite(gradient)) and np.any(gradient[1])
    assert impossible_labellings(labels, [3, 3]).tolist() == [0]
    assert impossible_labellings(labels, [5, 1]).tolist() == [1]


def test_sequences_that_cannot_be_labelled_are_left_out_and_told():
    inputs = [np.zeros((length, 2), "float32") for length in (6, 9, 12)]
    targets = [np.array([1, 1, 1], "int32"), np.array([1, 2, 3], "int32"), np.ones(1, "int32")]
    part, said = kc.data.LabelledSequences(inputs, targets, names=["a", "b", "c"]), []
    kept = kc.training.labellable(part, 2, remark=said.append)
    # Three equal labels have blanks between: five steps, where six frames make three.
    assert kept.names == ["b", "c"] and [len(each) for each in kept.inputs] == [9, 12]
    assert said == ["left out: 1 sequences with fewer steps than their labels need, the first is a "
                    "(3 steps for 3 labels)"]  # fmt: skip
    assert kc.training.labellable(part) is part
    with pytest.raises(kc.InputError, match="No sequence is left"):
        kc.training.labellable(part, 20)


@pytest.mark.parametrize(
    ("found", "right", "edits"),
    [("", "", 0), ("kitten", "sitting", 3), ("123", "", 3), ("", "12", 2), ("132", "123", 2)],
)
def test_edit_distances(found, right, edits):
    assert edit_distance(found, right) == edits
    assert edit_distance(right, found) == edits


def test_over_words_the_label_error_rate_is_the_word_error_rate():
    # Of six true words one is missing, one is another and one too many was heard.
    found, right = "the cat sat the a mat".split(), "the cat sits on the mat".split()
    assert edit_distance(found, right) == 3
    rate = kc.training.labelling_metrics([found], [right])["label error rate"]
    assert rate == pytest.approx(3 / 6)


def test_metrics_count_edits_over_true_labels():
    metrics = kc.training.labelling_metrics(["12", "7", "555"], ["12", "17", "55"])
    assert metrics == {"label error rate": 2 / 6, "sequences right": 1 / 3}
    with pytest.raises(kc.InputError, match="1 labellings were given for 2"):
        kc.training.labelling_metrics(["1"], ["1", "2"])
