"""Clips with classes from folders: a folder of frames for each clip, or a video file.

    FOLDER/CLASS/CLIP/0001.png        load_frames, by the order of the names (2 before 10)
    FOLDER/CLASS/CLIP.mp4             load_videos, which needs PyAV: the extra `video`

The splits are as in folders of photographs: `train`, `val` and `test` with the classes' folders in
them, or held out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import file_fingerprint
from keras_classics.core.boundary.picture_files import picture_endings
from keras_classics.core.counts import Whole
from keras_classics.core.errors import InputError
from keras_classics.data.clips.video_files import (
    VIDEO_ENDINGS,
    evenly,
    frame_count,
    read_video,
    require_av,
)
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.formats.class_folders import class_folders, split_folders
from keras_classics.data.pictures.images import measure_images, read_image
from keras_classics.data.splits import Clip, Made


class _Found(NamedTuple):
    path: Path
    class_name: str
    files: tuple[Path, ...]


@checked
def load_frames(
    asked: Asked, *, frames: Whole = 8, validation: float = 0.1, test: float = 0.1
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

    def clips(folder: Path, class_name: str) -> list[_Found]:
        found = []
        for clip in sorted(each for each in (folder / class_name).iterdir() if each.is_dir()):
            sizes = measure_images(_frame_files(clip), faults)
            if len({size or own for own in sizes.values()}) > 1:
                faults.take(_of_several_sizes(clip, len(set(sizes.values()))))
            elif sizes:
                found.append(_Found(clip, class_name, tuple(sizes)))
        return found

    def read(clip: _Found) -> np.ndarray:
        return _read_frames(clip.path, clip.files, frames, size)

    return _clips(asked, clips, read, (validation, test))


@checked
def load_videos(
    asked: Asked, *, frames: Whole = 8, validation: float = 0.1, test: float = 0.1
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

    def clips(folder: Path, class_name: str) -> list[_Found]:
        found = []
        for file in sorted((folder / class_name).rglob("*")):
            if file.suffix.lower() in VIDEO_ENDINGS and file.name[0] != ".":
                try:
                    frame_count(file)
                    found.append(_Found(file, class_name, (file,)))
                except InputError as error:
                    asked.faults.take(error)
        return found

    def read(clip: _Found) -> np.ndarray:
        return read_video(clip.path, frames=frames, size=asked.size)

    return _clips(asked, clips, read, (validation, test))


@checked
def read_clip(
    path: str | Path, *, frames: Whole = 8, size: int | tuple[int, int] | None = None
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
    endings = picture_endings()
    found = [each for each in clip.iterdir()
             if each.suffix.lower() in endings and each.name[0] != "."]  # fmt: skip
    return sorted(found, key=_counted)


def _read_frames(
    clip: Path, files: Sequence[Path], frames: Whole, size: int | tuple[int, int] | None
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
    clips: Callable[[Path, str], list[_Found]],
    read: Callable[[_Found], np.ndarray],
    shares: tuple[float, float],
) -> Data:
    folder = asked.path
    roots = split_folders(folder)
    classes = class_folders(roots["train"])
    found = {
        split: [clip for name in classes if (root / name).is_dir() for clip in clips(root, name)]
        for split, root in roots.items()
    }
    splits, held = asked.divided(
        found,
        shares,
        "clip",
        label=lambda clip: clip.class_name,
        same=lambda clip: (tuple(map(file_fingerprint, clip.files)),),
        key=lambda split, clip: f"{split}:{clip.class_name}/{clip.path.name}",
    )

    def made(clip: _Found) -> Clip:
        label = classes.index(clip.class_name)
        return Clip(read(clip), str(clip.path.relative_to(folder)), label)

    return asked.data(
        {split: Made(part, made) for split, part in splits.items()},
        {**{split: str(root) for split, root in roots.items()}, **held},
        image_shape=(*asked.size, 3) if asked.size else None,
        classes=classes,
    )


def _counted(path: Path) -> list[tuple[int, str]]:
    """What sorts names as people count: 2 before 10."""
    pieces = re.split(r"(\d+)", path.name)
    return [(int(each), "") if each.isdecimal() else (-1, each) for each in pieces]
