"""The formulas of the maps: by hand, beside tf-keras-vis, and the identities between them."""

import importlib

import keras
import numpy as np
import pytest
from keras import ops

import keras_classics as kc
from analysis.maps.cam_networks import IMAGES, network
from keras_classics.analysis.maps import cam_formulas as cam_methods

DRAW = np.random.default_rng(0)
A = DRAW.normal(size=(2, 3, 4, 5)).astype("float32")
G = (DRAW.normal(size=A.shape) * (DRAW.random(A.shape) < 0.7)).astype("float32")
# An image without activations, and one whose gradients are far below the squares' range.
A[1, :, :, 0] = 0
TINY = G * np.float32(1e-25)


def by_hand(method, a, g):
    """One image, map by map, in double precision."""
    a, g = a.astype("float64"), g.astype("float64")
    total = np.zeros(a.shape[:2])
    for k in range(a.shape[-1]):
        own, slope = a[..., k], g[..., k]
        if method == "grad_cam":
            total += slope.mean() * own
        elif method == "grad_cam_sum":
            total += slope.sum() * own
        elif method == "layer_cam":
            total += np.maximum(slope, 0) * own
        elif method == "hires_cam":
            total += slope * own
        elif method == "xgrad_cam":
            total += (slope * own).sum() / own.sum() * own if own.sum() else 0
        else:
            alpha = np.zeros(own.shape)
            for place in np.ndindex(own.shape):
                if slope[place]:
                    squared = slope[place] ** 2
                    alpha[place] = squared / (2 * squared + own.sum() * slope[place] ** 3)
            if method == "grad_cam_plus_plus_normalized" and alpha.sum():
                alpha /= alpha.sum()
            total += (alpha * np.maximum(slope, 0)).sum() * own
    return total


@pytest.mark.parametrize("gradients", [G, TINY], ids=["usual", "tiny"])
@pytest.mark.parametrize("method", [name for name in cam_methods.FORMULAS if name != "eigen_cam"])
def test_formulas_are_the_sums_written_out(method, gradients):
    formula = cam_methods.FORMULAS[method].map
    found = ops.convert_to_numpy(
        formula(ops.convert_to_tensor(A), ops.convert_to_tensor(gradients))
    )
    expected = np.stack([by_hand(method, a, g) for a, g in zip(A, gradients, strict=True)])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("shape", [(2, 3, 4, 30), (2, 6, 7, 5)], ids=["wide", "narrow"])
def test_eigen_cam_is_the_first_singular_vector_with_a_positive_sum(shape):
    maps = np.random.default_rng(2).normal(0.3, 1, size=shape).astype("float32")
    found = ops.convert_to_numpy(cam_methods.eigen_cam(ops.convert_to_tensor(maps)))
    for own, image in zip(found, maps, strict=True):
        flat = image.reshape(-1, shape[-1])
        expected = flat @ np.linalg.svd(flat)[2][0]
        np.testing.assert_allclose(own.ravel(), expected * np.sign(expected.sum()), atol=1e-4)


@pytest.mark.parametrize("form", ["functional", "nested_sequential"])
def test_cam_is_the_sum_form_and_so_many_times_the_mean_form(form):
    model = network(form)
    settings = {"target": 2, "size": None, "rectify": False}
    maps, sums, means = (
        kc.analysis.cam(model, IMAGES, method=method, **settings)
        for method in ("cam", "grad_cam_sum", "grad_cam")
    )
    assert np.abs(maps).max() > 0.1
    np.testing.assert_allclose(maps, sums, atol=1e-6)
    positions = maps.shape[1] * maps.shape[2]
    np.testing.assert_allclose(maps, positions * means, atol=1e-6)


def test_the_mean_of_cam_and_the_bias_are_the_logit():
    model = network(head=None)
    maps = kc.analysis.cam(model, IMAGES, method="cam", target=1, size=None)
    bias = np.asarray(model.get_layer("predictions").bias)[1]
    logits = model.predict(IMAGES, verbose=0)[:, 1]
    np.testing.assert_allclose(maps.mean((1, 2)) + bias, logits, atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:tf_keras_vis")
@pytest.mark.parametrize(
    ("method", "peer", "layer"),
    [
        ("layer_cam", "layercam.Layercam", "stage1_conv"),
        ("layer_cam", "layercam.Layercam", "stage2_relu"),
        ("grad_cam", "gradcam.Gradcam", "stage2_relu"),
        ("grad_cam_plus_plus_normalized", "gradcam_plus_plus.GradcamPlusPlus", "stage1_conv"),
        ("grad_cam_plus_plus_normalized", "gradcam_plus_plus.GradcamPlusPlus", "stage2_relu"),
    ],
)
def test_maps_are_those_of_tf_keras_vis(method, peer, layer):
    pytest.importorskip("tf_keras_vis")
    if keras.config.backend() != "tensorflow":
        pytest.skip("tf-keras-vis needs TensorFlow")
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

    module, name = peer.split(".")
    kind = getattr(importlib.import_module(f"tf_keras_vis.{module}"), name)
    model, classes = network(), [0, 1, 2, 3, 1]
    explainer = kind(model, model_modifier=ReplaceToLinear(), clone=True)
    theirs = explainer(
        CategoricalScore(classes), IMAGES, penultimate_layer=layer,
        seek_penultimate_conv_layer=False, expand_cam=False, normalize_cam=False,
    )  # fmt: skip
    ours = kc.analysis.cam(model, IMAGES, method=method, target=classes, layer=layer, size=None)
    # Its Grad-CAM++ is larger by exp(score), and its own scaling adds 1e-7 to small ranges.
    np.testing.assert_allclose(*map(kc.analysis.normalized, (ours, theirs)), atol=1e-5)


def test_large_scores_do_not_overflow():
    model, options = network(head=None), {"method": "grad_cam_plus_plus", "target": 1}
    # What is added to all scores says nothing of where the evidence lies.
    expected = kc.analysis.normalized(kc.analysis.cam(model, IMAGES, **options))
    model.get_layer("predictions").bias.assign([1e4] * 4)
    found = kc.analysis.normalized(kc.analysis.cam(model, IMAGES, **options))
    np.testing.assert_allclose(found, expected, atol=1e-5)
