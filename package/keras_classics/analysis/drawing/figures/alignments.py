"""Pictures of what a translator looks at while it writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_classics.analysis.drawing.plots import new_figure, wrapped_in, write_figure
from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_lengths

if TYPE_CHECKING:
    from keras_classics.data.texts.vocabulary import Vocabulary
    from keras_classics.models.sequence.translate import Translation

# Inches: the least side of a sentence's square, and what each of its words adds.
_SIDE, _WORD = 4.2, 0.16


@checked
def draw_alignments(
    path: str | os.PathLike,
    alignments: Sequence[np.ndarray],
    sources: Sequence[Sequence[str]],
    translations: Sequence[Sequence[str]],
) -> None:
    """Draw which source words each word of a translation was written from.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        alignments: For each sentence `(words and end, positions)`, where position 0 is the start.
        sources: The words of each source.
        translations: The words of each translation.

    Raises:
        InputError: They are not equally many, the file has another ending, or cannot be written.
    """
    for name, each in (("sources", sources), ("translations", translations)):
        check_lengths(name, each, "alignments", alignments)
    longest = max(map(len, [*sources, *translations]), default=0)
    side = max(_SIDE, _WORD * longest + 2)
    figure, axes = new_figure(side * len(sources), side, 1, len(sources))
    shown = zip(axes.flat, alignments, sources, translations, strict=True)
    for axis, weights, source, translation in shown:
        across, down = ["start", *source, "end"], [*translation, "end"]
        across, down = across[: weights.shape[1]], down[: weights.shape[0]]
        axis.imshow(weights[: len(down), : len(across)], cmap="Greys", vmin=0, vmax=1)
        axis.set_xticks(range(len(across)), across, rotation=90, fontsize=8)
        axis.set_yticks(range(len(down)), down, fontsize=8)
    title = "What the translation (rows) looks at in the source (columns)"
    figure.suptitle(wrapped_in(figure, title, 0.9 * side * len(sources), 12), fontsize=12)
    write_figure(path, figure)


@checked
def draw_translations(
    path: str | os.PathLike,
    sources: Sequence[str],
    translations: Sequence[Translation],
    vocabularies: tuple[Vocabulary, Vocabulary],
) -> bool:
    """Draw what sentences were written from, in the units of their vocabularies.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        sources: The sentences as the encoder was told them.
        translations: Of each, from `kc.models.translate`.
        vocabularies: Of sources and of translations.

    Returns:
        Whether there was attention to be drawn.

    Raises:
        InputError: The file has another ending, or cannot be written.
    """
    alignments = [each.alignments for each in translations if each.alignments is not None]
    if len(alignments) < len(sources) or not alignments:
        return False
    sides = zip(vocabularies, (sources, [each.text for each in translations]), strict=True)
    read, written = (
        [[vocabulary.join([unit]) for unit in vocabulary.split(text)] for text in side]
        for vocabulary, side in sides
    )
    draw_alignments(path, alignments, read, written)
    return True
