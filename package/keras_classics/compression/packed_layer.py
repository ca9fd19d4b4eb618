"""A trained binary layer for inference: a bit for each weight."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TypeAlias

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_classics.compression.packed_signs import (
    ENGINES,
    PackedKernel,
    compiled_kernels,
    in_parts,
    pack_bits,
    pack_signs,
    unpack_signs,
    word_count,
)
from keras_classics.compression.windows import Layout, Windows
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.types import Tensor
from keras_classics.layers.image.binary import BinaryConv2D, BinaryDense

BinaryKind: TypeAlias = BinaryConv2D | BinaryDense

# Numbers that a thread of its own is worth while they are packed.
_NUMBERS_OF_A_THREAD = 2**20


@dataclass(frozen=True, eq=False)
class Signs:
    """Maps of signs, a bit each.

    Attributes:
        words: uint64 `(batch, height, width, words)`.
        channels: Signs in the words of one pixel.
    """

    words: np.ndarray
    channels: int


@dataclass(frozen=True, eq=False)
class Turns:
    """How what is compared with a number becomes signs, and is pooled on the way.

    The sign of a falling function is that of a rising one turned round, and the sign of a largest
    value is the OR of signs where what follows rises, the AND where it falls.

    Attributes:
        before: uint64 `(words,)`: channels that are turned round before pooling.
        after: The same, after pooling.
        pooling: The windows whose largest value counts; None without.
    """

    before: np.ndarray
    after: np.ndarray
    pooling: Windows | None = None

    def __call__(self, words: np.ndarray) -> np.ndarray:
        """The signs of words `(batch, height, width, words)` in which a bit is a comparison."""
        words = words ^ self.before if self.before.any() else words
        if self.pooling is not None:
            layout = self.pooling.over(*words.shape[1:3])
            cut = layout.cut(layout.within_zeros(words))
            words = np.bitwise_or.reduce(cut, axis=2).reshape(len(words), *layout.output, -1)
        return words ^ self.after if self.after.any() else words


class PackedLayer:
    """A trained binary layer for inference: a bit for each weight, a scale for each filter.

    Call it with an array of the layer's input shape; it returns the layer's output. Made by
    `PackedLayer.of(layer)`. With binary inputs it multiplies by XNOR and bit counts; a layer whose
    weights alone are binary takes a bit a weight where it is kept, and multiplies real numbers as
    fast and no faster than before.

    Args:
        layer: A layer with the settings of the trained one. It need not be built.
        kernel: Words `(rows, columns, words, filters)`; a dense layer is a convolution of pictures
            of one pixel.
        channels: Signs in the words of one pixel.
        scales: The paper's alpha, float32 `(filters,)`.
        bias: float32 `(filters,)`.
        engine: `"numpy"` or `"numba"`.

    Raises:
        InputError: The engine is unknown, or the arrays are not those of such a layer.
        ImportError: numba is not installed.
    """

    def __init__(
        self,
        layer: BinaryKind,
        kernel: np.ndarray,
        channels: int,
        scales: np.ndarray,
        bias: np.ndarray,
        engine: str = "numpy",
    ) -> None:
        check_choice("engine", engine, ENGINES)
        self.layer = layer
        self.kernel = kernel
        self.channels = channels
        self.scales = scales
        self.bias = bias
        self.engine = engine
        self.convolution = isinstance(layer, BinaryConv2D)
        windows = Windows((1, 1))
        if isinstance(layer, BinaryConv2D):
            windows = Windows(layer.kernel_size, layer.strides, layer.dilation_rate, layer.margins)
        self._check(windows)
        self.products = PackedKernel(kernel, channels, windows, engine)

    @classmethod
    @checked
    def of(cls, layer: BinaryKind, engine: str = "numpy") -> PackedLayer:
        """Pack a built layer.

        Raises:
            InputError: The engine is unknown.
            ImportError: numba is not installed.
        """
        signs, scales = map(ops.convert_to_numpy, layer.binary_kernel())
        signs = signs if isinstance(layer, BinaryConv2D) else signs[None, None]
        bias = ops.convert_to_numpy(layer.bias) if layer.use_bias else np.zeros(signs.shape[-1])
        return cls(
            type(layer).from_config(layer.get_config()),
            np.ascontiguousarray(pack_signs(signs, axis=-2)),
            signs.shape[-2],
            scales.astype("float32"),
            bias.astype("float32"),
            engine,
        )

    def _check(self, windows: Windows) -> None:
        """Refuse arrays that are not those of the layer: compiled loops look at no limits."""
        layer = self.layer
        filters = layer.filters if isinstance(layer, BinaryConv2D) else layer.units
        shape = (*windows.size, word_count(self.channels), filters)
        found = (self.kernel.shape, self.kernel.dtype, self.scales.shape, self.bias.shape)
        if found != (shape, np.dtype("uint64"), (filters,), (filters,)):
            raise InputError(
                f"A kernel of shape {self.kernel.shape} and {self.kernel.dtype}, with "
                f"{self.scales.size} scales and {self.bias.size} biases, was given for "
                f"{layer.name!r}",
                f"uint64 of shape {shape}, and {filters} of each",
                "Make it by PackedLayer.of(layer).",
            )

    @property
    def binary_inputs(self) -> bool:
        """Whether inputs become signs too."""
        return self.layer.binary_inputs

    @property
    def needs_reals(self) -> bool:
        """Whether the output depends on more of the inputs than their signs."""
        return not self.binary_inputs or self.layer.input_scale

    @checked
    def __call__(self, inputs: ArrayLike | Signs) -> np.ndarray:
        """The layer's output, float32.

        Args:
            inputs: `(batch, height, width, channels)`; of a dense layer `(.., features)`. Or signs,
                where nothing else of the inputs counts.

        Raises:
            InputError: They have another shape.
        """
        if isinstance(inputs, Signs):
            layout = self.products.layout(*inputs.words.shape[1:3])
            outputs = self._scaled(layout.within_zeros(inputs.words), layout, None)
            return outputs if self.convolution else outputs[:, 0, 0]
        inputs = np.asarray(inputs)
        self._check_inputs(inputs)
        if not self.binary_inputs:
            return self._of_reals(inputs)
        pictures = inputs if self.convolution else inputs.reshape(-1, 1, 1, self.channels)
        pictures = np.ascontiguousarray(pictures, "float32")
        layout = self.products.layout(*pictures.shape[1:3])
        padded = pack_maps(pictures, None, layout, self.engine, self.products.threads)
        means = self._means(pictures, layout) if self.layer.input_scale else None
        outputs = self._scaled(padded, layout, means)
        shape = (*inputs.shape[:-1], outputs.shape[-1])
        return outputs if self.convolution else outputs.reshape(shape)

    def signs(self, inputs: Signs, least: np.ndarray, turns: Turns) -> Signs:
        """The signs of what follows the layer, without the layer's output between.

        Args:
            inputs: Signs of the layer's input.
            least: int64 `(filters,)`, the smallest product with a bit.
            turns: What becomes of the bits.
        """
        layout = self.products.layout(*inputs.words.shape[1:3])
        padded = layout.within_zeros(inputs.words)
        return Signs(turns(self.products.bits(padded, layout, least)), self.products.filters)

    def finished(self, products: np.ndarray) -> np.ndarray:
        """The output for products, without scales of the inputs: float32, in the same shape."""
        return self._activated(products * self.scales + self.bias)

    def _scaled(
        self, padded: np.ndarray, layout: Layout, input_scales: np.ndarray | None
    ) -> np.ndarray:
        outputs = self.products.reals(padded, layout, self.scales, input_scales, self.bias)
        return self._activated(outputs)

    def _activated(self, outputs: np.ndarray) -> np.ndarray:
        activation = self.layer.activation
        if activation is keras.activations.linear:
            return outputs
        return ops.convert_to_numpy(activation(ops.convert_to_tensor(outputs)))

    def _means(self, pictures: np.ndarray, layout: Layout) -> np.ndarray:
        """The paper's K, `(batch, windows)`."""
        if self.engine == "numpy":
            means = layout.within_zeros(np.abs(pictures).mean(axis=-1))
        else:
            means = np.zeros((len(pictures), *layout.padded), "float32")
            magnitudes = compiled_kernels().magnitudes

            def part(first: int, last: int) -> None:
                magnitudes(pictures, layout.corner, (first, last), means)

            in_parts(part, len(pictures) * pictures.shape[1], _threads(pictures, self.products))
        share = np.float32(1 / self.entries)
        return (layout.cut(means) * share).sum(axis=-1, dtype="float32")

    @property
    def entries(self) -> int:
        """Rows times columns of the kernel."""
        return self.kernel.shape[0] * self.kernel.shape[1]

    @functools.cached_property
    def _signs(self) -> Tensor:
        signs = unpack_signs(self.kernel, self.channels, axis=2).astype("float32")
        return ops.convert_to_tensor(signs if self.convolution else signs[0, 0])

    def _of_reals(self, inputs: np.ndarray) -> np.ndarray:
        """The output for inputs that stay real numbers."""
        inputs = ops.convert_to_tensor(inputs.astype("float32", copy=False))
        outputs = ops.convert_to_numpy(self.layer.product(inputs, self._signs))
        return self.finished(outputs)

    def _check_inputs(self, inputs: np.ndarray) -> None:
        fits = inputs.ndim == 4 if self.convolution else inputs.ndim > 0
        if not fits or inputs.shape[-1] != self.channels:
            shape = "(batch, height, width, {})" if self.convolution else "(..., {})"
            raise InputError(
                f"Inputs of shape {inputs.shape} were given",
                f"{shape.format(self.channels)}, which the layer was packed for",
                "Give what the layer itself takes.",
            )


def _threads(pictures: np.ndarray, products: PackedKernel) -> int:
    return min(products.threads, pictures.size // _NUMBERS_OF_A_THREAD)


def pack_maps(
    x: np.ndarray,
    thresholds: np.ndarray | None,
    layout: Layout | None,
    engine: str,
    threads: int = 1,
) -> np.ndarray:
    """Bits of maps where they reach a threshold, with the zeros of a layout around them.

    Args:
        x: float32 `(batch, height, width, channels)`, one behind the other in memory.
        thresholds: float32 `(channels,)`; 0 by default.
        layout: What the words are for; None for no zeros.
        engine: `"numpy"` or `"numba"`.
        threads: Threads that large maps are shared among; numba only.

    Returns:
        uint64 `(batch, height', width', words)`.
    """
    if layout is None:
        layout = Windows((1, 1)).over(*x.shape[1:3])
    if thresholds is None:
        thresholds = np.zeros(x.shape[-1], "float32")
    if engine == "numpy":
        return layout.within_zeros(pack_bits(x >= thresholds))
    words = np.zeros((len(x), *layout.padded, word_count(x.shape[-1])), "uint64")
    pack_rows = compiled_kernels().pack_rows

    def part(first: int, last: int) -> None:
        pack_rows(x, thresholds, layout.corner, (first, last), words)

    in_parts(part, len(x) * x.shape[1], min(threads, x.size // _NUMBERS_OF_A_THREAD))
    return words
