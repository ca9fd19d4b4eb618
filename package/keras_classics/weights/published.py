"""Published ImageNet weights: fetched, turned into our layout, and what goes in and out of them.

`weights="imagenet"` of a builder leads here. Files are downloaded once and checked against their
published hash; `weights.published_files` says which there are.
"""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple, cast

import keras
from keras import ops

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.array_files import read_state
from keras_classics.core.boundary.files import opened
from keras_classics.core.boundary.model_files import load_weights
from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import builder, list_models, namesake_of
from keras_classics.core.cards.catalogue import card as card_of
from keras_classics.core.cards.pretrained import Load, offer_weights
from keras_classics.core.errors import InputError, is_whole
from keras_classics.core.names import check_known
from keras_classics.core.types import Tensor
from keras_classics.weights.keras_applications import TWINS, load_keras_applications
from keras_classics.weights.published_files import PUBLISHED, File, Published
from keras_classics.weights.torch import load_torch

CLASSES, CHANNELS = 1000, 3
# Keras's table of the classes' names, which `keras.applications` fetches.
NAMES = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"


class Decoded(NamedTuple):
    """One class of a prediction.

    Attributes:
        identifier: WordNet's, such as `"n02123159"`.
        name: Such as `"tiger_cat"`.
        score: What was predicted for it.
    """

    identifier: str
    name: str
    score: float


# Paths are admitted to be answered with what reads them.
@checked
def preprocess(images: Tensor | str | os.PathLike, name: str, **arguments: Any) -> Tensor:
    """Pictures as the published weights of a model expect them; no model does this itself.

    Args:
        images: `(..., height, width, 3)`, red, green, blue in 0 to 255, at any size.
        name: Name of the model, in any spelling that `kc.create_model` takes (`"VGG16"`).
        **arguments: The builder's arguments, where they decide which weights are taken
            (`stride_in="3x3"` for torchvision's ResNet-50).

    Returns:
        Pictures of the same shape, float32.

    Raises:
        InputError: No weights are published for this model in this form, it has no such argument,
            or the pictures are a path or have not three channels, the last axis.

    Example:
        ```python
        images = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3))  # red, green, blue
        x = kc.weights.preprocess(images, "VGG16")  # (2, 64, 64, 3), less ImageNet's mean
        ```
    """
    if isinstance(images, str | os.PathLike):
        raise InputError(
            f"The text {os.fspath(images)!r} was given for pictures",
            f"arrays (..., height, width, {CHANNELS})",
            "Read the file: kc.data.read_image(path).",
        )
    card = card_of(name)
    if card.name not in PUBLISHED:
        raise InputError(
            f"{name!r} was given, whose pictures nothing is known to be done to: no weights "
            "are published for it",
            ", ".join(PUBLISHED),
            namesake_of(card.name) or "Prepare pictures as those it was trained on.",
        )
    check_known("kc.weights.preprocess", arguments, inspect.signature(builder(name)).parameters)
    shape = tuple(ops.shape(images))
    if len(shape) < 3 or shape[-1] != CHANNELS:
        raise InputError(
            f"Pictures of shape {shape} were given",
            f"(..., height, width, {CHANNELS}): red, green, blue",
            _with_channels_last(shape),
        )
    return chosen(card.name, arguments).pixels(images)


def _with_channels_last(shape: tuple[int, ...]) -> str:
    """What makes pictures of a shape such of three channels."""
    if shape[-1:] == (1,):
        return "Repeat grey three times, as in numpy.repeat(pictures, 3, axis=-1)."
    if len(shape) > 2 and shape[-3] == CHANNELS:
        return "The channels come last: numpy.moveaxis(pictures, -3, -1)."
    if len(shape) > 2 and shape[-1] == 4:
        return "Leave transparency out: pictures[..., :3]."
    return "Repeat grey three times, as in numpy.stack([pictures] * 3, axis=-1)."


@checked
def decode_predictions(predictions: Any, name: str, top: int = 5) -> list[list[Decoded]]:
    """Names of ImageNet's classes for what a network with published weights says.

    Args:
        predictions: Of the classes, `(batch, 1000)`.
        name: Name of the model, in any spelling that `kc.create_model` takes.
        top: How many classes, the most probable first.

    Returns:
        For each picture `top` triples: WordNet's identifier, a name, and what was predicted.

    Raises:
        InputError: No weights are published for this model, the predictions are not of the 1,000
            classes, or the table of names, a file of Keras's, can neither be found nor fetched.

    Example:
        ```python
        probabilities = np.eye(1000)[[0]]  # as of model.predict(kc.weights.preprocess(...))
        kc.weights.decode_predictions(probabilities, "VGG16", top=1)
        # [[("n01440764", "tench", 1.0)]]
        ```
    """
    chosen(card_of(name).name, {})
    predictions = ops.convert_to_numpy(predictions)
    counted = is_whole(top) and 1 <= top <= CLASSES
    if predictions.ndim != 2 or predictions.shape[1] != CLASSES or not counted:
        raise InputError(
            f"Predictions of shape {predictions.shape} and top={top!r} were given",
            f"predictions of shape (batch, {CLASSES}), and a whole top from 1 to {CLASSES}",
            "Give what a model with ImageNet's classifier predicts for a batch.",
        )
    if len(predictions) == 0:
        return []
    try:
        rows = keras.applications.imagenet_utils.decode_predictions(predictions, top=top)
    # Keras raises a bare Exception where its file cannot be fetched.
    except Exception as error:
        raise _unavailable("table of names", NAMES, " ".join(str(error).split())) from None
    return [[Decoded(*each) for each in row] for row in rows]


def chosen(name: str, arguments: dict[str, Any]) -> Published:
    """The published weights for a model in the form its arguments ask for.

    Raises:
        InputError: There are none.
    """
    rows = PUBLISHED.get(name, ())
    for row in rows:
        if all(arguments.get(key) in (None, value) for key, value in row.form.items()):
            return row
    if not rows:
        raise InputError(
            f"weights='imagenet' was asked for {name!r}, for which none are published",
            ", ".join(PUBLISHED),
            namesake_of(name) or "Choose one of these, or pass the path of weights of your own.",
        )
    given = {key: arguments[key] for row in rows for key in row.form if key in arguments}
    raise InputError(
        f"weights='imagenet' and {_listed(given)} were given to {name!r}",
        " or ".join(_listed(row.form) for row in rows),
        "Leave these arguments out: the weights bring their own.",
    )


def imagenet(card: ModelCard, arguments: dict[str, Any]) -> tuple[dict[str, Any], Load]:
    """The form of the network `weights="imagenet"` is for, and the loading of the weights."""
    row = chosen(card.name, arguments)
    top = arguments.get("include_top", True)
    if top and arguments.get("classes") not in (None, CLASSES):
        raise InputError(
            f"weights='imagenet' and classes={arguments['classes']!r} were given",
            f"the {CLASSES} classes of ImageNet, or include_top=False",
            "Build it with its classes and call kc.transfer.replace_head(model, classes).",
        )
    for shape in _shapes(arguments):
        if shape[-1] != CHANNELS:
            raise InputError(
                f"weights='imagenet' and pictures of shape {tuple(shape)} were given",
                f"{CHANNELS} channels",
                "Build it with three and call kc.transfer.adapt_channels(model, channels).",
            )

    def load(model: keras.Model) -> None:
        path = fetch(row.top if top else row.trunk)
        if path.suffix == ".h5":
            load_keras_applications(model, _twin(card, path, top))
        else:
            load_torch(model, _state(model, path))

    return row.form, load


def fetch(file: File) -> Path:
    """The local copy of a published file, downloaded if there is none.

    Raises:
        InputError: It cannot be downloaded, or is not the file that was published.
    """
    name, md5 = file.url.rsplit("/", 1)[1], len(file.digest) == 32
    try:
        path = keras.utils.get_file(
            name, file.url, cache_subdir="models", file_hash=file.digest if md5 else None
        )
    # Keras raises all kinds, bare Exception among them; the reason is in the message.
    except Exception as error:
        raise _unavailable("weights", file.url, " ".join(str(error).split())) from None
    path = Path(path)
    if not md5 and not _sha256(path).startswith(file.digest):
        path.unlink()
        raise _unavailable("weights", file.url, f"its SHA-256 does not begin with {file.digest}")
    return path


def _unavailable(what: str, url: str, reason: str) -> InputError:
    return InputError(
        f"The {what} {url} could not be fetched ({reason})",
        "a connection to the network, or the file in Keras's folder of models",
        f"Download the file elsewhere and put it into ~/.keras/models, or $KERAS_HOME/models, "
        f"under the name {url.rsplit('/', 1)[1]}.",
    )


def _sha256(path: Path) -> str:
    with opened(path) as file:
        return hashlib.file_digest(cast(BufferedReader, file), "sha256").hexdigest()


def _twin(card: ModelCard, path: Path, top: bool) -> keras.Model:
    """The keras.applications model a file was written by."""
    twin = getattr(keras.applications, TWINS[card.name])(
        weights=None,
        include_top=top,
        input_shape=card.input_shape if top else (None, None, CHANNELS),
    )
    load_weights(twin, path)
    return twin


def _state(model: keras.Model, path: Path) -> dict[str, Any]:
    """A torchvision state without the classifiers that were left out of our model."""
    names = {layer.name for layer in model.layers}
    absent: tuple[str, ...] = () if "predictions" in names else ("fc.", "classifier.")
    absent += () if "auxiliary1_predictions" in names else ("aux1.", "aux2.")
    return {name: x for name, x in read_state(path).items() if not name.startswith(absent)}


def _shapes(arguments: dict[str, Any]) -> Iterator[tuple]:
    if arguments.get("input_shape") is not None:
        yield tuple(arguments["input_shape"])
    if arguments.get("input_tensor") is not None:
        yield tuple(arguments["input_tensor"].shape[1:])


def _listed(form: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in form.items())


offer_weights("imagenet", imagenet, expected=[*TWINS, *filter(namesake_of, list_models())])
