"""Sets of TensorFlow Datasets: images with captions, classes or boxes, clips, parallel text."""

from __future__ import annotations

import difflib
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count
from keras_classics.core.errors import InputError
from keras_classics.core.versions import installed
from keras_classics.data.clips.video_files import evenly
from keras_classics.data.holdout import SPLIT_NAMES, SPLIT_OF
from keras_classics.data.load import Asked, Data
from keras_classics.data.pictures.formats.tfds_boxes import (
    StoredObjects,
    boxed_example,
    find_objects,
)
from keras_classics.data.pictures.formats.tfds_masks import mask_key, masked_example, stored_masks
from keras_classics.data.pictures.images import eight_bit_rgb
from keras_classics.data.splits import Clip, Example, Picture, Split
from keras_classics.data.texts.parallel import Parallel, ParallelTexts

if TYPE_CHECKING:
    import tensorflow as tf
    import tensorflow_datasets as tfds

NAME_FEATURES = ("image/filename", "filename", "file_name", "image/id", "image_id", "id")

_PROBE = "https://storage.googleapis.com/tfds-data/"
_PROBE_SECONDS = 3.0


@checked
def load_tfds(
    asked: Asked, *, data_dir: str | Path | None = None, masks: bool = False, frames: Count = 8
) -> Data:
    """Load a set of TensorFlow Datasets: images with captions, classes, boxes or masks, or texts.

    What is on disk is used without asking the network. Otherwise the set is downloaded, or, where
    no network answers, refused at once. A split that the set lacks is the last tenth of its
    train split (the last two tenths where both are lacking); TFDS stores its examples shuffled.

    Args:
        asked: The set's name, with configuration and version if wanted: `"coco_captions/2014"`.
        data_dir: Where TFDS keeps its sets; None for its own default.
        masks: Read the classes of pixels, of sets that have them.
        frames: Of sets of moving pictures, how many of a clip are taken, at even distances; fewer
            where it has fewer.

    Raises:
        InputError: The set is unknown, cannot be had, or has neither translations nor a clip nor an
            image with captions, a class or boxes.
    """
    import tensorflow_datasets as tfds

    name, size = asked.argument, asked.size
    builder = _builder(name, data_dir)
    features = builder.info.features
    if isinstance(features, tfds.features.Translation):
        return _translations(asked, builder)
    videos = [key for key, each in features.items() if isinstance(each, tfds.features.Video)]
    if videos:
        return _clips(asked, builder, videos[0], frames)
    image, texts, label, objects = _find_features(name, features)
    pixels = mask_key(name, features, image) if masks else None
    if pixels:
        texts, objects = (), None
    title = next((key for key in NAME_FEATURES if key in features), None)
    _prepare(builder)

    wanted: dict = {key: True for key in (image, *texts[:1], label, title) if key}
    if len(texts) == 2:
        wanted[texts[0]] = {texts[1]: True}
    if objects:
        wanted[objects.key] = dict.fromkeys(objects.columns.values(), True)
    if pixels:
        wanted[pixels] = True
    decoders = tfds.decode.PartialDecoding(wanted)
    drawn = (
        stored_masks(
            name, pixels, features[pixels],
            builder.as_dataset(
                split=_splits(builder)["train"],
                decoders=tfds.decode.PartialDecoding({pixels: True}),
            ),
        )
        if pixels else None
    )  # fmt: skip

    def picture(number: int, example: dict) -> Picture:
        captions = None
        if texts:
            found: Any = example
            for key in texts:
                found = found[key]
            captions = tuple(text.decode() for text in np.ravel(found))
        name = example[title] if title else number
        found_image = example[image]
        facts: dict[str, Any] = {
            "image": eight_bit_rgb(found_image, size),
            "name": name.decode() if isinstance(name, bytes) else str(name),
            "label": int(example[label]) if label else None,
            "captions": captions,
        }
        if drawn:
            return masked_example(facts, example[drawn.key], drawn, found_image.shape[:2])
        if objects:
            return boxed_example(facts, example[objects.key], objects, found_image.shape[:2])
        return Picture(**facts)

    def read(part: str) -> Streamed[Picture]:
        return Streamed(builder.as_dataset(split=part, decoders=decoders), picture)

    sides = size or features[image].shape[:2]
    return _data(
        asked,
        builder,
        read,
        image_shape=None if None in sides else (*sides, 3),
        classes=objects.classes if objects else tuple(features[label].names) if label else None,
        pixel_classes=drawn.classes if drawn else None,
    )


def _data(
    asked: Asked,
    builder: tfds.core.DatasetBuilder,
    read: Callable[[str], Sequence[Any]],
    **facts: Any,
) -> Data:
    """The set of what is read of each split, named as TFDS names it."""
    splits = _splits(builder)
    return asked.data(
        {split: read(part) for split, part in splits.items()},
        "; ".join(f"{split}: {splits[split]}" for split in SPLIT_NAMES),
        origin=f"TensorFlow Datasets {builder.info.full_name}, {builder.info.homepage}",
        made_with=installed(["tensorflow-datasets"]),
        **facts,
    )


def _clips(asked: Asked, builder: tfds.core.DatasetBuilder, video: str, frames: int) -> Data:
    """Load a set whose examples are moving pictures, with classes where it has them."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    labels = [key for key, each in features.items() if isinstance(each, tfds.features.ClassLabel)]
    label = labels[0] if labels else None
    _prepare(builder)

    def clip(number: int, example: dict) -> Clip:
        whole = example[video]
        chosen = [eight_bit_rgb(whole[n], asked.size) for n in evenly(len(whole), frames)]
        return Clip(np.stack(chosen), str(number), int(example[label]) if label else None)

    def read(part: str) -> Streamed[Clip]:
        return Streamed(builder.as_dataset(split=part), clip)

    return _data(asked, builder, read, classes=tuple(features[label].names) if label else None)


class Streamed(Split[Example]):
    """Examples in the order in which a set is stored; single ones are found by passing others over.

    Args:
        dataset: What is stored.
        make: Makes an example of its number and what is stored.
    """

    def __init__(self, dataset: tf.data.Dataset, make: Callable[[int, dict], Example]) -> None:
        self._dataset = dataset
        self._make = make

    def __len__(self) -> int:
        return int(self._dataset.cardinality())

    def __iter__(self) -> Iterator[Example]:
        for number, example in enumerate(self._dataset.prefetch(64).as_numpy_iterator()):
            yield self._make(number, example)

    def _one(self, n: int) -> Example:
        n = range(len(self))[n]
        return self._make(n, next(self._dataset.skip(n).take(1).as_numpy_iterator()))


def _builder(name: str, data_dir: str | Path | None) -> tfds.core.DatasetBuilder:
    import tensorflow_datasets as tfds

    if re.match(r"\w+:[a-zA-Z]", name):
        # A community set; TFDS asks the network even for its description.
        _require_network(name)
    try:
        return tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError as error:
        near = difflib.get_close_matches(name, tfds.list_builders(), n=3)
        raise InputError(
            f"TensorFlow Datasets has no set {name!r}",
            "the names that tensorflow_datasets.list_builders() gives",
            f"Did you mean {' or '.join(near)}?" if near else "Check the name.",
        ) from error
    except (ValueError, AssertionError) as error:
        raise InputError(
            f"TensorFlow Datasets cannot build {name!r} ({str(error).splitlines()[0]})",
            "NAME, NAME/CONFIG or NAME:VERSION",
            "Check configuration and version.",
        ) from error


def _prepare(builder: tfds.core.DatasetBuilder) -> None:
    """Download a set that is not on disk, without TFDS's minutes of retries when offline."""
    try:
        builder.as_dataset()
        return
    # This is how TFDS says that the set is not on disk.
    except AssertionError:
        _require_network(builder.name)
    try:
        builder.download_and_prepare()
    except (OSError, AssertionError) as error:
        raise InputError(
            f"TensorFlow Datasets could not fetch {builder.name} ({error})",
            f"sets that can be downloaded, or that lie in {builder.data_dir}",
            "Try again, or follow the set's instructions for a manual download.",
        ) from error


def _require_network(name: str) -> None:
    answered = threading.Event()

    def probe() -> None:
        try:
            urllib.request.urlopen(_PROBE, timeout=_PROBE_SECONDS).close()
        except urllib.error.HTTPError:
            pass  # A refusal is an answer too.
        except OSError:
            return
        answered.set()

    # In a thread, because looking up a name obeys no time limit.
    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    thread.join(_PROBE_SECONDS)
    if not answered.is_set():
        raise InputError(
            f"The TensorFlow Datasets set {name!r} is not on this disk, and no network answers",
            "sets that are on disk, or a network to fetch them",
            "Connect, or copy the prepared set and give its folder in TFDS_DATA_DIR.",
        )


def _translations(asked: Asked, builder: tfds.core.DatasetBuilder) -> Data:
    """Load a set whose examples are a sentence in each of its languages."""
    languages = tuple(builder.info.features.languages)
    _prepare(builder)

    def read(part: str) -> ParallelTexts:
        rows = enumerate(builder.as_dataset(split=part).as_numpy_iterator())
        sentences = [
            Parallel({each: row[each].decode() for each in languages}, str(n)) for n, row in rows
        ]
        return ParallelTexts.gathered(sentences, languages)

    return _data(asked, builder, read, languages=languages)


def _find_features(
    name: str, features: tfds.features.FeaturesDict
) -> tuple[str, tuple[str, ...], str | None, StoredObjects | None]:
    """Find the key of the image, the way to the captions, the key of the class, the objects."""
    import tensorflow_datasets as tfds

    images = [key for key, each in features.items() if isinstance(each, tfds.features.Image)]
    captions = [path for key in features if (path := _text_path(key, features[key]))]
    labels = [key for key, each in features.items() if isinstance(each, tfds.features.ClassLabel)]
    # Of a set with both, captions are what people come for.
    objects = None if captions else find_objects(features)
    if not images or not (captions or labels or objects):
        raise InputError(
            f"The TensorFlow Datasets set {name!r} has the features {', '.join(features)}",
            "a set with an image, and with a class, with objects that have boxes, or with "
            "texts under a name that has 'caption' in it, or a set of translations",
            "Choose for example tfds:cifar10, tfds:coco_captions, tfds:voc or "
            "tfds:ted_hrlr_translate/pt_to_en.",
        )
    image, label = ("image" if "image" in images else images[0]), (labels or [None])[0]
    label = "label" if "label" in labels else label
    return image, (captions or [()])[0], label, objects


def _text_path(key: str, feature: tfds.features.FeatureConnector) -> tuple[str, ...] | None:
    import tensorflow as tf
    import tensorflow_datasets as tfds

    if "caption" not in key:
        return None
    inner = feature.feature if isinstance(feature, tfds.features.Sequence) else feature
    if not isinstance(inner, tfds.features.FeaturesDict):
        return (key,) if inner.tf_dtype == tf.string else None
    for part in ("text", "caption", "raw"):
        if part in inner and inner[part].tf_dtype == tf.string:
            return key, part
    return None


def _splits(builder: tfds.core.DatasetBuilder) -> dict[str, str]:
    """Choose the TFDS split, or the slice of its train split, for each of our splits."""
    # A mocked set lists no splits, and gives examples for any.
    available = list(builder.info.splits) or ["train"]
    splits = {SPLIT_OF[name]: name for name in SPLIT_OF if name in available}
    if "train" not in splits:
        raise InputError(
            f"The TensorFlow Datasets set {builder.name!r} has the splits {', '.join(available)}",
            "a set with a train split",
            "Choose another set or configuration.",
        )
    end = 100
    for split in ("test", "validation"):
        if split not in splits:
            splits[split] = f"train[{end - 10}%:{end}%]"
            end -= 10
    if end < 100:
        splits["train"] = f"train[:{end}%]"
    return splits
