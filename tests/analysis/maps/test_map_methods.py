"""Every method is had by its name, and gives one map of what speaks for the class."""

import numpy as np
import pytest

import keras_classics as kc
from analysis.maps.cam_networks import IMAGES, network


def test_maps_of_the_pixels_are_made_of_their_colours():
    model, target = network(), [0, 1, 2, 3, 0]

    def maps(method):
        return kc.analysis.map_explainer(model, method)(IMAGES, target)

    parts = kc.analysis.integrated_gradients(model, IMAGES, target=target)
    np.testing.assert_allclose(maps("integrated_gradients"), parts.sum(-1).clip(0), atol=1e-6)
    slopes = kc.analysis.smooth_grad(model, IMAGES, target=target)
    np.testing.assert_allclose(maps("smooth_grad"), np.abs(slopes).max(-1), atol=1e-6)
    back = kc.analysis.deconvnet(model, IMAGES, target=target)
    np.testing.assert_allclose(maps("deconvnet"), np.abs(back).max(-1), atol=1e-6)
    for method in ("occlusion", "rise"):
        signed = getattr(kc.analysis, method)(model, IMAGES, target=target)
        assert signed.min() < 0
        np.testing.assert_allclose(maps(method), signed.clip(0), atol=1e-6)


def test_layer_and_class_of_the_maker_are_kept():
    explain = kc.analysis.map_explainer(network(), "layer_cam", layer="stage1_conv", target=2)
    expected = kc.analysis.cam(network(), IMAGES, method="layer_cam", layer="stage1_conv", target=2)
    np.testing.assert_allclose(explain(IMAGES), expected, atol=1e-6)
    own = kc.analysis.map_explainer(network(), "saliency", target=2)(IMAGES)
    np.testing.assert_allclose(own, kc.analysis.saliency(network(), IMAGES, target=2), atol=1e-6)


def test_a_method_that_is_not_there():
    with pytest.raises(kc.InputError, match="method='lime'.*'rise'"):
        kc.analysis.map_explainer(network(), "lime")


def test_cascading_randomization_takes_them_too():
    table = kc.analysis.cascading_randomization(network(), IMAGES, method="occlusion", stages=2)
    assert len(table) == 2 and table["rank correlation"].abs().max() <= 1
