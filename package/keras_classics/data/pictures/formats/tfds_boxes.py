"""The boxes of sets of TensorFlow Datasets: shares of the picture's sides there, pixels here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.boxes.detections import box_areas
from keras_classics.data.pictures.boxed_pictures import BoxedPicture

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

# What sets call what else is known of an object.
_FLAGS = {"crowd": ("is_crowd", "is_group_of"), "difficult": ("is_difficult",), "areas": ("area",)}


@dataclass(frozen=True)
class StoredObjects:
    """Where a set keeps the objects of a picture.

    Attributes:
        key: Name of the sequence.
        columns: Names in it by ours: `"boxes"`, `"box_labels"`, and perhaps more.
        classes: Names of the classes.
    """

    key: str
    columns: Mapping[str, str]
    classes: tuple[str, ...]


def find_objects(features: tfds.features.FeaturesDict) -> StoredObjects | None:
    """The objects of a set: a sequence with a box and a class, if it has one.

    Args:
        features: What an example has.
    """
    import tensorflow_datasets as tfds

    for key, feature in features.items():
        inner = getattr(feature, "feature", None)
        if not isinstance(inner, tfds.features.FeaturesDict):
            continue
        kinds = tfds.features.BBoxFeature, tfds.features.ClassLabel
        boxes, labels = (
            [name for name, each in inner.items() if isinstance(each, kind)] for kind in kinds
        )
        if boxes and labels:
            # Others are poses, say.
            label = "label" if "label" in labels else labels[0]
            columns = {"boxes": boxes[0], "box_labels": label}
            for ours, theirs in _FLAGS.items():
                columns.update((ours, name) for name in theirs if name in inner)
            return StoredObjects(key, columns, tuple(inner[label].names))
    return None


def boxed_example(
    facts: Mapping[str, Any],
    stored: Mapping[str, np.ndarray],
    objects: StoredObjects,
    file_size: tuple[int, int],
) -> BoxedPicture:
    """A picture with its boxes; those without area or class are left out and counted.

    Args:
        facts: Image, name, label and captions.
        stored: The set's columns of its objects.
        objects: What they are.
        file_size: Height and width before the picture was resized.
    """
    height, width = facts["image"].shape[:2]
    scale = np.array([height, width, height, width], "float32")
    boxes = np.clip(np.reshape(stored[objects.columns["boxes"]], (-1, 4)), 0.0, 1.0) * scale
    labels = np.reshape(stored[objects.columns["box_labels"]], -1).astype("int32")
    stay = (boxes[:, 2:] > boxes[:, :2]).all(axis=1) & (labels >= 0)
    boxes, labels = boxes[stay].astype("float32"), labels[stay]
    areas = box_areas(boxes)
    if "areas" in objects.columns:
        resized = height * width / (file_size[0] * file_size[1])
        areas = np.asarray(stored[objects.columns["areas"]])[stay] * np.float32(resized)
    flags: dict[str, Any] = {
        name: np.asarray(stored[objects.columns[name]], bool)[stay]
        if name in objects.columns
        else np.zeros(len(labels), bool)
        for name in ("crowd", "difficult")
    }
    return BoxedPicture(
        **facts,
        boxes=boxes,
        box_labels=labels,
        **flags,
        areas=areas.astype("float32"),
        truncation=np.zeros(len(labels), "float32"),
        occlusion=np.zeros(len(labels), "int32"),
        outlines=(None,) * len(labels),
        file_size=(int(file_size[0]), int(file_size[1])),
        left_out=int((~stay).sum()),
    )
