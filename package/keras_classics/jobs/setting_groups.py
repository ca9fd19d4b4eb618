"""Settings that go together, for the dataclasses of jobs to inherit: each flag with its help, once.

A job that asks for another default says the field again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from keras_classics.core.commands import parse_pairs
from keras_classics.jobs.settings import TRAIN, Settings, flag

CELLS = (
    "deep_transition, elman, gru, gru_course, gru_reset_after, highway, jordan, lstm, "
    "lstm_coupled, lstm_no_forget, lstm_peephole, multiplicative, multiplicative_lstm"
)
_WRITING = (TRAIN, "write")
_SEARCHING = ("evaluate", "export")
_SAMPLING = ("none", "model", "uniform", "always")
# Units of a sentence, at most, where nothing else is said.
_MOST_UNITS = {"word": 40, "token": 50, "sentencepiece": 60, "character": 160}


def _parse_languages(text: str) -> list[str]:
    """Languages as they are typed, with commas between."""
    return text.replace(",", " ").split()


def _typed_text(text: str) -> str:
    r"""A text as it is typed, in which \n is a line end."""
    return text.replace("\\n", "\n")


@dataclass(kw_only=True)
class RecurrentSettings(Settings):
    """Of recurrent layers that read and write units of text, and of their training."""

    units: int = flag(128)
    embedding_size: int | None = flag(None, "by default as wide as the states")
    depth: int = flag(1, "recurrent layers, one on the other")
    cell: str = flag("gru", CELLS)
    tie_embeddings: bool = flag(False, "one matrix for what is read and what is answered")
    dropout: float = flag(0.1)
    clip_norm: float = flag(5.0, "of all gradients together; 0 for no limit")

    def network(self) -> dict[str, Any]:
        """Arguments of the network's builder."""
        sizes = self.some("cell", "units", "depth", "embedding_size")
        return {**sizes, **self.some("tie_embeddings", "dropout", "seed")}


@dataclass(kw_only=True)
class TranslatorSettings(RecurrentSettings):
    """Of translators: their directions, units, network (`kc.models.translator`) and beam search."""

    strict: bool = flag(
        False,
        "refuse empty lines and long sentences, not skip and cut them",
        verbs=(TRAIN, "evaluate", "translate"),
        may_change=True,
    )
    languages: list[str] = flag(
        ["en", "fr"],
        "the source, then one target or more, told apart by a first token",
        parse=_parse_languages,
    )
    pairs: list | None = flag(
        None,
        "directions that one model learns, in place of --languages: en-fr,fr-en,en-nl,nl-en",
        parse=parse_pairs,
    )
    sharing: str = flag(
        "tokens",
        "what several directions share: all, told apart by a first token; or what lies between "
        "their own encoders and decoders",
        choices=("tokens", "middle"),
    )
    zero_shot: list | None = flag(
        None,
        "directions to evaluate though they were not trained; by default all others between these "
        "languages",
        parse=parse_pairs,
        verbs=("evaluate",),
    )
    into: str | None = flag(None, "the target language, if there are several", verbs=("translate",))
    out_of: str | None = flag(
        None, "the source language, where --sharing is middle", verbs=("translate",)
    )
    vocabulary: str | None = flag(
        None,
        "what is numbered: words (lower case, no punctuation), tokens (words and marks as written; "
        "the default), ...",
        choices=("word", "token", "character", "sentencepiece"),
    )
    vocabulary_size: int | None = flag(None, "greatest; no limit, and for sentencepieces 8000")
    min_count: int | None = flag(None, "rarer units become the unknown word")
    max_words: int | None = flag(None, "units of a sentence, at most")
    attention: str = flag(
        "additive", choices=("none", "additive", "luong_dot", "luong_general", "luong_concat")
    )
    context: str = flag(
        "initial_state",
        "without attention, when the decoder sees the encoder's states",
        choices=("initial_state", "every_step"),
    )
    readout: str | None = flag(
        None,
        "what the logits are made of; by default the state, with additive attention a sum",
        choices=("state", "summed", "concatenated", "maxout"),
    )
    one_direction: bool = flag(False, "read the source forwards only")
    reverse_source: bool = flag(False, "read it backwards")
    scheduled_sampling: str = flag("none", choices=_SAMPLING)
    warm_up_steps: int = flag(0, "in which the rate rises; it then falls along half a cosine")
    average_epochs: int = flag(0, "end with the average of the weights over about so many epochs")
    unknowns: str | None = flag(
        None,
        "with attention, unknown words become the source word looked at most (default); or they "
        "are never written",
        choices=("replace", "ban"),
    )
    dictionary: Path | None = flag(
        None,
        "lines of a word, a tab and its translation, for unknown words that are replaced",
        verbs=_SEARCHING,
        metavar="FILE",
    )
    beam: int = flag(5, verbs=_SEARCHING)
    length_penalty: str = flag(
        "gnmt",
        "what the beam divides log-probabilities by: ((5 + n) / 6)^alpha for n units, n^alpha or "
        "nothing",
        verbs=_SEARCHING,
        choices=("gnmt", "power", "none"),
    )
    alpha: float = flag(0.6, "strength of the length penalty", verbs=_SEARCHING)
    coverage: float = flag(
        0.0,
        "with attention, strength of the penalty on source units that were not looked at",
        verbs=_SEARCHING,
    )
    ensemble: list[Path] = flag(
        list,
        "other runs on the same data whose models write together with that of OUT; results go into "
        "OUT/ensemble",
        verbs=("evaluate",),
        metavar="FOLDER",
    )
    n_best: int = flag(1, "translations of a sentence", verbs=("translate",))
    draw: bool = flag(
        False, "draw what each word of the translations looks at", verbs=("translate",)
    )
    sentences: int = flag(
        4,
        "whose attention is drawn, at most: of the test, or of those translated with --draw",
        verbs=("evaluate", "translate"),
    )
    groups: Path | None = flag(
        None,
        "a text file with groups of sentences, empty lines between; dates in several forms by "
        "default",
        verbs=("project",),
        metavar="FILE",
    )

    def network(self) -> dict[str, Any]:
        """Arguments of `kc.models.translator`."""
        reading = {"bidirectional": not self.one_direction, **self.some("reverse_source")}
        return {**super().network(), **reading, **self.some("attention", "context", "readout")}

    def falling(self, steps_per_epoch: int) -> dict[str, Any]:
        """Arguments of `kc.training.cosine_adam`, but for the length of the training."""
        average = {"average_steps": self.average_epochs * steps_per_epoch}
        return {**average, **self.some("learning_rate", "warm_up_steps", "clip_norm")}

    def numbering(self) -> dict[str, Any]:
        """Limits of `kc.data.make_vocabulary`."""
        return {"max_size": self.vocabulary_size, **self.some("min_count")}

    def search(self) -> dict[str, Any]:
        """Arguments of `kc.models.translate`; unknown words may become words of the source.

        Raises:
            InputError: The dictionary cannot be read.
        """
        from keras_classics.data.texts.dictionary import read_dictionary

        return {
            "width": self.beam,
            "dictionary": self.dictionary and read_dictionary(self.dictionary),
            "replace": self.unknowns == "replace",
            **self.some("length_penalty", "alpha", "coverage", "max_words"),
        }

    def fill_units(self) -> None:
        """What of the languages, the vocabulary and the search follows from other settings."""
        if self.pairs:
            self.languages = list(dict.fromkeys(chain.from_iterable(self.pairs)))
        self.fill(vocabulary="token")
        looks = self.attention != "none" and self.vocabulary != "sentencepiece"
        self.fill(
            min_count=2 if self.vocabulary in ("word", "token") else 1,
            max_words=_MOST_UNITS[str(self.vocabulary)],
            unknowns="replace" if looks else "ban",
        )


@dataclass(kw_only=True)
class CaptionerSettings(Settings):
    """Of captioners: their encoder and decoder (`kc.models.captioner`), units and beam search."""

    image_size: int | None = flag(None, "side the pictures are resized to")
    encoder: str = flag("resnet_18", "catalogue name, or a .keras file")
    encoder_options: dict = flag(dict, "arguments of the encoder's builder, such as width=0.5")
    encoder_layer: str | None = flag(
        None,
        "layer that is described; by default the last map, or without attention what the "
        "classifier reads",
    )
    freeze_encoder: bool = flag(False, "train the decoder on stored encodings")
    decoder: str = flag("gru", "gru (the course's), gru_reset_after, lstm or elman")
    start_from: str = flag("initial_state", choices=("initial_state", "first_input"))
    attention: str | None = flag(None, choices=("none", "additive"))
    units: int = flag(128)
    dropout: float = flag(0.1)
    scheduled_sampling: str = flag("none", choices=_SAMPLING)
    vocabulary: str = flag(
        "word", "what captions are made of", choices=("word", "token", "character")
    )
    max_words: int | None = flag(None, "most units of a caption; 24, of characters 160")
    min_count: int | None = flag(None, "rarer units become the unknown one")
    beam: int = flag(5, verbs=_SEARCHING)
    explain_every: int = flag(
        0,
        "draw where the decoder looks in validation pictures every so many epochs; needs attention",
        may_change=True,
        metavar="EPOCHS",
    )
    n_best: int = flag(1, "captions for a picture", verbs=("caption",))

    def encoding(self) -> dict[str, Any]:
        """Arguments of `kc.models.picture_encoder`, but for the encoder and its size."""
        described = {"layer": self.encoder_layer, "as_map": self.attention != "none"}
        return {**described, **self.encoder_options}

    def network(self) -> dict[str, Any]:
        """Arguments of `kc.models.captioner`."""
        decoder = {"cell": self.decoder, "train_encoder": not self.freeze_encoder}
        return {**decoder, **self.some("units", "attention", "start_from", "dropout", "seed")}

    def search(self) -> dict[str, Any]:
        """Arguments of `kc.models.caption`."""
        return {"width": self.beam, **self.some("max_words")}


@dataclass(kw_only=True)
class WritingSettings(Settings):
    """Of `kc.decoding.TextWriter`, and of what it is asked for while and after a training."""

    seed: int = flag(0, "of weights, dropout and what is written", verbs=_WRITING)
    samples: list[int] = flag(
        [100, 300, 700, 2000],
        "iterations after which a sample is shown",
        may_change=True,
        metavar="ITERATION",
    )
    sample_length: int = flag(300, may_change=True)
    prime: str = flag(
        "",
        "text to go on from; \\n for a line end",
        verbs=_WRITING,
        may_change=True,
        parse=_typed_text,
    )
    temperature: float = flag(1.0, "below 1 safer, above 1 wilder", verbs=_WRITING, may_change=True)
    top_k: int | None = flag(
        None, "draw from the k most probable only", verbs=_WRITING, may_change=True
    )
    top_p: float | None = flag(
        None, "draw from the fewest of this probability only", verbs=_WRITING, may_change=True
    )
    length: int = flag(500, "characters to write", verbs=("write",))
    count: int = flag(1, "texts to write", verbs=("write",))

    def writing(self) -> dict[str, Any]:
        """Arguments of `kc.decoding.TextWriter`, but for the length."""
        return self.some("prime", "seed", "temperature", "top_k", "top_p")
