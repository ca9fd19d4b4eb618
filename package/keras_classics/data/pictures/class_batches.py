"""From pictures and classes to the batches a classifier trains on.

Every batch is a pure function of the seed and its number, augmentation included.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from keras_classics.core.errors import InputError, explain
from keras_classics.core.progress import tracked
from keras_classics.data.captions.caption_batches import steps_per_epoch
from keras_classics.data.load import Data
from keras_classics.data.pictures.preparation import Preparation

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


@dataclass(frozen=True)
class LabelledImages:
    """A split read once.

    Attributes:
        images: uint8 `(n, height, width, 3)`, or a list where pictures differ in size.
        labels: int32 `(n,)`.
        names: What each picture is called.
    """

    images: np.ndarray | list[np.ndarray]
    labels: np.ndarray
    names: list[str]

    def __len__(self) -> int:
        return len(self.names)


def check_labelled(data: Data) -> None:
    """Refuse data whose pictures have no class.

    Raises:
        InputError: They have none.
    """
    if "label" not in data.train.element_spec or not data.info.classes:
        raise InputError(
            explain(
                f"The pictures of {data.info.name!r} have no classes",
                "data with a class for each picture",
                "Use digits, scenes, npz:FILE, folder:DIR with a subfolder for each class, or a "
                "TFDS set with labels.",
            )
        )


def collect_labelled(
    split: tf.data.Dataset, *, count: int, description: str = "Reading"
) -> LabelledImages:
    """Read a split of `kc.data.load` into memory, with a progress bar.

    Args:
        split: Elements with `"image"`, `"label"` and `"name"`.
        count: Number of images.
        description: Text beside the progress bar.
    """
    images: list[np.ndarray] = []
    labels: list[int] = []
    names: list[str] = []
    whole = None
    elements = split.prefetch(64).as_numpy_iterator()
    for element in tracked(elements, description, count):
        image = element["image"]
        # One array from the first picture on: to stack them in the end would hold all twice.
        if whole is None and not images:
            whole = np.empty((count, *image.shape), image.dtype)
        if whole is not None and (len(names) == count or whole.shape[1:] != image.shape):
            images, whole = list(whole[: len(names)]), None
        if whole is None:
            images.append(image)
        else:
            whole[len(names)] = image
        labels.append(element["label"])
        names.append(element["name"].decode())
    found = images if whole is None else whole[: len(names)]
    return LabelledImages(found, np.array(labels, "int32"), names)


def classified_batches(
    part: LabelledImages,
    preparation: Preparation,
    *,
    classes: int,
    batch_size: int,
    seed: int,
    outputs: int = 1,
    first: int = 0,
) -> tf.data.Dataset:
    """Endless training batches `(pictures, one-hot targets)`, from any batch on.

    Every epoch visits each picture once, in a new order and newly augmented; the rest that fills
    no batch is left out.

    Args:
        part: The training pictures.
        preparation: What augments and normalises them.
        classes: Number of classes.
        batch_size: Pictures in a batch.
        seed: Chooses orders and augmentations.
        outputs: Outputs of the model; with several the targets are a tuple.
        first: Number of the first batch; batch `b` is the same whatever `first` is.

    Raises:
        InputError: There are fewer pictures than a batch holds.
    """
    import tensorflow as tf

    steps = steps_per_epoch(len(part), batch_size)

    def generate() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        number = first
        while True:
            epoch, place = divmod(number, steps)
            order = np.random.default_rng([seed, epoch]).permutation(len(part))
            for start in range(place * batch_size, steps * batch_size, batch_size):
                yield (
                    order[start : start + batch_size],
                    np.arange(batch_size) + start + (epoch * len(part)),
                )
                number += 1

    numbers = tf.data.Dataset.from_generator(
        generate, output_signature=(tf.TensorSpec((batch_size,), "int64"),) * 2
    )

    def picked(index: tf.Tensor, visit: tf.Tensor) -> tuple:
        return _read(part.images, index), tf.gather(part.labels, index), visit

    def example(image: tf.Tensor, label: tf.Tensor, visit: tf.Tensor) -> tuple:
        picture = preparation.training(image, tf.stack([tf.cast(seed, "int64"), visit]))
        picture.set_shape(preparation.input_shape)
        target = tf.one_hot(label, classes)
        return picture, target if outputs == 1 else (target,) * outputs

    # Each visit to Python costs more than most augmentation: one for a batch, where it is an array.
    uniform = isinstance(part.images, np.ndarray)
    visits = numbers.map(picked).unbatch() if uniform else numbers.unbatch().map(picked)
    examples = visits.map(example, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return examples.batch(batch_size, drop_remainder=True).prefetch(4)


def validation_batches(
    part: LabelledImages,
    preparation: Preparation,
    *,
    classes: int,
    batch_size: int = 128,
    outputs: int = 1,
) -> tf.data.Dataset:
    """All pictures once, each seen from its centre; arguments as in `classified_batches`.

    Batches are of about one size, so that several devices all have a share of the last one.
    """
    import tensorflow as tf

    even = math.ceil(len(part) / math.ceil(len(part) / batch_size))

    def complete(views: tf.Tensor, label: tf.Tensor) -> tuple:
        target = tf.one_hot(label, classes)
        return views[:, 0], target if outputs == 1 else (target,) * outputs

    labels = tf.data.Dataset.from_tensor_slices(part.labels).batch(even)
    both = tf.data.Dataset.zip((_views(part.images, preparation, even), labels))
    return both.map(complete).prefetch(2)


def predict_classes(
    model: keras.Model,
    preparation: Preparation,
    images: Sequence[np.ndarray],
    *,
    batch_size: int = 100,
) -> np.ndarray:
    """Class probabilities of pictures, averaged over the preparation's test crops.

    Args:
        model: A classifier; of several outputs the first counts. What it ends in is read from its
            graph, see `kc.analysis.model_ends`.
        preparation: What resizes, crops and normalises.
        images: uint8 `(height, width, 3)` each.
        batch_size: Views the model sees at once, about.

    Returns:
        float32 `(pictures, classes)`.

    Raises:
        InputError: The model does not end in softmax, sigmoid or logits.
    """
    from keras import tree

    from keras_classics.core.model_ends import model_ends

    end = model_ends(model)[0]
    crops = preparation.test_crops
    views = _views(images, preparation, max(1, batch_size // crops))
    answers = []
    for batch in views.prefetch(2).as_numpy_iterator():
        answer = model.predict_on_batch(batch.reshape(-1, *preparation.input_shape))
        first = np.asarray(tree.flatten(answer)[0], "float64")
        found = end.probabilities(first, np)
        answers.append(found.reshape(len(batch), crops, -1).mean(axis=1))
    return np.concatenate(answers).astype("float32")


def _views(
    images: np.ndarray | Sequence[np.ndarray], preparation: Preparation, batch_size: int
) -> tf.data.Dataset:
    """All pictures in order as tests see them, batches `(batch, test_crops, *input_shape)`."""
    import tensorflow as tf

    shape = (preparation.test_crops, *preparation.input_shape)

    def together(index: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(preparation.views(_read(images, index)), (None, *shape))

    def single(index: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(preparation.views(_read(images, index)[None])[0], shape)

    indices = tf.data.Dataset.range(len(images))
    if isinstance(images, np.ndarray):
        return indices.batch(batch_size).map(together, num_parallel_calls=tf.data.AUTOTUNE)
    return indices.map(single, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size)


def _read(images: np.ndarray | Sequence[np.ndarray], index: tf.Tensor) -> tf.Tensor:
    """A picture; of an array also several, by several numbers."""
    import tensorflow as tf

    # Not a constant of the graph, whose size is limited.
    found = tf.numpy_function(lambda i: images[i], [index], tf.uint8, stateful=False)
    if isinstance(images, np.ndarray):
        found.set_shape([*index.shape, *images.shape[1:]])
    else:
        found.set_shape((None, None, 3))
    return found
