"""The popcount kernels: products of packed signs, compiled by numba and kept on the disk.

Signs differ where the XOR of their words is set. A tile counts them for a few windows and 32
outputs at once: it walks over the words of a window, and each word meets the kernel's words of
eight outputs in one vector, so that nothing is added up across a vector and every count stays in a
register. Windows are read where they lie, by offsets into the packed maps; nothing is copied out
(no im2col). What the processor has decides how LLVM writes a vector of bit counts: VPOPCNTDQ, two
look-ups a byte with AVX2 or SSSE3, NEON's byte counts, or additions of parts of words.

Only `packed_signs` imports this file, where numba is installed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding
import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

# Outputs of a vector, vectors of a tile, and windows of the large tile. Of 13 sizes measured the
# fastest with registers of 512 bits; with shorter ones no size of 9 was 6 % faster.
LANES, VECTORS, WINDOWS = 8, 4, 4
BLOCK = LANES * VECTORS
# Numbers whose signs are taken at once.
SIGNS = 16

_WORD, _INDEX = ir.IntType(64), ir.IntType(32)
_VECTOR, _COUNTS = ir.VectorType(_WORD, LANES), ir.VectorType(_INDEX, LANES)


def instructions() -> str:
    """How this processor counts bits: `"VPOPCNTDQ"`, `"AVX2"`, `"NEON"`, `"SSSE3"` or `"plain"`.

    It follows what numba compiles for, which `NUMBA_CPU_NAME` and `NUMBA_CPU_FEATURES` can set.
    """
    # Settings of the environment, which numba's own types leave out.
    forced = getattr(numba.config, "CPU_FEATURES", None)
    if forced is not None:
        found = {each[1:] for each in forced.split(",") if each.startswith("+")}
    else:
        found = {name for name, has in llvmlite.binding.get_host_cpu_features().items() if has}
    known = {
        "avx512vpopcntdq": "VPOPCNTDQ",
        "avx2": "AVX2",
        "neon": "NEON",
        "ssse3": "SSSE3",
    }
    return next((name for feature, name in known.items() if feature in found), "plain")


def _data(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """The address of an array's first element."""
    return context.make_array(kind)(context, builder, value).data


def _vector_at(builder: Any, address: Any, place: Any) -> Any:
    """The address of eight words from a place on."""
    return builder.bitcast(builder.gep(address, [place]), _VECTOR.as_pointer())


def _in_every_lane(builder: Any, word: Any) -> Any:
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(nothing, word, ir.Constant(_INDEX, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_INDEX, LANES), None))


def _tile(windows: int) -> Any:
    """Counts of some windows: `(words, starts, offsets, kernel, counts, place, stride)`.

    `words` are the packed maps, `starts` where in them the windows begin, `offsets` where from
    there each word of a window lies, `kernel` words `(offsets, BLOCK)`; into `counts`, int32, go
    the bits that differ, those of the first window from `place` on and `stride` further each next.
    """

    def counting(typing_context: Any, words: Any, starts: Any, offsets: Any, kernel: Any,
                 counts: Any, place: Any, stride: Any) -> tuple[Any, Callable]:  # fmt: skip
        def lowered(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            kinds, (*arrays, place, stride) = signature.args, values
            words_at, starts_at, offsets_at, kernel_at, counts_at = (
                _data(context, builder, *each) for each in zip(kinds, arrays, strict=False)
            )
            bit_counts = cgutils.get_or_insert_function(
                builder.module,
                ir.FunctionType(_VECTOR, [_VECTOR]),
                f"llvm.ctpop.v{LANES}i64",
            )
            totals = []
            for _ in range(windows * VECTORS):
                total = cgutils.alloca_once(builder, _VECTOR)
                builder.store(ir.Constant(_VECTOR, None), total)
                totals.append(total)
            begins = [
                builder.gep(words_at, [builder.load(builder.gep(starts_at, [_WORD(window)]))])
                for window in range(windows)
            ]
            shape = context.make_array(kinds[2])(context, builder, values[2]).shape
            (length,) = cgutils.unpack_tuple(builder, shape, 1)
            with cgutils.for_range(builder, length) as loop:
                offset = builder.load(builder.gep(offsets_at, [loop.index]))
                row = builder.mul(loop.index, _WORD(BLOCK))
                others = [
                    builder.load(
                        _vector_at(builder, kernel_at, builder.add(row, _WORD(LANES * vector))),
                        align=8,
                    )
                    for vector in range(VECTORS)
                ]
                for window, begin in enumerate(begins):
                    word = _in_every_lane(builder, builder.load(builder.gep(begin, [offset])))
                    for vector, other in enumerate(others):
                        total = totals[window * VECTORS + vector]
                        differing = builder.call(bit_counts, [builder.xor(other, word)])
                        builder.store(builder.add(builder.load(total), differing), total)
            for number, total in enumerate(totals):
                window, vector = divmod(number, VECTORS)
                row = builder.add(place, builder.mul(stride, _WORD(window)))
                into = builder.gep(counts_at, [builder.add(row, _WORD(vector * LANES))])
                found = builder.trunc(builder.load(total), _COUNTS)
                builder.store(found, builder.bitcast(into, _COUNTS.as_pointer()), align=4)
            return context.get_dummy_value()

        size = numba.types.intp
        return numba.types.void(words, starts, offsets, kernel, counts, size, size), lowered

    return intrinsic(counting)


def _comparison(kind: Any, lanes: int, result: Any, compare: Callable[[Any, Any, Any], Any]) -> Any:
    """A bit for each of some neighbours in two arrays: `(left, place, right, place)`."""
    vector, bits = ir.VectorType(kind, lanes), ir.IntType(lanes)

    def comparing(typing_context: Any, left: Any, left_place: Any, right: Any,
                  right_place: Any) -> tuple[Any, Callable[..., Any]]:  # fmt: skip
        def lowered(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            sides = []
            for number in (0, 2):
                address = _data(context, builder, signature.args[number], values[number])
                place = builder.gep(address, [values[number + 1]])
                sides.append(builder.load(builder.bitcast(place, vector.as_pointer()), align=4))
            return builder.bitcast(compare(builder, *sides), bits)

        return result(left, numba.types.intp, right, numba.types.intp), lowered

    return intrinsic(comparing)


_count_many, _count_one = _tile(WINDOWS), _tile(1)
_at_most = _comparison(
    _INDEX, LANES, numba.types.uint8, lambda builder, a, b: builder.icmp_signed("<=", a, b)
)
_at_least = _comparison(
    ir.FloatType(),
    SIGNS,
    numba.types.uint16,
    lambda builder, a, b: builder.fcmp_ordered(">=", a, b),
)


@numba.njit(nogil=True, cache=True)
def _count(
    words: np.ndarray,
    stride: int,
    starts: np.ndarray,
    offsets: np.ndarray,
    kernel: np.ndarray,
    window: int,
    many: int,
    blocks: tuple[int, int],
    here: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Counts of `many` windows from one on, of all maps together."""
    for number in range(many):
        image, place = divmod(window + number, starts.shape[0])
        here[number] = image * stride + starts[place]
    width = counts.shape[1]
    for block in range(blocks[0], blocks[1]):
        if many == WINDOWS:
            _count_many(words, here, offsets, kernel[block], counts, block * BLOCK, width)
        else:
            _count_one(words, here, offsets, kernel[block], counts, block * BLOCK, width)


@numba.njit(nogil=True, cache=True)
def integers(
    words: np.ndarray,
    stride: int,
    starts: np.ndarray,
    offsets: np.ndarray,
    kernel: np.ndarray,
    base: np.ndarray,
    places: np.ndarray,
    rows: tuple[int, int],
    blocks: tuple[int, int],
    out: np.ndarray,
) -> None:
    """Dot products of windows with kernels, into `out`, int32 `(windows, filters)`.

    Args:
        words: The packed maps, all in a row.
        stride: Words of one map.
        starts: Where in a map each of its windows begins.
        offsets: Where from there each word of a window lies.
        kernel: Words `(blocks, offsets, BLOCK)`.
        base: What the product is before twice the bits that differ are taken away, int32
            `(kinds, filters)`: the signs within the picture, for each kind of place at its border.
        places: The kind of each window of a map.
        rows: First window and the one after the last, of all maps together.
        blocks: First block of outputs and the one after the last.
        out: Where to.
    """
    counts = np.empty((WINDOWS, kernel.shape[0] * BLOCK), np.int32)
    here = np.empty(WINDOWS, np.int64)
    first, last = blocks[0] * BLOCK, min(blocks[1] * BLOCK, out.shape[1])
    window = rows[0]
    while window < rows[1]:
        many = WINDOWS if window + WINDOWS <= rows[1] else 1
        _count(words, stride, starts, offsets, kernel, window, many, blocks, here, counts)
        for number in range(many):
            most = base[places[(window + number) % places.shape[0]], first:last]
            found, row = counts[number, first:last], out[window + number, first:last]
            for output in range(row.shape[0]):
                row[output] = most[output] - np.int32(2) * found[output]
        window += many


@numba.njit(nogil=True, cache=True)
def reals(
    words: np.ndarray,
    stride: int,
    starts: np.ndarray,
    offsets: np.ndarray,
    kernel: np.ndarray,
    base: np.ndarray,
    places: np.ndarray,
    rows: tuple[int, int],
    blocks: tuple[int, int],
    scales: np.ndarray,
    input_scales: np.ndarray,
    bias: np.ndarray,
    out: np.ndarray,
) -> None:
    """As `integers`, scaled: `product * scales * input_scales + bias`, into float32.

    Args:
        words: As for `integers`, like all that is not named here.
        stride: As there.
        starts: As there.
        offsets: As there.
        kernel: As there.
        base: As there.
        places: As there.
        rows: As there.
        blocks: As there.
        scales: float32 `(filters,)`.
        input_scales: float32, one for each window of all maps; or none, for 1.
        bias: float32 `(filters,)`.
        out: float32 `(windows, filters)`.
    """
    counts = np.empty((WINDOWS, kernel.shape[0] * BLOCK), np.int32)
    here = np.empty(WINDOWS, np.int64)
    first, last = blocks[0] * BLOCK, min(blocks[1] * BLOCK, out.shape[1])
    own, added = scales[first:last], bias[first:last]
    window = rows[0]
    while window < rows[1]:
        many = WINDOWS if window + WINDOWS <= rows[1] else 1
        _count(words, stride, starts, offsets, kernel, window, many, blocks, here, counts)
        for number in range(many):
            most = base[places[(window + number) % places.shape[0]], first:last]
            found, row = counts[number, first:last], out[window + number, first:last]
            scale = np.float32(1)
            if input_scales.shape[0]:
                scale = input_scales[window + number]
            for output in range(row.shape[0]):
                product = np.float32(most[output] - np.int32(2) * found[output])
                row[output] = product * own[output] * scale + added[output]
        window += many


@numba.njit(nogil=True, cache=True)
def bits(
    words: np.ndarray,
    stride: int,
    starts: np.ndarray,
    offsets: np.ndarray,
    kernel: np.ndarray,
    limits: np.ndarray,
    places: np.ndarray,
    rows: tuple[int, int],
    blocks: tuple[int, int],
    out: np.ndarray,
) -> None:
    """As `integers`, compared: a bit where no more signs differ than a limit.

    Args:
        words: As for `integers`, like all that is not named here.
        stride: As there.
        starts: As there.
        offsets: As there.
        kernel: As there.
        limits: int32 `(kinds, blocks * BLOCK)`, below 0 where there is no output.
        places: As there.
        rows: As there.
        blocks: As there.
        out: uint8 `(windows, bytes)`, a bit for each output.
    """
    counts = np.empty((WINDOWS, kernel.shape[0] * BLOCK), np.int32)
    here = np.empty(WINDOWS, np.int64)
    first, last = blocks[0] * VECTORS, min(blocks[1] * VECTORS, out.shape[1])
    window = rows[0]
    while window < rows[1]:
        many = WINDOWS if window + WINDOWS <= rows[1] else 1
        _count(words, stride, starts, offsets, kernel, window, many, blocks, here, counts)
        for number in range(many):
            most = limits[places[(window + number) % places.shape[0]]]
            found, row = counts[number], out[window + number]
            for byte in range(first, last):
                row[byte] = _at_most(found, byte * LANES, most, byte * LANES)
        window += many


@numba.njit(nogil=True, cache=True)
def pack_rows(
    x: np.ndarray,
    thresholds: np.ndarray,
    margins: tuple[int, int],
    rows: tuple[int, int],
    out: np.ndarray,
) -> None:
    """Bits of maps, with nothing set around them.

    Args:
        x: float32 `(batch, height, width, channels)`.
        thresholds: float32 `(channels,)`: a bit is set from there on.
        margins: Rows above and columns left of a map in `out`.
        rows: First row and the one after the last, of all maps together.
        out: uint64 `(batch, height', width', words)`, empty.
    """
    height, width, channels = x.shape[1:]
    for row in range(rows[0], rows[1]):
        image, y = divmod(row, height)
        for column in range(width):
            pixel = x[image, y, column]
            into = out[image, y + margins[0], column + margins[1]]
            for word in range(into.shape[0]):
                packed = np.uint64(0)
                first = word * 64
                last = min(first + 64, channels)
                channel = first
                while channel + SIGNS <= last:
                    found = np.uint64(_at_least(pixel, channel, thresholds, channel))
                    packed |= found << np.uint64(channel - first)
                    channel += SIGNS
                while channel < last:
                    if pixel[channel] >= thresholds[channel]:
                        packed |= np.uint64(1) << np.uint64(channel - first)
                    channel += 1
                into[word] = packed


# The sum may be taken in any order, as on any engine.
@numba.njit(nogil=True, cache=True, fastmath={"reassoc"})
def _mean_magnitude(pixel: np.ndarray) -> np.float32:
    total = np.float32(0)
    for channel in range(pixel.shape[0]):
        total += np.abs(pixel[channel])
    return total / np.float32(pixel.shape[0])


@numba.njit(nogil=True, cache=True)
def magnitudes(
    x: np.ndarray, margins: tuple[int, int], rows: tuple[int, int], out: np.ndarray
) -> None:
    """The mean magnitude of every pixel, with zeros around the map.

    Args:
        x: As for `pack_rows`, like all that is not named here.
        margins: Rows above and columns left of a map in `out`.
        rows: First row and the one after the last.
        out: float32 `(batch, height', width')`, of zeros.
    """
    height, width = x.shape[1:3]
    for row in range(rows[0], rows[1]):
        image, y = divmod(row, height)
        for column in range(width):
            out[image, y + margins[0], column + margins[1]] = _mean_magnitude(x[image, y, column])
