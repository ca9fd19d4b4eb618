"""Every tool takes a model in whatever form a user has it, and does to it what it does to others."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc

IMAGES = np.random.default_rng(0).normal(size=(3, 12, 12, 3)).astype("float32")


def steps():
    return [
        layers.Conv2D(6, 3, padding="same", name="stage1_conv"),
        layers.BatchNormalization(name="stage1_norm"),
        layers.ReLU(name="stage1_out"),
        layers.GlobalAveragePooling2D(name="head_pool"),
        layers.Dense(4, "softmax", name="predictions"),
    ]


def chained(x, parts):
    for part in parts:
        x = part(x)
    return x


def functional(inputs=lambda image: image, outputs=lambda x: x):
    image = keras.Input(IMAGES.shape[1:], name="image")
    return keras.Model(inputs(image), outputs(chained(image, steps())), name="network")


def sequential():
    return keras.Sequential([keras.Input(IMAGES.shape[1:], name="image"), *steps()], name="network")


def nested():
    image = keras.Input(IMAGES.shape[1:], name="image")
    inner = keras.Input(IMAGES.shape[1:])
    trunk = keras.Model(inner, chained(inner, steps()[:3]), name="trunk")
    return keras.Model(image, chained(trunk(image), steps()[3:]), name="network")


def nested_sequential():
    trunk = keras.Sequential([keras.Input(IMAGES.shape[1:]), *steps()[:3]], name="trunk")
    head = keras.Sequential(steps()[3:], name="head")
    return keras.Sequential(
        [keras.Input(IMAGES.shape[1:], name="image"), trunk, head], name="network"
    )


FORMS = {
    "functional": functional,
    "sequential": sequential,
    "nested": nested,
    "sequential of sequentials": nested_sequential,
    "list of inputs": lambda: functional(lambda image: [image]),
    "dictionary of inputs": lambda: functional(lambda image: {"image": image}),
    "lists": lambda: functional(lambda image: [image], lambda x: [x]),
    "dictionaries": lambda: functional(lambda image: {"image": image}, lambda x: {"classes": x}),
}
NESTED = ("nested", "sequential of sequentials")


@pytest.fixture(scope="module")
def models():
    """The same network in every form."""
    draw = np.random.default_rng(1)
    made = {name: build() for name, build in FORMS.items()}
    values = [np.abs(draw.normal(size=w.shape)) + 0.3 for w in made["functional"].weights]
    for model in made.values():
        model.set_weights(values)
    return made


def answer(model, images=IMAGES):
    """What a model says, whatever structure it takes and gives."""
    inputs = model.inputs if isinstance(model, keras.Sequential) else model.input
    if isinstance(model, keras.Sequential):
        found = model(images, training=False)
    else:
        found = model(keras.tree.pack_sequence_as(inputs, [images]), training=False)
    return np.asarray(keras.tree.flatten(found)[0])


@pytest.fixture(scope="module")
def expected(models):
    return answer(models["functional"])


EVERY_FORM = pytest.mark.parametrize("form", FORMS)


@EVERY_FORM
def test_folding(form, models, expected):
    folded = kc.export.fold(models[form])
    np.testing.assert_allclose(answer(folded), expected, rtol=1e-5)
    kept = form in NESTED
    assert bool([x for x in folded.layers if isinstance(x, layers.BatchNormalization)]) is False
    assert len(folded.weights) == (8 if kept else 4)


@EVERY_FORM
def test_any_size(form, models, expected):
    model = models[form]
    opened = kc.export.any_size(model)
    np.testing.assert_allclose(answer(opened), expected, rtol=1e-6)
    assert answer(opened, np.ones((1, 17, 9, 3), "float32")).shape == (1, 4)
    again = kc.export.any_size(opened)
    np.testing.assert_allclose(answer(again), expected, rtol=1e-6)


@EVERY_FORM
def test_exports(form, models, tmp_path):
    for fold in (True, False):
        written = kc.export.export_model(models[form], tmp_path / f"model{fold}", fold=fold)
        assert list(written.inputs) == ["image"] and written.difference < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("format", ["litert", "onnx"])
@EVERY_FORM
def test_exports_for_other_runtimes(form, format, models, tmp_path):
    ending = {"litert": ".tflite", "onnx": ".onnx"}[format]
    written = kc.export.export_model(models[form], tmp_path / f"model{ending}", format)
    assert list(written.inputs) == ["image"] and written.difference < 1e-4


@EVERY_FORM
def test_serving_a_keras_file(form, models, tmp_path):
    models[form].save(tmp_path / "model.keras")
    served = kc.export.serve_check(tmp_path / "model.keras", repeats=1)
    assert list(served.inputs) == ["image"]
    (found,) = served.outputs.values()
    np.testing.assert_allclose(found, answer(models[form], served.inputs["image"]), rtol=1e-6)


@EVERY_FORM
def test_explanations(form, models, expected):
    model = models[form]
    given = {"image": IMAGES} if form.startswith("dictionar") else IMAGES
    whole = models["functional"]
    for explain in (kc.analysis.cam, kc.analysis.saliency, kc.analysis.guided_gradients):
        found = explain(model, given, target=2)
        np.testing.assert_allclose(found, explain(whole, IMAGES, target=2), rtol=1e-4, atol=1e-6)
    prefix = "trunk/" if form in NESTED else ""
    assert kc.analysis.cam_layer(model) == f"{prefix}stage1_out"
    found = kc.analysis.class_probabilities(model, given)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    # Pictures alone do for every model of one input.
    np.testing.assert_array_equal(kc.analysis.class_probabilities(model, IMAGES), found)
    np.testing.assert_array_equal(kc.analysis.class_probabilities(model, [*IMAGES]), found)


@EVERY_FORM
def test_what_it_costs(form, models):
    model = models[form]
    assert kc.analysis.multiply_adds(model) == 12 * 12 * 27 * 6 + 6 * 4
    assert sum(row.parameters for row in kc.analysis.costs(model)) == 27 * 6 + 6 + 4 * 6 + 24 + 4
    assert kc.analysis.weight_bytes(model) == 4 * (27 * 6 + 6 + 4 * 6 + 24 + 4)


@EVERY_FORM
def test_transfer(form, models, expected):
    model = models[form]
    new = kc.transfer.replace_head(model, 7)
    assert answer(new).shape == (3, 7)
    grey = kc.transfer.adapt_channels(model, 1)
    picture = IMAGES[..., :1]
    np.testing.assert_allclose(
        answer(grey, picture), answer(model, np.repeat(picture, 3, -1)), rtol=1e-4
    )
    np.testing.assert_array_equal(answer(model), expected)
    if form in NESTED:
        kc.transfer.freeze(model, "trunk", batch_norm=True)
        assert len(model.trainable_weights) == 2
        return
    maps = kc.transfer.features(model, ["stage1_out", "P0"])
    given = keras.tree.pack_sequence_as(maps.input, [IMAGES])
    found = maps(given, training=False)
    np.testing.assert_array_equal(found["stage1_out"], found["P0"])
    assert found["P0"].shape == (3, 12, 12, 6)
    kc.transfer.freeze(model, batch_norm=True)
    assert len(model.trainable_weights) == 2
    assert list(kc.transfer.layer_groups(model))[-2:] == ["stage1", "head"]


@EVERY_FORM
def test_captioners_are_built_on_it(form, models, expected):
    model = models[form]
    captioner = kc.models.captioner(model, vocabulary_size=9, units=5)
    words = np.ones((3, 2), "int32")
    assert captioner({"image": IMAGES, "target_in": words}).shape == (3, 2, 9)
    encoder, _ = kc.models.split_captioner(captioner)
    np.testing.assert_allclose(answer(encoder), expected, rtol=1e-6)
    # The layers are inlined and shared.
    assert {id(w) for w in model.weights} <= {id(w) for w in captioner.weights}


def test_the_commonest_encoder_takes_a_list():
    backbone = kc.models.ResNet18(width=0.125, input_shape=(32, 32, 3), repeats=(1, 1))
    encoder = keras.Model(backbone.inputs, backbone.outputs[0])
    model = kc.models.captioner(encoder, vocabulary_size=9, units=5)
    given = {"image": np.zeros((1, 32, 32, 3), "float32"), "target_in": np.ones((1, 2), "int32")}
    assert model(given).shape == (1, 2, 9)
