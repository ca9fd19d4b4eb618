"""Published ImageNet weights: where they are, the form of network they are for, their pixels.

`weights="imagenet"` of a builder leads here. The files are those of keras.applications and of
torchvision, downloaded once, checked against their published hash and turned into our layout.
"""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast

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
from keras_classics.weights.keras_applications import TWIN_FORMS, TWINS, load_keras_applications
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


@dataclass(frozen=True)
class Pixels:
    """What is done to the pixels of a picture, whose channels are red, green, blue in 0 to 255.

    Attributes:
        mean: Subtracted from each channel.
        deviation: Divided by afterwards.
        reverse: The channels become blue, green, red first; `mean` is in that order.
    """

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    reverse: bool = False

    def __call__(self, images: Tensor) -> Tensor:
        """Prepared pictures, float32 and of the shape of `images`."""
        images = ops.cast(images, "float32")
        images = ops.flip(images, -1) if self.reverse else images
        return (images - ops.array(self.mean)) / ops.array(self.deviation)


CAFFE = Pixels((103.939, 116.779, 123.68), (1.0, 1.0, 1.0), reverse=True)
STANDARD = Pixels((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
SYMMETRIC = Pixels((127.5,) * 3, (127.5,) * 3)


@dataclass(frozen=True)
class File:
    """A file on the network.

    Attributes:
        url: Its address.
        digest: Its MD5, or the first digits of its SHA-256.
    """

    url: str
    digest: str


@dataclass(frozen=True)
class Published:
    """Weights of one network.

    Attributes:
        top: File of the network with its classifier.
        trunk: File of the network without; the same where there is only one.
        pixels: What the network was trained to see.
        form: Arguments of our builder that make the network they were trained in.
    """

    top: File
    trunk: File
    pixels: Pixels
    form: dict[str, Any]


def _keras(file: str, digests: tuple[str, str], pixels: Pixels, **form: Any) -> Published:
    base = "https://storage.googleapis.com/tensorflow/keras-applications"
    stem = f"{base}/{file}_weights_tf_dim_ordering_tf_kernels"
    top, trunk = map(File, (f"{stem}.h5", f"{stem}_notop.h5"), digests)
    return Published(top, trunk, pixels, form)


def _torch(file: str, pixels: Pixels = STANDARD, **form: Any) -> Published:
    # The name of the file ends in the first digits of its hash.
    digest = file.removesuffix(".pth").rpartition("-")[2]
    both = File(f"https://download.pytorch.org/models/{file}", digest)
    return Published(both, both, pixels, form)


# From a file and its digests to what is known of it.
Written: TypeAlias = Callable[..., Published]
_TORCH_FORM: dict[str, Any] = {"conv_bias": False, "norm_epsilon": 1e-5, "stride_in": "3x3"}
_resnet: Written = partial(_keras, pixels=CAFFE, **TWIN_FORMS["resnet_50"])
_resnet_v2: Written = partial(_keras, pixels=SYMMETRIC, **TWIN_FORMS["resnet_50_v2"])
_densenet: Written = partial(_keras, pixels=STANDARD)
_vgg: Written = partial(_keras, pixels=CAFFE, **TWIN_FORMS["vgg_d"])

# By our name; of several, the first that agrees with the builder's arguments is taken.
PUBLISHED: dict[str, tuple[Published, ...]] = {
    "alexnet_owt": (_torch("alexnet-owt-7be5be79.pth"),),
    "densenet_121": (
        _densenet(
            "densenet/densenet121",
            ("9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738"),
        ),
    ),
    "densenet_161": (_torch("densenet161-8d451a50.pth"),),
    "densenet_169": (
        _densenet(
            "densenet/densenet169",
            ("d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b"),
        ),
    ),
    "densenet_201": (
        _densenet(
            "densenet/densenet201",
            ("1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1"),
        ),
    ),
    # Its authors' network saw pixels between -1 and 1; torchvision converts to that inside.
    "googlenet_bn": (
        _torch("googlenet-1378be20.pth", SYMMETRIC, batch_norm=True, five_by_five="3x3"),
    ),
    "inception_resnet_v2_released": (
        _keras(
            "inception_resnet_v2/inception_resnet_v2",
            ("e693bd0210a403b3192acc6073ad2e96", "d19885ff4a710c122648d3b5c3b684e4"),
            SYMMETRIC,
        ),
    ),
    "resnet_18": (_torch("resnet18-f37072fd.pth", conv_bias=False, norm_epsilon=1e-5),),
    "resnet_34": (_torch("resnet34-b627a593.pth", conv_bias=False, norm_epsilon=1e-5),),
    "resnet_50": (
        _resnet(
            "resnet/resnet50",
            ("2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"),
        ),
        _torch("resnet50-0676ba61.pth", **_TORCH_FORM),
    ),
    "resnet_101": (
        _resnet(
            "resnet/resnet101",
            ("f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21"),
        ),
        _torch("resnet101-63fe2227.pth", **_TORCH_FORM),
    ),
    "resnet_152": (
        _resnet(
            "resnet/resnet152",
            ("100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c"),
        ),
        _torch("resnet152-394f9c45.pth", **_TORCH_FORM),
    ),
    "resnet_50_v2": (
        _resnet_v2(
            "resnet/resnet50v2",
            ("3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917"),
        ),
    ),
    "resnet_101_v2": (
        _resnet_v2(
            "resnet/resnet101v2",
            ("6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5"),
        ),
    ),
    "resnet_152_v2": (
        _resnet_v2(
            "resnet/resnet152v2",
            ("a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33"),
        ),
    ),
    "resnext_50_32x4d": (_torch("resnext50_32x4d-7cdf4587.pth", **_TORCH_FORM),),
    "resnext_101_64x4d": (_torch("resnext101_64x4d-173b62eb.pth", **_TORCH_FORM),),
    "squeezenet_1_0": (_torch("squeezenet1_0-b66bff10.pth", bypass=False),),
    "squeezenet_1_1": (_torch("squeezenet1_1-b8a52dc0.pth", bypass=False),),
    "vgg_a": (
        _torch("vgg11-8a719046.pth", batch_norm=False),
        _torch("vgg11_bn-6002323d.pth", batch_norm=True),
    ),
    "vgg_b": (
        _torch("vgg13-19584684.pth", batch_norm=False),
        _torch("vgg13_bn-abd245e5.pth", batch_norm=True),
    ),
    "vgg_d": (
        _vgg(
            "vgg16/vgg16",
            ("64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc"),
        ),
        _torch("vgg16_bn-6c64b313.pth", batch_norm=True),
    ),
    "vgg_e": (
        _vgg(
            "vgg19/vgg19",
            ("cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6"),
        ),
        _torch("vgg19_bn-c79401a0.pth", batch_norm=True),
    ),
    "wide_resnet_50_2": (_torch("wide_resnet50_2-95faca4d.pth", **_TORCH_FORM),),
}


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
        "Download the file elsewhere and put it into ~/.keras/models, or $KERAS_HOME/models.",
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
