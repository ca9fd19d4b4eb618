"""Pictures that are too small are refused, and what the refusal says to do works."""

import re

import keras
import numpy as np
import pytest

import keras_classics as kc


@pytest.mark.parametrize(
    ("name", "shape", "more"),
    [
        ("LeNet5", (28, 28, 1), {}),
        ("LeNet5Modern", (28, 28, 1), {}),
        ("LeNet5Modern", (31, 40, 3), {}),
        ("InceptionV4", (64, 64, 3), {"width": 0.05, "repeats": (1, 1, 1)}),
    ],
)
def test_the_remedy_for_small_pictures_works_when_followed(name, shape, more):
    build = getattr(kc.models, name)
    with pytest.raises(kc.InputError, match="height and width of at least") as refused:
        build(input_shape=shape, **more)
    remedies = re.findall(r"keras\.layers\.\w+\([\d, ]+\)", str(refused.value))
    assert [remedy.split("(")[0] for remedy in remedies] == [
        "keras.layers.Resizing",
        "keras.layers.ZeroPadding2D",
    ]
    pictures = np.random.default_rng(0).random((2, *shape)).astype("float32")
    for remedy in remedies:
        # Before the network, as the sentence says: in its graph, or as a layer in front of it.
        before = eval(remedy, {"keras": keras})
        image = keras.Input(shape)
        joined = build(input_tensor=before(image), classes=3, **more)
        assert joined(pictures).shape == (2, 3)
        size = before.compute_output_shape((None, *shape))[1:]
        stacked = keras.Sequential(
            [keras.Input(shape), before, build(input_shape=size, classes=3, **more)]
        )
        assert stacked(pictures).shape == (2, 3)
