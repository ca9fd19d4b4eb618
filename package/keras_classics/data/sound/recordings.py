"""Spoken digits and words from `.npz` or wave files, and what a network hears of a recording."""

from __future__ import annotations

import os
import shlex
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.files import write_whole
from keras_classics.core.boundary.sound_files import read_pcm
from keras_classics.core.errors import InputError
from keras_classics.data.faults import Faults
from keras_classics.data.holdout import SPLIT_NAMES, digest
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.formats.arrays import read_npz
from keras_classics.data.splits import Made

if TYPE_CHECKING:
    import keras

    from keras_classics.core.types import Tensor

RATE = 8000
BANDS = 24
# A hundred frames a second, each of 32 milliseconds, at 8 kHz.
_STRIDE, _WINDOW = 80, 256
# Samples of a recording of one frame, which is mirrored at both ends.
SHORTEST = _WINDOW // 2 + 1
LOUDEST = 32768
# Of the hiss in the silences that join recordings, in steps of 16 bits: no microphone is mute.
_HISS = 8.0
_LONGEST_SILENCE, _MOST_REPEATS = 10, 1000
# Decibels of a band of loud speech, about, to numbers of the size of one.
MIDDLE, SPREAD = -20.0, 20.0


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording: its samples `(samples,)`, what is said, by whom, and its name."""

    audio: np.ndarray
    text: str
    speaker: str
    name: str


@checked
def load_speech(
    asked: Asked,
    *,
    digits: tuple[int, int] = (1, 5),
    repeat: int = 3,
    silence: tuple[float, float] = (0.0, 0.25),
    leave_out: str | int | None = None,
    validation: float = 0.1,
    test: float = 0.1,
) -> Data:
    """Read spoken digits or words at 8 kHz, joined to strings that one speaker says.

    A folder has `.npz` files that begin with `train`, `dev` (or `validation`) or `test`, or wave
    files named `7_SPEAKER_....wav` or `yes_SPEAKER_....wav`; or the path is one `.npz` file. An
    `.npz` file has `audio`, int16 or floats of -1 to 1, all recordings end to end, `offsets`, where
    they begin and the last one ends, `digit`, numbers or words, perhaps `speaker`, one for each,
    and `rate`. Of a `Recording` the `audio` is float32 `(samples,)` of -1 to 1, heard in 16 bits,
    the `text` what is said, in a string without blanks.

    Args:
        asked: The folder or file.
        digits: Fewest and most recordings in a string; `(1, 1)` leaves them as they are.
        repeat: How often each training recording is used, every time beside others; at most 1,000.
        silence: Shortest and longest pause between the recordings of a string, in seconds.
        leave_out: A speaker, all of whose recordings become the test split, whatever file they are
            in; the other splits are of the others. By default the speakers of all splits are the
            same.
        validation: Share of the recordings that becomes the validation split where no file does.
        test: The same of the test split.

    Raises:
        InputError: A file is missing or faulty, of another rate, there is no recording, or none of
            the speaker or of others.
    """
    if not 0 <= silence[0] <= silence[1] <= _LONGEST_SILENCE:
        raise InputError(
            f"silence={silence} was given",
            f"seconds from 0 to {_LONGEST_SILENCE}, the lesser number first",
            "Leave it out for silence=(0.0,0.25).",
        )
    if not 1 <= digits[0] <= digits[1] or not 1 <= repeat <= _MOST_REPEATS:
        raise InputError(
            f"digits={digits} and repeat={repeat} were given",
            f"one digit and more, the lesser number first, and one repetition to {_MOST_REPEATS:,}",
            "Leave them out for digits=(1,5) and repeat=3.",
        )
    parts = _find(asked.path, asked.faults)
    rules = {split: f"{len(part)} recordings of their own" for split, part in parts.items()}
    if leave_out is not None:
        parts = _without(parts, str(leave_out), asked.argument)
        rules["test"] = f"all {len(parts['test'])} recordings of {leave_out}"
    parts, held = asked.divided(
        parts,
        (validation, test),
        "recording",
        label=lambda recording: recording.text,
        same=lambda recording: (digest(recording.audio),),
    )
    strings = {
        split: _strings(
            part, [asked.seed, number], digits,
            repeat if split == "train" and digits != (1, 1) else 1,
            (round(silence[0] * RATE), round(silence[1] * RATE)),
        )
        for number, (split, part) in enumerate(parts.items())
    }  # fmt: skip
    return asked.data(
        {split: Made(each, _join) for split, each in strings.items()},
        rules | held,
        classes=tuple(sorted({sign for part in parts.values() for each in part
                              for sign in each.text})),
        origin=asked.argument,
    )  # fmt: skip


def read_wave(path: str | os.PathLike, rate: int = RATE) -> np.ndarray:
    """Read a wave file of one channel and 16 bits.

    Args:
        path: The file.
        rate: Samples a second that are expected.

    Returns:
        The samples, int16 `(samples,)`.

    Raises:
        InputError: The file is missing, damaged, or of another rate or kind.
    """
    found = read_pcm(path)
    if (found.rate, found.channels, found.bits) != (rate, 1, 16):
        raise InputError(
            f"{path} has {found.rate} samples a second in {found.channels} "
            f"{'channel' if found.channels == 1 else 'channels'} of {found.bits} bits",
            f"{rate} samples a second in 1 channel of 16 bits",
            f"Convert it, for example by sox, which has to be installed (on Debian: apt-get "
            f"install sox): sox {shlex.quote(os.fspath(path))} -r {rate} -c 1 -b 16 new.wav",
        )
    return np.frombuffer(found.content, "<i2")


def write_wave(path: str | os.PathLike, audio: np.ndarray, rate: int = RATE) -> None:
    """Write a wave file of one channel and 16 bits.

    Args:
        path: The file.
        audio: Samples of -1 to 1, `(samples,)`; what is louder is cut.
        rate: Samples a second.

    Raises:
        InputError: The file cannot be written.
    """
    samples = _sixteen_bits(audio)

    def write(fresh: Path) -> None:
        with wave.open(str(fresh), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(samples.tobytes())

    write_whole(path, write)


def _sixteen_bits(audio: np.ndarray) -> np.ndarray:
    return np.clip(np.round(audio * np.float32(LOUDEST)), -LOUDEST, LOUDEST - 1).astype("<i2")


@checked
def log_mel(audio: Tensor) -> Tensor:
    """Loudness in 24 bands of the mel scale, 100 frames a second, at 8 kHz.

    Args:
        audio: float32 `(batch, samples)` of -1 to 1, any tensor, at least `129` samples.

    Returns:
        `(batch, frames, 24)`, of the size of one; the first `frame_count` frames of a row do not
        depend on what pads it.
    """
    import keras

    decibels = keras.ops.swapaxes(_bands()(audio), -1, -2)
    return (decibels - MIDDLE) / SPREAD


@cache
def _bands() -> keras.layers.MelSpectrogram:
    import keras

    return keras.layers.MelSpectrogram(
        fft_length=_WINDOW,
        sequence_stride=_STRIDE,
        num_mel_bins=BANDS,
        sampling_rate=RATE,
        # Else a floor would depend on the loudest of the batch.
        top_db=1e9,
        dtype="float32",
    )


def frame_count(samples: int | Tensor) -> int | Tensor:
    """How many frames of `log_mel` lie within a recording.

    Args:
        samples: Length of the recording, an integer or a tensor of them, at least 129.

    Returns:
        The number of frames, likewise; 100 a second.
    """
    # Frames are centred at multiples of the stride.
    return (samples - _WINDOW // 2) // _STRIDE + 1


def check_long_enough(what: object, audio: np.ndarray) -> None:
    """Refuse a recording in which nothing can be heard, because it is shorter than a frame.

    Raises:
        InputError: It is.
    """
    if len(audio) < SHORTEST:
        raise InputError(
            f"{what} has {len(audio)} samples",
            f"{SHORTEST} and more, {1000 * SHORTEST / RATE:.0f} thousandths of a second",
            "Leave it out, or record it anew.",
        )


def _find(folder: Path, faults: Faults) -> dict[str, list[Recording]]:
    files = sorted(folder.glob("*.npz")) if folder.is_dir() else []
    named = {
        split: [_npz(file, faults) for file in files if file.name.startswith(names)]
        for split, names in SPLIT_NAMES.items()
    }
    found = {split: sum(parts, []) for split, parts in named.items() if parts}
    if folder.suffix == ".npz":
        found = {"train": _npz(folder, faults)}
    elif not found and folder.is_dir():
        found = {"train": _waves(sorted(folder.glob("*.wav")), faults)}
    if not found.get("train"):
        raise InputError(
            f"{folder} has no recording to train on",
            "a folder with train.npz, or with wave files such as 7_jackson_0.wav",
            f"Check the path.{faults.told()}",
        )
    return found


def _npz(path: Path, faults: Faults) -> list[Recording]:
    arrays = read_npz(path)
    remedy = "Write the file anew, resampled if need be."
    missing = {"audio", "offsets", "digit"} - arrays.keys()
    if missing:
        raise InputError(
            f"{path} has no {', '.join(sorted(missing))}", "audio, offsets and digit", remedy
        )
    nobody = np.zeros(arrays["digit"].shape, int)
    arrays = {"speaker": nobody, "rate": np.array(RATE), **arrays}
    if not _are_recordings(arrays):
        raise InputError(
            f"{path} holds "
            + ", ".join(f"{name} {each.dtype} {each.shape}" for name, each in arrays.items()),
            "audio of int16 or floats, offsets into it that rise, one more than there are digits, "
            "as many speakers as digits, both numbers or texts, and one rate",
            remedy,
        )
    if arrays["rate"] != RATE:
        raise InputError(f"{path} has {arrays['rate']} samples a second", f"{RATE}", remedy)
    audio, offsets = arrays["audio"], arrays["offsets"]
    if audio.dtype.kind == "f":
        # What is no number is not at most 1, either.
        if not np.abs(audio).max(initial=0) <= 1:
            raise InputError(
                f"{path} has audio of {audio.min():g} to {audio.max():g}",
                "floats of -1 to 1, or int16",
                "Write the file anew, with whole numbers as int16.",
            )
        audio = _sixteen_bits(audio)
    found = []
    for n, (digit, speaker) in enumerate(zip(arrays["digit"], arrays["speaker"], strict=True)):
        name = f"{path.stem}-{n:05d}"
        with faults.noting():
            _check_said(str(digit), f"{path}, recording {n}")
            heard = audio[offsets[n] : offsets[n + 1]]
            check_long_enough(f"{path}, recording {n},", heard)
            found.append(Recording(heard, str(digit), str(speaker), name))
    return found


def _are_recordings(arrays: dict[str, np.ndarray]) -> bool:
    """Whether arrays are of the types they should be, and offsets lead nowhere but into audio."""
    audio, offsets, digits = (arrays[name] for name in ("audio", "offsets", "digit"))
    speakers, rate = arrays["speaker"], arrays["rate"]
    sound = audio.ndim == digits.ndim == 1 and offsets.shape == (len(digits) + 1,)
    sound = sound and (audio.dtype == np.int16 or audio.dtype.kind == "f")
    sound = sound and offsets.dtype.kind in "iu" and digits.dtype.kind in "iuU"
    sound = sound and speakers.dtype.kind in "iuU" and speakers.shape == digits.shape
    sound = sound and rate.dtype.kind in "iuf" and rate.shape == ()
    if sound and len(digits):
        steps = np.diff(offsets.astype("int64"))
        sound = offsets[0] >= 0 and offsets[-1] <= len(audio) and bool((steps >= 0).all())
    return bool(sound)


def _waves(files: Sequence[Path], faults: Faults) -> list[Recording]:
    found = []
    for file in files:
        text, bar, rest = file.stem.partition("_")
        with faults.noting():
            _check_said(text if bar else "", file)
            audio = read_wave(file)
            check_long_enough(file, audio)
            found.append(Recording(audio, text, rest.partition("_")[0], file.name))
    return found


def _check_said(text: str, where: object) -> None:
    if text.split() != [text] or not text.isprintable():
        raise InputError(
            f"{where} does not say what is spoken",
            "digits or a word without blanks; first in the name of a file, such as "
            "7_jackson_0.wav or yes_anna_1.wav",
            "Rename it.",
        )


class _String(NamedTuple):
    """What one speaker says: recordings, the samples of silence between them, and a seed."""

    said: list[Recording]
    pauses: list[int]
    seed: int


def _without(
    parts: dict[str, list[Recording]], speaker: str, path: str | Path
) -> dict[str, list[Recording]]:
    """Splits of which one speaker is the test, and no other has him."""
    everything = [recording for part in parts.values() for recording in part]
    speakers = sorted({recording.speaker for recording in everything})
    if speaker not in speakers or len(speakers) < 2:
        raise InputError(
            f"leave_out={speaker!r} was given, and {path} has the speakers {', '.join(speakers)}",
            "one of two speakers and more",
            f"Give for example leave_out={speakers[0]}." if len(speakers) > 1 else "Leave it out.",
        )
    # What is a test otherwise is new to nobody here, and one more to learn from.
    others = {"train": parts["train"] + parts.get("test", []),
              "validation": parts.get("validation", [])}  # fmt: skip
    kept = {
        split: [recording for recording in part if recording.speaker != speaker]
        for split, part in others.items()
        if part
    }
    return kept | {"test": [each for each in everything if each.speaker == speaker]}


def _strings(
    recordings: Sequence[Recording],
    seed: list[int],
    digits: tuple[int, int],
    repeat: int,
    silence: tuple[int, int],
) -> list[_String]:
    """The strings; the recordings of one are of one speaker."""
    strings: list[_String] = []
    rng, pauses = np.random.default_rng(seed), np.random.default_rng([*seed, 1])
    speakers = np.array([recording.speaker for recording in recordings], object)
    for speaker in np.unique(speakers):
        own = np.flatnonzero(speakers == speaker)
        order = np.concatenate([rng.permutation(own) for _ in range(repeat)]).tolist()
        while order:
            count = int(rng.integers(digits[0], digits[1] + 1))
            said = [recordings[n] for n in order[:count]]
            between = pauses.integers(silence[0], silence[1] + 1, len(said) - 1)
            strings.append(_String(said, between.tolist(), int(pauses.integers(2**31))))
            order = order[count:]
    return strings


def _join(string: _String) -> Recording:
    said, rng = string.said, np.random.default_rng(string.seed)
    pieces = [said[0].audio.astype("float32")]
    for pause, each in zip(string.pauses, said[1:], strict=True):
        hiss = rng.normal(0, _HISS, pause).astype("float32")
        pieces += [hiss, each.audio.astype("float32")]
    return Recording(
        np.concatenate(pieces) / LOUDEST,
        "".join(each.text for each in said),
        said[0].speaker,
        "+".join(each.name for each in said),
    )


@checked
def log_mel_frames(audio: np.ndarray) -> np.ndarray:
    """Log-mel frames of one recording, as a recogniser reads them.

    Args:
        audio: float32 `(samples,)` of -1 to 1.

    Returns:
        float32 `(frames, BANDS)`, of `frame_count(samples)` frames.

    Raises:
        InputError: It is shorter than a frame.
    """
    import keras

    check_long_enough("The recording", audio)
    frames = keras.ops.convert_to_numpy(log_mel(audio[None]))[0]
    return frames[: frame_count(len(audio))]
