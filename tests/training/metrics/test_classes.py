"""Figures are numbers on every backend, and nothing is kept for gradients on the way to them."""

import numpy as np
import pytest

import keras_classics as kc
from support import run_on

CLASSES = """
import numpy as np
import keras_classics as kc
print(kc.training.classification_metrics([0, 1], np.eye(2, dtype="float32")))
"""

SENTENCES = """
import keras_classics as kc
from keras_classics.models.sequence import translate

kept, score = [], translate.score

def spied(*given, **more):
    kept.append(score(*given, **more))
    return kept[-1]

translate.score = spied
texts = ["one two", "two one"]
vocabulary = kc.data.make_vocabulary("token", texts)
model = kc.models.translator(len(vocabulary), len(vocabulary), units=4)
print(kc.models.translation_perplexity(model, vocabulary, vocabulary, texts, texts, max_words=4))
print("recorded", [each.requires_grad for each in kept])
"""


@pytest.mark.slow
def test_where_tensors_are_not_arrays_figures_are_numbers():
    said = run_on("torch", CLASSES + SENTENCES)
    assert "'accuracy': 1.0" in said and "'macro F1': 1.0" in said
    assert said.endswith("recorded [False]\n")


def test_predictions_name_the_true_and_the_most_probable_class():
    found = np.array([[0.5, 0.25, 0.25], [0.125, 0.125, 0.75]])
    columns = kc.training.predictions(np.array([1, 2]), found, ["a", "b", "c"])
    assert columns == {"true": ["b", "c"], "predicted": ["a", "c"], "probability": [0.5, 0.75]}
