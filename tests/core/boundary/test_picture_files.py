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
