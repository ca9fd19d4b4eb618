"""How well translations agree with reference translations, by sacrebleu.

BLEU figures compare only under one signature (Post, WMT 2018, arXiv:1804.08771), so it is always
given with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

from keras_classics.core.arguments import checked
from keras_classics.core.errors import import_extra
from keras_classics.training.metrics.references import check_references


class TranslationScores(NamedTuple):
    """Figures of a corpus by name, and the signature of its BLEU."""

    figures: dict[str, float]
    signature: str


@checked
def translation_metrics(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], *, lowercase: bool = False
) -> TranslationScores:
    """Score a corpus of translations, given as plain text, not divided into tokens.

    Args:
        hypotheses: One translation for each sentence.
        references: One or more true translations for each sentence.
        lowercase: Whether BLEU and chrF look at lower case.

    Returns:
        `"exact match"` (the share of translations that equal a reference), `"BLEU"` and `"chrF2"`
        (0 to 100), and the signature.

    Raises:
        InputError: Lists of different length, nothing to score, a sentence without reference, or
            with one that is a plain string and would be taken letter by letter.
        ImportError: sacrebleu is not installed.
    """
    check_references(hypotheses, references, "sentence")
    metrics = import_extra("sacrebleu.metrics", "translation")
    # sacrebleu wants the first references of all sentences, then the second, ...
    streams = [list(stream) for stream in zip_longest(*references)]
    bleu, chrf = metrics.BLEU(lowercase=lowercase), metrics.CHRF(lowercase=lowercase)
    matches = [text in true for text, true in zip(hypotheses, references, strict=True)]
    figures = {
        "exact match": sum(matches) / len(matches),
        "BLEU": bleu.corpus_score(list(hypotheses), streams).score,
        "chrF2": chrf.corpus_score(list(hypotheses), streams).score,
    }
    return TranslationScores(figures, str(bleu.get_signature()))


@checked
def flip_shares(
    translations: Mapping[str, Sequence[str]], references: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    """How often asking for another language changes what is written.

    Of one translator into several languages: where the references differ, translations must. One
    that does not heed which language it is asked for scores 0.

    Args:
        translations: Of the same sentences in the same order, by target language.
        references: True translations likewise.

    Returns:
        By target language, the share of sentences whose translation differs from those into every
        other language, among the sentences whose reference does; 0 where there are none.
    """
    shares = {}
    for language in translations:
        others = [other for other in translations if other != language]

        def differs(
            texts: Mapping[str, Sequence[str]],
            place: int,
            language: str = language,
            others: Sequence[str] = others,
        ) -> bool:
            return all(texts[language][place] != texts[other][place] for other in others)

        asked = [n for n in range(len(references[language])) if differs(references, n)]
        flipped = sum(differs(translations, n) for n in asked)
        shares[language] = flipped / max(1, len(asked))
    return shares
