"""Directions, ways and forms of sharing, without a model."""

import pytest

import keras_classics as kc
from keras_classics.cli import parse_pairs
from keras_classics.models import SharedMiddle, TargetTokens, untrained_pairs, ways

HUB = [("en", "fr"), ("fr", "en"), ("en", "nl"), ("nl", "en")]
TEXTS = {
    "en": ["the house", "three houses"],
    "fr": ["la maison", "trois maisons"],
    "nl": ["het huis", "drie huizen"],
}


def bound(kind, pairs, texts=TEXTS):
    sharing = kind(pairs)
    sharing.make_vocabularies(texts, lambda each: kc.data.make_vocabulary("token", list(each)))
    return sharing


def test_directions_are_written_with_commas_between():
    assert parse_pairs("en-fr, nl-en") == [["en", "fr"], ["nl", "en"]]
    for wrong in ("en", "en-fr-nl", "en-", "en-fr,en-fr"):
        with pytest.raises(kc.InputError, match="en-fr,fr-en"):
            parse_pairs(wrong)


def test_the_untrained_directions_are_those_between_the_same_languages():
    assert untrained_pairs(HUB) == [("fr", "nl"), ("nl", "fr")]
    assert untrained_pairs(HUB[::2]) == []
    assert untrained_pairs(HUB, [["nl", "fr"]]) == [("nl", "fr")]
    for wrong in ("en", "fr"), ("fr", "de"):
        with pytest.raises(kc.InputError, match="Allowed: fr-nl, nl-fr"):
            untrained_pairs(HUB, [wrong])


def test_an_untrained_direction_is_compared_with_the_way_over_a_third_language():
    found = ways(HUB, [("fr", "nl")])
    assert list(found) == [*HUB, ("fr", "nl"), ("fr", "en", "nl")]
    assert ways(HUB[::2], []) == {("en", "fr"): "fr", ("en", "nl"): "nl"}
    assert ("fr", "en", "nl") not in ways([("en", "nl"), ("fr", "de")], [("fr", "nl")])


def test_target_tokens_stand_before_the_sources_where_there_are_several_targets():
    form = bound(TargetTokens, HUB[::2])
    ((part, (sources, targets)),) = form.examples(TEXTS).items()
    assert part is None and targets == [*TEXTS["fr"], *TEXTS["nl"]]
    assert sources == ["<2fr> the house", "<2fr> three houses",
                       "<2nl> the house", "<2nl> three houses"]  # fmt: skip
    assert [len(each.unknown_words("<2nl> trois maisons")) for each in form.sides(HUB[0])] == [2, 3]
    assert form.vocabulary_names() == ["source", "target"] == list(form.vocabularies)
    assert bound(TargetTokens, HUB[1::2]).told("la maison", "en") == "la maison"


def test_a_shared_middle_has_a_vocabulary_for_each_language_and_no_tokens():
    form = bound(SharedMiddle, HUB)
    assert set(form.vocabularies) == {"en", "fr", "nl"} == set(form.vocabulary_names())
    assert form.examples(TEXTS)["fr", "en"] == (TEXTS["fr"], TEXTS["en"])
    assert form.parts() == HUB and not form.tagged
    assert form.sides(("nl", "en")) == (form.vocabularies["nl"], form.vocabularies["en"])


def test_parallel_sentences_are_numbered_for_each_part_and_cut_ones_are_told():
    texts = {"en": ["a b c", "a"], "fr": ["x", "x y z"], "nl": ["p q", "p"]}
    pairs, said = [("en", "fr"), ("en", "nl")], []
    middle = bound(SharedMiddle, pairs, texts)
    numbered = middle.number(texts, max_words=2, split="test", remark=said.append)
    assert len(numbered) == 2 and set(numbered.rows) == set(pairs)
    source, target = numbered.rows["en", "fr"]
    assert [len(row) for row in source] == [4, 3] and [len(row) for row in target] == [3, 4]
    assert said[:2] == [f"1 of 2 test {name} sentences were cut to 2 tokens (--max-words)"
                        for name in ("en", "fr")]  # fmt: skip
    with pytest.raises(kc.InputError, match="longer than 2 tokens"):
        middle.number(texts, max_words=2, strict=True)
    # Together as many as all directions have, behind the token of the target language.
    tokens = bound(TargetTokens, pairs, texts)
    assert len(tokens.number(texts, max_words=9)) == 4
