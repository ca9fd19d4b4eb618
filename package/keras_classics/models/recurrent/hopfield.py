"""Hopfield networks: what is stored is what they come to rest in.

| kind | states | stored in | source |
|---|---|---|---|
| `binary` | -1, +1 | weights between units | Hopfield 1982 |
| `continuous` | between | weights between units | Hopfield 1984 |
| `dense` | -1, +1 | a table of patterns | Krotov, Hopfield 2016 |
| `softmax` | real | a table of patterns | Ramsauer et al. 2020 |

Nothing is trained: the patterns are written into the weights.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.names import check_known
from keras_classics.core.types import Name, Tensor
from keras_classics.layers.memory.hopfield_memory import ContinuousMemory, HopfieldMemory
from keras_classics.layers.memory.pattern_memories import DenseMemory, PatternMemory, SoftmaxMemory
from keras_classics.layers.memory.settling import AssociativeMemory, check_patterns

MEMORIES: dict[str, type[AssociativeMemory]] = {
    "binary": HopfieldMemory,
    "continuous": ContinuousMemory,
    "dense": DenseMemory,
    "softmax": SoftmaxMemory,
}


@checked
def hopfield(
    patterns: np.ndarray | Sequence,
    kind: str = "binary",
    *,
    name: Name = "hopfield",
    **memory: Any,
) -> keras.Model:
    """Build a network that remembers patterns.

    Input and output are states `(batch, units)`; what is not known of an input is 0, or -1 and +1
    at random. Every example runs until it rests, whatever else is in the batch.

    Args:
        patterns: `(patterns, units)`; -1 and +1, for `"softmax"` any numbers.
        kind: `"binary"`, `"continuous"`, `"dense"` or `"softmax"`; see the module.
        name: Name of the model.
        **memory: Of all kinds `steps`, for so many instead of until rest, and `max_steps`; of
            `"binary"` `rule`, `update` and `seed`; of `"continuous"` `rule`, `softness` and
            `time_step`; of `"dense"` `power` and `seed`; of `"softmax"` `beta` and `trainable`. See
            `kc.layers.HopfieldMemory`, `ContinuousMemory`, `DenseMemory` and `SoftmaxMemory`.

    Returns:
        A functional model; its layer `"memory"` has the weights, and `remember(patterns)` stores
        others.

    Raises:
        InputError: An argument is not admitted, or the patterns are of another kind.

    Example:
        ```python
        patterns = np.random.default_rng(0).choice([-1, 1], (5, 100))
        model = kc.models.hopfield(patterns)
        wrong = np.where(np.arange(100) < 10, -patterns, patterns)  # a tenth of each is turned
        (model.predict(wrong, verbose=0) == patterns).all()  # True
        ```
    """
    check_choice("kind", kind, tuple(MEMORIES))
    check_known(f"hopfield(kind={kind!r})", memory, sorted(_arguments(MEMORIES[kind])))
    rows = check_patterns(patterns)
    if issubclass(MEMORIES[kind], PatternMemory):
        memory["patterns"] = len(rows)
    layer = MEMORIES[kind](name="memory", **memory)
    state = keras.Input((rows.shape[1],), name="state")
    model = keras.Model(state, layer(state), name=name)
    layer.remember(rows)
    return model


@checked
def hopfield_energy(model: keras.Model, states: np.ndarray | Tensor) -> np.ndarray:
    """The energy of states.

    Units that change one after the other never raise it, nor do the continuous ones of 1984 in
    steps that are small beside the softness; all at once (`update="synchronous"`) may.

    Args:
        model: A model of `hopfield` or `annealed_network`, loaded from a file or not.
        states: `(batch, units)`.

    Returns:
        float32 `(batch,)`.

    Raises:
        InputError: It is another model, or the states are of other units.

    Example:
        ```python
        patterns = np.random.default_rng(0).choice([-1, 1], (5, 100))
        model = kc.models.hopfield(patterns)
        wrong = np.where(np.arange(100) < 10, -patterns, patterns)
        before, after = (kc.models.hopfield_energy(model, each) for each in (wrong, patterns))
        (after < before).all()  # True
        ```
    """
    layers = [layer for layer in model.layers if hasattr(layer, "energy")]
    if len(layers) != 1:
        raise InputError(
            f"The model {model.name!r} was given, {len(layers)} of whose layers have an energy",
            "a model of kc.models.hopfield or kc.models.annealed_network",
            "Call the method energy of the layer that is meant.",
        )
    units = model.input_shape[-1]
    if np.ndim(states) != 2 or np.shape(states)[1] != units:
        raise InputError(
            f"States of shape {np.shape(states)} were given",
            f"(batch, {units}), a row for each state",
            "Pass states[None] for a single one.",
        )
    return keras.ops.convert_to_numpy(layers[0].energy(keras.ops.convert_to_tensor(states)))


def _arguments(layer: type[AssociativeMemory]) -> set[str]:
    """What a kind of memory takes, but for what follows from the patterns."""
    kinds = layer.__mro__[: layer.__mro__.index(AssociativeMemory) + 1]
    named = {name for kind in kinds for name in inspect.signature(kind).parameters}
    return named - {"patterns", "kwargs"}
