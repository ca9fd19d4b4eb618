"""Packed networks in files: arrays, and one text that says what they are for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_classics.compression.packed_layer import PackedLayer, Turns
from keras_classics.compression.packed_model import (
    Compare,
    Multiply,
    Normalize,
    PackedModel,
    Step,
    Stretch,
)
from keras_classics.compression.packed_signs import ENGINES, best_engine, word_count
from keras_classics.compression.windows import Windows
from keras_classics.core.arguments import checked
from keras_classics.core.boundary.array_files import read_arrays, storable
from keras_classics.core.boundary.files import reading, write_whole
from keras_classics.core.boundary.model_files import of_configuration
from keras_classics.core.boundary.text_files import parse_json
from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.keras_internals import layers_within
from keras_classics.layers.image.binary import BinaryConv2D, BinaryDense

Arrays = dict[str, np.ndarray]

ENDING = ".npz"
_PROGRAM = "program"
_OF_LAYERS = ("kernel", "scales", "bias")
# What a layer adds to each side, and the steps between the entries of its kernel, are some pixels:
# beyond that a file of some bytes could ask for any memory.
_MOST_PIXELS = 4096
_DTYPES = ("bfloat16", "bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64",
           "uint8", "uint16", "uint32", "uint64")  # fmt: skip
_ALLOWED = "a complete file of a packed network, made by PackedModel.save"
_REMEDY = "Fetch it again, or pack the model again: kc.compression.pack(model).save(path)."


@checked
def load_packed(path: str | os.PathLike[str], *, engine: str | None = None) -> PackedModel:
    """Open a packed network, whose file may come from a stranger.

    Args:
        path: The file, ending in `.npz`.
        engine: `"numba"` or `"numpy"`; by default numba where it is installed.

    Raises:
        InputError: The file is absent, damaged, hostile or of another kind, or the engine is
            unknown.
        ImportError: numba was asked for and is not installed.
    """
    engine = engine or best_engine()
    check_choice("engine", engine, ENGINES)
    _check_ending(path)
    arrays = read_arrays(path, _ALLOWED, _REMEDY)
    with reading(path, _ALLOWED, _REMEDY):
        return _read(arrays, engine)


def write_packed(model: PackedModel, path: str | os.PathLike[str]) -> None:
    """Write a packed network, whole or not at all.

    Raises:
        InputError: It cannot be written, has another ending, or a layer that no file may hold.
    """
    _check_ending(path)
    arrays: dict[str, Any] = {}
    steps = []
    first: dict[int, int] = {}
    for number, step in enumerate(model.steps):
        facts, own = _written(step)
        if isinstance(step, Multiply) and first.setdefault(id(step.layer), number) != number:
            # A layer that is called again stands in the file once.
            facts["like"] = first[id(step.layer)]
            own = {name: array for name, array in own.items() if name not in _OF_LAYERS}
        steps.append(facts)
        arrays |= {f"{number}.{name}": array for name, array in own.items()}
    program = {
        "name": model.name,
        "inputs": model.inputs,
        "outputs": model.outputs,
        "output_names": model.output_names,
        "alone": model.alone,
        "steps": steps,
    }
    # A text of NumPy's would take four bytes a letter.
    arrays[_PROGRAM] = np.frombuffer(json.dumps(program).encode(), "uint8")
    write_whole(path, lambda fresh: np.savez(fresh, **arrays))


def _check_ending(path: str | os.PathLike[str]) -> None:
    if Path(path).suffix != ENDING:
        raise InputError(
            f"The path {os.fspath(path)!r} was given for a packed network",
            f"a file ending in {ENDING}",
            "Change the ending.",
        )


def _written(step: Step) -> tuple[dict[str, Any], Arrays]:
    """What is written of a step: facts and arrays."""
    if isinstance(step, Stretch):
        for layer in layers_within(step.model):
            if isinstance(layer, keras.layers.Lambda):
                raise InputError(
                    f"{layer.name!r} is a Lambda, which no file of strangers may hold",
                    "layers of Keras, of this package, or registered ones",
                    "Write it as a layer, registered by keras.saving.register_keras_serializable.",
                )
        facts: dict[str, Any] = {
            "kind": "stretch",
            "config": keras.saving.serialize_keras_object(step.model),
            "inputs": list(step.inputs),
            "outputs": list(step.outputs),
        }
        weights = step.model.get_weights()
        return facts, {f"weight{place}": storable(each) for place, each in enumerate(weights)}
    if isinstance(step, Compare):
        facts = {"kind": "compare", "input": step.input, "output": step.output}
        turns, own = _turns_written(step.turns)
        return facts | turns, own | {"thresholds": step.thresholds}
    if isinstance(step, Normalize):
        facts = {"kind": "normalize", "input": step.input, "output": step.output}
        facts["pooling"] = _pooling_written(step.pooling)
        return facts, {"gains": step.gains, "shifts": step.shifts}
    if not isinstance(step, Multiply):
        raise TypeError(f"{type(step)} is no step that can be written")
    layer = step.layer
    facts = {
        "kind": "multiply",
        "config": keras.saving.serialize_keras_object(layer.layer),
        "channels": layer.channels,
        "input": step.input,
        "output": step.output,
        "signs": step.least is not None,
    }
    own = {"kernel": layer.kernel, "scales": layer.scales, "bias": layer.bias}
    if step.least is not None and step.turns is not None:
        turns, vectors = _turns_written(step.turns)
        facts |= turns
        own |= vectors | {"least": step.least}
    return facts, own


def _turns_written(turns: Turns) -> tuple[dict[str, Any], Arrays]:
    return {"pooling": _pooling_written(turns.pooling)}, {
        "before": turns.before,
        "after": turns.after,
    }


def _pooling_written(pooling: Windows | None) -> tuple | None:
    return None if pooling is None else astuple(pooling)


def _read(arrays: Arrays, engine: str) -> PackedModel:
    program = parse_json(arrays.pop(_PROGRAM).tobytes())
    size = sum(each.nbytes for each in arrays.values())
    for name, each in arrays.items():
        # A threshold that is none is reached by no number, and so meant.
        if not name.endswith(".thresholds") and each.dtype.kind == "f" and np.isnan(each).any():
            raise ValueError("numbers in it are none")
    # Of each tensor whether it is signs.
    known = dict.fromkeys(range(len(program["inputs"])), False)
    steps: list[Step] = []
    layers: dict[int, PackedLayer] = {}
    for number, facts in enumerate(program["steps"]):
        prefix = f"{number}."
        own = {
            name.removeprefix(prefix): array
            for name, array in arrays.items()
            if name.startswith(prefix)
        }
        readers: dict[str, Callable[..., tuple[list[int], list[int], Step]]] = {
            "stretch": _stretch,
            "normalize": _normalize,
            "compare": _compare,
            "multiply": partial(_multiply, like=layers[facts["like"]] if "like" in facts else None),
        }
        takes, gives, step = readers[facts["kind"]](facts, own, size, engine)
        if not set(takes) <= known.keys() or known.keys() & set(gives):
            raise ValueError("its steps do not follow each other")
        ruled = isinstance(step, Multiply) and step.least is not None
        _check_kinds(step, [known[each] for each in takes], ruled)
        known |= dict.fromkeys(gives, ruled or isinstance(step, Compare))
        if isinstance(step, Multiply):
            layers[number] = step.layer
        steps.append(step)
    if not program["outputs"] or any(known.get(each, True) for each in program["outputs"]):
        raise ValueError("it does not make its outputs")
    names = program["output_names"]
    if names is not None and (type(names) is not list or len(names) != len(program["outputs"])):
        raise ValueError("it names other outputs than it has")
    for _, _, dtype in program["inputs"]:
        if dtype not in _DTYPES:
            raise ValueError("an input in it is of an unknown type")
    return PackedModel(
        str(program["name"]),
        steps,
        [
            (str(name), tuple(None if side is None else int(side) for side in shape), str(dtype))
            for name, shape, dtype in program["inputs"]
        ],
        [int(number) for number in program["outputs"]],
        None if names is None else [str(name) for name in names],
        bool(program["alone"]),
        engine,
    )


def _check_kinds(step: Step, signs: Sequence[bool], ruled: bool) -> None:
    """Refuse signs where numbers are computed with, and the other way round."""
    if not isinstance(step, Multiply):
        fits = not any(signs)
    elif ruled:
        fits = all(signs)
    else:
        fits = not any(signs) or not step.layer.needs_reals
    if not fits:
        raise ValueError("a step in it takes what another does not give")


def _stretch(
    facts: Mapping[str, Any], own: Arrays, size: int, engine: str
) -> tuple[list[int], list[int], Step]:
    model = of_configuration(facts["config"], size)
    if not isinstance(model, keras.Model):
        raise ValueError("a configuration in it is of no model")
    model.set_weights([own[f"weight{place}"] for place in range(len(own))])
    inputs, outputs = list(facts["inputs"]), list(facts["outputs"])
    if (len(inputs), len(outputs)) != (len(model.inputs), len(model.outputs)):
        raise ValueError("a model in it has other tensors than it says")
    return inputs, outputs, Stretch(model, inputs, outputs)


def _normalize(
    facts: Mapping[str, Any], own: Arrays, size: int, engine: str
) -> tuple[list[int], list[int], Step]:
    gains, shifts = own["gains"], own["shifts"]
    if gains.shape != shifts.shape or gains.ndim != 1 or not gains.size:
        raise ValueError("a normalisation in it has no numbers for each channel")
    gains, shifts = (each.astype("float32", copy=False) for each in (gains, shifts))
    step = Normalize(gains, shifts, _pooling(facts), facts["input"], facts["output"])
    return [step.input], [step.output], step


def _compare(
    facts: Mapping[str, Any], own: Arrays, size: int, engine: str
) -> tuple[list[int], list[int], Step]:
    thresholds = own["thresholds"]
    if thresholds.ndim != 1 or thresholds.dtype != np.float32 or not thresholds.size:
        raise ValueError("thresholds in it are none")
    turns = _turns(facts, own, len(thresholds))
    step = Compare(thresholds, turns, engine, facts["input"], facts["output"])
    return [step.input], [step.output], step


def _multiply(
    facts: Mapping[str, Any], own: Arrays, size: int, engine: str, like: PackedLayer | None
) -> tuple[list[int], list[int], Step]:
    packed = _layer(facts, own, size, engine) if like is None else like
    least, turns = None, None
    if facts["signs"]:
        least, filters = own["least"], packed.products.filters
        most = packed.channels * packed.entries
        if least.shape != (filters,) or least.dtype != np.int64 or packed.needs_reals:
            raise ValueError("a layer in it has no thresholds of its products")
        if least.min() < -most or least.max() > most + 1:
            raise ValueError("thresholds in it are of no product")
        turns = _turns(facts, own, filters)
    step = Multiply(packed, facts["input"], facts["output"], least, turns)
    return [step.input], [step.output], step


def _layer(facts: Mapping[str, Any], own: Arrays, size: int, engine: str) -> PackedLayer:
    layer = of_configuration(facts["config"], size)
    if type(layer) not in (BinaryConv2D, BinaryDense):
        raise ValueError("a configuration in it is of no binary layer")
    if isinstance(layer, BinaryConv2D):
        windows = Windows(layer.kernel_size, layer.strides, layer.dilation_rate, layer.margins)
        _check_extent(windows)
    channels = facts["channels"]
    if type(channels) is not int or channels < 1:
        raise ValueError("a layer in it has no channels")
    scales, bias = (own[name].astype("float32", copy=False) for name in ("scales", "bias"))
    try:
        return PackedLayer(layer, own["kernel"], channels, scales, bias, engine)
    except InputError as error:
        # What would help whoever makes a layer is not what helps here.
        raise ValueError(
            f"the arrays of {layer.name!r} in it are not those of such a layer"
        ) from error


def _turns(facts: Mapping[str, Any], own: Arrays, channels: int) -> Turns:
    for name in ("before", "after"):
        if own[name].shape != (word_count(channels),) or own[name].dtype != np.uint64:
            raise ValueError("signs in it are turned that it does not have")
    return Turns(own["before"], own["after"], _pooling(facts))


def _pooling(facts: Mapping[str, Any]) -> Windows | None:
    if facts["pooling"] is None:
        return None
    size, strides, dilation, margins = facts["pooling"]
    pooling = Windows.of(size, strides, dilation, 0 if margins is None else margins)
    _check_extent(pooling)
    return replace(pooling, margins=None) if margins is None else pooling


def _check_extent(windows: Windows) -> None:
    sides = [*windows.size, *windows.dilation, *np.ravel(windows.margins or 0).tolist()]
    if max(sides) > _MOST_PIXELS:
        raise ValueError("windows in it reach further than any picture")
