"""Where the decoder looked is drawn where it looked, for the word it wrote."""

import keras
import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from callbacks import trainings
from callbacks.trainings import SENTENCES, WORDS
from keras_classics.analysis.drawing.pages import GAP
from keras_classics.callbacks import attention_pictures as attention
from keras_classics.decoding import Hypotheses


def begun(callback, model):
    callback.set_model(model)
    callback.on_train_begin()
    return callback


def test_a_caption_is_drawn_word_by_word_over_its_place(tmp_path):
    model, inputs, _ = trainings.captioner()
    images = np.zeros((1, 12, 12, 3), "uint8")
    callback = begun(
        kc.callbacks.Attention(inputs["image"][:1], tmp_path, WORDS, pictures=images), model
    )
    # Two words and the end; the first looks up and left, the second down and right.
    ids = np.array([[[4, 5, WORDS.END, WORDS.PAD]]])
    looked = np.zeros((1, 1, 4, 16))
    looked[0, 0, 0, 0] = looked[0, 0, 1, 15] = looked[0, 0, 2, 5] = 1
    callback.search = lambda inputs: Hypotheses(ids, np.array([[3]]), None, None, looked)
    callback.on_epoch_end(0)
    page = np.asarray(Image.open(tmp_path / "attention-epoch-0001.png")).astype(int)
    first, second, third = (
        page[-120 - GAP : -GAP, left : left + 120].sum(axis=2)
        for left in (GAP, GAP + 130, GAP + 260)
    )
    assert not first.any() and (page[:, GAP + 390 :] == 255).all()
    assert second[:15, :15].min() > 0 and not second[60:].any() and not second[:, 60:].any()
    assert third[-15:, -15:].min() > 0 and not third[:60].any() and not third[:, :60].any()


def test_what_is_written_is_what_decoding_gives(tmp_path, monkeypatch):
    model, inputs, _ = trainings.captioner()
    callback = begun(trainings.caption_callback(tmp_path, width=2), model)
    encoder, _ = kc.models.split_captioner(model)
    found = kc.decoding.beam_search(
        model.get_layer("decoder").step,
        model.get_layer("decoder").initial_state(encoder(inputs["image"][:2])),
        width=2,
        **WORDS.search_limits(4),
    )
    headings = []
    monkeypatch.setattr(
        attention,
        "tiles",
        lambda pictures, titles, **more: headings.append((titles, more["heading"])) or pictures[0],
    )
    callback.on_epoch_end(0)
    texts = [WORDS.decode(row) for row in keras.ops.convert_to_numpy(found.ids)[:, 0]]
    assert [heading for _, heading in headings] == [
        f"{text}   (reference: {reference})"
        for text, reference in zip(texts, ["one two", "three"], strict=True)
    ]
    assert [titles for titles, _ in headings] == [["", *text.split()] for text in texts]


def test_pictures_are_read_as_a_caption_of_them_reads_them(tmp_path):
    model, _, _ = trainings.captioner()
    pictures = np.random.default_rng(0).integers(0, 256, (2, 20, 16, 3), "uint8")
    callback = begun(kc.callbacks.Attention(pictures, tmp_path, WORDS, max_words=4), model)
    np.testing.assert_array_equal(callback.pictures, pictures)
    written = keras.ops.convert_to_numpy(callback.search(callback.inputs).log_probabilities)
    known = kc.models.caption(model, WORDS, pictures, max_words=4, width=1)
    expected = [best.log_probability for [best] in known]
    np.testing.assert_allclose(written[:, 0], expected, atol=1e-5)


def test_of_a_translator_the_alignments_are_drawn(tmp_path, monkeypatch):
    model, _, _ = trainings.translator()
    drawn = []
    monkeypatch.setattr(attention, "draw_alignments", lambda *arguments: drawn.append(arguments))
    begun(trainings.translation_callback(tmp_path), model).on_epoch_end(0)
    ((path, weights, sources, words),) = drawn
    assert path == tmp_path / "attention-epoch-0001.png"
    assert sources == [text.split() for text in SENTENCES]
    expected = kc.models.translate(model, WORDS, WORDS, SENTENCES, max_words=4, width=1)
    for one, said, known in zip(weights, words, expected, strict=True):
        assert WORDS.join(said) == known.text
        np.testing.assert_allclose(one, known.alignments, atol=1e-6)


def test_what_has_no_attention_is_refused(tmp_path):
    plain = kc.models.captioner(
        keras.Sequential([keras.Input((12, 12, 3)), keras.layers.GlobalAveragePooling2D()]), 9, 4
    )
    plain.compile("sgd", "mse")
    with pytest.raises(kc.InputError, match="decoder without attention.*attention='additive'"):
        begun(trainings.caption_callback(tmp_path), plain)
    flat = kc.models.captioner(
        keras.Sequential([keras.Input((12, 12, 3)), keras.layers.Reshape((48, 9))]),
        9,
        4,
        attention="additive",
    )
    flat.compile("sgd", "mse")
    with pytest.raises(kc.InputError, match=r"48, 9\).*feature map"):
        begun(trainings.caption_callback(tmp_path), flat)


def test_every_input_wants_its_reference(tmp_path):
    with pytest.raises(ValueError, match="2 inputs and 1 references"):
        kc.callbacks.Attention(np.zeros((2, 4, 4, 3)), tmp_path, WORDS, references=["one"])
