"""Rows of labelling tasks: what is read, what is to be said of it, and where it stands."""

import numpy as np
import pytest

import keras_classics as kc
from keras_classics.data.load import Data
from keras_classics.data.texts.documents import Document


def data_of(**examples):
    parts = {split: [each] for split, each in examples.items()}
    return Data.of(parts, "by hand", name="mine", languages=None)


def document(length):
    return Document("d", "ab" * (length // 2), np.arange(length, dtype="uint8") % 2)


def test_running_text_is_cut_into_windows_that_lose_nothing():
    data = data_of(train=document(10), validation=document(2), test=document(4))
    rows = kc.data.tagged(data, "train", window=4)
    assert [each.content for each in rows] == ["abab", "abab", "ab"]
    assert [each.name for each in rows] == ["d:0", "d:4", "d:8"]
    assert np.concatenate([each.target for each in rows]).tolist() == [0, 1] * 5


def test_texts_are_given_in_characters_or_words():
    data = kc.data.by_language(kc.data.load("phrases", train=4, validation=2, test=2))
    text = kc.data.classed(data, "train")[0]
    assert isinstance(text.content, str) and text.target.dtype == "int32"
    assert kc.data.classed(data, "train", unit="word")[0].content == text.content.split()


@pytest.mark.parametrize(("read", "remedy"), [
    (kc.data.tagged, "source_code"), (kc.data.transcribed, "digit_lines")])  # fmt: skip
def test_data_without_labels_are_refused_and_what_is_named_has_them(read, remedy):
    with pytest.raises(kc.InputError, match=remedy):
        read(kc.data.load("digits"), "train")
    small = {"source_code": {"characters": 10_000}, "digit_lines": {"train": 3}}[remedy]
    assert len(read(kc.data.load(remedy, **small), "train")) >= 3
