"""Figures of translations in several directions: how good they are, and in which language."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, islice

import keras

import keras_classics as kc
from translators.flags import beam_settings
from translators.form import Form, Pair

# The languages a sentence goes through: two, or three where it is translated twice.
Way = tuple[str, ...]
Texts = Mapping[str, Sequence[str]]
Answers = Mapping[Way, Sequence[str]]


def ways(trained: Sequence[Pair], others: Sequence[Pair]) -> dict[Way, str]:
    """What is to be evaluated, with names: directions, and ways around those never trained."""
    single = len({source for source, _ in trained}) == 1
    found = {pair: pair[1] if single else "-".join(pair) for pair in trained}
    for source, target in others:
        found[source, target] = f"{source}-{target} (zero-shot)"
        middle = next(
            (
                middle
                for start, middle in trained
                if start == source and (middle, target) in trained
            ),
            None,
        )
        if middle:
            found[source, middle, target] = f"{source}-{middle}-{target} (bridged)"
    return found


def speak(
    models: Sequence[keras.Model], form: Form, asked: Answers, options: argparse.Namespace
) -> dict[Way, list[kc.models.Translation]]:
    """Translate the sentences given for each way in the last direction of it, all models as one."""
    # Each part of the network in one call, as for each call the search is traced anew.
    told: dict = {}
    for way, texts in asked.items():
        sentences = [form.told(text, way[-1]) for text in texts]
        told.setdefault(form.part(way[-2:]), {})[way] = sentences
    found = {}
    for part, ways_of_part in told.items():
        answers = kc.models.translate(
            models,
            *(form.vocabularies[name] for name in form.names(part)),
            list(chain.from_iterable(ways_of_part.values())),
            max_words=options.max_words,
            **beam_settings(options),
            replace=options.unknowns == "replace",
            dictionary=options.dictionary,
            pair=part,
        )
        found |= {way: list(islice(answers, len(each))) for way, each in ways_of_part.items()}
    return found


def surprise(
    models: Sequence[keras.Model], form: Form, texts: Texts, options: argparse.Namespace
) -> dict[Way, float]:
    """The perplexity of the true translations in every direction that is trained.

    In units of the target vocabulary, the end of a sentence among them.
    """
    return {
        (source, target): kc.models.translation_perplexity(
            models,
            *form.sides((source, target)),
            [form.told(text, target) for text in texts[source]],
            texts[target],
            max_words=options.max_words,
            pair=form.part((source, target)),
        )
        for source, target in form.pairs
    }


def score(translations: Answers, references: Texts) -> tuple[dict[Way, dict[str, float]], str]:
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
        figures[way], signature = kc.training.translation_metrics(written, true)
    return figures, signature


def score_languages(
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
        where the source has several targets `"flips"`, of `kc.training.flip_shares`. And the
        language of every translation.
    """

    def normal(texts: Texts) -> dict[str, list[str]]:
        return {language: list(map(normalize, each)) for language, each in texts.items()}

    identifier = kc.training.LanguageIdentifier(normal(learned))
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
        for target, share in kc.training.flip_shares(own, references).items():
            if len(own) > 1:
                figures[source, target]["flips"] = share
    return figures, identified
