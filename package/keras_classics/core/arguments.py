"""Arguments are of the kinds that annotations say: one check for every public function.

    @checked
    def translate(model: keras.Model, texts: Sequence[str], *, width: int = 5) -> ...

What is given is refused at the door, in a sentence, in place of failing wherever it is first used;
numbers of NumPy and Python's other containers become what the annotation says. Whether a number is
too small, or a name unknown, is for the function to say. Nothing is drawn, opened or computed here.
`core.argument_kinds` says what each annotation admits. What a constructor hands on to Keras by
`**kwargs` is held against what all its layers, losses and metrics take.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import typing
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, TypeVar

from keras_classics.core.argument_kinds import Kind, Refused, kind_of
from keras_classics.core.errors import InputError, shown
from keras_classics.core.names import check_known

Function = TypeVar("Function", bound=Callable[..., Any])
# Returns an argument as the function shall have it, or refuses it.
Check: TypeAlias = Callable[[Any], Any]


def checked(function: Function) -> Function:
    """Refuse arguments that are not of the kind their annotations say.

    Args:
        function: A public function, a method, or a class whose constructor is made of its fields.
            Annotations that are absent, `Any`, or known to a checker of types alone, admit
            everything.

    Returns:
        The function, which raises an `InputError` before it does anything; or the class.
    """
    if inspect.isclass(function):
        function.__init__ = checked(function.__init__)  # type: ignore[method-assign]
        return typing.cast(Function, function)

    # A vocabulary is asked a hundred thousand times: what is not given costs nothing.
    @functools.wraps(function)
    def guarded(*positional: Any, **named: Any) -> Any:
        in_order, further, by_name, known, handed_on = _checks_of(function)
        # Either may be longer.
        pairs = zip(in_order, positional, strict=False)
        given = [check(value) if check else value for check, value in pairs]
        if len(positional) > len(given):
            rest = positional[len(given) :]
            given += [further(value) if further else value for value in rest]
        if not named:
            return function(*given)
        if known is not None and not named.keys() <= known.keys():
            check_known(function.__qualname__.removesuffix(".__init__"), named, known)
        for name, value in named.items():
            if check := by_name.get(name) or (handed_on and _of_keras(name)):
                named[name] = check(value)
        # Of what is missing, and of too many without a name, Python says it best.
        return function(*given, **named)

    # Keras asks for the arguments of a layer in a way that does not look behind a wrapper.
    guarded.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return typing.cast(Function, guarded)


def as_taken(kind: Kind, name: str, value: Any, *, optional: bool = False) -> Any:
    """An argument as its kind takes it.

    Args:
        kind: What its annotation admits.
        name: Name of the argument.
        value: What was given.
        optional: Whether it may be left out.

    Raises:
        InputError: It is of another kind.
    """
    try:
        return kind.take(value)
    except Refused:
        pass
    raise _refusal(kind, name, value, optional)


def _refusal(kind: Kind, name: str, value: Any, optional: bool) -> InputError:
    """What is said of an argument of another kind, if the kind does not say it itself."""
    if kind.refuse:
        kind.refuse(value)
    return InputError(
        f"{name}={shown(value)} was given",
        kind.words,
        f"Leave {name} out for the default." if optional else f"Pass such {name}.",
    )


@functools.cache
def kinds_of(function: Callable[..., Any]) -> dict[str, Kind]:
    """What a function's annotations admit, by argument, but for those that admit everything."""
    # Where it was written, whatever was put around it.
    written = inspect.unwrap(function)
    space = {**vars(typing), **getattr(written, "__globals__", {})}
    kinds = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD or parameter.annotation is parameter.empty:
            continue
        try:
            annotation = parameter.annotation
            hint = eval(annotation, space) if isinstance(annotation, str) else annotation
        except NameError:
            try:
                hint = eval(annotation, {**space, **_imported_for_a_checker(written.__module__)})
            # Of what nobody has loaded there is nothing to be given.
            except (NameError, AttributeError):
                continue
        except (AttributeError, TypeError):
            continue
        if kind := kind_of(hint):
            kinds[name] = kind
    return kinds


def _imported_for_a_checker(module: str) -> dict[str, Any]:
    """Names that a module imports for a checker of types alone, of modules that are loaded."""
    blocks = ast.parse(inspect.getsource(sys.modules[module])).body
    lines = [
        line
        for block in blocks
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for line in block.body
    ]
    names: dict[str, Any] = {}
    for line in lines:
        if isinstance(line, ast.Import):
            for each in line.names:
                names[each.asname or each.name] = sys.modules.get(each.name)
        elif isinstance(line, ast.ImportFrom) and (loaded := sys.modules.get(line.module or "")):
            for each in line.names:
                names[each.asname or each.name] = getattr(loaded, each.name)
    return names


class _Checks(NamedTuple):
    """What looks at arguments by their place, at those of `*args`, and at those by name.

    `known` are all that have a name, in order; None where any other is taken too. `handed_on` says
    whether those go on to a constructor of Keras.
    """

    in_order: list[Check | None]
    further: Check | None
    by_name: dict[str, Check]
    known: dict[str, None] | None
    handed_on: bool


@functools.cache
def _checks_of(function: Callable[..., Any]) -> _Checks:
    # Made at the first call: not every annotation can be read while a module is imported.
    parameters = inspect.signature(function).parameters
    named = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    known = {name: None for name, each in parameters.items() if each.kind in named}
    anything = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    handed_on = anything and function.__name__ == "__init__"
    checks = _Checks([], None, {}, None if anything else known, handed_on)
    kinds = kinds_of(function)
    for name, parameter in parameters.items():
        check = _check_of(kinds[name], parameter) if name in kinds else None
        if parameter.kind is parameter.VAR_POSITIONAL:
            checks = checks._replace(further=check)
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            checks.in_order.append(check)
        if check and name in known:
            checks.by_name[name] = check
    return checks


@functools.cache
def _of_keras(name: str) -> Check | None:
    """What looks at an argument that many layers and losses of Keras take, if it is one."""
    # Which are themselves made of kinds.
    from keras_classics.core import types

    kinds = {
        "name": types.Name | None, "dtype": types.DType, "trainable": bool,
        "activation": types.Activation, "initializer": types.Initializer,
        "regularizer": types.Regularizer, "constraint": types.Constraint,
    }  # fmt: skip
    # As in `recurrent_initializer`.
    hint = kinds.get(name, kinds.get(name.rpartition("_")[2]) if "_" in name else None)
    kind = kind_of(hint) if hint else None
    return functools.partial(as_taken, kind, name, optional=True) if kind else None


def _check_of(kind: Kind, parameter: inspect.Parameter) -> Check:
    name, default, take = parameter.name, parameter.default, kind.take
    optional = default is not parameter.empty

    def check(value: Any) -> Any:
        # A default may be of a kind of its own.
        if value is default:
            return value
        try:
            return take(value)
        except Refused:
            pass
        raise _refusal(kind, name, value, optional)

    return check
