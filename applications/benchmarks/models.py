"""Models of the catalogue beside those of keras.applications."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Annotated, Any

import keras
import numpy as np
import pandas as pd

import keras_classics as kc
from benchmarks.measuring import ALONE, MEASURED, in_turns

# Of these keras.applications has other forms: built beside ours, but not the same function.
BUILT_ALONGSIDE = {
    "resnet_50_v2": "ResNet50V2",
    "resnet_101_v2": "ResNet101V2",
    "resnet_152_v2": "ResNet152V2",
}
TIMED = "vgg_d,resnet_50,densenet_121,inception_resnet_v2_released"


def build(
    *,
    models: Annotated[
        str,
        "our names or patterns, with commas, '*' for the catalogue, or those with a twin in "
        "keras.applications and resnet_1202_cifar",
    ] = "",
    repeats: Annotated[int, "turns; the fastest counts"] = 5,
) -> pd.DataFrame:
    """Seconds to make a model at its native size, beside keras.applications where that has it."""
    twins = kc.weights.TWINS | BUILT_ALONGSIDE
    rows = []
    for name in chosen(models or ",".join([*twins, "resnet_1202_cifar"]), kc.list_models()):
        contenders, twin = {"ours": partial(kc.create_model, name)}, twins.get(name)
        if twin:
            contenders["peer"] = partial(getattr(keras.applications, twin), weights=None)
        seconds = in_turns(contenders, repeats if twin else 1)
        rows.append({"model": name, "beside": twin or ALONE, **seconds})
    return pd.DataFrame(rows).assign(setting="native size", unit="s").reindex(columns=MEASURED)


def train(
    *,
    models: Annotated[str, "our names or patterns, with commas"] = TIMED,
    size: Annotated[int, "height and width of the images"] = 224,
    batch: Annotated[int, "images of a step"] = 8,
    steps: Annotated[int, "turns; the fastest counts"] = 10,
) -> pd.DataFrame:
    """Milliseconds of a training step beside keras.applications, from equal weights."""

    def step(model, images):
        model.compile(keras.optimizers.SGD(1e-3), "sparse_categorical_crossentropy")
        return partial(model.train_on_batch, images, np.arange(batch) % model.output_shape[-1])

    return beside_twins(models, size, batch, steps, ours=step, theirs=step)


def inference(
    *,
    models: Annotated[str, "our names or patterns, with commas"] = TIMED,
    size: Annotated[int, "height and width of the images"] = 224,
    batch: Annotated[int, "images of a batch"] = 8,
    steps: Annotated[int, "turns; the fastest counts"] = 10,
) -> pd.DataFrame:
    """Milliseconds of a batch of predictions beside keras.applications, with equal weights."""
    return beside_twins(models, size, batch, steps, ours=prediction, theirs=prediction)


def fold(
    *,
    models: Annotated[str, "our names or patterns, with commas"] = TIMED,
    size: Annotated[int, "height and width of the images"] = 224,
    batch: Annotated[int, "images of a batch"] = 8,
    steps: Annotated[int, "turns; the fastest counts"] = 10,
) -> pd.DataFrame:
    """Milliseconds of a batch of predictions of `kc.export.fold(model)`, which computes the same.

    Beside the model of keras.applications, which has nothing of the kind.
    """

    def folded(model, images):
        return prediction(kc.export.fold(model), images)

    return beside_twins(models, size, batch, steps, ours=folded, theirs=prediction)


def prediction(model: keras.Model, images: np.ndarray) -> Callable[[], Any]:
    """What predicts one batch."""
    return partial(model.predict_on_batch, images)


def beside_twins(models, size, batch, steps, *, ours, theirs) -> pd.DataFrame:
    """Times of `ours(model, images)()` and `theirs(model, images)()`, with the same weights."""
    shape, rows = (size, size, 3), []
    images = np.random.default_rng(0).normal(size=(batch, *shape)).astype("float32")
    for name in chosen(models, kc.weights.TWINS):
        keras.utils.clear_session()
        twin = getattr(keras.applications, kc.weights.TWINS[name])(weights=None, input_shape=shape)
        # The ResNets of keras.applications have these two settings of their own.
        same = {"conv_bias": True, "norm_epsilon": 1.001e-5} if name.startswith("resnet") else {}
        model = kc.create_model(name, weights=None, input_shape=shape, **same)
        kc.weights.load_keras_applications(model, twin)
        contenders = {"ours": ours(model, images), "peer": theirs(twin, images)}
        milliseconds = {key: 1e3 * best for key, best in in_turns(contenders, steps).items()}
        rows.append({"model": name, "beside": kc.weights.TWINS[name], **milliseconds})
    setting = f"{size} x {size}, batch {batch}"
    return pd.DataFrame(rows).assign(setting=setting, unit="ms").reindex(columns=MEASURED)


def chosen(patterns: str, allowed: Collection[str]) -> Iterator[str]:
    """The allowed names that patterns, separated by commas, stand for."""
    for pattern in patterns.split(","):
        names = [name for name in kc.list_models(pattern) if name in allowed]
        if not names:
            raise kc.InputError(
                f"--models {pattern} was given",
                ", ".join(allowed),
                "Choose from these, or leave --models out.",
            )
        yield from names
