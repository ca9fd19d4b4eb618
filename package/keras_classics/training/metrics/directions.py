"""Translations in several directions: how good they are, and in which language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from keras_classics.training.metrics.language_identity import LanguageIdentifier
from keras_classics.training.metrics.translations import flip_shares, translation_metrics

# The languages a sentence goes through: two, or three where it is translated twice.
Way = tuple[str, ...]
Texts = Mapping[str, Sequence[str]]
Answers = Mapping[Way, Sequence[str]]


def direction_metrics(
    translations: Answers, references: Texts
) -> tuple[dict[Way, dict[str, float]], str]:
    """Score translations of the same sentences.

    Args:
        translations: By the way they took.
        references: The sentences in each language.

    Returns:
        Figures by way, and the signature of BLEU.
    """
    figures, signature = {}, ""
    for way, written in translations.items():
        true = [[text] for text in references[way[-1]]]
        figures[way], signature = translation_metrics(written, true)
    return figures, signature


def direction_languages(
    translations: Answers,
    references: Texts,
    learned: Texts,
    normalize: Callable[[str], str],
) -> tuple[dict[Way, dict[str, float]], dict[Way, list[str | None]]]:
    """Say which language translations are in, and whether the one asked for decides.

    Args:
        translations: By the way they took.
        references: The sentences in each language.
        learned: Training sentences by language, for the identifier.
        normalize: Brings sentences into the form in which the model writes.

    Returns:
        By way, `"in language"`, the share that is in the target language; `"references in
        language"`, the same of the true sentences, which is the identifier's own accuracy; and
        where the source has several targets `"flips"`, of `flip_shares`. And the
        language of every translation.
    """

    def normal(texts: Texts) -> dict[str, list[str]]:
        return {language: list(map(normalize, each)) for language, each in texts.items()}

    identifier = LanguageIdentifier(normal(learned))
    references = normal(references)
    sure = {language: identifier.share(each, language) for language, each in references.items()}
    identified = {way: identifier.identify(each) for way, each in translations.items()}
    figures = {
        way: {
            "in language": sum(language == way[-1] for language in found) / len(found),
            "references in language": sure[way[-1]],
        }
        for way, found in identified.items()
    }
    direct = [way for way in translations if len(way) == 2]
    for source in dict.fromkeys(source for source, _ in direct):
        own = {target: translations[source, target] for start, target in direct if start == source}
        for target, share in flip_shares(own, references).items():
            if len(own) > 1:
                figures[source, target]["flips"] = share
    return figures, identified
