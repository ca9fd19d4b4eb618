"""From pictures and classes to the batches a classifier trains on.

Every batch is a pure function of the seed and its number, augmentation included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.counts import Count
from keras_classics.data.batches import Axes, Visits, even_parts, stream
from keras_classics.data.pictures.preparation import Preparation
from keras_classics.data.splits import Pictures

if TYPE_CHECKING:
    import keras

    from keras_classics.data.batches import Batches


@checked
def classified_batches(
    part: Pictures,
    preparation: Preparation,
    *,
    classes: int,
    batch_size: Count,
    seed: int,
    outputs: int = 1,
    first: int = 0,
) -> Batches:
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
    visits = Visits(len(part), batch_size, seed)

    def make(number: int) -> tuple:
        epoch, place, chosen = visits(number)
        pictures = preparation.training(_some(part.images, chosen), [seed, epoch, place])
        return pictures, _targets(part, chosen, classes, outputs)

    return stream(make, _axes(preparation, classes, outputs, batch_size), first=first)


@checked
def validation_batches(
    part: Pictures,
    preparation: Preparation,
    *,
    classes: int,
    batch_size: Count = 128,
    outputs: int = 1,
) -> Batches:
    """All pictures once, each seen from its centre; arguments as in `classified_batches`.

    Batches are of about one size, so that several devices all have a share of the last one.
    """
    parts = even_parts(len(part), batch_size)

    def make(number: int) -> tuple:
        chosen = parts[number]
        views = preparation.views(_some(part.images, chosen))
        return views[:, 0], _targets(part, chosen, classes, outputs)

    return stream(make, _axes(preparation, classes, outputs), count=len(parts))


@checked
def predict_classes(
    model: keras.Model,
    preparation: Preparation,
    images: Sequence[np.ndarray],
    *,
    batch_size: Count = 100,
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

    from keras_classics.core.graphs.model_ends import model_ends

    end = model_ends(model)[0]
    crops = preparation.test_crops
    answers = []
    for chosen in even_parts(len(images), max(1, batch_size // crops)):
        views = preparation.views(_some(images, chosen))
        answer = model.predict_on_batch(views.reshape(-1, *preparation.input_shape))
        first = np.asarray(tree.flatten(answer)[0], "float64")
        found = end.probabilities(first, np)
        answers.append(found.reshape(len(chosen), crops, -1).mean(axis=1))
    return np.concatenate(answers).astype("float32")


def _some(images: np.ndarray | Sequence[np.ndarray], chosen: np.ndarray) -> Sequence[np.ndarray]:
    """One look where they are one array."""
    return images[chosen] if isinstance(images, np.ndarray) else [images[n] for n in chosen]


def _targets(part: Pictures, chosen: np.ndarray, classes: int, outputs: int) -> Any:
    known = np.zeros((len(chosen), classes), "float32")
    known[np.arange(len(chosen)), np.asarray(part.labels)[chosen]] = 1.0
    return known if outputs == 1 else (known,) * outputs


def _axes(preparation: Preparation, classes: int, outputs: int, rows: int | None = None) -> tuple:
    target = Axes((rows, classes), "float32")
    pictures = Axes((rows, *preparation.input_shape), "float32")
    return pictures, target if outputs == 1 else (target,) * outputs
