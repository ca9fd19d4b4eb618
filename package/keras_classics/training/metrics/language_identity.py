"""Which language a sentence is in: what translators into several languages are checked by.

A translator may write good sentences in the wrong language, above all in a direction it was never
trained in; BLEU alone does not tell that from bad sentences in the right one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, import_extra


class LanguageIdentifier:
    """Names the language of sentences by naive Bayes over their character n-grams.

    As in Lui and Baldwin, "langid.py" (ACL 2012, system demonstrations), but learned from the
    sentences at hand, which tell more about short texts of one world than a general model. It only
    counts: nothing is drawn at random. Counted are two to four characters within words and at their
    borders, case and accents included; 0.1 is added to each count, and all languages are equally
    likely beforehand.

    Args:
        sentences: Training sentences by language.

    Raises:
        InputError: There are fewer than two languages, or one without a sentence.
        ImportError: scikit-learn is not installed.
    """

    @checked
    def __init__(self, sentences: Mapping[str, Sequence[str]]) -> None:
        if len(sentences) < 2 or not all(sentences.values()):
            counts = ", ".join(f"{len(each)} in {name}" for name, each in sentences.items())
            raise InputError(
                f"Sentences were given as follows: {counts or 'none'}",
                "two languages or more, each with sentences",
                "Give training sentences of every language to be told apart.",
            )
        counting = import_extra("sklearn.feature_extraction.text", "translation").CountVectorizer
        bayes = import_extra("sklearn.naive_bayes", "translation").MultinomialNB
        self.languages = tuple(sentences)
        self._counting = counting(analyzer="char_wb", ngram_range=(2, 4), lowercase=False)
        self._bayes = bayes(alpha=0.1, fit_prior=False)
        counts = self._counting.fit_transform(list(chain.from_iterable(sentences.values())))
        numbers = range(len(self.languages))
        self._bayes.fit(counts, np.repeat(numbers, [len(each) for each in sentences.values()]))

    @checked
    def identify(self, sentences: Sequence[str]) -> list[str | None]:
        """Name the language of each sentence; None where nothing of it was ever seen."""
        if not sentences:
            return []
        counts = self._counting.transform(sentences)
        known = counts.getnnz(axis=1) > 0
        found = zip(self._bayes.predict(counts), known, strict=True)
        return [self.languages[number] if some else None for number, some in found]

    @checked
    def share(self, sentences: Sequence[str], language: str) -> float:
        """Share of sentences that are identified as being in a language, 0 to 1."""
        return float(np.mean([found == language for found in self.identify(sentences)]))
