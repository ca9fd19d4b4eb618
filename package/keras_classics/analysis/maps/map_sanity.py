"""Do maps depend on what the model has learned? Its layers are drawn anew, from the top down.

Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim, "Sanity checks for saliency maps", NeurIPS 2018
(arXiv:1810.03292). A method whose maps stay as they were shows the picture, not the model.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, SupportsIndex

import keras
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from keras_classics.analysis.answers import class_probabilities, followed_classes
from keras_classics.analysis.maps.map_methods import map_explainer
from keras_classics.analysis.maps.map_scores import finite_maps
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.graphs.graph import check_functional
from keras_classics.core.keras_internals import deep_graphs


@checked
def cascading_randomization(
    model: keras.Model,
    images: ArrayLike,
    *,
    method: str = "grad_cam",
    target: Any = None,
    layer: str | None = None,
    stages: int = 10,
    seed: int = 0,
    batch_size: int = 32,
) -> pd.DataFrame:
    """Compare maps with those after more and more layers lost what they had learned.

    Args:
        model: A functional or sequential classifier; never changed, a copy is.
        images: Prepared pictures.
        method: One of `kc.analysis.MAP_METHODS`.
        target: Class the maps are made for, one number or one for each picture; the class the
            model prefers by default, also when its copy would prefer another.
        layer: Layer the class-activation maps are read at; that of `kc.analysis.cam_layer` by
            default.
        stages: Number of comparisons, at most: layers are drawn anew in as many groups, each
            together with all above it.
        seed: Chooses what is drawn.
        batch_size: Pictures the model sees at once.

    Returns:
        A row for each stage, by the lowest layer drawn anew: `layers`, their number so far; `rank
        correlation` with the model's own maps (Spearman's, the mean over pictures, 0 for a map that
        is flat); and `of absolute values`, the same without signs.

    Raises:
        InputError: The model has no graph of layers, a target is no class, `stages` is below 1,
            or there is no such method.
    """
    if stages < 1:
        raise InputError(
            f"stages={stages} was given", "1 and above", "Leave it out for the default."
        )
    images = np.asarray(images, "float32")
    classes = followed_classes(class_probabilities(model, images, batch_size=batch_size), target)
    # One copy, whose layers lose their weights one after the other, is compiled once.
    drawn = list(weighted_layers(randomize_layers(model, seed=seed)))
    copy = randomize_layers(model, 0)
    explainer = map_explainer(copy, method, layer=layer, batch_size=batch_size)
    own, rows, names = explainer(images, classes), [], []
    pairs = list(zip(weighted_layers(copy), drawn, strict=True))[::-1]
    for part in np.array_split(np.arange(len(pairs)), min(stages, len(pairs))):
        for number in part:
            kept, new = pairs[number]
            kept.set_weights(new.get_weights())
        now = explainer(images, classes)
        names.append(kept.name)
        rows.append(
            {
                "layers": int(part[-1]) + 1,
                "rank correlation": rank_correlations(own, now).mean(),
                "of absolute values": rank_correlations(np.abs(own), np.abs(now)).mean(),
            }
        )
    return pd.DataFrame(rows, index=pd.Index(names, name="down to"))


@deep_graphs()
@checked
def randomize_layers(
    model: keras.Model, layers: int | Sequence[str] | None = None, *, seed: int = 0
) -> keras.Model:
    """A copy of a model some of whose layers have lost what they had learned.

    Their weights are drawn anew by their own initialisers, and their statistics start again.

    Args:
        model: A functional or sequential model; never changed.
        layers: How many of the layers with weights, from the output down; or their names, for
            single ones; all by default.
        seed: Chooses what is drawn.

    Raises:
        InputError: The model has no graph of layers, or not these.
    """
    check_functional(model)
    with _seeded(seed):
        copy = keras.models.clone_model(model)
    pairs = list(zip(weighted_layers(copy), weighted_layers(model), strict=True))
    names = [own.name for _, own in pairs]
    layers = len(names) if layers is None else layers
    if isinstance(layers, SupportsIndex):
        layers = operator.index(layers)
        fits = 0 <= layers <= len(names)
        kept = pairs[: len(names) - layers]
    else:
        fits = {*layers} <= {*names}
        kept = [pair for pair in pairs if pair[1].name not in layers]
    if not fits:
        raise InputError(
            f"layers={layers!r} was given",
            f"0 to {len(names)}, or a list of {', '.join(names)}",
            "See the layers with weights in model.summary().",
        )
    for drawn, own in kept:
        drawn.set_weights(own.get_weights())
    return copy


def weighted_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Layers with weights from the input up, those of nested models among them."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from weighted_layers(layer)
        elif layer.weights:
            yield layer


def rank_correlations(maps: ArrayLike, others: ArrayLike) -> np.ndarray:
    """Spearman's rank correlation of each map with another.

    Args:
        maps: `(batch, height, width)`.
        others: The same.

    Returns:
        float64 `(batch,)`; 0 where either map is flat.
    """
    ranks, other = (_centred_ranks(each) for each in (maps, others))
    lengths = np.sqrt(np.square(ranks).sum(axis=0) * np.square(other).sum(axis=0))
    products = (ranks * other).sum(axis=0)
    return np.divide(products, lengths, out=np.zeros(len(lengths)), where=lengths > 0)


def _centred_ranks(maps: ArrayLike) -> np.ndarray:
    """Ranks `(pixels, batch)` of mean 0; equal pixels share theirs."""
    maps = finite_maps(maps)
    ranks = pd.DataFrame(maps.reshape(len(maps), -1).T).rank().to_numpy()
    return ranks - ranks.mean(axis=0)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Initialisers without a seed of their own take one from Python's generator."""
    state = random.getstate()
    random.seed(check_whole("seed", seed, 0))
    try:
        yield
    finally:
        random.setstate(state)
