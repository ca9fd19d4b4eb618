"""Measure this package beside others, on this machine.

    python applications/benchmark.py decode

A verb is a function in `VERBS`: its keyword arguments are the flags, the notes on their types the
help, and what it returns the table that is printed and written to `OUT/VERB/`. What is compared
takes turns within one process: the times are this machine's, the ratios travel further.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import inspect
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_type_hints

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from keras import ops, tree  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

import keras_classics as kc  # noqa: E402

START, END = 1, 2

# A table that is piped away must not be cut to a terminal's width.
console = Console(width=None if sys.stdout.isatty() else 120)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns the exit code."""
    return kc.cli.guarded(run, argv)


def run(argv: Sequence[str] | None) -> None:
    """Parse the arguments, measure what the verb says, print and keep the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, verb in VERBS.items():
        flags = verbs.add_parser(name, help=verb.__doc__.splitlines()[0], description=verb.__doc__)
        flags.add_argument("--out", default="runs/benchmark", help="folder of the results")
        hints = get_type_hints(verb, include_extras=True)
        for flag, parameter in inspect.signature(verb).parameters.items():
            kind, note = hints[flag].__origin__, hints[flag].__metadata__[0]
            text = f"{note} (default: {parameter.default})"
            flags.add_argument(f"--{flag}", type=kind, default=parameter.default, help=text)
    settings = vars(parser.parse_args(argv))
    verb, out = settings.pop("verb"), Path(settings.pop("out"))

    record = kc.training.record_run(out / verb, settings)
    measured = VERBS[verb](**settings)
    shown = Table(title=f"{verb}: {record['machine']}", box=None)
    for column in measured:
        shown.add_column(column, justify="right" if measured[column].dtype == float else "left")
    for row in measured.itertuples(index=False):
        shown.add_row(*("" if pd.isna(value) else str(value) for value in row))
    console.print(shown)
    facts = {**settings, "machine": record["machine"], **record["versions"]}
    measured.assign(**facts).to_csv(out / verb / f"{verb}.csv", index=False)
    console.print(f"written: {out / verb / f'{verb}.csv'}")


def in_turns(contenders: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Seconds each contender takes at its fastest, after one call that does not count."""
    for contender in contenders.values():
        contender()
    best = dict.fromkeys(contenders, np.inf)
    for _ in range(repeats):
        for name, contender in contenders.items():
            began = time.perf_counter()
            contender()
            best[name] = min(best[name], time.perf_counter() - began)
    return best


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
            f"The backend is {keras.config.backend()}. Allowed: tensorflow, where all contenders "
            "are compiled alike. Set KERAS_BACKEND=tensorflow."
        )
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
            **hub_searches(decoder, encoded, beam, length),
            **loops(decoder, encoded, beam, length),
        }
        seconds = pd.Series(in_turns({k: v for k, v in contenders.items() if v}, repeats))
        table = pd.DataFrame({"decoder": name, "search": list(contenders)})
        taken = table["search"].map(seconds)
        table["ms per batch"] = (1e3 * taken).round(1)
        table["sentences/s"] = (batch / taken).round(1)
        table["time / ours"] = (taken / taken[0]).round(2)
        table["note"] = np.where(table["search"].str.startswith("KerasHub"), hub_version(), "")
        tables.append(table)
    return pd.concat(tables)


def our_searches(decoder, encoded, beam: int, length: int) -> dict[str, Callable]:
    """Ours as it comes, and without XLA."""
    settings = {"start": START, "end": END, "max_length": length, "width": beam}
    search = kc.decoding.CompiledSearch(decoder, **settings)
    without = kc.decoding.CompiledSearch(decoder, jit_compile=False, **settings)
    return {
        "kc.decoding": partial(search, encoded),
        "kc.decoding, no XLA": partial(without, encoded),
    }


def hub_version() -> str:
    """Which KerasHub is beside us, or how to get it."""
    try:
        return f"keras-hub {importlib.metadata.version('keras-hub')}"
    except importlib.metadata.PackageNotFoundError:
        return "not installed (pip install keras-hub)"


def hub_searches(decoder, encoded, beam: int, length: int) -> dict[str, Callable | None]:
    """KerasHub's sampler inside `tf.function`; None where it is not installed."""
    names = {"KerasHub": (False, False), "KerasHub, XLA": (True, False)}
    if decoder.attention:
        names["KerasHub, memory apart"] = (False, True)
        names["KerasHub, memory apart, XLA"] = (True, True)
    try:
        import keras_hub
    except ImportError:
        return dict.fromkeys(names)
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
        return [search_by_hand(step, row) for row in range(encoded.shape[0])]

    def search_by_hand(step, row):
        rows = tree.map_structure(partial(tf.gather, indices=[row] * beam), state)
        totals = np.where(np.arange(beam) == 0, 0.0, -np.inf)
        sentences, tokens = [[]] * beam, np.full(beam, START, "int32")
        for _ in range(length):
            logits, rows = step(tokens, rows)
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
            rows = tree.map_structure(partial(tf.gather, indices=parents), rows)
        return sentences[int(np.argmax(totals))]

    return {
        "the bare step": lambda: [step(tokens, tiled)[0].numpy() for _ in range(length)],
        "the bare step, XLA": lambda: [xla(tokens, tiled)[0].numpy() for _ in range(length)],
        "Python loop, compiled step": partial(by_hand, step),
        "Python loop": partial(by_hand, decoder.step),
    }


VERBS = {"decode": decode}

if __name__ == "__main__":
    raise SystemExit(main())
