"""The F of outlines: by a formula, over any batches, and what does not count."""

import json

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.training.metrics.mask_pairs import check_batch


def drawn():
    """Blocks of classes, some of which nobody knows, and answers that are nearly right."""
    rng = np.random.default_rng(0)
    true = np.kron(rng.integers(0, 3, (5, 4, 5)), np.ones((1, 10, 9), int))
    true[1, :7, :9] = 255
    true[3] = 1
    said = np.stack(
        [np.roll(each, shift, axis=1) for each, shift in zip(true, range(5), strict=True)]
    )
    said = np.where(said == 255, 0, said)
    return true, np.where(rng.random(said.shape) < 0.02, 2, said)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_metric_is_the_function_after_any_batches(batch):
    true, said = drawn()
    metric = kc.training.BoundaryF(3, tolerance=0.03)
    assert np.isnan(metric.result())
    for _ in range(2):
        metric.reset_state()
        for start in range(0, 5, batch):
            some = slice(start, start + batch)
            metric.update_state(true[some, ..., None], np.eye(3)[said[some]])
    expected = kc.training.boundary_f(true, said, 3, tolerance=0.03)
    assert 0.2 < expected < 0.9
    assert float(metric.result()) == pytest.approx(expected, abs=1e-6)
    config = json.loads(json.dumps(metric.get_config()))
    assert type(metric).from_config(config).get_config() == metric.get_config()


def test_no_figure_hides_a_label_that_is_no_class():
    true, said = drawn()
    for wrong, ignore in ((7, 255), (-1, 255), (255, None)):
        metric = kc.training.BoundaryF(3, ignore=ignore)
        labels = np.where(true == 255, 0, true)
        # Of one class it is and of no outline, but for the label.
        labels[3, 5, 5] = wrong
        for some in (slice(3, 4), slice(0, 3)):
            metric.update_state(labels[some], np.eye(3)[said[some]])
        assert np.isnan(metric.result())
        with pytest.raises(kc.InputError, match=f"has the label {wrong}"):
            kc.training.boundary_f(labels, said, 3, ignore=ignore)


def test_it_counts_in_compiled_steps_and_wants_pictures_of_known_size():
    true, said = drawn()
    picture = np.eye(3, dtype="float32")[said]
    for sides in ((40, 45), (None, None)):
        image = keras.Input((*sides, 3))
        model = keras.Model(image, keras.layers.Identity()(image))
        model.compile(loss=kc.training.PixelCrossEntropy(), metrics=[kc.training.BoundaryF(3)])
        found = model.evaluate(picture, true, batch_size=2, verbose=0, return_dict=True)
        assert found["boundary_f"] == pytest.approx(kc.training.boundary_f(true, said, 3), abs=1e-6)
    with pytest.raises(kc.InputError, match="of known height and width"):
        anyone = keras.KerasTensor((None, None, None, 3))
        kc.training.BoundaryF(3).update_state(keras.KerasTensor((None, None, None)), anyone)


def test_of_several_pictures_the_mean_and_what_is_beside_the_unknown_does_not_count():
    true = np.zeros((2, 20, 20), int)
    true[:, :, 10:] = 1
    said = true.copy()
    said[1] = 0
    # Of the second picture class 0 has an outline that nobody said, and class 1 too.
    assert kc.training.boundary_f(true, said, 2) == pytest.approx(0.5)
    true[1, :, 10] = 255
    known = kc.training.boundary_f(true, said, 2)
    assert known == 1.0


def test_masks_that_cannot_be_counted_are_refused():
    mask = np.zeros((4, 4), int)
    for true, said, told in (
        ([mask, mask], [mask], "2 true masks and 1 answers"),
        ([mask + 7], [mask], "has the label 7"),
        ([mask], [mask / 1.0], "float64"),
        ([mask[None]], [mask[None]], r"shape \(1, 4, 4\)"),
    ):
        with pytest.raises(kc.InputError, match=told):
            kc.training.boundary_f(true, said, 3)


@pytest.mark.parametrize(
    ("shape", "tolerance"),
    [((20, 3000), 0.0075), ((4, 800), 0.0075), ((10, 50), 0.5), ((40, 50), 1.0)],
)
def test_what_is_forgiven_may_be_more_than_a_side_of_the_picture(shape, tolerance):
    true, said = np.zeros(shape, int), np.zeros(shape, int)
    far = shape[1] // 2
    true[:, 5:], said[:, far:] = 1, 1
    found = kc.training.boundary_f([true], [said], 2, tolerance=tolerance)
    # The one line is as far from the other in every row.
    reach = np.ceil(tolerance * np.hypot(*shape))
    assert found == (far - 5 <= reach)
    assert kc.training.boundary_f([true], [true], 2, tolerance=tolerance) == 1.0
    metric = kc.training.BoundaryF(2, tolerance)
    assert float(metric(true[None], np.eye(2)[said][None])) == found
    with pytest.raises(kc.InputError, match="tolerance=5.0 was given.*up to 1"):
        kc.training.BoundaryF(2, 5.0)


def test_the_last_row_is_as_far_from_the_first_as_the_picture_is_high():
    true, said = np.zeros((6, 6), int), np.zeros((6, 6), int)
    true[0], said[-1] = 1, 1
    # Five rows of a diagonal of 8.5: one outline is on the first row, the other on the last.
    for tolerance, found in ((5 / 8.6, 1.0), (4 / 8.6, 0.5)):
        assert kc.training.boundary_f([true], [said], 2, tolerance=tolerance) == found
        metric = kc.training.BoundaryF(2, tolerance)
        assert float(metric(true[None], np.eye(2)[said][None])) == found
    # A stream whose last axis nobody knows may have one of 1.
    unknown = keras.KerasTensor((None, 6, 6, None))
    check_batch(unknown, keras.KerasTensor((None, 6, 6, 2)), 2)
    with pytest.raises(kc.InputError, match="Masks of shape"):
        check_batch(unknown, keras.KerasTensor((None, 6, 5, 2)), 2)
