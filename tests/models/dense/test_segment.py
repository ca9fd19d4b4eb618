"""What a segmenter says of pictures of several sizes."""

import keras
import numpy as np
import pytest

import keras_classics as kc


@pytest.fixture(scope="module")
def model():
    image = keras.Input((None, None, 3))
    return keras.Model(image, keras.layers.Conv2D(2, 1, kernel_initializer="glorot_normal")(image))


def test_answers_come_in_the_order_of_the_pictures_whatever_their_sizes(model):
    rng = np.random.default_rng(0)
    sizes = [(5, 4), (3, 7), (5, 4), (5, 4), (3, 7)]
    pictures = [rng.integers(0, 256, (*size, 3), "uint8") for size in sizes]
    found = kc.models.segment(model, pictures, batch_size=2)
    for picture, said in zip(pictures, found, strict=True):
        logits = model(picture[None].astype("float32") / 127.5 - 1)
        np.testing.assert_allclose(said, keras.ops.softmax(logits)[0], atol=1e-5)


def test_networks_in_half_precision_answer_in_single():
    image = keras.Input((None, None, 3))
    half = keras.Model(image, keras.layers.Conv2D(2, 1, dtype="float16")(image))
    (found,) = kc.models.segment(half, [np.full((3, 4, 3), 200, "uint8")])
    assert found.dtype == "float32"
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-6)


def test_what_is_no_segmenter_is_refused():
    picture = np.zeros((4, 4, 3), "uint8")
    image = keras.Input((4, 4, 3))
    flat = keras.layers.GlobalAveragePooling2D()(image)
    for wrong in (
        keras.Model(image, flat),
        keras.Model(image, keras.layers.MaxPooling2D()(image)),
        keras.Model(image, [image, image]),
        keras.Model(image, image[..., 0]),
    ):
        with pytest.raises(kc.InputError, match="kc.models.fcn"):
            kc.models.segment(wrong, [picture])
        with pytest.raises(kc.InputError, match="kc.models.fcn"):
            kc.training.compile_segmenter(wrong, "adam")


def test_what_is_no_picture_is_refused(model):
    picture = np.zeros((4, 4, 3), "uint8")
    for wrong, told in (
        (picture[..., 0], "Picture 1 is uint8"),
        (picture / 255, "Picture 1 is float64"),
        (picture[:0], "Picture 1 is uint8"),
    ):
        with pytest.raises(kc.InputError, match=told):
            kc.models.segment(model, [picture, wrong])
