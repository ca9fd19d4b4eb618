"""In which language translations are, and whether the token asked for decides."""

from keras_classics.training.metrics.directions import direction_languages, direction_metrics

HUB = [("en", "fr"), ("fr", "en"), ("en", "nl"), ("nl", "en")]
TEXTS = {
    "en": ["the house", "three houses"],
    "fr": ["la maison", "trois maisons"],
    "nl": ["het huis", "drie huizen"],
}


def test_a_translator_that_heeds_no_token_is_found_out():
    translations = {pair: TEXTS[pair[1]] for pair in HUB}
    # Asked for Dutch it goes on in English, the only language it knows from French.
    translations["fr", "nl"] = TEXTS["en"]
    figures, languages = direction_languages(translations, TEXTS, TEXTS, str)
    assert languages["fr", "nl"] == ["en", "en"]
    assert figures["fr", "nl"] == {"in language": 0.0, "references in language": 1.0, "flips": 0.0}
    assert figures["en", "nl"]["in language"] == figures["en", "nl"]["flips"] == 1.0
    assert "flips" not in figures["nl", "en"]


def test_every_way_is_scored_by_the_language_it_ends_in():
    figures, signature = direction_metrics(
        {("en", "fr"): TEXTS["fr"], ("en", "nl"): TEXTS["fr"]}, TEXTS
    )
    assert figures["en", "fr"]["exact match"] == 1.0 and figures["en", "nl"]["exact match"] == 0.0
    assert "tok:13a" in signature
