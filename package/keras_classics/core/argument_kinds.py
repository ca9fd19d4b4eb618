"""Kinds of arguments: what an annotation admits, in words and as a check of a value."""

from __future__ import annotations

import functools
import inspect
import numbers
import operator
import os
import random
import sys
import types
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from keras_classics.core.errors import is_number, is_whole, python_number

if TYPE_CHECKING:
    import numpy as np


class Refused(Exception):
    """A value is not of a kind."""


class Kind(NamedTuple):
    """What an annotation admits; in `Annotated`, what it says itself.

    Attributes:
        words: What that is, in words.
        take: Returns the value as the function shall have it, or raises `Refused`.
        refuse: Raises an error of its own for what is refused.
    """

    words: str
    take: Callable[[Any], Any]
    refuse: Callable[[Any], object] | None = None


def understood(by: Callable[[Any], object], words: str) -> Kind:
    """What something else understands: a name, a function, a config.

    Args:
        by: Raises an error for what it does not understand.
        words: What it does.
    """

    def take(value: Any) -> Any:
        # An initialiser without a seed draws one: those of the caller's layers would be others.
        drawn = random.getstate()
        try:
            by(value)
        # In whatever way it says that it does not.
        except Exception as error:
            raise Refused from error
        finally:
            random.setstate(drawn)
        return value

    return Kind(words, take)


def whole_from(smallest: int) -> Kind:
    """Whole numbers of Python or NumPy, as sizes and counts are.

    Args:
        smallest: The smallest of them.
    """
    words = "a positive whole number" if smallest == 1 else f"a whole number from {smallest} on"

    def take(value: Any) -> int:
        if (whole := _whole(value)) < smallest:
            raise Refused
        return whole

    return Kind(words, take)


def _figure(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise Refused
    return value if isinstance(value, int) else float(value)


# Losses and scores of what has diverged are told like others.
ANY_NUMBER = Kind("a number, infinite ones and NaN too", _figure)


def _name(value: Any) -> str:
    if not isinstance(value, str) or "/" in value:
        raise Refused
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Refused from error
    return value


# Of layers, models and what Keras puts in paths, where a slash divides.
NAME = Kind("a text of whole characters without '/'", _name)


def _wholes(value: Any) -> Any:
    items = _items(value, Sequence)
    if isinstance(items, range) or (
        _is_array(items) and items.ndim == 1 and items.dtype.kind in "iu"
    ):
        return items
    return [_whole(each) for each in items]


# Ids, or places in a list.
WHOLES = Kind("a list or an array, each a whole number", _wholes)


def kind_of(hint: Any) -> Kind | None:
    """What an annotation admits; None where that is everything.

    Args:
        hint: A type, or what `typing` makes of some.
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return None
    if origin is typing.Annotated:
        return typing.cast(Kind, hint.__metadata__[0])
    for each in (hint, origin):
        if each in _PLAIN:
            return _PLAIN[each]
    if (np := _numpy()) and np.ndarray in (hint, origin):
        return Kind("an array of numbers", _array)
    if (typed := sys.modules.get("numpy.typing")) and hint == typed.ArrayLike:
        return Kind("an array of numbers", _like_an_array)
    if origin in (typing.Union, types.UnionType):
        others = [each for each in arguments if each is not str or not _has_paths(arguments)]
        return _union([kind_of(each) for each in others])
    if origin is typing.Literal:
        return Kind(", ".join(map(repr, arguments)), _one_of(arguments))
    if hint is None or hint is type(None):
        return Kind("None", _exactly_none)
    if (origin or hint) is Callable:
        return Kind("a function", _function)
    if origin is type:
        return Kind("a class", _class)
    made = origin or hint
    if not inspect.isclass(made) or typing.Protocol in made.__bases__:
        return None
    if issubclass(made, Mapping):
        return _mapping(arguments)
    if made is tuple:
        return _tuple(arguments)
    if issubclass(made, Iterable) and made.__module__ in ("builtins", "collections.abc"):
        return _several(made, arguments)
    if made.__name__ == "Model" and made.__module__.startswith("keras."):
        return Kind("a keras.Model", _instance(made), _no_model)
    if made.__name__ == "KerasTensor":
        return Kind("a tensor of numbers", _tensor)
    if made is object or typing.is_typeddict(made):
        return None
    return Kind(_named(made), _instance(made))


def _union(kinds: Sequence[Kind | None]) -> Kind | None:
    if None in kinds:
        return None
    known = typing.cast(Sequence[Kind], kinds)

    def take(value: Any) -> Any:
        for kind in known:
            try:
                return kind.take(value)
            except Refused:
                continue
        raise Refused

    return Kind(" or ".join(dict.fromkeys(kind.words for kind in known)), take)


def _one_of(allowed: tuple[Any, ...]) -> Callable[[Any], Any]:
    def take(value: Any) -> Any:
        if isinstance(value, str | int | bool) and value in allowed:
            return value
        raise Refused

    return take


def _exactly_none(value: Any) -> None:
    if value is not None:
        raise Refused


def _truth(value: Any) -> bool:
    if isinstance(value, bool) or (type(value) is int and value in (0, 1)):
        return bool(value)
    if (np := _numpy()) and isinstance(value, np.bool_):
        return bool(value)
    raise Refused


def _whole(value: Any) -> int:
    # What fits no word of the machine fails in all that computes with it.
    if is_whole(value):
        whole = typing.cast(int, python_number(value))
        if -(2**63) <= whole < 2**63:
            return whole
    raise Refused


def _number(value: Any) -> Any:
    if is_number(value):
        return python_number(value)
    raise Refused


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Refused
    return value


def _path(value: Any) -> Any:
    if not isinstance(value, str | os.PathLike):
        raise Refused
    try:
        if b"\0" in os.fsencode(value):
            raise Refused
    except (UnicodeEncodeError, TypeError) as error:
        raise Refused from error
    return value


def _has_paths(arguments: tuple[Any, ...]) -> bool:
    """Whether a union of types admits a path, which may be written as text."""
    return any((typing.get_origin(each) or each) in (os.PathLike, Path) for each in arguments)


def _function(value: Any) -> Any:
    if not callable(value):
        raise Refused
    return value


def _class(value: Any) -> Any:
    if not inspect.isclass(value):
        raise Refused
    return value


def _no_model(value: Any) -> None:
    # Which needs an engine, and is itself held against annotations.
    from keras_classics.core.graphs.graph import check_model

    check_model(value)


def _instance(made: type) -> Callable[[Any], Any]:
    def take(value: Any) -> Any:
        if not isinstance(value, made):
            raise Refused
        return value

    return take


# The kinds of numbers an array may have; bfloat16 is a kind of its own to NumPy.
_OF_NUMBERS = "biufV"


def _array(value: Any) -> np.ndarray:
    import numpy as np

    if isinstance(value, np.ndarray):
        array = value
    elif isinstance(value, list | tuple) or (
        hasattr(value, "__array__") and not isinstance(value, np.generic)
    ):
        try:
            array = np.asarray(value)
        # Of tensors without values, and of rows that differ in length, there is none.
        except Exception as error:
            raise Refused from error
    else:
        raise Refused
    if array.dtype.kind not in _OF_NUMBERS or array.dtype.names:
        raise Refused
    return array


def _like_an_array(value: Any) -> Any:
    import numpy as np

    if isinstance(value, list | tuple):
        # Of different sizes they are no array, which may be what is wanted.
        for each in value:
            if not isinstance(each, numbers.Real | np.bool_):
                _like_an_array(each)
    elif isinstance(value, bool) or not isinstance(value, numbers.Real):
        _array(value)
    return value


def _tensor(value: Any) -> Any:
    if _is_array(value):
        return _array(value)
    if isinstance(value, list | tuple):
        # Of tensors it may be, but not of rows that differ in length.
        tensors = any(hasattr(each, "dtype") for each in value)
        _like_an_array(value) if tensors else _array(value)
        return value
    # Models and layers say in which type they compute.
    if hasattr(value, "dtype") == hasattr(value, "shape"):
        kind: Any = type(value)
        if _is_of_numbers(getattr(value, "dtype", kind)):
            return value
    raise Refused


@functools.cache
def _is_of_numbers(kind: Any) -> bool:
    """Whether the type of an engine's tensors, or one of Python, is of numbers."""
    name = kind.__name__ if isinstance(kind, type) else str(kind)
    name = name.removeprefix("torch.").removeprefix("<dtype: '")
    return name.startswith(("int", "float", "bool", "uint", "bfloat"))


def _mapping(arguments: tuple[Any, ...]) -> Kind:
    keys, values = map(kind_of, arguments) if len(arguments) == 2 else (None, None)

    def take(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise Refused
        taken = {
            keys.take(key) if keys else key: values.take(each) if values else each
            for key, each in value.items()
        }
        same = all(each is taken.get(key, taken) for key, each in value.items())
        return value if same else taken

    parts = [part.words if part else "anything" for part in (keys, values)]
    inner = f" from {parts[0]} to {parts[1]}" if keys or values else ""
    return Kind(f"a dictionary{inner}", take)


def _tuple(arguments: tuple[Any, ...]) -> Kind:
    if not arguments or arguments[-1] is Ellipsis:
        several = _several(tuple, arguments[:1])
        return Kind(several.words, lambda value: tuple(several.take(value)))
    kinds = [kind_of(each) for each in arguments]

    def take(value: Any) -> tuple[Any, ...]:
        items = _items(value, tuple)
        if len(items) != len(kinds):
            raise Refused
        taken = tuple(
            kind.take(item) if kind else item for kind, item in zip(kinds, items, strict=True)
        )
        if isinstance(value, tuple) and all(map(operator.is_, taken, value)):
            # It may have names for its items.
            return value
        return taken

    words = ", ".join(kind.words if kind else "anything" for kind in kinds)
    return Kind(f"{len(kinds)} values ({words})", take)


def _several(made: type, arguments: tuple[Any, ...]) -> Kind:
    kind = kind_of(arguments[0]) if arguments else None

    def take(value: Any) -> Any:
        if made in (Iterable, Iterator) and not isinstance(value, Collection):
            if not isinstance(value, Iterable) or hasattr(value, "dtype"):
                raise Refused
            return value
        items: Any = value if made is Iterable and isinstance(value, set) else _items(value, made)
        # What reads its items from a file is not read to the end.
        if kind is None or not (isinstance(items, list | tuple | set | str) or _is_array(items)):
            return items
        if isinstance(items, str) or (_is_array(items) and items.dtype.kind != "O"):
            # All are of one type.
            for each in items[:1]:
                kind.take(each)
            return items
        taken = [kind.take(each) for each in items]
        if all(each is old for each, old in zip(taken, items, strict=True)):
            # Who fills a list wants to have it back.
            return items
        return tuple(taken) if isinstance(items, tuple) else taken

    inner = f", each {kind.words}" if kind else ""
    return Kind(f"a list or an array{inner}", take)


def _items(value: Any, made: type) -> Any:
    """What a container holds, as what has a length and an order."""
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, str):
        # A text is the list of its characters to Python, and to nobody where numbers are meant.
        return value if made is not tuple else tuple(value)
    if isinstance(value, bytes | bytearray | set | frozenset):
        raise Refused
    if isinstance(value, Sequence):
        return value
    # A table of pandas is the list of its columns.
    if hasattr(value, "columns"):
        raise Refused
    if isinstance(value, Mapping):
        if made is Iterable:
            return list(value)
        raise Refused
    if _is_array(value) and value.ndim:
        return value
    if hasattr(value, "__array__"):
        import numpy as np

        try:
            array = np.asarray(value)
        except Exception as error:
            raise Refused from error
        if array.ndim:
            return array if array.dtype.kind in _OF_NUMBERS else list(array)
        raise Refused
    if hasattr(value, "__len__") and hasattr(value, "__iter__"):
        return value
    raise Refused


def _named(made: type) -> str:
    module = made.__module__.partition(".")[0]
    library = {"keras": "keras.", "keras_classics": "", "numpy": "np.", "pandas": "pd."}
    return f"an object of {library.get(module, module + '.')}{made.__name__}"


_PLAIN: dict[Any, Kind] = {
    bool: Kind("True or False", _truth),
    int: Kind("a whole number", _whole),
    typing.SupportsIndex: Kind("a whole number", _whole),
    float: Kind("a number", _number),
    str: Kind("a text", _text),
    os.PathLike: Kind("the path of a file or folder", _path),
    Path: Kind("the path of a file or folder", lambda value: Path(_path(value))),
}


def _numpy() -> ModuleType | None:
    """NumPy, where somebody has brought it; a program that answers at once does not."""
    return sys.modules.get("numpy")


def _is_array(value: Any) -> bool:
    np = _numpy()
    return np is not None and isinstance(value, np.ndarray)
