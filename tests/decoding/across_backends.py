"""Decoding with fixed weights, on whichever backend is set."""

from types import SimpleNamespace

import keras
import numpy as np
from keras import ops

from decoding.toys import (
    END,
    START,
    attentive,
    encodings,
    markov,
    reweigh,
    rows_of,
    tiny_decoder,
)
from keras_classics.decoding import (
    CompiledSearch,
    Ensemble,
    exhaustive,
    filter_logits,
    sample,
    score,
)
from keras_classics.layers import RecurrentDecoder

SETTINGS = {"start": START, "end": END, "max_length": 6, "banned": (0, 1)}


def steps_of(decoder):
    """What a search asks of a decoder, without what makes it faster."""
    return {"initial_state": decoder.initial_state, "step": decoder.step}


def results():
    """NumPy arrays by name; those starting with "same_" must be equal on all backends."""
    layer, encoded = tiny_decoder(), encodings()
    prefix = np.array([[3, 4], [5, 0], [0, 0], [7, 7]])
    found = {"backend": np.asarray(keras.config.backend())}

    def keep(name, result):
        for field, value in result._asdict().items():
            if value is not None:
                found[f"same_{name}_{field}"] = ops.convert_to_numpy(value)

    beams = {**SETTINGS, "width": 3, "n_best": 3}
    best = CompiledSearch(layer, alpha=1.0, coverage=0.3, **beams)(encoded)
    keep("beam", best)
    # Two ids and the end leave three sentences of at most two ids: one less than asked for.
    few = {**SETTINGS, "max_length": 2, "banned": (0, 1, *range(5, 12)), "width": 4, "n_best": 4}
    keep("prefixed", CompiledSearch(layer, stop="n", **few)(encoded, prefix))
    state = layer.initial_state(ops.convert_to_tensor(encoded))
    scores = score(layer.step, state, best.ids, start=START, end=END)
    found["same_scores"] = ops.convert_to_numpy(scores)
    step, state = attentive(3)
    settings = {"start": START, "end": END, "max_length": 2, "n_best": 4}
    keep("exhaustive", exhaustive(step, state, coverage=0.5, **settings))

    # Four rows of three beams and six steps feed more ids than there are: a table is made.
    decoder = RecurrentDecoder(12, 8, cell="gru_reset_after", attention="additive")
    decoder.build((None, None), encoded.shape)
    reweigh(decoder, seed=3)
    keep("with_a_table", CompiledSearch(decoder, **beams)(encoded))
    plain = CompiledSearch(SimpleNamespace(**steps_of(decoder)), **beams)
    keep("without_a_table", plain.decode(ops.convert_to_tensor(encoded)))

    logits = np.random.default_rng(0).normal(size=(5, 20)).astype("float32")
    logits[0] = np.round(logits[0])
    for number, filters in enumerate([(0.5, None, None), (2.0, 4, None), (1.0, 7, 0.6)]):
        filtered = ops.convert_to_numpy(filter_logits(logits, *filters))
        found[f"same_filter_{number}"] = np.where(np.isinf(filtered), -99.0, filtered)

    step = markov([[0.1, 0.2, 0.3, 0.4]] * 4)
    drawn = sample(step, rows_of(20_000), start=0, end=None, max_length=2, seed=4)
    found["shares_drawn"] = np.bincount(ops.convert_to_numpy(drawn.ids).ravel()) / 40_000

    greedy = CompiledSearch(layer, "greedy", **SETTINGS)
    keep("greedy", greedy(encoded))
    traced = layer.traced
    greedy(encodings(seed=1))
    reweigh(layer, seed=9)
    keep("greedy_with_new_weights", greedy(encoded))
    found["traced_again"] = np.asarray(layer.traced - traced)
    draw = CompiledSearch(layer, "sample", seed=keras.random.SeedGenerator(2), **SETTINGS)
    found["drawn"], found["drawn_next"] = (
        ops.convert_to_numpy(draw(encodings(50)).ids) for _ in range(2)
    )
    return found


def ensemble_results():
    """NumPy arrays by name of what two decoders write together, and the name of the backend."""
    encoded = [encodings(), encodings(seed=4)]
    found = {"backend": np.asarray(keras.config.backend())}
    for average in ("probabilities", "log_probabilities"):
        ensemble = Ensemble([tiny_decoder(seed=seed) for seed in (0, 1)], average=average)
        search = CompiledSearch(ensemble, coverage=0.3, width=3, n_best=3, **SETTINGS)
        for name, value in search(encoded)._asdict().items():
            found[f"{average} {name}"] = ops.convert_to_numpy(value)
    return found
