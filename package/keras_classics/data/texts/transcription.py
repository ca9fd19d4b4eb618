"""What a recogniser reads and writes: lines of writing or recordings, and the signs of texts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.picture_files import write_picture
from keras_classics.core.counts import Wholes
from keras_classics.core.errors import InputError, check_axes, check_choice, check_places
from keras_classics.data.pictures.images import grey, read_image
from keras_classics.data.sound.recordings import (
    BANDS,
    LOUDEST,
    check_long_enough,
    log_mel_frames,
    read_wave,
    write_wave,
)
from keras_classics.data.texts.sequences import LabelledSequences


@checked
@dataclass(frozen=True)
class Transcription:
    """How pictures of lines, or recordings, become sequences, and their texts labels.

    As `kc.export.export_recognizer` reads them: pictures grey, of 0 to 1, along their width;
    recordings as `keras_classics.data.sound.recordings.log_mel` hears them.

    Attributes:
        labels: The signs that are written for label 1, 2, ...; 0 is the blank.
        height: Of pictures, in pixels; None for recordings.

    Example:
        ```python
        transcription = kc.data.Transcription("0123456789", height=12)
        lines = [np.zeros((12, 40, 3), "uint8"), np.zeros((12, 24, 3), "uint8")]
        part = transcription.sequences(lines, ["1203", "77"])
        part.targets[0]  # [2, 3, 1, 4]
        transcription.text(part.targets[0])  # "1203"
        transcription.input_shape  # (12, None, 1), as kc.models.ctc_recognizer takes it
        ```
    """

    labels: Sequence[str]
    height: int | None = None

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """That of `kc.models.ctc_recognizer`."""
        return (None, BANDS) if self.height is None else (self.height, None, 1)

    @checked
    def sequences(
        self,
        contents: Sequence[np.ndarray],
        texts: Sequence[str] | None = None,
        names: Sequence[str] = (),
    ) -> LabelledSequences:
        """What a network reads, with the labels of its texts.

        Args:
            contents: Pictures uint8 `(height, width, 3)`, or recordings float32 `(samples,)` of -1
                to 1.
            texts: What is written or said, of known signs; None where that is to be found out.
            names: Of each.

        Raises:
            InputError: What was given is neither, not equally many, or of another sign.
        """
        axes = "(samples)" if self.height is None else "(height, width, channels)"
        for content in contents:
            check_axes("contents", content, axes)
        for sign in dict.fromkeys("".join(texts or ())):
            check_choice("texts", sign, tuple(self.labels), "Leave texts of other signs out.")
        features = [*map(log_mel_frames if self.height is None else grey, contents)]
        labels = [
            np.array([1 + self.labels.index(sign) for sign in text], "int32")
            for text in texts or ()
        ]
        axis = int(self.height is not None)
        return LabelledSequences(features, labels, axis=axis, told=True, names=names)

    @checked
    def text(self, labels: Wholes) -> str:
        """The text of labels from 1 on.

        Raises:
            InputError: There is no sign of such a label.
        """
        check_places("labels", labels, len(self.labels), 1)
        return "".join(self.labels[label - 1] for label in labels)

    @checked
    def read(self, path: str | os.PathLike) -> np.ndarray:
        """The content of a picture or wave file, as `sequences` takes it.

        Raises:
            InputError: The file is missing, damaged, too short, or of another height, rate or kind.
        """
        if self.height is None:
            audio = read_wave(path)
            check_long_enough(path, audio)
            return audio / np.float32(LOUDEST)
        picture = read_image(Path(path))
        if len(picture) != self.height:
            raise InputError(
                f"{path} is {len(picture)} pixels high",
                f"{self.height}, the height of the training lines",
                "Resize it.",
            )
        return picture

    @checked
    def write(self, path: str | os.PathLike, content: np.ndarray) -> None:
        """Write a picture or recording into a file, `.png` or `.wav`.

        Raises:
            InputError: The file cannot be written.
        """
        write = write_wave if self.height is None else write_picture
        write(path, content)
