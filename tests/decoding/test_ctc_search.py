"""CTC: golden probabilities, all alignments counted, both searches."""

import time
from itertools import groupby, product

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.core.ctc_probabilities import (
    fewest_steps,
    found_log_probabilities,
    labelling_log_probabilities,
    step_lengths,
)
from support import run_on

# By brute force in numpy, by Keras and by PyTorch.
GOLDEN_LOGITS = np.array([[[1, 2, 0], [0.5, 0, 1.5], [0, 1, 0.2]]], "float32")
GOLDEN = {
    (1, 2): (0.25762230, 1.35626071),
    (1, 2, 1): (0.23009196, 1.46927623),
    (1,): (0.15834195, 1.84299836),
    (2, 1): (0.13674553, 1.98963351),
    (2,): (0.11282720, 2.18189780),
    (1, 1): (0.08464610, 2.46927623),
    (): (0.01145560, 4.46927623),
    (2, 2): (0.00514733, 5.26927623),
    (2, 1, 2): (0.00312202, 5.76927623),
}


def merged(path):
    return tuple(label for label, _ in groupby(path) if label)


def by_brute_force(logits):
    """Probabilities of all labellings of one sequence `(steps, labels + 1)`, path by path."""
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    found = {}
    for path in product(range(logits.shape[1]), repeat=len(logits)):
        probability = np.prod([p[step, label] for step, label in enumerate(path)])
        found[merged(path)] = found.get(merged(path), 0.0) + probability
    return found


def padded(labellings, width):
    return np.array([[*labels, *(0,) * (width - len(labels))] for labels in labellings], "int32")


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def log_probabilities(labellings, logits, lengths=None):
    labels = padded(labellings, max(1, *map(len, labellings)))
    return array(labelling_log_probabilities(labels, logits, lengths))


def test_golden_probabilities_of_labellings():
    found = log_probabilities(list(GOLDEN), np.repeat(GOLDEN_LOGITS, len(GOLDEN), axis=0))
    np.testing.assert_allclose(np.exp(found), [p for p, _ in GOLDEN.values()], atol=5e-8)
    np.testing.assert_allclose(-found, [loss for _, loss in GOLDEN.values()], rtol=3e-7)
    assert sum(by_brute_force(GOLDEN_LOGITS[0]).values()) == pytest.approx(1.0)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_golden_probabilities_and_searches_on_other_backends(backend):
    code = f"""
import keras, numpy as np, keras_classics as kc
from keras_classics.core.ctc_probabilities import labelling_log_probabilities
golden, logits = {GOLDEN}, np.array({GOLDEN_LOGITS.tolist()}, "float32")
rows = [[*labels, *(0,) * (3 - len(labels))] for labels in [*golden, (1, 1, 1)]]
found = labelling_log_probabilities(np.array(rows), np.repeat(logits, len(rows), axis=0))
found = keras.ops.convert_to_numpy(found)
np.testing.assert_allclose(-found[:-1], [loss for _, loss in golden.values()], rtol=1e-6)
assert found[-1] == -np.inf
best = kc.decoding.ctc_beam_search(np.repeat(logits, 2, axis=0), np.array([3, 2]), n_best=2)
assert keras.ops.convert_to_numpy(best.ids).tolist()[0] == [[1, 2, 0], [1, 2, 1]]
alone = kc.decoding.ctc_beam_search(logits[:, :2], n_best=2)
np.testing.assert_allclose(*map(keras.ops.convert_to_numpy,
    (best.log_probabilities[1], alone.log_probabilities[0])), rtol=1e-6)
short = kc.decoding.ctc_beam_search(np.repeat(logits, 3, axis=0), np.array([0, 1, 3]), n_best=4)
scores = keras.ops.convert_to_numpy(short.log_probabilities)
assert scores[0].tolist() == [0.0, *[-np.inf] * 3] and scores[1, 3] == -np.inf
np.testing.assert_allclose(np.exp(scores[1, :3]).sum(), 1.0, rtol=1e-5)
assert np.isfinite(scores[2]).all() and not keras.ops.convert_to_numpy(short.ids)[0].any()
path = kc.decoding.ctc_greedy(logits)
assert keras.ops.convert_to_numpy(path.ids).tolist() == [[[1, 2, 1]]]
"""
    run_on(backend, code)


def test_best_path_and_best_labelling_differ():
    path, beam = kc.decoding.ctc_greedy(GOLDEN_LOGITS), kc.decoding.ctc_beam_search(GOLDEN_LOGITS)
    assert array(path.ids).tolist() == [[[1, 2, 1]]]
    assert array(beam.ids).tolist() == [[[1, 2, 0]]]
    assert (array(path.lengths).item(), array(beam.lengths).item()) == (3, 2)
    for found, labels in ((path, (1, 2, 1)), (beam, (1, 2))):
        np.testing.assert_allclose(-array(found.log_probabilities), GOLDEN[labels][1], rtol=1e-6)


def test_repetitions_need_a_blank_between():
    certain = 20 * np.eye(2, dtype="float32")[[1, 1, 0, 1, 1]][None]
    for search in (kc.decoding.ctc_greedy, kc.decoding.ctc_beam_search):
        assert array(search(certain).ids)[0, 0].tolist() == [1, 1, 0, 0, 0]
    np.testing.assert_array_equal(
        array(fewest_steps(padded([(1, 1, 1), (1, 2), ()], 3))), [5, 2, 0]
    )


def test_without_merging_every_step_is_a_label():
    # As Keras decodes, beneath what kc.decoding.ctc_greedy merges.
    certain = 20 * np.eye(2, dtype="float32")[[1, 1, 0, 1, 1]][None]
    (found,), _ = keras.ops.ctc_decode(
        certain, np.array([5]), strategy="greedy", merge_repeated=False, mask_index=0
    )
    assert array(found).tolist() == [[1, 1, 1, 1, -1]]


@pytest.mark.parametrize("seed", range(3))
def test_brute_force_over_all_alignments(seed):
    logits = np.random.default_rng(seed).normal(size=(1, 4, 3)).astype("float32")
    expected = by_brute_force(logits[0].astype("float64"))
    found = log_probabilities(list(expected), np.repeat(logits, len(expected), axis=0))
    np.testing.assert_allclose(np.exp(found), list(expected.values()), rtol=1e-4, atol=1e-7)
    ranked = sorted(expected, key=expected.get, reverse=True)[:4]
    beam = kc.decoding.ctc_beam_search(logits, n_best=4)
    assert array(beam.ids)[0].tolist() == padded(ranked, 4).tolist()
    np.testing.assert_allclose(
        np.exp(array(beam.log_probabilities))[0], [expected[each] for each in ranked], rtol=1e-4
    )


def test_labellings_that_are_compared_have_the_probability_that_is_learned():
    draw = np.random.default_rng(9)
    logits, lengths = draw.normal(size=(3, 9, 4)).astype("float32"), np.array([9, 4, 0])
    labellings = [(1, 2, 3), (2, 2), (), (3, 3, 1, 1), (1, 1, 1, 2, 3)]
    labels = np.stack([padded(labellings, 9)] * 3)
    found = array(found_log_probabilities(labels, logits, lengths))
    for n, each in enumerate(labellings):
        expected = log_probabilities([each] * 3, logits, lengths)
        np.testing.assert_allclose(found[:, n], expected, rtol=1e-5, atol=1e-5)
    assert found[2].tolist() == [-np.inf, -np.inf, 0.0, -np.inf, -np.inf]


def test_a_minute_of_speech_is_labelled_in_seconds():
    tf = pytest.importorskip("tensorflow")
    # A step of TensorFlow's loss over labels that are padded to all steps takes their square.
    logits = np.random.default_rng(10).normal(size=(1, 3000, 11)).astype("float32")
    logits[..., 0] += 20
    logits[0, 10::100, 3] += 40
    seconds = time.process_time()
    found = tf.function(kc.decoding.ctc_beam_search)(logits, width=10, n_best=3)
    assert array(found.ids)[0, 0, :31].tolist() == [3] * 30 + [0]
    assert time.process_time() - seconds < 20


def test_ragged_rows_equal_rows_alone():
    draw = np.random.default_rng(5)
    logits, lengths = draw.normal(size=(3, 6, 4)).astype("float32"), np.array([6, 3, 4])
    labels = [(1, 2, 3), (2, 2), (3,)]
    together = log_probabilities(labels, logits, lengths)
    alone = [
        log_probabilities([row], logits[[n], : lengths[n]]).item() for n, row in enumerate(labels)
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-5)
    for search in (kc.decoding.ctc_greedy, kc.decoding.ctc_beam_search):
        found = array(search(logits, lengths).ids)[:, 0]
        for n, length in enumerate(lengths):
            single = array(search(logits[[n], :length]).ids)[0, 0]
            assert found[n].tolist() == [*single, *(0,) * (6 - length)]


def test_a_certain_blank_marks_the_end():
    logits = np.random.default_rng(6).normal(size=(2, 5, 3)).astype("float32")
    mask = np.arange(5) < np.array([[5], [3]])
    marked = kc.layers.BlankPadding()(logits, mask=mask)
    assert array(step_lengths(marked)).tolist() == [5, 3]
    labels = [(1, 2), (2, 1)]
    np.testing.assert_allclose(
        log_probabilities(labels, marked), log_probabilities(labels, logits, [5, 3]), rtol=1e-6
    )


def test_the_impossible_has_no_probability():
    assert log_probabilities([(1, 1, 1)], GOLDEN_LOGITS) == -np.inf
    # Where Keras on TensorFlow answers with a number, as if it were only improbable.
    finite = keras.ops.ctc_loss(np.array([[1, 1, 1]], "int32"), GOLDEN_LOGITS, [3], [3])
    np.testing.assert_allclose(finite, [708.26], rtol=1e-5)


def test_pytorchs_mean_divides_by_the_labels():
    torch = pytest.importorskip("torch")
    steps = torch.log_softmax(torch.tensor(GOLDEN_LOGITS), dim=-1).transpose(0, 1)
    mean = torch.nn.functional.ctc_loss(
        steps, torch.tensor([[1, 2]]), torch.tensor([3]), torch.tensor([2]), reduction="mean"
    )
    assert float(mean) == pytest.approx(0.678130, rel=1e-5)
    (ours,) = log_probabilities([(1, 2)], GOLDEN_LOGITS)
    assert -ours == pytest.approx(2 * float(mean), rel=1e-5)


def test_more_answers_than_the_width_are_refused():
    with pytest.raises(kc.InputError, match="n_best=3 was given with width=2"):
        kc.decoding.ctc_beam_search(GOLDEN_LOGITS, width=2, n_best=3)


def test_rows_with_fewer_labellings_than_asked_for_get_empty_ones():
    draw = np.random.default_rng(8)
    logits = draw.normal(size=(3, 5, 3)).astype("float32")
    found = kc.decoding.ctc_beam_search(logits, np.array([0, 1, 5]), n_best=4)
    ids, scores = array(found.ids), array(found.log_probabilities)
    assert ids[0].tolist() == np.zeros((4, 5), int).tolist()
    assert scores[0].tolist() == [0.0, -np.inf, -np.inf, -np.inf]
    one_step = by_brute_force(logits[1, :1].astype("float64"))
    ranked = sorted(one_step, key=one_step.get, reverse=True)
    assert ids[1].tolist() == padded([*ranked, ()], 5).tolist()
    np.testing.assert_allclose(np.exp(scores[1]), [*map(one_step.get, ranked), 0.0], rtol=1e-5)
    # A row that has enough is as it is alone.
    alone = kc.decoding.ctc_beam_search(logits[2:], n_best=4)
    assert ids[2].tolist() == array(alone.ids)[0].tolist()
    np.testing.assert_array_equal(scores[2], array(alone.log_probabilities)[0])


def test_no_rows_have_no_labellings():
    for search, count in ((kc.decoding.ctc_greedy, 1), (kc.decoding.ctc_beam_search, 1)):
        found = search(np.zeros((0, 5, 3), "float32"))
        assert found.ids.shape == (0, count, 5)
        assert found.lengths.shape == found.log_probabilities.shape == (0, count)


def test_what_is_forbidden_everywhere_leaves_the_rest():
    logits = np.array([[[1.0, -np.inf, 0.0], [0.5, -np.inf, 2.0]]], "float32")
    found = kc.decoding.ctc_beam_search(logits, n_best=3)
    assert array(found.ids)[0].tolist() == [[2, 0], [0, 0], [0, 0]]
    assert array(found.log_probabilities)[0, 2] == -np.inf


def test_padding_below_zero_is_padding():
    for wrong in (-1, -7):
        labels = np.array([[1, 2, wrong], [1, wrong, wrong]])
        logits = np.repeat(GOLDEN_LOGITS, 2, axis=0)
        found = array(labelling_log_probabilities(labels, logits))
        np.testing.assert_allclose(-found, [GOLDEN[1, 2][1], GOLDEN[1,][1]], rtol=1e-6)
        loss = kc.training.CTCLoss(reduction="none")(labels, logits)
        np.testing.assert_allclose(array(loss), -found, rtol=1e-6)
        assert array(fewest_steps(np.array([[2, 2, wrong]]))).tolist() == [3]
