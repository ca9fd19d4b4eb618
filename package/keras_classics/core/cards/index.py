"""The cards of the catalogue as they lie in a file, for who must answer before an engine is there.

`python -m keras_classics.core.cards.index_writer` writes the file.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from keras_classics.core.boundary.text_files import read_json
from keras_classics.core.names import Known, matching, meant

PATH = Path(__file__).with_name("index.json")

# The fields of a card by name, those that JSON does not have as people read them, and "builder",
# the name of its function in `kc.models`.
Facts = dict[str, Any]


@functools.cache
def read() -> dict[str, Facts]:
    """The facts of every model by its name."""
    return read_json(PATH, "the index of the catalogue", "Install keras-classics again.")


def chosen(
    pattern: str = "*", *, family: str | None = None, year: int | None = None
) -> list[Facts]:
    """The facts of some models, as `kc.list_models` chooses and orders them.

    Args:
        pattern: Shell pattern on the name, or on that of the builder.
        family: Only this family.
        year: Only papers of this year.

    Raises:
        InputError: No model is of that family.
    """
    index = read()
    known = [Known(**{key: facts[key] for key in Known._fields}) for facts in index.values()]
    return [index[name] for name in matching(known, pattern, family=family, year=year)]


def facts_of(name: str) -> Facts:
    """The facts of one model, as `kc.card` finds it.

    Raises:
        InputError: The name is unknown; the nearest names are listed.
    """
    index = read()
    return index[meant(name, {each: facts["builder"] for each, facts in index.items()})]
