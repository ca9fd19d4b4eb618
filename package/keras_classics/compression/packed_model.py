"""A network in steps: packed layers, comparisons, and stretches of other layers between them."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
import pandas as pd
from keras import ops
from numpy.typing import ArrayLike

from keras_classics.compression.packed_layer import PackedLayer, Signs, Turns, pack_maps
from keras_classics.compression.windows import Windows
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.graphs.gradients import compiled_over
from keras_classics.core.processor import processors
from keras_classics.core.shapes import agree

# What the steps know of each other: arrays of numbers, or signs, by a number for each tensor.
Values = dict[int, Any]


class Step(Protocol):
    """One thing a packed model does."""

    def run(self, values: Values) -> None:
        """Add to the values what it makes of some of them."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """Layers that are not packed, as a model of their own.

    Attributes:
        model: From the tensors before them to those after.
        inputs: Numbers of the tensors before.
        outputs: Numbers of the tensors after.
    """

    model: keras.Model
    inputs: Sequence[int]
    outputs: Sequence[int]

    @functools.cached_property
    def _compiled(self) -> Any:
        return compiled_over(self.model, lambda *x: self.model(list(x), training=False))

    def run(self, values: Values) -> None:
        """Add what the layers give."""
        given = [ops.convert_to_tensor(values[number]) for number in self.inputs]
        found = keras.tree.flatten(self._compiled(*given))
        for number, value in zip(self.outputs, found, strict=True):
            values[number] = ops.convert_to_numpy(value)


@dataclass(frozen=True, eq=False)
class Normalize:
    """Maximum pooling and normalisation, without the time that a call of the backend takes.

    Attributes:
        gains: float32 `(channels,)`.
        shifts: float32 `(channels,)`, added after the gain.
        pooling: The windows whose largest value counts; None without.
        input: Number of the tensor before.
        output: Number of the tensor after.
    """

    gains: np.ndarray
    shifts: np.ndarray
    pooling: Windows | None
    input: int
    output: int

    def run(self, values: Values) -> None:
        """Add what it gives."""
        x = values[self.input]
        _check_channels(x.shape[-1], len(self.gains))
        if self.pooling is not None:
            x = self.pooling.over(*x.shape[1:3]).largest(x, self.pooling)
        values[self.output] = x * self.gains + self.shifts


@dataclass(frozen=True, eq=False)
class Compare:
    """Numbers become signs.

    Attributes:
        thresholds: float32 `(channels,)`: a bit from there on.
        turns: What becomes of the bits.
        engine: `"numpy"` or `"numba"`.
        input: Number of the tensor before.
        output: Number of the signs.
    """

    thresholds: np.ndarray
    turns: Turns
    engine: str
    input: int
    output: int

    def run(self, values: Values) -> None:
        """Add the signs."""
        x = np.ascontiguousarray(values[self.input], "float32")
        channels = len(self.thresholds)
        _check_channels(x.shape[-1], channels)
        maps = x if x.ndim == 4 else x.reshape(-1, 1, 1, channels)
        words = pack_maps(maps, self.thresholds, None, self.engine)
        values[self.output] = Signs(self.turns(words), channels)


@dataclass(frozen=True, eq=False)
class Multiply:
    """A packed layer.

    Attributes:
        layer: The layer.
        input: Number of the tensor or signs before.
        output: Number of what it gives: numbers, or signs where there is a rule for them.
        least: int64 `(filters,)`, the smallest product with a bit; None for numbers.
        turns: What becomes of the bits; None for numbers.
    """

    layer: PackedLayer
    input: int
    output: int
    least: np.ndarray | None = None
    turns: Turns | None = None

    def run(self, values: Values) -> None:
        """Add what it gives."""
        given = values[self.input]
        if isinstance(given, Signs):
            _check_channels(given.channels, self.layer.channels)
        if self.least is None or self.turns is None:
            values[self.output] = self.layer(given)
        else:
            values[self.output] = self.layer.signs(given, self.least, self.turns)


class PackedModel:
    """A network whose binary layers are packed: a bit for each of their weights.

    Made by `kc.compression.pack(model)`, kept by `save`, opened by `kc.compression.load_packed`.
    Call it, or its `predict`, with what the model takes. Layers that are not binary run on Keras's
    backend.

    Args:
        name: The model's.
        steps: What it does, in order.
        inputs: Name, shape without the batch and dtype of each input.
        outputs: Numbers of the tensors it returns; inputs are the first numbers of all.
        output_names: Where the model returns a dict, its keys.
        alone: Whether it returns one array rather than several.
        engine: `"numpy"` or `"numba"`.
    """

    def __init__(
        self,
        name: str,
        steps: Sequence[Step],
        inputs: Sequence[tuple[str, tuple[int | None, ...], str]],
        outputs: Sequence[int],
        output_names: Sequence[str] | None,
        alone: bool,
        engine: str,
    ) -> None:
        self.name = name
        self.steps = steps
        self.inputs = inputs
        self.outputs = outputs
        self.output_names = output_names
        self.alone = alone
        self.engine = engine

    @property
    def layers(self) -> list[PackedLayer]:
        """The packed layers, in order; each once, however often it is called."""
        called = (step.layer for step in self.steps if isinstance(step, Multiply))
        return list(dict.fromkeys(called))

    @checked
    def predict(self, x: Any, batch_size: int = 32, threads: int | None = None) -> Any:
        """The model's outputs, batch by batch.

        Args:
            x: What the model takes: an array, or a list or dict of arrays.
            batch_size: Rows at once.
            threads: Threads of the packed layers, with numba; by default as many as there are
                processors. Those of the other layers are the backend's.

        Returns:
            What the model returns, as NumPy arrays.

        Raises:
            InputError: The arrays are not what the model takes.
        """
        batch_size = check_whole("batch_size", batch_size)
        if threads is None:
            threads = processors()
        threads = check_whole("threads", threads)
        given = self._given(x)
        rows = len(given[0])
        if any(len(each) != rows for each in given):
            told = " and ".join(str(len(each)) for each in given)
            raise InputError(
                f"Inputs of {told} rows were given to {self.name!r}",
                "as many of each",
                "Give an array for each input, of the same examples.",
            )
        found = [
            self._run([each[first : first + batch_size] for each in given], threads)
            for first in range(0, max(rows, 1), batch_size)
        ]
        return self._returned([np.concatenate(each) for each in zip(*found, strict=True)])

    @checked
    def __call__(self, x: Any) -> Any:
        """The outputs for one batch, on one thread of the packed layers."""
        return self._returned(self._run(self._given(x), 1))

    @checked
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the packed model to a file, whole or not at all.

        Args:
            path: The file, ending in `.npz`.

        Raises:
            InputError: It cannot be written, or has another ending.
        """
        from keras_classics.compression.packed_files import write_packed

        write_packed(self, path)

    def sizes(self) -> pd.DataFrame:
        """Bytes of the weights of each packed layer, and of all others together.

        Thresholds stand for normalisations that are gone, and which the other columns leave out.

        Returns:
            A line each, with `"layer"`, `"weights"`, and bytes in `"float32"`, `"int8"` (scales and
            biases float32, as a runtime keeps them) and `"packed"`.
        """
        lines: list[tuple[str, int, int, int, int]] = []
        for layer in self.layers:
            weights = layer.kernel[:, :, 0].size * layer.channels
            packed = layer.kernel.nbytes
            lines.append((layer.layer.name, weights, 4 * weights, weights, packed))
        vectors = sum(layer.scales.size + layer.bias.size for layer in self.layers)
        models = [step.model for step in self.steps if isinstance(step, Stretch)]
        rest = sum(each.size for model in models for each in model.get_weights())
        rest += sum(2 * step.gains.size for step in self.steps if isinstance(step, Normalize))
        lines.append(("scales and biases", vectors, 4 * vectors, 4 * vectors, 4 * vectors))
        lines.append(("all other layers", rest, 4 * rest, rest, 4 * rest))
        compared = sum(_comparison_bytes(step) for step in self.steps)
        lines.append(("thresholds", 0, 0, 0, compared))
        return pd.DataFrame(lines, columns=["layer", "weights", "float32", "int8", "packed"])

    def _given(self, x: Any) -> list[np.ndarray]:
        """The arrays of the inputs, in order."""
        names = [name for name, _, _ in self.inputs]
        if isinstance(x, Mapping):
            arrays = [x[name] for name in names if name in x]
        else:
            arrays = list(x) if isinstance(x, (list, tuple)) and len(names) > 1 else [x]
        found = [_array(each) for each in arrays]
        fits = len(found) == len(names) and all(
            agree(each.shape, (None, *shape))
            for each, (_, shape, _) in zip(found, self.inputs, strict=True)
        )
        if not fits:
            shapes = ", ".join(str(each.shape) for each in found)
            wanted = ", ".join(
                f"{name} of shape {(None, *shape)}" for name, shape, _ in self.inputs
            )
            raise InputError(
                f"Arrays of shape {shapes} were given to {self.name!r}",
                wanted.replace("None", "any"),
                "Give what the model itself takes, in one more axis for the batch.",
            )
        if any(each.dtype.kind == "f" and np.isnan(each).any() for each in found):
            raise InputError(
                f"Numbers that are none (NaN) were given to {self.name!r}",
                "numbers: a sign has no bit for what is none",
                "Leave the examples out in which they are.",
            )
        return [
            each.astype(dtype, copy=False)
            for each, (_, _, dtype) in zip(found, self.inputs, strict=True)
        ]

    def _run(self, given: Sequence[np.ndarray], threads: int) -> list[np.ndarray]:
        if not len(given[0]):
            # Some engines have no answer to nothing.
            nothing = [np.zeros((1, *each.shape[1:]), each.dtype) for each in given]
            return [each[:0] for each in self._run(nothing, threads)]
        for layer in self.layers:
            layer.products.threads = threads
        values: Values = dict(enumerate(given))
        for step in self.steps:
            step.run(values)
        return [values[number] for number in self.outputs]

    def _returned(self, found: list[np.ndarray]) -> Any:
        if self.output_names is not None:
            return dict(zip(self.output_names, found, strict=True))
        return found[0] if self.alone else found


def _array(x: ArrayLike) -> np.ndarray:
    reason: ValueError | None = None
    array = np.empty(0, object)
    try:
        array = ops.convert_to_numpy(x) if ops.is_tensor(x) else np.asarray(x)
    except ValueError as error:
        # Rows of several lengths.
        reason = error
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"Something was given that is no array of numbers ({reason or array.dtype})",
            "what the model itself takes, of rows of one length",
            "Pass numpy.asarray(x, 'float32').",
        ) from reason
    return array


def _comparison_bytes(step: Step) -> int:
    if isinstance(step, Compare):
        return step.thresholds.nbytes + step.turns.before.nbytes + step.turns.after.nbytes
    if isinstance(step, Multiply) and step.least is not None and step.turns is not None:
        return step.least.nbytes + step.turns.before.nbytes + step.turns.after.nbytes
    return 0


def _check_channels(found: int, wanted: int) -> None:
    if found != wanted:
        raise InputError(
            f"Maps of {found} channels reached a packed layer",
            f"the {wanted} it was packed for",
            "Pack the model again, or fetch its file again.",
        )
