"""Translators: recurrent encoders and the recurrent decoder, assembled.

* Sutskever, Vinyals, Le (NeurIPS 2014, arXiv:1409.3215): `cell="lstm", units=1000, depth=4,
  reverse_source=True`. Every layer of the decoder starts where that of the encoder ended.
* Cho et al. (EMNLP 2014, arXiv:1406.1078): `context="every_step", readout="maxout"`.
* Bahdanau, Cho, Bengio (ICLR 2015, arXiv:1409.0473): `bidirectional=True, attention="additive",
  readout="maxout"`.
* Luong, Pham, Manning (EMNLP 2015, arXiv:1508.04025): `cell="lstm", units=1000, depth=4,
  attention="luong_general"`, or `"luong_dot"`, `"luong_concat"`.

Deviations: recurrent layers have biases (Sutskever's count of parameters has none); the decoder
behind a bidirectional encoder starts from a tanh layer of the final states of both directions
(Bahdanau's sees the backward one alone); the comparison in Bahdanau's attention and Luong's concat
score has a bias.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import keras
from keras import layers, ops

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice, check_rate, check_whole
from keras_classics.core.types import Name, Tensor
from keras_classics.layers.recurrent.by_name import recurrent_layer
from keras_classics.layers.recurrent.decoder import RecurrentDecoder
from keras_classics.layers.recurrent.reverse import ReverseSequence

PAD = 0
ATTENDED = ("mask", "memory", "states")
CONTEXTS = ("initial_state", "every_step")


@checked
def translator(
    source_vocabulary_size: int,
    target_vocabulary_size: int,
    *,
    units: int = 512,
    depth: int = 1,
    cell: str = "gru",
    embedding_size: int | None = None,
    encoder_units: int | None = None,
    bidirectional: bool = False,
    reverse_source: bool = False,
    context: str = "initial_state",
    attention: str | None = None,
    dropout: float = 0.0,
    name: Name = "translator",
    **decoder_arguments: Any,
) -> keras.Model:
    """Assemble an encoder and a decoder of sentences.

    Id 0 is padding, on the right, in source and target; what stands there changes nothing.

    Args:
        source_vocabulary_size: Number of source ids, with padding.
        target_vocabulary_size: Number of target ids, with padding.
        units: Width of the recurrent states.
        depth: Recurrent layers of the encoder, and as many of the decoder.
        cell: A key of `kc.layers.RECURRENT_LAYERS`: `"gru"` (the course's), `"gru_reset_after"`,
            `"lstm"`, `"elman"`, `"lstm_peephole"`, `"multiplicative"`, `"highway"`, ...
        embedding_size: Width of both embeddings; `units` by default.
        encoder_units: Width of the encoder's states, in each direction; `units` by default.
        bidirectional: Read the source in both directions, in every layer.
        reverse_source: Read the source backwards, its padding left where it is.
        context: Without attention, whether the encoder's final states only set the decoder's
            `"initial_state"` or are also fed at `"every_step"`. They set it as they are where the
            widths agree, and through one tanh layer each where they do not.
        attention: `None`, `"additive"` (Bahdanau), `"luong_dot"`, `"luong_general"` or
            `"luong_concat"`.
        dropout: Rate on embeddings, between layers and before the logits.
        name: Name of the model.
        **decoder_arguments: Further arguments of `kc.layers.RecurrentDecoder`: `readout`,
            `input_feeding`, `tie_embeddings`, `gated` (False here by default), `seed`, ...

    Returns:
        A functional model `{"source": (batch, time), "target_in": (batch, time)}` to logits
        `(batch, time, target_vocabulary_size)`.

    Raises:
        InputError: An argument is not admitted.

    Example:
        ```python
        model = kc.models.translator(30, 40, units=8, attention="additive", bidirectional=True)
        source, target_in = np.array([[5, 9, 3, 0]]), np.array([[1, 7, 2, 4, 6]])
        model({"source": source, "target_in": target_in}).shape  # (1, 5, 40)
        ```
    """
    units, depth = check_whole("units", units), check_whole("depth", depth)
    dropout = check_rate("dropout", dropout)
    embedding_size = check_whole("embedding_size", embedding_size or units)
    encoder_units = check_whole("encoder_units", encoder_units or units)
    source_vocabulary_size = check_whole("source_vocabulary_size", source_vocabulary_size)
    encoder = _Encoder(
        source_vocabulary_size, embedding_size, encoder_units, depth, cell,
        bidirectional=bidirectional, reverse=reverse_source, dropout=dropout,
    )  # fmt: skip
    decoder = _decoder(
        target_vocabulary_size, units, depth, cell, embedding_size, context, attention, dropout,
        decoder_arguments,
    )  # fmt: skip
    source, target_in = _ids("source"), _ids("target_in")
    read, states = encoder(source)
    states = _bridge(states, units)
    logits = decoder(target_in, _encoding(source, read, states, attention, reverse_source))
    return keras.Model({"source": source, "target_in": target_in}, logits, name=name)


@checked
def multilingual_translator(
    source_vocabulary_sizes: Mapping[str, int],
    target_vocabulary_sizes: Mapping[str, int],
    pairs: Sequence[tuple[str, str]] | None = None,
    *,
    units: int = 512,
    depth: int = 1,
    cell: str = "gru",
    embedding_size: int | None = None,
    bidirectional: bool = False,
    reverse_source: bool = False,
    context: str = "initial_state",
    attention: str | None = None,
    dropout: float = 0.0,
    name: Name = "multilingual_translator",
    **decoder_arguments: Any,
) -> keras.Model:
    """Assemble translators between languages that share all they can.

    Each source language has its embedding and one recurrent layer, each target language its
    decoder; between them lie `depth` recurrent layers that all share, and whose outputs and final
    states are all a decoder sees. The pairs `("en", "fr"), ("nl", "fr")` share the middle and the
    French decoder, `("en", "fr"), ("en", "nl")` the middle and the English encoder. (Multi-way
    training is Dong et al., ACL 2015, and Firat, Cho, Bengio, NAACL 2016, arXiv:1601.01073.)

    One model holds all pairs, each with its own sentences, so that plain `fit` trains them side by
    side, every step on one batch of each, and one file saves them. `split_translator(model,
    ("en", "fr"))` takes a pair out. Scheduled sampling counts the batches a decoder reads, several
    a step where pairs share it. (Where one vocabulary serves all languages, `translator` needs
    nothing but a first source token that names the target language: Johnson et al., TACL 2017,
    arXiv:1611.04558.)

    Args:
        source_vocabulary_sizes: Number of ids by source language.
        target_vocabulary_sizes: Number of ids by target language.
        pairs: `(source, target)` languages; by default all of two different languages.
        units: As for `translator`, like all that follow.
        depth: Recurrent layers of the shared middle, and as many of each decoder.
        cell: See `translator`.
        embedding_size: See `translator`.
        bidirectional: Whether the languages' own layers read in both directions.
        reverse_source: See `translator`.
        context: See `translator`.
        attention: See `translator`.
        dropout: See `translator`.
        name: Name of the model.
        **decoder_arguments: See `translator`.

    Returns:
        A functional model from `{"en_fr_source", "en_fr_target_in", ...}`, two for every pair, to
        a dict of logits `{"en_fr", ...}`.

    Raises:
        InputError: An argument is not admitted, or a pair has no vocabulary.

    Example:
        ```python
        model = kc.models.multilingual_translator(
            {"en": 30, "fr": 40}, {"en": 30, "fr": 40}, units=8
        )
        sorted(model.output)  # ["en_fr", "fr_en"]
        encoder, decoder = kc.models.split_translator(model, ("en", "fr"))
        ```
    """
    units, depth = check_whole("units", units), check_whole("depth", depth)
    dropout = check_rate("dropout", dropout)
    embedding_size = check_whole("embedding_size", embedding_size or units)
    pairs = _checked(pairs, source_vocabulary_sizes, target_vocabulary_sizes)
    encoders = {
        language: _Encoder(
            size, embedding_size, units, 1, cell, prefix=f"{language}_",
            bidirectional=bidirectional, reverse=reverse_source, dropout=dropout,
        )
        for language, size in source_vocabulary_sizes.items()
    }  # fmt: skip
    decoders = {
        language: _decoder(
            size, units, depth, cell, embedding_size, context, attention, dropout,
            decoder_arguments, prefix=f"{language}_",
        )
        for language, size in target_vocabulary_sizes.items()
    }  # fmt: skip
    middle = _stack("middle", depth, cell, units)
    dropping = layers.Dropout(dropout, name="middle_dropout")
    inputs: dict[str, Tensor] = {}
    outputs: dict[str, Tensor] = {}
    for source_language, target_language in pairs:
        pair = f"{source_language}_{target_language}"
        source, target_in = _ids(f"{pair}_source"), _ids(f"{pair}_target_in")
        read, _ = encoders[source_language](source)
        read, states = _climb(middle, dropping(read), dropping)
        encoded = _encoding(source, read, states, attention, reverse_source, prefix=f"{pair}_")
        inputs |= {source.name: source, target_in.name: target_in}
        outputs[pair] = decoders[target_language](target_in, encoded)
    return keras.Model(inputs, outputs, name=name)


@checked
def split_translator(
    model: keras.Model, pair: tuple[str, str] | None = None
) -> tuple[keras.Model, RecurrentDecoder]:
    """Take a translator apart, sharing all weights; works on a loaded file.

    Args:
        model: From `translator` or `multilingual_translator`.
        pair: Of a multilingual translator, the source and the target language.

    Returns:
        The encoder, source ids `(batch, time)` to encoding, and the decoder layer, which starts
        from an encoding: `kc.decoding.CompiledSearch(decoder, ...)(encoder(source))`.

    Raises:
        InputError: The model does not translate that pair.

    Example:
        ```python
        model = kc.models.translator(30, 40, units=8)
        encoder, decoder = kc.models.split_translator(model)
        state = decoder.initial_state(encoder(np.array([[5, 9, 3, 0]])))
        logits, state = decoder.step(np.array([1]), state)  # (1, 40)
        ```
    """
    names = {layer.name for layer in model.layers}
    prefix, target = ("", "") if pair is None else (f"{pair[0]}_{pair[1]}_", f"{pair[1]}_")
    if f"{prefix}encoding" not in names:
        known = sorted(n.removesuffix("_encoding") for n in names if n.endswith("_encoding"))
        raise InputError(
            f"pair={pair!r} was given for the model {model.name!r}",
            ", ".join(known) or "None",
            "Give source and target language of a multilingual translator, else nothing.",
        )
    source, encoded = (model.get_layer(prefix + name).output for name in ("source", "encoding"))
    if isinstance(encoded, list):
        # A layer's output comes as a flat list, a dict's values in the order of the sorted keys.
        encoded = dict(zip(ATTENDED, encoded, strict=True))
    encoder = keras.Model(source, encoded, name=f"{model.name}_{prefix}encoder")
    return encoder, model.get_layer(f"{target}decoder")


class _Encoder:
    """The layers of one language's encoder, to be applied as often as it is read."""

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        units: int,
        depth: int,
        cell: str,
        *,
        bidirectional: bool,
        reverse: bool,
        dropout: float,
        prefix: str = "",
    ) -> None:
        self.reversal = ReverseSequence(PAD, name=f"{prefix}source_reversal") if reverse else None
        self.embedding = layers.Embedding(
            vocabulary_size, embedding_size, mask_zero=True, name=f"{prefix}source_embedding"
        )
        self.dropping = layers.Dropout(dropout, name=f"{prefix}encoder_dropout")
        self.stack = _stack(f"{prefix}encoder", depth, cell, units, bidirectional)

    def __call__(self, source: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The top layer's outputs, and the final states from the lowest layer up."""
        ids = self.reversal(source) if self.reversal else source
        return _climb(self.stack, self.dropping(self.embedding(ids)), self.dropping)


def _stack(name: str, depth: int, cell: str, units: int, bidirectional: bool = False) -> list:
    """Recurrent layers that also return their final states."""
    stack = []
    for level in range(1, depth + 1):
        label = f"{name}_{level}"
        layer = recurrent_layer(cell, units, return_state=True, name=label)
        stack.append(layers.Bidirectional(layer, name=label) if bidirectional else layer)
    return stack


def _climb(
    stack: list[layers.Layer], inputs: Tensor, dropping: layers.Dropout
) -> tuple[Tensor, list[Tensor]]:
    final = []
    for level, layer in enumerate(stack):
        inputs, *states = layer(dropping(inputs) if level else inputs)
        if isinstance(layer, layers.Bidirectional):
            half = len(states) // 2
            ends = zip(states[:half], states[half:], strict=True)
            states = [
                layers.Concatenate(name=f"{layer.name}_ends_{n}")(end) for n, end in enumerate(ends)
            ]
        final += states
    return inputs, final


def _bridge(states: list, units: int) -> list:
    """States of the decoder's width: as they are, or each through a tanh layer."""
    return [
        state
        if state.shape[-1] == units
        else layers.Dense(units, "tanh", name=f"bridge_{number}")(state)
        for number, state in enumerate(states, 1)
    ]


def _encoding(
    source: Tensor,
    read: Tensor,
    states: list[Tensor],
    attention: str | None,
    reverse: bool,
    prefix: str = "",
) -> Tensor | dict[str, Tensor]:
    """What the decoder starts from, as the output of one layer that can be found by its name."""
    joined = states[0]
    if len(states) > 1:
        joined = layers.Concatenate(name=f"{prefix}final_states")(states)
    encoded = joined
    if attention:
        # Alignments speak of the source as it was written.
        memory = ReverseSequence(PAD, name=f"{prefix}memory_reversal")(read) if reverse else read
        encoded = {"memory": memory, "mask": ops.not_equal(source, PAD), "states": joined}
    return layers.Identity(name=f"{prefix}encoding")(encoded)


def _decoder(
    vocabulary_size: int,
    units: int,
    depth: int,
    cell: str,
    embedding_size: int,
    context: str,
    attention: str | None,
    dropout: float,
    arguments: Mapping[str, Any],
    prefix: str = "",
) -> RecurrentDecoder:
    check_choice("context", context, ("initial_state",) if attention else CONTEXTS)
    return RecurrentDecoder(
        vocabulary_size,
        units,
        cell,
        attention,
        embedding_size,
        "states",
        dropout,
        depth=depth,
        feed_context=context == "every_step",
        name=f"{prefix}decoder",
        **{"gated": False, **arguments},
    )


def _ids(name: str) -> keras.KerasTensor:
    return keras.Input((None,), dtype="int32", name=name)


def _checked(
    pairs: Sequence[tuple[str, str]] | None, source_languages: Mapping, target_languages: Mapping
) -> list[tuple[str, str]]:
    different = [(s, t) for s in source_languages for t in target_languages if s != t]
    pairs = different if pairs is None else [cast(tuple[str, str], tuple(pair)) for pair in pairs]
    wrong = [pair for pair in pairs if pair not in different]
    if wrong or not pairs:
        raise InputError(
            f"The pairs {wrong or pairs} were given",
            f"pairs of a source and another target language: {different}",
            "Give both languages of every pair a vocabulary.",
        )
    return pairs
