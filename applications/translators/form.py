"""How the languages of a translator share its network: by target tokens, or by a shared middle."""

from __future__ import annotations

import argparse
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Self

import keras

import keras_classics as kc

Pair = tuple[str, str]
Part = Pair | None
MakeVocabulary = Callable[[Iterable[str]], kc.data.Vocabulary]


def trained_pairs(settings: Mapping) -> list[Pair]:
    """The directions a run is trained in: its pairs, or its first language into all others."""
    if settings.get("pairs"):
        return [(source, target) for source, target in settings["pairs"]]
    source, *targets = settings["languages"]
    return [(source, target) for target in targets]


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
    wanted = others if chosen is None else [(source, target) for source, target in chosen]
    if not set(wanted) <= set(others):
        raise kc.InputError(
            f"The untrained directions {', '.join(map('-'.join, wanted))} were given. Allowed: "
            f"{', '.join(map('-'.join, others)) or 'none'}. Choose some of these."
        )
    return wanted


def parse_pairs(text: str) -> list[list[str]]:
    """Directions as they are written on the command line: `en-fr,fr-en`."""
    pairs = [part.strip().split("-") for part in text.split(",") if part.strip()]
    sound = all(len(pair) == 2 and all(pair) for pair in pairs)
    if not sound or len(set(map(tuple, pairs))) < len(pairs):
        raise kc.InputError(
            f"The directions {text} were given. Allowed: different ones, each a source and a target"
            " language, with commas between. Write for example en-fr,fr-en."
        )
    return pairs


def tagged(pairs: Sequence[Pair]) -> bool:
    """Whether target tokens are needed: where there are several target languages."""
    return len({target for _, target in pairs}) > 1


class Form(ABC):
    """A form of sharing, bound to the directions that are trained and to their vocabularies.

    What is read and written by the same layers is a part. A part is named as `kc.models.translate`
    wants it: by its pair of languages, or None where all directions are one.

    Args:
        pairs: The directions that are trained, as source and target language.
        vocabularies: By name, which is that of their file.
    """

    def __init__(
        self, pairs: Sequence[Pair], vocabularies: Mapping[str, kc.data.Vocabulary]
    ) -> None:
        self.pairs = list(pairs)
        self.vocabularies = dict(vocabularies)

    @classmethod
    def of(
        cls, pairs: Sequence[Pair], texts: Mapping[str, Sequence[str]], make: MakeVocabulary
    ) -> Self:
        """Make the vocabularies that training sentences, given by language, ask for."""
        form, read = cls(pairs, {}), {}
        for part, sides in form.examples(texts).items():
            # Parts with a vocabulary in common have the same sentences for it.
            read |= zip(form.names(part), sides, strict=True)
        form.vocabularies = {name: make(sentences) for name, sentences in read.items()}
        return form

    @classmethod
    def load(cls, folder: Path, pairs: Sequence[Pair]) -> Self:
        """With the vocabularies of a run's folder."""
        form = cls(pairs, {})
        names = dict.fromkeys(chain.from_iterable(form.names(form.part(pair)) for pair in pairs))
        form.vocabularies = {
            name: kc.data.load_vocabulary(folder / f"{name}.json") for name in names
        }
        return form

    def check_folder(self, folder: Path) -> None:
        """Refuse a folder whose vocabularies are others."""
        for name, vocabulary in self.vocabularies.items():
            if (folder / f"{name}.json").exists():
                kc.data.load_vocabulary(folder / f"{name}.json").check_matches(vocabulary)

    def save(self, folder: Path) -> None:
        """Keep the vocabularies."""
        for name, vocabulary in self.vocabularies.items():
            vocabulary.save(folder / f"{name}.json")

    def check_model(self, model: keras.Model) -> None:
        """Refuse a model with other vocabularies."""
        for pair in self.pairs:
            encoder, decoder = kc.models.split_translator(model, self.part(pair))
            embedding = next(
                layer for layer in encoder.layers if isinstance(layer, keras.layers.Embedding)
            )
            sizes = (embedding.input_dim, decoder.vocabulary_size)
            for vocabulary, size in zip(self.sides(pair), sizes, strict=True):
                vocabulary.check_matches(size)

    def sides(self, pair: Pair) -> tuple[kc.data.Vocabulary, kc.data.Vocabulary]:
        """The vocabularies of a direction's sources and targets."""
        source, target = self.names(self.part(pair))
        return self.vocabularies[source], self.vocabularies[target]

    @abstractmethod
    def part(self, pair: Pair) -> Part:
        """The part of the network that a direction takes."""

    @abstractmethod
    def names(self, part: Part) -> tuple[str, str]:
        """The vocabularies of a part's sources and targets."""

    @abstractmethod
    def told(self, text: str, target: str) -> str:
        """What the encoder reads where a sentence is to be translated into a language."""

    @abstractmethod
    def examples(
        self, texts: Mapping[str, Sequence[str]]
    ) -> dict[Part, tuple[Sequence[str], Sequence[str]]]:
        """Sources and targets that each part learns from, out of parallel sentences."""

    @abstractmethod
    def build(self, options: argparse.Namespace) -> tuple[keras.Model, keras.Model]:
        """The model to keep, and the one to train, which has weights of it."""

    @abstractmethod
    def batches(self, encoded: Mapping[Part, tuple], **arguments):
        """Training batches of numbered sentences; arguments as of `kc.data.translation_batches`."""

    def network(self, options: argparse.Namespace) -> dict:
        """The arguments of either translator."""
        return {
            "units": options.units,
            "depth": options.depth,
            "cell": options.cell,
            "embedding_size": options.embedding_size,
            "bidirectional": not options.one_direction,
            "reverse_source": options.reverse_source,
            "context": options.context,
            "attention": None if options.attention == "none" else options.attention,
            "readout": options.readout,
            "tie_embeddings": options.tie_embeddings,
            "dropout": options.dropout,
            "seed": options.seed,
        }


class TargetTokens(Form):
    """All is shared; a first token names the language to write, where there are several.

    Johnson et al., TACL 2017 (arXiv:1611.04558).
    """

    def part(self, pair):
        """All directions are one."""
        return None

    def names(self, part):
        """One vocabulary for all that is read and one for all that is written."""
        return "source", "target"

    def told(self, text, target):
        """The sentence, perhaps behind a token."""
        return kc.data.tag_target(text, target) if tagged(self.pairs) else text

    def examples(self, texts):
        """Direction after direction."""
        sources = [self.told(text, target) for source, target in self.pairs
                   for text in texts[source]]  # fmt: skip
        return {None: (sources, [text for _, target in self.pairs for text in texts[target]])}

    def build(self, options):
        """A plain translator."""
        sizes = (len(self.vocabularies[name]) for name in self.names(None))
        model = kc.models.translator(*sizes, **self.network(options))
        return model, model

    def batches(self, encoded, **arguments):
        """Of all directions together."""
        return kc.data.translation_batches(*encoded[None], **arguments)


class SharedMiddle(Form):
    """Every language has an encoder and a decoder of its own, on both sides of a shared middle.

    Dong et al., ACL 2015; Firat, Cho, Bengio, NAACL 2016 (arXiv:1601.01073).
    """

    def part(self, pair):
        """Each direction is one."""
        return pair

    def names(self, part):
        """One for each language."""
        return part

    def told(self, text, target):
        """The sentence: its decoder is chosen."""
        return text

    def examples(self, texts):
        """Each direction by itself."""
        return {(source, target): (texts[source], texts[target]) for source, target in self.pairs}

    def build(self, options):
        """All directions between the languages, of which some are trained."""
        sources = {source: len(self.vocabularies[source]) for source, _ in self.pairs}
        targets = {target: len(self.vocabularies[target]) for _, target in self.pairs}
        every = [*self.pairs, *untrained_pairs(self.pairs)]
        model = kc.models.multilingual_translator(sources, targets, every, **self.network(options))
        names = [f"{source}_{target}" for source, target in self.pairs]
        inputs = {
            f"{name}_{side}": model.input[f"{name}_{side}"]
            for name in names
            for side in ("source", "target_in")
        }
        return model, keras.Model(inputs, {name: model.output[name] for name in names})

    def batches(self, encoded, **arguments):
        """In every step one batch of each direction."""
        return kc.data.multilingual_batches(encoded, **arguments)


FORMS: dict[str, type[Form]] = {"tokens": TargetTokens, "middle": SharedMiddle}
