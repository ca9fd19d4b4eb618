"""Exported translators are found by the languages they translate."""

import pytest

import keras_classics as kc
from keras_classics.export.kinds.translator_folders import chosen_export as chosen

HUB = [("en", "fr"), ("fr", "en"), ("en", "nl"), ("nl", "en")]


def test_directions_are_told_by_pairs_or_by_languages():
    pairs = kc.cli.parse_pairs("en-fr, nl-en")
    assert kc.export.trained_pairs({"pairs": pairs, "languages": []}) == [
        ("en", "fr"),
        ("nl", "en"),
    ]
    # As in the settings of a run that knew no pairs.
    assert kc.export.trained_pairs({"languages": ["en", "fr", "nl"]}) == [
        ("en", "fr"),
        ("en", "nl"),
    ]


def export_to(folder, **settings):
    folder.mkdir(parents=True)
    settings = {"languages": ["en", "fr"], "max_words": 5, **settings}
    kc.jobs.record_run(folder, settings, job="translation")
    for name in ("saved_model.pb", "source.json"):
        (folder / name).touch()


def test_exports_are_found_by_the_languages_they_translate(tmp_path):
    pairs = [list(pair) for pair in HUB]
    export_to(tmp_path / "tokens", pairs=pairs)
    assert chosen(tmp_path / "tokens", "nl", None) == (tmp_path / "tokens", "nl")
    for source, target in HUB:
        export_to(tmp_path / "middle" / f"{source}-{target}", pairs=pairs, sharing="middle")
    middle = tmp_path / "middle"
    assert (
        set(kc.export.exported_directions(middle)) == set(HUB)
        and kc.export.exported_directions(tmp_path) == {}
    )
    assert chosen(middle, "nl", None) == (middle / "en-nl", "nl")
    assert chosen(middle, "en", "fr") == (middle / "fr-en", "en")
    with pytest.raises(kc.InputError, match="one of en-fr, en-nl, fr-en, nl-en"):
        chosen(middle, "en", None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"languages": None}, {"languages": ["en"]}, {"languages": "en"}, {"languages": [1, 2]},
        {"pairs": 3}, {"pairs": [["en", "fr", "nl"]]}, {"pairs": [3]}, {"max_words": None},
        {"sharing": "nothing"}, {"sharing": []},
    ],
    ids=str,
)  # fmt: skip
def test_settings_that_are_no_translators_are_refused_in_a_sentence(tmp_path, wrong):
    export_to(tmp_path / "export", **wrong)
    with pytest.raises(kc.InputError, match="run.json names no languages of a translator. Allowed"):
        chosen(tmp_path / "export", None, None)


def test_languages_without_a_target_are_one_sentence():
    with pytest.raises(kc.InputError, match="at least one target language"):
        kc.export.trained_pairs({"languages": ["en"]})
