"""Inference with packed signs: 64 products of -1 and +1 are one XOR and one bit count.

Rastegari et al., "XNOR-Net", ECCV 2016. A word of 64 bits holds 64 signs, a set bit meaning +1.
Two signs differ where the XOR of their words is set, so a dot product over `n` signs is
`n - 2 * bit_count(a ^ b)`, exactly. A second word, the mask, has a bit set where there is a sign
at all: the zeros around a picture and the unused bits of a last word have none and add nothing.

NumPy computes it anywhere; numba (`pip install 'keras-classics[binary]'`) about ten times faster.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_classics.core.errors import InputError, check_choice, explain, import_extra
from keras_classics.layers.image.binary import BinaryConv2D, BinaryDense

WORD = 64
ENGINES = ("numpy", "numba")


def pack_signs(x: ArrayLike, axis: int = -1) -> np.ndarray:
    """Signs as bits, 64 to a word.

    Args:
        x: Array of numbers; 0 counts as +1, as in the binary layers.
        axis: The axis that is packed.

    Returns:
        uint64 array in which the axis of length `n` has become `ceil(n / 64)` words; bits beyond
        `n` are 0.
    """
    bits = np.packbits(np.moveaxis(np.asarray(x) >= 0, axis, -1), axis=-1, bitorder="little")
    *others, used = bits.shape
    filled = np.zeros((*others, -(-used * 8 // WORD) * 8), "uint8")
    filled[..., :used] = bits
    return np.moveaxis(filled.view("uint64"), -1, axis)


def xnor_dot(a: np.ndarray, b: np.ndarray, length: int, *, engine: str = "numpy") -> np.ndarray:
    """Matrix product of packed signs.

    Args:
        a: Words `(rows, words)` from `pack_signs(.., axis=-1)`.
        b: Words `(words, columns)` from `pack_signs(.., axis=0)`.
        length: Signs that a row of `a` and a column of `b` hold.
        engine: `"numpy"` or `"numba"`.

    Returns:
        int32 `(rows, columns)`, equal to the product of the unpacked signs.

    Raises:
        InputError: The engine is unknown.
        ImportError: numba is not installed.
    """
    return _masked_dot(a, np.broadcast_to(_full_mask(length), a.shape), b, engine)


def xnor_convolution(
    signs: np.ndarray,
    kernel: np.ndarray,
    channels: int,
    *,
    strides: int = 1,
    padding: int | tuple[int, int] = 0,
    engine: str = "numpy",
) -> np.ndarray:
    """Convolution of packed signs, with zeros around the picture.

    Args:
        signs: Words `(batch, height, width, words)` from `pack_signs(.., axis=-1)`.
        kernel: Words `(rows, columns, words, filters)` from `pack_signs(.., axis=-2)`.
        channels: Signs that the words of one pixel hold.
        strides: Step in both directions.
        padding: Zeros on every side, or those above and below and those left and right.
        engine: `"numpy"` or `"numba"`.

    Returns:
        int32 `(batch, height', width', filters)`, equal to the convolution of the unpacked signs.

    Raises:
        InputError: The engine is unknown.
        ImportError: numba is not installed.
    """
    margins = (padding, padding) if isinstance(padding, int) else padding
    cut = functools.partial(_windows, size=kernel.shape[:2], strides=strides, margins=margins)
    windows = cut(signs)
    mask = cut(np.broadcast_to(_full_mask(channels), (1, *signs.shape[1:])))
    width = kernel[..., 0].size
    dots = _masked_dot(
        windows.reshape(-1, width),
        np.broadcast_to(mask, windows.shape).reshape(-1, width),
        kernel.reshape(width, -1),
        engine,
    )
    return dots.reshape(*windows.shape[:3], -1)


def _full_mask(length: int) -> np.ndarray:
    return pack_signs(np.zeros(length))


def _windows(
    words: np.ndarray, size: tuple[int, ...], strides: int, margins: tuple[int, int]
) -> np.ndarray:
    """`(batch, height', width', rows, columns, words)`; nothing is set outside the picture."""
    edges = [(0, 0), *((margin, margin) for margin in margins), (0, 0)]
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(words, edges), size, axis=(1, 2))
    return np.moveaxis(windows[:, ::strides, ::strides], 3, -1)


def _masked_dot(signs: np.ndarray, mask: np.ndarray, others: np.ndarray, engine: str) -> np.ndarray:
    check_choice("engine", engine, ENGINES)
    count = _differing_numba if engine == "numba" else _differing_numpy
    present = np.bitwise_count(mask).sum(axis=1, dtype="int32")
    return present[:, None] - 2 * count(signs, mask, others)


def _differing_numpy(signs: np.ndarray, mask: np.ndarray, others: np.ndarray) -> np.ndarray:
    count = np.zeros((len(signs), others.shape[1]), "int32")
    for word, other in enumerate(others):
        count += np.bitwise_count((signs[:, word, None] ^ other) & mask[:, word, None])
    return count


def _differing_numba(signs: np.ndarray, mask: np.ndarray, others: np.ndarray) -> np.ndarray:
    (rows, words), columns = signs.shape, others.shape[1]
    # The compiled loop takes two rows and four words at a time; what is added has no mask.
    odd, left = rows % 2, -words % 4
    count = np.empty((rows + odd, columns), "int32")
    arrays = (_extended(signs, odd, left), _extended(mask, odd, left), _extended(others, left, 0))
    _compiled()(*arrays, count)
    return count[:rows]


def _extended(words: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """With rows and columns of zeros at the end."""
    if rows or columns:
        words = np.pad(words, ((0, rows), (0, columns)))
    return np.ascontiguousarray(words)


@functools.cache
def _compiled() -> Callable[..., None]:
    """The counting loop, compiled at its first use in a process."""
    numba = import_extra("numba", "binary")
    from numba.extending import intrinsic

    uint64 = numba.types.uint64

    def lowered(typing_context: Any, value: Any) -> tuple[Any, Callable[..., Any]]:
        return uint64(uint64), lambda context, builder, signature, values: builder.ctpop(values[0])

    # Compiled code calls it with the value alone.
    bit_count: Any = intrinsic(lowered)

    @numba.njit
    def four(array: np.ndarray, row: int, word: int) -> tuple[int, int, int, int]:
        return array[row, word], array[row, word + 1], array[row, word + 2], array[row, word + 3]

    @numba.njit
    def differing(
        signs: tuple[int, int, int, int],
        mask: tuple[int, int, int, int],
        other: tuple[int, int, int, int],
    ) -> int:
        return (
            bit_count((signs[0] ^ other[0]) & mask[0])
            + bit_count((signs[1] ^ other[1]) & mask[1])
            + bit_count((signs[2] ^ other[2]) & mask[2])
            + bit_count((signs[3] ^ other[3]) & mask[3])
        )

    @numba.njit
    def count_differing(
        signs: np.ndarray, mask: np.ndarray, others: np.ndarray, count: np.ndarray
    ) -> None:
        rows, words = signs.shape
        columns = others.shape[1]
        upper, lower = np.empty(columns, np.uint64), np.empty(columns, np.uint64)
        for row in range(0, rows, 2):
            upper[:] = 0
            lower[:] = 0
            for word in range(0, words, 4):
                upper_signs, upper_mask = four(signs, row, word), four(mask, row, word)
                lower_signs, lower_mask = four(signs, row + 1, word), four(mask, row + 1, word)
                # Columns stand next to each other in memory: this loop becomes vector code.
                for column in range(columns):
                    other = (
                        others[word, column],
                        others[word + 1, column],
                        others[word + 2, column],
                        others[word + 3, column],
                    )
                    upper[column] += differing(upper_signs, upper_mask, other)
                    lower[column] += differing(lower_signs, lower_mask, other)
            count[row] = upper
            count[row + 1] = lower

    return count_differing


@dataclass(frozen=True, eq=False)
class PackedLayer:
    """A trained binary layer for inference: a bit for each weight, a scale for each filter.

    Call it with an array of the layer's input shape; it returns the layer's output. Made by
    `PackedLayer.of(layer)`. A dense layer is a convolution of pictures of one pixel.

    Attributes:
        kernel: Words `(rows, columns, words, filters)`.
        channels: Signs in the words of one pixel.
        scales: The paper's alpha, `(filters,)`.
        bias: `(filters,)`, or 0.
        strides: Step in both directions.
        margins: Zeros above and below, left and right.
        input_scale: Whether the output is multiplied by the paper's K.
        engine: `"numpy"` or `"numba"`.
    """

    kernel: np.ndarray
    channels: int
    scales: np.ndarray
    bias: np.ndarray | float
    strides: int
    margins: tuple[int, int]
    input_scale: bool
    engine: str

    @classmethod
    def of(cls, layer: BinaryConv2D | BinaryDense, engine: str = "numpy") -> PackedLayer:
        """Pack a built layer.

        Raises:
            InputError: The layer's inputs are not binary, or the engine is unknown.
        """
        check_choice("engine", engine, ENGINES)
        if not layer.binary_inputs:
            raise InputError(
                explain(
                    f"{layer.name!r} with binarize={layer.binarize!r} was given",
                    "a layer whose inputs are binary too",
                    "Build it with binarize='weights_and_inputs'.",
                )
            )
        signs, scales = map(ops.convert_to_numpy, layer.binary_kernel())
        convolution = isinstance(layer, BinaryConv2D)
        return cls(
            kernel=pack_signs(signs if convolution else signs[None, None], axis=-2),
            channels=signs.shape[-2],
            scales=scales,
            bias=ops.convert_to_numpy(layer.bias) if layer.use_bias else 0.0,
            strides=layer.strides if convolution else 1,
            margins=layer.margins if convolution else (0, 0),
            input_scale=layer.input_scale,
            engine=engine,
        )

    def __call__(self, inputs: ArrayLike) -> np.ndarray:
        """The layer's output for inputs `(batch, height, width, channels)` or `(.., features)`."""
        inputs = np.asarray(inputs)
        pictures = inputs if inputs.ndim == 4 else inputs.reshape(-1, 1, 1, self.channels)
        products = xnor_convolution(
            pack_signs(pictures),
            self.kernel,
            self.channels,
            strides=self.strides,
            padding=self.margins,
            engine=self.engine,
        )
        outputs = products.astype(self.scales.dtype) * self.scales
        if self.input_scale:
            outputs = outputs * self._input_scales(pictures)
        outputs = outputs + self.bias
        if inputs.ndim == 4:
            return outputs
        return outputs.reshape(*inputs.shape[:-1], -1)

    def _input_scales(self, pictures: np.ndarray) -> np.ndarray:
        mean = np.abs(pictures).mean(axis=-1, keepdims=True)
        windows = _windows(mean, self.kernel.shape[:2], self.strides, self.margins)
        return windows.mean(axis=(3, 4))
