"""Lines of writing and recordings become sequences, and texts labels."""

import numpy as np
import pytest

import keras_classics as kc
from keras_classics.data.sound.recordings import BANDS, frame_count


def test_pictures_are_grey_along_their_width_and_texts_are_labels():
    lines = kc.data.Transcription("abc", height=4)
    pictures = [np.full((4, width, 3), 51 * width, "uint8") for width in (3, 5)]
    part = lines.sequences(pictures, ["ab", "cca"], ["one", "two"])
    assert lines.input_shape == (4, None, 1)
    assert part.lengths().tolist() == [3, 5] and part.names == ["one", "two"]
    assert [each.tolist() for each in part.targets] == [[1, 2], [3, 3, 1]]
    assert [lines.text(each) for each in part.targets] == ["ab", "cca"]
    # 51 times three is three fifths of white.
    np.testing.assert_allclose(part.inputs[0], 0.6, atol=1e-3)
    assert set(part.network_input([0])) == {"sequence", "length"}


def test_a_content_that_was_written_is_read_again(tmp_path):
    lines, speech = kc.data.Transcription("abc", height=4), kc.data.Transcription("abc")
    picture = np.arange(4 * 6 * 3, dtype="uint8").reshape(4, 6, 3)
    lines.write(tmp_path / "a.png", picture)
    np.testing.assert_array_equal(lines.read(tmp_path / "a.png"), picture)
    audio = np.sin(np.arange(4000, dtype="float32")) / 2
    speech.write(tmp_path / "a.wav", audio)
    heard = speech.read(tmp_path / "a.wav")
    np.testing.assert_allclose(heard, audio, atol=2**-15)
    part = speech.sequences([heard])
    assert speech.input_shape == (None, BANDS)
    assert part.inputs[0].shape == (frame_count(4000), BANDS) and not part.targets
    with pytest.raises(kc.InputError, match="4 pixels high. Allowed: 5, .* Resize it."):
        kc.data.Transcription("abc", height=5).read(tmp_path / "a.png")


def test_what_is_neither_picture_nor_sign_is_refused():
    lines = kc.data.Transcription("abc", height=4)
    # The blank, which Python would take for the last sign.
    with pytest.raises(kc.InputError, match="labels with 0 was given.* from 1 to 3. Leave 0 out"):
        lines.text([0, 1])
    with pytest.raises(kc.InputError, match="texts='d' was given. Allowed: 'a', 'b', 'c'"):
        lines.sequences([np.zeros((4, 3, 3), "uint8")], ["ad"])
    with pytest.raises(kc.InputError, match=r"Allowed: the axes \(height, width, channels\)"):
        lines.sequences([np.zeros(4000, "float32")])
    with pytest.raises(kc.InputError, match=r"Allowed: the axes \(samples\)"):
        kc.data.Transcription("abc").sequences([np.zeros((4, 3, 3), "float32")])
    with pytest.raises(kc.InputError, match="labels="):
        kc.data.Transcription(3)


def test_what_is_shorter_than_a_frame_is_refused_and_a_frame_is_read(tmp_path):
    speech = kc.data.Transcription("abc")
    for samples in (0, 128):
        speech.write(tmp_path / "short.wav", np.zeros(samples))
        with pytest.raises(kc.InputError, match=rf"has {samples} samples. Allowed: 129 and more"):
            speech.read(tmp_path / "short.wav")
        with pytest.raises(kc.InputError, match="129 and more"):
            speech.sequences([np.zeros(samples, "float32")])
    speech.write(tmp_path / "one.wav", np.zeros(129))
    assert speech.sequences([speech.read(tmp_path / "one.wav")]).lengths().tolist() == [1]
