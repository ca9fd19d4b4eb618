"""Logits of torchvision and timm under seeded weights, reached through `load_torch`."""

import json

import keras
import numpy as np
import pytest

import keras_classics as kc
from support import SHARED, shared

V15 = {"stride_in": "3x3"}
# The files whose model is not simply the catalogue's entry of the same name.
OURS = {
    "resnet_18_v15": ("resnet_18", {}),
    "resnet_34_v15": ("resnet_34", {}),
    "resnet_50_v15": ("resnet_50", V15),
    "resnet_101_v15": ("resnet_101", V15),
    "resnet_152_v15": ("resnet_152", V15),
    "inception_v4": ("inception_v4", {"order": "released"}),
    "inception_resnet_v2": ("inception_resnet_v2_released", {}),
}
FILES = sorted(path.stem for path in (SHARED / "golden").glob("*.npz"))
DEEP = ("101", "121", "152", "161", "169", "201", "inception")


@pytest.fixture(autouse=True)
def forget_models_between_tests():
    yield
    keras.utils.clear_session(free_memory=True)


def drawn(seed, gain, tensors):
    """The seeded weights, by the recipe of ../shared/golden/README.md."""
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


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES)
def test_logits_are_the_other_implementations(file):
    name, arguments = OURS.get(file, (file, {}))
    if name not in kc.list_models():
        pytest.skip(f"{name} is not in the catalogue yet")
    with np.load(shared("golden", f"{file}.npz")) as stored:
        expected, meta = stored["logits"], json.loads(stored["meta"].tobytes())
    model = kc.create_model(name, classifier_activation=None, **arguments)
    kc.weights.load_torch(model, dict(drawn(meta["seed"], meta["gain"], meta["tensors"])))
    logits = np.asarray(model(pictures(meta["seed"], meta["input_shape_nchw"])))
    error = np.linalg.norm(logits - expected, axis=1) / np.linalg.norm(expected, axis=1)
    print(f"{file}: relative error {error.max():.1e}")
    assert error.max() < (1e-3 if any(depth in file for depth in DEEP) else 1e-4)
