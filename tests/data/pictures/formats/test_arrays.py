"""Pictures with classes from arrays and from folders."""

import re

import numpy as np
import pytest
from PIL import Image

from keras_classics.core.errors import InputError
from keras_classics.data import collect, load
from keras_classics.data.store import Ragged
from support import shared

PICTURES = np.random.default_rng(0).integers(0, 256, (60, 6, 7, 3), "uint8")
CLASSES = np.arange(60) % 3


def gathered(data) -> dict:
    return {
        split: collect(getattr(data, split), "label") for split in ("train", "validation", "test")
    }


def test_digits_are_scikit_learns_in_disjoint_splits_of_equal_shares():
    from sklearn.datasets import load_digits

    data = load("digits")
    assert data.info.sizes == {"train": 1295, "validation": 143, "test": 359}
    parts = gathered(data)
    names = [name for part in parts.values() for name in part.names]
    assert len(set(names)) == len(names) == 1797
    known = load_digits()
    for part in parts.values():
        numbers = [int(name.split("-")[1]) for name in part.names]
        np.testing.assert_array_equal(part.labels, known.target[numbers])
        np.testing.assert_allclose(part.images[..., 1] / 255 * 16, known.images[numbers], atol=0.04)
        assert np.ptp(np.bincount(part.labels)) <= 8
    assert gathered(load("digits"))["test"].names == parts["test"].names
    assert gathered(load("digits", seed=1))["test"].names != parts["test"].names


def test_one_file_is_cut_in_three(tmp_path):
    np.savez(tmp_path / "all.npz", x=PICTURES, y=CLASSES[:, None], classes=["a", "b", "c"])
    data = load(f"npz:{tmp_path / 'all.npz'}")
    assert data.info.classes == ("a", "b", "c")
    assert data.info.image_shape == (6, 7, 3)
    assert data.info.sizes == {"train": 48, "validation": 6, "test": 6}
    parts = gathered(data)
    rows = np.concatenate([part.images for part in parts.values()]).reshape(60, -1)
    assert len(np.unique(rows, axis=0)) == 60
    for part in parts.values():
        assert len(set(np.bincount(part.labels))) == 1


def test_two_files_and_the_keras_layout_keep_their_test(tmp_path):
    np.savez(tmp_path / "train.npz", x=PICTURES[:40, ..., 0], y=CLASSES[:40])
    np.savez(tmp_path / "test.npz", x=PICTURES[40:, ..., 0] / 255, y=CLASSES[40:])
    two = load(f"npz:{tmp_path / 'train.npz'},{tmp_path / 'test.npz'}", image_size=(12, 14))
    assert two.info.image_shape == (12, 14, 3)
    np.savez(
        tmp_path / "both.npz",
        x_train=PICTURES[:40, ..., :1], y_train=CLASSES[:40],
        x_test=PICTURES[40:, ..., :1], y_test=CLASSES[40:],
    )  # fmt: skip
    one = load(f"npz:{tmp_path / 'both.npz'}")
    for data in (one, two):
        assert data.info.sizes == {"train": 37, "validation": 3, "test": 20}
        assert data.info.classes == ("0", "1", "2")
        np.testing.assert_array_equal(gathered(data)["test"].labels, CLASSES[40:])
    images = gathered(one)["test"].images
    np.testing.assert_array_equal(images, PICTURES[40:, ..., :1].repeat(3, axis=-1))


def test_shared_cifar_is_read():
    folder = shared("data", "cifar10")
    data = load(f"npz:{folder / 'train_10k.npz'},{folder / 'test_2k.npz'}", validation=0.05)
    assert data.info.sizes == {"train": 9500, "validation": 500, "test": 2000}
    assert len(data.info.classes) == 10


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": PICTURES}, "x and y"),
        ({"x": PICTURES.astype("float32"), "y": CLASSES}, "floats of 0 to 1"),
        ({"x": PICTURES[..., :2], "y": CLASSES}, "1 or 3"),
        ({"x": PICTURES, "y": CLASSES[:9]}, "for 60 pictures"),
        ({"x": PICTURES, "y": CLASSES - 1}, "0 and above"),
        ({"x": PICTURES, "y": CLASSES + 2**32}, "0 and above"),
        ({"x": PICTURES, "y": CLASSES, "classes": ["a"]}, "a name for each class"),
    ],
)
def test_faulty_arrays_are_refused(arrays, message, tmp_path):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InputError, match=message):
        load(f"npz:{tmp_path / 'bad.npz'}")


def test_files_that_are_no_npz_are_refused(tmp_path):
    np.save(tmp_path / "array.npy", PICTURES)
    (tmp_path / "text.npz").write_text("no archive")
    for name in ("array.npy", "text.npz"):
        with pytest.raises(InputError, match="cannot be read"):
            load(f"npz:{tmp_path / name}")
    with pytest.raises(
        InputError, match="3 files were given. Allowed: 1 to 2. Write npz:TRAIN,TEST"
    ):
        load("npz:a,b,c")


@pytest.fixture
def folder(tmp_path):
    for n in range(30):
        path = tmp_path / "pets" / ("cat", "dog")[n % 2] / ("" if n < 10 else "more")
        path.mkdir(parents=True, exist_ok=True)
        Image.fromarray(PICTURES[n]).resize((8 + n, 9)).save(path / f"{n}.png")
    (tmp_path / "pets" / "cat" / "notes.txt").write_text("no picture")
    return tmp_path / "pets"


def test_a_folder_for_each_class(folder):
    (folder / "dog" / "broken.jpg").write_bytes(b"nothing")
    data = load(f"folder:{folder}")
    assert data.info.classes == ("cat", "dog")
    assert data.info.sizes == {"train": 24, "validation": 2, "test": 4}
    assert len(data.info.skipped) == 1 and "broken.jpg" in data.info.skipped[0]
    parts = gathered(data)
    names = [name for part in parts.values() for name in part.names]
    assert len(set(names)) == 30
    for part in parts.values():
        assert [data.info.classes[label] for label in part.labels] == [
            name.split("/")[0] for name in part.names
        ]
        assert isinstance(part.images, Ragged)
    with pytest.raises(InputError, match="broken.jpg"):
        load(f"folder:{folder}", strict=True)
    squares = gathered(load(f"folder:{folder}", image_size=5))
    assert squares["train"].images.shape[1:] == (5, 5, 3)


def test_folders_of_splits_are_kept(folder, tmp_path):
    target = tmp_path / "sets"
    target.mkdir()
    folder.rename(target / "train")
    (target / "val" / "dog").mkdir(parents=True)
    Image.fromarray(PICTURES[0]).save(target / "val" / "dog" / "new.png")
    data = load(f"folder:{target}")
    assert data.info.sizes["validation"] == 1
    assert gathered(data)["validation"].labels.tolist() == [1]
    (target / "val" / "fox").mkdir()
    with pytest.raises(InputError, match="'fox', which the training pictures have not"):
        load(f"folder:{target}")


def test_folders_without_pictures_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    for name, told in (("one", "has no picture. "), ("two", "has no picture in one, two. ")):
        (tmp_path / name).mkdir()
        with pytest.raises(InputError, match=told):
            load(f"folder:{tmp_path}")


def test_pictures_in_no_folders_or_all_in_one_have_no_classes(tmp_path):
    folder = tmp_path / "album" / "summer"
    folder.mkdir(parents=True)
    for n in range(20):
        place = tmp_path / "album" if n % 2 else folder
        Image.new("RGB", (8, 8), (n, 0, 0)).save(place / f"{n}.png")
    data = load(f"folder:{tmp_path / 'album'}")
    found = [collect(getattr(data, split), "image") for split in ("train", "validation", "test")]
    assert sorted(int(each.images[n][0, 0, 0]) for each in found for n in range(len(each))) == [
        *range(20)
    ]
    assert len(found[0]) < 20 and all(each.labels is None for each in found)
    with pytest.raises(InputError, match="without classes were given.*a subfolder for each class"):
        collect(data.train, "label")


def test_pictures_without_classes_are_refused(tmp_path):
    for n in range(10):
        Image.new("RGB", (8, 8), (n, 0, 0)).save(tmp_path / f"{n}.png")
    rows = "".join(f"{n}.png,a dog\n" for n in range(10))
    (tmp_path / "captions.csv").write_text("image,caption\n" + rows)
    with pytest.raises(InputError, match="without classes were given.*folder:DIR"):
        collect(load(f"captions:{tmp_path}").train, "label")
    assert len(collect(load("scenes", train=1, validation=1, test=1).train, "label")) == 1


def saved(tmp_path, **arrays):
    np.savez(tmp_path / "some.npz", **arrays)
    return f"npz:{tmp_path / 'some.npz'}"


@pytest.mark.parametrize("labels", [(1, 2, 3), (0, 7, 10**6)])
def test_classes_are_the_numbers_that_occur(labels, tmp_path):
    data = load(saved(tmp_path, x=PICTURES, y=np.array(labels)[CLASSES]))
    assert data.info.classes == tuple(map(str, labels))
    assert set(gathered(data)["train"].labels.tolist()) == {0, 1, 2}


def test_one_hot_classes_are_called_so_and_the_remedy_works(tmp_path):
    y = np.eye(3, dtype=int)[CLASSES]
    with pytest.raises(InputError, match=r"shape \(60, 3\), as if one-hot.*argmax"):
        load(saved(tmp_path, x=PICTURES, y=y))
    assert load(saved(tmp_path, x=PICTURES, y=y.argmax(axis=1))).info.classes == ("0", "1", "2")


def test_one_class_is_nothing_to_tell_apart(tmp_path):
    with pytest.raises(InputError, match="All pictures of .* are of the class 5"):
        load(saved(tmp_path, x=PICTURES, y=np.full(60, 5)))


def test_the_same_picture_twice_is_on_one_side(tmp_path):
    data = load(saved(tmp_path, x=np.tile(PICTURES, (3, 1, 1, 1)), y=np.tile(CLASSES, 3)))
    sides = [{image.tobytes() for image in part.images} for part in gathered(data).values()]
    assert all(sides) and sum(map(len, sides)) == len(set.union(*sides)) == 60


def test_equal_files_are_held_out_together(tmp_path):
    for n in range(60):
        path = tmp_path / "ab"[n % 2] / f"{n}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(PICTURES[n // 4]).save(path)
    data = load(f"folder:{tmp_path}")
    sides = [{image.tobytes() for image in part.images} for part in gathered(data).values()]
    assert all(sides) and sum(map(len, sides)) == len(set.union(*sides)) == 15
    assert sum(data.info.sizes.values()) == 60


@pytest.mark.parametrize("names", [("Train", "Test"), ("TRAIN", "VAL"), ("train", "Validation")])
def test_splits_are_found_in_any_case(names, tmp_path):
    for n, (split, name) in enumerate((s, c) for s in names for c in "ab"):
        (tmp_path / split / name).mkdir(parents=True)
        for k in range(6):
            Image.fromarray(PICTURES[6 * n + k]).save(tmp_path / split / name / f"{k}.png")
    assert load(f"folder:{tmp_path}").info.classes == ("a", "b")


def test_a_split_without_one_for_training_is_no_class(tmp_path):
    for name in ("Test", "cats"):
        (tmp_path / name).mkdir()
        Image.fromarray(PICTURES[0]).save(tmp_path / name / "0.png")
    with pytest.raises(InputError, match="'Test', a split, and no folder for training"):
        load(f"folder:{tmp_path}")


def test_folders_without_pictures_are_told_from_few_pictures(tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").write_text("none")
    with pytest.raises(InputError, match="has no picture in cats, dogs"):
        load(f"folder:{tmp_path}")


@pytest.mark.parametrize("names", [["a", "b", "a"], ["a", "", "b"]])
def test_names_of_classes_differ_and_are_not_empty(tmp_path, names):
    np.savez(tmp_path / "a.npz", x=PICTURES, y=CLASSES, classes=np.array(names))
    with pytest.raises(InputError, match="names that differ, none of them empty"):
        load(f"npz:{tmp_path / 'a.npz'}")


@pytest.mark.parametrize("old", [CLASSES * 0.5, CLASSES - 1, np.array(["a", "b", "c"])[CLASSES]])
def test_classes_that_are_no_numbers_from_0_on_are_numbered_by_the_remedy(old, tmp_path):
    path = saved(tmp_path, x=PICTURES, y=old)
    with pytest.raises(InputError, match="numpy.unique") as refused:
        load(path)
    lines = re.search(r"Write (classes.*) and (numpy.savez.*)\.$", str(refused.value)).groups()
    space = {"numpy": np, "old": old, "pictures": PICTURES, "file": path.removeprefix("npz:")}
    exec("\n".join(lines), space)
    assert load(path).info.classes == tuple(map(str, np.unique(old)))
