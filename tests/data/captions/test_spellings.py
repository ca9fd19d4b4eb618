"""Names of pictures as captions, lists and disks spell them."""

import unicodedata

import pytest
from PIL import Image

from keras_classics.core.errors import InputError
from keras_classics.data.captions.spellings import Spellings
from keras_classics.data.load import load

FILES = ["café.jpg", "images/One.JPG", "images/two.png", "a/3.jpg", "b/3.jpg", "4.jpg", "4.png"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (unicodedata.normalize("NFD", "café.jpg"), ["café.jpg"]),
        ("./café.jpg", ["café.jpg"]),
        ("café", ["café.jpg"]),
        ("one.jpg", ["images/One.JPG"]),
        ("images\\two.png", ["images/two.png"]),
        # The list tells a folder more than the disk has, or less.
        ("data/images/two.png", ["images/two.png"]),
        ("b/3.jpg", ["b/3.jpg"]),
        ("3.jpg", ["a/3.jpg", "b/3.jpg"]),
        # Another ending is another picture, a missing one is not known.
        ("two.jpg", []),
        ("4.PNG", ["4.png"]),
        ("4", ["4.jpg", "4.png"]),
        ("wo.png", []),
        ("c/3.jpg", []),
        ("", []),
    ],
)
def test_a_name_means_what_differs_least(asked, found):
    assert Spellings(FILES).find(asked) == found


def test_case_tells_names_apart_where_both_are_there():
    known = Spellings(["A.jpg", "a.jpg"])
    assert (known.find("A.jpg"), known.find("a.jpg")) == (["A.jpg"], ["a.jpg"])
    assert known.find("A.JPG") == ["A.jpg", "a.jpg"]


def test_names_composed_otherwise_are_one_and_files_are_two():
    two = ["e\u0301.jpg", "\u00e9.jpg"]
    assert Spellings(two).find("\u00e9.jpg") == two


def photos(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.new("RGB", (4, 3), (20 * number, 0, 0)).save(folder / name)


def spelled(number):
    """The name of one picture on the disk, beside its captions, and in a list."""
    name = f"été{number}.jpg"
    return unicodedata.normalize("NFD", name).replace("jpg", "JPG"), f"./{name}", f"été{number}"


def test_lists_captions_and_files_need_not_spell_alike(tmp_path):
    names = [spelled(number) for number in range(9)]
    photos(tmp_path / "Images", [name for name, _, _ in names])
    rows = [f"{name}#{n}\ta dog number {n}\n" for _, name, _ in names for n in range(2)]
    (tmp_path / "results.token").write_text("".join(rows))
    for split, part in (("train", names[:5]), ("val", names[5:7]), ("test", names[7:])):
        (tmp_path / f"{split}.txt").write_text("".join(f"{name}\n" for _, _, name in part))
    data = load(f"captions:{tmp_path}", strict=True)
    assert data.info.sizes == {"train": 5, "validation": 2, "test": 2}
    first = data.test[0]
    assert first.name == "été7.jpg" and round(first.image[0, 0, 0] / 20) == 7
    assert first.captions == ("a dog number 0", "a dog number 1")


def table(folder, names, file="captions.csv"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text("image,caption\n" + "".join(f"{name},a dog\n" for name in names))


def test_one_file_under_two_names_is_taken_once(tmp_path):
    photos(tmp_path, [f"{n}.png" for n in range(6)])
    table(tmp_path, [*(f"{n}.png" for n in range(6)), "3.PNG"])
    data = load(f"captions:{tmp_path}")
    assert sum(data.info.sizes.values()) == 6
    with pytest.raises(InputError, match=r"'3.png' and '3.PNG' are one file, .*3.png"):
        load(f"captions:{tmp_path}", strict=True)


def test_a_list_that_may_mean_two_images_says_which(tmp_path):
    names = [f"{folder}/{n}.png" for folder in "ab" for n in range(4)]
    for name in names:
        photos((tmp_path / name).parent, [name[2:]])
    table(tmp_path, names)
    (tmp_path / "test.txt").write_text("a/1.png\n2.png\n")
    with pytest.raises(InputError, match=r"'2.png', which may be 'a/2.png' or 'b/2.png'"):
        load(f"captions:{tmp_path}", strict=True)


def test_a_captions_file_of_its_own_folder_finds_the_images_beside_it(tmp_path):
    names = [f"{n}.png" for n in range(6)]
    photos(tmp_path / "images", names)
    table(tmp_path / "annotations", names, "first.csv")
    table(tmp_path / "annotations", names, "second.csv")
    with pytest.raises(InputError, match=r"several.*Name the file to read: captions:.*/FILE"):
        load(f"captions:{tmp_path}")
    data = load(f"captions:{tmp_path / 'annotations' / 'first.csv'}", strict=True)
    assert sum(data.info.sizes.values()) == 6


def test_one_faulty_image_does_not_use_up_a_split(tmp_path):
    names = [f"{n}.png" for n in range(10)]
    photos(tmp_path, names)
    table(tmp_path, names)
    whole = load(f"captions:{tmp_path}")
    for split in ("validation", "test"):
        (held,) = getattr(whole, split).names
        kept = (tmp_path / held).read_bytes()
        (tmp_path / held).write_bytes(b"no picture")
        data = load(f"captions:{tmp_path}")
        assert sorted(data.info.sizes.values()) == [1, 1, 7]
        assert len(data.info.skipped) == 1 and held in data.info.skipped[0]
        (tmp_path / held).write_bytes(kept)
