"""Translations in several directions: how good they are, and in which language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from keras_classics.core.arguments import checked
from keras_classics.training.metrics.language_identity import LanguageIdentifier
from keras_classics.training.metrics.translations import flip_shares, translation_metrics

if TYPE_CHECKING:
    import keras

    from keras_classics.models.sequence.sharing import Sharing
    from keras_classics.models.sequence.translate import Translation

# The languages a sentence goes through: two, or three where it is translated twice.
Way = tuple[str, ...]
Texts = Mapping[str, Sequence[str]]
Answers = Mapping[Way, Sequence[str]]


@checked
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


@checked
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


class ScoredDirections(NamedTuple):
    """What an evaluation of a translator found.

    Attributes:
        metrics: Figures by direction, as `kc.models.ways` names it.
        columns: Of a table of all translations: `"direction"`, `"source"`, `"translation"`,
            `"reference"`, `"log_probability"`, and where there are several directions `"language"`.
        found: Translations by way.
        signature: Of BLEU.
    """

    metrics: dict[str, dict[str, float]]
    columns: dict[str, list]
    found: dict[Way, list[Translation]]
    signature: str


@checked
def score_directions(
    sharing: Sharing,
    models: Sequence[keras.Model],
    texts: Texts,
    learned: Callable[[], Texts],
    *,
    zero_shot: Sequence[Sequence[str]] | None = None,
    max_words: int,
    **search: Any,
) -> ScoredDirections:
    """Translate test sentences in all directions there are, and score that.

    Where there are several, the language of every translation is looked at. A model of words, which
    writes lower case without punctuation, is scored on such references too: so it can be right.

    Args:
        sharing: How languages share the models, with their vocabularies.
        models: Translators that write together, often one.
        texts: Parallel test sentences by language.
        learned: Gives the training sentences by language, if they are asked for.
        zero_shot: Directions that were not trained; by default all between these languages.
        max_words: Greatest length of a sentence.
        **search: Further arguments of `kc.models.translate`.
    """
    from keras_classics.models.sequence.sharing import untrained_pairs, ways

    names = ways(sharing.pairs, untrained_pairs(sharing.pairs, zero_shot))
    search = {**search, "max_words": max_words}
    direct: dict[Way, Sequence[str]] = {way: texts[way[0]] for way in names if len(way) == 2}
    found = sharing.translate(models, direct, **search)
    bridged: dict[Way, Sequence[str]] = {
        way: [each.text for each in found[way[:2]]] for way in names if len(way) == 3
    }
    found |= sharing.translate(models, bridged, **search)
    written = {way: [each.text for each in found[way]] for way in names}
    figures, signature = direction_metrics(written, texts)
    vocabulary = sharing.sides(sharing.pairs[0])[1]
    languages: dict[Way, list[str | None]] = {}
    if len(names) > 1:
        more, languages = direction_languages(written, texts, learned(), vocabulary.normalize)
        figures = {way: each | more[way] for way, each in figures.items()}
    for way, value in sharing.perplexities(models, texts, max_words=max_words).items():
        figures[way]["perplexity"] = value
    metrics = {names[way]: each for way, each in figures.items()}
    if vocabulary.UNIT == "word":
        normal = {key: list(map(vocabulary.normalize, each)) for key, each in texts.items()}
        for way, each in direction_metrics(written, normal)[0].items():
            metrics[f"{names[way]} in lower case without punctuation"] = each
    columns: dict[str, list] = {}
    for way, name in names.items():
        rows = {
            "direction": [name] * len(found[way]),
            "source": texts[way[0]],
            "translation": written[way],
            "reference": texts[way[-1]],
            "log_probability": [each.log_probability for each in found[way]],
            **({"language": languages[way]} if languages else {}),
        }
        for key, column in rows.items():
            columns.setdefault(key, []).extend(column)
    return ScoredDirections(metrics, columns, found, signature)
