"""What labellers say of sequences does not depend on what they are padded to."""

import keras
import numpy as np
import pytest

import keras_classics as kc


def sequences(lengths, size):
    rng = np.random.default_rng(0)
    return kc.data.LabelledSequences(
        [rng.integers(1, size, length).astype("int32") for length in lengths], []
    )


@pytest.mark.parametrize("kind", ["tagger", "sequence_classifier"])
def test_every_sequence_answers_as_it_would_alone(kind):
    model = getattr(kc.models, kind)(
        classes=3, vocabulary_size=7, embedding_size=4, cell="lstm", units=5
    )
    part = sequences([3, 11, 70 % 9], 7)
    found = kc.models.label_probabilities(model, part)
    assert kc.models.vocabulary_size(model) == 7
    for numbers, each in zip(part.inputs, found, strict=True):
        assert each.shape == ((len(numbers), 3) if kind == "tagger" else (3,))
        alone = np.asarray(model.predict_on_batch(numbers[None]))[0]
        np.testing.assert_allclose(each, alone, atol=1e-6)


def test_more_sequences_than_a_batch_keep_their_order():
    model = kc.models.tagger(classes=2, vocabulary_size=5, cell="elman", units=3)
    part = sequences([1 + n % 4 for n in range(70)], 5)
    found = kc.models.label_probabilities(model, part)
    assert [len(each) for each in found] == [1 + n % 4 for n in range(70)]


def test_a_model_that_reads_no_ids_has_no_vocabulary():
    other = keras.Sequential([keras.Input((None, 3)), keras.layers.Dense(2)])
    assert kc.models.vocabulary_size(other) == 0


def test_a_recogniser_is_read_by_both_decoders_of_ctc():
    keras.utils.set_random_seed(0)
    network = {"filters": [5], "strides": [2], "units": 6}
    model = kc.models.ctc_recognizer(labels=3, input_shape=(None, 4), **network)
    rng = np.random.default_rng(1)
    inputs = [rng.normal(size=(length, 4)).astype("float32") * 3 for length in (18, 10)]
    part = kc.data.LabelledSequences(inputs, [], told=True)
    found = kc.models.recognize(model, part, "abc", n_best=2)
    logits = model.predict_on_batch(part.network_input(range(2)))
    beams = kc.decoding.ctc_beam_search(logits, width=10, n_best=2)
    ids = keras.ops.convert_to_numpy(beams.ids)
    for number, each in enumerate(found):
        assert each.texts == ["".join(" abc"[n] for n in row if n) for row in ids[number]]
        assert len(each.probabilities) == len(inputs[number]) // 2
        np.testing.assert_allclose(each.probabilities.sum(axis=1), 1, atol=1e-5)
        # The most probable sign of every step, repeats and blanks taken away.
        path = each.probabilities.argmax(axis=1)
        kept = [n for n, last in zip(path, [0, *path[:-1]], strict=True) if n and n != last]
        assert each.best_path == "".join(" abc"[n] for n in kept)
