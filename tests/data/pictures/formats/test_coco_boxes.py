"""COCO's instances: ids with gaps, crowds, outlines."""

import json

import numpy as np
import pytest
from PIL import Image

from data.pictures.boxed_folders import picture
from keras_classics.boxes import Truth
from keras_classics.core.errors import InputError
from keras_classics.data import load
from keras_classics.data.doctor import examine
from keras_classics.data.pictures.formats.coco_boxes import _around, _unpacked, object_masks
from support import shared

CATEGORIES = [{"id": 90, "name": "toothbrush"}, {"id": 1, "name": "person"}, {"id": 13, "name": "stop sign"}]  # fmt: skip


def annotation(image=0, category=13, bbox=(4, 2, 10, 5), **more):
    return {"image_id": image, "category_id": category, "bbox": list(bbox), **more}


def written(folder, annotations, count=6, name="instances.json", categories=CATEGORIES):
    for number in range(count):
        picture(folder / "images" / f"{number}.png", seed=number)
    images = [
        {"id": number, "file_name": f"{number}.png", "height": 20, "width": 30}
        for number in range(count)
    ]
    content = {"images": images, "categories": categories, "annotations": annotations}
    (folder / name).write_text(json.dumps(content))
    return folder / name


def first(file, **options):
    data = load(f"coco:{file}", **options)
    found = [*data.train, *data.validation, *data.test]
    return next(each for each in found if each.name == "0.png"), data


def test_width_and_height_become_ends_and_ids_with_gaps_numbers_from_0(tmp_path):
    found, data = first(written(tmp_path, [annotation(), annotation(category=90)]), strict=True)
    assert found.boxes.tolist() == [[2, 4, 7, 14]] * 2
    assert data.info.classes == ("person", "stop sign", "toothbrush")
    assert found.box_labels.tolist() == [1, 2]
    assert [data.info.class_ids[label] for label in found.box_labels] == [13, 90]


def test_crowd_ignore_and_area(tmp_path):
    annotations = [
        annotation(iscrowd=1, area=17.5),
        annotation(ignore=1, iscrowd=0),
        annotation(),
    ]
    truth = Truth.of(first(written(tmp_path, annotations))[0])
    assert truth.crowd.tolist() == [True, False, False]
    assert truth.difficult.tolist() == [False, True, False]
    assert truth.areas.tolist() == [17.5, 50, 50]
    # Resized to half the height the object is half as large.
    assert first(tmp_path / "instances.json", image_size=(10, 30))[0].areas[0] == 8.75


def test_flags_may_be_texts_and_an_area_is_within_the_picture(tmp_path):
    said = ["0", "1", "false", "True", None, 0.0, True]
    annotations = [annotation(iscrowd=flag, ignore=flag) for flag in said]
    # An area of 0 is no object's; more than 600 pixels are no picture's of 20 x 30.
    areas = [
        annotation(area=0),
        annotation(area=600),
        annotation(area=600.5),
        annotation(area=1e300),
        annotation(area="17.5"),
        annotation(area=10**400),
        annotation(area=-3),
    ]
    found, data = first(written(tmp_path, annotations + areas))
    assert found.crowd.tolist()[:7] == [False, True, False, True, False, False, True]
    assert found.difficult.tolist() == found.crowd.tolist()
    assert Truth.of(found).areas.tolist()[7:] == [50, 600, 50, 50, 50, 50, 50]
    assert len(data.info.skipped) == 5 and "has the area 600.5 in a picture" in data.info.skipped[0]


def test_two_annotations_of_one_picture_are_joined_and_named(tmp_path):
    file = written(tmp_path, [annotation(), annotation(image=77, bbox=(1, 1, 9, 9))])
    content = json.loads(file.read_text())
    content["images"].append({**content["images"][0], "id": 77})
    file.write_text(json.dumps(content))
    found, data = first(file)
    assert len(found.boxes) == 2 and sum(data.info.sizes.values()) == 6
    with pytest.raises(InputError, match="instances.json is twice about the picture .*0.png"):
        load(f"coco:{file}", strict=True)


def test_a_name_that_no_file_can_have_and_a_size_that_is_none_are_named(tmp_path):
    file = written(tmp_path, [annotation()])
    content = json.loads(file.read_text())
    content["images"].append({"id": 77, "file_name": "x" * 5000, "height": 20, "width": 30})
    file.write_text(json.dumps(content))
    assert "which is not in" in first(file)[1].info.skipped[0]
    outline = {"size": 40, "counts": [600]}
    with pytest.raises(InputError, match="run lengths .* do not fit"):
        load(f"coco:{written(tmp_path, [annotation(segmentation=outline)])}", masks=True)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (annotation(category=2), "annotation 1, has the category_id 2. .*3 categories have, 1 to 90"),
        (annotation(category="person"), "annotation 1, has the category_id 'person'"),
        (annotation(image=77), "annotation 1, is about the image 77"),
        (annotation(bbox=(1, 2, 3)), "annotation 1, has the bbox"),
        (annotation(iscrowd="no"), "annotation 1, has the iscrowd 'no'"),
        (annotation(ignore=2), "annotation 1, has the ignore 2"),
        (annotation(bbox=(4, 2, 0, 5)), "annotation 1, has the box .*an area"),
        (annotation(bbox=(4, 2, -3, 5)), "annotation 1, has the box .*ends behind"),
    ],
)  # fmt: skip
def test_bad_annotations_are_counted_and_named(tmp_path, wrong, message):
    file = written(tmp_path, [annotation(), wrong])
    found, data = first(file)
    assert len(found.boxes) == 1 and len(data.info.skipped) == 1
    with pytest.raises(InputError, match=message):
        load(f"coco:{file}", strict=True)


@pytest.mark.parametrize(
    ("part", "number", "message"),
    [
        ("images", 0, "the id 0 twice among its images, for '0.png' and for '5.png'"),
        ("categories", 90, "the id 90 twice among its categories, for 'toothbrush' and for 'stop"),
        ("categories", 1.7, "ids of categories are whole numbers"),
        ("images", [3], "ids of images are whole numbers or texts"),
    ],
)
def test_whose_an_annotation_is_has_to_be_told(tmp_path, part, number, message):
    file = written(tmp_path, [annotation()])
    content = json.loads(file.read_text())
    content[part][-1]["id"] = number
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        load(f"coco:{file}")


def test_the_doctor_tells_gaps_of_ids_however_far_they_are(tmp_path):
    told = examine(load(f"coco:{written(tmp_path, [annotation()])}")).remarks
    assert any("3 classes 1 to 90, without 2, 3, 4, 5, 6, ...: here" in each for each in told)
    one = written(tmp_path, [annotation()], categories=CATEGORIES[2:])
    told = examine(load(f"coco:{one}")).remarks
    assert told[0] == "The file numbers its only class, stop sign, 13: here it is 0."
    far = [{"id": each, "name": str(each)} for each in (10**9, 3, 1, 13)]
    told = examine(load(f"coco:{written(tmp_path, [annotation()], categories=far)}")).remarks
    assert any("1 to 1000000000, without 2, 4, 5, 6, 7, ...: here" in each for each in told)


def test_a_packed_length_ends_after_eight_characters():
    # Else a text of these alone would be one number of a million bits.
    assert len(_unpacked("o" * 800)) == 100


def test_a_file_may_have_a_comma_in_its_name(tmp_path):
    file = written(tmp_path / "a,b", [annotation()])
    assert sum(load(f"coco:{file}", strict=True).info.sizes.values()) == 6


def test_pictures_that_no_entry_names_are_remarked(tmp_path):
    train = written(tmp_path, [annotation()], count=7, name="instances_train.json")
    content = json.loads(train.read_text())
    bare = content["images"].pop()
    train.write_text(json.dumps(content))
    assert load(f"coco:{train}").info.remarks == ("1 picture has no annotation: 6.png.",)
    content["images"] = [bare]
    val = train.with_name("instances_val.json")
    val.write_text(json.dumps({**content, "annotations": []}))
    assert not load(f"coco:{train},{val}", strict=True).info.remarks


def test_a_file_for_each_split_has_the_same_classes(tmp_path):
    train = written(tmp_path, [annotation()], name="instances_train.json")
    val = written(tmp_path, [annotation()], name="instances_val.json")
    data = load(f"coco:{train},{val}")
    assert len(data.validation) == 6
    other = written(tmp_path, [], name="instances_test.json", categories=CATEGORIES[:2])
    with pytest.raises(InputError, match="other classes"):
        load(f"coco:{train},{val},{other}")


def test_outlines_are_those_of_pycocotools(tmp_path):
    tool = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    mask = np.asfortranarray(rng.random((20, 30)) < 0.4)
    packed = tool.encode(mask.astype("uint8"))
    changes = np.flatnonzero(np.diff(mask.ravel(order="F"), prepend=False))
    counts = np.diff([0, *changes, mask.size]).tolist()
    polygon = [3.5, 2.0, 25.0, 4.0, 20.0, 18.5]
    outlines = [
        {"size": [20, 30], "counts": packed["counts"].decode()},
        {"size": [20, 30], "counts": counts},
        [polygon, [0, 0, 5, 0, 5, 5]],
    ]
    file = written(tmp_path, [annotation(segmentation=each) for each in [*outlines, []]])
    found, _ = first(file)
    masks = object_masks(found)
    np.testing.assert_array_equal(masks[0], mask)
    np.testing.assert_array_equal(masks[1], mask)
    merged = tool.merge(tool.frPyObjects(outlines[2], 20, 30))
    np.testing.assert_array_equal(masks[2], tool.decode(merged).astype(bool))
    assert not masks[3].any()
    doubled, _ = first(file, image_size=(40, 60))
    np.testing.assert_array_equal(object_masks(doubled), masks.repeat(2, axis=1).repeat(2, axis=2))


def test_an_outline_that_leaves_the_picture_keeps_its_form_inside(tmp_path):
    pytest.importorskip("pycocotools")
    # A triangle from far outside, and the upper right half of the whole plane.
    outlines = [[[-20, 0, 20, 0, 20, 20]], [[-1e12, -1e12, 1e12, -1e12, 1e12, 1e12]]]
    file = written(tmp_path, [annotation(segmentation=each) for each in outlines])
    cut, far = object_masks(first(file)[0])
    # From three widths beside it: corners moved to the border would turn the side inside.
    away = written(tmp_path, [annotation(segmentation=[[-100, 0, 20, 0, 20, 20]])], name="far.json")
    (wide,) = object_masks(first(away)[0])
    y, x = np.mgrid[:20, :30] + 0.5
    expected = (x < 20) & (y < (x + 20) / 2)
    assert np.count_nonzero(cut != expected) <= 10
    assert np.count_nonzero(wide != ((x < 20) & (y < (x + 100) / 6))) <= 10
    assert np.count_nonzero(far != (y < x)) <= 20


@pytest.mark.parametrize("counts", [[601], [5, -5, 600], "0" * 30, "zzzz", [2**40]])
def test_run_lengths_that_do_not_fit_are_refused(tmp_path, counts):
    outline = {"size": [20, 30], "counts": counts}
    found, _ = first(written(tmp_path, [annotation(segmentation=outline)]))
    with pytest.raises(InputError, match="do not fit its picture's 20 x 30"):
        object_masks(found)


def test_objects_without_an_outline_do_not_count_and_none_but_such_are_refused(tmp_path):
    runs = {"size": [20, 30], "counts": [0, 20, 580]}
    bare = annotation(bbox=(4, 2, 10, 5))
    file = written(tmp_path, [annotation(category=1, segmentation=runs), bare])
    with pytest.raises(InputError, match=r"1 of 2 objects .* have no outline"):
        load(f"coco:{file}", masks=True, strict=True)
    found, data = first(file, masks=True)
    assert data.info.pixel_classes == ("background", "person", "stop sign", "toothbrush")
    expected = np.zeros((20, 30), "uint8")
    expected[:, 0] = 1
    expected[2:7, 4:14] = 255
    np.testing.assert_array_equal(found.class_mask, expected)
    assert any("1 of 2 objects" in each for each in data.info.skipped)
    with pytest.raises(InputError, match="None of the 1 objects .*leave masks out"):
        load(f"coco:{written(tmp_path, [bare], name='boxes.json')}", masks=True)
    # What does not fit is found when the file is read, not when a batch is made.
    damaged = [annotation(segmentation={**runs, "counts": [0, 20, 579]})]
    with pytest.raises(InputError, match="run lengths"):
        load(f"coco:{written(tmp_path, damaged, name='damaged.json')}", masks=True)
    crowds = [annotation(segmentation=runs, iscrowd=1)]
    difficult = [annotation(segmentation=runs, ignore=1, iscrowd=0)]
    for number, content in enumerate((crowds, difficult, [])):
        with pytest.raises(InputError, match=f"None of the {len(content)} objects"):
            load(f"coco:{written(tmp_path, content, name=f'{number}.json')}", masks=True)


def columns(first, last):
    """The run lengths of some columns of a picture of 20 x 30."""
    return {"size": [20, 30], "counts": [20 * first, 20 * (last - first), 20 * (30 - last)]}


@pytest.mark.parametrize(
    ("wrong", "label", "around", "message"),
    [
        # Of what is there and has a fault its outline does not count; boxes are not needed for one.
        ({"category_id": 77}, 255, 0, "annotation 1, has the category_id 77"),
        ({"iscrowd": 2}, 255, 0, "annotation 1, has the iscrowd 2"),
        ({"bbox": None}, 2, 0, None),
        ({"bbox": [9, 9, -5, 0]}, 2, 0, None),
        # Damaged, it is somewhere in its box; without one, anywhere.
        (
            {"segmentation": {"size": [20, 30], "counts": [7]}},
            255,
            0,
            "annotation 1, has run lengths",
        ),
        ({"segmentation": None, "bbox": None}, 255, 255, "annotation 1, has the bbox None"),
        ({"segmentation": [[1, 2]], "bbox": [1, 1, 0, 9]}, 255, 255, "1 of 3 objects"),
        # As wide as its picture's other end.
        ({"segmentation": [[40, 2, 50, 2, 50, 9]]}, 0, 0, "annotation 1, has an outline outside"),
    ],
)
def test_an_object_with_a_fault_is_no_background(tmp_path, wrong, label, around, message):
    pytest.importorskip("pycocotools")
    sound = annotation(category=1, segmentation=columns(0, 5))
    faulty = annotation(category=13, bbox=(10, 0, 5, 20), segmentation=columns(10, 15)) | wrong
    file = written(tmp_path, [sound, faulty, annotation(image=1, segmentation=columns(0, 1))])
    found, data = first(file, masks=True)
    expected = np.full((20, 30), around, "uint8")
    expected[:, :5], expected[:, 10:15] = 1, label
    np.testing.assert_array_equal(found.class_mask, expected)
    if message is None:
        assert not data.info.skipped
        load(f"coco:{file}", masks=True, strict=True)
    else:
        assert any(message in each for each in data.info.skipped)
        with pytest.raises(InputError, match="annotation 1|1 of 3"):
            load(f"coco:{file}", masks=True, strict=True)


def test_where_an_outline_lies_is_known_before_it_is_drawn():
    tool = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    for number in range(30):
        mask = np.zeros((20, 30), bool)
        top, left = rng.integers(0, 18, 2)
        mask[top : top + 1 + number % 3, left : left + 1 + number % 5] = True
        runs = np.diff([0, *np.flatnonzero(np.diff(mask.ravel(order="F"), prepend=False)), 600])
        found = _around({"size": [20, 30], "counts": runs.tolist()}, (20, 30), "")
        rows, places = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert found == (rows[0], places[0], rows[-1] + 1, places[-1] + 1)
        corners = rng.uniform(-5, 35, (4, 2))
        found = _around([corners.ravel().tolist()], (20, 30), "")
        drawn = tool.decode(tool.merge(tool.frPyObjects([corners.ravel().tolist()], 20, 30)))
        inside = np.zeros((20, 30), bool)
        y, x, bottom, right = map(int, found)
        # Their tool rounds corners to pixels.
        inside[max(0, y - 1) : bottom + 1, max(0, x - 1) : right + 1] = True
        assert not (drawn.astype(bool) & ~inside).any()
    assert _around({"size": [20, 30], "counts": [600]}, (20, 30), "") is None
    # A line has no width; it is drawn into the pixels that it goes through.
    assert _around([[3, 2, 3, 9, 3, 5]], (20, 30), "") == (2, 3, 9, 4)
    assert _around([[3, 2, 7, 2, 5, 2]], (20, 30), "") == (2, 3, 3, 7)
    whole = {"size": [20, 30], "counts": [19, 2, 579]}
    assert _around(whole, (20, 30), "") == (0, 0, 20, 2)


@pytest.mark.parametrize("sides", [{"height": 0}, {"width": -3}, {"height": None}])
def test_of_a_picture_of_no_size_the_outlines_are_those_of_the_file(tmp_path, sides):
    file = written(tmp_path, [annotation(segmentation=columns(0, 5))])
    content = json.loads(file.read_text())
    content["images"][0] |= sides
    file.write_text(json.dumps(content))
    found, data = first(file, masks=True)
    assert found.class_mask[:, :5].all() and not found.class_mask[:, 5:].any()


@pytest.mark.parametrize(("orientation", "size"), [(3, (20, 30)), (6, (30, 20)), (6, (20, 30))])
def test_boxes_of_pictures_that_exif_turns_are_told(tmp_path, orientation, size):
    file = written(tmp_path, [annotation()])
    path = tmp_path / "images" / "0.png"
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture(path, *size)
    Image.open(path).save(path, exif=exif)
    if orientation == 6 and size == (20, 30):
        with pytest.raises(InputError, match=r"30 x 20 .*orientation 6.*Take the orientation out"):
            load(f"coco:{file}", strict=True)
        Image.open(path).save(path, exif=b"")
    data = load(f"coco:{file}", strict=True)
    told = [each for each in data.info.remarks if "EXIF" in each]
    assert len(told) == (orientation == 3) and all("0.png (3)" in each for each in told)


def test_coco_mini():
    data = load(f"coco:{shared('data', 'coco_mini', 'instances.json')}")
    assert len(data.info.classes) == 80 and sum(data.info.sizes.values()) == 80
    examples = [*data.train, *data.validation, *data.test]
    boxes = sum(len(each.boxes) for each in examples)
    assert boxes + len([each for each in data.info.skipped if "cut" not in each]) == 739
    pytest.importorskip("pycocotools")
    for each in examples[:10]:
        for box, mask, crowd in zip(each.boxes, object_masks(each), each.crowd, strict=True):
            if not crowd:
                # Its mask lies in the box, but for rounding.
                top, left, bottom, right = box.astype(int)
                near = mask[max(0, top - 2) : bottom + 3, max(0, left - 2) : right + 3]
                assert near.sum() == mask.sum() > 0
