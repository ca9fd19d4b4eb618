"""Logits of torchvision and timm under seeded weights, reached through `load_torch`."""

import json

import keras
import numpy as np
import pytest

import keras_classics as kc
from support import NUMBERS, undrawn

V15 = {"stride_in": "3x3"}
# Each file of `tests/data/golden`: our name and arguments for the network that answered.
OURS = {
    "alexnet_owt": ("alexnet_owt", {}),
    "densenet_121": ("densenet_121", {}),
    "densenet_161": ("densenet_161", {}),
    "densenet_169": ("densenet_169", {}),
    "densenet_201": ("densenet_201", {}),
    "googlenet_bn": ("googlenet_bn", {}),
    "inception_resnet_v2": ("inception_resnet_v2_released", {}),
    "inception_v4": ("inception_v4", {"order": "released"}),
    "resnet_101_v15": ("resnet_101", V15),
    "resnet_152_v15": ("resnet_152", V15),
    "resnet_18_v15": ("resnet_18", {}),
    "resnet_34_v15": ("resnet_34", {}),
    "resnet_50_v15": ("resnet_50", V15),
    "resnext_101_32x4d": ("resnext_101_32x4d", {}),
    "resnext_101_64x4d": ("resnext_101_64x4d", {}),
    "resnext_50_32x4d": ("resnext_50_32x4d", {}),
    "squeezenet_1_0": ("squeezenet_1_0", {}),
    "squeezenet_1_1": ("squeezenet_1_1", {}),
    "vgg_a": ("vgg_a", {}),
    "vgg_b": ("vgg_b", {}),
    "vgg_d": ("vgg_d", {}),
    "vgg_e": ("vgg_e", {}),
    "wide_resnet_50_2": ("wide_resnet_50_2", {}),
}


@pytest.fixture(autouse=True)
def forget_models_between_tests():
    yield
    keras.utils.clear_session(free_memory=True)


def drawn(seed, gain, tensors):
    """The seeded weights, by the recipe of tests/data/README.md."""
    for place, (name, shape, kind) in enumerate(tensors):
        draw = np.random.default_rng([seed, place])
        if kind == "kernel":
            values = draw.standard_normal(shape) * gain / np.sqrt(np.prod(shape[1:]))
        elif kind in ("norm_weight", "norm_running_var"):
            values = draw.uniform(0.5, 1.5, shape)
        else:
            values = draw.standard_normal(shape) * (0.05 if kind == "bias" else 0.1)
        yield name, values.astype("float32")


def pictures(seed, shape):
    n, c, h, w = shape
    draw = np.random.default_rng([seed, 1_000_000])
    coarse = draw.standard_normal((n, c, 8, 8))
    rows, columns = np.arange(h) * 8 // h, np.arange(w) * 8 // w
    fine = coarse[:, :, rows][:, :, :, columns] + 0.3 * draw.standard_normal(shape)
    scaled = fine * np.arange(1, n + 1).reshape(n, 1, 1, 1)
    return scaled.astype("float32").transpose(0, 2, 3, 1)


def read(file):
    """The logits of the other implementation, and how weights and pictures were drawn."""
    with np.load(NUMBERS / "golden" / f"{file}.npz") as stored:
        return stored["logits"], json.loads(stored["meta"].tobytes())


def test_no_file_is_left_out():
    assert {path.stem for path in (NUMBERS / "golden").iterdir()} == set(OURS)


def test_counts_are_the_other_implementations():
    theirs = {file: read(file)[1]["trainable"] for file in OURS}
    assert theirs == {file: kc.card(name).parameters for file, (name, _) in OURS.items()}


@pytest.mark.slow
@pytest.mark.parametrize("file", OURS)
def test_logits_are_the_other_implementations(file):
    name, arguments = OURS[file]
    expected, meta = read(file)
    with undrawn():
        model = kc.create_model(name, classifier_activation=None, **arguments)
    kc.weights.load_torch(model, dict(drawn(meta["seed"], meta["gain"], meta["tensors"])))
    logits = np.asarray(model(pictures(meta["seed"], meta["input_shape_nchw"])))
    error = np.linalg.norm(logits - expected, axis=1) / np.linalg.norm(expected, axis=1)
    print(f"{file}: relative error {error.max():.1e}, pictures apart by {meta['sensitivity']:.1e}")
    assert error.max() < 2e-5
