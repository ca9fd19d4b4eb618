"""What training hears of recordings: faster or slower, with bands and moments hidden.

Park et al., "SpecAugment: a simple data augmentation method for automatic speech recognition",
Interspeech 2019. All is drawn from a generator, so that a batch is a pure function of its seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import (
    InputError,
    check_axes,
    check_positive,
    check_rate,
    check_whole,
)

# Runs of bands that are hidden, as in the paper's stronger policies.
_BAND_RUNS = 2


@checked
@dataclass(frozen=True)
class Distortion:
    """Changes of frames `(frames, bands)`, each time others: `distortion(frames, rng)`.

    What is hidden becomes the mean of its band, so that it is neither loud nor silent.

    Attributes:
        bands: Most neighbouring bands that are hidden at once, twice in each recording.
        frames: Most frames that are hidden at once.
        every: For so many frames, or the rest of them, one moment is hidden.
        stretch: Greatest share by which a recording becomes longer or shorter, its pitch the same.
    """

    bands: int = 0
    frames: int = 0
    every: int = 50
    stretch: float = 0.0

    def __post_init__(self) -> None:
        check_whole("bands", self.bands, 0)
        check_whole("frames", self.frames, 0)
        check_whole("every", self.every)
        check_rate("stretch", self.stretch)

    @checked
    def __call__(self, frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Other frames `(frames, bands)`, float32; those given stay as they are.

        Args:
            frames: float32 `(frames, bands)`, at least one.
            rng: Draws all.

        Raises:
            InputError: Frames have other axes.
        """
        check_axes("frames", frames, "(frames, bands)")
        if self.stretch:
            frames = stretched(frames, 1 + rng.uniform(-self.stretch, self.stretch))
        frames = frames.copy()
        count, width = frames.shape
        means = frames.mean(axis=0)
        for _ in range(_BAND_RUNS if self.bands else 0):
            run = _run(rng, self.bands, width)
            frames[:, run] = means[run]
        for _ in range(-(-count // self.every) if self.frames else 0):
            frames[_run(rng, self.frames, count)] = means
        return frames


@checked
def stretched(frames: np.ndarray, factor: float) -> np.ndarray:
    """Frames of the same recording, said more slowly or faster.

    Bands stay where they are, as when somebody takes more time for the same word, and not as when a
    tape runs slower.

    Args:
        frames: `(frames, bands)`, at least one.
        factor: How many times as long: above 1 slower.

    Returns:
        float32 `(round(factor * frames), bands)`, at least one frame; between two frames there are
        those on the straight line.

    Raises:
        InputError: The factor is not positive, or frames have other axes.
    """
    check_axes("frames", frames, "(frames, bands)")
    factor = check_positive("factor", factor)
    if not len(frames):
        raise InputError("No frame was given", "at least one", "Leave out empty recordings.")
    places = np.linspace(0, len(frames) - 1, max(1, round(factor * len(frames))))
    before = np.minimum(places.astype(int), len(frames) - 1)
    after = np.minimum(before + 1, len(frames) - 1)
    share = (places - before)[:, None]
    return ((1 - share) * frames[before] + share * frames[after]).astype("float32")


def _run(rng: np.random.Generator, most: int, places: int) -> slice:
    """Neighbouring places: how many, and from where on, each as probable."""
    length = int(rng.integers(min(most, places) + 1))
    start = int(rng.integers(places - length + 1))
    return slice(start, start + length)
