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


@pytest.mark.parametrize("order", ["C", "F"])
def test_every_byte_of_a_large_array_counts(monkeypatch, order):
    large = np.arange(1000, dtype="uint8").reshape(100, 10).copy(order)
    whole = fingerprint(large)
    monkeypatch.setattr(room, "BLOCK_BYTES", 60)
    # However it is divided, and however it lies in memory.
    assert fingerprint(large) == whole == fingerprint(np.ascontiguousarray(large))
    numbers = {whole, fingerprint(large[::-1])}
    for place in np.ndindex(large.shape):
        changed = large.copy(order)
        changed[place] ^= 1
        numbers.add(fingerprint(changed))
    assert len(numbers) == 1002


def test_arrays_on_a_disk_have_the_number_of_those_in_memory(tmp_path):
    np.save(tmp_path / "a.npy", PICTURES)
    assert fingerprint(np.load(tmp_path / "a.npy", mmap_mode="r")) == fingerprint(PICTURES)
    assert fingerprint(np.array(3)) != fingerprint(np.array(4))


def test_what_has_no_number_is_said():
    class Configured:
        config = {"a": 1}

    for content in (object(), Configured(), {1, 2}):
        with pytest.raises(TypeError, match="has no fingerprint"):
            fingerprint([content])
