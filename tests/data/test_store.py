"""Where pictures lie: one array in memory or a mapped file, whatever their sizes."""

import tempfile

import numpy as np
import pytest

import keras_classics as kc
from keras_classics.data import store
from keras_classics.data.splits import Made, Picture


def split(*sides):
    """A picture of each side, whose class is its side, made when it is asked for."""

    def picture(number):
        side = sides[number]
        image = np.random.default_rng(number).integers(0, 256, (side, side + 1, 3), "uint8")
        return Picture(image=image, name=f"p{number}", label=side, captions=("a", "b"))

    return Made(range(len(sides)), picture)


@pytest.mark.parametrize("memory", [2**31, 700, 1], ids=["memory", "both", "file"])
@pytest.mark.parametrize("sides", [(9, 9, 9), (9, 12, 9)], ids=["one size", "several"])
def test_pictures_are_read_into_memory_or_a_file(memory, sides, monkeypatch):
    monkeypatch.setattr(store, "MEMORY_BYTES", memory)
    given = split(*sides)
    found = kc.data.collect(given, "label")
    assert found.labels.tolist() == list(sides) and found.captions is None
    assert found.names == ["p0", "p1", "p2"] and len(found) == 3
    assert isinstance(found.images, np.ndarray) == (sides[1] == 9)
    for one, other in zip(found, given, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        assert one.image.dtype == "uint8" and one.label == other.label
    np.testing.assert_array_equal(found.images[1:][0], given[1].image)
    np.testing.assert_array_equal(found[1:].images[1], given[2].image)


def test_one_field_is_kept_and_must_be_there():
    found = kc.data.collect(split(5, 6), "captions")
    assert found.captions == [("a", "b"), ("a", "b")] and found.labels is None
    bare = [Picture(image=np.zeros((2, 2, 3), "uint8"), name="x")]
    with pytest.raises(kc.InputError, match="without captions were given.*captions:FOLDER"):
        kc.data.collect(bare, "captions")
    with pytest.raises(kc.InputError, match="without classes were given.*folder:DIR"):
        kc.data.collect(bare, "label")


@pytest.mark.parametrize("memory", [2**31, 1], ids=["memory", "file"])
def test_pictures_with_boxes_keep_all_that_is_known_of_them(memory, monkeypatch):
    monkeypatch.setattr(store, "MEMORY_BYTES", memory)
    given = kc.data.load("scenes", train=3, validation=1, test=1).train
    found = kc.data.collect(given, "boxes")
    for one, other in zip(found, given, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.boxes, other.boxes)
        assert one.captions == other.captions and one.objects == other.objects
    with pytest.raises(kc.InputError, match="without boxes were given.*voc:FOLDER"):
        kc.data.collect(split(5), "boxes")


def test_what_lies_in_memory_is_not_copied():
    data = kc.data.load("digits")
    assert np.shares_memory(kc.data.collect(data.train, "label").images, data.train.images)


def test_a_full_disk_is_said(monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "MEMORY_BYTES", 1)
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(kc.InputError, match="No space left.*Set TMPDIR to a folder with more room"):
        kc.data.collect(split(9, 9), "label")
