"""Whether a run's facts, its model and its data belong together."""

from __future__ import annotations

from collections.abc import Sequence

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError


@checked
def check_count(
    what: str, known: int | tuple[int, ...], trained: int | tuple[int, ...], file: str
) -> None:
    """Refuse facts that have more or fewer of something than a model, or something of other size.

    Args:
        what: What is numbered, such as `"classes"`.
        known: How many the facts have, or of which size.
        trained: How many the model has, or of which size.
        file: The facts' file.

    Raises:
        InputError: They differ.
    """
    if known != trained:
        raise InputError(
            f"{file} has {known} {what} and the model {trained}",
            f"the {file} that was written with the model",
            "Put it back, or train into another --out.",
        )


@checked
def check_classes(known: Sequence[str], found: Sequence[str] | None, file: str) -> None:
    """Refuse data whose classes are others than a model's, or are numbered in another order.

    Args:
        known: Names that the facts have.
        found: Names that the data have; None where they have none.
        file: The facts' file.

    Raises:
        InputError: They differ.
    """
    here = list(found or ())
    if here == list(known):
        return
    told = f"the data have {len(here)} classes and {file} {len(known)}"
    for number, (name, other) in enumerate(zip(here, known, strict=False)):
        if name != other:
            told = f"class {number} of the data is {name!r}, and of {file} {other!r}"
            break
    raise InputError(
        f"The data have other classes than the model was trained on: {told}",
        "the same classes in the same order",
        f"Put back the data, or {file}; or train on these data into another --out.",
    )
