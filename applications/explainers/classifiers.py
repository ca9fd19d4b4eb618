"""Classifiers to explain: runs of classification.py, `.keras` files and models of the catalogue."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import keras_classics as kc
from classification import Classification
from explainers.flags import PIXELS

if TYPE_CHECKING:
    import keras

# Least side in pixels of the pictures that are drawn.
SHOWN = 128


@dataclasses.dataclass(frozen=True)
class Classifier:
    """A model, the names of its classes, and how pictures come to it.

    Attributes:
        model: The model.
        classes: Name of each class.
        view: From uint8 pictures of any size to the part the model sees, uint8 and large enough
            to be drawn, and that part prepared for the model.
        resize: Shorter side to which `view` resizes before it crops the centre.
        data_options: Of the scenes the model was trained on, if it was.
    """

    model: keras.Model
    classes: Sequence[str]
    view: Callable[[Sequence[np.ndarray]], tuple[np.ndarray, np.ndarray]]
    seen: Callable[[Sequence[np.ndarray]], np.ndarray]
    pixels: Callable[[Any], Any]
    resize: int
    data_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def load(options: argparse.Namespace) -> Classifier:
    """The classifier the options name."""
    if not options.model:
        raise kc.InputError(
            "No --model was given",
            "a name of keras-classics list, a .keras file, the folder of a run",
            "Add for example --model resnet_50.",
        )
    path = Path(options.model)
    folder = path.parent if path.name == Classification.model_file else path
    if (folder / Classification.model_file).exists() or path.is_dir():
        return of_run(folder)
    if path.suffix == ".keras":
        if not path.exists():
            raise kc.InputError(
                f"--model {path} was given, which is not there",
                "a name, a .keras file, the folder of a run",
                "Correct the path.",
            )
        return of_model(options, kc.load_model(path), pixels_of(options))
    return of_catalogue(options)


def of_run(folder: Path) -> Classifier:
    """The classifier a run of classification.py left."""
    job = kc.jobs.open_run(Classification, folder)
    return of_job(job, job.trained())


def of_job(job: Classification, model: keras.Model) -> Classifier:
    """The classifier of a finished job."""
    preparation, classes, settings = job.facts["preparation"], job.facts["classes"], job.settings
    seen = dataclasses.replace(preparation, test_crops=1)
    plain = dataclasses.replace(
        seen,
        normalization=kc.training.step("range"),
        arrays={"shift": np.float32(0), "gain": np.float32(1)},
    )
    # The same part of the picture, larger and in its own colours.
    factor = enlargement(preparation.size)
    shown = dataclasses.replace(
        plain,
        size=factor * preparation.size,
        resize=factor * preparation.resize,
        channels=3,
        flat=False,
    )

    def view(pictures: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        first, second = (
            np.concatenate([each.views(picture[None])[0] for picture in pictures])
            for each in (shown, seen)
        )
        return np.round(first).astype("uint8"), second

    def pixels(seen: Any) -> Any:
        kind = preparation.normalization.name
        if kind.startswith("contrast"):
            raise kc.InputError(
                f"The classifier of {job.folder} takes pictures prepared by {kind}",
                "those that are shifted and scaled",
                "Train another, such as resnet_20_cifar.",
            )
        return (seen - preparation.arrays["shift"]) * preparation.arrays["gain"]

    own = settings.data_options if settings.data == "scenes" else {}
    return Classifier(
        model,
        classes,
        view,
        lambda pictures: plain.views(pictures)[:, 0],
        pixels,
        preparation.resize,
        own,
    )


def of_catalogue(options: argparse.Namespace) -> Classifier:
    """A model of the catalogue with published weights or those of a file."""
    arguments = dict(options.model_options)
    if options.image_size:
        arguments["input_shape"] = (options.image_size, options.image_size, 3)
    pixels = pixels_of(options, kc.card(options.model).name)
    return of_model(options, with_weights(options.model, options.weights, arguments), pixels)


def with_weights(name: str, weights: str, arguments: Mapping[str, Any]) -> keras.Model:
    """A model of the catalogue with published weights, or those of a file."""
    published = weights == "imagenet"
    model = kc.create_model(name, weights="imagenet" if published else None, **arguments)
    if weights.endswith(".weights.h5"):
        kc.load_weights(model, weights)
    elif weights.endswith((".h5", ".keras")):
        kc.weights.load_keras_applications(model, weights)
    elif not published:
        kc.weights.load_torch(model, weights)
    return model


def of_model(
    options: argparse.Namespace, model: keras.Model, pixels: Callable[[np.ndarray], Any]
) -> Classifier:
    """A model that brings neither the names of its classes nor its preparation."""
    shape = tuple(model.inputs[0].shape[1:]) if getattr(model, "inputs", None) else ()
    if len(shape) != 3 or None in shape or shape[-1] != 3:
        raise kc.InputError(
            f"--model {options.model} takes {shape or 'no one shape'}",
            "colour pictures of a known size (height, width, 3)",
            "Choose another model, or give --image-size.",
        )
    height, width, _ = shape
    # One unit decides between two classes.
    names = class_names(options, kc.analysis.model_ends(model)[0].classes)
    factor = enlargement(height)

    def fitted(picture: np.ndarray, times: int) -> np.ndarray:
        from PIL import Image, ImageOps

        size = (times * width, times * height)
        return np.asarray(ImageOps.fit(Image.fromarray(picture), size, Image.Resampling.BILINEAR))

    def view(pictures: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        import keras

        shown, seen = (np.stack([fitted(each, n) for each in pictures]) for n in (factor, 1))
        return shown, keras.ops.convert_to_numpy(pixels(seen))

    def seen(pictures: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack([fitted(each, 1) for each in pictures]).astype("float32")

    return Classifier(model, names, view, seen, pixels, min(height, width))


def enlargement(side: int) -> int:
    """How many times larger than the model's input a picture is shown, to be large enough."""
    return -(-SHOWN // side)


def pixels_of(
    options: argparse.Namespace, published: str | None = None, flag: str = "--pixels"
) -> Callable:
    """What is done to the pixels of a picture before the model sees it."""
    if options.pixels:
        return prepared_as(options.pixels)
    if published not in kc.weights.PUBLISHED:
        raise kc.InputError(
            f"The network {options.model} does not say how pictures are prepared",
            f"{flag} {', '.join(PIXELS)}, or the folder of a run",
            "Give the one it was trained with.",
        )
    return lambda images: kc.weights.preprocess(images, published, **options.model_options)


def prepared_as(name: str) -> Callable[[np.ndarray], Any]:
    """What networks were trained to see, by a name of `PIXELS`.

    The first three are called so by keras.applications; the others are 0 to 255, and 0 to 1.
    """
    import keras

    if name in ("raw", "unit"):
        return lambda images: keras.ops.cast(images, "float32") / (255 if name == "unit" else 1)
    published = {"caffe": "vgg_d", "tf": "resnet_50_v2", "torch": "resnet_18"}
    return kc.weights.PUBLISHED[published[name]][0].pixels


def class_names(options: argparse.Namespace, count: int) -> list[str]:
    """Names of the classes: of a file, of ImageNet where the network is there, or numbers."""
    if options.classes:
        # Lists of ImageNet begin with the number of the synset.
        lines = kc.jobs.read_lines(options.classes)
        names = [re.sub(r"^n\d{8}\s+", "", line) for line in lines if line.strip()]
        if len(names) != count:
            raise kc.InputError(
                f"--classes {options.classes} has {len(names)} names for {count} classes",
                "one line for each class",
                "Correct the file.",
            )
        return names
    if options.weights == "imagenet" and count == 1000:
        import keras

        decode = keras.applications.imagenet_utils.decode_predictions
        # Keras raises all kinds, bare Exception among them, where there is no network.
        with contextlib.suppress(Exception):
            ordered = decode(np.arange(count, 0, -1, dtype="float32")[None], top=count)[0]
            return [name.replace("_", " ") for _, name, _ in ordered]
    return [f"class {number}" for number in range(count)]


def class_number(classes: Sequence[str], wanted: str) -> int:
    """The class a user means by a number, a name, or a part of only one name."""
    if wanted.isdecimal() and int(wanted) < len(classes):
        return int(wanted)
    lowered = [name.lower() for name in classes]
    asked = wanted.lower()
    exact = [n for n, name in enumerate(lowered) if asked in (name, *name.split(", "))]
    found = exact or [n for n, name in enumerate(lowered) if asked in name]
    if len(found) == 1:
        return found[0]
    near = [classes[n] for n in found] or difflib.get_close_matches(wanted, classes, 5, 0.5)
    several = f", and {len(classes) - 10:,} others" if len(classes) > 10 else ""
    raise kc.InputError(
        f"--target {wanted} was given, which {len(found) or 'no'} classes are called",
        f"{', '.join(classes[:10])}{several}, or a number below {len(classes)}",
        f"Did you mean {' or '.join(near[:5])}?" if near else "Pass one of them.",
    )
