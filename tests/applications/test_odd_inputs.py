"""Odd lines and odd pictures: one answer or one error for each, in order, on its stream."""

import io
import json
import random

import pytest

from applications import odd
from support import load_application


def read(captured):
    """The records on standard output, and what was said beside them."""
    return [json.loads(line) for line in captured.out.split("\n")[:-1]], captured.err.split("\n")


def errors(said):
    return [line for line in said if line.startswith("error")]


@pytest.mark.slow
def test_every_odd_line_has_one_translation_or_one_error(tmp_path, monkeypatch, capsys):
    check_lines(load_application("translation"), 200, tmp_path, monkeypatch, capsys)


def check_lines(application, count, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = odd.lines(count)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\n".join(lines) + b"\n")))
    code = application.main(["translate", "--json"])
    records, said = read(capsys.readouterr())
    assert len(records) == count
    wrong = 0
    for line, record in zip(lines, records, strict=True):
        try:
            text = line.decode().strip()
        except UnicodeDecodeError:
            assert "not valid UTF-8" in record["error"]
            wrong += 1
            continue
        # The mark at the beginning of a text is none of it.
        assert record["query"] == text
        if text == odd.KNOWN:
            assert record["translations"][0] == "3 kilomètres"
        wrong += "error" in record
    assert wrong and len(errors(said)) == wrong
    assert code == 1


@pytest.mark.slow
def test_a_blank_line_has_a_blank_answer_and_is_no_error(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = f"\n{odd.KNOWN}\n   \n{odd.KNOWN}"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert load_application("translation").main(["translate"]) == 0
    captured = capsys.readouterr()
    known = f"{odd.KNOWN} -> 3 kilomètres"
    assert captured.out.split("\n") == ["", known, "", known, ""]
    assert errors(captured.err.splitlines()) == []


@pytest.mark.slow
def test_every_odd_picture_has_one_caption_or_one_error(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pictures = odd.pictures(tmp_path)
    assert len(pictures) >= 45
    asked = list(pictures)
    random.Random(1).shuffle(asked)
    application = load_application("captioning")
    code = application.main(["caption", "--json", *map(str, asked)])
    records, said = read(capsys.readouterr())
    answered = [record["query"] for record in records]
    assert answered == [str(path) for path in asked if pictures[path]]
    assert len(errors(said)) == len(asked) - len(answered)
    assert code == 1
    sound = [str(path) for path, whole in pictures.items() if whole][:3]
    assert application.main(["caption", *sound]) == 0
    captured = capsys.readouterr()
    assert [line.split(": ")[0] for line in captured.out.splitlines()] == sound
