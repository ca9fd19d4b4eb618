"""Recordings from outside."""

from __future__ import annotations

import os
import wave
from typing import NamedTuple

from keras_classics.core.boundary.files import file_size, opened, reading


class Pcm(NamedTuple):
    """What a wave file holds: samples a second, channels, bits of a sample, and the samples."""

    rate: int
    channels: int
    bits: int
    content: bytes


def read_pcm(path: str | os.PathLike[str]) -> Pcm:
    """Read a wave file of uncompressed samples.

    Args:
        path: The file.

    Raises:
        InputError: The file is missing, damaged, cut off or of another kind.
    """
    with reading(path, "a wave file (PCM)", "Check the file."), opened(path) as file:
        with wave.open(file) as recording:
            channels, width = recording.getnchannels(), recording.getsampwidth()
            announced = recording.getnframes() * channels * width
            # Looked at first, because as much room is made as is announced.
            if announced > file_size(file):
                raise ValueError("it is cut off")
            content = recording.readframes(recording.getnframes())
            if len(content) != announced:
                raise ValueError("it is cut off")
            return Pcm(recording.getframerate(), channels, 8 * width, content)
