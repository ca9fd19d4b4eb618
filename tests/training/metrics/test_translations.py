"""Figures against sacrebleu's own documented example and against arithmetic."""

import pytest

from keras_classics.core.errors import InputError
from keras_classics.training import translation_metrics
from keras_classics.training.metrics.translations import flip_shares

HYPOTHESES = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
FIRST = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
SECOND = ["The dog had bit the man.", "No one was surprised.", "The man had bitten the dog."]


def test_the_documented_example_with_two_references():
    figures, signature = translation_metrics(HYPOTHESES, list(zip(FIRST, SECOND, strict=True)))
    assert figures["BLEU"] == pytest.approx(48.53, abs=5e-3)
    assert figures["chrF2"] == pytest.approx(59.73, abs=5e-3)
    assert figures["exact match"] == pytest.approx(1 / 3)
    assert signature.startswith("nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:")


def test_the_example_in_parts_and_under_other_settings():
    bleu = pytest.importorskip("sacrebleu.metrics").BLEU
    both = bleu().corpus_score(HYPOTHESES, [FIRST, SECOND])
    assert both.precisions == pytest.approx([82.4, 50.0, 45.5, 37.5], abs=0.05)
    assert both.bp == pytest.approx(0.943, abs=5e-4)
    assert (both.sys_len, both.ref_len) == (17, 18)
    split_at_spaces = bleu(tokenize="none").corpus_score(HYPOTHESES, [FIRST])
    assert split_at_spaces.score == pytest.approx(44.43, abs=5e-3)
    single = bleu(effective_order=True).sentence_score(HYPOTHESES[1], [FIRST[1]])
    assert single.score == pytest.approx(14.79, abs=5e-3)


def test_kerashub_measures_brevity_by_the_shortest_reference():
    metric = pytest.importorskip("keras_hub").metrics.Bleu()
    metric.update_state([list(pair) for pair in zip(FIRST, SECOND, strict=True)], HYPOTHESES)
    # Of the same sentences sacrebleu says 48.53.
    assert 100 * float(metric.result()) == pytest.approx(51.47, abs=5e-3)


def test_lower_case_has_another_signature():
    figures, signature = translation_metrics(HYPOTHESES, [[each] for each in FIRST], lowercase=True)
    assert figures["BLEU"] == pytest.approx(45.07, abs=5e-3)
    assert signature.startswith("nrefs:1|case:lc|")


def test_what_is_equal_is_perfect():
    figures, _ = translation_metrics(FIRST, [[each] for each in FIRST])
    assert figures == pytest.approx({"exact match": 1.0, "BLEU": 100.0, "chrF2": 100.0})


@pytest.mark.parametrize(
    ("references", "given"),
    [
        ([["a"]], "3 hypotheses and references of 1 sentences"),
        ([], "3 hypotheses and references of 0 sentences"),
        ([["a"], [], ["c"]], r"Sentence 1 has the references \[\]"),
        # Taken letter by letter it would score 0, however right.
        (HYPOTHESES, "Sentence 0 has the references 'The dog bit the man.'"),
    ],
)
def test_what_gives_no_references_is_refused(references, given):
    with pytest.raises(InputError, match=given):
        translation_metrics(HYPOTHESES, references)


def test_the_language_asked_for_flips_what_is_written_where_the_references_differ():
    references = {"fr": ["un", "deux", "radio"], "nl": ["een", "twee", "radio"]}
    assert flip_shares(references, references) == {"fr": 1.0, "nl": 1.0}
    heedless = {"fr": ["un", "deux", "radio"], "nl": ["un", "twee", "x"]}
    assert flip_shares(heedless, references) == {"fr": 0.5, "nl": 0.5}
    alike = {language: texts[2:] for language, texts in references.items()}
    assert flip_shares(alike, alike) == {"fr": 0.0, "nl": 0.0}


def test_with_three_languages_all_others_must_be_left():
    references = {"fr": ["un"], "nl": ["een"], "de": ["eins"]}
    written = {"fr": ["un"], "nl": ["een"], "de": ["een"]}
    assert flip_shares(written, references) == {"fr": 1.0, "nl": 0.0, "de": 0.0}
