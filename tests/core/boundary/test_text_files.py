"""JSON and tables of strangers: deep, endless, shifted or beyond numbers, they are refused at once."""

import gzip

import numpy as np
import pytest

import keras_classics as kc
from keras_classics.core.boundary import text_files
from keras_classics.core.boundary.text_files import (
    parse_json,
    read_json,
    read_lines,
    read_table,
    read_text,
)


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


@pytest.mark.parametrize(
    ("text", "number", "line", "column"),
    [
        ('{"a": 1e999}', "1e999", 1, 7),
        ('{\n"1e999": "a \\" 1e999",\n "b": [1.5,\n -1e999]}', "-1e999", 4, 2),
        ("[11e99, 11e999]", "11e999", 1, 9),
        ("[1,\n  NaN]", "NaN", 2, 3),
        ('["é Infinity", -Infinity]', "-Infinity", 1, 17),
    ],
)
def test_numbers_that_are_none_are_told_with_their_place(tmp_path, text, number, line, column):
    path = tmp_path / "a.json"
    path.write_text(text, "utf-8")
    told = (
        rf"\({number} is no number of JSON \(line {line}, column {column}\)\). Allowed: facts. Mend"
    )
    with pytest.raises(kc.InputError, match=told):
        read_json(path, "facts", "Mend it.")
    path.write_text(text.replace(number, "1e308"), "utf-8")
    read_json(path, "facts", "Mend it.")


def table(tmp_path, text, name="a.csv", **options):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(tmp_path / name, "a table of points", "Measure again.", **options)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a;b\n1;2\n", ["a", "b"]),
        # What is blank above the header is no header, and separates by nothing.
        ("\n  \n\na;b\n1;2\n", ["a", "b"]),
        ("\ufeff\na\tb\n1\t2\n", ["a", "b"]),
        # What is quoted separates nothing.
        ('"a;x;y",b\n1,2\n', ["a;x;y", "b"]),
        ('"a,x,y"|b\n1|2\n', ['"a,x,y"', "b"]),
        ('"a,x,y";b\n\n1;2\n   \n', ["a,x,y", "b"]),
        ('"a\nx",b\n1,2\n', ["a\nx", "b"]),
    ],
)
def test_a_header_tells_the_separator(tmp_path, text, columns):
    found = table(tmp_path, text)
    assert found.columns.tolist() == columns and found.values.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a,b\n1,2,3\n", 2),
        ("a,b\n1,2,3\n4,5,6\n", 2),
        ("\n\na,b\n1,2\n4,5,6\n", 5),
        # An empty field is one, too; pandas leaves it out.
        ("a,b\n1,2,\n", 2),
        ("a,b\n,,\n", 2),
        ("a,b,c\n1,2\n", 2),
        ('a,b\n"1\n",2\n3\n', 4),
    ],
)
@pytest.mark.parametrize("options", [{}, {"usecols": ["a"]}], ids=["all", "one"])
def test_rows_of_other_lengths_than_the_header_are_refused_with_their_line(
    tmp_path, text, line, options
):
    told = rf"\(line {line} has \d fields and the header \d\). Allowed: a table of points. Measure"
    with pytest.raises(kc.InputError, match=told):
        table(tmp_path, text, **options)


def test_rows_of_other_lengths_may_be_told_and_left_out(tmp_path):
    # Rows end where they do in the file, whatever is blank above them or quoted in them.
    text = '\n"a\nx",b\n1,2\n\n3\n  \n"4\n4,5","5\n",6\n"7\n7",8\n9,10\n'
    told = []
    found = table(tmp_path, text, uneven=told.append, dtype=str)
    assert told == [f"line {n} has {m} fields and the header 2" for n, m in ((6, 1), (10, 3))]
    assert found.values.tolist() == [["1", "2"], ["7\n7", "8"], ["9", "10"]]
    assert found.index.tolist() == [4, 12, 13]
    assert table(tmp_path, "a\n1\n  \n2\n", uneven=told.append).index.tolist() == [2, 4]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"a,b\n" + b"x" * (2**20 + 1), "line 2 has more than 1,048,576 bytes"),
        (b"a,b\n1,\xff\n", "line 2 is not valid UTF-8"),
        (b'a,b\n1,"2\n', "unexpected end of data"),
        (b"\n", "No columns"),
        (None, "No such file"),
    ],
)
def test_whatever_is_wrong_with_a_table_the_remedy_is_the_callers(tmp_path, text, reason):
    with pytest.raises(
        kc.InputError, match=f"{reason}.*Allowed: a table of points. Measure again."
    ):
        if text is None:
            read_table(tmp_path / "a.csv", "a table of points", "Measure again.")
        table(tmp_path, text)


def test_a_table_has_a_thousand_columns_at_most(tmp_path):
    def wide(count):
        return table(tmp_path, ",".join(map(str, range(count))) + "\n" + "1," * (count - 1) + "1\n")

    assert wide(1000).shape == (1, 1000)
    with pytest.raises(kc.InputError, match="header has more than 1,000 fields"):
        wide(1001)


def test_what_is_packed_may_be_six_times_as_large_or_64_megabytes(tmp_path, monkeypatch):
    # What is not packed at all, and what packs to nothing.
    plain, path = gzip.compress(b"a line\n" * 15_000, 0), tmp_path / "a.gz"

    def read(share):
        path.write_bytes(plain + gzip.compress(b"a line\n" * int(15_000 * share)))
        return len(read_text(path)), len(read_lines(path))

    path.write_bytes(gzip.compress(bytes(2**26)))
    assert len(read_text(path)) == 2**26
    path.write_bytes(gzip.compress(bytes(2**26 + 1)))
    with pytest.raises(kc.InputError, match="unpacks to more than 67,108,864 bytes"):
        read_text(path)
    monkeypatch.setattr(text_files, "_FLOOR_BYTES", 0)
    read(4.8)
    with pytest.raises(kc.InputError, match="unpacks to more than"):
        read(5.2)


def test_half_a_character_is_refused_and_two_halves_are_one():
    assert text_files.parse_json(r'["\ud83d\ude00", "\\ud800"]') == ["\U0001f600", r"\ud800"]
    with pytest.raises(ValueError, match=r"half a character, '\\ud800'"):
        text_files.parse_json(r'{"a": ["b\ud800"]}')


def test_what_cannot_be_written_is_refused_and_the_remedies_work(tmp_path):
    path, text = tmp_path / "a.json", "a\ud800b"
    with pytest.raises(kc.InputError, match=r"half a character, '\\ud800'"):
        text_files.write_text(path, text)
    text_files.write_text(path, text.encode(errors="ignore").decode())
    assert read_text(path) == "ab"
    circle = []
    circle.append(circle)
    for content in (np.float32(1), {"a": np.arange(2)}, {(1, 2): 3}, object(), circle, [text]):
        with pytest.raises(kc.InputError, match=r"\. Allowed: "):
            text_files.write_json(path, content)
    text_files.write_json(path, {"a": np.arange(2).tolist(), "b": str(object)})
    assert read_text(path).startswith('{\n "a": [')
