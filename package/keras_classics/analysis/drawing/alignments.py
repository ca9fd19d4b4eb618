"""Pictures of what a translator looks at, and of how its encoder lays out sentences."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from keras_classics.analysis.drawing.plots import pyplot


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
    """
    plt = pyplot()
    figure, axes = plt.subplots(
        1, len(sources), figsize=(4.2 * len(sources), 4.2), squeeze=False, layout="constrained"
    )
    shown = zip(axes.flat, alignments, sources, translations, strict=True)
    for axis, weights, source, translation in shown:
        across, down = ["start", *source, "end"], [*translation, "end"]
        across, down = across[: weights.shape[1]], down[: weights.shape[0]]
        axis.imshow(weights[: len(down), : len(across)], cmap="Greys", vmin=0, vmax=1)
        axis.set_xticks(range(len(across)), across, rotation=90, fontsize=8)
        axis.set_yticks(range(len(down)), down, fontsize=8)
    figure.suptitle("What the translation (rows) looks at in the source (columns)")
    figure.savefig(path, dpi=80)
    plt.close(figure)


def draw_projection(
    path: str | os.PathLike,
    coordinates: np.ndarray,
    labels: Sequence[str],
    groups: Sequence[str],
    shares: Sequence[float],
) -> None:
    """Draw sentences as points, each group in a colour of its own.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        coordinates: `(sentences, 2)`, from `principal_components`.
        labels: What stands beside each point.
        groups: The group of each point.
        shares: Share of the variance along both directions.
    """
    plt = pyplot()
    figure, axis = plt.subplots(figsize=(8, 6), layout="constrained")
    for group in dict.fromkeys(groups):
        axis.scatter(*coordinates[[each == group for each in groups]].T, s=18, label=group)
    for place, label in zip(coordinates, labels, strict=True):
        axis.annotate(label, place, fontsize=6, xytext=(3, 3), textcoords="offset points")
    axis.set(
        xlabel=f"first component ({shares[0]:.0%} of the variance)",
        ylabel=f"second component ({shares[1]:.0%})",
    )
    # Room for the words right of the points.
    axis.margins(x=0.2)
    axis.legend(fontsize=7)
    figure.savefig(path, dpi=80)
    plt.close(figure)
