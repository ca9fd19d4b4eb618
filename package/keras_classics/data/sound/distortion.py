"""What training hears of recordings: by other voices, faster or slower, in noise, and in part.

Park et al., "SpecAugment: a simple data augmentation method for automatic speech recognition",
Interspeech 2019; Jaitly, Hinton, "Vocal tract length perturbation (VTLP) improves speech
recognition", ICML workshop on deep learning for audio, speech and language processing, 2013. All is
drawn from a generator, so that a batch is a pure function of its seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count, Index
from keras_classics.core.errors import InputError, check_axes, check_positive, check_rate
from keras_classics.data.sound.recordings import MIDDLE, RATE, SPREAD

# Runs of bands that are hidden, as in the paper's stronger policies.
_BAND_RUNS = 2
# Hertz at which the mel scale, even below, becomes logarithmic, and where the bands begin.
_MEL_BREAK, _LOWEST = 700.0, 20.0
# Decibels between the loudest noise and the softest, by which it differs between low and high
# bands, and from moment to moment.
_SOFTER, _COLOUR, _FLUTTER = 40.0, 5.0, 3.0


@checked
@dataclass(frozen=True)
class Distortion:
    """Changes of frames `(frames, bands)`, each time others: `distortion(frames, rng)`.

    What is hidden becomes the mean of its band, so that it is neither loud nor silent. Voices and
    noise are of frames as `keras_classics.data.sound.recordings.log_mel` makes them.

    Attributes:
        bands: Most neighbouring bands that are hidden at once, twice in each recording.
        frames: Most frames that are hidden at once.
        every: For so many frames, or the rest of them, one moment is hidden.
        stretch: Greatest share by which a recording becomes longer or shorter, its pitch the same.
        voice: Greatest share by which all frequencies are moved up or down, as of speakers with
            shorter or longer throats.
        noise: Decibels in a band of the loudest noise that is added, the softest has 40 less; None
            for none.

    Example:
        ```python
        distortion = kc.data.Distortion(bands=8, frames=10, stretch=0.1)
        frames = np.random.default_rng(0).normal(size=(100, 80)).astype("float32")
        heard = distortion(frames, np.random.default_rng(1))  # (90 to 110, 80)
        ```
    """

    bands: Index = 0
    frames: Index = 0
    every: Count = 50
    stretch: float = 0.0
    voice: float = 0.0
    noise: float | None = None

    def __post_init__(self) -> None:
        check_rate("stretch", self.stretch)
        check_rate("voice", self.voice)
        if self.noise is not None and not -200 <= self.noise <= 100:
            raise InputError(
                f"noise={self.noise} was given",
                "decibels from -200 to 100, or None",
                "Give -20 for a loud one.",
            )

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
        if self.voice:
            frames = revoiced(frames, 1 + rng.uniform(-self.voice, self.voice))
        if self.noise is not None:
            frames = self._in_noise(frames, rng)
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

    def _in_noise(self, frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Powers of the recording and of a noise, added in every band of every frame."""
        level = cast(float, self.noise) - rng.uniform(0, _SOFTER)
        colour = rng.uniform(-_COLOUR, _COLOUR) * np.linspace(-1, 1, frames.shape[1])
        noise = level + colour + rng.normal(0, _FLUTTER, frames.shape)
        # Of decibels, ten times the logarithm of base 10.
        loudness = 10 * np.log10(10 ** ((frames * SPREAD + MIDDLE) / 10) + 10 ** (noise / 10))
        return ((loudness - MIDDLE) / SPREAD).astype("float32")


@checked
def revoiced(frames: np.ndarray, factor: float) -> np.ndarray:
    """Frames of the same recording, said with a shorter or longer throat.

    Args:
        frames: `(frames, bands)`, the bands evenly spaced on the mel scale up to 4,000 Hz, as those
            of `keras_classics.data.sound.recordings.log_mel`.
        factor: What all frequencies are multiplied by: above 1 higher.

    Returns:
        float32 `(frames, bands)`; between the middles of two bands there is what lies on the
        straight line, beyond the last ones what they have.

    Raises:
        InputError: The factor is not positive, or frames have other axes.
    """
    check_axes("frames", frames, "(frames, bands)")
    factor, width = check_positive("factor", factor), frames.shape[1]
    first, last = np.log1p(np.array([_LOWEST, RATE / 2]) / _MEL_BREAK)
    middles = np.linspace(first, last, width + 2)[1:-1]
    places = (np.log1p(np.expm1(middles) / factor) - middles[0]) * (width + 1) / (last - first)
    return _between(frames.T, np.clip(places, 0, width - 1)).T


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
    return _between(frames, np.linspace(0, len(frames) - 1, max(1, round(factor * len(frames)))))


def _between(rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Rows at places that need not be whole, float32."""
    before = places.astype(int)
    after = np.minimum(before + 1, len(rows) - 1)
    share = (places - before)[:, None]
    return ((1 - share) * rows[before] + share * rows[after]).astype("float32")


def _run(rng: np.random.Generator, most: int, places: int) -> slice:
    """Neighbouring places: how many, and from where on, each as probable."""
    length = int(rng.integers(min(most, places) + 1))
    start = int(rng.integers(places - length + 1))
    return slice(start, start + length)
