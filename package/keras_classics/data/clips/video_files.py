"""Frames of video files as arrays."""

from __future__ import annotations

import os

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.video_frames import decoded_frames, unreadable_video
from keras_classics.core.counts import Count
from keras_classics.data.pictures.images import eight_bit_rgb, resolve_size

VIDEO_ENDINGS = (".avi", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")


@checked
def read_video(
    path: str | os.PathLike, *, frames: Count = 8, size: int | tuple[int, int] | None = None
) -> np.ndarray:
    """Read frames of a video file at even distances, the first and the last among them.

    Args:
        path: The file.
        frames: How many; all where it has fewer.
        size: Height and width, or one number for a square; None keeps the file's own.

    Returns:
        uint8 `(frames, height, width, 3)`.

    Raises:
        InputError: The file is missing, has no moving picture, or is damaged as far as its decoder
            can tell: a Matroska or GIF file that was cut off may be a shorter one.
        ImportError: PyAV is not installed.
    """
    target = resolve_size(size)
    # Counted by decoding: what a container says of its length is often not so.
    chosen = set(evenly(frame_count(path), frames))
    with decoded_frames(path) as found:
        return np.stack(
            [
                eight_bit_rgb(frame.to_ndarray(format="rgb24"), target)
                for number, frame in enumerate(found)
                if number in chosen
            ]
        )


def frame_count(path: str | os.PathLike) -> int:
    """How many frames a video file has.

    Raises:
        InputError: The file is missing, damaged, or has no moving picture.
        ImportError: PyAV is not installed.
    """
    with decoded_frames(path) as found:
        count = sum(1 for _ in found)
    if not count:
        raise unreadable_video(path, "it has no frame")
    return count


def evenly(count: int, frames: int) -> list[int]:
    """Numbers of frames out of so many, at even distances; all where there are fewer."""
    return np.linspace(0, count - 1, min(count, frames)).round().astype(int).tolist()
