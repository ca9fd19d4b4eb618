"""KITTI's labels and tables of one's own."""

import numpy as np
import pytest
from PIL import Image

from data.pictures.boxed_folders import picture
from keras_classics.boxes import Truth
from keras_classics.core.errors import InputError
from keras_classics.data import load
from keras_classics.data.doctor import examine

LINE = "Car 0.10 1 1.57 2.5 3.0 22.0 15.0 1.5 1.6 3.7 1.8 1.5 8.4 -1.5\n"
REGION = "DontCare -1 -1 -10 1.0 1.0 4.0 4.0 -1 -1 -1 -1000 -1000 -1000 -10\n"
HEADER = "image,class,xmin,ymin,xmax,ymax\n"


def everything(data):
    return {each.name: each for each in [*data.train, *data.validation, *data.test]}


def kitti(folder, text):
    for number in range(6):
        picture(folder / "training" / "image_2" / f"{number:06d}.png", seed=number)
        label = folder / "training" / "label_2" / f"{number:06d}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text(text if number == 0 else LINE)
    return f"kitti:{folder}"


def table(folder, rows, header=HEADER):
    for number in range(6):
        picture(folder / "images" / f"{number}.png", seed=number)
    more = "".join(f"{number}.png,cat,1,1,9,9\n" for number in range(1, 6))
    (folder / "boxes.csv").write_text(header + rows + (more if header == HEADER else ""))
    return f"boxes:{folder / 'boxes.csv'}"


def test_a_line_of_kitti(tmp_path):
    data = load(kitti(tmp_path, LINE + REGION + "Van 0 3 0 5 5 9 9\n"), strict=True)
    found = everything(data)["000000"]
    assert data.info.classes == ("Car", "Van")
    assert found.boxes.tolist() == [[3, 2.5, 15, 22], [1, 1, 4, 4], [5, 5, 9, 9]]
    assert found.box_labels.tolist() == [0, -1, 1] and found.occlusion.tolist() == [1, 0, 3]
    np.testing.assert_allclose(found.truncation, [0.1, 0, 0])


@pytest.mark.parametrize(
    "line",
    ["Car 0 0 0 1 2 3\n", "Car 0 nan 0 1 2 3 4\n", "Car a b c d e f g\n", "Car 0 .5 0 1 2 3 4\n"],
)
def test_a_bad_line_of_kitti_is_named(tmp_path, line):
    spec = kitti(tmp_path, LINE + line)
    assert len(everything(load(spec))["000000"].boxes) == 1
    with pytest.raises(InputError, match="000000.txt, line 2, is 'Car"):
        load(spec, strict=True)


@pytest.mark.parametrize(
    "start", ["Car inf 0", "Car 0 99999999999", "Car 0 4", "Car 1.5 0", "Car -2 0"]
)
def test_what_is_no_share_and_no_grade_of_kitti_is_named(tmp_path, start):
    spec = kitti(tmp_path, LINE + f"{start} 0 1 2 3 4\n")
    found = everything(load(spec))["000000"]
    assert len(found.boxes) == 1 and len(Truth.of(found)) == 1
    with pytest.raises(InputError, match="000000.txt, line 2, has the truncation .* and the occ"):
        load(spec, strict=True)


def test_one_file_of_labels_in_another_encoding_costs_no_other_and_pictures_may_be_in_capitals(
    tmp_path,
):
    spec = kitti(tmp_path, LINE)
    (tmp_path / "training" / "label_2" / "000001.txt").write_bytes(b"F\xe4hre" + LINE.encode())
    picture_file = tmp_path / "training" / "image_2" / "000002.png"
    picture_file.rename(picture_file.with_suffix(".PNG"))
    data = load(spec)
    assert sorted(everything(data)) == ["000000", "000002", "000003", "000004", "000005"]
    assert len(data.info.skipped) == 1 and "000001.txt" in data.info.skipped[0]
    assert not data.info.remarks
    picture(picture_file.with_name("bare.png"))
    assert load(spec).info.remarks == ("1 picture has no annotation: bare.png.",)


def test_a_folder_that_is_not_kittis_is_refused(tmp_path):
    with pytest.raises(InputError, match="label_2"):
        load(f"kitti:{tmp_path}")


def test_a_table_with_corners_or_with_sides(tmp_path):
    found = everything(load(table(tmp_path, "0.png,cat,3,2,30,12\n"), strict=True))["0.png"]
    assert found.boxes.tolist() == [[2, 3, 12, 30]]
    rows = "".join(f"{number}.png;dog;3;2;27;10\n" for number in range(6))
    spec = table(tmp_path, rows, "file_name;label;x;y;width;height\n")
    assert everything(load(spec, strict=True))["0.png"].boxes.tolist() == [[2, 3, 12, 30]]


def test_a_row_without_class_is_a_picture_without_boxes(tmp_path):
    data = load(table(tmp_path, "0.png,,,,,\n"), strict=True)
    assert everything(data)["0.png"].boxes.shape == (0, 4)


def test_a_column_of_splits_divides_and_does_not_divide_a_picture(tmp_path):
    header = "image,class,xmin,ymin,xmax,ymax,split\n"
    rows = "".join(
        f"{n}.png,cat,1,1,9,9,{s}\n" for n, s in enumerate(["train"] * 4 + ["val", "test"])
    )
    data = load(table(tmp_path, rows, header))
    assert data.info.sizes == {"train": 4, "validation": 1, "test": 1}
    with pytest.raises(
        InputError, match="line 8: the picture '0.png' is in the train and in the test"
    ):
        load(table(tmp_path, rows + "0.png,cat,1,1,2,2,test\n", header))
    with pytest.raises(InputError, match="the split 'held'"):
        load(table(tmp_path, rows + "0.png,cat,1,1,2,2,held\n", header))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0.png,cat,1,x,3,4", "line 2, has the class 'cat' and no four numbers"),
        ("0.png,,1,2,3,4", r"line 2, has the class '' and the box \[1.0, 2.0, 3.0, 4.0\]"),
        ("gone.png,cat,1,2,3,4", "is about the picture 'gone.png', which is not in"),
        ("0.png,cat,1,2,3", "line 2 has 5 fields and the header 6. .* Complete the row"),
        ("0.png,cat,1,2,3,4,5", "line 2 has 7 fields and the header 6"),
        ("0.png,cat,1,2,3,4\n\n0.png,cat,a,2,3,4", "line 4, has the class 'cat' and no four"),
        ("../../etc/passwd,cat,1,2,3,4", "is about the picture"),
        (f"{'x' * 5000}.png,cat,1,2,3,4", r"is about the picture 'x{199}\.\.\., which is not"),
    ],
)
def test_bad_rows_are_named(tmp_path, row, message):
    spec = table(tmp_path, f"{row}\n")
    assert len(load(spec).info.skipped) == 1
    with pytest.raises(InputError, match=message):
        load(spec, strict=True)


def test_where_nothing_is_left_the_first_fault_is_told(tmp_path):
    header = "class,image,xmin,ymin,xmax,ymax\n"
    with pytest.raises(InputError, match="no box of any class.* The only fault: .*line 2 has 2"):
        load(table(tmp_path, "cat,0.png\n", header))
    with pytest.raises(InputError, match="no box of any class.* The first of 2 faults: .*line 2"):
        load(table(tmp_path, "cat,0.png\n" * 2, header))


def test_columns_that_lack_are_named(tmp_path):
    told = "Write .* and xmin, ymin, xmax, ymax or x, y, width, height"
    with pytest.raises(InputError, match=told):
        load(table(tmp_path, "0.png,cat,1\n", "image,class,xmin\n"))


@pytest.mark.parametrize(
    ("names", "four"), [("x1,y1,x2,y2", "3,2,30,12"), ("x,y,w,h,width,height", "3,2,27,10,30,20")]
)
def test_columns_have_the_names_of_others_too(tmp_path, names, four):
    rows = "".join(f"{number}.png,cat,{four}\n" for number in range(6))
    data = load(table(tmp_path, rows, f"image,class,{names}\n"), strict=True)
    assert everything(data)["0.png"].boxes.tolist() == [[2, 3, 12, 30]]


def test_flags_of_a_table(tmp_path):
    said = ["1", "TRUE", "0.0", ""]
    rows = "".join(f"{number}.png,cat,1,1,9,9,{said[number % 4]}\n" for number in range(6))
    header = "image,class,xmin,ymin,xmax,ymax,difficult\n"
    found = everything(load(table(tmp_path, rows, header), strict=True))
    assert [found[f"{number}.png"].difficult.tolist() for number in range(4)] == [
        [True], [True], [False], [False]
    ]  # fmt: skip
    with pytest.raises(InputError, match="line 8, has the difficult 'yes'. Allowed: 0 or 1"):
        load(table(tmp_path, f"{rows}0.png,cat,1,1,9,9,yes\n", header), strict=True)


def test_the_doctor_names_what_is_left_out_and_what_is_strange(tmp_path):
    rows = (
        "0.png,Cat,3,2,20,12\n0.png,Cat,3,2,20,12\n0.png,cat,9,9,2,2\n"
        "1.png,cat,3,3,20,3.5\n2.png,,,,,\n"
    )
    findings = examine(load(table(tmp_path, rows)))
    assert any("line 4, has the box" in each for each in findings.faults)
    told = " ".join(findings.remarks)
    assert "The classes 'Cat', 'cat' may be one." in told
    assert "1 picture has the same box of the same class twice: 0.png" in told
    assert "1.png (0.5)" in told and "1 box has a side below 8 pixels" in told
    assert findings.table[0] == ("class", "train", "validation", "test")
    assert sum(int(each) for each in findings.table[1][1:]) == 2


def test_the_doctor_names_empty_and_double_pictures_and_what_is_never_learned(tmp_path):
    header = "image,class,xmin,ymin,xmax,ymax,split\n"
    rows = "0.png,cat,1,1,20,12,train\n1.png,,,,,,train\n2.png,dog,1,1,20,12,val\n"
    rows += "3.png,cat,1,1,20,12,test\n"
    spec = table(tmp_path, rows, header)
    (tmp_path / "images" / "3.png").write_bytes((tmp_path / "images" / "0.png").read_bytes())
    told = " ".join(examine(load(spec)).remarks)
    assert "1 picture has no box: 1.png" in told
    assert "1 class is in no training example: dog" in told
    assert "The picture 3.png of test is 0.png of train too." in told


@pytest.mark.parametrize("boxes", ["20,2,29,9", ""])
def test_the_doctor_names_equal_pictures_of_which_different_things_are_said(tmp_path, boxes):
    header = "image,class,xmin,ymin,xmax,ymax,split\n"
    two = ["1,1,20,12", "3,3,9,9"]
    # The order of objects is none.
    rows = "".join(
        f"{name}.png,cat,{box},train\n" for name, order in ((0, 1), (1, -1)) for box in two[::order]
    )
    rows += f"2.png,{'cat' if boxes else ''},{boxes or ',,,'},train\n"
    rows += "3.png,cat,1,1,20,12,val\n4.png,cat,1,1,20,12,test\n"
    spec = table(tmp_path, rows, header)
    images = tmp_path / "images"
    for other in ("1.png", "2.png"):
        (images / other).write_bytes((images / "0.png").read_bytes())
    told = [each for each in examine(load(spec)).remarks if each.startswith("The picture")]
    assert told == [
        "The picture 2.png of train is 0.png of train too, and something else is said of it."
    ]


TURNED = {
    1: None, 2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180, 4: Image.FLIP_TOP_BOTTOM,
    5: Image.TRANSPOSE, 6: Image.ROTATE_90, 7: Image.TRANSVERSE, 8: Image.ROTATE_270,
}  # fmt: skip
KINDS = ["RGB", "P", "L", "LA", "RGBA", "I;16", "CMYK"]


@pytest.mark.parametrize("kind", [*KINDS, *TURNED])
def test_pixels_in_a_box_are_those_of_the_picture_as_viewers_show_it(kind, tmp_path):
    rows = ["image,class,xmin,ymin,xmax,ymax"]
    ending = "jpg" if kind in ("CMYK", *TURNED) else "png"
    for number in range(12):
        pixels = np.full((40, 60, 3), 30 + number, "uint8")
        pixels[10:20, 5:25] = [220, 40, 40]
        image, options = Image.fromarray(pixels), {}
        if kind == "I;16":
            image = Image.fromarray(np.asarray(image.convert("L")).astype("uint16") * 257)
        elif kind in KINDS:
            image = image.quantize() if kind == "P" else image.convert(kind)
        else:
            turned, exif = TURNED[kind], Image.Exif()
            exif[0x0112] = kind
            image = image if turned is None else image.transpose(turned)
            options = {"exif": exif, "quality": 95}
        image.save(tmp_path / f"a{number}.{ending}", **options)
        rows.append(f"a{number}.{ending},red,5,10,25,20")
    (tmp_path / "boxes.csv").write_text("\n".join(rows), "utf-8")
    data = load(f"boxes:{tmp_path / 'boxes.csv'}")
    assert not data.info.skipped
    for example in data.train:
        assert example.image.shape == (40, 60, 3) and example.boxes.tolist() == [[10, 5, 20, 25]]
        inside, whole = example.image[11:19, 6:24].mean(), example.image.mean()
        assert inside > whole + 20
        assert example.image[:9].std() < 3
