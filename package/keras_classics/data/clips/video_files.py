"""Video files as arrays of frames, decoded by PyAV (the extra `video`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count
from keras_classics.core.errors import InputError
from keras_classics.data.pictures.images import eight_bit_rgb, resolve_size

VIDEO_ENDINGS = (".avi", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")
# What FFmpeg may take a file for, whatever its name: no list of others that it would open as well.
_CONTAINERS = "avi,gif,m4v,matroska,mov,mp4,mpeg,mpegts,mpegvideo,webm"


def require_av() -> Any:
    """PyAV.

    Raises:
        ImportError: It is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise ImportError(
            "Video files are read by PyAV: pip install 'keras-classics[video]'"
        ) from error
    return av


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
    with _decoded(path) as found:
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
    with _decoded(path) as found:
        count = sum(1 for _ in found)
    if not count:
        raise _unreadable(path, "it has no frame")
    return count


def evenly(count: int, frames: int) -> list[int]:
    """Numbers of frames out of so many, at even distances; all where there are fewer."""
    return np.linspace(0, count - 1, min(count, frames)).round().astype(int).tolist()


@contextmanager
def _decoded(path: str | os.PathLike) -> Iterator[Iterator[Any]]:
    av = require_av()
    if not os.path.isfile(path):
        raise _unreadable(path, "there is no such file")
    try:
        with av.open(os.fspath(path), options={"format_whitelist": _CONTAINERS}) as container:
            if not container.streams.video:
                raise _unreadable(path, "it has no moving picture")
            yield _whole(container.decode(video=0), path)
    except av.error.FFmpegError as error:
        raise _unreadable(path, str(error.strerror)) from error


def _whole(frames: Iterator[Any], path: str | os.PathLike) -> Iterator[Any]:
    """The frames, of which a decoder must not have made up any."""
    for number, frame in enumerate(frames):
        if frame.is_corrupt:
            raise _unreadable(path, f"its frame {number} is damaged")
        yield frame


def _unreadable(path: str | os.PathLike, why: str) -> InputError:
    return InputError(
        f"{path} cannot be read ({why})", "a sound video file", "Check the file, or convert it."
    )
