"""The settings of `translation.py`."""

from __future__ import annotations

import dataclasses
from itertools import chain
from pathlib import Path

import keras_classics as kc

UNITS = ("word", "token", "character", "sentencepiece")
PHRASES_DATA = {"train": 20000, "validation": 500, "test": 1000}
# Units of a sentence, at most, where nothing else is said.
MAX_UNITS = {"word": 40, "token": 50, "sentencepiece": 60, "character": 160}
CELLS = (
    "deep_transition, elman, gru, gru_course, gru_reset_after, highway, jordan, lstm, "
    "lstm_coupled, lstm_no_forget, lstm_peephole, multiplicative, multiplicative_lstm"
)
SEARCHING = ["evaluate", "export"]
flag, parse_pairs = kc.jobs.flag, kc.cli.parse_pairs


def parse_languages(text: str) -> list[str]:
    """Languages as they are typed, with commas between."""
    return [part.strip() for part in text.split(",") if part.strip()]


@dataclasses.dataclass(kw_only=True)
class Settings(kc.jobs.Settings):
    """Their defaults are English to French on the phrases."""

    data: str = flag("phrases", "phrases, parallel:FILE.en,FILE.fr, parallel:FOLDER or tfds:NAME")
    data_options: dict = flag(dict, "for phrases: train=20000 ...; for files: validation=v.en,v.fr "
        "test=...")  # fmt: skip
    languages: list[str] = flag(["en", "fr"], "the source, then one target or more, told apart by "
        "a first token", parse=parse_languages)  # fmt: skip
    pairs: list | None = flag(None, "directions that one model learns, in place of --languages: "
        "en-fr,fr-en,en-nl,nl-en", parse=parse_pairs)  # fmt: skip
    sharing: str = flag("tokens", "what several directions share: all, told apart by a first "
        "token; or what lies between their own encoders and decoders",
        choices=("tokens", "middle"))  # fmt: skip
    zero_shot: list | None = flag(None, "directions to evaluate though they were not trained; by "
        "default all others between these languages", parse=parse_pairs,
        verbs=["evaluate"])  # fmt: skip
    strict: bool = flag(False, "refuse empty lines and long sentences, not skip and cut them",
        verbs=["train", "evaluate", "translate"], may_change=True)  # fmt: skip
    vocabulary: str | None = flag(None, "what is numbered: words (lower case, no punctuation), "
        "tokens (words and marks as written; the default), ...", choices=UNITS)  # fmt: skip
    vocabulary_size: int | None = flag(None, "greatest; no limit, and for sentencepieces 8000")
    min_count: int | None = flag(None, "rarer units become the unknown word")
    max_words: int | None = flag(None, "units of a sentence, at most")
    units: int = flag(128)
    embedding_size: int | None = flag(None, "by default as wide as the states")
    depth: int = flag(1)
    cell: str = flag("gru", CELLS)
    attention: str = flag("additive", choices=("none", "additive", "luong_dot", "luong_general",
        "luong_concat"))  # fmt: skip
    context: str = flag("initial_state", "without attention, when the decoder sees the encoder's "
        "states", choices=("initial_state", "every_step"))  # fmt: skip
    readout: str | None = flag(None, "what the logits are made of; by default the state, with "
        "additive attention a sum", choices=("state", "summed", "concatenated",
        "maxout"))  # fmt: skip
    tie_embeddings: bool = flag(False, "one matrix for what the decoder reads and answers")
    one_direction: bool = flag(False, "read the source forwards only")
    reverse_source: bool = flag(False, "read it backwards")
    dropout: float = flag(0.1)
    scheduled_sampling: str = flag("none", choices=("none", "model", "uniform", "always"))
    epochs: int = flag(8, may_change=True)
    batch_size: int = flag(64)
    learning_rate: float = flag(3e-3)
    warm_up_steps: int = flag(0, "in which the rate rises; it then falls along half a cosine")
    clip_norm: float = flag(5.0, "of all gradients together")
    average_epochs: int = flag(0, "end with the average of the weights over about so many epochs")
    unknowns: str | None = flag(None, "with attention, unknown words become the source word looked "
        "at most (default); or they are never written", choices=("replace", "ban"))  # fmt: skip
    dictionary: Path | None = flag(None, "lines of a word, a tab and its translation, for unknown "
        "words that are replaced", verbs=SEARCHING, metavar="FILE")  # fmt: skip
    beam: int = flag(5, verbs=SEARCHING)
    length_penalty: str = flag("gnmt", "what the beam divides log-probabilities by: "
        "((5 + n) / 6)^alpha for n units, n^alpha or nothing", verbs=SEARCHING,
        choices=("gnmt", "power", "none"))  # fmt: skip
    alpha: float = flag(0.6, "strength of the length penalty", verbs=SEARCHING)
    coverage: float = flag(0.0, "with attention, strength of the penalty on source units that were "
        "not looked at", verbs=SEARCHING)  # fmt: skip
    sentences: int = flag(4, "test sentences whose attention is drawn", verbs=["evaluate"])
    ensemble: list[Path] = flag(list, "other runs on the same data whose models write together "
        "with that of OUT; results go into OUT/ensemble", verbs=["evaluate"],
        metavar="FOLDER")  # fmt: skip
    groups: Path | None = flag(None, "a text file with groups of sentences, empty lines between; "
        "dates in several forms by default", verbs=["project"], metavar="FILE")  # fmt: skip
    into: str | None = flag(None, "the target language, if there are several", verbs=["translate"])
    out_of: str | None = flag(None, "the source language, where --sharing is middle",
        verbs=["translate"])  # fmt: skip
    n_best: int = flag(1, "translations of a sentence", verbs=["translate"])

    def complete(self):
        """Fill in what follows from other settings."""
        phrases = self.data == "phrases"
        if self.pairs:
            self.languages = list(dict.fromkeys(chain.from_iterable(self.pairs)))
        if phrases:
            self.fill(data_options=PHRASES_DATA)
        # Dutch and German write a number as one word, however long.
        compounds = phrases and {"nl", "de"} & {*self.languages}
        self.fill(vocabulary="character" if compounds else "token")
        words = self.vocabulary in ("word", "token")
        looks = self.attention != "none" and self.vocabulary != "sentencepiece"
        self.fill(
            min_count=2 if words and not phrases else 1,
            max_words=MAX_UNITS[self.vocabulary],
            unknowns="replace" if looks else "ban",
        )
