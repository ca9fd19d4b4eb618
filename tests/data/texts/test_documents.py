"""Running text: the alphabet, files, Python's own library, and windows that continue each other."""

import gzip
import json
import keyword

import numpy as np
import pytest

import keras_classics as kc
from keras_classics.data.worlds import source_code
from keras_classics.data.worlds.source_code import TOKEN_CLASSES, classify_characters
from support import shared

TEXT = "To be, or not to be: that is the question.\n" * 40


def test_an_alphabet_reads_back_what_it_wrote_and_knows_its_own_file(tmp_path):
    alphabet = kc.data.Alphabet("banana\nπ🙂")
    assert alphabet.characters == "\nabnπ🙂"
    assert alphabet.decode(alphabet.encode("ban🙂π\n")) == "ban🙂π\n"
    alphabet.save(tmp_path / "alphabet.json")
    assert kc.data.Alphabet.load(tmp_path / "alphabet.json") == alphabet
    content = json.loads((tmp_path / "alphabet.json").read_text())
    (tmp_path / "changed.json").write_text(json.dumps({**content, "characters": "abc"}))
    for name in ("changed.json", "missing.json"):
        with pytest.raises(kc.InputError, match="saved with the model"):
            kc.data.Alphabet.load(tmp_path / name)


def test_what_an_alphabet_lacks_is_named():
    alphabet = kc.data.Alphabet("abc")
    with pytest.raises(kc.InputError, match="'d', 'z', which the alphabet lacks"):
        alphabet.encode("abzdz")
    with pytest.raises(kc.InputError, match="number 3 was given"):
        alphabet.decode([0, 3])
    with pytest.raises(kc.InputError, match="two different characters"):
        kc.data.Alphabet("aaa")
    alphabet.check_matches(3)
    with pytest.raises(kc.InputError, match="has 4 characters and this one 3"):
        alphabet.check_matches(4)
    with pytest.raises(kc.InputError, match="number 2 is 'd' and here 'c'"):
        alphabet.check_matches(kc.data.Alphabet("abd"))


def test_tiny_shakespeare_is_the_references():
    text = shared("data", "tinyshakespeare", "input.txt").read_text()
    alphabet = kc.data.Alphabet.from_texts([text])
    assert (len(text), len(alphabet)) == (1_115_394, 65)
    ids = alphabet.encode(text).astype("int64")
    # Entropy of a character after its n - 1 predecessors, all counted in the text itself.
    floors, context = [], np.zeros_like(ids)
    for n in range(3):
        grams, contexts = 65 * context[n:] + ids[n:], context[n:]
        seen, before = (np.unique(each, return_counts=True)[1] for each in (grams, contexts))
        floors.append((entropy(seen) - entropy(before)) / np.log(2))
        context[1:] = 65 * context[:-1] + ids[:-1]
        context %= 65 ** (n + 1)
    np.testing.assert_allclose(floors, [4.7794, 3.5383, 2.7520], atol=5e-5)


def entropy(counts):
    shares = counts / counts.sum()
    return -(shares * np.log(shares)).sum()


@pytest.mark.parametrize("pieces", [1, 4])
def test_the_splits_of_a_file_are_the_ends_of_its_pieces(tmp_path, pieces):
    path = tmp_path / "text.txt.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    data = kc.data.load(f"text:{path}", validation=0.1, test=0.2, pieces=pieces)
    splits = [kc.data.collect(each, "text") for each in (data.train, data.validation, data.test)]
    assert {len(documents) for documents in splits} == {pieces}
    whole = ["".join(document.text for document in piece) for piece in zip(*splits, strict=True)]
    assert "".join(whole) == TEXT
    assert len(splits[0][0].text) == pytest.approx(0.7 * len(TEXT) / pieces, abs=1)


def test_a_file_without_a_test_split_has_an_empty_one(tmp_path):
    (tmp_path / "text.txt").write_text(TEXT)
    data = kc.data.load(f"text:{tmp_path / 'text.txt'}", test=0)
    assert kc.data.collect(data.test, "text") == [] and data.info.sizes["test"] == 0


def test_faulty_text_is_refused(tmp_path):
    (tmp_path / "short.txt").write_text("short")
    (tmp_path / "latin.txt").write_bytes(b"fine\ncaf\xe9\n")
    with pytest.raises(kc.InputError, match="5 characters"):
        kc.data.load(f"text:{tmp_path / 'short.txt'}")
    with pytest.raises(kc.InputError, match="line 2 is not valid UTF-8"):
        kc.data.load(f"text:{tmp_path / 'latin.txt'}")
    with pytest.raises(kc.InputError, match="validation=1.5"):
        kc.data.load(f"text:{tmp_path / 'short.txt'}", validation=1.5)
    with pytest.raises(kc.InputError, match="characters=5"):
        kc.data.load("source_code", characters=5)
    with pytest.raises(kc.InputError, match="source_code or text:FILE"):
        kc.data.collect(kc.data.load("digits").train, "text")


def test_source_code_is_whole_files_in_one_split_each_and_the_seeds_choice():
    data = kc.data.load("source_code", characters=60_000, seed=3)
    splits = {
        name: kc.data.collect(getattr(data, name), "text")
        for name in ("train", "validation", "test")
    }
    names = [document.name for documents in splits.values() for document in documents]
    assert len(names) == len(set(names)) and "Standard library of Python" in data.info.origin
    assert sum(len(each.text) for each in splits["train"]) >= 54_000
    again = kc.data.collect(kc.data.load("source_code", characters=60_000, seed=3).train, "text")
    assert [document.text for document in again] == [document.text for document in splits["train"]]
    assert kc.data.load("source_code", characters=60_000, seed=4).info.origin != data.info.origin
    for document in splits["test"]:
        compile(document.text, document.name, "exec")
        assert len(document.token_classes) == len(document.text)
        assert set(document.text) <= {"\n", *map(chr, range(32, 127))}


def test_a_module_more_in_the_library_moves_hardly_another(tmp_path, monkeypatch):
    monkeypatch.setattr(source_code, "_root", lambda: tmp_path)

    def add(number):
        (tmp_path / f"module_{number}.py").write_text(f"number = {number}\n" * 200)

    def sides():
        data = kc.data.load("source_code", characters=60_000, validation=0.2, test=0.2)
        return {
            document.name: name
            for name in ("train", "validation", "test")
            for document in kc.data.collect(getattr(data, name), "text")
        }

    for number in range(100, 120):
        add(number)
    before = sides()
    assert len(before) == 20
    for number in (1, 2, 3):
        add(number)
        after = sides()
        # It takes the place of one at the border of each split at most.
        assert sum(after.get(name) != side for name, side in before.items()) <= 3 * number


def test_token_classes_are_those_of_the_tokens():
    code = 'def f(x):  # why "not"\n    return """a\nb""" + x1 * 0xF\n'
    classes = classify_characters(code)

    def of(name):
        inside = classes == TOKEN_CLASSES.index(name)
        return "".join(c if here else "_" for c, here in zip(code, inside, strict=True))

    assert of("keyword").replace("_", "") == "defreturn"
    assert of("comment").strip("_") == '# why "not"'
    assert of("string").strip("_") == '"""a\nb"""'
    assert of("number").strip("_") == "0xF" and of("operator").replace("_", "") == "():+*"
    assert of("name").replace("_", "") == "fxx1" and keyword.iskeyword("def")
    with pytest.raises(kc.InputError, match="Python source code"):
        classify_characters("(")


@pytest.mark.parametrize("k2", [4, 12])
def test_rows_continue_and_every_character_is_foretold_once(k2):
    documents = [np.arange(30) + 100 * n for n in range(5)]
    windows = kc.data.text_windows(documents, batch_size=3, k1=4, k2=k2)
    assert windows.characters == 5 * 29
    batches = list(windows.epoch().as_numpy_iterator())
    assert len(batches) == windows.steps == 14  # 40 windows in three rows
    foretold = []
    for number, (inputs, targets, weights) in enumerate(batches):
        new = inputs["tokens"][:, -4:]
        np.testing.assert_array_equal(targets[weights > 0], new[weights > 0] + 1)
        foretold += targets[weights > 0].tolist()
        begins = (new[:, 0] % 100 == 0) & (weights[:, 0] > 0)
        np.testing.assert_array_equal(inputs["reset"][:, -1], begins | (number == 0))
        if number:
            # What is read again is what was new before.
            overlap = k2 - 4
            before = np.concatenate([batches[number - 1][0]["tokens"], new], axis=1)
            np.testing.assert_array_equal(inputs["tokens"], before[:, -k2:] if overlap else new)
    expected = [value for document in documents for value in document[1:].tolist()]
    assert sorted(foretold) == sorted(expected)


def test_batches_go_on_from_any_step():
    windows = kc.data.text_windows([np.arange(200) % 7], batch_size=2, k1=5)
    straight = list(windows.batches().take(30).as_numpy_iterator())
    later = list(windows.batches(23).take(7).as_numpy_iterator())
    for (one, _, _), (other, _, _) in zip(straight[23:], later, strict=True):
        np.testing.assert_array_equal(one["tokens"], other["tokens"])
        np.testing.assert_array_equal(one["reset"], other["reset"])


def test_too_little_text_for_the_rows_is_refused():
    with pytest.raises(kc.InputError, match="2 windows of 50 characters was given for 3 rows"):
        kc.data.text_windows([np.arange(90)], batch_size=3)


def test_a_form_feed_ends_no_line_of_code():
    code = "x = 1\n\x0cdef f():\n    pass\n"
    classes = classify_characters(code)
    names = [TOKEN_CLASSES[number] for number in classes]
    assert names[code.index("def") : code.index("def") + 3] == ["keyword"] * 3
    assert names[code.index("pass") : code.index("pass") + 4] == ["keyword"] * 4
    assert names[code.index("f()")] == "name"
