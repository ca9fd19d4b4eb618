"""How much memory the configuration of a model asks for, known before any of it is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from math import prod
from typing import Any

import keras
import numpy as np

from keras_classics.core.keras_internals import custom_objects_in_scope, outline

# Of an optimizer that does not show how many variables it has for each of the model's: as many as
# the one of Keras that has most.
_MOST_SLOTS = 5
# An LSTM carries two states from batch to batch, and others one; they are float32 or less.
_STATES_BYTES = 2 * 4
# Operations that return a list of tensors, as long as they say, and the longest that is made.
_LISTS, _LONGEST_LIST = (
    {"Unstack": "num", "Split": "indices_or_sections", "ArraySplit": "indices_or_sections"},
    4096,
)
# A metric counts pairs of classes, or has lists of thresholds, in Python and as variables.
_METRIC_BYTES = 64


def bytes_asked_for(config: Mapping[str, Any]) -> int:
    """The bytes of all variables of a model and of what it is compiled with.

    The model is built without values, in a thread of its own, so that nothing in this one, such as
    the numbers in names that Keras gives out, is different afterwards.

    Args:
        config: As in the `config.json` of a `.keras` file.

    Raises:
        ValueError: A layer makes a variable out of a value. Keras raises whatever else it wants.
    """
    custom_objects = custom_objects_in_scope()

    def in_thread() -> int:
        _check_lists(config)
        compiled = config.get("compile_config") or {}
        bare = {key: value for key, value in config.items() if key != "compile_config"}
        model = outline(_without_states(bare), custom_objects)
        return (
            sum(map(_bytes, model.variables))
            + _slots(compiled, custom_objects) * sum(map(_bytes, model.trainable_variables))
            + (_STATES_BYTES * sum(_outputs(model)) if _carries_states(bare) else 0)
            + sum(_of_metrics(compiled))
        )

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(in_thread).result()


def _check_lists(config: Any) -> None:
    """Refuse operations that make very many tensors, or as many as a size happens to be."""
    if isinstance(config, Mapping):
        kind, own = config.get("class_name"), config.get("config")
        if kind in _LISTS and isinstance(own, Mapping):
            count = own.get(_LISTS[kind])
            if not isinstance(count, list) and not (type(count) is int and count <= _LONGEST_LIST):
                raise ValueError(
                    f"its operation {kind} makes {count} tensors; it must say how many, up to "
                    f"{_LONGEST_LIST:,}"
                )
        config = list(config.values())
    if isinstance(config, list):
        for each in config:
            _check_lists(each)


def _bytes(variable: keras.Variable) -> int:
    # Of "bool" there is no number in the name.
    bits = re.search(r"\d+", str(variable.dtype))
    return prod(variable.shape) * (int(bits[0]) if bits else 8) // 8


def _slots(compiled: Mapping[str, Any], custom_objects: dict[str, Any]) -> int:
    """How many variables an optimizer makes for each that it trains."""
    if not compiled.get("optimizer"):
        return 0
    optimizer = keras.saving.deserialize_keras_object(
        compiled["optimizer"], custom_objects, safe_mode=True
    )
    try:
        optimizer.build([keras.Variable(np.zeros((1, 1), "float32"))])
    # One of a stranger, or one for variables of certain names.
    except Exception:
        return _MOST_SLOTS
    return sum(len(variable.shape) == 2 for variable in optimizer.variables)


def _carries_states(config: Any) -> bool:
    """Whether a recurrent layer of a model keeps its states from batch to batch."""
    if isinstance(config, Mapping):
        return config.get("stateful") is True or any(map(_carries_states, config.values()))
    return isinstance(config, list) and any(map(_carries_states, config))


def _without_states(config: Any) -> Any:
    """The configuration of a model whose layers keep no states, which are variables of values."""
    if isinstance(config, Mapping):
        return {
            key: False if key == "stateful" else _without_states(value)
            for key, value in config.items()
        }
    return list(map(_without_states, config)) if isinstance(config, list) else config


def _outputs(model: keras.Model) -> Iterator[int]:
    """Numbers in what each layer of a model returns, as far as they are known."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _outputs(layer)
        try:
            tensors = keras.tree.flatten(layer.output)
        except (AttributeError, ValueError):
            continue
        for tensor in tensors:
            yield prod(side for side in tensor.shape if side)


def _of_metrics(compiled: Any) -> Iterator[int]:
    """Bytes of what metrics count in."""
    if isinstance(compiled, Mapping):
        sizes = [compiled.get(name) for name in ("num_classes", "num_thresholds", "num_labels")]
        classes, thresholds, labels = (size if type(size) is int else 1 for size in sizes)
        if max(classes, thresholds, labels) > 1:
            yield _METRIC_BYTES * classes**2 * thresholds * labels
        compiled = list(compiled.values())
    if isinstance(compiled, list):
        for each in compiled:
            yield from _of_metrics(each)
