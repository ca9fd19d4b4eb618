import socket
import threading
import urllib.error
import urllib.request

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_classics.core.errors import InputError
from keras_classics.data import load
from keras_classics.data import tfds as tfds_reader
from keras_classics.data.doctor import examine

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A real set on disk: 20 pictures whose grey value and caption are their number."""

    class NumberedPictures(tfds.core.GeneratorBasedBuilder):
        """Twenty numbered pictures."""

        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(
                    {
                        "picture": tfds.features.Image(shape=(6, 8, 1)),
                        "caption": tfds.features.Text(),
                        "id": tf.int64,
                    }
                ),
            )

        def _split_generators(self, manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for n in range(20):
                picture = np.full((6, 8, 1), n, np.uint8)
                yield n, {"picture": picture, "caption": f"a {WORDS[n // 2]}", "id": n}

    folder = tmp_path_factory.mktemp("tfds")
    NumberedPictures(data_dir=folder).download_and_prepare()
    return folder


@pytest.fixture
def offline(monkeypatch):
    """No name is known; returns the names that were asked for."""
    asked = []

    def refuse(name, *arguments, **options):
        asked.append(name)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return asked


def test_coco_captions_through_the_mocked_library():
    with tfds.testing.mock_data(num_examples=4):
        data = load("tfds:coco_captions")
        assert data.info.image_shape is None
        elements = list(data.train)
    assert data.info.sizes == {"train": 4, "validation": 4, "test": 4}
    assert len(elements) == 4
    for element in elements:
        assert element.label is None and element.image.shape[-1] == 3
        assert element.image.dtype == np.uint8
        assert isinstance(element.captions, tuple) and isinstance(element.captions[0], str)
        assert isinstance(element.name, str)


def test_mocked_pictures_are_resized():
    with tfds.testing.mock_data(num_examples=2):
        data = load("tfds:coco_captions", image_size=(20, 30))
        assert data.info.image_shape == (20, 30, 3)
        for element in data.test:
            assert element.image.shape == (20, 30, 3)
            assert element.image.dtype == np.uint8


def test_moving_pictures_are_clips(tmp_path):
    class Fading(tfds.core.GeneratorBasedBuilder):
        """Ten clips of seven frames, which become brighter."""

        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = tfds.features.FeaturesDict(
                {
                    "video": tfds.features.Video(shape=(None, 6, 8, 3)),
                    "label": tfds.features.ClassLabel(names=["even", "odd"]),
                }
            )
            return tfds.core.DatasetInfo(builder=self, features=features)

        def _split_generators(self, manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for n in range(10):
                frames = [np.full((6, 8, 3), 10 * n + m, np.uint8) for m in range(7)]
                yield n, {"video": frames, "label": n % 2}

    Fading(data_dir=tmp_path).download_and_prepare()
    data = load("tfds:fading", data_dir=tmp_path, frames=3, image_size=4)
    assert data.info.sizes == {"train": 8, "validation": 1, "test": 1}
    assert data.info.classes == ("even", "odd")
    for clip in data.train:
        first, middle, last = clip.frames[:, 0, 0, 0].tolist()
        assert clip.frames.shape == (3, 4, 4, 3) and (middle, last) == (first + 3, first + 6)
        assert clip.label == first // 10 % 2


def test_official_splits_are_used_under_their_own_names(tmp_path):
    builder = tfds.builder("coco_captions", data_dir=tmp_path)
    splits = [
        tfds.core.SplitInfo(name=name, shard_lengths=[size], num_bytes=0)
        for name, size in (("train", 100), ("val", 10), ("test", 10), ("restval", 50))
    ]
    builder.info.set_splits(tfds.core.SplitDict(splits))
    builder.data_path.mkdir(parents=True)
    builder.info.write_to_directory(builder.data_dir)
    with tfds.testing.mock_data(num_examples=2, data_dir=str(tmp_path)):
        data = load("tfds:coco_captions", data_dir=tmp_path)
    assert data.info.split_rule == "train: train; validation: val; test: test"


def test_a_prepared_set_needs_no_network(prepared, offline):
    data = load("tfds:numbered_pictures", data_dir=prepared)
    assert data.info.sizes == {"train": 16, "validation": 2, "test": 2}
    assert data.info.image_shape == (6, 8, 3)
    seen = []
    for split in (data.train, data.validation, data.test):
        for place, element in enumerate(split):
            number = int(element.name)
            seen.append(number)
            assert (element.image == number).all() and element.image.shape == (6, 8, 3)
            assert element.captions == (f"a {WORDS[number // 2]}",)
            assert split[place].name == split[place : place + 1][0].name == element.name
    assert sorted(seen) == list(range(20))


def test_resizing_keeps_values(prepared):
    data = load("tfds:numbered_pictures", data_dir=prepared, image_size=5)
    for element in data.train:
        assert (element.image == int(element.name)).all()
        assert element.image.dtype == np.uint8 and element.image.shape == (5, 5, 3)


@pytest.mark.parametrize("name", ["coco_captions", "huggingface:flickr30k"])
def test_offline_is_said_after_one_question(offline, tmp_path, name):
    # TensorFlow Datasets itself would ask again and again, for minutes.
    with pytest.raises(InputError, match="no network answers"):
        load(f"tfds:{name}", data_dir=tmp_path)
    assert len(offline) == 1


def test_a_network_that_never_answers_is_given_up(monkeypatch, tmp_path):
    given_up, answered = threading.Event(), threading.Event()

    def ask(*arguments, **options):
        # Long enough for any machine, so that a load that waits for it fails instead of hanging.
        given_up.wait(20)
        answered.set()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    monkeypatch.setattr(tfds_reader, "_PROBE_SECONDS", 0.1)
    with pytest.raises(InputError, match="no network answers"):
        load("tfds:coco_captions", data_dir=tmp_path)
    assert not answered.is_set()
    given_up.set()
    assert answered.wait(20)


def test_a_download_that_breaks_is_reported(monkeypatch, tmp_path):
    def answer(*arguments, **options):
        raise urllib.error.HTTPError("https://example.org", 404, "Not Found", None, None)

    def break_off(*arguments, **options):
        raise ConnectionError("connection reset")

    monkeypatch.setattr(urllib.request, "urlopen", answer)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", break_off)
    with pytest.raises(InputError, match=r"could not fetch coco_captions \(connection reset\)"):
        load("tfds:coco_captions", data_dir=tmp_path)


def test_a_set_without_captions_and_classes_is_refused_with_its_features():
    with pytest.raises(InputError, match="'binarized_mnist' has the features image\\."):
        load("tfds:binarized_mnist")


def test_a_set_of_classes_through_the_mocked_library():
    with tfds.testing.mock_data(num_examples=3):
        data = load("tfds:cifar10", image_size=16)
        element = data.test[0]
    # The mocked library knows the number of classes, not their names.
    assert data.info.classes == tuple(map(str, range(10)))
    assert element.captions is None and element.image.shape == (16, 16, 3)
    assert 0 <= element.label < 10


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("coco_caption", "has no set 'coco_caption'.*Did you mean coco_captions"),
        ("coco_captions/1999", "cannot build 'coco_captions/1999'"),
        ("coco captions", "cannot build 'coco captions'"),
    ],
)
def test_an_unknown_set_is_refused(name, message):
    with pytest.raises(InputError, match=message):
        load(f"tfds:{name}")


def test_the_boxes_of_a_set_are_pixels_of_its_pictures(tmp_path):
    class BoxedPictures(tfds.core.GeneratorBasedBuilder):
        """Ten pictures with an object, and one that has no extent."""

        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            objects = {
                "bbox": tfds.features.BBoxFeature(),
                "label": tfds.features.ClassLabel(names=["cat", "dog"]),
                "is_difficult": tf.bool,
            }
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(
                    {
                        "image": tfds.features.Image(shape=(20, 40, 3)),
                        "objects": tfds.features.Sequence(objects),
                    }
                ),
            )

        def _split_generators(self, manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for number in range(10):
                whole = tfds.features.BBox(0.25, 0.5, 0.75, 1.0)
                empty = tfds.features.BBox(0.5, 0.5, 0.5, 0.5)
                yield (
                    number,
                    {
                        "image": np.full((20, 40, 3), number, "uint8"),
                        "objects": [
                            {"bbox": whole, "label": 1, "is_difficult": True},
                            {"bbox": empty, "label": 0, "is_difficult": False},
                        ],
                    },
                )

    BoxedPictures(data_dir=tmp_path).download_and_prepare()
    data = load("tfds:boxed_pictures", data_dir=tmp_path)
    assert data.info.classes == ("cat", "dog") and data.has("boxes")
    example = data.train[0]
    assert example.boxes.tolist() == [[5, 20, 15, 40]] and example.box_labels.tolist() == [1]
    assert example.difficult.tolist() == [True] and example.areas.tolist() == [200.0]
    # What has no extent is left out of each, and counted.
    assert example.left_out == 1
    told = " ".join(examine(data).remarks)
    assert "10 pictures have boxes without area or class, which are left out" in told
    resized = load("tfds:boxed_pictures", data_dir=tmp_path, image_size=40).train[0]
    assert resized.boxes.tolist() == [[10, 20, 30, 40]]
