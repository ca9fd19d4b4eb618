"""How much a Hopfield network remembers: recall by load, against the theory of 1985."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_positive, check_rate, check_whole
from keras_classics.core.types import Whole
from keras_classics.models.recurrent.hopfield import hopfield

LOADS = (0.05, 0.08, 0.10, 0.12, 0.138, 0.15, 0.18, 0.25, 0.50)


@dataclass(frozen=True)
class RecallAtLoad:
    """How well patterns are recalled where so many are stored.

    Attributes:
        load: Stored patterns over units.
        patterns: Stored patterns.
        overlap: Mean agreement of what is recalled with the pattern, 1 where all units are right,
            0 where half of them are.
        exact: Share of the patterns recalled without an error.
    """

    load: float
    patterns: int
    overlap: float
    exact: float


@checked
def recall_by_load(
    loads: Sequence[float] = LOADS,
    *,
    units: Whole = 300,
    flipped: float = 0.1,
    recalled: Whole = 20,
    repetitions: Whole = 3,
    seed: Whole = 0,
    kind: str = "binary",
    **memory: Any,
) -> list[RecallAtLoad]:
    """Store random patterns and recall some from copies with errors.

    Hebb's rule breaks down at a load of 0.138 (Amit, Gutfreund, Sompolinsky, "Storing infinite
    numbers of patterns in a spin-glass model of neural networks", Physical Review Letters 55,
    1985), the more sharply the more units there are; without any error it recalls about `1 / (2 ln
    units)`.

    Args:
        loads: Stored patterns over units, each above 0.
        units: Of the network.
        flipped: Share of the units that are wrong in a copy.
        recalled: How many of the patterns are recalled.
        repetitions: With other patterns.
        seed: Chooses patterns and errors.
        kind: As for `kc.models.hopfield`.
        **memory: Likewise, such as `rule="projection"`.

    Returns:
        A row for each load.

    Raises:
        InputError: An argument is not admitted.
    """
    units, recalled = check_whole("units", units), check_whole("recalled", recalled)
    seed, repetitions = check_whole("seed", seed, 0), check_whole("repetitions", repetitions)
    errors = round(check_rate("flipped", flipped) * units)
    rows = []
    for load in loads:
        count = max(1, round(check_positive("load", load) * units))
        rng = np.random.default_rng([seed, count])
        stored = rng.choice([-1.0, 1.0], (repetitions, count, units))
        model = hopfield(stored[0], kind, **memory)
        agreement: list[float] = []
        for patterns in stored:
            model.get_layer("memory").remember(patterns)
            asked = patterns[:recalled]
            places = rng.random(asked.shape).argsort(axis=1) < errors
            found = model.predict(np.where(places, -asked, asked), batch_size=recalled, verbose=0)
            agreement += (np.sign(found) * asked).mean(axis=1).tolist()
        overlaps = np.array(agreement)
        rows.append(RecallAtLoad(load, count, overlaps.mean(), np.mean(overlaps == 1)))
    return rows


@checked
def first_error_rate(load: float) -> float:
    """Share of a pattern's units that Hebb's rule flips in a first synchronous step.

    The other patterns are noise of variance `load`: `(1 - erf(sqrt(1 / (2 load)))) / 2`.

    Args:
        load: Stored patterns over units.

    Raises:
        InputError: The load is not positive.
    """
    return math.erfc(math.sqrt(1 / (2 * check_positive("load", load)))) / 2
