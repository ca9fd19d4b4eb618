"""How the languages of a translator share its network: by target tokens, or by a shared middle."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, cast

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.data.texts.parallel import tag_target
from keras_classics.data.texts.sentence_batches import (
    encode_sentences,
    multilingual_batches,
    translation_batches,
)
from keras_classics.data.texts.vocabulary import Vocabulary
from keras_classics.models.sequence.translate import (
    Translation,
    sentence_states,
    translate,
    translation_perplexity,
)
from keras_classics.models.sequence.translator import (
    multilingual_translator,
    split_translator,
    translator,
)

if TYPE_CHECKING:
    from keras_classics.data.batches import Batches

Pair = tuple[str, str]
Part = Pair | None
# The languages a sentence goes through: two, or three where it is translated twice.
Way = tuple[str, ...]
MakeVocabulary = Callable[[Iterable[str]], Vocabulary]


@checked
def untrained_pairs(
    pairs: Sequence[Pair], chosen: Sequence[Sequence[str]] | None = None
) -> list[Pair]:
    """The other directions between languages that are read and languages that are written.

    Args:
        pairs: The directions that are trained.
        chosen: Some of the others; all by default.

    Raises:
        InputError: Chosen was a direction that is trained, or between other languages.
    """
    sources, targets = (dict.fromkeys(side) for side in zip(*pairs, strict=True))
    every = [(source, target) for source in sources for target in targets if source != target]
    others = [pair for pair in every if pair not in pairs]
    wanted = others if chosen is None else [cast(Pair, tuple(pair)) for pair in chosen]
    if not set(wanted) <= set(others):
        raise InputError(
            f"The untrained directions {', '.join(map('-'.join, wanted))} were given",
            ", ".join(map("-".join, others)) or "none",
            "Choose some of these.",
        )
    return wanted


@checked
def ways(trained: Sequence[Pair], others: Sequence[Pair]) -> dict[Way, str]:
    """What can be evaluated, with names: directions, and ways around those never trained.

    Args:
        trained: The directions that are trained.
        others: Those that are not.
    """
    single = len({source for source, _ in trained}) == 1
    found: dict[Way, str] = {pair: pair[1] if single else "-".join(pair) for pair in trained}
    for source, target in others:
        found[source, target] = f"{source}-{target} (zero-shot)"
        middles = (
            middle for start, middle in trained if start == source and (middle, target) in trained
        )
        for middle in islice(middles, 1):
            found[source, middle, target] = f"{source}-{middle}-{target} (bridged)"
    return found


@dataclass(frozen=True)
class NumberedTexts:
    """What each part of a translator learns from, in numbers.

    Attributes:
        rows: By part, the numbers of each source and of each target.
    """

    rows: Mapping[Any, tuple[list[np.ndarray], list[np.ndarray]]]

    def __len__(self) -> int:
        # As many for every part: the texts are parallel.
        return len(next(iter(self.rows.values()))[0])


class Sharing(ABC):
    """A form of sharing, bound to the directions that are trained and to their vocabularies.

    What is read and written by the same layers is a part. A part is named as `kc.models.translate`
    wants it: by its pair of languages, or None where all directions are one.

    Args:
        pairs: The directions that are trained, as source and target language.
        vocabularies: By name; see `names`.
    """

    @checked
    def __init__(
        self, pairs: Sequence[Pair], vocabularies: Mapping[str, Vocabulary] | None = None
    ) -> None:
        self.pairs = list(pairs)
        self.vocabularies = dict(vocabularies or {})

    @property
    def tagged(self) -> bool:
        """Whether sentences begin with the token of their target language."""
        return False

    def vocabulary_names(self) -> list[str]:
        """The names of all vocabularies."""
        return list(dict.fromkeys(chain.from_iterable(self.names(part) for part in self.parts())))

    def parts(self) -> list[Part]:
        """All parts of the directions that are trained."""
        return list(dict.fromkeys(map(self.part, self.pairs)))

    @checked
    def make_vocabularies(self, texts: Mapping[str, Sequence[str]], make: MakeVocabulary) -> None:
        """Number what parallel training sentences, given by language, are made of."""
        read: dict[str, Sequence[str]] = {}
        for part, sides in self.examples(texts).items():
            # Parts with a vocabulary in common have the same sentences for it.
            read |= zip(self.names(part), sides, strict=True)
        self.vocabularies = {name: make(sentences) for name, sentences in read.items()}

    @checked
    def number(
        self,
        texts: Mapping[str, Sequence[str]],
        *,
        max_words: int,
        strict: bool = False,
        split: str = "given",
        remark: Callable[[str], None] = lambda text: None,
    ) -> NumberedTexts:
        """Number parallel sentences, given by language, for each part.

        Args:
            texts: The sentences.
            max_words: Units of a sentence, at most; longer ones are cut.
            strict: Refuse these instead.
            split: What the sentences are, for the remark.
            remark: Takes a sentence about how many were cut.

        Raises:
            InputError: Under `strict`, a sentence is longer.
        """
        limits: dict[str, Any] = {"max_words": max_words, "strict": strict, "remark": remark}
        rows = {}
        for part, sides in self.examples(texts).items():
            source, target = (
                self._encoded(name, side, f"{split} {name}", **limits)
                for name, side in zip(self.names(part), sides, strict=True)
            )
            rows[part] = (source, target)
        return NumberedTexts(rows)

    @checked
    def states(
        self,
        model: keras.Model,
        pair: Pair,
        texts: Sequence[str],
        *,
        max_words: int,
        remark: Callable[[str], None] = lambda text: None,
    ) -> np.ndarray:
        """What the encoder ends with for sentences of a direction, `(sentences, units)`.

        Args:
            model: The translator.
            pair: The direction.
            texts: The sentences.
            max_words: Units of a sentence, at most; longer ones are cut.
            remark: Takes a sentence about how many were cut.
        """
        told = [self.told(text, pair[1]) for text in texts]
        name = self.names(self.part(pair))[0]
        limits: dict[str, Any] = {"max_words": max_words, "strict": False, "remark": remark}
        rows = self._encoded(name, told, "projected", **limits)
        return sentence_states(model, rows, self.part(pair))

    def _encoded(
        self,
        name: str,
        texts: Sequence[str],
        kind: str,
        *,
        max_words: int,
        strict: bool,
        remark: Callable[[str], None],
    ) -> list[np.ndarray]:
        vocabulary = self.vocabularies[name]
        rows, cut = encode_sentences(texts, vocabulary, max_words, strict=strict)
        if cut:
            remark(
                f"{cut} of {len(rows)} {kind} sentences were cut to {max_words} "
                f"{vocabulary.UNIT}s (--max-words)"
            )
        return rows

    @checked
    def check_model(self, model: keras.Model) -> None:
        """Refuse a model with other vocabularies.

        Raises:
            InputError: It has.
        """
        for pair in self.pairs:
            encoder, decoder = split_translator(model, self.part(pair))
            embedding = next(
                layer for layer in encoder.layers if isinstance(layer, keras.layers.Embedding)
            )
            sizes = (embedding.input_dim, decoder.vocabulary_size)
            for vocabulary, size in zip(self.sides(pair), sizes, strict=True):
                vocabulary.check_matches(size)

    @checked
    def sides(self, pair: Pair) -> tuple[Vocabulary, Vocabulary]:
        """The vocabularies of a direction's sources and targets.

        Raises:
            InputError: There is none of one of the two.
        """
        source, target = self.names(self.part(pair))
        if missing := {source, target} - set(self.vocabularies):
            raise InputError(
                f"The direction {'-'.join(pair)} was asked for, and there is no vocabulary of "
                f"{', '.join(sorted(missing))}",
                f"those of {', '.join(self.vocabularies)}",
                "Ask for a direction between those.",
            )
        return self.vocabularies[source], self.vocabularies[target]

    @checked
    def translate(
        self,
        models: Sequence[keras.Model],
        asked: Mapping[Way, Sequence[str]],
        **arguments: Any,
    ) -> dict[Way, list[Translation]]:
        """Translate the sentences given for each way in the last direction of it.

        Args:
            models: Translators of this form, which write together.
            asked: Sentences by way.
            **arguments: Further ones of `kc.models.translate`.
        """
        # Each part of the network in one call, as for each call the search is traced anew.
        told: dict[Part, dict[Way, list[str]]] = {}
        for way, texts in asked.items():
            sentences = [self.told(text, way[-1]) for text in texts]
            told.setdefault(self.part((way[-2], way[-1])), {})[way] = sentences
        found: dict[Way, list[Translation]] = {}
        for part, ways_of_part in told.items():
            source, target = (self.vocabularies[name] for name in self.names(part))
            answers = translate(
                models,
                source,
                target,
                list(chain.from_iterable(ways_of_part.values())),
                pair=part,
                **arguments,
            )
            found |= {way: list(islice(answers, len(each))) for way, each in ways_of_part.items()}
        return found

    @checked
    def perplexities(
        self,
        models: Sequence[keras.Model],
        texts: Mapping[str, Sequence[str]],
        *,
        max_words: int,
    ) -> dict[Way, float]:
        """The perplexity of the true translations in every direction that is trained.

        Args:
            models: Translators of this form, which foretell together.
            texts: Parallel sentences by language.
            max_words: Greatest length of a sentence.

        Returns:
            In units of the target vocabulary, the end of a sentence among them.
        """
        return {
            (source, target): translation_perplexity(
                models,
                *self.sides((source, target)),
                [self.told(text, target) for text in texts[source]],
                texts[target],
                max_words=max_words,
                pair=self.part((source, target)),
            )
            for source, target in self.pairs
        }

    @abstractmethod
    @checked
    def part(self, pair: Pair) -> Part:
        """The part of the network that a direction takes."""

    @abstractmethod
    @checked
    def names(self, part: Part) -> tuple[str, str]:
        """The vocabularies of a part's sources and targets."""

    @abstractmethod
    @checked
    def told(self, text: str, target: str) -> str:
        """What the encoder reads where a sentence is to be translated into a language."""

    @abstractmethod
    @checked
    def examples(
        self, texts: Mapping[str, Sequence[str]]
    ) -> dict[Part, tuple[Sequence[str], Sequence[str]]]:
        """Sources and targets that each part learns from, out of parallel sentences."""

    @abstractmethod
    def build(self, **network: Any) -> tuple[keras.Model, keras.Model]:
        """The model to keep, and the one to train, which has weights of it.

        Args:
            **network: Arguments of `kc.models.translator`, which those of
                `kc.models.multilingual_translator` are too.
        """

    @abstractmethod
    def batches(self, numbered: NumberedTexts, first: int = 0, **arguments: Any) -> Batches:
        """Training batches from a number on; arguments of `kc.data.translation_batches`."""


class TargetTokens(Sharing):
    """All is shared; a first token names the language to write, where there are several.

    Johnson et al., TACL 2017 (arXiv:1611.04558).
    """

    @property
    def tagged(self) -> bool:
        """Where there are several target languages."""
        return len({target for _, target in self.pairs}) > 1

    @checked
    def part(self, pair: Pair) -> Part:
        """All directions are one."""
        return None

    @checked
    def names(self, part: Part) -> tuple[str, str]:
        """One vocabulary for all that is read and one for all that is written."""
        return "source", "target"

    @checked
    def told(self, text: str, target: str) -> str:
        """The sentence, perhaps behind a token."""
        return tag_target(text, target) if self.tagged else text

    @checked
    def examples(
        self, texts: Mapping[str, Sequence[str]]
    ) -> dict[Part, tuple[Sequence[str], Sequence[str]]]:
        """Direction after direction."""
        sources = [self.told(text, target) for source, target in self.pairs
                   for text in texts[source]]  # fmt: skip
        return {None: (sources, [text for _, target in self.pairs for text in texts[target]])}

    def build(self, **network: Any) -> tuple[keras.Model, keras.Model]:
        """A plain translator."""
        sizes = (len(self.vocabularies[name]) for name in self.names(None))
        model = translator(*sizes, **network)
        return model, model

    def batches(self, numbered: NumberedTexts, first: int = 0, **arguments: Any) -> Batches:
        """Of all directions together."""
        return translation_batches(*numbered.rows[None], first=first, **arguments)


class SharedMiddle(Sharing):
    """Every language has an encoder and a decoder of its own, on both sides of a shared middle.

    Dong et al., ACL 2015; Firat, Cho, Bengio, NAACL 2016 (arXiv:1601.01073).
    """

    @checked
    def part(self, pair: Pair) -> Part:
        """Each direction is one."""
        return pair

    @checked
    def names(self, part: Part) -> tuple[str, str]:
        """One for each language."""
        return part or ("", "")

    @checked
    def told(self, text: str, target: str) -> str:
        """The sentence: its decoder is chosen."""
        return text

    @checked
    def examples(
        self, texts: Mapping[str, Sequence[str]]
    ) -> dict[Part, tuple[Sequence[str], Sequence[str]]]:
        """Each direction by itself."""
        return {(source, target): (texts[source], texts[target]) for source, target in self.pairs}

    def build(self, **network: Any) -> tuple[keras.Model, keras.Model]:
        """All directions between the languages, of which some are trained."""
        sources = {source: len(self.vocabularies[source]) for source, _ in self.pairs}
        targets = {target: len(self.vocabularies[target]) for _, target in self.pairs}
        every = [*self.pairs, *untrained_pairs(self.pairs)]
        model = multilingual_translator(sources, targets, every, **network)
        names = [f"{source}_{target}" for source, target in self.pairs]
        inputs = {
            f"{name}_{side}": model.input[f"{name}_{side}"]
            for name in names
            for side in ("source", "target_in")
        }
        return model, keras.Model(inputs, {name: model.output[name] for name in names})

    def batches(self, numbered: NumberedTexts, first: int = 0, **arguments: Any) -> Batches:
        """In every step one batch of each direction."""
        return multilingual_batches(numbered.rows, first=first, **arguments)


SHARINGS: dict[str, type[Sharing]] = {"tokens": TargetTokens, "middle": SharedMiddle}
