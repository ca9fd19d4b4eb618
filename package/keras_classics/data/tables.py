"""Tables of texts, whose columns go by several names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_classics.core.boundary.text_files import read_table
from keras_classics.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def text_table(
    path: Path, remedy: str, uneven: Callable[[str], object] | None = None
) -> pd.DataFrame:
    """Read a table as texts; its header in lower case, with `_` for spaces and hyphens.

    Args:
        path: The file.
        remedy: What to do where it is none, for the message.
        uneven: As for `read_table`.
    """
    table = read_table(
        path,
        "a header, then rows with as many fields as the header",
        remedy,
        uneven=uneven,
        dtype=str,
        keep_default_na=False,
        skipinitialspace=True,
    )
    table.columns = [re.sub(r"[\s-]+", "_", str(each).strip().lower()) for each in table.columns]
    return table


def column_named(path: Path, columns: Sequence[str], names: Sequence[str], remedy: str) -> int:
    """The place in a header of the first of some names that it has."""
    for name in names:
        if name in columns:
            return list(columns).index(name)
    raise InputError(
        f"{path} has the columns {', '.join(columns)}", f"also {' or '.join(names)}", remedy
    )
