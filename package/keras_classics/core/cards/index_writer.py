"""Write the index of cards anew, after a card or a builder has changed.

    python -m keras_classics.core.cards.index_writer

A test holds the file equal to the catalogue.
"""

from __future__ import annotations

import json
from dataclasses import fields

from keras_classics.core.cards import index
from keras_classics.core.cards.catalogue import builder, card, list_models


def text() -> str:
    """What the file should hold."""
    return json.dumps({name: _facts(name) for name in list_models()}, indent=1) + "\n"


def _facts(name: str) -> index.Facts:
    facts = {field.name: getattr(card(name), field.name) for field in fields(card(name))}
    facts["input_shape"] = "x".join(map(str, facts["input_shape"]))
    facts["recipes"] = {key: str(recipe) for key, recipe in facts["recipes"].items()}
    plain = {key: value if _is_plain(value) else str(value) for key, value in facts.items()}
    return {"name": name, "builder": builder(name).__name__} | plain


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | dict)


if __name__ == "__main__":
    index.PATH.write_text(text(), "utf-8")
    print(index.PATH)
