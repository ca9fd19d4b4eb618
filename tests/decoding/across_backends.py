"""Decoding with fixed weights on whichever backend is set; run as a script it saves the results.

Names starting with "same_" must be equal everywhere.
"""

import sys

import keras
import numpy as np
from decoding.toys import (
    END,
    START,
    attentive,
    encodings,
    markov,
    random_trees,
    reweigh,
    rows_of,
    tiny_decoder,
)
from keras import ops

from keras_classics.decoding import (
    CompiledSearch,
    beam_search,
    exhaustive,
    filter_logits,
    greedy,
    sample,
    score,
)

SETTINGS = {"start": START, "end": END, "max_length": 6, "banned": (0, 1)}


def results():
    """All results as NumPy arrays by name."""
    layer, encoded = tiny_decoder(), encodings()
    prefix = np.array([[3, 4], [5, 0], [0, 0], [7, 7]])
    found = {"backend": keras.config.backend()}
    for stop in ("exact", "first", "n"):
        search = CompiledSearch(
            layer, width=3, n_best=3, alpha=1.0, coverage=0.3, stop=stop, **SETTINGS
        )
        keep(found, f"beam_{stop}", search(encoded))
        keep(found, f"prefixed_{stop}", search(encoded, prefix))
    keep(found, "greedy", CompiledSearch(layer, "greedy", **SETTINGS)(encoded))

    step, state = random_trees(10)
    wide = {**SETTINGS, "max_length": 5, "n_best": 5}
    best = beam_search(step, state, width=64, **wide)
    keep(found, "trees_beam", best)
    keep(found, "trees_exhaustive", exhaustive(step, state, **wide))
    found["same_score"] = score(step, state, best.ids, start=START, end=END)
    keep(found, "trees_greedy", greedy(step, state, **{**SETTINGS, "max_length": 5}))
    keep(found, "covered", exhaustive(*attentive(3), max_length=4, start=1, end=2, coverage=0.5))

    logits = np.random.default_rng(0).normal(size=(5, 20)).astype("float32")
    logits[0] = np.round(logits[0])
    for number, filters in enumerate([(0.5, None, None), (2.0, 4, None), (1.0, 7, 0.6)]):
        filtered = ops.convert_to_numpy(filter_logits(logits, *filters))
        found[f"same_filter_{number}"] = np.where(np.isinf(filtered), -99.0, filtered)

    step = markov([[0.1, 0.2, 0.3, 0.4]] * 4)
    drawn = sample(step, rows_of(20_000), start=0, end=None, max_length=2, seed=4)
    found["shares_drawn"] = np.bincount(ops.convert_to_numpy(drawn.ids).ravel()) / 40_000

    found.update(recompilation())
    return {name: ops.convert_to_numpy(value) if ops.is_tensor(value) else np.asarray(value)
            for name, value in found.items()}  # fmt: skip


def keep(found, name, result):
    """Record a NamedTuple's fields; attention and everything else must be the same everywhere."""
    for field, value in result._asdict().items():
        if value is not None:
            found[f"same_{name}_{field}"] = ops.convert_to_numpy(value)


def recompilation():
    """Whether compiled decoding is traced again, or remembers old weights or old draws."""
    layer, encoded = tiny_decoder(), encodings()
    search = CompiledSearch(layer, width=3, **SETTINGS)
    search(encoded)
    traces = layer.traced
    search(encodings(seed=1))
    reweigh(layer, seed=9)
    renewed = search(encoded)
    later = layer.traced - traces
    expected = search.decode(encoded)
    drawing = CompiledSearch(layer, "sample", seed=keras.random.SeedGenerator(2), **SETTINGS)
    draws = [ops.convert_to_numpy(drawing(encodings(50)).ids) for _ in range(2)]
    stale = np.any(ops.convert_to_numpy(renewed.ids) != ops.convert_to_numpy(expected.ids))
    return {
        "traces_of_the_first_call": traces,
        "traces_of_later_calls": later,
        "stale_after_new_weights": int(stale),
        "seed_generator_stood_still": int(np.all(draws[0] == draws[1])),
    }


if __name__ == "__main__":
    np.savez(sys.argv[1], **results())
