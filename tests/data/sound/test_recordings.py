"""Recordings: both kinds of files, strings of one speaker, frames, faults."""

import shlex
import wave
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.data.sound.recordings import BANDS, frame_count, log_mel, read_wave, write_wave
from support import shared


def tone(digit, count=900, take=0):
    """No two takes are equal: equal recordings are of one split."""
    sound = np.sin(2 * np.pi * (200 + 150 * digit) * np.arange(count) / 8000)
    return (8000 * sound).astype("int16") + np.int16(take)


def write(path, audio, rate=8000, channels=1):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(audio.tobytes())


@pytest.fixture
def waves(tmp_path):
    for digit in range(3):
        for take in range(8):
            write(tmp_path / f"{digit}_{'ab'[take % 2]}_{take}.wav", tone(digit, take=take))
    return tmp_path


def test_wave_files_become_strings_of_digits_of_one_speaker(waves):
    data = kc.data.load(f"speech:{waves}", digits=(2, 3), repeat=2, silence=(0, 0))
    found = list(data.train)
    assert data.info.classes == ("0", "1", "2")
    assert sum(len(each.text) for each in found) == 2 * (24 - 3 - 3)
    # Only training is repeated.
    assert sum(len(each.text) for each in data.test) == 3
    for each in found:
        assert len(each.audio) == 900 * len(each.text)
        digits = [tone(int(digit)) for digit in each.text]
        np.testing.assert_allclose(each.audio * 32768, np.concatenate(digits), atol=7)
        assert {name[2] for name in each.name.split("+")} == {each.speaker}
    single = kc.data.load(f"speech:{waves}", digits=(1, 1))
    assert single.info.sizes == {"train": 18, "validation": 3, "test": 3}


def test_silences_part_the_recordings_of_a_string(waves):
    plain, parted = (
        kc.data.load(f"speech:{waves}", digits=(3, 3), silence=silence).train
        for silence in ((0, 0), (0.1, 0.2))
    )
    for close, wide in zip(plain, parted, strict=True):
        assert close.name == wide.name
        pauses = len(close.text) - 1
        assert 800 * pauses <= len(wide.audio) - len(close.audio) <= 1600 * pauses
        np.testing.assert_array_equal(wide.audio[:900], close.audio[:900])
        # Quiet, not mute: a hiss of a few steps of 16 bits.
        if pauses:
            assert 1 < 32768 * np.std(wide.audio[900:1700]) < 20
    again = kc.data.load(f"speech:{waves}", digits=(3, 3), silence=(0.1, 0.2)).train
    np.testing.assert_array_equal(again[0].audio, parted[0].audio)
    with pytest.raises(kc.InputError, match="seconds from 0 to 10"):
        kc.data.load(f"speech:{waves}", silence=(0.2, 0.1))


def test_a_speaker_who_is_left_out_is_the_test_and_nothing_else(waves):
    data = kc.data.load(f"speech:{waves}", digits=(1, 1), leave_out="b")
    assert {each.speaker for each in data.test} == {"b"} and len(data.test) == 12
    assert {each.speaker for part in (data.train, data.validation) for each in part} == {"a"}
    assert len(data.train) + len(data.validation) == 12
    assert "all 12 recordings of b" in data.info.split_rule
    with pytest.raises(kc.InputError, match="speakers a, b.*leave_out=a"):
        kc.data.load(f"speech:{waves}", leave_out="c")


def test_npz_files_are_read_by_split(tmp_path):
    for name, count in (("train_x", 20), ("dev_x", 6)):
        digits = np.arange(count) % 2
        audio = np.concatenate([tone(digit, take=n) for n, digit in enumerate(digits)])
        np.savez(tmp_path / f"{name}.npz", audio=audio, digit=digits,
                 offsets=900 * np.arange(count + 1))  # fmt: skip
    data = kc.data.load(f"speech:{tmp_path}", digits=(1, 1))
    assert data.info.sizes == {"train": 18, "validation": 6, "test": 2}
    first = data.validation[0]
    np.testing.assert_allclose(first.audio * 32768, tone(int(first.text)), atol=5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate": 16000}, "16000 samples a second .*Allowed: 8000 samples a second.*sox"),
        ({"rate": 16000}, "in 1 channel of 16 bits"),
        ({"channels": 2}, "in 2 channels of 16 bits"),
    ],
    ids=str,
)
def test_waves_of_another_rate_or_kind_are_refused_with_a_remedy(waves, settings, message):
    write(waves / "7_c_0.wav", tone(7), **settings)
    with pytest.raises(kc.InputError, match=message):
        read_wave(waves / "7_c_0.wav")
    with pytest.raises(kc.InputError, match=message):
        kc.data.load(f"speech:{waves}", strict=True)
    skipped = kc.data.load(f"speech:{waves}").info.skipped
    assert len(skipped) == 1 and "7_c_0.wav" in skipped[0]


def test_the_command_that_converts_a_wave_names_the_file_from_where_one_stands(
    tmp_path, monkeypatch
):
    folder = tmp_path / "my sounds"
    folder.mkdir()
    write(folder / "a.wav", tone(7), rate=16000)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kc.InputError, match="apt-get install sox") as caught:
        read_wave("my sounds/a.wav")
    program, given, *_ = shlex.split(str(caught.value).partition("sox): ")[2])
    assert program == "sox" and Path(given).is_file()


def npz(path, digits, **others):
    """Recordings of 900 samples each."""
    audio = np.concatenate([tone(n % 5, take=n) for n in range(len(digits))])
    offsets = 900 * np.arange(len(digits) + 1)
    np.savez(path, **{"audio": audio, "digit": digits, "offsets": offsets, **others})


def test_floats_sound_as_the_same_whole_numbers_do(tmp_path):
    digits = np.arange(12) % 3
    npz(tmp_path / "whole.npz", digits)
    loud = np.concatenate([tone(n % 5, take=n) for n in range(12)]) / 32768
    npz(tmp_path / "floats.npz", digits, audio=loud.astype("float32"))
    whole, floats = (kc.data.load(f"speech:{tmp_path / name}.npz") for name in ("whole", "floats"))
    for one, other in zip(whole.train, floats.train, strict=True):
        np.testing.assert_array_equal(one.audio, other.audio)
    npz(tmp_path / "loud.npz", digits, audio=(32768 * loud).astype("float32"))
    with pytest.raises(kc.InputError, match="has audio of -8000 to 80.*Allowed: floats of -1 to 1"):
        kc.data.load(f"speech:{tmp_path / 'loud.npz'}")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        ({"audio": np.zeros(12 * 900, "int64")}, "audio int64 .*Allowed: audio of int16"),
        ({"audio": np.full(12 * 900, np.nan)}, "has audio of nan"),
        ({"speaker": np.zeros(5, int)}, r"speaker int64 \(5,\).*as many speakers as digits"),
        ({"speaker": np.zeros((12, 2), int)}, "as many speakers as digits"),
        ({"rate": "abc"}, "rate <U3"),
        ({"rate": np.nan}, "has nan samples a second"),
    ],
    ids=str,
)
def test_arrays_that_are_no_recordings_are_refused(tmp_path, array, message):
    npz(tmp_path / "all.npz", np.arange(12) % 3, **array)
    with pytest.raises(kc.InputError, match=message):
        kc.data.load(f"speech:{tmp_path / 'all.npz'}")


def test_recordings_of_a_file_that_are_short_or_say_nothing_are_left_out_by_number(tmp_path):
    words = ["yes", "no", "", "x y"] + 5 * ["yes", "no"]
    offsets = 900 * np.arange(15)
    offsets[-1] = offsets[-2] + 50
    npz(tmp_path / "all.npz", words, offsets=offsets)
    data = kc.data.load(f"speech:{tmp_path / 'all.npz'}", digits=(1, 1))
    assert sum(data.info.sizes.values()) == 11
    told = data.info.skipped
    assert "all.npz, recording 2 does not say" in told[0] and "recording 3 does not" in told[1]
    assert "all.npz, recording 13, has 50 samples" in told[2] and len(told) == 3


def test_words_are_read_as_digits_are(tmp_path):
    for take in range(6):
        for number, word in enumerate(("yes", "no")):
            write(tmp_path / f"{word}_anna_{take}.wav", tone(number, take=take))
    write(tmp_path / "noise.wav", tone(1))
    write(tmp_path / "no_anna_6.wav", tone(1)[:128])
    data = kc.data.load(f"speech:{tmp_path}", digits=(1, 1))
    assert {each.text for each in data.train} == {"yes", "no"}
    assert data.info.classes == ("e", "n", "o", "s", "y") and len(data.info.skipped) == 2
    with pytest.raises(kc.InputError, match="no transcribed lines.*Use digit_lines or iam"):
        kc.data.transcribed(data, "train", field="image")


def test_what_is_repeated_is_bounded(waves):
    with pytest.raises(kc.InputError, match="one repetition to 1,000"):
        kc.data.load(f"speech:{waves}", repeat=1001)


def test_a_test_is_learned_from_when_a_speaker_is_the_test(tmp_path):
    npz(tmp_path / "train.npz", np.arange(12) % 3, speaker=np.arange(12) % 2)
    npz(tmp_path / "test.npz", np.arange(4) % 3, speaker=np.arange(4) % 2)
    data = kc.data.load(f"speech:{tmp_path}", digits=(1, 1), leave_out=0)
    assert data.info.sizes["test"] == 8
    assert {each.name[:4] for each in [*data.train, *data.validation]} == {"trai", "test"}


def test_equal_recordings_are_of_one_split(tmp_path):
    digits = np.arange(60) % 2
    audio = np.concatenate([tone(digit, take=n % 20) for n, digit in enumerate(digits)])
    np.savez(tmp_path / "all.npz", audio=audio, digit=digits, offsets=900 * np.arange(61))
    data = kc.data.load(f"speech:{tmp_path / 'all.npz'}", digits=(1, 1))
    sides = [{each.audio.tobytes() for each in split}
             for split in (data.train, data.validation, data.test)]  # fmt: skip
    assert all(sides) and sum(map(len, sides)) == len(set.union(*sides)) == 20


def test_npz_of_another_rate_is_refused(tmp_path):
    path = tmp_path / "all.npz"
    np.savez(path, audio=tone(1), digit=[1], offsets=[0, 900], rate=16000)
    with pytest.raises(kc.InputError, match="has 16000 samples a second"):
        kc.data.load(f"speech:{path}")
    np.savez(path, audio=tone(1))
    with pytest.raises(kc.InputError, match="has no digit, offsets"):
        kc.data.load(f"speech:{path}")


def test_faulty_files_and_folders_are_refused(tmp_path):
    with pytest.raises(kc.InputError, match="has no recording"):
        kc.data.load(f"speech:{tmp_path}")
    (tmp_path / "noise.wav").write_bytes(b"RIFF")
    with pytest.raises(kc.InputError, match="cannot be read"):
        read_wave(tmp_path / "noise.wav")
    with pytest.raises(kc.InputError, match="does not say what is spoken"):
        kc.data.load(f"speech:{tmp_path}", strict=True)


def test_a_wave_file_comes_back(tmp_path):
    write_wave(tmp_path / "x.wav", tone(3) / 32768)
    np.testing.assert_array_equal(read_wave(tmp_path / "x.wav"), tone(3))
    write_wave(tmp_path / "x.wav", np.array([-1.5, 1.5]))
    np.testing.assert_array_equal(read_wave(tmp_path / "x.wav"), [-32768, 32767])


def test_frames_within_a_recording_do_not_depend_on_its_padding():
    audio = tone(4)[None].astype("float32") / 32768
    count = frame_count(900)
    alone, padded = (
        keras.ops.convert_to_numpy(log_mel(each))[:, :count]
        for each in (audio, np.pad(audio, ((0, 0), (0, 400))))
    )
    assert alone.shape == (1, 10, BANDS)
    np.testing.assert_allclose(alone, padded, atol=1e-4)
    # 800 Hz is 859 mel; the middles of the 24 bands divide 32 to 2146 mel (20 to 4000 Hz).
    assert alone[0].mean(axis=0).argmax() == round((859 - 32) / (2146 - 32) * 25) - 1


def test_the_layer_of_the_bands_is_made_once(monkeypatch):
    audio = tone(4)[None].astype("float32") / 32768
    first = log_mel(audio)
    monkeypatch.delattr(keras.layers, "MelSpectrogram")
    np.testing.assert_array_equal(log_mel(audio), first)


@pytest.mark.slow
def test_the_spoken_digits_are_read_whole():
    data = kc.data.load(f"speech:{shared('data', 'fsdd')}", digits=(1, 1))
    assert sum(data.info.sizes.values()) == 1500
