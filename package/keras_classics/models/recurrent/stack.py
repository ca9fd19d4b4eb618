"""Recurrent layers on each other, with shortcuts, dropout and first states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras

from keras_classics.core.errors import check_rate
from keras_classics.core.types import Tensor
from keras_classics.layers.image.highway import HighwayMerge
from keras_classics.layers.recurrent.by_name import recurrent_layer, state_sizes
from keras_classics.layers.recurrent.initial_state import LearnedInitialState

SHORTCUTS = (None, "residual", "highway")


class Reading(NamedTuple):
    """What a stack makes of a sequence.

    Attributes:
        steps: The top's output at every step `(batch, time, width)`.
        last: Its output when all has been read `(batch, width)`: forwards at the last step,
            backwards at the first.
        states: Final states of all layers from the lowest up, both directions' side by side.
    """

    steps: Tensor
    last: Tensor
    states: list[Tensor]


class RecurrentStack:
    """The layers, to be applied to one sequence.

    Args:
        cell: See `recurrent_layer`.
        units: Width of each layer, in each direction.
        count: Number of layers.
        arguments: `level -> arguments` of that layer, the lowest being level 1.
        bidirectional: Read in both directions, in every layer.
        shortcut: None, `"residual"` or `"highway"`, around every layer but the lowest.
        dropout: Rate between layers.
        prefix: Begins the names of all layers.
    """

    def __init__(
        self,
        cell: str,
        units: int,
        count: int,
        arguments: Callable[[int], dict],
        *,
        bidirectional: bool = False,
        shortcut: str | None = None,
        dropout: float = 0.0,
        prefix: str = "",
    ):
        self.prefix = prefix
        self.shortcut = shortcut
        self.dropout = check_rate("dropout", dropout)
        self.directions = 1 + bidirectional
        self.layers, self.widths = [], []
        for level in range(1, count + 1):
            label = f"{prefix}recurrent_{level}"
            layer = recurrent_layer(cell, units, return_state=True, name=label, **arguments(level))
            self.widths.append(state_sizes(layer) * self.directions)
            if bidirectional:
                layer = keras.layers.Bidirectional(layer, name=label)
            self.layers.append(layer)

    @property
    def states(self) -> int:
        """Number of states of all layers."""
        return sum(map(len, self.widths))

    def learned_starts(self, sequence: Tensor) -> list[Tensor]:
        """First states that are weights of the model."""
        return [
            state
            for level, widths in enumerate(self.widths, 1)
            for state in LearnedInitialState(widths, name=f"{self.prefix}initial_state_{level}")(
                sequence
            )
        ]

    def starts_from(self, sources: Sequence[Tensor], *, as_they_fit: bool) -> list[Tensor]:
        """First states made of other tensors, one for each.

        Args:
            sources: Tensors `(batch, width)`.
            as_they_fit: Take those of the right width as they are; the others, or else all, pass
                through one tanh layer each.
        """
        widths = [width for layer in self.widths for width in layer]
        return [
            source
            if as_they_fit and source.shape[-1] == width
            else keras.layers.Dense(width, "tanh", name=f"{self.prefix}start_{number}")(source)
            for number, (source, width) in enumerate(zip(sources, widths, strict=True), 1)
        ]

    def __call__(
        self, sequence: Tensor, mask: Tensor | None = None, starts: Sequence[Tensor] | None = None
    ) -> Reading:
        """Read a sequence.

        Args:
            sequence: `(batch, time, features)`.
            mask: Bool `(batch, time)`, False at padding.
            starts: First states of all layers, from the lowest up; zeros by default.
        """
        reading, states = Reading(sequence, None, []), []
        remaining = list(starts or ())
        for level, (layer, widths) in enumerate(zip(self.layers, self.widths, strict=True), 1):
            own, remaining = remaining[: len(widths)], remaining[len(widths) :]
            below = reading.steps
            if level > 1 and self.dropout:
                label = f"{self.prefix}dropout_{level - 1}"
                below = keras.layers.Dropout(self.dropout, name=label)(below)
            # Given, because Keras passes no mask by itself to a layer that is also given states.
            steps, *ends = layer(below, initial_state=own or None, mask=mask)
            ends = self._joined(level, ends)
            made = Reading(steps, ends[0], ends)
            if level > 1 and self.shortcut:
                made = self._past(self.shortcut, level, reading, made)
            reading = made
            states += ends
        return reading._replace(states=states)

    def _joined(self, level: int, ends: list[Tensor]) -> list[Tensor]:
        """Both directions' states of one kind, as one."""
        if self.directions == 1:
            return ends
        half = len(ends) // 2
        return [
            keras.layers.Concatenate(name=f"{self.prefix}ends_{level}_{number}")(pair)
            for number, pair in enumerate(zip(ends[:half], ends[half:], strict=True), 1)
        ]

    def _past(self, kind: str, level: int, below: Reading, made: Reading) -> Reading:
        """The shortcut around a layer; one layer for all steps, hence for what came last too."""
        merge = shortcut_layer(kind, f"{self.prefix}{kind}_{level}")
        steps, last = merge([below.steps, made.steps]), merge([below.last, made.last])
        return Reading(steps, last, made.states)


def shortcut_layer(kind: str, name: str) -> keras.layers.Layer:
    """What merges `[what came in, what was made of it]`: `"residual"` or `"highway"`."""
    return (keras.layers.Add if kind == "residual" else HighwayMerge)(name=name)
