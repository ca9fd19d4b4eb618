"""A shipped detector says what the model says, of pictures of any size, with and without answers."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from models.regions.test_fast_rcnn import GRID, backbone

NAMES = ["red", "green", "blue"]


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    made = kc.models.fast_rcnn(backbone(), 3, bins=3, units=(16,), dropout=0.0)
    kernel, bias = made.get_layer("classes").get_weights()
    # Answers that differ from region to region.
    made.get_layer("classes").set_weights([kernel * 400, bias])
    return made


@pytest.fixture(scope="module")
def shipped(model, tmp_path_factory):
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("detector")
    options = {"image_size": (32, 32), "most": 20, "least_score": 0.3}
    kc.export.export_detector(model, NAMES, folder / "grid", windows=GRID, **options)
    kc.export.export_detector(model, NAMES, folder / "open", **options)
    return [tf.saved_model.load(str(folder / name)) for name in ("grid", "open")]


def pictures(count=3, height=32, width=32):
    return np.random.default_rng(1).integers(0, 256, (count, height, width, 3), "uint8")


@pytest.mark.slow
def test_it_says_what_the_model_says(model, shipped):
    images = pictures()
    expected = kc.models.detect(model, list(images), [GRID] * 3, least_score=0.3, most=20)
    assert sum(len(each) for each in expected) > 5
    proposals = np.tile(GRID, (3, 1, 1))
    for said in (shipped[0].serve(images), shipped[1].serve(images, proposals)):
        for row, each in enumerate(expected):
            count = int(said["counts"][row])
            assert count == len(each)
            np.testing.assert_allclose(said["boxes"][row, :count], each.boxes, atol=1e-3)
            np.testing.assert_allclose(said["scores"][row, :count], each.scores, atol=1e-5)
            names = [name.decode() for name in said["classes"][row, :count].numpy()]
            assert names == [NAMES[label] for label in each.box_labels]
            # What fills up is nothing.
            assert (
                not any(said["classes"][row, count:].numpy())
                and not said["scores"][row, count:].numpy().any()
            )


@pytest.mark.slow
def test_boxes_are_in_the_pixels_of_pictures_of_any_size(shipped):
    # Of one colour, which is the same however it is shrunk.
    small = np.full((1, 32, 32, 3), 90, "uint8")
    large = small.repeat(2, axis=1).repeat(3, axis=2)
    one, other = (shipped[0].serve(each) for each in (small, large))
    assert int(one["counts"][0]) == int(other["counts"][0]) > 0
    scale = np.array([2, 3, 2, 3])
    np.testing.assert_allclose(other["boxes"][0], one["boxes"][0] * scale, atol=1e-2)


@pytest.mark.slow
def test_no_detection_gives_no_rows(shipped):
    said = shipped[1].serve(pictures(1), np.zeros((1, 0, 4), "float32"))
    assert said["boxes"][0].shape == (0, 4) and said["classes"].shape == (1, 0)
    nothing = shipped[0].serve(np.zeros((0, 40, 40, 3), "uint8"))
    assert nothing["boxes"].shape[0] == 0 and nothing["counts"].shape == (0,)


def test_the_least_score_counts_and_what_is_clipped_away_is_nothing(model, shipped):
    image = pictures(1)
    inside, outside = [4, 4, 20, 20], [50, 50, 60, 60]
    said = shipped[1].serve(image, np.float32([[inside, outside]]))
    (found,) = kc.models.detect(model, list(image), [[inside, outside]], least_score=0.3)
    assert int(said["counts"][0]) == len(found) > 0
    assert (kc.boxes.overlap(found.boxes, np.array([[0.0, 0, 32, 32]])) > 0).all()


def test_names_and_formats_are_checked(model, tmp_path):
    with pytest.raises(kc.InputError, match="2 names were given for 3 classes"):
        kc.export.export_detector(model, NAMES[:2], tmp_path / "m", image_size=(32, 32))
    with pytest.raises(kc.InputError, match="class by class"):
        kc.export.export_detector(
            model, NAMES, tmp_path / "m.onnx", image_size=(32, 32), format="onnx"
        )
