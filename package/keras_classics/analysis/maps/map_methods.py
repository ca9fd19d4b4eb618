"""Every method that makes a map of an image and a class, by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import keras
import numpy as np

from keras_classics.analysis.maps.cam import CAM, CAM_METHODS
from keras_classics.analysis.maps.deconvnet import Deconvnet
from keras_classics.analysis.maps.explainer import Explainer
from keras_classics.analysis.maps.masked_scores import Occlusion, Rise
from keras_classics.analysis.maps.saliency import Saliency
from keras_classics.analysis.maps.sampled_gradients import IntegratedGradients, SmoothGrad
from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_choice


class Attribution(NamedTuple):
    """A method over the pixels themselves, and the map that is made of what it gives."""

    explainer: Callable[..., Explainer]
    map: Callable[[np.ndarray], np.ndarray]


def _rectified(maps: np.ndarray) -> np.ndarray:
    return np.maximum(maps, 0)


def _magnitude(colours: np.ndarray) -> np.ndarray:
    return np.abs(colours).max(axis=-1)


def _added(colours: np.ndarray) -> np.ndarray:
    return np.maximum(colours.sum(axis=-1), 0)


_ATTRIBUTIONS = {
    "saliency": Attribution(Saliency, _rectified),
    "smooth_grad": Attribution(SmoothGrad, _magnitude),
    "integrated_gradients": Attribution(IntegratedGradients, _added),
    "deconvnet": Attribution(Deconvnet, _magnitude),
    "occlusion": Attribution(Occlusion, _rectified),
    "rise": Attribution(Rise, _rectified),
}
ATTRIBUTION_METHODS = tuple(_ATTRIBUTIONS)
MAP_METHODS = (*CAM_METHODS, *ATTRIBUTION_METHODS)

# From images and a target, see `cam`, to maps `(batch, height, width)`.
MapMaker = Callable[..., np.ndarray]


@checked
def map_explainer(
    model: keras.Model,
    method: str = "grad_cam",
    *,
    layer: str | None = None,
    target: Any = None,
    batch_size: int = 32,
    image: int | str | None = None,
) -> MapMaker:
    """What makes the maps of a method, with its defaults; compiled once, for many calls.

    Args:
        model: A functional or built sequential model, only read.
        method: One of `kc.analysis.MAP_METHODS`: those of `kc.analysis.cam`, and over the pixels
            `"saliency"`, `"smooth_grad"` and `"deconvnet"` (largest magnitude of the colours),
            `"integrated_gradients"` (their sum), `"occlusion"` and `"rise"`. What is negative
            becomes 0.
        layer: The layer whose maps the methods of `kc.analysis.cam` use; the others use none.
        target: What is explained where a call does not say it; see `kc.analysis.cam`.
        batch_size: Greatest number of images that pass through the model together.
        image: Which input of the model is the image, see `kc.analysis.cam`.

    Returns:
        A function from images, and a target if it is another, to float32 `(batch, height, width)`.

    Raises:
        InputError: There is no such method, or the model or layer does not admit it.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        images = np.random.default_rng(0).uniform(0, 1, (2, 32, 32, 1)).astype("float32")
        explain = kc.analysis.map_explainer(model, "layer_cam")
        maps = explain(images, target=[3, 7])
        ```
    """
    check_choice("method", method, MAP_METHODS)
    shared: dict[str, Any] = {"target": target, "batch_size": batch_size, "image": image}
    if method in CAM_METHODS:
        # Of one layer it gives one array.
        return cast(MapMaker, CAM(model, method=method, layer=layer, **shared))
    attribution = _ATTRIBUTIONS[method]
    explainer = attribution.explainer(model, **shared)

    def maps(images: Any, target: Any = None) -> np.ndarray:
        return attribution.map(explainer.explain(images, target)[0])

    return maps
