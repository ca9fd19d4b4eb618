"""The masks of sets of TensorFlow Datasets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.core.errors import InputError
from keras_classics.core.progress import tracked
from keras_classics.data.pictures.formats.mask_files import IGNORED, resize_mask
from keras_classics.data.pictures.masked_pictures import MaskedPicture

if TYPE_CHECKING:
    import tensorflow as tf
    import tensorflow_datasets as tfds

_KEYS = ("segmentation_mask", "segmentation_label", "mask", "annotations", "label", "labels")


@dataclass(frozen=True)
class StoredMasks:
    """Where a set keeps the mask of a picture.

    Attributes:
        key: Name of the feature.
        values: The values that are classes, in their order.
        classes: Names of the classes.
    """

    key: str
    values: tuple[int, ...]
    classes: tuple[str, ...]


def mask_key(name: str, features: tfds.features.FeaturesDict, image: str) -> str:
    """The feature that is a mask.

    Args:
        name: The set.
        features: What an example has.
        image: The feature that is the picture.

    Raises:
        InputError: There is none.
    """
    import tensorflow_datasets as tfds

    for key in _KEYS:
        if key == image or key not in features:
            continue
        if isinstance(features[key], tfds.features.Image) and features[key].shape[-1] == 1:
            return key
    raise InputError(
        f"The TensorFlow Datasets set {name!r} has the features {', '.join(features)}",
        f"a set with masks, a picture of one channel under {', '.join(_KEYS)}",
        "Choose for example tfds:oxford_iiit_pet, or leave masks out.",
    )


def stored_masks(name: str, key: str, feature: Any, train: tf.data.Dataset) -> StoredMasks:
    """What the masks of a set say: its names, or else the values that occur in training.

    Args:
        name: The set.
        key: The feature.
        feature: Its kind.
        train: The training examples; of them the masks are enough.

    Raises:
        InputError: There is one class only, or more values than a mask has.
    """
    names = getattr(feature, "names", None)
    if names:
        return StoredMasks(key, tuple(range(len(names))), tuple(names))
    seen = set[int]()
    examples, number = train.as_numpy_iterator(), int(train.cardinality())
    # Less than none where it is not known.
    for example in tracked(examples, "Checking masks", number) if number > 0 else examples:
        seen |= set(np.unique(example[key]).tolist())
    values = tuple(sorted(seen - {IGNORED}))
    if len(values) < 2 or values[-1] > IGNORED:
        raise InputError(
            f"The masks of {name!r} have the values {sorted(seen)[:9]}",
            "two and more of 0 to 254, and 255 for what does not count",
            "Choose another set, or leave masks out.",
        )
    return StoredMasks(key, values, tuple(map(str, values)))


def masked_example(
    facts: Mapping[str, Any],
    stored: np.ndarray,
    masks: StoredMasks,
    file_size: tuple[int, int],
) -> MaskedPicture:
    """A picture with its mask.

    Args:
        facts: Image, name, label and captions.
        stored: `(height, width, 1)`.
        masks: What the values are.
        file_size: Height and width of the picture before it was resized.

    Raises:
        InputError: The mask has a value that is no class, or another size.
    """
    if stored.shape[:2] != file_size:
        raise InputError(
            f"The mask of {facts['name']} has {stored.shape[0]} x {stored.shape[1]} pixels and its "
            f"picture {file_size[0]} x {file_size[1]} (height x width)",
            "masks of their pictures' size",
            "Choose another set.",
        )
    table = np.full(int(max(stored.max(initial=0), *masks.values, IGNORED)) + 1, -1, "int16")
    table[IGNORED] = IGNORED
    table[list(masks.values)] = np.arange(len(masks.values))
    labels = table[stored[..., 0]]
    if (wrong := np.unique(stored[..., 0][labels < 0])).size:
        raise InputError(
            f"The mask of {facts['name']} has the values {', '.join(map(str, wrong[:9]))}",
            f"those of {len(masks.values)} classes, up to {max(masks.values)}, and {IGNORED}",
            "Choose another set, or another release of it.",
        )
    labels = labels.astype("uint8")
    return MaskedPicture(**facts, class_mask=resize_mask(labels, *facts["image"].shape[:2]))
