"""PASCAL VOC as it is written."""

import re

import numpy as np
import pytest

from data.pictures.boxed_folders import picture, several, voc, voc_object
from keras_classics.boxes import Truth
from keras_classics.core.errors import InputError
from keras_classics.data import load
from keras_classics.data.doctor import examine
from support import shared

CAT = voc_object("cat", 1, 1, 1, 1)


def everything(data):
    return [*data.train, *data.validation, *data.test]


def boxes_of(folder, **options):
    return {each.name: each for each in everything(load(f"voc:{folder}", **options))}


def test_pixels_are_counted_from_1_and_the_last_one_belongs_to_it(tmp_path):
    found = boxes_of(voc(tmp_path, several(CAT + voc_object("dog", 11, 3, 30, 20))))["p0"]
    assert found.boxes.tolist() == [[0, 0, 1, 1], [2, 10, 20, 30]]
    assert found.box_labels.tolist() == [0, 1] and found.image.shape == (20, 30, 3)
    # A box that fills the picture has its area: VOC's + 1 is in the convention.
    assert found.areas.tolist() == [1.0, 18 * 20]


def test_a_file_that_counts_from_0_is_cut_by_a_pixel_and_kept(tmp_path):
    found = boxes_of(voc(tmp_path, several(voc_object("cat", 0, 0, 10, 10))), strict=True)
    assert found["p0"].boxes.tolist() == [[0, 0, 10, 10]]


def test_fractions_are_numbers_and_flags_are_read(tmp_path):
    odd = voc_object("cat", "45.70000076293945e-1", 2.5, 9, 9, "<difficult>1</difficult>")
    odd += voc_object("cat", 5, 5, 9, 9, "<truncated>0.0597</truncated><occluded>TRUE</occluded>")
    odd += voc_object("cat", 5, 5, 9, 9, "<truncated>true</truncated>")
    odd += voc_object("cat", 5, 5, 9, 9, "<truncated>Unspecified</truncated>")
    found = boxes_of(voc(tmp_path, several(odd)))["p0"]
    np.testing.assert_allclose(found.boxes[0], [1.5, 3.57000007, 9, 9], rtol=1e-6)
    assert found.difficult.tolist() == [True, False, False, False]
    assert found.occlusion.tolist() == [0, 1, 0, 0]
    np.testing.assert_allclose(found.truncation, [0, 0.0597, 1, 0], rtol=1e-6)
    assert Truth.of(found).difficult.tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("", "utf-8-sig"),
        ('<?xml version="1.0" encoding="utf-16"?>', "utf-16"),
        ('<?xml version="1.0" encoding="gbk"?>', "gbk"),
    ],
)
def test_encodings(tmp_path, head, encoding):
    cat = voc_object("猫", 1, 1, 9, 9)
    data = load(f"voc:{voc(tmp_path, several(cat), head=head, encoding=encoding)}", strict=True)
    assert data.info.classes == ("猫",)


def test_files_of_macos_are_passed_over_and_lists_followed(tmp_path):
    voc(tmp_path, several(CAT))
    (tmp_path / "Annotations" / "._p0.xml").write_bytes(b"\x00\x05\x16\x07")
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("p0\np1\n\np2\n")
    (lists / "val.txt").write_text("p3  1\np4 -1\n")
    (lists / "cat_train.txt").write_text("p5 1\n")
    data = load(f"voc:{tmp_path}", strict=True)
    assert [each.name for each in data.validation] == ["p3", "p4"]
    assert len(data.train) == 2 and len(data.test) == 1
    assert "train.txt (1 with annotation in no list are left out)" in data.info.split_rule
    (lists / "val.txt").write_text("p0\n")
    with pytest.raises(InputError, match="'p0' is in the train and in the validation split"):
        load(f"voc:{tmp_path}")


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (voc_object("cat", 9, 9, 5, 12), r"p0.xml, object 2, has the box .*ends behind"),
        (voc_object("cat", 1, 1, 0, 0), "p0.xml, object 2, has the box .*boxes with an area"),
        (voc_object("cat", 0, 0, 0, 0), "p0.xml, object 2, has the box .*all outside"),
        (voc_object("cat", 40, 5, 50, 9), "object 2, .*all outside of the picture's 20 x 30"),
        (voc_object("cat", 5, 5, 33, 9), "object 2, .*3 pixels beyond .*to which it was cut"),
        (voc_object("cat", "left", 5, 9, 9), "object 2, has the name 'cat' and the sides"),
        (voc_object("", 5, 5, 9, 9), "object 2, has the name ''"),
        (voc_object("cat", "nan", 5, 9, 9), "object 2, has the name 'cat' and the sides"),
        (voc_object("cat", 5, 5, 9, 9, "<difficult>2</difficult>"), "2, has the difficult '2'"),
        (voc_object("cat", 5, 5, 9, 9, "<occluded>much</occluded>"), "2, has the occluded 'much'"),
        (voc_object("cat", 5, 5, 9, 9, "<truncated>yes</truncated>"), "has the truncated 'yes'"),
        (voc_object("cat", 5, 5, 9, 9, "<truncated>3</truncated>"), "2, has the truncation 3"),
    ],
)
def test_bad_boxes_are_counted_by_name_and_refused_when_strict(tmp_path, thing, message):
    folder = voc(tmp_path, {**several(CAT), "p0": CAT + thing})
    data = load(f"voc:{folder}")
    (found,) = [each for each in everything(data) if each.name == "p0"]
    kept = 2 if "beyond" in message else 1
    assert len(found.boxes) == len(found.box_labels) == len(found.difficult) == kept
    assert len(data.info.skipped) == 1
    with pytest.raises(InputError, match=message):
        load(f"voc:{folder}", strict=True)


@pytest.mark.parametrize("width", ["nan", "1e999", "wide", ""])
def test_a_size_that_is_no_number_is_none(tmp_path, width):
    folder = voc(tmp_path, several(CAT))
    file = folder / "Annotations" / "p0.xml"
    text = re.sub("<width>.*?</width>", f"<width>{width}</width>", file.read_text())
    assert f">{width}<" in text
    file.write_text(text)
    assert not load(f"voc:{folder}").info.skipped


def test_an_unknown_class_an_absent_picture_and_another_size_are_told(tmp_path):
    voc(tmp_path, several(CAT + voc_object("dog", 2, 2, 9, 9)))
    with pytest.raises(InputError, match="object 2, is of the class 'dog'. Allowed: cat"):
        load(f"voc:{tmp_path}", classes=["cat"], strict=True)
    data = load(f"voc:{tmp_path}", classes=["cat"])
    assert len(data.info.skipped) == 6 and {len(each.boxes) for each in everything(data)} == {1}
    (tmp_path / "JPEGImages" / "p0.png").unlink()
    with pytest.raises(InputError, match="p0.xml is about the picture 'p0', which is not in"):
        load(f"voc:{tmp_path}", strict=True)
    picture(tmp_path / "JPEGImages" / "p0.png", 40, 60)
    with pytest.raises(InputError, match="about a picture of 20 x 30 pixels, and .* has 40 x 60"):
        load(f"voc:{tmp_path}", strict=True)


def test_names_that_no_file_can_have_and_two_files_about_one_picture_are_told(tmp_path):
    voc(tmp_path, several(CAT))
    twin = tmp_path / "Annotations" / "zz.xml"
    text = (tmp_path / "Annotations" / "p0.xml").read_text()
    twin.write_text(text.replace("p0.jpg", "x" * 5000))
    assert (
        "zz.xml is about the picture 'zz', which is not in"
        in load(f"voc:{tmp_path}").info.skipped[0]
    )
    twin.write_text(text.replace(CAT, CAT + voc_object("cat", 1, 1, 4, 4)))
    data = load(f"voc:{tmp_path}")
    assert [len(each.boxes) for each in everything(data) if each.name == "p0"] == [3]
    with pytest.raises(InputError, match=r"zz.xml and .*p0.xml are about the picture .*p0.png"):
        load(f"voc:{tmp_path}", strict=True)


def test_pictures_without_an_annotation_are_remarked_and_no_fault(tmp_path):
    folder = voc(tmp_path, several(CAT))
    picture(folder / "JPEGImages" / "bare.png", seed=9)
    # Of one whose annotation is broken that is said already.
    (folder / "Annotations" / "p0.xml").write_text("<annotation>")
    data = load(f"voc:{folder}")
    assert data.info.remarks == ("1 picture has no annotation: bare.png.",)
    assert len(data.info.skipped) == 1
    assert examine(data).remarks[0] == data.info.remarks[0]


@pytest.mark.parametrize("most", [1.0, 1.5])
def test_shares_of_the_sides_are_no_pixels(tmp_path, most):
    share = voc_object("cat", 0.25, 0.5, 0.75, most)
    with pytest.raises(InputError, match="No box of voc:.* reaches beyond 2.*Multiply"):
        load(f"voc:{voc(tmp_path, several(share))}")
    # One that does reach further shows that they are pixels.
    folder = voc(tmp_path, {**several(share), "p0": voc_object("cat", 1, 1, 9, 9)})
    assert not load(f"voc:{folder}").info.skipped


def test_a_picture_without_boxes_has_none_of_them(tmp_path):
    found = boxes_of(voc(tmp_path, {**several(CAT), "p0": ""}), strict=True)["p0"]
    assert found.boxes.shape == (0, 4) and found.box_labels.shape == (0,)
    assert len(Truth.of(found)) == 0


def test_boxes_are_resized_with_their_pictures(tmp_path):
    found = boxes_of(voc(tmp_path, several(voc_object("cat", 7, 11, 21, 20))), image_size=(60, 15))
    assert found["p0"].image.shape == (60, 15, 3)
    assert found["p0"].boxes.tolist() == [[30, 3, 60, 10.5]]
    assert found["p0"].areas.tolist() == [30 * 7.5]


def test_bccd():
    folder = shared("data", "bccd")
    data = load(f"voc:{folder}")
    assert data.info.classes == ("Platelets", "RBC", "WBC")
    assert len(data.validation) == 87 and len(data.train) + len(data.test) == 205
    counts = np.bincount(np.concatenate([each.box_labels for each in data.validation]))
    assert counts.min() > 50
    # Its README tells of boxes without an extent.
    assert all("boxes with an area" in each or "beyond" in each for each in data.info.skipped)
