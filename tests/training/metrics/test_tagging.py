"""Figures of labelled steps, counted by hand."""

import numpy as np
import pytest

import keras_classics as kc


def test_steps_are_counted_over_all_sequences_and_the_unknown_by_themselves():
    def say(*classes):
        return np.eye(3)[list(classes)] * 0.8 + 0.1

    found, true = [say(0, 1), say(2, 2, 0)], [np.array([0, 0]), np.array([2, 2, 1])]
    unknown = [np.array([False, True]), np.array([False, False, True])]
    metrics, scores = kc.training.tagging_metrics(found, true, unknown)
    assert metrics == pytest.approx(
        {"accuracy": 3 / 5, "always the same": 2 / 5, "accuracy of the unknown": 0.0}
    )
    assert scores["units"].tolist() == [2, 1, 2] and "pictures" not in scores
    assert scores["recall"].tolist() == [0.5, 0.0, 1.0]
    none = [np.zeros(len(each), bool) for each in unknown]
    assert "accuracy of the unknown" not in kc.training.tagging_metrics(found, true, none)[0]
