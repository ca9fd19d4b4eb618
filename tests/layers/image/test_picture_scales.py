"""A picture at several scales, beside Keras's resizing and the paper's rule by hand."""

import keras
import numpy as np
import pytest

from keras_classics.core.errors import InputError
from keras_classics.layers import NearestScale, ShorterSide

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(2, 31, 47, 3)).astype("float32")
BOXES = np.float32([[[1, 2, 3, 9], [0, 0, 31, 47]]] * 2)


@pytest.mark.parametrize(("pixels", "size"), [(10, (10, 15)), (31, (31, 47)), (64, (64, 97))])
def test_the_shorter_side_has_so_many_pixels_and_boxes_follow(pixels, size):
    images, boxes = (np.asarray(each) for each in ShorterSide(pixels)(IMAGES, BOXES))
    expected = keras.ops.image.resize(IMAGES, size, antialias=True)
    np.testing.assert_allclose(images, expected, atol=1e-4)
    down, right = size[0] / 31, size[1] / 47
    np.testing.assert_allclose(boxes, BOXES * [down, right, down, right], rtol=1e-6)
    upright, _ = ShorterSide(pixels)(np.swapaxes(IMAGES, 1, 2), BOXES)
    np.testing.assert_allclose(np.swapaxes(upright, 1, 2), images, atol=1e-5)


def test_sizes_may_be_known_only_when_there_are_pictures():
    image, boxes = keras.Input((None, None, 3)), keras.Input((None, 4))
    outputs = ShorterSide(10)(image, boxes)
    assert outputs[0].shape == (None, None, None, 3)
    model = keras.Model([image, boxes], outputs)
    # The third call is traced with sizes unknown.
    for _ in range(2):
        for given in (IMAGES, IMAGES[:, :20, :9], IMAGES[:, :12]):
            found, expected = (f([given, BOXES]) for f in (model.predict_on_batch, model))
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_allclose(one, other, atol=1e-5)
    assert ShorterSide(10).compute_output_shape((2, 31, 47, 3), (2, 5, 4))[0] == (2, 10, 15, 3)


def test_a_box_has_the_scale_in_which_its_area_is_nearest_to_the_window():
    # In scales 1, 2 and 4, of sides in the first; the square of 8 x 8 is 64 pixels.
    sides = np.float32([[8, 8], [4, 4], [2, 2], [1, 1], [1, 16], [5, 5], [6, 5], [100, 1]])
    # 25, 100, 400 are 39, 36 and 336 from 64; 30, 120, 480 are 34, 56 and 416.
    expected = [0, 1, 2, 2, 1, 1, 0, 0]
    corners = np.concatenate([np.full_like(sides, 3), 3 + sides], axis=1)[None]
    scaled = [corners * factor for factor in (1, 2, 4)]
    boxes, number = (np.asarray(each) for each in NearestScale(8)(scaled))
    assert number[0].tolist() == expected
    chosen = [scaled[scale][0, place] for place, scale in enumerate(expected)]
    np.testing.assert_array_equal(boxes[0], chosen)
    # Equally near: 32 and 96 of 64.
    tied = [np.float32([[[0, 0, 4, 8]]]), np.float32([[[0, 0, 8, 12]]])]
    assert np.asarray(NearestScale(8)(tied)[1]).item() == 0


def test_arguments_are_kept_and_nonsense_is_refused():
    twin = ShorterSide.from_config(ShorterSide(20).get_config())
    assert twin.pixels == 20 and NearestScale.from_config(NearestScale(9).get_config()).window == 9
    with pytest.raises(InputError, match="pixels=0"):
        ShorterSide(0)
    with pytest.raises(InputError, match=r"Give \[boxes\]"):
        NearestScale(9)(BOXES)
    np.testing.assert_array_equal(NearestScale(9)([BOXES])[0], BOXES)
