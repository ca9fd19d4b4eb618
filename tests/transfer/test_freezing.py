"""`freeze` and `layer_groups`: what is frozen does not move, what is not does."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from models.image.test_families import SMALL, pictures, small


def moved(model):
    """Names of the layers whose weights, statistics too, one step changes."""
    before = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    x = pictures(model)
    target = np.random.default_rng(0).normal(size=(len(x), model.output_shape[-1]))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(x, target, batch_size=len(x), verbose=0)
    return {
        name
        for name, old in before.items()
        if any(
            not np.array_equal(a, b)
            for a, b in zip(old, model.get_layer(name).get_weights(), strict=True)
        )
    }


def weighted(layers):
    return {layer.name for layer in layers if layer.weights}


@pytest.mark.parametrize(
    ("until", "frozen"),
    [
        (None, ("stem", "stage1", "stage2")),
        ("stem", ("stem",)),
        ("stage1", ("stem", "stage1")),
        (-2, ("stem", "stage1", "stage2")),
        (0, ("stem",)),
        ("P2", ("stem", "stage1")),
        ("stage1_out", ("stem", "stage1")),
    ],
)
def test_frozen_groups_stay_and_all_others_move(until, frozen):
    model = small("resnet_18")
    groups = kc.transfer.layer_groups(model)
    assert kc.transfer.freeze(model, until) is model
    still = weighted(layer for name in frozen for layer in groups[name])
    assert moved(model) == weighted(model.layers) - still


def test_until_a_layer_inside_a_block_freezes_only_what_it_depends_on():
    model = small("resnet_18")
    kc.transfer.freeze(model, "stage2_block1_conv1")
    kept = weighted(model.layers) - moved(model)
    assert "stage2_block1_conv1" in kept and "stage2_block1_shortcut_conv" not in kept


def test_a_later_call_sets_all_layers_anew():
    model = small("resnet_18")
    model.trainable = False
    kc.transfer.freeze(model, "stage2")
    kc.transfer.freeze(model, "stem")
    assert moved(model) == {name for name in weighted(model.layers) if not name.startswith("stem")}


def test_all_normalisations_can_be_frozen():
    model = kc.transfer.freeze(small("resnet_18"), "stem", batch_norm=True)
    assert not [name for name in moved(model) if "norm" in name]


@pytest.mark.parametrize("name", SMALL)
def test_groups_hold_every_layer_once_in_order(name):
    model = small(name)
    groups = kc.transfer.layer_groups(model)
    assert sorted(x.name for group in groups.values() for x in group) == sorted(
        layer.name for layer in model.layers
    )
    stages = [group for group in groups if group.startswith("stage")]
    assert stages == sorted(stages)
    assert [*groups] == ["stem"] * ("stem" in groups) + stages + ["head"] * ("head" in groups)
    last = [*groups.values()][-1]
    assert model.layers[-1] in last


def test_auxiliary_classifiers_belong_to_the_head():
    model = kc.models.GoogLeNetBN(auxiliary=True, input_shape=(96, 96, 3), width=0.1)
    groups = kc.transfer.layer_groups(model)
    assert {"auxiliary1_dense", "predictions"} <= {layer.name for layer in groups["head"]}
    assert list(groups) == ["stem", "stage1", "stage2", "stage3", "head"]


@pytest.mark.parametrize(
    ("until", "message"),
    [
        ("stage1_blok1_conv1", "Did you mean 'stage1_block1_conv1'"),
        ("stage7", "a group \\(stem, stage1, stage2, head\\)"),
        ("P9", "a level \\(P0, P1, P2, P3\\)"),
        (4, "number from 0 to 3"),
    ],
)
def test_unknown_places_are_refused_with_near_names(until, message):
    with pytest.raises(kc.InputError, match=message):
        kc.transfer.freeze(small("resnet_18"), until)


def test_foreign_names_have_no_groups():
    image = keras.Input((8, 8, 3))
    with pytest.raises(kc.InputError, match="not named by stages"):
        kc.transfer.layer_groups(keras.Model(image, keras.layers.Conv2D(2, 3)(image)))


class Block(keras.layers.Layer):
    """A user's own layer that holds a normalisation."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.norm = keras.layers.BatchNormalization()

    def build(self, shape):
        self.norm.build(shape)

    def call(self, x, training=None):
        return self.norm(x, training=training)

    def compute_output_shape(self, shape):
        return shape


def nesting():
    """As Keras's own guide has it: a nested backbone, and a classifier on it."""

    def stage(name, x):
        x = keras.layers.Conv2D(4, 3, name=f"{name}_conv")(x)
        return keras.layers.BatchNormalization(name=f"{name}_norm")(x)

    inner = keras.Input((12, 12, 3))
    backbone = keras.Model(inner, stage("second", stage("first", inner)), name="backbone")
    image = keras.Input((12, 12, 3))
    x = keras.layers.Conv2D(3, 1, name="before")(image)
    x = Block(name="block")(backbone(x))
    x = keras.layers.Reshape((8, 32))(x)
    x = keras.layers.TimeDistributed(keras.layers.BatchNormalization(name="inner"))(x)
    x = keras.layers.GlobalAveragePooling1D()(x)
    return keras.Model(image, keras.layers.Dense(4, name="predictions")(x))


def moved_weights(model):
    """Paths of the variables, statistics too, that one step changes."""
    before = {w.path: np.asarray(w) for w in model.weights}
    x = np.random.default_rng(0).normal(size=(8, 12, 12, 3)).astype("float32")
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(x, np.ones((8, 4)), verbose=0)
    return {w.path for w in model.weights if not np.array_equal(before[w.path], np.asarray(w))}


@pytest.mark.parametrize("backbone", ["frozen", "free"])
def test_normalisations_of_nested_models_and_of_other_layers_can_be_frozen(backbone):
    model = nesting()
    until = "backbone" if backbone == "frozen" else "before"
    assert any("norm" in path for path in moved_weights(kc.transfer.freeze(model, until)))
    moved = moved_weights(kc.transfer.freeze(model, until, batch_norm=True))
    assert not [path for path in moved if "gamma" in path or "moving" in path]
    assert any("predictions" in path for path in moved)
    assert any("second_conv" in path for path in moved) == (backbone == "free")


def test_a_layer_of_a_nested_model_is_meant_by_its_path():
    model = nesting()
    moved = moved_weights(kc.transfer.freeze(model, "backbone/first_norm"))
    assert not [path for path in moved if "before" in path or "first" in path]
    assert any("second_conv" in path for path in moved)
    # Another call frees what it does not name, there too.
    moved = moved_weights(kc.transfer.freeze(model, "before"))
    assert any("first_conv" in path for path in moved)
    with pytest.raises(kc.InputError, match="Did you mean 'first_norm'"):
        kc.transfer.freeze(model, "backbone/first_nrm")
    with pytest.raises(kc.InputError, match="until='trunk/first_norm' was given"):
        kc.transfer.freeze(model, "trunk/first_norm")
