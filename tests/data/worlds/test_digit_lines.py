"""Lines of digits: what stands in them, and that splits share no scanned digit."""

import numpy as np
import pytest

import keras_classics as kc
from keras_classics.data.worlds.digit_lines import draw_line

SMALL = {"train": 6, "validation": 4, "test": 4}


def lines(**options):
    data = kc.data.load("digit_lines", **{**SMALL, **options})
    return data, list(data.train)


def test_lines_are_as_long_as_asked_and_seeded():
    data, found = lines(digits=(2, 4), gap=(1, 1))
    assert data.info.sizes == SMALL and len(found) == 6
    for line in found:
        count = len(line.text)
        assert 2 <= count <= 4 and line.text.isdigit()
        assert line.image.shape == (12, 8 * count + count + 1, 3)
    again = lines(digits=(2, 4), gap=(1, 1))[1]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(found, again, strict=True))
    more = lines(digits=(2, 4), gap=(1, 1), train=8)[1]
    assert [line.text for line in more[:6]] == [line.text for line in found]
    other = lines(digits=(2, 4), gap=(1, 1), seed=1)[1]
    assert [line.text for line in other] != [line.text for line in found]


def test_drawn_digits_are_whole():
    pictures = np.random.default_rng(0).integers(1, 255, (3, 8, 8), "uint8")
    line = draw_line(pictures, np.random.default_rng(1), gap=(2, 2))
    assert line.shape == (12, 3 * 8 + 4 * 2, 3)
    for n, picture in enumerate(pictures):
        place = line[:, 2 + n * 10 :][:, :8, 0]
        rows = np.flatnonzero(place.any(axis=1))
        assert np.array_equal(place[rows], picture)


@pytest.mark.parametrize("options", [{"digits": (0, 2)}, {"gap": (3, 1)}, {"train": 0}], ids=str)
def test_numbers_out_of_range_are_refused(options):
    with pytest.raises(kc.InputError, match="1 to (100 digits|1,000,000 lines)"):
        lines(**options)
