"""Odd lines and odd pictures: one answer or one error for each, in order, on its stream."""

import io
import json
import os
import random

import pytest
from PIL import Image

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
    assert len(pictures) >= 50
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


TINY = ["--epochs", "1", "--batch-size", "8", "--units", "6", "--quiet"]
# What each is trained on.
LABELLERS = {
    "classify": ["--data-options", "train=40", "validation=10", "test=10"],
    "tag": ["--data-options", "characters=10000"],
    "recognize": ["--data-options", "train=24", "validation=8", "test=6", "digits=(2,3)"],
}


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classify", "tag"])
def test_every_odd_text_has_its_labels_or_one_error(task, tmp_path, capsys):
    application = load_application("labelling")
    made = ["--task", task, *LABELLERS[task], *TINY, "--out", str(tmp_path)]
    # A class is told by the export, tags by the run's own model.
    assert application.main(made if task == "classify" else ["train", *made]) == 0
    capsys.readouterr()
    check_texts(application, 40, tmp_path, capsys)


def check_texts(application, count, folder, capsys):
    # As a process gets them: what is no text has halves of characters.
    texts = [os.fsdecode(line) for line in odd.lines(count)]
    code = application.main(["label", "--json", "--out", str(folder), "--", *texts])
    records, said = read(capsys.readouterr())
    sound = [text for text in texts if is_text(text)]
    assert [record["query"] for record in records] == sound
    assert len(errors(said)) == count - len(sound) > 0
    assert code == 1
    known = [json.dumps(record) for record in records if record["query"] == odd.KNOWN]
    assert len(known) >= count // 10 and len({*known}) == 1
    for record in records:
        if "units" in record:
            assert "".join(record["units"]) == record["query"]
            assert len(record["classes"]) == len(record["units"])
        else:
            assert sum(record["probabilities"].values()) == pytest.approx(1, abs=1e-3)


def is_text(given):
    """Whether it holds a character and is no half of one."""
    try:
        return bool(given.encode())
    except UnicodeEncodeError:
        return False


@pytest.mark.slow
def test_every_odd_picture_of_a_line_is_read_or_one_error(tmp_path, capsys):
    application = load_application("labelling")
    folder, run = tmp_path / "pictures", tmp_path / "run"
    folder.mkdir()
    pictures = dict.fromkeys(odd.pictures(folder), False)
    for number, mode in enumerate(("RGB", "L", "1", "RGBA", "P")):
        line = Image.new("RGB", (40 - 9 * number, 12), (90, 0, 200)).convert(mode)
        line.save(folder / f"line_{mode}.png")
        pictures[folder / f"line_{mode}.png"] = True
    made = [*LABELLERS["recognize"], *TINY, "--out", str(run)]
    assert application.main(["train", *made]) == 0
    capsys.readouterr()
    asked = list(pictures)
    random.Random(1).shuffle(asked)
    code = application.main(["label", "--json", "--out", str(run), *map(str, asked)])
    records, said = read(capsys.readouterr())
    assert [each["query"] for each in records] == [str(path) for path in asked if pictures[path]]
    assert len(errors(said)) == len(asked) - len(records)
    assert code == 1
