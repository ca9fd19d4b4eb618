"""JSON of strangers: deep or endless, it is refused at once."""

import pytest

from keras_classics.core.text_files import parse_json


def test_a_text_that_does_not_end_is_looked_at_once():
    # Looked at again from each of its signs, a megabyte would take half an hour.
    hostile = b"[" * 201 + b'"' + b'\\"' * 500_000
    with pytest.raises(ValueError):
        parse_json(hostile)


def test_brackets_in_texts_nest_nothing():
    assert parse_json(b'{"a": "' + b"[" * 300 + b'\\"", "b": [1]}') == {
        "a": "[" * 300 + '"',
        "b": [1],
    }
    with pytest.raises(ValueError):
        parse_json(b"[" * 300 + b"]" * 300)
