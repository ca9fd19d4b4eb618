"""What stands above the pictures of a classifier, and what its callbacks refuse."""

import numpy as np
import pytest

import keras_classics as kc
from callbacks import trainings
from keras_classics.callbacks import classifier_pictures
from keras_classics.callbacks import gradient_pictures as gradients

IMAGES = np.zeros((2, 4, 4, 3), "float32")


def test_a_title_says_what_it_is_and_what_the_model_says():
    found = np.array([[0.1, 0.9], [0.346, 0.654]])
    names = ["cat", "dog"]
    titles = classifier_pictures.titles(found, [1, 0], names)
    assert titles == ["true: dog\nsaid: dog 90%", "true: cat\nsaid: dog 65%"]
    assert classifier_pictures.titles(found, None, names) == ["dog 90%", "dog 65%"]
    assert classifier_pictures.titles(found, [1, 0]) == [
        "true: 1\nsaid: 1 90%",
        "true: 0\nsaid: 1 65%",
    ]
    assert classifier_pictures.inks(found, [1, 0]) == ["darkgreen", "firebrick"]
    assert classifier_pictures.inks(found) == ["black", "black"]


def test_the_brightest_hundredth_is_shown_alike():
    maps = np.zeros((2, 10, 20))
    maps[0].flat[:] = np.arange(200)
    shown = gradients.scaled_to_brightest(maps)
    assert (shown[0] == 1).sum() == 2 and shown[0, 0, 0] == 0
    np.testing.assert_allclose(shown[0].flat[100], 100 / np.quantile(np.arange(200), 0.99))
    assert not shown[1].any()


@pytest.mark.parametrize("kind", [kc.callbacks.GradCAM, kc.callbacks.Gradients])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": [1]}, r"2 images, labels of shape \(1,\).*whole numbers"),
        ({"labels": np.eye(2)}, "not one-hot"),
        ({"of": "label"}, "of='label'.*one label"),
        ({"of": "loss"}, "of='loss'.*'answer'"),
        ({"pictures": np.zeros((3, 8, 8, 3), "uint8")}, "3 pictures"),
        ({"images": IMAGES[:0]}, "0 images"),
    ],
    ids=str,
)
def test_examples_that_make_no_page(kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        kind(**{"images": IMAGES, "folder": "pages", **arguments})


def test_an_unknown_method_is_refused_before_training():
    with pytest.raises(ValueError, match="method='grad'.*'grad_cam'"):
        kc.callbacks.GradCAM(IMAGES, "pages", method="grad")


def test_methods_over_the_pixels_make_pages_too(tmp_path):
    model, images, _ = trainings.classifier()
    callback = kc.callbacks.GradCAM(images[:2], tmp_path, method="occlusion")
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_end(1)
    assert len(list(tmp_path.glob("*.png"))) == 1


def test_a_training_that_has_failed_still_gets_its_pages(tmp_path):
    model, images, _ = trainings.classifier()
    for weight in model.trainable_weights:
        weight.assign(np.full(weight.shape, np.nan))
    for callback in trainings.classifier_callbacks(tmp_path):
        callback.set_model(model)
        callback.on_train_begin()
        callback.on_epoch_end(1)
    assert len(list(tmp_path.glob("*.png"))) == 3
