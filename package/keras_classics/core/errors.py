"""Error messages in three parts: what was given, what is allowed, what to do."""

from __future__ import annotations

import importlib
from types import ModuleType


class InputError(ValueError):
    """The user's files, values or settings are wrong; the message says how to mend them.

    All our own checks raise it. Applications print it as one sentence and exit with code 1.
    Anything else that is raised is a defect of ours and keeps its traceback.
    """


class MissingExtraError(InputError, ImportError):
    """A library is not installed; the message says which extra brings it."""


def explain(given: str, allowed: str, remedy: str) -> str:
    """Compose the three-part message every error of the package has.

    Args:
        given: What was received, as a clause (`"pooling='average' was given"`).
        allowed: What would have been accepted.
        remedy: What the user should do, as a full sentence.
    """
    return f"{given.rstrip('.')}. Allowed: {allowed.rstrip('.')}. {remedy}"


def check_choice(
    argument: str, value: object, allowed: tuple[object, ...], remedy: str | None = None
) -> None:
    """Refuse a value that is none of a few.

    Args:
        argument: Name of the argument.
        value: What was given.
        allowed: All admitted values.
        remedy: What to do; by default, to leave the argument out.

    Raises:
        InputError: `value` is not in `allowed`.
    """
    if value not in allowed:
        raise InputError(
            explain(
                f"{argument}={value!r} was given",
                ", ".join(map(repr, allowed)),
                remedy or f"Leave {argument} out for the default.",
            )
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
            explain(
                f"{module.split('.')[0]} is needed here but cannot be imported ({error})",
                "an environment with it installed",
                f"Run: pip install 'keras-classics[{extra}]'.",
            )
        ) from error
