"""Pictures are prepared inside a graph as they are outside."""

import numpy as np
import pytest
import tensorflow as tf

import keras_classics as kc
from keras_classics.core.cards.recipe import Recipe, step
from keras_classics.export.kinds.preparation_in_graph import views_in_graph


def recipe(**given) -> Recipe:
    return Recipe(**{"learning_rate": 0.1, "batch_size": 4, "epochs": 1, **given})


def pictures(count: int, side: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), "uint8")


@pytest.mark.parametrize(
    "given",
    [
        recipe(normalization=step("mean_std")),
        recipe(normalization=step("contrast"), test_crops=10, resize=12),
        recipe(normalization=step("contrast_zca")),
        recipe(normalization=step("per_pixel_mean"), resize=6),
    ],
    ids=lambda given: given.normalization.name,
)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_graph_sees_what_the_preparation_sees(given, channels):
    made = kc.data.fit_preparation(given, pictures(40), size=8, channels=channels)
    for shape in ((8, 8), (13, 9), (30, 41)):
        images = np.random.default_rng(1).integers(0, 256, (3, *shape, 3), "uint8")
        graph = tf.function(
            lambda x, made=made: views_in_graph(made, x),
            input_signature=[tf.TensorSpec((None, None, None, 3), "uint8")],
        )
        np.testing.assert_allclose(made.views(images), graph(images), atol=2e-3)
