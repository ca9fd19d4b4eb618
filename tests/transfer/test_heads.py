"""`replace_head`: a new classifier that trains on a trunk that stays."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from models.image.test_families import SMALL, pictures, small


@pytest.fixture(scope="module", autouse=True)
def forget_models():
    yield
    keras.utils.clear_session(free_memory=True)


TOPS = [name for name in SMALL if kc.card(name).classes]


@pytest.mark.parametrize("name", TOPS)
def test_every_family_gets_a_new_classifier_on_its_own_trunk(name):
    old = small(name)
    before = [np.asarray(weight) for weight in old.weights]
    new = kc.transfer.replace_head(old, 7, classifier_activation=None)
    assert new.output_shape == (None, 7)
    assert [x.name for x in new.layers] == [x.name for x in old.layers]
    made = [x for x in new.layers if x is not old.get_layer(x.name) and x.weights]
    assert 1 <= len(made) <= 2
    for layer in made:
        assert type(layer) is type(old.get_layer(layer.name))
    for weight, value in zip(old.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


@pytest.mark.parametrize("name", ["lenet_5", "squeezenet_1_1", "mlp_skip_mnist"])
def test_the_new_model_is_saved_like_any_other(name, tmp_path):
    new = kc.transfer.replace_head(small(name), 7)
    new.save(tmp_path / "new.keras")
    loaded = keras.saving.load_model(tmp_path / "new.keras")
    x = pictures(new, count=1)
    np.testing.assert_array_equal(loaded(x), new(x))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet_18", "squeezenet_1_1"])
def test_the_new_head_learns_and_a_frozen_trunk_stays(name):
    old = small(name)
    model = kc.transfer.freeze(kc.transfer.replace_head(old, 2))
    x = pictures(model)
    y = np.arange(len(x)) % 2
    x += y.reshape(-1, 1, 1, 1)
    groups = kc.transfer.layer_groups(model).items()
    trunk = [layer for name, group in groups if name != "head" for layer in group]
    before = [np.asarray(w) for layer in trunk for w in layer.weights]
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    losses = model.fit(x, y, epochs=20, batch_size=8, verbose=0).history["loss"]
    assert losses[-1] < 0.95 * losses[0]
    after = [np.asarray(w) for layer in trunk for w in layer.weights]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_auxiliary_classifiers_are_replaced_too():
    old = kc.models.GoogLeNetBN(auxiliary=True, input_shape=(96, 96, 3), width=0.1)
    new = kc.transfer.replace_head(old, 5)
    assert [tuple(x.shape) for x in new.outputs] == [(None, 5)] * 3


def test_initialisers_are_the_family_s_own():
    new = kc.transfer.replace_head(small("squeezenet_1_1"), 50)
    kernel = np.asarray(new.get_layer("head_conv").kernel)
    assert 0.009 < kernel.std() < 0.011


def test_a_model_without_top_gets_one():
    trunk = kc.models.ResNet18(include_top=False, width=0.125, input_shape=(32, 32, 3))
    model = kc.transfer.replace_head(trunk, 3, dropout=0.2)
    assert [layer.name for layer in model.layers[-3:]] == [
        "head_pool",
        "head_dropout",
        "predictions",
    ]
    pooled = kc.models.ResNet18(include_top=False, pooling="max", width=0.125)
    assert kc.transfer.replace_head(pooled, 3).output_shape == (None, 3)


def test_dropout_takes_the_place_of_the_one_before_the_classifier():
    new = kc.transfer.replace_head(small("googlenet"), 3, dropout=0.35)
    rates = [x.rate for x in new.layers if isinstance(x, keras.layers.Dropout)]
    assert rates == [0.35]
    new = kc.transfer.replace_head(small("resnet_18"), 3, dropout=0.35)
    assert new.get_layer("head_dropout").rate == 0.35


def test_bad_arguments_are_refused():
    for arguments in ({"classes": 0}, {"classes": 2.0}, {"classes": 3, "dropout": 1.0}):
        with pytest.raises(kc.InputError, match="Allowed: "):
            kc.transfer.replace_head(small("resnet_18"), **arguments)
