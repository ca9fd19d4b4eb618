"""Which mask belongs to which picture, and what folders without names of classes say."""

import numpy as np
import pytest
from PIL import Image

from data.pictures.boxed_folders import picture
from data.pictures.mask_samples import folder, labels, write
from keras_classics.core.commands import key_values
from keras_classics.core.errors import InputError
from keras_classics.data.load import load
from keras_classics.data.pictures.formats.mask_files import voc_colours


def test_of_vocs_pictures_those_with_masks_are_taken(tmp_path):
    for number in range(9):
        picture(tmp_path / "JPEGImages" / f"p{number}.jpg", seed=number)
    for number in range(5):
        write(tmp_path / "SegmentationClass" / f"p{number}.png", labels(seed=number), "P")
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("p0\np1\np2\n")
    (lists / "val.txt").write_text("p3\np4\n")
    data = load(f"voc:{tmp_path}", masks=True, strict=True)
    assert sum(data.info.sizes.values()) == 5 and not data.info.skipped


def test_of_vocs_palette_a_label_beyond_the_classes_is_named(tmp_path):
    colours = {label: rgb for rgb, label in voc_colours(255).items()}
    palette = bytes(np.array([colours[n] for n in range(256)], "uint8").tobytes())
    for number in range(4):
        picture(tmp_path / "JPEGImages" / f"p{number}.jpg", seed=number)
        mask = np.where(labels(seed=number) == 2, 30, labels(seed=number)).astype("uint8")
        write(tmp_path / "SegmentationClass" / f"p{number}.png", mask, "P", palette)
    with pytest.raises(InputError, match=r"has the labels 30 in .*Name all classes"):
        load(f"voc:{tmp_path}", masks=True, strict=True)


@pytest.mark.parametrize(
    "suffix",
    [
        "", "_L", "_mask", "-mask", "_masks", "_label", "_labels", "_gt", "_seg", "_segmentation",
        "_GT", "_edges", "_boundary",
    ],
)  # fmt: skip
def test_what_the_name_of_a_mask_may_have_more(tmp_path, suffix):
    for number in range(3):
        picture(tmp_path / "images" / f"p{number}.png", seed=number)
        write(tmp_path / "masks" / f"p{number}{suffix}.png", labels(seed=number))
    data = load(f"masks:{tmp_path}", strict=True)
    assert sum(data.info.sizes.values()) == 3


def test_a_preview_with_loss_beside_a_mask_is_passed_over(tmp_path):
    folder(tmp_path)
    for number in range(6):
        Image.fromarray(labels()).save(tmp_path / "masks" / f"p{number}.jpg")
    data = load(f"masks:{tmp_path}", strict=True)
    assert sum(data.info.sizes.values()) == 6 and not data.info.skipped


def test_masks_without_pictures_are_named_and_all_are_counted(tmp_path):
    folder(tmp_path)
    for number in range(7):
        write(tmp_path / "masks" / f"q{number}.png", labels())
    told = load(f"masks:{tmp_path}").info.skipped
    named = [each for each in told if "belongs to no picture" in each]
    assert len(named) == 5 and "q0.png" in named[0]
    assert any("2 more of" in each and "belong to no picture" in each for each in told)


@pytest.mark.parametrize(
    "layout", ["{split}/images {split}/{kind}", "images/{split} {kind}/{split}"]
)
def test_a_split_whose_folder_of_masks_has_another_name_is_told(tmp_path, layout):
    for split in ("train", "val", "test"):
        for number in range(4):
            kind = "mask" if split == "val" else "masks"
            images, masks = layout.format(split=split, kind=kind).split()
            seed = number + 10 * len(split)
            picture(tmp_path / images / f"{split}{number}.png", seed=seed)
            if split != "test":
                write(tmp_path / masks / f"{split}{number}.png", labels(seed=seed))
    images, masks = layout.format(split="val", kind="masks").split()
    with pytest.raises(InputError, match=rf"{images} have no folder with a mask.*{masks}"):
        load(f"masks:{tmp_path}", strict=True)
    (fault,) = load(f"masks:{tmp_path}").info.skipped
    assert images in fault
    # Masks of tests are often kept from everybody.
    wrong, right = (layout.format(split="val", kind=kind).split()[1] for kind in ("mask", "masks"))
    (tmp_path / wrong).rename(tmp_path / right)
    data = load(f"masks:{tmp_path}", strict=True)
    assert data.info.sizes == {"train": 3, "validation": 4, "test": 1}
    (remark,) = data.info.remarks
    assert layout.format(split="test", kind="").split()[0] in remark


@pytest.mark.parametrize("source", ["masks", "camvid", "cityscapes", "boundaries", "voc", "kitti"])
def test_a_folder_that_is_not_there_is_told_from_one_laid_out_otherwise(tmp_path, source):
    with pytest.raises(InputError, match=r"none does not exist\..*Check the path"):
        load(f"{source}:{tmp_path / 'none'}")
    with pytest.raises(InputError, match=r"has no (XML|folder)"):
        load(f"{source}:{tmp_path}")


def test_a_mask_is_of_one_picture(tmp_path):
    folder(tmp_path)
    for number in (2, 4):
        path = tmp_path / "images" / f"p{number}.png"
        with Image.open(path) as image:
            image.save(path.with_suffix(".jpg"))
    with pytest.raises(InputError, match=r"p2.png belongs to two pictures, .*p2.jpg and .*p2.png"):
        load(f"masks:{tmp_path}", strict=True)
    data = load(f"masks:{tmp_path}")
    assert sum(data.info.sizes.values()) == 6 and len(data.info.skipped) == 2


def test_as_many_classes_as_labels_have_numbers(tmp_path):
    folder(tmp_path)
    names = [f"class {number}" for number in range(256)]
    data = load(f"masks:{tmp_path}", classes=names[:255], strict=True)
    assert len(data.info.pixel_classes) == 255
    with pytest.raises(InputError, match="256 classes were given.*2 to 255"):
        load(f"masks:{tmp_path}", classes=names)


def test_values_with_gaps_are_no_numbers_of_classes_and_the_remedy_works(tmp_path):
    for number in range(4):
        picture(tmp_path / "images" / f"p{number}.png", seed=number)
        mask = np.where(labels(seed=number) == 1, 128, 0).astype("uint8")
        write(tmp_path / "masks" / f"p{number}.png", mask)
    with pytest.raises(InputError, match=r'up to 128 in .*p0.png and 3 more,.*values="0,128"'):
        load(f"masks:{tmp_path}")
    # Of two files the other one is more.
    for number in range(2):
        name = f"p{number}.png"
        picture(tmp_path / "two" / "images" / name, seed=number)
        write(tmp_path / "two" / "masks" / name, 128 * (labels(seed=number) == 1).astype("uint8"))
    with pytest.raises(InputError, match=r"up to 128 in .*p0.png and 1 more,"):
        load(f"masks:{tmp_path / 'two'}")
    # In Python as it stands there, and without the marks, which a shell takes away.
    for given in ({"values": "0,128"}, dict([key_values("values=0,128")])):
        data = load(f"masks:{tmp_path}", **given, strict=True)
        assert len(data.info.pixel_classes) == 2
        assert set(np.unique(data.train[0].class_mask)) == {0, 1}
    for wrong in ((0, 256), (0, 0), (-1, 3), (5,)):
        with pytest.raises(InputError, match=r"different numbers of 0 to 255"):
            load(f"masks:{tmp_path}", values=wrong)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("sky,road,car", ("sky", "road", "car")), ("7,8,9", ("7", "8", "9")),
     ("['sky, clear', 'road', 'car']", ("sky, clear", "road", "car"))],
)  # fmt: skip
def test_classes_are_named_on_a_command_line(tmp_path, written, expected):
    folder(tmp_path)
    given = dict([key_values(f"classes={written}")])
    assert load(f"masks:{tmp_path}", **given).info.pixel_classes == expected


def test_the_remedy_for_a_coloured_camvid_works(tmp_path):
    colours = {label: rgb for rgb, label in voc_colours(3).items()}
    for number in range(3):
        picture(tmp_path / "train" / f"p{number}.png", seed=number)
        mask = np.array([[colours[n] for n in row] for row in labels(seed=number)], "uint8")
        write(tmp_path / "trainannot" / f"p{number}.png", mask)
    with pytest.raises(InputError, match=r'is coloured.*colours="FILE".*as masks:FOLDER'):
        load(f"camvid:{tmp_path}", strict=True)
    table = tmp_path / "table.txt"
    table.write_text("".join(
        f"{r} {g} {b} {'void' if label == 255 else f'class {label}'}\n"
        for label, (r, g, b) in colours.items()
    ))  # fmt: skip
    data = load(f"masks:{tmp_path}", colours=table, strict=True)
    assert set(np.unique(data.train[0].class_mask)) <= {0, 1, 2, 255}
    # Values that are none of CamVid's: all of them, as the remedy says.
    grey = tmp_path / "grey"
    for number in range(3):
        picture(grey / "train" / f"p{number}.png", seed=number)
        write(grey / "trainannot" / f"p{number}.png", labels(seed=number, classes=14))
    with pytest.raises(InputError, match=r'load masks:FOLDER with values="([\d,]+)"') as told:
        load(f"camvid:{grey}", strict=True)
    values = str(told.value).split('values="')[1].split('"')[0]
    assert load(f"masks:{grey}", values=values).info.sizes["train"]
