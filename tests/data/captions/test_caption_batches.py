"""Batches of pictures, or of what a frozen encoder says of them, with one caption each."""

import keras
import numpy as np
import pytest

import keras_classics as kc

WORDS = kc.data.Vocabulary(["a", "b", "c", "d"])
SAID = [("a b", "c"), ("d",), ("b b b b b b", "a"), ("c a",)]
PICTURES = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), "uint8")
PART = kc.data.Pictures(PICTURES, list("wxyz"), captions=SAID)


def batch(**options):
    settings = {"max_words": 3, "batch_size": 4, "seed": 1, **options}
    inputs, target = next(iter(kc.data.caption_batches(PART, WORDS, **settings)))
    return {key: keras.ops.convert_to_numpy(each) for key, each in inputs.items()}, np.array(target)


def test_each_picture_has_a_caption_of_its_own_cut_to_the_limit():
    inputs, target = batch()
    np.testing.assert_allclose(inputs["image"], PICTURES / 127.5 - 1, atol=1e-6)
    written = [WORDS.decode(row) for row in target]
    cut = [{" ".join(text.split()[:3]) for text in texts} for texts in SAID]
    assert all(text in texts for text, texts in zip(written, cut, strict=True))
    np.testing.assert_array_equal(inputs["target_in"][:, 0], WORDS.START)
    np.testing.assert_array_equal(inputs["target_in"][:, 1:], target[:, :-1])


def test_pictures_are_resized_and_encodings_stand_in_their_place():
    assert batch(size=(7, 8))[0]["image"].shape == (4, 7, 8, 3)
    encodings = np.arange(8, dtype="float32").reshape(4, 2)
    inputs, target = batch(encoded=encodings)
    np.testing.assert_array_equal(inputs["encoded"], encodings)
    assert "image" not in inputs
    np.testing.assert_array_equal(target, batch()[1])


def test_pictures_of_several_sizes_are_refused():
    part = kc.data.Pictures([*PICTURES[:3], PICTURES[3, :4]], list("wxyz"), captions=SAID)
    with pytest.raises(kc.InputError, match="Load the data with image_size"):
        kc.data.caption_batches(part, WORDS, max_words=3, batch_size=2, seed=0)
