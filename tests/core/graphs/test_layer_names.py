"""Several models of the catalogue on one input: joined, trained, saved, and tools still read them."""

import re

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.core.graphs.layer_names import GRAMMAR, own_name
from keras_classics.weights.torchvision_names import vgg as vgg_of_torchvision
from models.image.test_families import SMALL

IMAGES = np.random.default_rng(0).normal(size=(4, 32, 32, 3)).astype("float32")


def resnet(**arguments):
    return kc.models.ResNet18(width=0.125, repeats=(1, 1), classes=4, **arguments)


def vgg(**arguments):
    return kc.models.VGG11(width=0.1, dense_units=16, classes=4, **arguments)


def test_two_families_on_one_input_are_joined_trained_saved_and_loaded(tmp_path):
    image = keras.Input((32, 32, 3), name="image")
    a, b = resnet(input_tensor=image), vgg(input_tensor=image)
    joined = keras.Model(image, [a.output, b.output])
    found = joined.predict(IMAGES, verbose=0)
    for each, expected in zip((a, b), found, strict=True):
        np.testing.assert_allclose(each.predict(IMAGES, verbose=0), expected, rtol=1e-5)
    # The first keeps its names; those of the second are its own behind the model's.
    alone = vgg(input_shape=(32, 32, 3))
    assert [own_name(x.name) for x in b.layers] == [x.name for x in alone.layers]
    assert [x.name for x in a.layers] == [x.name for x in resnet(input_shape=(32, 32, 3)).layers]
    assert joined.get_layer("vgg_a__stage1_conv1") is b.layers[1]
    joined.compile("sgd", "sparse_categorical_crossentropy")
    before = [np.asarray(w) for w in joined.trainable_weights]
    joined.train_on_batch(IMAGES, [np.arange(4), np.arange(4)])
    assert not any(
        np.array_equal(old, np.asarray(w))
        for old, w in zip(before, joined.trainable_weights, strict=True)
        if "bias" not in w.path
    )
    joined.save(tmp_path / "joined.keras")
    loaded = keras.saving.load_model(tmp_path / "joined.keras")
    for mine, yours in zip(
        loaded.predict(IMAGES, verbose=0), joined.predict(IMAGES, verbose=0), strict=True
    ):
        np.testing.assert_array_equal(mine, yours)
    assert len({w.path for w in joined.weights}) == len(joined.weights)


def test_weights_find_a_joined_model_by_the_names_they_know(tmp_path):
    alone = vgg(input_shape=(32, 32, 3))
    alone.save_weights(tmp_path / "vgg.weights.h5")
    image = keras.Input((32, 32, 3))
    resnet(input_tensor=image)
    b = vgg(input_tensor=image, weights=tmp_path / "vgg.weights.h5")
    expected = alone.predict(IMAGES, verbose=0)
    np.testing.assert_allclose(b.predict(IMAGES, verbose=0), expected, rtol=1e-5)
    b.set_weights([np.zeros(w.shape) for w in b.weights])
    b.load_weights(tmp_path / "vgg.weights.h5")
    np.testing.assert_allclose(b.predict(IMAGES, verbose=0), expected, rtol=1e-5)


def test_the_grammar_is_read_behind_the_model_s_name():
    image = keras.Input((32, 32, 3), name="image")
    vgg(input_tensor=image)
    b, alone = resnet(input_tensor=image), resnet(input_shape=(32, 32, 3))
    assert list(kc.transfer.layer_groups(b)) == list(kc.transfer.layer_groups(alone))
    maps = kc.transfer.features(b, ["P2", "stage1_out", "resnet_18__stage1_out"])
    assert len({id(x) for x in maps.outputs}) == 1
    for until in (None, "stem", "stage1", "P2", "stage1_out", "resnet_18__stage1_out"):
        frozen = [
            [own_name(x.name) for x in model.layers if not x.trainable]
            for model, name in ((b, until), (alone, until and until.removeprefix("resnet_18__")))
            if kc.transfer.freeze(model, name)
        ]
        assert frozen[0] == frozen[1]
    new = kc.transfer.replace_head(b, 7)
    assert new.output_shape == (None, 7) and len(new.layers) == len(b.layers)
    assert kc.analysis.cam_layer(b) == "resnet_18__stage2_out"


def test_models_of_one_family_and_a_third_one_are_joined_too():
    image = keras.Input((32, 32, 3))
    three = [resnet(input_tensor=image) for _ in range(3)]
    joined = keras.Model(image, [each.output for each in three])
    prefixes = {re.match(r"(\w+__)?", x.name)[0] for x in joined.layers[1:]}
    assert prefixes == {"", "resnet_18__", "resnet_18_1__"}
    assert len(joined.weights) == 3 * len(three[0].weights)


def test_a_model_is_built_on_the_features_of_another():
    image = keras.Input((32, 32, 3))
    trunk = kc.models.RoadAlexNet(input_tensor=image, width=0.1, scale=2.0)
    whole = kc.models.ResNet18(
        input_tensor=trunk.output,
        width=0.125,
        repeats=(1,),
        classes=3,
        include_top=False,
        pooling="avg",
    )
    assert whole.inputs[0] is image and whole.predict(IMAGES, verbose=0).shape[0] == 4


def test_a_tensor_without_such_layers_is_built_on_as_it_is():
    image = keras.Input((32, 32, 3))
    model = resnet(input_tensor=keras.layers.Rescaling(2.0)(image))
    assert [x.name for x in model.layers[2:]] == [
        x.name for x in resnet(input_shape=(32, 32, 3)).layers[1:]
    ]
    assert model.layers[2].input is model.layers[1].output


@pytest.mark.parametrize(
    "name", ["lenet_5", "googlenet", "fractalnet_20_cifar", "bwn_alexnet", "randwire_small"]
)
def test_families_of_every_kind_can_be_the_second(name):
    arguments = dict(SMALL[name])
    shape = arguments.pop("input_shape", None) or kc.card(name).input_shape
    image = keras.Input(shape)
    kc.create_model(name, input_tensor=image, **arguments)
    second = kc.create_model(name, input_tensor=image, **arguments)
    assert all(x.name.startswith(f"{name}__") for x in second.layers[1:])
    assert all(GRAMMAR.match(own_name(x.name)) for x in second.layers[1:])
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    assert np.isfinite(second.predict(x, verbose=0)).all()


def test_states_of_others_find_a_joined_model():
    """Torch's names, and the maps that its dense layers read flattened."""
    image, draw = keras.Input((64, 64, 3), name="image"), np.random.default_rng(0)
    small = {"width": 0.1, "dense_units": 16, "classes": 4}
    alone = kc.models.VGG11(input_shape=(64, 64, 3), **small)
    vgg_names = vgg_of_torchvision(alone)
    state = {}
    for layer in alone.layers:
        if layer.weights:
            kernel, bias = (draw.normal(0, 0.1, w.shape).astype("float32") for w in layer.weights)
            turned = kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T
            state |= {
                f"{vgg_names[layer.name]}.weight": turned,
                f"{vgg_names[layer.name]}.bias": bias,
            }
    kc.weights.load_torch(alone, state)
    resnet(input_tensor=image)
    kc.models.VGG11(input_tensor=image, **small)
    third = kc.models.VGG11(input_tensor=image, **small)
    assert third.layers[1].name == "vgg_a_1__stage1_conv1"
    kc.weights.load_torch(third, state)
    x = draw.normal(size=(2, 64, 64, 3)).astype("float32")
    np.testing.assert_allclose(
        third.predict(x, verbose=0), alone.predict(x, verbose=0), rtol=1e-5, atol=1e-6
    )


def test_models_of_keras_applications_find_a_joined_model():
    source = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
    image = keras.Input((32, 32, 3))
    resnet(input_tensor=image)
    ours = kc.models.VGG16(input_tensor=image, include_top=False, weights=None)
    assert ours.layers[1].name == "vgg_d__stage1_conv1"
    kc.weights.load_keras_applications(ours, source)
    np.testing.assert_allclose(
        ours.predict(IMAGES, verbose=0), source.predict(IMAGES, verbose=0), rtol=1e-4, atol=1e-6
    )
