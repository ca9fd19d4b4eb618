"""PyTorch files, read without torch and without running anything the file names.

A pickle is a program, and Python's own machine for it calls whatever the program asks for. The
machine here knows only the instructions state dictionaries are written with; the one thing it
rebuilds is tensors, as descriptions of where their numbers lie, and every other name is refused.
Both layouts of `torch.save` are read: the zip archive (since 1.6) and the older plain stream.
"""

from __future__ import annotations

import io
import math
import pickletools
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from keras_classics.core.boundary.archive_files import open_archive

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
# A state of a thousand tensors has thirty thousand; more would be made to take memory.
MOST_INSTRUCTIONS = 2**20

STORAGES = {
    "torch.DoubleStorage": "f8",
    "torch.FloatStorage": "f4",
    "torch.HalfStorage": "f2",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "i8",
    "torch.IntStorage": "i4",
    "torch.ShortStorage": "i2",
    "torch.CharStorage": "i1",
    "torch.ByteStorage": "u1",
    "torch.BoolStorage": "?",
}


@dataclass(frozen=True)
class Storage:
    """A run of numbers somewhere in the file."""

    kind: str
    key: str
    count: int


@dataclass(frozen=True)
class Tensor:
    """A window on a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, numbers: np.ndarray) -> np.ndarray:
        """The tensor as a read-only view of its storage's numbers.

        Raises:
            ValueError: The window is not inside the storage.
        """
        sizes = (self.offset, *self.shape, *self.strides)
        whole = all(type(size) is int and size >= 0 for size in sizes)
        if not whole or len(self.shape) != len(self.strides):
            raise ValueError("a tensor has an impossible shape")
        last = self.offset + sum(
            (length - 1) * step for length, step in zip(self.shape, self.strides, strict=True)
        )
        # More elements than numbers would be a picture of one number, or a bomb.
        if math.prod(self.shape) > len(numbers) or (0 not in self.shape and last >= len(numbers)):
            raise ValueError("a tensor reaches beyond its storage")
        return np.lib.stride_tricks.as_strided(
            numbers[self.offset :],
            self.shape,
            [step * numbers.itemsize for step in self.strides],
            writeable=False,
        )


def numbers_of(kind: str, data: bytes | memoryview, *, big_endian: bool = False) -> np.ndarray:
    """Raw bytes as a flat array; bfloat16 becomes float32.

    Args:
        kind: NumPy type code without byte order, or `"bfloat16"`.
        data: The bytes.
        big_endian: Their order.
    """
    order = ">" if big_endian else "<"
    if kind != "bfloat16":
        return np.frombuffer(data, order + kind)
    # In place, as what is read may fill half of the memory.
    wide = np.frombuffer(data, order + "u2").astype("<u4")
    wide <<= 16
    return wide.view("<f4")


def read_torch(data: bytes) -> dict[str, np.ndarray]:
    """The named arrays of a file written by `torch.save`.

    Args:
        data: The whole file.

    Returns:
        The state dictionary; one under `"state_dict"` or `"model"` is taken out of its checkpoint.

    Raises:
        ValueError: The file is malformed or holds anything but tensors and plain values.
    """
    stream = io.BytesIO(data)
    if zipfile.is_zipfile(stream):
        saved, numbers = _archive(data)
    else:
        stream.seek(0)
        saved, numbers = _stream(stream)
    for key in ("state_dict", "model"):
        if isinstance(saved, dict) and isinstance(saved.get(key), dict):
            saved = saved[key]
    if not isinstance(saved, dict) or not all(isinstance(x, Tensor) for x in saved.values()):
        raise ValueError("it holds no mapping of names to tensors")
    return {str(name): tensor.of(numbers(tensor.storage)) for name, tensor in saved.items()}


Numbers = Callable[[Storage], np.ndarray]


def _archive(data: bytes) -> tuple[Any, Numbers]:
    archive = open_archive(io.BytesIO(data))
    members = [name for name in archive.namelist() if name.endswith("data.pkl")]
    if len(members) != 1:
        raise ValueError("it is a zip archive without a state dictionary")
    folder = members[0].removesuffix("data.pkl")
    order = f"{folder}byteorder"
    big_endian = order in archive.namelist() and archive.read(order) == b"big"
    cache: dict[str, np.ndarray] = {}

    def numbers(storage: Storage) -> np.ndarray:
        if storage.key not in cache:
            raw = archive.read(f"{folder}data/{storage.key}")
            cache[storage.key] = numbers_of(storage.kind, raw, big_endian=big_endian)
        return _counted(storage, cache[storage.key])

    return run_pickle(io.BytesIO(archive.read(members[0]))), numbers


def _stream(stream: io.BytesIO) -> tuple[Any, Numbers]:
    if run_pickle(stream) != MAGIC_NUMBER:
        raise ValueError("it was not written by torch.save")
    run_pickle(stream)  # Version of the protocol; there is one.
    system = run_pickle(stream)
    kinds: dict[str, str] = {}
    saved = run_pickle(stream, kinds)
    found = {}
    view = stream.getbuffer()
    for key in run_pickle(stream):
        count = int.from_bytes(stream.read(8), "little")
        start = stream.tell()
        size = 2 if kinds[key] == "bfloat16" else np.dtype(kinds[key]).itemsize
        end = start + count * size
        if end > len(view):
            raise ValueError("it is cut off")
        big_endian = not system["little_endian"]
        found[key] = numbers_of(kinds[key], view[start:end], big_endian=big_endian)
        stream.seek(end)
    return saved, lambda storage: _counted(storage, found[storage.key])


def _counted(storage: Storage, numbers: np.ndarray) -> np.ndarray:
    if len(numbers) != storage.count:
        raise ValueError(f"storage {storage.key} is not as long as announced")
    return numbers


def _rebuild_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Tensor:
    if not isinstance(storage, Storage):
        raise ValueError("a tensor without storage")
    return Tensor(storage, offset, tuple(shape), tuple(strides))


def _dictionary(pairs: Iterable = ()) -> dict:
    return _extended({}, [part for pair in pairs for part in pair])


def _extended(target: dict, flat: list) -> dict:
    for key, value in zip(flat[::2], flat[1::2], strict=True):
        # Nested tuples as keys can take ages to hash.
        if not isinstance(key, str | int):
            raise ValueError("a name is not a text")
        target[key] = value
    return target


REBUILT: dict[str, Callable] = {
    "collections.OrderedDict": _dictionary,
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
}


def run_pickle(stream: BinaryIO, kinds: dict[str, str] | None = None) -> Any:
    """Read one pickle of plain values, dictionaries and tensors.

    Args:
        stream: Positioned at the pickle; left behind it.
        kinds: Filled with the kind of numbers in every storage the pickle mentions.

    Raises:
        ValueError: The pickle is malformed or asks for anything else.
    """
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}

    def taken(count: int) -> list:
        if count > len(stack):
            raise ValueError("the pickle takes more than it has put down")
        return [stack.pop() for _ in range(count)][::-1]

    def marked() -> list:
        return taken(len(stack) - marks.pop())

    # Of the kind that its instruction has.
    argument: Any
    for number, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if number > MOST_INSTRUCTIONS:
            raise ValueError(f"the pickle has more than {MOST_INSTRUCTIONS:,} instructions")
        match opcode.name:
            case "PROTO" | "FRAME":
                pass
            case "MARK":
                marks.append(len(stack))
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[opcode.name])
            case (
                "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT"
                | "BINUNICODE" | "SHORT_BINUNICODE" | "BINSTRING" | "SHORT_BINSTRING"
            ):  # fmt: skip
                stack.append(argument)
            case "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_TUPLE":
                stack.append({"D": dict, "L": list, "T": tuple}[opcode.name[6]]())
            case "TUPLE":
                stack.append(tuple(marked()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(taken(int(opcode.name[-1]))))
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "GLOBAL":
                stack.append(_named(argument.replace(" ", ".")))
            case "STACK_GLOBAL":
                stack.append(_named(".".join(taken(2))))
            case "BINPERSID":
                storage = _storage(*taken(1))
                stack.append(storage)
                if kinds is not None:
                    kinds[storage.key] = storage.kind
            case "REDUCE":
                function, arguments = taken(2)
                if function not in REBUILT.values():
                    raise ValueError("the pickle calls something that rebuilds no tensor")
                stack.append(function(*arguments))
            case "BUILD":
                # Attributes of a dictionary, such as version numbers of modules.
                taken(1)
            case "SETITEM":
                _extended(stack[-3], taken(2))
            case "SETITEMS":
                items = marked()
                _extended(stack[-1], items)
            case "APPEND":
                stack[-2].append(*taken(1))
            case "APPENDS":
                items = marked()
                stack[-1].extend(items)
            case "STOP":
                return stack[-1]
            case other:
                raise ValueError(f"the pickle has the instruction {other}, which states never need")
    raise ValueError("the pickle has no end")


def _named(name: str) -> Any:
    if name in STORAGES:
        return STORAGES[name]
    if name not in REBUILT:
        raise ValueError(f"the pickle asks for {name[:80]!r}, which is no part of a tensor")
    return REBUILT[name]


def _storage(identity: Any) -> Storage:
    match identity:
        case ("storage", str(kind), str(key), _, int(count), *views) if (
            kind in STORAGES.values() and count >= 0 and views in ([], [None])
        ):
            return Storage(kind, key, count)
    raise ValueError("a storage is not described as torch describes it")
