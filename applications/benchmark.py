"""Measure this package beside others, on this machine.

    python applications/benchmark.py build          # making models
    python applications/benchmark.py train          # a step of training
    python applications/benchmark.py inference      # a batch of predictions
    python applications/benchmark.py fold           # the same, normalisation folded away
    python applications/benchmark.py decode         # beam search
    python applications/benchmark.py binary         # convolution by XNOR and bit counts
    python applications/benchmark.py depth          # thousands of convolutions in one layer
    python applications/benchmark.py table          # all that was measured, for the README

A verb is a function in `VERBS`: its keyword arguments are the flags, the notes on their types the
help, and what it returns the rows that are printed and entered into the file `--out`, in place of
older rows of the same measurement. What is compared takes turns within one process and the
fastest turn counts: the times are this machine's, the ratios (ours / theirs) travel further.
"""

from __future__ import annotations

import argparse
import datetime
import gc
import importlib.metadata
import importlib.util
import inspect
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
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

STORED = Path(__file__).with_suffix(".csv")
# What a row is of; a later row of the same takes its place.
KEYS = ["benchmark", "model", "setting", "beside"]
# What a verb returns; the ratio and the facts of the machine come to it.
MEASURED = ["model", "setting", "beside", "ours", "peer", "unit"]
# The peer of a model nobody else has.
ALONE = "alone"
MARKS = "<!-- benchmark -->", "<!-- end of benchmark -->"

# Of these keras.applications has other forms: built beside ours, but not the same function.
BUILT_ALONGSIDE = {
    "resnet_50_v2": "ResNet50V2",
    "resnet_101_v2": "ResNet101V2",
    "resnet_152_v2": "ResNet152V2",
}
TIMED = "vgg_d,resnet_50,densenet_121,inception_resnet_v2_released"

# A table that is piped away must not be cut to a terminal's width.
console = Console(width=None if sys.stdout.isatty() else 120)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns the exit code."""
    return kc.cli.guarded(run, argv)


def run(argv: Sequence[str] | None) -> None:
    """Parse the arguments and do what the verb says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, verb in VERBS.items():
        flags = verbs.add_parser(name, help=verb.__doc__.splitlines()[0], description=verb.__doc__)
        flags.add_argument(
            "--out", type=Path, default=Path("runs/benchmark.csv"), help="file of the results"
        )
        hints = get_type_hints(verb, include_extras=True)
        for flag, parameter in inspect.signature(verb).parameters.items():
            kind, note = hints[flag].__origin__, hints[flag].__metadata__[0]
            text = f"{note} (default: {parameter.default})"
            flags.add_argument(f"--{flag}", type=kind, default=parameter.default, help=text)
    shown = verbs.add_parser("table", help="tables of the README, from a file of results")
    shown.add_argument("results", nargs="?", type=Path, default=STORED, help="file of the results")
    shown.add_argument("--insert", type=Path, help=f"write them into this file, after {MARKS[0]}")
    settings = vars(parser.parse_args(argv))
    verb = settings.pop("verb")
    if verb == "table":
        print_tables(**settings)
    else:
        measure(verb, **settings)


def measure(verb: str, out: Path, **settings) -> None:
    """Measure, print, and enter the rows into the file."""
    earlier = [read_results(out)] if out.exists() else []
    facts = kc.training.describe_run(settings)
    rows = VERBS[verb](**settings)
    rows.insert(0, "benchmark", verb)
    rows["ratio"] = rows["ours"] / rows["peer"]
    table = Table(title=f"{verb}: {facts['machine']}", box=None)
    for column in rows:
        table.add_column(column, justify="right" if rows[column].dtype == float else "left")
    for row in rows.itertuples(index=False):
        table.add_row(*(figure(value) if isinstance(value, float) else value for value in row))
    console.print(table)

    rows["date"] = datetime.date.today().isoformat()
    rows["commit"] = facts["commit"]
    rows["machine"] = facts["machine"]
    rows["versions"] = ", ".join(f"{name} {found}" for name, found in facts["versions"].items())
    out.parent.mkdir(parents=True, exist_ok=True)
    together = pd.concat([*earlier, rows]).drop_duplicates(KEYS, keep="last")
    together.to_csv(out, index=False, float_format="%.4g")
    console.print(f"written: {out}")


def read_results(path: Path) -> pd.DataFrame:
    """The rows of a file of results.

    Raises:
        InputError: It is another kind of file.
    """
    try:
        rows = pd.read_csv(path)
    except ValueError:
        rows = pd.DataFrame()
    if not {*KEYS, *MEASURED, "ratio"} <= set(rows):
        raise kc.InputError(
            f"{path} was given. Allowed: a file of results of this benchmark. "
            "Measure into another file with --out."
        )
    return rows


def print_tables(results: Path, insert: Path | None) -> None:
    """Print the README's tables, or write them between their marks in a file."""
    text = readme_tables(read_results(results))
    if insert is None:
        print(text)
        return
    before, mark, rest = insert.read_text("utf-8").partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not end:
        raise kc.InputError(
            f"{insert} was given. Allowed: a text that has {' and '.join(MARKS)}. "
            "Put them where the tables shall be."
        )
    insert.write_text(f"{before}{mark}\n{text}\n{end}{after}", "utf-8")
    print(insert)


def readme_tables(rows: pd.DataFrame) -> str:
    """What was measured, as Markdown: models beside their twins, searches, and where."""
    searches = rows["benchmark"] == "decode"
    twins = rows["benchmark"].isin(["build", "train", "inference", "fold"])
    alone = (rows["benchmark"] == "build") & (rows["beside"] == ALONE)
    parts = []
    if (models := rows[twins & ~alone]).size:
        order = models["benchmark"].map(list(VERBS).index)
        models = models.iloc[order.argsort(kind="stable")]
        models = models.assign(
            column=models["benchmark"] + ": " + models["setting"],
            cell=[f"{r.ratio:.2f} ({figure(r.ours)} {r.unit})" for r in models.itertuples()],
        )
        parts.append(markdown(models, ["model", "beside"]))
    if alone.any():
        slowest = rows.loc[rows[alone]["ours"].idxmax()]
        parts.append(
            f"Slowest to build of the models without a twin ({alone.sum()} measured): "
            f"{slowest['model']}, {figure(slowest['ours'])} s."
        )
    if (decoded := rows[searches]).size:
        decoded = decoded.assign(
            column=decoded["model"] + ": sentences/s (ours / theirs)",
            cell=[f"{figure(1e3 / r.peer)} ({r.ratio:.2f})" for r in decoded.itertuples()],
        )
        parts.append(f"Beam search, {decoded['setting'].iloc[0]}:")
        parts.append(markdown(decoded, ["beside"]))
    facts = (", then ".join(rows[fact].unique()) for fact in ("date", "machine", "versions"))
    return "\n\n".join([*parts, f"Measured: {'; '.join(facts)}."])


def figure(value: float) -> str:
    """Three digits of a number, or all before the point; nothing for what was not measured."""
    if np.isnan(value):
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def markdown(rows: pd.DataFrame, names: list[str]) -> str:
    """A table of the `cell`s, a line for each of `names`, a column for each `column`."""
    table = rows.set_index([*names, "column"])["cell"].unstack(sort=False, fill_value="")
    table = table.reset_index()
    aligned = ["---"] * len(names) + ["---:"] * (table.shape[1] - len(names))
    return "\n".join(f"| {' | '.join(row)} |" for row in (table, aligned, *table.to_numpy()))


def in_turns(contenders: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Seconds each contender takes at its fastest, after one call that does not count."""
    for contender in contenders.values():
        contender()
    best = dict.fromkeys(contenders, np.inf)
    for _ in range(repeats):
        for name, contender in contenders.items():
            gc.collect()
            began = time.perf_counter()
            contender()
            best[name] = min(best[name], time.perf_counter() - began)
    return best


def build(
    *,
    models: Annotated[str, "our names or patterns, with commas; '*' for the catalogue"] = ",".join(
        [*kc.weights.TWINS, *BUILT_ALONGSIDE, "resnet_1202_cifar"]
    ),
    repeats: Annotated[int, "turns; the fastest counts"] = 5,
) -> pd.DataFrame:
    """Seconds to make a model at its native size, beside keras.applications where that has it."""
    twins = kc.weights.TWINS | BUILT_ALONGSIDE
    rows = []
    for name in chosen(models, kc.list_models()):
        contenders, twin = {"ours": partial(kc.create_model, name)}, twins.get(name)
        if twin:
            contenders["peer"] = partial(getattr(keras.applications, twin), weights=None)
        seconds = in_turns(contenders, repeats if twin else 1)
        rows.append({"model": name, "beside": twin or ALONE, **seconds})
    return pd.DataFrame(rows).assign(setting="native size", unit="s").reindex(columns=MEASURED)


def train(
    *,
    models: Annotated[str, "our names or patterns, with commas"] = TIMED,
    size: Annotated[int, "height and width of the images"] = 224,
    batch: Annotated[int, "images of a step"] = 8,
    steps: Annotated[int, "turns; the fastest counts"] = 10,
) -> pd.DataFrame:
    """Milliseconds of a training step beside keras.applications, from equal weights."""

    def step(model, images):
        model.compile(keras.optimizers.SGD(1e-3), "sparse_categorical_crossentropy")
        return partial(model.train_on_batch, images, np.arange(batch) % model.output_shape[-1])

    return beside_twins(models, size, batch, steps, ours=step, theirs=step)


def inference(
    *,
    models: Annotated[str, "our names or patterns, with commas"] = TIMED,
    size: Annotated[int, "height and width of the images"] = 224,
    batch: Annotated[int, "images of a batch"] = 8,
    steps: Annotated[int, "turns; the fastest counts"] = 10,
) -> pd.DataFrame:
    """Milliseconds of a batch of predictions beside keras.applications, with equal weights."""
    return beside_twins(models, size, batch, steps, ours=prediction, theirs=prediction)


def fold(
    *,
    models: Annotated[str, "our names or patterns, with commas"] = TIMED,
    size: Annotated[int, "height and width of the images"] = 224,
    batch: Annotated[int, "images of a batch"] = 8,
    steps: Annotated[int, "turns; the fastest counts"] = 10,
) -> pd.DataFrame:
    """Milliseconds of a batch of predictions of `kc.export.fold(model)`, which computes the same.

    Beside the model of keras.applications, which has nothing of the kind.
    """

    def folded(model, images):
        return prediction(kc.export.fold(model), images)

    return beside_twins(models, size, batch, steps, ours=folded, theirs=prediction)


def prediction(model: keras.Model, images: np.ndarray) -> Callable[[], Any]:
    """What predicts one batch."""
    return partial(model.predict_on_batch, images)


def beside_twins(models, size, batch, steps, *, ours, theirs) -> pd.DataFrame:
    """Times of `ours(model, images)()` and `theirs(model, images)()`, with the same weights."""
    shape, rows = (size, size, 3), []
    images = np.random.default_rng(0).normal(size=(batch, *shape)).astype("float32")
    for name in chosen(models, kc.weights.TWINS):
        keras.utils.clear_session()
        twin = getattr(keras.applications, kc.weights.TWINS[name])(weights=None, input_shape=shape)
        # The ResNets of keras.applications have these two settings of their own.
        same = {"conv_bias": True, "norm_epsilon": 1.001e-5} if name.startswith("resnet") else {}
        model = kc.create_model(name, input_shape=shape, **same)
        kc.weights.load_keras_applications(model, twin)
        contenders = {"ours": ours(model, images), "peer": theirs(twin, images)}
        milliseconds = {key: 1e3 * best for key, best in in_turns(contenders, steps).items()}
        rows.append({"model": name, "beside": kc.weights.TWINS[name], **milliseconds})
    setting = f"{size} x {size}, batch {batch}"
    return pd.DataFrame(rows).assign(setting=setting, unit="ms").reindex(columns=MEASURED)


def depth(
    *,
    depths: Annotated[str, "numbers of convolutions, with commas"] = "100,1000,10000",
    channels: Annotated[int, "channels of every convolution"] = 16,
    size: Annotated[int, "height and width of the maps"] = 14,
    batch: Annotated[int, "maps of a step"] = 32,
    steps: Annotated[int, "steps after the first; the fastest counts"] = 3,
) -> pd.DataFrame:
    """`StackedConv2D` beside what one writes by hand: a plain `tf.while_loop`, and single layers.

    Single layers only up to a depth of 100: they take minutes to start at 1,000. Each is measured
    in a process of its own, so that the memory is its own.
    """
    if keras.config.backend() != "tensorflow":
        raise kc.InputError(
            f"The backend is {keras.config.backend()}. Allowed: tensorflow, whose loop is the "
            "peer. Set KERAS_BACKEND=tensorflow."
        )
    rows, shape = [], (batch, size, size, channels)
    for count in map(int, depths.split(",")):
        ours = _apart(train_stack, "StackedConv2D", count, shape, steps)
        for beside in ("tf.while_loop", *(["Conv2D layers"] if count <= 100 else [])):
            peer = _apart(train_stack, beside, count, shape, steps)
            for quantity, unit in STACK_UNITS.items():
                model = f"{count} convolutions: {quantity}"
                both = {"ours": ours[quantity], "peer": peer[quantity], "unit": unit}
                rows.append({"model": model, "beside": beside, **both})
    setting = f"{size} x {size} x {channels}, batch {batch}"
    return pd.DataFrame(rows).assign(setting=setting).reindex(columns=MEASURED)


STACK_UNITS = {
    "build and first step": "s",
    "step per layer": "ms",
    "growth of the process": "MB",
    "operations of the graph": "nodes",
}


def _apart(function: Callable, *arguments) -> Any:
    """What a function returns in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def train_stack(kind: str, count: int, shape: tuple[int, ...], steps: int) -> dict[str, float]:
    """The quantities of `STACK_UNITS` of one network, all with circular padding and tanh."""
    import tensorflow as tf

    maps = np.random.default_rng(0).normal(size=shape).astype("float32")
    memory, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    x = image = keras.Input(shape[1:])
    if kind == "Conv2D layers":
        for _ in range(count):
            x = kc.layers.CircularPadding2D()(x)
            start = kc.initializers.DeltaOrthogonal()
            x = keras.layers.Conv2D(shape[-1], 3, activation="tanh", kernel_initializer=start)(x)
    else:
        stack = kc.layers.StackedConv2D if kind == "StackedConv2D" else PlainLoop
        x = stack(count)(x)
    model = keras.Model(image, x)
    model.compile("sgd", "mse")
    model.train_on_batch(maps, maps)
    first, seconds = time.perf_counter() - began, []
    for _ in range(steps):
        began = time.perf_counter()
        model.train_on_batch(maps, maps)
        seconds.append(time.perf_counter() - began)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024

    @tf.function(autograph=False)
    def gradients():
        with tf.GradientTape() as tape:
            outputs = model(maps)
        return tape.gradient(outputs, [weight.value for weight in model.trainable_weights])

    graph = gradients.get_concrete_function().graph.as_graph_def()
    nodes = len(graph.node) + sum(len(inner.node_def) for inner in graph.library.function)
    measured = (first, 1e3 * min(seconds) / count, grown, float(nodes))
    return dict(zip(STACK_UNITS, measured, strict=True))


class PlainLoop(kc.layers.StackedConv2D):
    """The same network as one writes it: slices for the padding, TensorFlow's own gradients."""

    def call(self, inputs):
        """One `tf.while_loop` over all layers."""
        import tensorflow as tf

        rows = [
            tf.TensorArray(w.dtype, self.depth, clear_after_read=False).unstack(w)
            for w in (ops.convert_to_tensor(self.kernel), ops.convert_to_tensor(self.bias))
        ]

        def body(index, x):
            kernel, bias = (row.read(index) for row in rows)
            x = tf.concat([x[:, -1:], x, x[:, :1]], 1)
            x = tf.concat([x[:, :, -1:], x, x[:, :, :1]], 2)
            x = tf.tanh(tf.nn.conv2d(x, kernel, 1, "VALID") + bias)
            return index + 1, tf.ensure_shape(x, inputs.shape)

        _, x = tf.while_loop(lambda index, _: index < self.depth, body, (0, inputs))
        return x


def chosen(patterns: str, allowed: Collection[str]) -> Iterator[str]:
    """The allowed names that patterns, separated by commas, stand for."""
    for pattern in patterns.split(","):
        names = [name for name in kc.list_models(pattern) if name in allowed]
        if not names:
            raise kc.InputError(
                f"--models {pattern} was given. Allowed: {', '.join(allowed)}. "
                "Choose from these, or leave --models out."
            )
        yield from names


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
    if hub_version() is None:
        console.print("KerasHub is not installed, and left out: pip install keras-hub")
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


def binary(
    *,
    channels: Annotated[int, "channels of input and output"] = 256,
    size: Annotated[int, "height and width of the maps"] = 14,
    calls: Annotated[int, "convolutions of a turn"] = 100,
    repeats: Annotated[int, "turns; the fastest counts"] = 5,
) -> pd.DataFrame:
    """Milliseconds of a 3 x 3 XNOR convolution beside TensorFlow's of real numbers, one thread.

    The kernel is packed beforehand; "packing" counts the packing of the input too. Without numba
    (pip install 'keras-classics[binary]') only NumPy is measured.
    """
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
    except RuntimeError as error:
        raise kc.InputError(
            "TensorFlow already runs on several threads. Allowed: a process in which it has not "
            "started. Run the verb by itself."
        ) from error
    draw = np.random.default_rng(0)
    signs = draw.choice(np.float32([-1, 1]), (1, size, size, channels))
    kernel = draw.choice(np.float32([-1, 1]), (3, 3, channels, channels))
    pack, packed = kc.layers.pack_signs, kc.layers.pack_signs(signs)
    real = partial(tf.nn.conv2d, tf.constant(signs), tf.constant(kernel), 1, "SAME")

    contenders = {"tf.nn.conv2d": lambda: real().numpy()}
    for engine in ("numba", "numpy"):
        if importlib.util.find_spec(engine) is None:
            console.print(f"{engine} is not installed, and left out: pip install {engine}")
            continue
        convolve = partial(
            kc.layers.xnor_convolution,
            kernel=pack(kernel, axis=-2), channels=channels, padding=1, engine=engine,
        )  # fmt: skip
        contenders[engine] = partial(convolve, packed)
        contenders[f"{engine}, packing"] = lambda convolve=convolve: convolve(pack(signs))
    expected = contenders["tf.nn.conv2d"]()
    if not all(np.array_equal(contender(), expected) for contender in contenders.values()):
        raise RuntimeError("The contenders do not agree.")

    def often(contender):
        for _ in range(calls):
            contender()

    seconds = in_turns({name: partial(often, c) for name, c in contenders.items()}, repeats)
    rows = pd.DataFrame(
        {"model": list(seconds), "ours": 1e3 / calls * pd.Series([*seconds.values()])}
    )
    setting = f"3 x 3, {channels} channels, {size} x {size}, one thread"
    rows = rows.assign(beside="tf.nn.conv2d", peer=rows["ours"][0], setting=setting, unit="ms")
    return rows[1:].reindex(columns=MEASURED)


VERBS = {
    "build": build,
    "train": train,
    "inference": inference,
    "fold": fold,
    "decode": decode,
    "binary": binary,
    "depth": depth,
}

if __name__ == "__main__":
    raise SystemExit(main())
