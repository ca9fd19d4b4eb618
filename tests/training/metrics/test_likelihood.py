"""Text is scored as it stands, from its first token to its last."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.training.metrics.likelihood import bigram_nats, likelihood, text_nats


def test_the_likelihood_of_text_is_that_of_reading_it_once_through():
    model = kc.models.language_model(5, 6, 1, "lstm", seed=1)
    rng = np.random.default_rng(0)
    documents = [rng.integers(0, 5, length) for length in (700, 3, 320)]
    surprises = []
    for document in documents:
        states = [keras.ops.zeros((1, *state.shape[1:])) for state in model.input["states"]]
        for token, following in zip(document[:-1], document[1:], strict=True):
            tokens = keras.ops.convert_to_tensor(np.array([[token]], "int32"))
            answer = model({"tokens": tokens, "states": states})
            states = answer["states"]
            logits = np.asarray(answer["logits"])[0, 0].astype("float64")
            surprises.append(np.log(np.exp(logits).sum()) - logits[following])
    assert text_nats(model, documents) == pytest.approx(np.mean(surprises), rel=1e-5)


def test_one_figure_in_three_units():
    units = {"nats": np.log(2.0), "bits_per_character": 1.0, "perplexity": 2.0}
    assert likelihood(np.log(2.0)) == pytest.approx(units)


def test_splits_stand_beside_their_bigrams_and_empty_ones_nowhere():
    keras.utils.set_random_seed(0)
    model = kc.models.language_model(5, 3, 1)
    rng = np.random.default_rng(0)
    learnt, held_out = ([rng.integers(0, 5, 30)] for _ in range(2))
    found = kc.training.text_metrics(model, learnt, {"validation": [], "test": held_out}, 5)
    assert list(found) == ["test", "test, bigrams"]
    assert found["test"] == likelihood(text_nats(model, held_out))
    bigrams = bigram_nats(learnt, held_out, 5)
    assert found["test, bigrams"] == likelihood(bigrams)
