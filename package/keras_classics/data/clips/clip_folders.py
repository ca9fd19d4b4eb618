"""Clips with classes from folders: a folder of frames for each clip, or a video file.

    FOLDER/CLASS/CLIP/0001.png        load_frames, by the order of the names (2 before 10)
    FOLDER/CLASS/CLIP.mp4             load_videos, which needs PyAV: the extra `video`

The splits are as in folders of photographs: `train`, `val` and `test` with the classes' folders in
them, or held out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.video_frames import require_av
from keras_classics.core.counts import Count
from keras_classics.core.errors import InputError
from keras_classics.data.clips.video_files import VIDEO_ENDINGS, evenly, frame_count, read_video
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.formats.class_folders import Classed, classed_data
from keras_classics.data.pictures.images import measure_images, read_image
from keras_classics.data.pictures.picture_places import picture_files
from keras_classics.data.splits import Clip, Made


@checked
def load_frames(
    asked: Asked, *, frames: Count = 8, validation: float = 0.1, test: float = 0.1
) -> Data:
    """Read clips that are folders of frames, in folders of classes.

    All frames are decoded once to find the faulty ones, which are left out of their clips.

    Args:
        asked: The folder; frames of a clip must be of one size, or are resized.
        frames: How many of a clip are taken, at even distances; fewer where it has fewer.
        validation: Share of the training clips that becomes the validation split.
        test: Share of them that becomes the test split.

    Raises:
        InputError: The folder is not laid out so, or nothing in it is sound.
    """
    size, faults = asked.size, asked.faults

    def clips(folder: Path) -> Iterator[tuple[Path, tuple[Path, ...]]]:
        for clip in sorted(each for each in folder.iterdir() if each.is_dir()):
            sizes = measure_images(_frame_files(clip), faults)
            if len({size or own for own in sizes.values()}) > 1:
                faults.take(_of_several_sizes(clip, len(set(sizes.values()))))
            elif sizes:
                yield clip, tuple(sizes)

    def read(clip: Classed) -> np.ndarray:
        return _read_frames(clip.path, clip.files, frames, size)

    return _clips(asked, clips, read, (validation, test))


@checked
def load_videos(
    asked: Asked, *, frames: Count = 8, validation: float = 0.1, test: float = 0.1
) -> Data:
    """Read clips that are video files, in folders of classes.

    Args:
        asked: The folder.
        frames: How many of a clip are taken, at even distances; fewer where it has fewer.
        validation: Share of the training clips that becomes the validation split.
        test: Share of them that becomes the test split.

    Raises:
        InputError: The folder is not laid out so, or nothing in it is sound.
        ImportError: PyAV is not installed.
    """
    require_av()

    def clips(folder: Path) -> Iterator[tuple[Path, tuple[Path, ...]]]:
        for file in sorted(folder.rglob("*")):
            if file.suffix.lower() in VIDEO_ENDINGS and file.name[0] != ".":
                with asked.faults.noting():
                    frame_count(file)
                    yield file, (file,)

    def read(clip: Classed) -> np.ndarray:
        return read_video(clip.path, frames=frames, size=asked.size)

    return _clips(asked, clips, read, (validation, test))


@checked
def read_clip(
    path: str | Path, *, frames: Count = 8, size: int | tuple[int, int] | None = None
) -> np.ndarray:
    """Read a clip: a folder of frames, by the order of their names (2 before 10), or a video file.

    Args:
        path: The folder or file.
        frames: How many are taken, at even distances; all where there are fewer.
        size: Height and width, or one number for a square; None keeps the pictures' own.

    Returns:
        uint8 `(frames, height, width, 3)`.

    Raises:
        InputError: There is none, or it is damaged, or its frames are of several sizes.
        ImportError: It is a video file, and PyAV is not installed.
    """
    path = Path(path).expanduser()
    # Which, unlike a path's own, answers of names too long for any file.
    if not os.path.isdir(path):
        return read_video(path, frames=frames, size=size)
    files = _frame_files(path)
    if not files:
        raise InputError(
            f"{path} holds no picture",
            "a folder of frames, such as 1.png, 2.png, ..., or a video file",
            "Check the path.",
        )
    return _read_frames(path, files, frames, size)


def _frame_files(clip: Path) -> list[Path]:
    """The frames of a folder, as people count them."""
    # Who names a pipe or a folder like a frame is told so.
    return sorted(picture_files(clip, below=False, regular=False), key=_counted)


def _read_frames(
    clip: Path, files: Sequence[Path], frames: Count, size: int | tuple[int, int] | None
) -> np.ndarray:
    read = [read_image(files[n], size) for n in evenly(len(files), frames)]
    if len({each.shape for each in read}) > 1:
        raise _of_several_sizes(clip, len({each.shape for each in read}))
    return np.stack(read)


def _of_several_sizes(clip: Path, count: int) -> InputError:
    return InputError(
        f"{clip} has frames of {count} sizes",
        "frames of one size, or an image_size",
        "Give for example image_size=64.",
    )


def _clips(
    asked: Asked,
    clips: Callable[[Path], Iterator[tuple[Path, tuple[Path, ...]]]],
    read: Callable[[Classed], np.ndarray],
    shares: tuple[float, float],
) -> Data:
    """The clips of each class's folder, with the files of each, as a data set."""

    def sound(root: Path, classes: Sequence[str]) -> list[Classed]:
        folders = {name: root / name for name in classes if (root / name).is_dir()}
        return [
            Classed(clip, name, files)
            for name, folder in folders.items()
            for clip, files in clips(folder)
        ]

    def made(part: Sequence[Classed], names: Sequence[str], labels: np.ndarray) -> Made[int, Clip]:
        return Made(range(len(part)), lambda n: Clip(read(part[n]), names[n], int(labels[n])))

    return classed_data(asked, shares, "clip", sound, made)


def _counted(path: Path) -> list[tuple[int, str]]:
    """What sorts names as people count: 2 before 10."""
    pieces = re.split(r"(\d+)", path.name)
    return [(int(each), "") if each.isdecimal() else (-1, each) for each in pieces]
