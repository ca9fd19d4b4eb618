"""When two shapes may be of one array."""

import pytest

from keras_classics.core.shapes import agree


@pytest.mark.parametrize(
    ("shape", "other", "alike"),
    [
        ((), (), True),
        ((2, 3), (2, 3), True),
        ((2, None), (None, 3), True),
        ((None, None), (None, 0), True),
        ((2, 3), (3, 2), False),
        ((None, 3), (None, 4), False),
        ((0, 3), (None, 3), True),
        ((0,), (1,), False),
        ((None, None), (None,), False),
        ((2,), (2, None), False),
    ],
)
def test_shapes_agree_where_both_are_known_and_in_the_number_of_axes(shape, other, alike):
    assert agree(shape, other) == agree(list(other), shape) == alike
