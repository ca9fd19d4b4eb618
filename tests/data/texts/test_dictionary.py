"""Dictionaries as files and in the units of vocabularies."""

import pytest

import keras_classics as kc
from keras_classics.data.texts.dictionary import dictionary_units


def test_a_file_is_read_line_by_line(tmp_path):
    file = tmp_path / "words.tsv"
    file.write_text("zebra\tzèbre\n\n potato \tpomme de terre\nzebra\tcheval rayé\n")
    assert kc.data.read_dictionary(file) == {"zebra": "zèbre", "potato": "pomme de terre"}
    for line in ("zebra", "zebra\t", "a\tb\tc"):
        file.write_text(f"one\tun\n{line}\n")
        with pytest.raises(kc.InputError, match="line 2 is .* a word, a tab and its translation"):
            kc.data.read_dictionary(file)
    with pytest.raises(kc.InputError, match="cannot be read"):
        kc.data.read_dictionary(tmp_path / "none")


@pytest.mark.parametrize("unit", ["word", "token"])
def test_entries_replace_units_wherever_they_stand(unit):
    source, target = (
        kc.data.make_vocabulary(unit, [text]) for text in ("the semi-zebra", "le demi-zèbre")
    )
    units = dictionary_units({"zebra": "zèbre", "the": "pomme de terre"}, source, target)
    written = target.join([units.get(word, word) for word in source.split("the semi-zebra")])
    assert written == {
        "word": "pomme de terre semi zèbre", "token": "pomme de terre semi-zèbre"
    }[unit]  # fmt: skip


@pytest.mark.parametrize("entry", [("New York", "Nova Iorque"), ("zebra", "..."), ("-", "x")])
def test_entries_of_other_than_words_are_refused(entry):
    vocabulary = kc.data.Vocabulary(["word"])
    with pytest.raises(kc.InputError, match="Leave such entries out"):
        dictionary_units(dict([entry]), vocabulary, vocabulary)
