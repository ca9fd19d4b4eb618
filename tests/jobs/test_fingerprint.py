"""Data have a number: other data, or the same in another order, have another."""

from dataclasses import dataclass

import numpy as np
import pytest

from keras_classics.jobs import fingerprint as room
from keras_classics.jobs.fingerprint import fingerprint

PICTURES = np.arange(24, dtype="uint8").reshape(2, 3, 4)


@dataclass
class Part:
    images: np.ndarray
    labels: list
    size: int | None = None


def test_equal_content_has_one_number():
    assert fingerprint(Part(PICTURES, ["a", "b"])) == fingerprint(Part(PICTURES.copy(), ["a", "b"]))
    assert len(fingerprint(None)) == 32


@pytest.mark.parametrize(
    "other",
    [
        Part(PICTURES, ["b", "a"]),
        Part(255 - PICTURES, ["a", "b"]),
        Part(PICTURES[:1], ["a", "b"]),
        Part(PICTURES.astype("int16"), ["a", "b"]),
        Part(PICTURES.reshape(2, 4, 3), ["a", "b"]),
        Part(PICTURES, ["ab"]),
        Part(PICTURES, ["a", "b"], 3),
    ],
)
def test_other_content_has_another(other):
    assert fingerprint(other) != fingerprint(Part(PICTURES, ["a", "b"]))


def test_large_arrays_are_looked_at_in_rows_over_all_of_them(monkeypatch):
    monkeypatch.setattr(room, "MOST_BYTES", 60)
    large = np.arange(1000, dtype="uint8").reshape(100, 10)
    first, last = large.copy(), large.copy()
    first[0, 0], last[-1, -1] = 9, 9
    assert len({fingerprint(each) for each in (large, first, last, large[::-1])}) == 4


def test_what_has_no_number_is_said():
    with pytest.raises(TypeError, match="object has no fingerprint"):
        fingerprint([object()])
