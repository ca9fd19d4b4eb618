"""Models of thousands of layers are made and loaded, and the limit of Python is raised nowhere else."""

import sys
import threading

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from keras_classics.core import keras_internals
from keras_classics.core.graphs.graph import functional
from keras_classics.core.keras_internals import (
    deep_graphs,
)
from keras_classics.export.kinds.sizes import any_size


def test_the_limit_is_raised_within_and_only_there():
    usual = sys.getrecursionlimit()
    with deep_graphs():
        assert sys.getrecursionlimit() == max(usual, keras_internals.DEEP)
        with pytest.raises(KeyError), deep_graphs():
            raise KeyError
        assert sys.getrecursionlimit() > usual
    assert sys.getrecursionlimit() == usual
    # Whoever sets it in the meantime has the last word.
    try:
        with deep_graphs():
            sys.setrecursionlimit(usual + 7)
        assert sys.getrecursionlimit() == usual + 7
    finally:
        sys.setrecursionlimit(usual)


def test_threads_share_the_limit_until_the_last_has_left():
    usual, inside, leave = sys.getrecursionlimit(), threading.Barrier(3), threading.Event()

    def work():
        with deep_graphs():
            inside.wait(10)
            leave.wait(10)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    with deep_graphs():
        pass
    assert sys.getrecursionlimit() == max(usual, keras_internals.DEEP)
    leave.set()
    for thread in threads:
        thread.join()
    assert sys.getrecursionlimit() == usual


@pytest.fixture(scope="module")
def deep():
    """A model of 1,100 layers, more than Python has frames."""
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(2, 3, padding="same", name="stage1_conv", use_bias=False)(image)
    x = layers.BatchNormalization(name="stage1_norm")(x)
    for number in range(1_100):
        x = layers.Activation("tanh", name=f"tanh{number}")(x)
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    with deep_graphs():
        return keras.Model(image, layers.Dense(4, activation="softmax", name="predictions")(x))


@deep_graphs()
def in_a_row(model):
    return keras.Sequential([keras.Input(model.input_shape[1:]), *model.layers[1:]])


def test_keras_alone_would_not_connect_so_deep_a_model(deep):
    """Once this fails Keras recurses no more, and `deep_graphs` can go."""
    with pytest.raises(RecursionError):
        keras.models.clone_model(deep)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        kc.export.fold,
        lambda model: kc.transfer.features(model, "tanh1090"),
        lambda model: kc.transfer.replace_head(model, 7),
        lambda model: kc.transfer.adapt_channels(model, 1),
        lambda model: kc.analysis.randomize_layers(model),
        lambda model: kc.models.split_captioner(
            kc.models.captioner(kc.transfer.features(model, "head_pool"), 9, units=3)
        )[0],
        lambda model: kc.create_model(
            "resnet_20_cifar", include_top=False, input_tensor=model.get_layer("tanh1090").output
        ),
        any_size,
        lambda model: functional(in_a_row(model)),
    ],
    ids=[
        "fold",
        "features",
        "head",
        "channels",
        "randomize",
        "captioner",
        "builder",
        "size",
        "row",
    ],
)
def test_deep_models_are_made(deep, make):
    usual = sys.getrecursionlimit()
    assert len(make(deep).layers) > 1_000
    assert sys.getrecursionlimit() == usual


@pytest.mark.slow
def test_deep_models_are_loaded(deep, tmp_path):
    kc.save_model(deep, tmp_path / "deep.keras")
    usual = sys.getrecursionlimit()
    loaded = kc.load_model(tmp_path / "deep.keras")
    assert sys.getrecursionlimit() == usual
    image = np.ones((1, 8, 8, 3), "float32")
    np.testing.assert_array_equal(loaded.predict_on_batch(image), deep.predict_on_batch(image))
