"""One table that says how good the maps of every method are, given pictures with true boxes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from keras_classics.analysis.answers import class_probabilities, followed_classes
from keras_classics.analysis.maps.cam import CAM, normalized
from keras_classics.analysis.maps.map_faithfulness import (
    Baseline,
    average_drop,
    deletion_insertion,
)
from keras_classics.analysis.maps.map_methods import MAP_METHODS, map_explainer
from keras_classics.analysis.maps.map_sanity import randomize_layers, rank_correlations
from keras_classics.analysis.maps.map_scores import Boxes, energy_game, pointing_game
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError
from keras_classics.core.progress import tracked


@checked
def admitted_methods(model: keras.Model, *, layer: str | None = None) -> tuple[str, ...]:
    """Those of `kc.analysis.MAP_METHODS` that a model can be explained by.

    `"cam"`, for example, needs a network that ends in global average pooling and one dense layer.

    Args:
        model: A classifier.
        layer: Layer the class-activation maps are read at; that of `kc.analysis.cam_layer` by
            default.

    Raises:
        InputError: No method can explain it: the model has no feature map, or no such layer.
    """
    # What every other method needs too.
    CAM(model, method="grad_cam", layer=layer)

    def admitted(method: str) -> bool:
        try:
            map_explainer(model, method, layer=layer)
        except InputError:
            return False
        return True

    return tuple(filter(admitted, MAP_METHODS))


@checked
def evaluate_maps(
    model: keras.Model,
    images: ArrayLike,
    boxes: Boxes,
    *,
    methods: Sequence[str] = MAP_METHODS,
    others: Mapping[str, np.ndarray] | None = None,
    target: Any = None,
    layer: str | None = None,
    tolerance: float = 0,
    deletion: Baseline = "black",
    insertion: Baseline = "blur",
    steps: int = 16,
    seed: int = 0,
    batch_size: int = 32,
) -> pd.DataFrame:
    """Score the maps of all methods by every measure of this package, with a progress bar.

    Args:
        model: A functional or sequential classifier; never changed.
        images: `(batch, height, width, channels)`, prepared for the model.
        boxes: Boxes of the objects of the class each map is made for, see `pointing_game`.
        methods: Names of `kc.analysis.MAP_METHODS`, with their defaults; see `map_explainer`.
        others: Further maps `(batch, height, width)` by name, such as a baseline of `centre_maps`.
        target: Class each map is made for, one number or one for each picture; the class the model
            prefers by default.
        layer: Layer the class-activation maps are read at; that of `kc.analysis.cam_layer` by
            default.
        tolerance: Of the pointing game, in pixels.
        deletion: What deleted and hidden pixels become, see `deletion_insertion`.
        insertion: What pixels are before they are inserted, likewise.
        steps: Of the deletion and insertion curves.
        seed: Chooses what is drawn.
        batch_size: Pictures the model sees at once.

    Returns:
        A row for each method. Shares from 0 to 1: `pointing` (the game's accuracy, the mean over
        the classes), `energy` and `insertion` (area), all to be high, and `deletion` (area), to be
        low. Of `average_drop`: `drop %`, to be low, `increase %` and `gain %`, to be high.
        `untrained`: rank correlation with the maps of the model drawn anew, to be near 0; NaN for
        `others`.

    Raises:
        InputError: Shapes do not fit, a target is no class, there is no such method, or the
            model does not admit it.
    """
    images = np.asarray(images, "float32")
    classes = followed_classes(class_probabilities(model, images, batch_size=batch_size), target)
    asking: dict[str, Any] = {"target": classes, "batch_size": batch_size}

    def scores(maps: np.ndarray) -> dict[str, float]:
        curves = deletion_insertion(
            model, images, maps, deletion=deletion, insertion=insertion, steps=steps, **asking
        )
        fate = average_drop(model, images, normalized(maps), baseline=deletion, **asking)
        hits = pd.Series(pointing_game(maps, boxes, tolerance))
        return {
            "pointing": hits.groupby(classes).mean().mean(),
            "energy": energy_game(maps, boxes).mean(),
            "deletion": curves.deletion_area.mean(),
            "insertion": curves.insertion_area.mean(),
            "drop %": fate.drop,
            "increase %": fate.increase,
            "gain %": fate.gain,
        }

    # One copy, with its own weights and with those drawn anew, so that a method is compiled once.
    copy, untrained = randomize_layers(model, 0), randomize_layers(model, seed=seed)

    def explained(method: str) -> dict[str, float]:
        explainer = map_explainer(copy, method, layer=layer, batch_size=batch_size)
        maps = explainer(images, classes)
        copy.set_weights(untrained.get_weights())
        drawn = explainer(images, classes)
        likeness = rank_correlations(maps, drawn).mean()
        copy.set_weights(model.get_weights())
        return scores(maps) | {"untrained": likeness}

    rows = {}
    for method in tracked(methods, "Evaluating maps", len(methods)):
        rows[method] = explained(method)
    for name, maps in (others or {}).items():
        rows[name] = scores(maps) | {"untrained": math.nan}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")
