import ast
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import keras_classics.data
from keras_classics.core.errors import InputError
from keras_classics.data import load
from keras_classics.data.load import SOURCES


@pytest.mark.parametrize(
    ("spec", "suggestion"),
    [
        ("scene", "Did you mean scenes?"),
        ("caption:/photos", "Did you mean captions:FOLDER?"),
        ("tdfs:coco_captions", "Did you mean tfds:NAME"),
        ("captions", "Did you mean captions:FOLDER?"),
        ("captions:", "Did you mean captions:FOLDER?"),
        ("Scenes", "Did you mean scenes?"),
        ("NPZ:a.npz", "Did you mean npz:FILE"),
        ("scenes:", "Did you mean scenes?"),
        ("mnist", "Did you mean scenes or captions:FOLDER or "),
    ],
)
def test_an_unknown_specification_names_the_nearest(spec, suggestion):
    with pytest.raises(InputError) as caught:
        load(spec)
    assert str(caught.value).startswith(f"The data specification {spec!r} was given. Allowed: sc")
    assert suggestion in str(caught.value)


def test_a_bare_folder_is_answered_with_the_way_to_write_it(tmp_path):
    with pytest.raises(InputError, match=f"write captions:{tmp_path}"):
        load(str(tmp_path))


def test_scenes_of_the_splits_are_different():
    data = load("scenes", train=6, validation=3, test=3, image_size=32)
    assert data.info.sizes == {"train": 6, "validation": 3, "test": 3}
    assert data.info.image_shape == (32, 32, 3)
    splits = [list(each) for each in (data.train, data.validation, data.test)]
    assert [len(split) for split in splits] == [6, 3, 3]
    names = [each.name for split in splits for each in split]
    images = {each.image.tobytes() for split in splits for each in split}
    assert len(set(names)) == len(images) == 12
    assert splits[0][0].image.shape == (32, 32, 3)
    assert 0 <= splits[0][0].label < len(data.info.classes)


def test_test_scenes_do_not_depend_on_the_number_of_training_scenes():
    few, many = (load("scenes", train=n, validation=1, test=2, image_size=32) for n in (2, 9))
    for one, other in zip(few.test, many.test, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        assert one.captions == other.captions
    other_world = load("scenes", seed=1, train=2, validation=1, test=2, image_size=32)
    assert other_world.test[0].captions != few.test[0].captions


@pytest.mark.parametrize(
    "options",
    [{"image_size": (32, 64)}, {"image_size": 10**9}, {"test": 0}, {"clutter": 7.0}],
)
def test_impossible_scenes_are_refused(options):
    with pytest.raises(InputError):
        load("scenes", **options)


def test_options_reach_the_reader(tmp_path):
    for n in range(10):
        Image.new("RGB", (8, 8), (n, 0, 0)).save(tmp_path / f"{n}.png")
    rows = "".join(f"{n}.png,a dog\n" for n in range(11))
    (tmp_path / "captions.csv").write_text("image,caption\n" + rows)
    data = load(f"captions:{tmp_path}", image_size=5)
    assert data.info.image_shape == (5, 5, 3)
    assert data.info.name == f"captions:{tmp_path}"
    with pytest.raises(InputError, match="'10.png'"):
        load(f"captions:{tmp_path}", strict=True)


DATA = Path(keras_classics.data.__file__).parent


@pytest.mark.parametrize("file", sorted(str(path.relative_to(DATA)) for path in DATA.rglob("*.py")))
def test_no_engine_is_imported_before_it_is_needed(file):
    tree = ast.parse((DATA / file).read_text())
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {alias.name for node in imports for alias in node.names}
    modules |= {node.module for node in imports if isinstance(node, ast.ImportFrom)}
    heavy = ("tensorflow", "tensorflow_datasets", "keras", "pandas")
    assert not [name for name in modules if name.split(".")[0] in heavy]


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("scenes", {"clutters": 1}, "'clutters' was given to 'scenes'.*clutter"),
        ("scenes", {"train": "many"}, "train='many' was given.*a whole number.*Leave train out"),
        ("scenes", {"objects": 2}, "objects=2 was given.*2 values"),
        ("digits", {"validation": "a"}, "validation='a' was given.*a number"),
        ("parallel:a.en,a.fr", {"languages": 3}, "languages=3 was given.*a text"),
        ("conllu:a", {"column": True}, "column=True was given.*a text"),
    ],
)
def test_options_of_another_kind_are_refused_before_anything_is_read(spec, options, message):
    with pytest.raises(InputError, match=message):
        load(spec, **options)


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        (None, {}, "specification None was given"),
        (Path("a"), {}, "specification .*Path.* was given"),
        ("digits", {"seed": -1}, "seed=-1 was given"),
        ("digits", {"seed": "x"}, "seed='x' was given"),
        ("folder:~nosuchuser/x", {}, "path '~nosuchuser/x' was given"),
        ("folder:" + "x" * 5000, {}, "File name too long"),
        ("x" * 5000, {}, "File name too long"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_impossible_paths_and_seeds_are_one_sentence(spec, options, message):
    with pytest.raises(InputError, match=message):
        load(spec, **options)


def test_names_that_are_no_text_are_faults_of_pictures_and_refused_of_classes(tmp_path):
    for number in range(24):
        name = tmp_path / "ab"[number % 2] / f"{number}.png"
        name.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), 9 * number, "uint8")).save(name)
    name.rename(name.with_name("a\udcff.png"))
    assert "names in UTF-8" in load(f"folder:{tmp_path}").info.skipped[0]
    with pytest.raises(InputError, match=r"a\\udcff.png' was found"):
        load(f"folder:{tmp_path}", strict=True)
    name.parent.rename(tmp_path / "b\udcff")
    with pytest.raises(InputError, match=r"b\\udcff' was found"):
        load(f"folder:{tmp_path}")


def test_a_folder_a_level_too_high_is_remarked_and_the_one_below_has_the_classes(tmp_path):
    for number in range(24):
        name = tmp_path / "archive" / ("cat", "dog")[number % 2] / f"{number}.png"
        name.parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(np.full((8, 8, 3), 9 * number, "uint8")).save(name)
    found = load(f"folder:{tmp_path}").info
    assert not found.classes and len(found.remarks) == 1
    assert "'archive' in place of two folders of classes" in found.remarks[0]
    below = load(f"folder:{tmp_path / 'archive'}").info
    assert below.classes == ("cat", "dog") and not below.remarks
    # Pictures in no folders are what they seem.
    for path in (tmp_path / "archive").rglob("*.png"):
        path.rename(tmp_path / path.name)
    for folder in ("archive/cat", "archive/dog", "archive"):
        (tmp_path / folder).rmdir()
    assert not load(f"folder:{tmp_path}").info.remarks
    # Classes of another split alone are none of a network's.
    for path in list(tmp_path.glob("*.png")):
        place = tmp_path / ("test/cat" if path.stem < "2" else "train")
        place.mkdir(exist_ok=True, parents=True)
        path.rename(place / path.name)
    assert "test has folders such as 'cat'" in load(f"folder:{tmp_path}").info.remarks[0]


@pytest.mark.parametrize(
    "scheme", [name for name, source in SOURCES.items() if source.usage == f"{name}:FOLDER"]
)
def test_a_folder_that_is_not_there_is_named_before_it_is_read(scheme, tmp_path):
    with pytest.raises(InputError, match="nowhere does not exist.*the path of a folder"):
        load(f"{scheme}:{tmp_path / 'nowhere'}")


def test_a_pipe_has_no_captions(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe is neither a file nor a folder"):
        load(f"captions:{tmp_path / 'pipe'}")
