"""The callback that shows where a decoder looks for each word, and what it writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np

from keras_classics.analysis.drawing.figures.alignments import draw_alignments
from keras_classics.analysis.drawing.pages import (
    displayable,
    enlarged,
    overlay,
    stacked,
    tiles,
    write_picture,
)
from keras_classics.callbacks.picture_callback import PictureCallback, finite
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.types import Tensor
from keras_classics.data.batches import pad_arrays
from keras_classics.data.texts.sentence_batches import encode_sentences
from keras_classics.data.texts.vocabulary import Vocabulary
from keras_classics.decoding import CompiledSearch, Hypotheses
from keras_classics.models import split_captioner, split_translator
from keras_classics.models.sequence.caption import encoder_input

# Attention so many times the even one is shown in full colour, if none is sharper.
SHARP = 4


class Attention(PictureCallback):
    """What a captioner or translator writes of a few fixed inputs, and where it looks meanwhile.

    Of a captioner every page has, for each picture, the sentence it writes and a reference, and
    below them the picture once for every word, with the attention behind that word laid over it.
    The colours are of one scale in a sentence: pale is attention to nothing in particular. Of a
    translator each page has the alignments `kc.analysis.draw_alignments` draws.

    Sentences are decoded by beam search, compiled once.

    Args:
        inputs: For a captioner uint8 pictures `(batch, height, width, 3)`, which are resized and
            scaled as `kc.models.caption` does, or what it takes itself; for a translator the
            sentences that are to be translated.
        folder: See `kc.callbacks.PictureCallback`, like the keyword arguments not named here.
        vocabulary: Of what is written.
        source_vocabulary: Of a translator's source; it makes the difference between the two.
        references: A caption of each picture, to be shown beside what is written.
        max_words: Longest sentence written, and the longest of a translator's source that is read.
        width: Beams.
        pair: Which languages of a multilingual translator.
        pictures: What is shown in place of a captioner's `inputs`, as uint8
            `(batch, height, width, 3)` of any size; by default `kc.analysis.displayable(inputs)`.
        columns: Pictures in a row.
        **arguments: Further arguments of `kc.callbacks.PictureCallback`.

    Raises:
        InputError: Inputs and references differ in number; or, at the start of training, the model
            has no attention, or none over a picture.
    """

    kind = "attention"

    @checked
    def __init__(
        self,
        inputs: Any,
        folder: str | os.PathLike,
        vocabulary: Vocabulary,
        *,
        source_vocabulary: Vocabulary | None = None,
        references: Sequence[str] | None = None,
        max_words: int = 24,
        width: int = 1,
        pair: tuple[str, str] | None = None,
        pictures: np.ndarray | None = None,
        columns: int = 14,
        **arguments: Any,
    ) -> None:
        super().__init__(folder, **arguments)
        references = [""] * len(inputs) if references is None else references
        if not len(inputs) or len(inputs) != len(references):
            raise InputError(
                f"{len(inputs)} inputs and {len(references)} references were given",
                "one input or more, and one reference for each or references=None",
                "Choose one of the references of each picture.",
            )
        self.vocabulary = vocabulary
        self.references = references
        self.max_words = max_words
        self.width = width
        self.pair = pair
        self.columns = columns
        self.sources: list[list[str]] | None = None
        if source_vocabulary is None:
            self.inputs = np.asarray(inputs)
            self.pictures = displayable(self.inputs if pictures is None else pictures)
        else:
            rows, _ = encode_sentences(inputs, source_vocabulary, max_words)
            self.inputs = pad_arrays(rows, multiple=8)
            self.sources = [source_vocabulary.split(text)[:max_words] for text in inputs]

    def prepare(self) -> None:
        """Take the model apart and compile the search."""
        if self.sources is None:
            encoder, _ = split_captioner(self.explained)
            decoder = self.explained.get_layer("decoder")
        else:
            encoder, decoder = split_translator(self.explained, self.pair)
        if decoder.attention is None:
            raise InputError(
                f"The model {self.explained.name!r} has a decoder without attention",
                "a decoder with attention",
                "Build it with attention='additive', or leave the callback out.",
            )
        if self.sources is None:
            if self.inputs.dtype == np.uint8:
                self.inputs = encoder_input(encoder, self.inputs)
            self.grid = _grid(encoder, self.inputs.shape)
        self.search = CompiledSearch(
            _Whole(encoder, decoder),
            # XLA would compile for longer than a few pages take.
            jit_compile=False,
            width=self.width,
            **self.vocabulary.search_limits(self.max_words),
        )

    def draw(self, path: Path, when: str) -> None:
        """Sentences and where each of their words came from."""
        found = cast(Hypotheses, self.search(self.inputs))
        ids, lengths, alignments = (
            keras.ops.convert_to_numpy(each[:, 0])
            for each in (found.ids, found.lengths, cast(Tensor, found.alignments))
        )
        # Without the end.
        words = [
            [self.vocabulary.words[number] for number in row[: length - 1]]
            for row, length in zip(ids, lengths, strict=True)
        ]
        if self.sources is not None:
            draw_alignments(path, list(alignments), self.sources, words)
            return
        shown = zip(self.pictures, words, self.references, alignments, strict=True)
        pages = [self._caption(*each) for each in shown]
        write_picture(path, stacked(pages, f"Where the decoder looks, {when}"))

    def _caption(
        self, picture: np.ndarray, words: list[str], reference: str, weights: np.ndarray
    ) -> np.ndarray:
        """One picture for each word, behind the picture itself."""
        said = self.vocabulary.join(words)
        picture = enlarged(picture[None])
        maps = finite(weights[: len(words)]).reshape(-1, *self.grid)
        maps = maps / max(maps.max(initial=0.0), SHARP / np.prod(self.grid))
        return tiles(
            [picture[0], *overlay(picture.repeat(len(words), axis=0), maps)],
            ["", *words],
            columns=self.columns,
            heading=f"{said}   (reference: {reference})" if reference else said,
        )


class _Whole:
    """Encoder and decoder as one layer, so that one search compiles both."""

    def __init__(self, encoder: keras.Model, decoder: keras.layers.Layer):
        self.encoder = encoder
        self.decoder = decoder
        self.step = decoder.step

    @property
    def variables(self) -> list:
        return [*self.encoder.variables, *self.decoder.variables]

    def initial_state(self, inputs: Tensor) -> dict:
        return self.decoder.initial_state(self.encoder(inputs, training=False))


def _grid(encoder: keras.Model, shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of what is attended to."""
    encoded = encoder.compute_output_shape(shape)
    if len(encoded) != 4:
        raise InputError(
            f"The encoding has the shape {encoded}",
            "(batch, height, width, features), whose attention can be laid over a picture",
            "Attend to an encoder's feature map.",
        )
    return encoded[1:3]
