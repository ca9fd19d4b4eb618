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
