"""XML of strangers: in any encoding it names, without what expands."""

import pytest

from keras_classics.core.boundary.xml_files import read_xml
from keras_classics.core.errors import InputError


def read(tmp_path, content):
    path = tmp_path / "a.xml"
    path.write_bytes(content)
    return read_xml(path, "an annotation", "Mend it.")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "gbk", "shift_jis"]
)
def test_a_file_is_in_the_encoding_that_it_names(tmp_path, encoding):
    text = "é" if encoding == "latin-1" else "車"
    content = f'<?xml version="1.0" encoding="{encoding}"?><a><b> {text}</b></a>'
    assert read(tmp_path, content.encode(encoding)).findtext("b") == f" {text}"


def test_another_encoding_than_it_names_is_told_with_the_line(tmp_path):
    with pytest.raises(InputError, match="line 2 is not in utf-8, its encoding"):
        read(tmp_path, "<a>\né</a>".encode("latin-1"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'<!DOCTYPE a [<!ENTITY l "ha">]><a>&l;</a>', "it has a document type"),
        (b"<a>" * 101 + b"</a>" * 101, "nested more than 100 deep"),
        (b"<a>" + b"<b/>" * 2**19 + b"</a>", "would take"),
        (b'<?xml version="1.0" encoding="zlib"?><a/>', "no encoding of text"),
    ],
)
def test_what_expands_or_is_none_is_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, content)


def test_what_is_deep_enough_is_read(tmp_path):
    root = read(tmp_path, b"<a>" * 100 + b"</a>" * 100)
    assert len(list(root.iter())) == 100
