"""Of pictures that several threads read at once only as many are open as have room together."""

import threading

import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from keras_classics.core.boundary import picture_files
from keras_classics.core.boundary.picture_files import opened_picture


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A picture of 6,400 pixels; there is room for 10,000."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 15_000)
    picture_files.write_picture(tmp_path / "a.png", np.zeros((80, 80, 3), "uint8"))
    return tmp_path / "a.png"


def in_thread(path, opened):
    def look():
        with opened_picture(path):
            opened.set()

    # One that waits for ever keeps no test from ending.
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    return thread


def test_who_has_no_room_waits_until_there_is(small):
    opened = threading.Event()
    with opened_picture(small):
        thread = in_thread(small, opened)
        assert not opened.wait(0.3)
    thread.join(60)
    assert opened.is_set()


def test_who_has_room_does_not_wait_and_what_failed_has_given_its_room_back(small, monkeypatch):
    with pytest.raises(kc.InputError, match="broken"), opened_picture(small):
        raise OSError("broken")
    assert picture_files._taken == 0
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20_000)
    opened = threading.Event()
    with opened_picture(small):
        thread = in_thread(small, opened)
        assert opened.wait(60)
        thread.join()
    assert picture_files._taken == 0


def test_a_palette_colours_a_mask_and_its_numbers_stay(tmp_path):
    mask = np.array([[0, 1, 2], [2, 1, 255]], "uint8")
    colours = kc.analysis.class_colours(3)
    path = tmp_path / "mask.png"
    kc.data.write_picture(path, mask[..., None], palette=colours)
    assert kc.data.read_mask(path).tolist() == mask.tolist()
    with Image.open(path) as image:
        shown = np.asarray(image.convert("RGB"))
    assert shown[:, :2].tolist() == colours[mask[:, :2]].tolist()
    for wrong, picture, name in (
        (colours[0], mask[..., None], "a.png"),
        (np.zeros((257, 3), "uint8"), mask[..., None], "a.png"),
        (colours, np.zeros((2, 3, 3), "uint8"), "a.png"),
        (colours, mask[..., None], "a.jpg"),
    ):
        with pytest.raises(kc.InputError, match="Leave the palette out"):
            kc.data.write_picture(tmp_path / name, picture, palette=wrong)
    assert not (tmp_path / "a.png").exists()


def test_a_palette_has_whole_colours_and_one_for_each_number_but_255(tmp_path):
    path, mask = tmp_path / "a.png", np.array([[0, 1, 2, 255]], "uint8")[..., None]
    colours = kc.analysis.class_colours(3)
    for wrong in (colours / 255, colours.astype(int) + 300, -colours.astype(int)):
        with pytest.raises(kc.InputError, match=r"palette of the type .*\.astype\('uint8'\)"):
            kc.data.write_picture(path, mask, palette=wrong)
    for wrong in (mask % 255 + 1, mask / 2, np.full((1, 1, 1), 254)):
        with pytest.raises(kc.InputError, match=r"for a palette of 3 colours.*class_colours\("):
            kc.data.write_picture(path, wrong, palette=colours)
    # Both remedies, and what is read back.
    kc.data.write_picture(path, mask, palette=(255 * (colours / 255)).round().astype("uint8"))
    np.testing.assert_array_equal(kc.data.read_mask(path), mask[..., 0])
    np.testing.assert_array_equal(kc.data.read_image(path)[0], [*colours, (0, 0, 0)])
    kc.data.write_picture(path, mask, palette=kc.analysis.class_colours(4))


def test_a_picture_of_other_values_than_0_to_255_is_not_written_dark(tmp_path):
    path, picture = tmp_path / "a.png", np.linspace(0, 1, 48).reshape(4, 4, 3)
    for wrong, right in (
        (picture, picture * 255),
        (2 * picture - 1, picture * 255),
        (300 * picture, (300 * picture).clip(0, 255)),
        (np.full((2, 2, 3), np.nan), None),
    ):
        with pytest.raises(kc.InputError, match="The picture has values from"):
            kc.data.write_picture(path, wrong)
        assert not path.exists()
        if right is not None:
            kc.data.write_picture(path, right)
            np.testing.assert_array_equal(kc.data.read_image(path), right.astype("uint8"))
            path.unlink()
