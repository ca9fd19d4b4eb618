"""Answers are what an export says of the first of a batch, in Python's own types."""

from types import SimpleNamespace

import numpy as np

import keras_classics as kc


def test_the_first_answer_is_plain():
    def serve(*inputs):
        arrays = {
            "texts": np.array([[b"\xc3\xa9", b"b"], [b"c", b"d"]]),
            "log_probabilities": np.array([[-1.5, -2.0], [0, 0]], "float32"),
            "classes": np.array([b"cat", b"dog"]),
            "count": np.array([3, 4]),
        }
        return {key: SimpleNamespace(numpy=lambda each=each: each) for key, each in arrays.items()}

    found = kc.jobs.first_answer(SimpleNamespace(serve=serve), [1])
    assert found == {
        "texts": ["é", "b"], "log_probabilities": [-1.5, -2.0], "classes": "cat", "count": 3,
    }  # fmt: skip


def test_ranked_answers_have_a_text_for_people_and_a_record_for_programs():
    answer = kc.jobs.ranked(["cat", "dog"], np.array([0.75, 0.25], "float32"), of="classes")
    assert answer.text == "cat 75.0%, dog 25.0%"
    assert answer.record == {"classes": ["cat", "dog"], "probabilities": [0.75, 0.25]}
    form = {"scored": "log_probabilities", "shown": "{} ({:.2f})", "between": " | "}
    answer = kc.jobs.ranked(("a", "b"), (-1, -2), of="captions", **form)
    assert answer.text == "a (-1.00) | b (-2.00)"
    assert answer.record == {"captions": ["a", "b"], "log_probabilities": [-1.0, -2.0]}
    fewer = kc.jobs.ranked(("a", "b"), (-1, -2), of="captions", count=1, **form)
    assert fewer.text == "a (-1.00)" and fewer.record["captions"] == ["a"]
