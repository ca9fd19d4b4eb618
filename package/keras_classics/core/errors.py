"""Error messages in three parts: what was given, what is allowed, what to do.

The checks make what they admit Python's own: a count of NumPy's (`y.max() + 1`) is a whole number,
and comes back as `int`, which a saved file can hold.
"""

from __future__ import annotations

import importlib
import math
import numbers
import operator
from collections.abc import Iterable, Sized
from types import ModuleType
from typing import TYPE_CHECKING, SupportsFloat, SupportsIndex, TypeGuard, cast

if TYPE_CHECKING:
    import numpy as np

# No axis of an engine is longer, and labels are numbers of 32 bits.
LARGEST = 2**31 - 1


class InputError(ValueError):
    """The user's files, values or settings are wrong; the message says how to mend them.

    All our own checks raise it. Applications print it as one sentence and exit with its code.
    Anything else that is raised is a defect of ours and keeps its traceback.

    Args:
        given: As for `explain`; or the whole message, of one that was composed elsewhere.
        allowed: As for `explain`.
        remedy: As for `explain`.
    """

    exit_code = 1

    def __init__(self, given: str, allowed: str = "", remedy: str = "") -> None:
        super().__init__(explain(given, allowed, remedy) if allowed or remedy else given)


class UsageError(InputError):
    """What was typed is no command."""

    exit_code = 2


class UnknownArgumentError(InputError, TypeError):
    """A function has no argument of the name; Python's own error of that is a TypeError too."""


class MissingExtraError(InputError, ImportError):
    """A library is not installed; the message says which extra brings it."""


def explain(given: str, allowed: str, remedy: str) -> str:
    """Compose the three-part message every error of the package has.

    Args:
        given: What was received, as a clause (`"pooling='average' was given"`).
        allowed: What would have been accepted.
        remedy: What the user should do, as a full sentence.
    """
    return f"{given.removesuffix('.')}. Allowed: {allowed.removesuffix('.')}. {remedy}"


def shown(value: object) -> str:
    """A value in an error message: on one line, and not all of an array.

    Args:
        value: What was given.
    """
    try:
        if not isinstance(value, type) and (shape := tuple(getattr(value, "shape", ()))):
            return f"<{type(value).__name__} of shape {shape}>"
        text = " ".join(repr(value).split())
    # What cannot be shown is still of a type.
    except Exception:
        text = f"<{type(value).__name__}>"
    # A lone half of a surrogate pair cannot be printed.
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


# Of a value in a message.
_LONGEST = 200


def check_choice(
    argument: str, value: object, allowed: tuple[object, ...], remedy: str | None = None
) -> None:
    """Refuse a value that is none of a few.

    Args:
        argument: Name of the argument.
        value: What was given.
        allowed: All admitted values.
        remedy: What to do, behind the question whether a near value was meant; by default, to leave
            the argument out.

    Raises:
        InputError: `value` is not in `allowed`.
    """
    # Arrays and tensors compare with a name element by element.
    plain = type(value).__module__ in ("builtins", "numpy") and not getattr(value, "shape", ())
    if not any(value is each or (plain and value == each) for each in allowed):
        remedy = remedy or f"Leave {argument} out for the default."
        if isinstance(value, str):
            # Which itself speaks by way of this module.
            from keras_classics.core.names import did_you_mean

            texts = [each for each in allowed if isinstance(each, str)]
            remedy = f"{did_you_mean(value, texts)} {remedy}".lstrip()
        raise InputError(
            f"{argument}={shown(value)} was given", ", ".join(map(repr, allowed)), remedy
        )


def is_whole(value: object) -> TypeGuard[SupportsIndex]:
    """Whether a value is a whole number of Python, NumPy or an engine; truth values are none."""
    # A float has no index, an array only where it is one whole number.
    return not isinstance(value, bool) and _index(value) is not None


def is_number(value: object) -> TypeGuard[SupportsFloat]:
    """Whether a value is a finite number of Python or NumPy; truth values are none."""
    if isinstance(value, bool):
        return False
    try:
        return (is_whole(value) or isinstance(value, numbers.Real)) and math.isfinite(float(value))
    # Beyond all numbers with a point.
    except OverflowError:
        return False


def python_number(value: SupportsIndex | SupportsFloat) -> int | float:
    """A number that is one, as Python's own."""
    if type(value) in (int, float):
        return cast(float, value)
    return operator.index(value) if is_whole(value) else float(value)


def check_whole(
    argument: str,
    value: object,
    smallest: int = 1,
    remedy: str | None = None,
    *,
    largest: int = LARGEST,
) -> int:
    """A count or size as `int`.

    Args:
        argument: Name of the argument.
        value: What was given: a whole number of Python or NumPy.
        smallest: The smallest admitted one.
        remedy: What to do; by default, to give the smallest or more.
        largest: The largest admitted one.

    Raises:
        InputError: It is no whole number, or a smaller or larger one.
    """
    if is_whole(value) and smallest <= (whole := operator.index(value)) <= largest:
        return whole
    beyond = is_whole(value) and operator.index(value) > largest
    allowed = "a positive whole number" if smallest == 1 else f"a whole number from {smallest} on"
    if beyond or largest != LARGEST:
        allowed = f"a whole number from {smallest} to {largest:,}"
    if beyond:
        remedy = f"Pass {argument}={largest} or less."
    raise InputError(
        f"{argument}={shown(value)} was given",
        allowed,
        remedy or f"Pass {argument}={smallest} or more.",
    )


def check_wholes(
    argument: str, values: Iterable[object], smallest: int = 1, count: int | None = None
) -> tuple[int, ...]:
    """Several counts or sizes as a tuple of `int`.

    Args:
        argument: Name of the argument.
        values: What was given: a list, tuple or array of whole numbers.
        smallest: The smallest admitted one.
        count: How many there must be; by default one or more.

    Raises:
        InputError: They are not whole numbers from `smallest` on, or another number of them.
    """
    given = _listed(values)
    wholes = tuple(operator.index(value) for value in given if is_whole(value))
    if given and len(wholes) == len(given) == (count or len(given)):
        if all(smallest <= whole <= LARGEST for whole in wholes):
            return wholes
    raise InputError(
        f"{argument}={shown(values)} was given",
        f"{'one or more' if count is None else count} whole numbers from {smallest} on",
        f"Leave {argument} out for the default.",
    )


def check_pair(
    argument: str, value: object, smallest: int = 1, remedy: str | None = None
) -> tuple[int, int]:
    """A size of pictures, one for both directions or two, as two of `int`.

    Args:
        argument: Name of the argument.
        value: What was given: a whole number, or two, height and width.
        smallest: The smallest admitted one.
        remedy: What to do; by default, to give the smallest or more.

    Raises:
        InputError: It is neither, or smaller.
    """
    pair: list[object] = [value, value]
    if isinstance(value, Iterable) and not isinstance(value, str) and not is_whole(value):
        pair = _listed(value)
    whole = [operator.index(side) for side in pair if is_whole(side)]
    if len(pair) == len(whole) == 2 and all(smallest <= side <= LARGEST for side in whole):
        return whole[0], whole[1]
    one = "a positive whole number" if smallest == 1 else f"a whole number from {smallest} on"
    raise InputError(
        f"{argument}={shown(value)} was given",
        f"{one}, or a pair (height, width) of them",
        remedy or f"Pass {argument}={smallest} or more.",
    )


def check_axes(argument: str, value: object, axes: str, remedy: str | None = None) -> None:
    """Refuse an array or tensor of another number of axes.

    Args:
        argument: Name of the argument.
        value: What was given: it has a shape.
        axes: The axes, `"(batch, steps)"`.
        remedy: What to do; by default, to give those.

    Raises:
        InputError: It has more axes, or fewer.
    """
    shape = tuple(getattr(value, "shape", ()))
    if len(shape) != axes.count(",") + 1:
        raise InputError(
            f"{argument} of shape {shape} was given",
            f"the axes {axes}",
            remedy or f"Give {argument} those axes, with 1 for what there is one of.",
        )


def check_even(argument: str, value: object) -> np.ndarray:
    """An array of what was given, of which all rows are of one length.

    Args:
        argument: Name of the argument.
        value: What was given: an array or nested lists.

    Raises:
        InputError: Its rows are of different lengths.
    """
    # Commands that need no arrays answer without the time that this takes.
    import numpy as np

    try:
        return np.asarray(value)
    except ValueError:
        raise InputError(
            f"{argument} with rows of different lengths were given",
            "rows of one length",
            "Add to the shorter ones what is missing.",
        ) from None


def check_lengths(argument: str, value: Sized, other: str, beside: Sized) -> None:
    """Refuse two lists that should go together and differ in length.

    Args:
        argument: Name of the one.
        value: What was given for it.
        other: Name of the other.
        beside: What was given for that.

    Raises:
        InputError: One is longer.
    """
    if len(value) != len(beside):
        raise InputError(
            f"{len(value)} {argument} and {len(beside)} {other} were given",
            "as many of the one as of the other",
            f"Give one of {other} for each of {argument}.",
        )


def check_places(argument: str, value: Iterable[int], count: int, first: int = 0) -> None:
    """Refuse numbers of things of which there are fewer.

    Args:
        argument: Name of the argument.
        value: What was given: whole numbers.
        count: How many things there are.
        first: The number of the first of them.

    Raises:
        InputError: There is nothing of one of the numbers.
    """
    for place in value:
        if not first <= place < first + count:
            raise InputError(
                f"{argument} with {place} was given, where there are {count}",
                f"numbers from {first} to {first + count - 1}" if count else "no number",
                f"Leave {place} out.",
            )


def check_positive(argument: str, value: object, remedy: str | None = None) -> float:
    """A factor or size as a positive number of Python.

    Args:
        argument: Name of the argument.
        value: What was given: a number of Python or NumPy.
        remedy: What to do; by default, to leave the argument out.

    Raises:
        InputError: It is no finite number above 0.
    """
    if is_number(value) and float(value) > 0:
        return float(value)
    raise _refused(argument, value, "a positive number", remedy)


def check_rate(argument: str, value: object, remedy: str | None = None) -> float:
    """A rate of dropping, from 0 up to but not including 1, as a number of Python.

    Args:
        argument: Name of the argument.
        value: What was given: a number of Python or NumPy.
        remedy: What to do; by default, to leave the argument out.

    Raises:
        InputError: It is no number, or outside.
    """
    if is_number(value) and 0 <= float(value) < 1:
        return float(value)
    raise _refused(argument, value, "a number from 0 to below 1", remedy)


def check_probability(argument: str, value: object, remedy: str | None = None) -> float:
    """A probability, from 0 to 1, as a number of Python.

    Args:
        argument: Name of the argument.
        value: What was given: a number of Python or NumPy.
        remedy: What to do; by default, to leave the argument out.

    Raises:
        InputError: It is no number, or outside.
    """
    if is_number(value) and 0 <= float(value) <= 1:
        return float(value)
    raise _refused(argument, value, "a number from 0 to 1", remedy)


def check_overlap(argument: str, value: object) -> float:
    """An overlap or another share of which there is something: above 0, and 1 at most.

    Args:
        argument: Name of the argument.
        value: What was given.

    Raises:
        InputError: It is no number, or outside.
    """
    if is_number(value) and 0 < float(value) <= 1:
        return float(value)
    raise _refused(argument, value, "a number above 0, up to 1", None)


def _index(value: object) -> int | None:
    try:
        return operator.index(value)  # type: ignore[arg-type]  # whether it has one is the question
    # Tensors without a value say in many ways that they have none.
    except Exception:
        return None


def _listed(values: object) -> list[object]:
    """What there is to iterate over, if there is."""
    try:
        return list(values) if isinstance(values, Iterable) else []
    # A symbolic tensor only says when it is asked that it cannot be.
    except Exception:
        return []


def _refused(argument: str, value: object, allowed: str, remedy: str | None) -> InputError:
    return InputError(
        f"{argument}={shown(value)} was given",
        allowed,
        remedy or f"Leave {argument} out for the default.",
    )


def import_extra(module: str, extra: str) -> ModuleType:
    """Import an optional library, or say which extra installs it.

    Args:
        module: Dotted module name, for example `"pycocoevalcap.bleu.bleu_scorer"`.
        extra: The extra of keras-classics that brings the library.

    Raises:
        MissingExtraError: The library is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{module.split('.')[0]} is needed here but cannot be imported ({error})",
            "an environment with it installed",
            installing(extra),
        ) from error


def installing(extra: str) -> str:
    """What to run for an extra: its name alone has the bounds of what it brings.

    Args:
        extra: Its name in `pyproject.toml`.
    """
    return f"Run: pip install 'keras-classics[{extra}]', or in a clone '.[{extra}]'."
