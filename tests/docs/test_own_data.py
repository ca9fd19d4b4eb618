"""The layouts that the guide to own data shows are read, and its options are those of readers."""

import importlib
import inspect
import json
import re

import numpy as np
import pytest

import pages
from data.pictures.boxed_folders import picture
from keras_classics.data import load
from keras_classics.data.load import SOURCES

PAGE = pages.DOCS / "own_data.md"
NAMES = [f"p{number}" for number in range(6)]


def written(folder, language, text):
    """The data set of a block, with its picture `a.png` six times over; what loads it."""
    folders = {"xml": "JPEGImages", "text": "image_2"}
    for number, name in enumerate(NAMES):
        picture(folder / folders.get(language, "images") / f"{name}.png", seed=number)
    if language == "csv":
        header, row = text.splitlines()
        rows = [row.replace("a.png", f"{name}.png") for name in NAMES]
        (folder / "boxes.csv").write_text("\n".join([header, *rows]))
        return f"boxes:{folder / 'boxes.csv'}"
    if language == "json":
        content = json.loads(text)
        (image,), (thing,) = content["images"], content["annotations"]
        content["images"] = [
            {**image, "id": number, "file_name": f"{name}.png"} for number, name in enumerate(NAMES)
        ]
        content["annotations"] = [{**thing, "image_id": number} for number in range(len(NAMES))]
        (folder / "instances.json").write_text(json.dumps(content))
        return f"coco:{folder / 'instances.json'}"
    place, ending, scheme = {
        "xml": ("Annotations", ".xml", "voc"), "text": ("label_2", ".txt", "kitti"),
    }[language]  # fmt: skip
    (folder / place).mkdir()
    for name in NAMES:
        (folder / place / f"{name}{ending}").write_text(text.replace("a.png", f"{name}.png"))
    return f"{scheme}:{folder}"


@pytest.mark.parametrize("language", ["csv", "xml", "json", "text"])
def test_every_form_of_the_cat_is_the_same_box(language, tmp_path):
    (block,) = [each for each in pages.blocks(PAGE) if each.language == language]
    data = load(written(tmp_path, language, block.text), strict=True)
    assert data.info.classes == ("cat",) and sum(data.info.sizes.values()) == len(NAMES)
    told = re.search(r"here `\(([\d, ]+)\)`", PAGE.read_text())[1]
    np.testing.assert_array_equal(data.train[0].boxes, [[int(each) for each in told.split(",")]])
    assert not data.info.remarks


def test_the_options_of_every_source_are_those_of_its_reader():
    rows = re.findall(r"^\| `(\w+)` \| `([\w.]+)` \| (.*) \|$", PAGE.read_text(), re.M)
    told = {source: (reader, re.findall(r"`(\w+)`", options)) for source, reader, options in rows}
    assert sorted(told) == sorted(SOURCES)
    for name, source in SOURCES.items():
        reader = getattr(
            importlib.import_module(f"keras_classics.data.{source.module}"), source.function
        )
        options = inspect.signature(reader).parameters.values()
        known = [each.name for each in options if each.kind is each.KEYWORD_ONLY]
        assert told[name] == (f"{source.module}.{source.function}", known)
