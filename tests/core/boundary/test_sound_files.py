"""Recordings that are cut off are refused, and take no room for what is not there."""

import struct
import tracemalloc
import wave

import pytest

import keras_classics as kc
from keras_classics.core.boundary.sound_files import read_pcm


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as recording:
        recording.setnchannels(2)
        recording.setsampwidth(2)
        recording.setframerate(8000)
        recording.writeframes(bytes(range(200)))
    return path


def test_a_whole_recording_is_read(path):
    assert read_pcm(path) == (8000, 2, 16, bytes(range(200)))


@pytest.mark.parametrize("cut", [2, 20, 100, 199])
def test_what_is_cut_off_is_refused(path, cut):
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(kc.InputError, match="it is cut off"):
        read_pcm(path)


def test_no_room_is_made_for_what_is_announced(path):
    content, size = path.read_bytes(), struct.pack("<I", 2**31 - 16)
    # Of the whole, and of the samples in it.
    path.write_bytes(content[:4] + size + content[8:40] + size + content[44:])
    tracemalloc.start()
    try:
        with pytest.raises(kc.InputError, match="it is cut off"):
            read_pcm(path)
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()
