"""Thousands of convolutions in one layer beside the loop and the layers one writes by hand."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from typing import Annotated, Any

import keras
import numpy as np
import pandas as pd
from keras import ops

import keras_classics as kc
from benchmarks.measuring import MEASURED, turns

# Convolutions that a graph of single operations has.
UNROLLED = 100
BESIDE = "tf.while_loop,Conv2D layers,single operations"


def depth(
    *,
    depths: Annotated[str, "numbers of convolutions, with commas"] = "100,1000,10000",
    channels: Annotated[int, "channels of every convolution"] = 16,
    size: Annotated[int, "height and width of the maps"] = 14,
    batch: Annotated[int, "maps of a step"] = 32,
    steps: Annotated[int, "steps after the first; the fastest counts"] = 3,
    memory: Annotated[float, "megabytes for each map that layers keep; 0 for the least"] = 0.0,
    beside: Annotated[str, "of these, with commas"] = BESIDE,
) -> pd.DataFrame:
    """`StackedConv2D` beside what one writes by hand: a plain `tf.while_loop`, and single layers.

    Single layers only up to a depth of 100: they take minutes to start at 1,000. Single operations
    are what no way can do without: convolution and tanh forward, forward again where that memory
    does not keep them, and backward, a hundred of them in a graph, by the processor's time. Each is
    measured in a process of its own, so that the memory is its own.
    """
    if keras.config.backend() != "tensorflow":
        raise kc.InputError(
            f"The backend is {keras.config.backend()}",
            "tensorflow, whose loop is the peer",
            "Set KERAS_BACKEND=tensorflow.",
        )
    for other in beside.split(","):
        if other not in BESIDE.split(","):
            raise kc.InputError(
                f"--beside {other} was given", BESIDE.replace(",", ", "), "Choose from these."
            )
    rows, shape = [], (batch, size, size, channels)
    for count in map(int, depths.split(",")):
        ours = _apart(train_stack, "StackedConv2D", count, shape, steps, memory)
        for other in beside.split(","):
            if other == "single operations":
                peer = _apart(single_operations, count, shape, steps, memory)
            elif other != "Conv2D layers" or count <= 100:
                peer = _apart(train_stack, other, count, shape, steps)
            else:
                continue
            for quantity, found in peer.items():
                model = f"{count} convolutions: {quantity}"
                both = {"ours": ours[quantity], "peer": found, "unit": STACK_UNITS[quantity]}
                rows.append({"model": model, "beside": other, **both})
    setting = f"{size} x {size} x {channels}, batch {batch}"
    setting += f", {memory:g} MB a map" if memory else ""
    return pd.DataFrame(rows).assign(setting=setting).reindex(columns=MEASURED)


PROCESSOR = "step per layer, processor's time"
STACK_UNITS = {
    "build and first step": "s",
    "step per layer": "ms",
    PROCESSOR: "ms",
    "growth of the process": "MB",
    "operations of the graph": "nodes",
}


def _apart(function: Callable, *arguments) -> Any:
    """What a function returns in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def train_stack(
    kind: str, count: int, shape: tuple[int, ...], steps: int, memory: float = 0.0
) -> dict[str, float]:
    """The quantities of `STACK_UNITS` of one network, all with circular padding and tanh."""
    import tensorflow as tf

    maps = np.random.default_rng(0).normal(size=shape).astype("float32")
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    x = image = keras.Input(shape[1:])
    if kind == "Conv2D layers":
        for _ in range(count):
            x = kc.layers.CircularPadding2D()(x)
            start = kc.initializers.DeltaOrthogonal()
            x = keras.layers.Conv2D(shape[-1], 3, activation="tanh", kernel_initializer=start)(x)
    else:
        stack = kc.layers.StackedConv2D if kind == "StackedConv2D" else PlainLoop
        x = stack(count, memory=memory or None)(x)
    model = keras.Model(image, x)
    model.compile("sgd", "mse")
    model.train_on_batch(maps, maps)
    first = time.perf_counter() - began
    seconds = turns({kind: lambda: model.train_on_batch(maps, maps)}, steps).loc[kind]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024

    @tf.function(autograph=False)
    def gradients():
        with tf.GradientTape() as tape:
            outputs = model(maps)
        return tape.gradient(outputs, [weight.value for weight in model.trainable_weights])

    graph = gradients.get_concrete_function().graph.as_graph_def()
    nodes = len(graph.node) + sum(len(inner.node_def) for inner in graph.library.function)
    per_layer = 1e3 * seconds[["wall", "processor"]] / count
    measured = (first, *per_layer, grown, float(nodes))
    return dict(zip(STACK_UNITS, measured, strict=True))


def single_operations(
    count: int, shape: tuple[int, ...], steps: int, memory: float
) -> dict[str, float]:
    """Of `STACK_UNITS` the processor's time of a layer's operations alone."""
    import tensorflow as tf

    draw, channels = np.random.default_rng(0), shape[-1]
    maps = tf.constant(draw.normal(size=shape), tf.float32)
    kernels = draw.normal(size=(UNROLLED, 3, 3, channels, channels)) / (9 * channels) ** 0.5
    kernels = tf.constant(kernels, tf.float32)

    @tf.function(autograph=False)
    def forward():
        x = maps
        for kernel in tf.unstack(kernels):
            x = tf.tanh(tf.nn.conv2d(x, kernel, 1, "SAME"))
        return x

    @tf.function(autograph=False)
    def both():
        with tf.GradientTape() as tape:
            tape.watch([maps, kernels])
            x = forward()
        return tape.gradient(x, [maps, kernels])

    seconds = turns({"forward": forward, "both": both}, steps)["processor"]
    # Of a layer its padded input and its output.
    layer = 4e-6 * channels * ((shape[1] + 2) * (shape[2] + 2) + shape[1] * shape[2])
    again = 1 - min(1, memory / (layer * count))
    return {PROCESSOR: 1e3 * (seconds["both"] + again * seconds["forward"]) / UNROLLED}


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
