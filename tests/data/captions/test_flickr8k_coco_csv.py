"""Captions in the forms of others: Karpathy's JSON, odd tables, single faulty entries."""

import json

import pytest
from PIL import Image

from keras_classics.core.errors import InputError
from keras_classics.data.captions.flickr8k_coco_csv import read_annotations
from keras_classics.data.faults import Faults
from keras_classics.data.load import load

SPLITS = ["train"] * 5 + ["restval"] * 2 + ["val"] * 2 + ["test"]


def karpathy(change=lambda images: None, folders=False):
    """What Karpathy's files say of ten images."""
    images = []
    for number, split in enumerate(SPLITS):
        said = [
            {"tokens": ["a", "dog", str(n)], "raw": f"A dog, {n}.", "imgid": number, "sentid": n}
            for n in range(2)
        ]
        image = {"sentids": [0, 1], "imgid": number, "sentences": said, "split": split}
        image["filename"] = f"{number}.png"
        if folders:
            image |= {"filepath": f"{split[-3:]}2014", "cocoid": 100 + number}
        images.append(image)
    change(images)
    return json.dumps({"images": images, "dataset": "flickr8k"})


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "Images").mkdir()
    for number in range(len(SPLITS)):
        Image.new("RGB", (4, 3), (number, 0, 0)).save(tmp_path / "Images" / f"{number}.png")
    return tmp_path


@pytest.mark.parametrize("folders", [False, True], ids=["flickr", "coco"])
def test_karpathys_splits_and_sentences(folder, folders):
    (folder / "dataset_coco.json").write_text(karpathy(folders=folders))
    data = load(f"captions:{folder}", strict=True)
    assert data.info.sizes == {"train": 7, "validation": 2, "test": 1}
    assert [each.name for each in data.validation] == ["7.png", "8.png"]
    assert data.test[0].captions == ("A dog, 0.", "A dog, 1.")
    assert (data.test[0].image == (9, 0, 0)).all()
    assert "train: dataset_coco.json (2 images of restval among them)" in data.info.split_rule


def test_folders_of_karpathys_tell_equal_names_apart(folder):
    def rename(images):
        images[0]["filename"] = images[9]["filename"] = "same.png"

    for place, number in (("ain2014", 0), ("est2014", 9)):
        (folder / place).mkdir()
        (folder / "Images" / f"{number}.png").rename(folder / place / "same.png")
    (folder / "dataset_coco.json").write_text(karpathy(rename, folders=True))
    data = load(f"captions:{folder}", strict=True)
    assert data.train[0].name == "ain2014/same.png" and (data.train[0].image == 0).all()
    assert data.test[0].name == "est2014/same.png" and data.test[0].image[0, 0, 0] == 9


def test_the_form_that_is_named_brings_its_own_splits(folder):
    # Flickr8k's folder with Karpathy's file added, as most people have it.
    (folder / "dataset.json").write_text(karpathy())
    (folder / "Flickr8k.token.txt").write_text("".join(f"{n}.png#0\ta dog\n" for n in range(10)))
    (folder / "Flickr_8k.trainImages.txt").write_text("0.png\n1.png\n2.png\n3.png\n")
    with pytest.raises(InputError, match="several captions files: Flickr8k.token.txt, dataset.js"):
        load(f"captions:{folder}")
    assert load(f"captions:{folder / 'dataset.json'}").info.sizes["train"] == 7
    assert load(f"captions:{folder / 'Flickr8k.token.txt'}").info.sizes["train"] == 2


def without_raw(images):
    del images[9]["sentences"][0]["raw"]


def test_tokens_stand_for_a_sentence_that_is_not_given(folder):
    (folder / "dataset.json").write_text(karpathy(without_raw))
    assert load(f"captions:{folder}", strict=True).test[0].captions == ("a dog 0", "A dog, 1.")


FAULTS = {
    "of no split": (lambda images: images[3].update(split="extra"), r"entry 4 .*split 'extra'"),
    "without a name": (lambda images: images[3].pop("filename"), r"entry 4 .*names no image"),
    "said by a number": (
        lambda images: images[3]["sentences"][1].update(raw=7),
        r"entry 4 .*'7' for a caption of '3.png'",
    ),
    "never said": (lambda images: images[3].pop("sentences"), "'3.png' has 1 empty captions and 0"),
    "said in a list": (lambda images: images[3].update(sentences=[[1]]), "entry 4 .*for a caption"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_entry_of_karpathys_is_skipped_or_refused_with_its_place(folder, fault):
    change, message = FAULTS[fault]
    (folder / "dataset.json").write_text(karpathy(change))
    data = load(f"captions:{folder}")
    assert data.info.sizes == {"train": 7 - (fault != "said by a number"), **HELD}
    assert data.info.skipped
    with pytest.raises(InputError, match=message):
        load(f"captions:{folder}", strict=True)


HELD = {"validation": 2, "test": 1}


def test_a_faulty_entry_of_cocos_is_skipped_or_refused_with_its_place(tmp_path):
    images = [{"id": n, "file_name": f"{n}.png"} for n in range(6)]
    said = [{"image_id": n, "caption": "a dog"} for n in range(6)]
    said[2], said[4] = {"image_id": 2}, {"image_id": [4], "caption": "a dog"}
    said[5]["caption"], images[0]["file_name"] = 3.5, None
    (tmp_path / "captions.json").write_text(json.dumps({"images": images, "annotations": said}))
    found = read_annotations(tmp_path, Faults())
    assert found.captions == {"1.png": ["a dog"], "3.png": ["a dog"]}
    assert [fault.split(",")[1].split(" of")[0] for fault in found.faults.messages[:3]] == [
        " the image 0", " entry 5", " entry 6",
    ]  # fmt: skip
    with pytest.raises(InputError, match='the image 0 of "images" names no image, but None'):
        read_annotations(tmp_path, Faults(strict=True))


ROW = ("1.png", "a dog; two, | cats", "0")
HEADERS = {
    "spaces within": ("Image Name,Caption,n", ","),
    "dashes and spaces around": (" IMAGE-NAME ; Comment ; n", ";"),
    "bars, quoted": ('"image_name"|"comment"|"n"', "|"),
    "tabs, quoted": ('"file name"\t"Text"\t"n"', "\t"),
    "two that name the image": ("image_id,caption,file_name", ","),
}


@pytest.mark.parametrize("header", HEADERS)
def test_headers_as_people_write_them(tmp_path, header):
    first, separator = HEADERS[header]
    row = ROW if header != "two that name the image" else ("7", ROW[1], "1.png")
    quoted = separator.join(f'"{field}"' for field in row)
    (tmp_path / "captions.csv").write_text(f"\ufeff{first}\r\n{quoted}\r\n")
    assert read_annotations(tmp_path, Faults(strict=True)).captions == {
        "1.png": ["a dog; two, | cats"]
    }


def test_the_known_faulty_row_of_flickr30k_is_named(tmp_path):
    rows = ["image_name| comment_number| comment", "1.jpg| 0| a dog", "2.jpg| 4   A dog runs ."]
    (tmp_path / "results.csv").write_text("\n".join(rows))
    with pytest.raises(InputError, match="line 3 has 2 fields and the header 3.*Correct that line"):
        read_annotations(tmp_path, Faults())
