"""Signs, eight bits and other forms of networks beside real numbers in TensorFlow."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
import pandas as pd

import keras_classics as kc
from benchmarks.measuring import MEASURED, in_turns, limit_threads, say_left_out


def binary(
    *,
    channels: Annotated[int, "channels of input and output"] = 256,
    size: Annotated[int, "height and width of the maps"] = 14,
    calls: Annotated[int, "convolutions of a turn"] = 100,
    repeats: Annotated[int, "turns; the fastest counts"] = 5,
) -> pd.DataFrame:
    """Milliseconds of a 3 x 3 XNOR convolution beside real numbers and eight bits, one thread.

    The kernel is packed beforehand; "packing" counts the packing of the input and the scaling of
    the output too, as the layer's. Eight bits are those of onnxruntime. What is not installed (pip
    install 'keras-classics[binary,onnx]') is left out.
    """
    import tensorflow as tf

    limit_threads(1)
    draw = np.random.default_rng(0)
    signs = draw.choice(np.float32([-1, 1]), (1, size, size, channels))
    layer = kc.layers.BinaryConv2D(channels, 3, input_scale=False, use_bias=False)
    layer.build(signs.shape)
    kernel = layer.binary_kernel()[0].numpy()
    scales = layer.binary_kernel()[1].numpy()
    pack, packed = kc.compression.pack_signs, kc.compression.pack_signs(signs)
    real = partial(tf.nn.conv2d, tf.constant(signs), tf.constant(kernel), 1, "SAME")

    contenders = {"tf.nn.conv2d": lambda: real().numpy()}
    for engine in ("numba", "numpy"):
        if importlib.util.find_spec(engine) is None:
            say_left_out(engine, "binary")
            continue
        contenders[engine] = partial(
            kc.compression.xnor_convolution, packed, pack(kernel, axis=-2), channels, padding=1,
            engine=engine,
        )  # fmt: skip
        contenders[f"{engine}, packing"] = partial(
            kc.compression.PackedLayer.of(layer, engine), signs
        )
    expected = contenders["tf.nn.conv2d"]()
    for name, contender in contenders.items():
        gain = scales if "packing" in name else 1
        if not np.array_equal(contender(), expected * gain):
            raise RuntimeError("The contenders do not agree.")
    if importlib.util.find_spec("onnxruntime") is not None:
        contenders["onnxruntime, int8"] = _eight_bits(signs, channels)

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


def _eight_bits(signs: np.ndarray, channels: int) -> Callable[[], object]:
    """The same convolution in onnxruntime's eight bits, and the mean of what it makes."""
    inputs = keras.Input(signs.shape[1:])
    maps = keras.layers.Conv2D(channels, 3, padding="same", use_bias=False)(inputs)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(maps))
    samples = np.random.default_rng(0).normal(size=(32, *signs.shape[1:])).astype("float32")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "int8.onnx")
        kc.export.quantize(model, path, samples, most_loss=1.0, batch_size=1)
        answer = kc.export.reopen(path, threads=1)
    (name,) = answer.inputs
    return partial(answer, {name: signs})


def packed(
    *,
    calls: Annotated[int, "pictures of a turn"] = 5,
    repeats: Annotated[int, "turns; the fastest counts"] = 8,
) -> pd.DataFrame:
    """Milliseconds of a picture in packed XNOR-AlexNet beside AlexNet in TensorFlow."""
    draw = np.random.default_rng(0)
    contenders = {}
    real = kc.models.AlexNet(weights=None)
    image = draw.normal(size=(1, *real.input_shape[1:])).astype("float32")
    contenders["AlexNet"] = partial(real.predict_on_batch, image)
    for scaled in (False, True):
        binary = kc.models.XNORAlexNet(weights=None, input_scale=scaled)
        model = kc.compression.pack(binary)
        other = draw.normal(size=(1, *binary.input_shape[1:])).astype("float32")
        name = "XNOR-AlexNet, packed" + (", inputs scaled" if scaled else "")
        contenders[name] = partial(model.predict, other)

    def often(contender):
        for _ in range(calls):
            contender()

    seconds = in_turns({name: partial(often, c) for name, c in contenders.items()}, repeats)
    rows = pd.DataFrame(
        {"model": list(seconds), "ours": 1e3 / calls * pd.Series([*seconds.values()])}
    )
    rows = rows.assign(beside="AlexNet in TensorFlow", peer=rows["ours"][0])
    rows = rows.assign(setting="one picture, all processors", unit="ms")
    return rows[1:].reindex(columns=MEASURED)


def forms(
    *,
    model: Annotated[str, "a name of keras-classics list"] = "resnet_50",
    turns: Annotated[int, "turns; the fastest counts"] = 5,
) -> pd.DataFrame:
    """Milliseconds of a picture in every form of a model beside `predict_on_batch`.

    Weights are random, so that the accuracy of eight bits says nothing, and any loss is admitted.
    """
    network = kc.create_model(model, weights=None)
    samples = np.random.default_rng(0).normal(size=(32, *network.input_shape[1:]))
    found = kc.export.fastest(
        network, 1, samples.astype("float32"), most_loss=1.0, turns=turns
    ).table.dropna(subset="milliseconds")
    whole = found.loc[found["form"] == "predict_on_batch", "milliseconds"].iloc[0]
    others = found[found["form"] != "predict_on_batch"]
    return pd.DataFrame(
        {
            "model": model,
            "setting": others["form"] + ", " + others["numbers"],
            "beside": "predict_on_batch",
            "ours": others["milliseconds"],
            "peer": whole,
            "unit": "ms",
        }
    ).reindex(columns=MEASURED)
