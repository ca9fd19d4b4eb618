"""Directions, ways and forms of sharing, without a model."""

import pytest

import keras_classics as kc
from translators.asking import directions, exported
from translators.form import SharedMiddle, TargetTokens, parse_pairs, trained_pairs, untrained_pairs
from translators.scoring import score_languages, ways

HUB = [("en", "fr"), ("fr", "en"), ("en", "nl"), ("nl", "en")]
TEXTS = {
    "en": ["the house", "three houses"],
    "fr": ["la maison", "trois maisons"],
    "nl": ["het huis", "drie huizen"],
}


def make(texts):
    return kc.data.make_vocabulary("token", list(texts))


def test_directions_are_told_by_pairs_or_by_languages():
    assert trained_pairs({"pairs": parse_pairs("en-fr, nl-en"), "languages": []}) == [
        ("en", "fr"), ("nl", "en"),
    ]  # fmt: skip
    # As in the settings of a run that knew no pairs.
    assert trained_pairs({"languages": ["en", "fr", "nl"]}) == [("en", "fr"), ("en", "nl")]
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
    form = TargetTokens.of(HUB[::2], TEXTS, make)
    ((part, (sources, targets)),) = form.examples(TEXTS).items()
    assert part is None and targets == [*TEXTS["fr"], *TEXTS["nl"]]
    assert sources == ["<2fr> the house", "<2fr> three houses",
                       "<2nl> the house", "<2nl> three houses"]  # fmt: skip
    assert [len(each.unknown_words("<2nl> trois maisons")) for each in form.sides(HUB[0])] == [2, 3]
    assert TargetTokens.of(HUB[1::2], TEXTS, make).told("la maison", "en") == "la maison"


def test_a_shared_middle_has_a_vocabulary_for_each_language_and_no_tokens(tmp_path):
    form = SharedMiddle.of(HUB, TEXTS, make)
    assert set(form.vocabularies) == {"en", "fr", "nl"}
    assert form.examples(TEXTS)["fr", "en"] == (TEXTS["fr"], TEXTS["en"])
    form.save(tmp_path)
    again = SharedMiddle.load(tmp_path, HUB)
    assert again.sides(("nl", "en")) == form.sides(("nl", "en"))
    again.check_folder(tmp_path)
    other = SharedMiddle.of(HUB, {**TEXTS, "fr": ["un", "deux", "trois"]}, make)
    with pytest.raises(kc.InputError, match="has"):
        other.check_folder(tmp_path)


def test_a_translator_that_heeds_no_token_is_found_out():
    translations = {pair: TEXTS[pair[1]] for pair in HUB}
    # Asked for Dutch it goes on in English, the only language it knows from French.
    translations["fr", "nl"] = TEXTS["en"]
    figures, languages = score_languages(translations, TEXTS, TEXTS, str)
    assert languages["fr", "nl"] == ["en", "en"]
    assert figures["fr", "nl"] == {"in language": 0.0, "references in language": 1.0, "flips": 0.0}
    assert figures["en", "nl"]["in language"] == figures["en", "nl"]["flips"] == 1.0
    assert "flips" not in figures["nl", "en"]


def export_to(folder, **settings):
    folder.mkdir(parents=True)
    kc.training.record_run(folder, {"languages": ["en", "fr"], **settings})
    for name in ("saved_model.pb", "source.json"):
        (folder / name).touch()


def test_exports_are_found_by_the_languages_they_translate(tmp_path):
    pairs = [list(pair) for pair in HUB]
    export_to(tmp_path / "tokens", pairs=pairs)
    assert exported([tmp_path / "tokens"], "nl", None) == (tmp_path / "tokens", "nl")
    for source, target in HUB:
        export_to(tmp_path / "middle" / f"{source}-{target}", pairs=pairs, sharing="middle")
    assert set(directions(tmp_path / "middle")) == set(HUB)
    places = [tmp_path, tmp_path / "middle"]
    assert exported(places, "nl", None) == (tmp_path / "middle" / "en-nl", "nl")
    assert exported(places, "en", "fr") == (tmp_path / "middle" / "fr-en", "en")
    with pytest.raises(kc.InputError, match="one of en-fr, en-nl, fr-en, nl-en"):
        exported(places, "en", None)
    with pytest.raises(kc.InputError, match="No exported translator"):
        exported([tmp_path], "nl", None)
