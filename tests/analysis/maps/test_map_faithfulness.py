import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.analysis import average_drop, class_probabilities, deletion_insertion

PICTURE = np.array([[0.1, 0.2], [0.3, 0.4]], "float32")[None, ..., None]


def summing(ending="softmax"):
    """A classifier whose first logit is the sum of the pixels, and whose second is 0."""
    image = keras.Input((None, None, 1))
    total = keras.layers.Lambda(lambda x: keras.ops.sum(x, (1, 2)), output_shape=(1,))(image)
    units = 1 if ending == "sigmoid" else 2
    layer = keras.layers.Dense(units, activation=ending, use_bias=False)
    model = keras.Model(image, layer(total))
    layer.set_weights([np.array([[-1.0]] if units == 1 else [[1.0, 0.0]])])
    return model


@pytest.fixture(scope="module")
def model():
    return summing()


def sure(total):
    return 1 / (1 + np.exp(-np.asarray(total, "float64")))


def test_curves_and_areas_by_hand(model):
    curves = deletion_insertion(
        model, PICTURE, PICTURE[..., 0], target=0, insertion="black", steps=4
    )
    np.testing.assert_allclose(curves.shares, [0, 0.25, 0.5, 0.75, 1])
    going, coming = sure([1, 0.6, 0.3, 0.1, 0]), sure([0, 0.4, 0.7, 0.9, 1])
    np.testing.assert_allclose(curves.deletion, going[None], rtol=1e-6)
    np.testing.assert_allclose(curves.insertion, coming[None], rtol=1e-6)
    for area, curve in ((curves.deletion_area, going), (curves.insertion_area, coming)):
        assert area == pytest.approx((curve.sum() - (curve[0] + curve[-1]) / 2) / 4, rel=1e-6)


@pytest.mark.parametrize(
    ("baseline", "total"),
    [("black", 0), ("mean", 1), (0.5, 2), (np.full((2, 2, 1), -1.0), -4)],
)
def test_curves_run_between_the_whole_picture_and_its_baseline(model, baseline, total):
    maps = np.random.default_rng(0).normal(size=(1, 2, 2))
    curves = deletion_insertion(
        model, PICTURE, maps, target=0, deletion=baseline, insertion=baseline, steps=3
    )
    np.testing.assert_allclose(curves.deletion[0, [0, -1]], sure([1, total]), rtol=1e-6)
    np.testing.assert_allclose(curves.insertion[0, [0, -1]], sure([total, 1]), rtol=1e-6)


def test_to_insert_is_to_delete_what_counts_least_backwards(model):
    draw = np.random.default_rng(0)
    images = draw.normal(size=(3, 6, 5, 1)).astype("float32")
    maps = draw.normal(size=(3, 6, 5))
    both = {"deletion": "mean", "insertion": "mean", "steps": 6, "target": 0}
    curves = deletion_insertion(model, images, maps, **both)
    mirrored = deletion_insertion(model, images, -maps, **both)
    np.testing.assert_allclose(curves.insertion, mirrored.deletion[:, ::-1], rtol=1e-6)


def test_where_nothing_can_be_hidden_the_curve_is_flat_and_its_area_the_probability(model):
    images = np.full((1, 8, 8, 1), 1 / 64, "float32")
    maps = np.random.default_rng(0).normal(size=(1, 8, 8))
    curves = deletion_insertion(model, images, maps, target=0, deletion="mean", insertion="blur")
    for area in (curves.deletion_area, curves.insertion_area):
        assert area == pytest.approx(sure(1), rel=1e-5)


def test_the_class_followed_is_the_likeliest_or_the_one_asked_for(model):
    images = np.concatenate([PICTURE, -PICTURE])
    maps = np.ones((2, 2, 2))
    answers = {}
    for target in (None, 1, [0, 0]):
        answers[str(target)] = deletion_insertion(
            model, images, maps, target=target, steps=1
        ).deletion[:, 0]
    np.testing.assert_allclose(answers["None"], sure([1, 1]), rtol=1e-6)
    np.testing.assert_allclose(answers["1"], sure([-1, 1]), rtol=1e-6)
    np.testing.assert_allclose(answers["[0, 0]"], sure([1, -1]), rtol=1e-6)


def test_the_blur_is_a_gaussian_that_keeps_the_brightness():
    images = np.zeros((1, 21, 21, 1), "float32")
    images[0, 10, 10] = 1
    # With one pixel inserted first and no other, the rest of the picture is the baseline.
    seen = []
    probe = summing()
    probe.predict_on_batch = lambda batch: seen.append(batch) or np.full((len(batch), 2), 0.5)
    deletion_insertion(probe, images, images[..., 0], target=0, steps=1)
    blurred = next(x for x in seen if 0 < x.max() < 1)[0, ..., 0]
    assert blurred.sum() == pytest.approx(1, rel=1e-5)
    np.testing.assert_allclose(blurred, blurred.T, rtol=1e-5)
    assert blurred[10, 13] / blurred[10, 10] == pytest.approx(np.exp(-0.5 * (3 / 5) ** 2), rel=1e-5)
    assert blurred[10, 15] > 0 and blurred[10, 16] == 0


def test_drop_increase_and_gain_by_hand(model):
    images = np.concatenate([PICTURE, np.array([[1, -1], [0, 0]]).reshape(1, 2, 2, 1)])
    masks = np.array([[[1, 1], [0, 0]], [[1, 0], [1, 1]]])
    found = average_drop(model, images, masks, target=0)
    lost = (sure(1) - sure(0.3)) / sure(1)
    won = (sure(1) - 0.5) / 0.5
    np.testing.assert_allclose(found, [100 * lost / 2, 50, 100 * won / 2], rtol=1e-5)


def test_a_mask_that_hides_nothing_changes_nothing(model):
    images = np.random.default_rng(0).normal(size=(4, 5, 5, 1))
    found = average_drop(model, images, np.ones((4, 5, 5)), baseline="blur")
    assert found == (0, 0, 0)


def test_half_a_mask_shows_half_of_the_baseline(model):
    found = average_drop(model, PICTURE, np.full((1, 2, 2), 0.5), target=0, baseline=1.0)
    # 1 becomes (1 + 4) / 2.
    assert found.gain == pytest.approx(100 * (sure(2.5) - sure(1)) / (1 - sure(1)), rel=1e-5)


@pytest.mark.parametrize("ending", ["softmax", None, "sigmoid"])
def test_probabilities_are_those_of_any_ending(ending):
    images = np.random.default_rng(0).normal(size=(5, 3, 3, 1)).astype("float32")
    found = class_probabilities(summing(ending), images, batch_size=2)
    first = sure(images.sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(found, np.stack([first, 1 - first], axis=1), atol=1e-6)


def test_bad_input_is_refused(model):
    maps = np.ones((1, 2, 2))
    for arguments, message in (
        ({"target": 2}, "target=2"),
        ({"target": [0, 1]}, "target="),
        ({"steps": 0}, "steps=0"),
        ({"deletion": np.ones(3)}, r"deletion of shape \(3,\)"),
        ({"insertion": "white"}, "'black', 'mean', 'blur'"),
    ):
        with pytest.raises(ValueError, match=message):
            deletion_insertion(model, PICTURE, maps, **arguments)
    with pytest.raises(kc.InputError, match="Make the maps with size='image'"):
        deletion_insertion(model, PICTURE, np.ones((1, 3, 3)))
    with pytest.raises(kc.InputError, match=r"normalized\(maps\)"):
        average_drop(model, PICTURE, 2 * maps)
