"""Taggers and sequence classifiers: padding, summaries, segments, files."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from support import check_gradients, check_round_trip

IDS = np.array([[1, 2, 3, 0, 0], [4, 1, 2, 3, 2]])
SEGMENTS = np.array([[1, 1, 2, 0, 0], [1, 2, 2, 3, 3]])


def reading(**options):
    return {"classes": 3, "vocabulary_size": 5, "units": 4, **options}


@pytest.mark.parametrize("summary", ["last", "mean", "sum"])
def test_padding_does_not_count(summary, tmp_path):
    model = kc.models.sequence_classifier(summary=summary, **reading())
    answers = model.predict_on_batch(IDS)
    assert answers.shape == (2, 3)
    np.testing.assert_allclose(answers[0], model.predict_on_batch(IDS[:1, :3])[0], atol=1e-6)
    check_round_trip(model, IDS, tmp_path)
    check_gradients(model, IDS, (2, 3))


@pytest.mark.parametrize(("summary", "reduce"), [("mean", np.mean), ("sum", np.sum)])
def test_summaries_are_of_the_votes_of_all_steps(summary, reduce):
    model = kc.models.sequence_classifier(summary=summary, output_activation=None, **reading())
    votes = keras.Model(model.input, model.get_layer("predictions").output)
    expected = reduce(votes.predict_on_batch(IDS[:1, :3])[0], axis=0)
    np.testing.assert_allclose(model.predict_on_batch(IDS)[0], expected, atol=1e-6)


def test_a_tagger_answers_at_every_step_and_is_trained_on_real_ones():
    model = kc.models.tagger(**reading())
    assert model.predict_on_batch(IDS).shape == (2, 5, 3)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])
    targets = np.array([[1, 2, 1, 0, 0], [0, 1, 2, 1, 2]])
    other = np.where(IDS == 0, 2, targets)
    assert model.test_on_batch(IDS, targets) == pytest.approx(model.test_on_batch(IDS, other))
    check_gradients(kc.models.tagger(**reading()), IDS, (2, 5, 3))


def test_segments_are_means_of_their_steps(tmp_path):
    inputs = {"sequence": IDS, "segments": SEGMENTS}
    model = kc.models.tagger(segments=True, output_activation=None, **reading())
    reader = keras.Model(model.get_layer("sequence").output, model.get_layer("predictions").output)
    steps = reader.predict_on_batch(IDS)
    found = model.predict_on_batch(inputs)
    np.testing.assert_allclose(found[0, 0], steps[0, :2].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found[1, 2], steps[1, 3:].mean(axis=0), atol=1e-6)
    squashed = kc.models.tagger(segments=True, **reading())
    squashed.set_weights(model.get_weights())
    shares = np.exp(found) / np.exp(found).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(squashed.predict_on_batch(inputs), shares, atol=1e-6)
    check_round_trip(model, inputs, tmp_path)
    mask = kc.layers.SegmentMean().compute_mask([steps, SEGMENTS])
    assert keras.ops.convert_to_numpy(mask).sum(axis=1).tolist() == [2, 3]


def test_an_unknown_summary_is_refused():
    with pytest.raises(ValueError, match="summary='middle' was given"):
        kc.models.sequence_classifier(summary="middle", **reading())
