"""Moving pictures from outside, decoded by PyAV (the extra `video`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from keras_classics.core.errors import InputError, import_extra

# What FFmpeg may take a file for, whatever its name: no list of others that it would open as well.
_CONTAINERS = "avi,gif,m4v,matroska,mov,mp4,mpeg,mpegts,mpegvideo,webm"


def require_av() -> Any:
    """PyAV.

    Raises:
        MissingExtraError: It is not installed.
    """
    return import_extra("av", "video")


@contextmanager
def decoded_frames(path: str | os.PathLike[str]) -> Iterator[Iterator[Any]]:
    """Open a video file and decode its first moving picture.

    Args:
        path: The file.

    Yields:
        PyAV's frames in their order.

    Raises:
        InputError: The file is missing, damaged, or has no moving picture.
        MissingExtraError: PyAV is not installed.
    """
    av = require_av()
    if not os.path.isfile(path):
        raise unreadable_video(path, "there is no such file")
    try:
        with av.open(os.fspath(path), options={"format_whitelist": _CONTAINERS}) as container:
            if not container.streams.video:
                raise unreadable_video(path, "it has no moving picture")
            yield _whole(container.decode(video=0), path)
    except av.error.FFmpegError as error:
        raise unreadable_video(path, str(error.strerror)) from error


def unreadable_video(path: str | os.PathLike[str], why: str) -> InputError:
    """What is raised of a video file that is no such.

    Args:
        path: The file.
        why: What is wrong with it.
    """
    return InputError(
        f"{path} cannot be read ({why})", "a sound video file", "Check the file, or convert it."
    )


def _whole(frames: Iterator[Any], path: str | os.PathLike[str]) -> Iterator[Any]:
    """The frames, of which a decoder must not have made up any."""
    for number, frame in enumerate(frames):
        if frame.is_corrupt:
            raise unreadable_video(path, f"its frame {number} is damaged")
        yield frame
