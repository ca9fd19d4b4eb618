"""What a recogniser hears or reads at every step: spikes of labels between blanks."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from keras_classics.analysis.drawing.plots import new_figure, wrapped_in, write_figure
from keras_classics.core.arguments import checked

_WIDTH = 9.0
# Above it a label stands on its spike.
_SEEN = 0.3


@checked
def draw_spikes(
    path: str | os.PathLike,
    sequences: Sequence[np.ndarray],
    probabilities: Sequence[np.ndarray],
    labels: Sequence[str],
    found: Sequence[str],
    right: Sequence[str],
) -> None:
    """Draw each sequence above the probabilities of all labels at every step.

    Args:
        path: File to write, `.png`, `.svg` or `.pdf`.
        sequences: Pictures of lines, or spectra, `(height, length)` each.
        probabilities: `(steps, blank and labels)` for each; its steps share the length evenly.
        labels: The signs of the labels, which follow the blank.
        found: The text that was found in each.
        right: The text that is there; a text that is found is green, another red.

    Raises:
        InputError: The file has another ending, or cannot be written.
    """
    count = len(sequences)
    figure, axes = new_figure(_WIDTH, 2.6 * count + 0.6, 2 * count)
    for number, (shown, shares) in enumerate(zip(sequences, probabilities, strict=True)):
        above, below = axes[2 * number, 0], axes[2 * number + 1, 0]
        length, steps = shown.shape[1], len(shares)
        above.imshow(shown, cmap="gray", aspect="auto", extent=(0, length, 0, 1))
        colour = "darkgreen" if found[number] == right[number] else "darkred"
        title = f"{found[number] or 'nothing'} (true {right[number]})"
        above.set_title(wrapped_in(figure, title, 0.9 * _WIDTH, 10), fontsize=10, color=colour)
        above.set(xticks=[], yticks=[])
        places = (np.arange(steps) + 0.5) * length / steps
        below.plot(places, shares[:, 0], ":", color="grey", label="blank")
        for label, sign in enumerate(labels, 1):
            curve = shares[:, label]
            below.plot(places, curve, color=f"C{(label - 1) % 10}", label=f"label {sign}")
            for step in np.flatnonzero((curve > _SEEN) & (shares.argmax(1) == label)):
                below.text(places[step], curve[step], sign, fontsize=9, ha="center")
        below.set(xlim=(0, length), ylim=(0, 1.15), xticks=[], yticks=[0, 1])
        below.set_ylabel("probability", fontsize=8)
    axes[-1, 0].set_xlabel("along the sequence")
    if count:
        lines, names = axes[1, 0].get_legend_handles_labels()
        figure.legend(lines, names, loc="outside lower center", ncols=6, fontsize=8)
    write_figure(path, figure)
