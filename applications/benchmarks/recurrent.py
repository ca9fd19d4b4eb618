"""Recurrent layers: training them, grids, learning forward in time, and a shipped translator."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
import pandas as pd
from keras import layers, ops, tree

import keras_classics as kc
from benchmarks.measuring import CLOCKS, MEASURED, limit_threads, turns
from benchmarks.searches import search_by_hand


def recurrent(
    *,
    batch: Annotated[int, "sequences of a step"] = 64,
    time: Annotated[int, "steps of a sequence"] = 50,
    units: Annotated[int, "width of embedding and layer"] = 512,
    vocabulary: Annotated[int, "number of ids"] = 1000,
    threads: Annotated[int, "threads of an operation in either engine; 0: its own choice"] = 0,
    repeats: Annotated[int, "turns; the fastest counts"] = 5,
) -> pd.DataFrame:
    """Training with LSTM and GRU beside Keras's own layers and torch.nn, from equal weights.

    "layer" is the layer forwards and backwards, to the gradients of its weights and inputs;
    "training" a whole step: embedding, layer, logits, cross-entropy and Adam. Of masked sequences
    a fifth to all is real; torch.nn reads them packed.
    """
    check_tensorflow()
    import torch

    if threads:
        limit_threads(threads)
        torch.set_num_threads(threads)
    draw = np.random.default_rng(0)
    ids = draw.integers(1, vocabulary, (batch, time + 1)).astype("int32")
    lengths = draw.integers(max(1, time // 5), time + 1, batch)
    real = np.arange(time) < lengths[:, None]
    tables = []
    for kind in ("LSTM", "GRU"):
        for mask in (None, real):
            for part, contest in (("layer", layer_contest), ("training", training_contest)):
                contenders = contest(kind, ids, mask, units, vocabulary)
                model = f"{kind}{'' if mask is None else ', masked'}: {part}"
                tables.append(on_both_clocks(model, agreeing(contenders), repeats))
    setting = f"batch {batch}, time {time}, {units} units"
    setting += f", threads {threads}" if threads else ""
    return pd.concat(tables).assign(setting=setting).reindex(columns=MEASURED)


def on_both_clocks(model: str, contenders: dict[str, Callable], repeats: int) -> pd.DataFrame:
    """Milliseconds of the first contender beside each of the others.

    By the wall's clock, and by the processor's, which other programs disturb less.
    """
    taken, tables = turns(contenders, repeats) * 1e3, []
    for clock, note in CLOCKS.items():
        peers = taken[clock].iloc[1:].rename_axis("beside").rename("peer").reset_index()
        tables.append(peers.assign(model=model + note, ours=taken[clock].iloc[0]))
    return pd.concat(tables).assign(unit="ms")


def layer_contest(kind, ids, mask, units, vocabulary) -> dict[str, Callable[[], float]]:
    """A layer forwards and backwards: ours, Keras's and PyTorch's; each returns the same sum."""
    import tensorflow as tf
    import torch

    shape = (ids.shape[0], ids.shape[1] - 1, units)
    sequences = np.random.default_rng(1).normal(size=shape).astype("float32")
    real = np.ones(shape[:2], bool) if mask is None else mask
    ours, theirs = (
        getattr(room, kind)(units, return_sequences=True) for room in (kc.layers, layers)
    )
    for layer in (ours, theirs):
        layer.build(shape)
    theirs.set_weights(ours.get_weights())

    def differentiated(layer):
        variables = [weight.value for weight in layer.trainable_variables]

        @tf.function(autograph=False)
        def step(sequences):
            with tf.GradientTape() as tape:
                tape.watch(sequences)
                outputs = layer(sequences, mask=mask, training=True)
                total = tf.reduce_sum(outputs**2 * real.astype("float32")[:, :, None])
            return total, tape.gradient(total, [sequences, *variables])

        return lambda: float(step(given)[0])

    given = tf.constant(sequences)
    twin, leaf = torch_twin(ours), torch.tensor(sequences, requires_grad=True)

    def torch_step():
        twin.zero_grad()
        leaf.grad = None
        total = (read(twin, leaf, mask) ** 2 * torch.from_numpy(real)[:, :, None]).sum()
        total.backward()
        return total.item()

    return {
        "ours": differentiated(ours),
        f"keras.layers.{kind}": differentiated(theirs),
        f"torch.nn.{kind}": torch_step,
    }


def training_contest(kind, ids, mask, units, vocabulary) -> dict[str, Callable[[], float]]:
    """A step of training a language model: ours, Keras's and PyTorch's; each returns its loss."""
    import torch

    real = True if mask is None else mask
    sources, targets = ids[:, :-1] * real, ids[:, 1:] * real

    def model_with(layer):
        model = keras.Sequential(
            [
                layers.Embedding(vocabulary, units, mask_zero=mask is not None),
                layer(units, return_sequences=True),
                layers.Dense(vocabulary),
            ]
        )
        model.build(sources.shape)
        loss = keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        )
        model.compile("adam", loss)
        return model

    ours, theirs = (model_with(getattr(room, kind)) for room in (kc.layers, layers))
    theirs.set_weights(ours.get_weights())

    embedding, twin = torch.nn.Embedding(vocabulary, units), torch_twin(ours.layers[1])
    dense = torch.nn.Linear(units, vocabulary)
    with torch.no_grad():
        embedding.weight.copy_(torch.tensor(ours.layers[0].get_weights()[0]))
        kernel, bias = ours.layers[2].get_weights()
        dense.weight.copy_(torch.tensor(kernel.T))
        dense.bias.copy_(torch.tensor(bias))
    parts = torch.nn.ModuleList([embedding, twin, dense])
    optimizer = torch.optim.Adam(parts.parameters(), lr=1e-3, eps=1e-7)
    given = torch.tensor(sources), torch.tensor(targets, dtype=torch.long)

    def torch_step():
        optimizer.zero_grad()
        logits = dense(read(twin, embedding(given[0]), mask))
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), given[1].flatten(), ignore_index=0
        )
        loss.backward()
        optimizer.step()
        return loss.item()

    return {
        "ours": lambda: float(ours.train_on_batch(sources, targets)),
        f"keras.layers.{kind}": lambda: float(theirs.train_on_batch(sources, targets)),
        f"torch.nn.{kind}": torch_step,
    }


def torch_twin(layer):
    """PyTorch's layer with the weights of ours."""
    import torch

    kernel = layer.get_weights()[0]
    twin = getattr(torch.nn, type(layer).__name__)(len(kernel), layer.units, batch_first=True)
    state = kc.weights.torch_recurrent_state(layer)
    twin.load_state_dict({name: torch.from_numpy(values) for name, values in state.items()})
    return twin


def read(layer, sequences, mask):
    """Outputs of PyTorch's layer; masked sequences go in packed."""
    from torch import from_numpy
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    if mask is None:
        return layer(sequences)[0]
    lengths = from_numpy(mask.sum(axis=1))
    packed = pack_padded_sequence(sequences, lengths, batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(layer(packed)[0], batch_first=True, total_length=mask.shape[1])[0]


def agreeing(contenders: dict[str, Callable[[], float]]) -> dict[str, Callable[[], float]]:
    """The contenders, once it is seen that they compute the same number."""
    numbers = {name: contender() for name, contender in contenders.items()}
    if not np.allclose([*numbers.values()], numbers["ours"], rtol=1e-3):
        raise RuntimeError(f"The contenders do not agree: {numbers}.")
    return contenders


def multidimensional(
    *,
    batch: Annotated[int, "grids of a step"] = 8,
    side: Annotated[int, "rows and columns of a grid"] = 64,
    features: Annotated[int, "features of a cell"] = 16,
    units: Annotated[int, "width of the state"] = 32,
    repeats: Annotated[int, "turns; the fastest counts"] = 3,
) -> pd.DataFrame:
    """Milliseconds of a 2-D LSTM, forwards and backwards, beside loops over rows and columns.

    All multiply all inputs beforehand or do so on the way, without XLA. One loop over cells is one
    within another, compiled by TensorFlow; the other is Python's, whose operations run at once.
    """
    check_tensorflow()
    import tensorflow as tf

    layer = kc.layers.MultiDimensionalLSTM(units)
    shape = (batch, side, side, features)
    layer.build(shape)
    grids = tf.constant(np.random.default_rng(0).normal(size=shape).astype("float32"))
    variables = [weight.value for weight in layer.trainable_variables]

    def differentiated(function):
        with tf.GradientTape() as tape:
            tape.watch(grids)
            total = tf.reduce_sum(function(grids) ** 2)
        return total, tape.gradient(total, [grids, *variables])

    def compiled(function):
        step = tf.function(partial(differentiated, function), autograph=False)
        return lambda: float(step()[0])

    contest = {
        "ours": compiled(partial(layer, training=True)),
        "compiled loop over rows and columns": compiled(partial(double_loop, layer)),
        "Python loop over rows and columns": lambda: float(
            differentiated(partial(python_loop, layer))[0]
        ),
    }
    rows = on_both_clocks(f"2-D LSTM, {units} units", agreeing(contest), repeats)
    setting = f"{side} x {side}, batch {batch}"
    return rows.assign(setting=setting).reindex(columns=MEASURED)


def double_loop(layer, grids):
    """What a `MultiDimensionalLSTM` of one direction computes, cell by cell."""
    batch, _, columns, _ = grids.shape
    units = layer.units

    def cell(left, inputs):
        entering, above = inputs[:, : 5 * units], inputs[:, 5 * units :]
        above, left = (ops.split(states, 2, axis=-1) for states in (above, left))
        new = ops.concatenate(one_cell(layer, entering, above, left), axis=-1)
        return new, new

    def row(above, entering):
        start = ops.zeros_like(above[0])
        _, states = ops.scan(cell, start, ops.concatenate([entering, above], axis=-1))
        return states, states

    start = ops.zeros((columns, batch, 2 * units))
    _, states = ops.scan(row, start, entering_all_cells(layer, grids))
    return ops.transpose(states[..., :units], (2, 0, 1, 3))


def python_loop(layer, grids):
    """The same, in Python."""
    batch, _, columns, _ = grids.shape
    zeros = [ops.zeros((batch, layer.units))] * 2
    above, outputs = [zeros] * columns, []
    for entering in ops.unstack(entering_all_cells(layer, grids)):
        left, row = zeros, []
        for one, before in zip(ops.unstack(entering), above, strict=True):
            left = one_cell(layer, one, before, left)
            row.append(left)
        above = row
        outputs.append(ops.stack([states[0] for states in row], axis=1))
    return ops.stack(outputs, axis=1)


def entering_all_cells(layer, grids):
    """What the inputs give to the sums, `(rows, columns, batch, 5 * units)`."""
    batch, rows, columns, features = grids.shape
    flat = ops.reshape(ops.transpose(grids, (1, 2, 0, 3)), (-1, features))
    entering = ops.matmul(flat, layer.kernel[0]) + layer.bias[0]
    return ops.reshape(entering, (rows, columns, batch, -1))


def one_cell(layer, entering, above, left):
    """New states `(batch, units)` of a cell, from those of its neighbours."""
    neighbours = ops.concatenate([above[0], left[0]], axis=-1)
    sums = entering + ops.matmul(neighbours, layer.recurrent_kernel[0])
    return layer.step(sums, above[1:], left[1:])


def rtrl(
    *,
    cells: Annotated[str, "elman, gru or lstm, with commas"] = "elman,gru,lstm",
    widths: Annotated[str, "units of the cells, with commas; the last is the measure"] = "16,32,64",
    features: Annotated[int, "width of the input"] = 16,
    batch: Annotated[int, "sequences side by side"] = 1,
    steps: Annotated[int, "steps of a turn"] = 5,
    repeats: Annotated[int, "turns; the fastest counts"] = 3,
) -> pd.DataFrame:
    """The processor's milliseconds for a step of real-time recurrent learning beside its formula.

    A cell with K states of H units and P parameters carries an influence of K H times P numbers
    and multiplies it by the states' own derivatives, `(K H) ** 2 P` multiply-adds a sequence: of
    the fourth order in H. The formula is given the time of the last width; where a narrower cell
    takes longer than it says, the rest of the step counts.
    """
    draw, tables = np.random.default_rng(0), []
    inputs = draw.normal(size=(batch, features)).astype("float32")
    targets = draw.normal(size=(batch, 1)).astype("float32")
    counts = list(map(int, widths.split(",")))
    for name in cells.split(","):
        made = {width: kc.layers.recurrent_layer(name, width).cell for width in counts}
        trainers = {w: kc.training.ForwardTrainer(c, layers.Dense(1)) for w, c in made.items()}
        contenders = {w: partial(_learn, t, inputs, targets, steps) for w, t in trainers.items()}
        ours = turns(contenders, repeats)["processor"] * 1e3 / steps
        products = pd.Series(
            {w: batch * np.sum(c.state_size) ** 2 * c.count_params() for w, c in made.items()}
        )
        peer = products * ours.iloc[-1] / products.iloc[-1]
        model = [f"{name}, {width} units: {products[width]:,} multiply-adds" for width in counts]
        tables.append(pd.DataFrame({"model": model, "ours": [*ours], "peer": [*peer]}))
    setting = f"batch {batch}, {features} features"
    rows = pd.concat(tables).assign(setting=setting, beside="formula", unit="ms")
    return rows.reindex(columns=MEASURED)


def _learn(trainer, inputs, targets, steps: int) -> None:
    for _ in range(steps):
        trainer.step(inputs, targets)


def translate(
    *,
    batch: Annotated[int, "sentences translated together"] = 64,
    beam: Annotated[int, "beams of a sentence"] = 5,
    length: Annotated[int, "words of every translation"] = 20,
    units: Annotated[int, "width of encoder and decoder"] = 128,
    repeats: Annotated[int, "turns; the fastest counts"] = 3,
) -> pd.DataFrame:
    """Milliseconds a sentence of an exported translator beside a Python loop over its own step.

    Texts go in and come out of both. The exported one is a SavedModel, from the splitting of words
    to their joining; the loop searches sentence by sentence with the decoder's compiled step. The
    weights are random and the end is made improbable, so that all make all steps.
    """
    check_tensorflow()
    import tensorflow as tf

    languages = ("en", "fr")
    phrases = kc.data.load("phrases", train=10 * batch, languages=languages).train.texts
    source, target = (kc.data.make_vocabulary("token", phrases[each]) for each in languages)
    sentences = phrases["en"][:batch]
    model = kc.models.translator(
        len(source), len(target), units=units, bidirectional=True, attention="additive"
    )
    encoder, decoder = kc.models.split_translator(model)
    improbable = np.where(np.arange(len(target)) == target.END, -100.0, 0.0)
    decoder.output_layer.bias.assign(improbable)
    encode = tf.function(partial(encoder, training=False), autograph=False, reduce_retracing=True)
    step = tf.function(decoder.step, autograph=False, reduce_retracing=True)

    def by_hand():
        ids = keras.utils.pad_sequences([*map(source.encode, sentences)], padding="post")
        state = decoder.initial_state(encode(ids))
        found = [
            search_by_hand(
                step, tree.map_structure(partial(tf.gather, indices=[row] * beam), state), length
            )
            for row in range(batch)
        ]
        return [target.decode(words) for words in found]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "translator"
        limits = {"max_words": length, "width": beam, "n_best": 1}
        kc.export.export_translator(model, source, target, path, **limits)
        shipped, texts = kc.export.load_saved_model(path), tf.constant(sentences)
        contest = {
            "ours": lambda: shipped.serve(texts)["translations"].numpy(),
            "Python loop, compiled step": by_hand,
        }
        rows = on_both_clocks("SavedModel, attention", contest, repeats)
    rows[["ours", "peer"]] /= batch
    setting = f"batch {batch}, beam {beam}, length {length}, {units} units"
    return rows.assign(setting=setting, unit="ms a sentence").reindex(columns=MEASURED)


def check_tensorflow() -> None:
    """Refuse other backends.

    Raises:
        InputError: Keras runs on another.
    """
    if keras.config.backend() != "tensorflow":
        raise kc.InputError(
            f"The backend is {keras.config.backend()}",
            "tensorflow, for which these contenders are written",
            "Set KERAS_BACKEND=tensorflow.",
        )
