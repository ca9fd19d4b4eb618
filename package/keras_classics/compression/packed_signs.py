"""Signs as bits: 64 products of -1 and +1 are one XOR and one bit count.

Rastegari et al., "XNOR-Net", ECCV 2016. A word of 64 bits holds 64 signs, a set bit meaning +1.
Two signs differ where the XOR of their words is set, so a dot product over `n` signs is
`n - 2 * bit_count(a ^ b)`, exactly. Bits of a last word that hold no sign are 0 in both. The zeros
around a picture are a third value that adds nothing, and no bit: they are counted as signs of -1,
and what that adds, which depends on the kernel and the place alone, is taken away again.

NumPy computes it anywhere; numba (`pip install 'keras-classics[binary]'`, or in a clone
`'.[binary]'`) fifty times faster.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_classics.compression.windows import SIZES_AT_HAND, Layout, Margins, Windows
from keras_classics.core.arguments import checked
from keras_classics.core.errors import (
    InputError,
    check_choice,
    check_whole,
    import_extra,
)

WORD = 64
ENGINES = ("numpy", "numba")
# Words that a thread of its own is worth: about 0.1 ms.
_WORDS_OF_A_THREAD = 2**21


@checked
def pack_signs(x: ArrayLike, axis: int = -1) -> np.ndarray:
    """Signs as bits, 64 to a word.

    Args:
        x: Array of numbers; 0 counts as +1, as in the binary layers.
        axis: The axis that is packed.

    Returns:
        uint64 array in which the axis of length `n` has become `ceil(n / 64)` words; bits beyond
        `n` are 0.

    Raises:
        InputError: `x` is no array of numbers, or has no such axis.
    """
    try:
        signs = np.asarray(x) >= 0
    except (TypeError, ValueError) as error:
        raise InputError(
            f"x was given of which there are no signs ({error})",
            "an array of numbers",
            "Pass numpy.asarray(x, 'float32'), of rows of one length.",
        ) from error
    if not -signs.ndim <= axis < signs.ndim:
        raise InputError(
            f"axis={axis} was given with an x of shape {signs.shape}",
            "one of its axes",
            "Pass axis=0 and numpy.ravel(x).",
        )
    return pack_bits(signs, axis)


def pack_bits(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Truth values as bits, as `pack_signs` puts them."""
    bits = np.packbits(np.moveaxis(x, axis, -1), axis=-1, bitorder="little")
    *others, used = bits.shape
    filled = np.zeros((*others, word_count(used * 8) * 8), "uint8")
    filled[..., :used] = bits
    return np.moveaxis(filled.view("uint64"), -1, axis)


def unpack_signs(words: np.ndarray, length: int, axis: int = -1) -> np.ndarray:
    """What `pack_signs` has packed: int8 array of -1 and +1, of `length` on the axis."""
    contiguous = np.ascontiguousarray(np.moveaxis(words, axis, -1))
    bits = np.unpackbits(contiguous.view("uint8"), axis=-1, count=length, bitorder="little")
    return np.moveaxis(2 * bits.astype("int8") - 1, -1, axis)


def word_count(length: int) -> int:
    """Words that hold so many signs."""
    return -(-length // WORD)


def best_engine() -> str:
    """`"numba"` where it is installed, else `"numpy"`."""
    return "numba" if importlib.util.find_spec("numba") else "numpy"


@checked
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
    kernel = PackedKernel(b[None, None], length, Windows((1, 1)), engine)
    return kernel.integers(a[:, None, None]).reshape(len(a), -1)


@checked
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
    windows = Windows.of(kernel.shape[:2], strides, dilation_rate, padding)
    return PackedKernel(kernel, channels, windows, engine).integers(signs)


def _check_words(name: str, words: np.ndarray, rank: int, axis: int, length: int) -> None:
    """Refuse what `pack_signs` does not make of `length` signs on an axis."""
    count = word_count(length)
    found = f"{words.dtype} of shape {words.shape}"
    if words.dtype != np.uint64 or words.ndim != rank or words.shape[axis] != count:
        place = axis % rank
        raise InputError(
            f"{name} is {found}",
            f"uint64 of {rank} axes with {count} words, which hold {length} signs, on axis {place}",
            f"Make it by pack_signs of an array that has {length} entries on that axis.",
        )


class PackedKernel:
    """The signs of a kernel, ready to meet those of maps.

    Args:
        words: uint64 `(rows, columns, words, filters)` from `pack_signs(.., axis=-2)`.
        channels: Signs that the words of one pixel hold.
        windows: How windows are cut out of the maps.
        engine: `"numpy"` or `"numba"`.
        threads: Threads that large maps are shared among; numba only.

    Raises:
        InputError: The engine is unknown.
        ImportError: numba is not installed.
    """

    def __init__(
        self,
        words: np.ndarray,
        channels: int,
        windows: Windows,
        engine: str = "numpy",
        threads: int = 1,
    ) -> None:
        check_choice("engine", engine, ENGINES)
        self.words = words
        self.channels = channels
        self.windows = windows
        self.engine = engine
        self.threads = threads
        self.filters = words.shape[-1]
        self._compiled = compiled_kernels() if engine == "numba" else None
        self._bases: dict[Layout, np.ndarray] = {}

    def layout(self, height: int, width: int) -> Layout:
        """Where the windows lie in maps of a size."""
        return self.windows.over(height, width)

    def integers(self, signs: np.ndarray) -> np.ndarray:
        """int32 `(batch, height', width', filters)` of words `(batch, height, width, words)`."""
        layout = self.layout(*signs.shape[1:3])
        return self.integers_within(layout.within_zeros(signs), layout)

    def integers_within(self, padded: np.ndarray, layout: Layout) -> np.ndarray:
        """As `integers`, of words that have the zeros around them."""
        base, count = self._base(layout), len(padded) * len(layout.starts)
        if self._compiled is None:
            out = self._differing(padded, layout)
            out = base[np.tile(layout.kinds, len(padded))] - 2 * out
        else:
            out = np.empty((count, self.filters), "int32")
            self._run(self._compiled.integers, padded, layout, base, (out,))
        return out.reshape(len(padded), *layout.output, self.filters)

    def reals(
        self,
        padded: np.ndarray,
        layout: Layout,
        scales: np.ndarray,
        input_scales: np.ndarray | None,
        bias: np.ndarray,
    ) -> np.ndarray:
        """`product * scales * input_scales + bias`, float32 `(batch, height', width', filters)`.

        Args:
            padded: Words with the zeros around them.
            layout: Where the windows lie.
            scales: float32 `(filters,)`.
            input_scales: float32 `(batch, windows)`, or None for 1.
            bias: float32 `(filters,)`.
        """
        shape = (len(padded), *layout.output, self.filters)
        if self._compiled is None:
            out = self.integers_within(padded, layout).astype("float32") * scales
            if input_scales is not None:
                out *= input_scales.reshape(*shape[:3], 1)
            return out + bias
        out = np.empty((len(padded) * len(layout.starts), self.filters), "float32")
        given = np.empty(0, "float32") if input_scales is None else input_scales.ravel()
        base = self._base(layout)
        self._run(self._compiled.reals, padded, layout, base, (scales, given, bias, out))
        return out.reshape(shape)

    def bits(self, padded: np.ndarray, layout: Layout, least: np.ndarray) -> np.ndarray:
        """Words `(batch, height', width', words)` with a bit where a product is large enough.

        Args:
            padded: Words with the zeros around them.
            layout: Where the windows lie.
            least: int64 `(filters,)`, the smallest product with a bit.
        """
        if self._compiled is None:
            return pack_bits(self.integers_within(padded, layout) >= least)
        out = np.zeros((len(padded) * len(layout.starts), word_count(self.filters) * 8), "uint8")
        limits = (self._base(layout) - least) // 2
        whole = np.full((len(limits), self._blocks[:, 0].size), -1, "int32")
        whole[:, : self.filters] = limits
        self._run(self._compiled.bits, padded, layout, whole, (out,))
        return out.view("uint64").reshape(len(padded), *layout.output, -1)

    def _differing(self, padded: np.ndarray, layout: Layout) -> np.ndarray:
        rows = layout.cut(padded).reshape(-1, self.words[..., 0].size)
        count = np.zeros((len(rows), self.filters), "int32")
        for place, other in enumerate(self.words.reshape(-1, self.filters)):
            count += np.bitwise_count(rows[:, place, None] ^ other)
        return count

    def _base(self, layout: Layout) -> np.ndarray:
        """The product at each kind of place, before twice what differs is taken away."""
        if layout not in self._bases:
            if len(self._bases) >= SIZES_AT_HAND:
                self._bases.clear()
            ones = np.bitwise_count(self.words).sum(axis=2, dtype="int64")
            # A kernel's signs of +1 differ from what stands for the zeros around the map.
            entries = np.where(layout.present[..., None], self.channels, 2 * ones)
            self._bases[layout] = entries.sum(axis=(1, 2)).astype("int32")
        return self._bases[layout]

    @functools.cached_property
    def _blocks(self) -> np.ndarray:
        """The words as the compiled loops read them, `(blocks, words of a window, BLOCK)`."""
        size = compiled_kernels().BLOCK
        words = self.words.reshape(-1, self.filters)
        filled = np.zeros((len(words), -(-self.filters // size) * size), "uint64")
        filled[:, : self.filters] = words
        return np.ascontiguousarray(filled.reshape(len(words), -1, size).swapaxes(0, 1))

    def _run(
        self,
        kernel: Callable[..., None],
        padded: np.ndarray,
        layout: Layout,
        table: np.ndarray,
        rest: Sequence[np.ndarray],
    ) -> None:
        """Run a compiled loop over all windows and outputs, in threads where there is much to do.

        Args:
            kernel: The loop.
            padded: Words with the zeros around them.
            layout: Where the windows lie.
            table: What the loop wants to know of each kind of place.
            rest: Its last arguments.
        """
        each, blocks = padded.shape[-1], self._blocks
        starts, offsets = layout.starts * each, layout.offsets[:, None] * each + np.arange(each)
        windows = len(padded) * len(starts)
        fixed = (
            padded.reshape(-1), math.prod(padded.shape[1:]), starts, offsets.ravel(), blocks, table,
            layout.kinds,
        )  # fmt: skip
        by_rows = windows >= len(blocks)
        count = windows if by_rows else len(blocks)
        whole = (0, windows), (0, len(blocks))

        def part(first: int, last: int) -> None:
            shares = ((first, last), whole[1]) if by_rows else (whole[0], (first, last))
            kernel(*fixed, *shares, *rest)

        worth = windows * blocks.size // _WORDS_OF_A_THREAD
        in_parts(part, count, min(self.threads, worth))


def in_parts(work: Callable[[int, int], None], count: int, threads: int) -> None:
    """Do work from 0 to a count, in as many parts at once as there are threads.

    Args:
        work: Does what lies from one number to before another, without holding Python's lock.
        count: Of what there is to do.
        threads: Parts; one is done right here.
    """
    if threads <= 1 or count <= 1:
        work(0, count)
        return
    edges = [count * part // threads for part in range(threads + 1)]
    futures = [
        _pool().submit(work, first, last)
        for first, last in zip(edges[1:-1], edges[2:], strict=True)
    ]
    work(edges[0], edges[1])
    for future in futures:
        future.result()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(2, os.cpu_count() or 1), "packed")


@functools.cache
def compiled_kernels() -> Any:
    """The compiled loops.

    Raises:
        ImportError: numba is not installed.
    """
    import_extra("numba", "binary")
    from keras_classics.compression import popcount_kernels

    return popcount_kernels
