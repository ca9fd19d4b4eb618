"""The index of cards says what the catalogue says."""

import keras_classics as kc
from keras_classics.core.cards import index, index_writer


def test_the_file_is_that_of_the_catalogue():
    same = index.PATH.read_text("utf-8") == index_writer.text()
    assert same, "Run: python -m keras_classics.core.cards.index_writer"


def test_the_index_is_searched_as_the_catalogue_is():
    for search in ({}, {"pattern": "VGG*"}, {"family": "resnet"}, {"year": 2016}):
        assert [facts["name"] for facts in index.chosen(**search)] == kc.list_models(**search)
    assert index.facts_of("vgg16")["parameters"] == kc.card("vgg16").parameters == 138_357_544
