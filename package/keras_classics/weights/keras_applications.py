"""Weights of `keras.applications` models onto ours."""

from __future__ import annotations

import math
import os
import re
from typing import Any

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.model_files import load_model, load_weights
from keras_classics.core.errors import InputError
from keras_classics.core.graphs.layer_names import own_name
from keras_classics.weights.naming import Rules, best_naming, by_rules, weighted
from keras_classics.weights.slots import Slot, fill, listed

# Our model and the function of keras.applications that builds the same.
TWINS = {
    "vgg_d": "VGG16",
    "vgg_e": "VGG19",
    "resnet_50": "ResNet50",
    "resnet_101": "ResNet101",
    "resnet_152": "ResNet152",
    "resnet_50_v2": "ResNet50V2",
    "resnet_101_v2": "ResNet101V2",
    "resnet_152_v2": "ResNet152V2",
    "densenet_121": "DenseNet121",
    "densenet_169": "DenseNet169",
    "densenet_201": "DenseNet201",
    "inception_resnet_v2_released": "InceptionResNetV2",
}

# Arguments of our builders with which a network of keras.applications is ours, to the number.
TWIN_FORMS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(
        ("resnet_50", "resnet_101", "resnet_152"),
        {"conv_bias": True, "norm_epsilon": 1.001e-5, "stride_in": "1x1"},
    ),
    **dict.fromkeys(
        ("resnet_50_v2", "resnet_101_v2", "resnet_152_v2"),
        {"keras_v2_layout": True, "norm_epsilon": 1.001e-5},
    ),
    **dict.fromkeys(("vgg_d", "vgg_e"), {"batch_norm": False}),
}

VGG: Rules = {
    r"stage(\d+)_conv(\d+)": lambda stage, depth: f"block{stage}_conv{depth}",
    r"head_dense(\d+)": lambda depth: f"fc{depth}",
    r"predictions": "predictions",
}

KINDS = {"conv": "conv", "norm": "bn"}

RESNET: Rules = {
    r"stem_(conv|norm)": lambda kind: f"conv1_{KINDS[kind]}",
    r"stage(\d+)_block(\d+)_(conv|norm)(\d)": lambda s, b, kind, d: (
        f"conv{s + 1}_block{b}_{d}_{KINDS[kind]}"
    ),
    r"stage(\d+)_block(\d+)_shortcut_(conv|norm)": lambda s, b, kind: (
        f"conv{s + 1}_block{b}_0_{KINDS[kind]}"
    ),
    r"predictions": "predictions",
}

RESNET_V2: Rules = {
    r"stem_conv": "conv1_conv",
    r"stage(\d+)_block(\d+)_norm1": lambda s, b: f"conv{s + 1}_block{b}_preact_bn",
    r"stage(\d+)_block(\d+)_norm(\d)": lambda s, b, d: f"conv{s + 1}_block{b}_{d - 1}_bn",
    r"stage(\d+)_block(\d+)_conv(\d)": lambda s, b, d: f"conv{s + 1}_block{b}_{d}_conv",
    r"stage(\d+)_block(\d+)_shortcut_conv": lambda s, b: f"conv{s + 1}_block{b}_0_conv",
    r"head_norm": "post_bn",
    r"predictions": "predictions",
}

DENSENET: Rules = {
    r"stem_(conv|norm)": lambda kind: f"conv1_{KINDS[kind]}",
    r"stage(\d+)_block(\d+)_conv(\d)": lambda s, b, d: f"conv{s + 1}_block{b}_{d}_conv",
    r"stage(\d+)_block(\d+)_norm(\d)": lambda s, b, d: f"conv{s + 1}_block{b}_{d - 1}_bn",
    r"stage(\d+)_(conv|norm)": lambda stage, kind: f"pool{stage + 1}_{KINDS[kind]}",
    r"head_norm": "bn",
    r"predictions": "predictions",
}

# The sizes of the feature maps, which keras.applications calls its blocks by.
MAP_SIZES = {1: 35, 2: 17, 3: 8}
INCEPTION_RESNET_V2: Rules = {
    r"stage([123])_block(\d+)_conv": lambda s, b: f"block{MAP_SIZES[s]}_{b - 1}_conv",
    r"stage3_conv1": "conv_7b",
    r"stage3_norm1": "conv_7b_bn",
    r"predictions": "predictions",
}


def inception_resnet_v2(model: keras.Model) -> dict[str, str]:
    """Inception-ResNet-v2: most layers are only numbered, in the order they were made."""
    inner = re.compile(r"stem_conv(\d)|stage(\d+)_block(\d+)_branch(\d)_conv(\d)")
    numbers = {
        found[0]: [int(number or 0) for number in found.groups()[1:] + found.groups()[:1]]
        for layer in model.layers
        if (found := inner.fullmatch(own_name(layer.name)))
    }
    names = by_rules(INCEPTION_RESNET_V2)(model)
    for place, name in enumerate(sorted(numbers, key=numbers.__getitem__)):
        names[name] = f"conv2d_{place}"
        names[name.replace("_conv", "_norm")] = f"batch_normalization_{place}"
    return names


NAMINGS = (
    by_rules(VGG),
    by_rules(RESNET),
    by_rules(RESNET_V2),
    by_rules(DENSENET),
    inception_resnet_v2,
)


@checked
def load_keras_applications(model: keras.Model, source: keras.Model | str | os.PathLike) -> None:
    """Load a `keras.applications` model into the same model of ours; outputs become equal.

    Args:
        model: Ours, built like the other: with or without top, a ResNet with `conv_bias=True`, a
            ResNet V2 with `keras_v2_layout=True`, both with `norm_epsilon=1.001e-5`.
        source: The `keras.applications` model, or the path of its weights (`.h5`) or of itself
            (`.keras`).

    Raises:
        InputError: Names are missing or surplus, shapes are wrong, or layers compute differently.
            All are listed, and the model is left untouched.

    Example:
        ```python
        arguments = {"weights": None, "include_top": False, "input_shape": (32, 32, 3)}
        theirs = keras.applications.VGG16(**arguments)
        ours = kc.models.VGG16(**arguments)
        kc.weights.load_keras_applications(ours, theirs)
        ```
    """
    if not isinstance(source, keras.Model):
        source = _read(model, source)
    theirs = _renumbered(source)
    remedy = _remedy(model)
    naming = best_naming(
        model, NAMINGS, lambda names: len(set(names.values()).intersection(theirs)), remedy
    )
    names = naming(model)
    _check_settings(model, names, theirs, remedy)
    slots = {
        f"{names[own_name(layer.name)]}/{variable.name}": Slot(
            variable, tuple(variable.shape), np.asarray
        )
        for layer in weighted(model)
        for variable in layer.weights
    }
    state = {
        f"{name}/{variable.name}": keras.ops.convert_to_numpy(variable)
        for name, layer in theirs.items()
        for variable in layer.weights
    }
    for name, layer in theirs.items():
        # Inception-ResNet has normalisations without a scale.
        if getattr(layer, "scale", True) is False:
            state[f"{name}/gamma"] = np.ones(layer.moving_mean.shape, "float32")
    fill(model, slots, state, remedy)


def _remedy(model: keras.Model) -> str:
    """How a model must be built to be a twin."""
    form = TWIN_FORMS.get(model.name, {})
    settings = ", ".join(f"{key}={value!r}" for key, value in form.items())
    return (
        f"Build it with {settings}, and with the source's classes and top."
        if form
        else "Build it with the source's settings, classes and top."
    )


def _renumbered(source: keras.Model) -> dict[str, keras.layers.Layer]:
    """Layers by name; numbers Keras gave out begin at 0, whatever was built before."""
    theirs, numbered = {}, {}
    for layer in weighted(source):
        if found := re.fullmatch(r"(conv2d|batch_normalization)(?:_(\d+))?", layer.name):
            numbered[found[1], int(found[2] or 0)] = layer
        else:
            theirs[layer.name] = layer
    for kind in ("conv2d", "batch_normalization"):
        same = [numbered[key] for key in sorted(numbered) if key[0] == kind]
        theirs |= {f"{kind}_{place}": layer for place, layer in enumerate(same)}
    return theirs


def _read(model: keras.Model, path: str | os.PathLike) -> keras.Model:
    path = os.fspath(path)
    if path.endswith(".keras"):
        return load_model(path)
    if model.name not in TWINS:
        raise InputError(
            f"A file was given for the model {model.name!r}",
            ", ".join(TWINS),
            "Build the keras.applications model with its weights, and pass that.",
        )
    top = own_name(model.layers[-1].name) == "predictions"
    twin = getattr(keras.applications, TWINS[model.name])(
        weights=None,
        include_top=top,
        input_shape=model.input_shape[1:],
        **({"classes": model.output_shape[-1]} if top else {}),
    )
    load_weights(twin, path)
    return twin


def _check_settings(model: keras.Model, names: dict[str, str], theirs: dict, remedy: str) -> None:
    """Refuse layers with the same weights that compute something else."""
    different = [
        f"{layer.name} has {setting}={ours} instead of {other}"
        for layer in weighted(model)
        if (twin := theirs.get(names[own_name(layer.name)])) is not None
        for setting in ("strides", "groups", "epsilon")
        if (ours := getattr(layer, setting, None)) != (other := getattr(twin, setting, None))
        # Their 1.001e-5 against the usual 1e-5 is far below the noise of float32.
        and not (setting == "epsilon" and math.isclose(ours or 0.0, other or 0.0, rel_tol=0.01))
    ]
    if different:
        raise InputError(
            f"{model.name!r} computes otherwise than the source: {listed(different)}",
            "equal settings of all layers with weights",
            remedy,
        )
