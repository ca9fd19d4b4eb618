import json
import shutil

import numpy as np
import pytest
from PIL import Image

import support
from keras_classics.core.errors import InputError
from keras_classics.data.load import load

SHARED = support.SHARED / "data"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason=f"{SHARED} is absent")

NAMES = [f"photo{n:02}.png" for n in range(20)]


def _photos(folder, names=NAMES, size=(4, 3)):
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.new("RGB", size, (number, 0, 0)).save(folder / name)


def _tokens(names=NAMES, captions=5):
    return "".join(
        f"{name}#{n}\ta dog of {name} number {n} .\n" for name in names for n in range(captions)
    )


@pytest.fixture
def flickr(tmp_path):
    """Flickr8k's own layout: 20 images, 10 for training, 4 for validation, 4 for test."""
    _photos(tmp_path / "Images")
    texts = tmp_path / "text"
    texts.mkdir()
    (texts / "Flickr8k.token.txt").write_text(_tokens())
    (texts / "Flickr8k.lemma.token.txt").write_text("other\n")
    for name, listed in (("train", NAMES[:10]), ("dev", NAMES[10:14]), ("test", NAMES[14:18])):
        (texts / f"Flickr_8k.{name}Images.txt").write_text("\n".join(listed) + "\n")
    return tmp_path


def _names(split):
    return [each.name for each in split]


def _token_file(folder):
    return folder / "text" / "Flickr8k.token.txt"


def test_flickr_layout_with_its_lists(flickr):
    data = load(f"captions:{flickr}")
    assert data.info.sizes == {"train": 10, "validation": 4, "test": 4}
    assert _names(data.train) == NAMES[:10]
    assert _names(data.validation) == NAMES[10:14]
    assert _names(data.test) == NAMES[14:18]
    assert data.info.skipped == ()
    assert "in no list and not used: 2 images" in data.info.split_rule

    first = data.test[0]
    assert (first.image == (14, 0, 0)).all() and first.image.dtype == np.uint8
    assert first.captions == tuple(f"a dog of photo14.png number {n} ." for n in range(5))
    assert data.test.captions[0] == data.test[:1].captions[0] == first.captions


def test_the_size_is_told_where_it_is_one(flickr):
    data = load(f"captions:{flickr}")
    assert data.info.image_shape == (3, 4, 3)

    Image.new("RGB", (9, 9)).save(flickr / "Images" / NAMES[0])
    data = load(f"captions:{flickr}")
    assert data.info.image_shape is None
    assert {each.image.shape for each in data.train} == {(9, 9, 3), (3, 4, 3)}
    data = load(f"captions:{flickr}", image_size=(6, 8))
    assert data.info.image_shape == (6, 8, 3)
    assert {each.image.shape for each in data.train} == {(6, 8, 3)}


def test_a_missing_list_is_held_out_of_train_and_given_lists_stay(flickr):
    (flickr / "text" / "Flickr_8k.testImages.txt").unlink()
    data = load(f"captions:{flickr}")
    assert data.info.sizes == {"train": 9, "validation": 4, "test": 1}
    assert _names(data.validation) == NAMES[10:14]
    assert sorted(_names(data.train) + _names(data.test)) == NAMES[:10]
    assert "test: 1 different images of train by a hash" in data.info.split_rule


def test_without_a_train_list_the_unlisted_images_are_for_training(flickr):
    (flickr / "text" / "Flickr_8k.trainImages.txt").unlink()
    data = load(f"captions:{flickr}")
    assert _names(data.train) == NAMES[:10] + NAMES[18:]


def test_without_lists_images_are_split_by_their_name_alone(flickr):
    for file in (flickr / "text").glob("*Images.txt"):
        file.unlink()
    first = load(f"captions:{flickr}")
    assert first.info.sizes == {"train": 16, "validation": 2, "test": 2}
    splits = [_names(split) for split in (first.train, first.validation, first.test)]
    assert sorted(sum(splits, [])) == NAMES

    # The order of the file has no influence, the seed has.
    _token_file(flickr).write_text(_tokens(NAMES[::-1]))
    again = load(f"captions:{flickr}")
    assert sorted(_names(again.test)) == sorted(splits[2])
    others = [sorted(_names(load(f"captions:{flickr}", seed=seed).test)) for seed in range(1, 4)]
    assert any(other != sorted(splits[2]) for other in others)


def test_equal_images_are_held_out_together(flickr):
    for file in (flickr / "text").glob("*Images.txt"):
        file.unlink()
    for number, name in enumerate(NAMES):
        Image.new("RGB", (4, 3), (number // 2, 0, 0)).save(flickr / "Images" / name)
    data = load(f"captions:{flickr}")
    sides = [{each.image.tobytes() for each in split}
             for split in (data.train, data.validation, data.test)]  # fmt: skip
    assert all(sides) and sum(map(len, sides)) == len(set.union(*sides)) == 10
    assert data.info.sizes == {"train": 16, "validation": 2, "test": 2}


def test_an_image_in_two_splits_is_refused(flickr):
    with (flickr / "text" / "Flickr_8k.devImages.txt").open("a") as file:
        file.write(NAMES[3])
    with pytest.raises(InputError, match="'photo03.png' is in the .* split"):
        load(f"captions:{flickr}")


def test_two_lists_of_one_split_are_refused(flickr):
    shutil.copy(flickr / "text" / "Flickr_8k.devImages.txt", flickr / "val.txt")
    with pytest.raises(InputError, match="list the validation split"):
        load(f"captions:{flickr}")


def test_words_that_contain_a_split_are_no_lists(flickr):
    (flickr / "latest.txt").write_text("not a list")
    (flickr / "values.txt").write_text("not a list")
    assert load(f"captions:{flickr}", strict=True).info.sizes["test"] == 4


def _truncate(flickr):
    path = flickr / "Images" / "photo01.png"
    noise = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    Image.fromarray(noise).save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:-200])


def _remove(flickr):
    (flickr / "Images" / "photo01.png").unlink()


def _empty_all(flickr):
    kept = _tokens().replace("a dog of photo01.png", "").splitlines()
    lines = [line.split("\t")[0] + "\t ." if "photo01" in line else line for line in kept]
    _token_file(flickr).write_text("\n".join(lines))


def _list_unknown(flickr):
    path = flickr / "text" / "Flickr_8k.trainImages.txt"
    path.write_text(path.read_text().replace("photo01.png", "stranger.png"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_truncate, "photo01.png cannot be read .*truncated"),
        (_remove, "'photo01.png' has captions but is not in"),
        (_empty_all, "'photo01.png' has 5 empty captions and 0 others"),
        (_list_unknown, "trainImages.txt lists 'stranger.png', which has no caption"),
    ],
)
def test_a_fault_is_skipped_and_counted_or_refused_under_strict(flickr, spoil, message):
    spoil(flickr)
    data = load(f"captions:{flickr}")
    assert _names(data.train) == [name for name in NAMES[:10] if name != "photo01.png"]
    assert data.info.sizes["train"] == 9
    assert len(data.info.skipped) == 1
    with pytest.raises(InputError, match=message):
        load(f"captions:{flickr}", strict=True)


def test_one_empty_caption_costs_only_itself(flickr):
    _token_file(flickr).write_text(_tokens().replace("a dog of photo02.png number 3 .", ""))
    data = load(f"captions:{flickr}")
    assert [len(captions) for captions in data.train.captions] == [5, 5, 4, *[5] * 7]
    with pytest.raises(InputError, match="'photo02.png' has 1 empty captions and 4 others"):
        load(f"captions:{flickr}", strict=True)


def test_an_emptied_split_is_refused_with_the_first_fault(flickr):
    shutil.rmtree(flickr / "Images")
    with pytest.raises(
        InputError, match="train split of .* has no image.*The first of 18 faults: The image"
    ):
        load(f"captions:{flickr}")


def test_a_line_without_tab_is_refused_with_its_number(flickr):
    lines = _tokens().splitlines()
    lines[7] = lines[7].replace("\t", " ")
    _token_file(flickr).write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"Flickr8k.token.txt, line 8 has no tab"):
        load(f"captions:{flickr}")


def test_invalid_utf8_is_refused_with_its_line(flickr):
    lines = _tokens().encode().split(b"\n")
    lines[11] += b" caf\xe9"
    _token_file(flickr).write_bytes(b"\n".join(lines))
    with pytest.raises(InputError, match=r"Flickr8k.token.txt, line 12 is not valid UTF-8"):
        load(f"captions:{flickr}")


def test_captions_keep_every_letter(flickr):
    text = _tokens().replace("photo00.png#0\ta dog", "photo00.png#0\tUn garçon\u2028à 犬")
    _token_file(flickr).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    caption = load(f"captions:{flickr}").train.captions[0][0]
    assert caption == "Un garçon\u2028à 犬 of photo00.png number 0 ."


def test_one_name_in_two_places_is_refused(flickr):
    shutil.copytree(flickr / "Images", flickr / "thumbnails")
    with pytest.raises(InputError, match="'photo00.png' is both .*Images.* and .*thumbnails"):
        load(f"captions:{flickr}")
    for file in (flickr / "text").iterdir():
        file.write_text(file.read_text().replace("photo", "thumbnails/photo"))
    assert _names(load(f"captions:{flickr}").train)[0] == "thumbnails/photo00.png"


@pytest.fixture
def table(tmp_path):
    _photos(tmp_path)

    def write(text, name="captions.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path

    return write


ROWS = [(name, text) for name in NAMES for text in (f"a dog, of {name}", "NA", 'he says "hi"')]


def _quoted(caption):
    return '"' + caption.replace('"', '""') + '"'


KAGGLE_8K = ["image,caption", *(f"{name},{_quoted(text)}" for name, text in ROWS)]
KAGGLE_30K = ["image_name| comment_number| comment", *(f"{n}| 0| {text}" for n, text in ROWS)]
SEMICOLONS = ["Caption ; File", *(f"{_quoted(text)};{name}" for name, text in ROWS)]
TABS = ["filename\ttext", *(f"{name}\t{text}" for name, text in ROWS)]


@pytest.mark.parametrize(
    ("name", "lines"),
    [("captions.txt", KAGGLE_8K), ("r.csv", KAGGLE_30K), ("s.csv", SEMICOLONS), ("t.tsv", TABS)],
)
def test_tables_of_every_make(table, name, lines):
    folder = table("\n".join(lines), name)
    data = load(f"captions:{folder}", strict=True)
    assert sum(data.info.sizes.values()) == 20
    found = dict(zip(_names(data.train), data.train.captions, strict=True))
    assert len(found) == 16
    for image, captions in found.items():
        assert captions == (f"a dog, of {image}", "NA", 'he says "hi"')


def test_a_wrong_column_is_refused_with_the_columns_found(table):
    folder = table("picture,caption\nphoto00.png,a dog\n")
    with pytest.raises(InputError, match="columns picture, caption. .*image_name.*Rename"):
        load(f"captions:{folder}")
    table("image,label\nphoto00.png,a dog\n")
    with pytest.raises(InputError, match="columns image, label.*comment"):
        load(f"captions:{folder}")


@pytest.mark.parametrize(
    "text",
    [
        "image,caption\nphoto00.png,a dog\nphoto01.png,a dog, too\n",
        "image,caption\nphoto00.png,a dog, too\nphoto01.png,a dog\n",
        'image,caption\nphoto00.png,"a dog\n',
        "",
    ],
    ids=["comma in a later row", "comma in the first row", "open quote", "empty"],
)
def test_a_malformed_table_is_refused_not_shortened(table, text):
    with pytest.raises(InputError, match="captions.csv cannot be read"):
        load(f"captions:{table(text)}")


def test_no_captions_and_several_captions_files_are_refused(table):
    folder = table("", "other.md")
    with pytest.raises(InputError, match="no captions file"):
        load(f"captions:{folder}")
    table("image,caption\n" + "".join(f"{n},a dog\n" for n in NAMES), "a.csv")
    table(_tokens(), "b.token.txt")
    with pytest.raises(InputError, match=r"several captions files: a.csv, b.token.txt"):
        load(f"captions:{folder}")
    assert load(f"captions:{folder / 'a.csv'}").train.captions[0] == ("a dog",)
    with pytest.raises(InputError, match="does not exist"):
        load(f"captions:{folder / 'absent'}")


def _coco(names, first=0):
    images = [{"id": first + n, "file_name": name} for n, name in enumerate(names)]
    annotations = [
        {"image_id": each["id"], "caption": f"on {each['file_name']}"} for each in images
    ]
    return {"images": images, "annotations": annotations}


@pytest.fixture
def coco(tmp_path):
    """COCO's own layout: a JSON and a folder of images for each of train and val."""
    (tmp_path / "annotations").mkdir()
    for split, names in (("train", NAMES[:15]), ("val", NAMES[15:])):
        _photos(tmp_path / f"{split}2017", names)
        (tmp_path / "annotations" / f"captions_{split}2017.json").write_text(
            json.dumps(_coco(names))
        )
        (tmp_path / "annotations" / f"instances_{split}2017.json").write_text("{}")
    return tmp_path


def test_coco_layout(coco):
    data = load(f"captions:{coco}", strict=True)
    assert data.info.sizes == {"train": 13, "validation": 5, "test": 2}
    assert _names(data.validation) == NAMES[15:]
    assert data.validation.captions[2] == ("on photo17.png",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content["annotations"].pop(3), "'photo03.png' has 0 empty captions and 0"),
        (
            lambda content: content["annotations"].append({"image_id": 99, "caption": "x"}),
            "has a caption of the image 99",
        ),
    ],
)
def test_faults_of_coco_files_are_counted(coco, change, message):
    path = coco / "annotations" / "captions_train2017.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    assert len(load(f"captions:{coco}").info.skipped) == 1
    with pytest.raises(InputError, match=message):
        load(f"captions:{coco}", strict=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images": [', "cannot be read .*line 1"),
        ('{"images": []}', "neither in COCO's form nor .*annotations"),
        ("[]", "neither in COCO's form"),
    ],
)
def test_malformed_coco_files_are_refused(coco, text, message):
    (coco / "annotations" / "captions_train2017.json").write_text(text)
    with pytest.raises(InputError, match=message):
        load(f"captions:{coco}")


@needs_shared
def test_real_flickr8k():
    folder = SHARED / "flickr8k_1k"
    data = load(f"captions:{folder}", image_size=32, strict=True)
    listed = (folder / "trainImages.txt").read_text().split()
    assert data.info.sizes == {"train": 678, "validation": 113, "test": 75}
    assert sorted(_names(data.train) + _names(data.test)) == sorted(listed)
    assert {len(captions) for captions in data.train.captions} == {5}
    assert data.train.captions[0][1] == "A girl going into a wooden building ."


@needs_shared
def test_real_coco():
    data = load(f"captions:{SHARED / 'coco_mini'}", strict=True)
    assert data.info.sizes == {"train": 64, "validation": 8, "test": 8}
    assert data.info.origin.startswith("COCO 2017 Dataset")
    first = data.test[0]
    with Image.open(SHARED / "coco_mini" / "images" / first.name) as picture:
        np.testing.assert_array_equal(first.image, np.asarray(picture.convert("RGB")))
