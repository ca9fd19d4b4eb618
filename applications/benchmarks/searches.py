"""Beam search beside KerasHub's and beside a Python loop, over the same step function."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from functools import partial
from typing import Annotated

import keras
import numpy as np
import pandas as pd
from keras import ops, tree

import keras_classics as kc
from benchmarks.measuring import MEASURED, in_turns, say_left_out

START, END = 1, 2


def decode(
    *,
    batch: Annotated[int, "sentences decoded together"] = 64,
    beam: Annotated[int, "beams of a sentence"] = 5,
    length: Annotated[int, "steps of every search"] = 20,
    units: Annotated[int, "width of the decoder"] = 512,
    vocabulary: Annotated[int, "number of ids"] = 1000,
    positions: Annotated[int, "size of the memory of the decoder with attention"] = 49,
    repeats: Annotated[int, "turns; the fastest counts"] = 3,
) -> pd.DataFrame:
    """Beam search beside KerasHub's BeamSampler and a Python loop, over the same step function.

    "The bare step" only calls the compiled step as often as every search has to: what a search
    takes beyond it is its own. The end is made improbable, so that all searches make all steps.
    KerasHub's sampler reorders all it is given; its "memory apart" rows hand the encoder's memory
    past it by hand, which our search does by itself.
    """
    if keras.config.backend() != "tensorflow":
        raise kc.InputError(
            f"The backend is {keras.config.backend()}",
            "tensorflow, where all contenders are compiled alike",
            "Set KERAS_BACKEND=tensorflow.",
        )
    if hub_version() is None:
        say_left_out("KerasHub", "hub")
    tables = []
    for name, attention in (("GRU", None), ("GRU, attention", "additive")):
        decoder = kc.layers.RecurrentDecoder(
            vocabulary, units, cell="gru_reset_after", attention=attention
        )
        shape = (batch, positions, units) if attention else (batch, units)
        decoder.build((batch, length), shape)
        decoder.output_layer.bias.assign(np.where(np.arange(vocabulary) == END, -100.0, 0.0))
        encoded = keras.random.normal(shape, seed=0)
        contenders = {
            **our_searches(decoder, encoded, beam, length),
            **(hub_searches(decoder, encoded, beam, length) if hub_version() else {}),
            **loops(decoder, encoded, beam, length),
        }
        taken = pd.Series(in_turns(contenders, repeats)) * 1e3 / batch
        table = taken.rename_axis("beside").rename("peer").reset_index()
        tables.append(table.assign(model=name, ours=taken.iloc[0]))
    setting = f"batch {batch}, beam {beam}, length {length}, {units} units, {vocabulary} ids"
    return pd.concat(tables).assign(setting=setting, unit="ms").reindex(columns=MEASURED)


def our_searches(decoder, encoded, beam: int, length: int) -> dict[str, Callable]:
    """Ours as it comes, and without XLA."""
    settings = {"start": START, "end": END, "max_length": length, "width": beam}
    search = kc.decoding.CompiledSearch(decoder, **settings)
    without = kc.decoding.CompiledSearch(decoder, jit_compile=False, **settings)
    return {
        "kc.decoding": partial(search, encoded),
        "kc.decoding, no XLA": partial(without, encoded),
    }


def hub_version() -> str | None:
    """Which KerasHub is beside us."""
    try:
        return importlib.metadata.version("keras-hub")
    except importlib.metadata.PackageNotFoundError:
        return None


def hub_searches(decoder, encoded, beam: int, length: int) -> dict[str, Callable]:
    """KerasHub's sampler inside `tf.function`."""
    names = {"KerasHub": (False, False), "KerasHub, XLA": (True, False)}
    if decoder.attention:
        names["KerasHub, memory apart"] = (False, True)
        names["KerasHub, memory apart, XLA"] = (True, True)
    import keras_hub
    import tensorflow as tf

    sampler = keras_hub.samplers.BeamSampler(num_beams=beam)

    def search(encoded, apart):
        cache = dict(decoder.initial_state(encoded))
        memory = {}
        if apart:
            tile = partial(ops.repeat, repeats=beam, axis=0)
            memory = {"memory": tree.map_structure(tile, cache.pop("memory"))}

        def following(prompt, cache, index):
            logits, state = decoder.step(prompt[:, index - 1], {**cache, **memory})
            return logits, None, {key: state[key] for key in cache}

        prompt = ops.full((encoded.shape[0], length + 1), START, "int32")
        return sampler(following, prompt, cache=cache, index=1)

    return {
        name: partial(
            tf.function(partial(search, apart=apart), autograph=False, jit_compile=xla), encoded
        )
        for name, (xla, apart) in names.items()
    }


def loops(decoder, encoded, beam: int, length: int) -> dict[str, Callable]:
    """The step alone, and the beam search one writes by hand, sentence by sentence."""
    import tensorflow as tf

    step = tf.function(decoder.step, autograph=False)
    xla = tf.function(decoder.step, autograph=False, jit_compile=True)
    state = decoder.initial_state(encoded)
    tiled = tree.map_structure(partial(ops.repeat, repeats=beam, axis=0), state)
    tokens = ops.full((encoded.shape[0] * beam,), START, "int32")

    def by_hand(step):
        rows = (
            tree.map_structure(partial(tf.gather, indices=[row] * beam), state)
            for row in range(encoded.shape[0])
        )
        return [search_by_hand(step, tiled, length) for tiled in rows]

    return {
        "the bare step": lambda: [step(tokens, tiled)[0].numpy() for _ in range(length)],
        "the bare step, XLA": lambda: [xla(tokens, tiled)[0].numpy() for _ in range(length)],
        "Python loop, compiled step": partial(by_hand, step),
        "Python loop": partial(by_hand, decoder.step),
    }


def search_by_hand(step, state, length: int) -> list[int]:
    """The beam search one writes by hand: the words of one sentence.

    Args:
        step: `(tokens, state) -> (logits, state)`.
        state: First state of the sentence, once for each beam.
        length: Words of the sentence.
    """
    import tensorflow as tf

    beam = tree.flatten(state)[0].shape[0]
    totals = np.where(np.arange(beam) == 0, 0.0, -np.inf)
    sentences, tokens = [[]] * beam, np.full(beam, START, "int32")
    for _ in range(length):
        logits, state = step(tokens, state)
        logits = logits.numpy()
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        candidates = (totals[:, None] + log_p).ravel()
        best = np.argpartition(-candidates, beam)[:beam]
        totals = candidates[best]
        parents, tokens = np.divmod(best.astype("int32"), logits.shape[1])
        sentences = [
            [*sentences[parent], token] for parent, token in zip(parents, tokens, strict=True)
        ]
        state = tree.map_structure(partial(tf.gather, indices=parents), state)
    return sentences[int(np.argmax(totals))]
