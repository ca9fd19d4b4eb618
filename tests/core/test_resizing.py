"""Pictures resized in floating point."""

import numpy as np
import pytest
from PIL import Image

from keras_classics.core.resizing import resize_windows


def test_of_a_picture_that_becomes_small_each_row_is_a_weighted_mean():
    rows = np.array([0.0, 10.0, 20.0, 40.0, 80.0, 160.0], "float32")
    image = np.repeat(rows[:, None, None], 6, axis=1)
    found = resize_windows(image, np.array([[0, 0, 6, 6]]), 2, 6)[0, :, 0, 0]
    # Triangles of half width 3 around 1.5 and 4.5; at the border cut and divided by their sum.
    weights = np.array([[2 / 3, 1, 2 / 3, 1 / 3, 0, 0], [0, 0, 1 / 3, 2 / 3, 1, 2 / 3]])
    np.testing.assert_allclose(found, weights @ rows / weights.sum(axis=1), rtol=1e-6)


@pytest.mark.parametrize("size", [(7, 9), (31, 12), (60, 80), (1, 1)])
def test_windows_are_what_pillow_makes_of_each_plane(size):
    rng = np.random.default_rng(0)
    image = (255 * rng.random((50, 40, 3))).astype("float32")
    windows = np.array([[0, 0, 50, 40], [3.3, 5.2, 41.9, 33.0], [20.5, 0.0, 22.0, 40.0]])
    for (top, left, bottom, right), found in zip(
        windows, resize_windows(image, windows, *size), strict=True
    ):
        for channel in range(3):
            plane = Image.fromarray(np.ascontiguousarray(image[..., channel])).resize(
                size[::-1], Image.Resampling.BILINEAR, (left, top, right, bottom)
            )
            np.testing.assert_allclose(found[..., channel], plane, atol=2e-3)
