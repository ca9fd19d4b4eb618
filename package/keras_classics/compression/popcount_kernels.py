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
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_pair,
    check_whole,
    explain,
    import_extra,
    is_whole,
)
from keras_classics.layers.image.binary import BinaryConv2D, BinaryDense
from keras_classics.layers.image.convolution import same_margins, window_of

# Zeros above and below, left and right.
Margins: TypeAlias = tuple[tuple[int, int], tuple[int, int]]

WORD = 64
NO_MARGINS: Margins = ((0, 0), (0, 0))
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
        InputError: The engine is unknown, or the words do not hold so many signs.
        ImportError: numba is not installed.
    """
    length = check_whole("length", length)
    _check_words("a", a, 2, 1, length)
    _check_words("b", b, 2, 0, length)
    return _masked_dot(a, np.broadcast_to(_full_mask(length), a.shape), b, engine)


def xnor_convolution(
    signs: np.ndarray,
    kernel: np.ndarray,
    channels: int,
    *,
    strides: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] | Margins = 0,
    dilation_rate: int | tuple[int, int] = 1,
    engine: str = "numpy",
) -> np.ndarray:
    """Convolution of packed signs, with zeros around the picture.

    Args:
        signs: Words `(batch, height, width, words)` from `pack_signs(.., axis=-1)`.
        kernel: Words `(rows, columns, words, filters)` from `pack_signs(.., axis=-2)`.
        channels: Signs that the words of one pixel hold.
        strides: Step in both directions, or down and to the right.
        padding: Zeros on every side, or those above and below and those left and right, each one
            number or two.
        dilation_rate: Step between the kernel's entries, for both directions or each.
        engine: `"numpy"` or `"numba"`.

    Returns:
        int32 `(batch, height', width', filters)`, equal to the convolution of the unpacked signs.

    Raises:
        InputError: The engine is unknown, the words do not hold so many signs, or the picture with
            its zeros is smaller than the kernel.
        ImportError: numba is not installed.
    """
    channels = check_whole("channels", channels)
    _check_words("signs", signs, 4, -1, channels)
    _check_words("kernel", kernel, 4, 2, channels)
    cut = _Cut.of(kernel.shape[:2], strides, dilation_rate, padding)
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


def _check_words(name: str, words: np.ndarray, rank: int, axis: int, length: int) -> None:
    """Refuse what `pack_signs` does not make of `length` signs on an axis."""
    count = -(-length // WORD)
    found = f"{words.dtype} of shape {words.shape}"
    if words.dtype != np.uint64 or words.ndim != rank or words.shape[axis] != count:
        place = axis % rank
        raise InputError(
            explain(
                f"{name} is {found}",
                f"uint64 of {rank} axes with {count} words, which hold {length} signs, on axis "
                f"{place}",
                f"Make it by pack_signs of an array that has {length} entries on that axis.",
            )
        )


@dataclass(frozen=True)
class _Cut:
    """How windows are cut out of pictures: `(batch, height', width', rows, columns, words)`."""

    size: tuple[int, int]
    strides: tuple[int, int]
    dilation: tuple[int, int]
    margins: Margins

    @classmethod
    def of(cls, size: Any, strides: Any, dilation: Any, padding: Any) -> _Cut:
        sides = [padding] * 2 if is_whole(padding) else list(padding)
        rows, columns = (check_pair("padding", side, 0) for side in sides)
        return cls(
            (size[0], size[1]),
            check_pair("strides", strides),
            check_pair("dilation_rate", dilation),
            (rows, columns),
        )

    def __call__(self, words: np.ndarray) -> np.ndarray:
        """Nothing is set outside the picture."""
        padded = np.pad(words, [(0, 0), *self.margins, (0, 0)])
        window = window_of(self.size, self.dilation)
        if any(side < least for side, least in zip(padded.shape[1:3], window, strict=True)):
            raise InputError(
                explain(
                    f"A picture of {words.shape[1]} x {words.shape[2]} was given",
                    f"at least {window[0]} x {window[1]} with the zeros around it",
                    "Give a larger picture, or more padding.",
                )
            )
        cut = np.lib.stride_tricks.sliding_window_view(padded, window, axis=(1, 2))
        (down, right), (rows, columns) = self.strides, self.dilation
        return np.moveaxis(cut[:, ::down, ::right, :, ::rows, ::columns], 3, -1)


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
        strides: Steps down and to the right.
        dilation_rate: Steps between the kernel's entries.
        margins: Zeros above and below, left and right; None for those that `"same"` puts there.
        input_scale: Whether the output is multiplied by the paper's K.
        activation: What is applied to the output.
        convolution: Whether the inputs are pictures, rather than vectors.
        engine: `"numpy"` or `"numba"`.
    """

    kernel: np.ndarray
    channels: int
    scales: np.ndarray
    bias: np.ndarray | float
    strides: tuple[int, int]
    dilation_rate: tuple[int, int]
    margins: Margins | None
    input_scale: bool
    activation: Callable[[Any], Any]
    convolution: bool
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
            strides=layer.strides if convolution else (1, 1),
            dilation_rate=layer.dilation_rate if convolution else (1, 1),
            margins=layer.margins if convolution else NO_MARGINS,
            input_scale=layer.input_scale,
            activation=layer.activation,
            convolution=convolution,
            engine=engine,
        )

    def __call__(self, inputs: ArrayLike) -> np.ndarray:
        """The layer's output.

        Args:
            inputs: `(batch, height, width, channels)`; of a dense layer `(.., features)`.

        Raises:
            InputError: They have another shape.
        """
        inputs = np.asarray(inputs)
        fits = inputs.ndim == 4 if self.convolution else inputs.ndim > 0
        if not fits or inputs.shape[-1] != self.channels:
            shape = "(batch, height, width, {})" if self.convolution else "(..., {})"
            raise InputError(
                explain(
                    f"Inputs of shape {inputs.shape} were given",
                    f"{shape.format(self.channels)}, which the layer was packed for",
                    "Give what the layer itself takes.",
                )
            )
        pictures = inputs if self.convolution else inputs.reshape(-1, 1, 1, self.channels)
        cut = self._cut(*pictures.shape[1:3])
        products = xnor_convolution(
            pack_signs(pictures),
            self.kernel,
            self.channels,
            strides=cut.strides,
            padding=cut.margins,
            dilation_rate=cut.dilation,
            engine=self.engine,
        )
        outputs = products.astype(self.scales.dtype) * self.scales
        if self.input_scale:
            mean = np.abs(pictures).mean(axis=-1, keepdims=True)
            outputs = outputs * cut(mean).mean(axis=(3, 4))
        outputs = outputs + self.bias
        if self.activation is not keras.activations.linear:
            outputs = ops.convert_to_numpy(self.activation(ops.convert_to_tensor(outputs)))
        return outputs if self.convolution else outputs.reshape(*inputs.shape[:-1], -1)

    def _cut(self, height: int, width: int) -> _Cut:
        """How windows are cut out of pictures of a size."""
        size = self.kernel.shape[:2]
        margins = self.margins
        if margins is None:
            window = window_of(size, self.dilation_rate)
            margins = same_margins((height, width), window, self.strides)
        return _Cut.of(size, self.strides, self.dilation_rate, margins)
