"""A segmenter in every format says what the network says, and of one size where it was told to."""

import keras
import numpy as np
import pytest

import keras_classics as kc

CLASSES = ["road", "sky"]


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, 2, padding="same", activation="relu")(image)
    return keras.Model(image, keras.layers.Conv2DTranspose(2, 2, 2)(x))


def pictures(height=8, width=12):
    return np.random.default_rng(0).integers(0, 256, (2, height, width, 3), "uint8")


def check(found, model, given):
    said = np.stack(kc.models.segment(model, list(given)))
    np.testing.assert_allclose(found["probabilities"], said, atol=1e-4)
    assert np.asarray(found["masks"]).dtype == "uint8"
    np.testing.assert_array_equal(found["masks"], np.asarray(found["probabilities"]).argmax(-1))


@pytest.mark.parametrize("size", [None, (8, 12)])
def test_a_saved_model_takes_any_size_or_the_one_it_was_told(model, size, tmp_path):
    pytest.importorskip("tensorflow")
    exported = kc.export.export_segmenter(model, CLASSES, tmp_path / "m", image_size=size)
    shipped = kc.export.load_saved_model(exported.path)
    check(shipped.serve(pictures()), model, pictures())
    names = shipped.serve(pictures())["names"].numpy()
    assert [[name.decode() for name in row] for row in names] == [CLASSES] * 2
    if size is None:
        check(shipped.serve(pictures(10, 6)), model, pictures(10, 6))
    else:
        with pytest.raises((ValueError, TypeError)):
            shipped.serve(pictures(10, 6))


def test_litert_gives_masks_and_probabilities_of_its_size(model, tmp_path):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    exported = kc.export.export_segmenter(
        model, CLASSES, tmp_path / "m.tflite", format="litert", image_size=(8, 12)
    )
    runner = interpreter.Interpreter(str(exported.path)).get_signature_runner()
    found = runner(images=pictures()[:1])
    check(found, model, pictures()[:1])
    assert set(found) == {"masks", "probabilities"}


def test_onnx_gives_masks_and_probabilities_of_its_size(model, tmp_path):
    pytest.importorskip("tf2onnx")
    runtime = pytest.importorskip("onnxruntime")
    exported = kc.export.export_segmenter(
        model, CLASSES, tmp_path / "m.onnx", format="onnx", image_size=(8, 12)
    )
    session = runtime.InferenceSession(str(exported.path))
    (given,) = session.get_inputs()
    assert list(given.shape[1:3]) == [8, 12]
    names = [each.name for each in session.get_outputs()]
    found = dict(zip(names, session.run(None, {given.name: pictures()}), strict=True))
    check(found, model, pictures())


def test_what_is_no_segmenter_or_has_other_classes_is_refused(model, tmp_path):
    with pytest.raises(kc.InputError, match="3 names were given for 2"):
        kc.export.export_segmenter(model, ["a", "b", "c"], tmp_path / "m")
    image = keras.Input((8, 8, 3))
    classifier = keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))
    smaller = keras.Model(image, keras.layers.MaxPooling2D()(image))
    for wrong in (classifier, smaller):
        with pytest.raises(kc.InputError, match="logits of their height and width"):
            kc.export.export_segmenter(wrong, ["a", "b", "c"], tmp_path / "m")
    grey = keras.Input((8, 8, 1))
    with pytest.raises(kc.InputError, match="three colours"):
        kc.export.export_segmenter(
            keras.Model(grey, keras.layers.Conv2D(2, 1)(grey)), CLASSES, tmp_path / "m"
        )
    many = keras.Model(image, keras.layers.Conv2D(256, 1)(image))
    with pytest.raises(kc.InputError, match="256 classes were given"):
        kc.export.export_segmenter(many, [str(n) for n in range(256)], tmp_path / "m")


@pytest.mark.parametrize(("units", "end"), [(3, "softmax"), (1, "sigmoid"), (3, "sigmoid")])
def test_what_ends_in_probabilities_ships_them(units, end, tmp_path):
    pytest.importorskip("tensorflow")
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, 3))
    model = keras.Model(image, keras.layers.Conv2D(units, 3, padding="same", activation=end)(image))
    names = ["a", "b", "c"][: max(units, 2)]
    shipped = kc.export.load_saved_model(
        kc.export.export_segmenter(model, names, tmp_path / "m").path
    )
    check(shipped.serve(pictures()), model, pictures())
    said = np.asarray(model(pictures() / 127.5 - 1))
    np.testing.assert_allclose(
        shipped.serve(pictures())["probabilities"][..., -units:], said, atol=1e-5
    )


def test_two_classes_of_one_name_are_refused(model, tmp_path):
    pytest.importorskip("tensorflow")
    with pytest.raises(kc.InputError, match="named 'sky'"):
        kc.export.export_segmenter(model, ["sky", "sky"], tmp_path / "m")


def test_a_layer_that_wants_to_know_sizes_is_given_one_as_the_refusal_says(tmp_path):
    image = keras.Input((None, None, 3))
    small = keras.layers.AveragePooling2D(2)(keras.layers.Conv2D(2, 1)(image))
    open_one = keras.Model(image, keras.layers.UpSampling2D(2, interpolation="bilinear")(small))
    with pytest.raises(kc.export.ExportError, match="image_size=64 to export_segmenter"):
        kc.export.export_segmenter(open_one, CLASSES, tmp_path / "m")
    written = kc.export.export_segmenter(open_one, CLASSES, tmp_path / "m", image_size=64)
    assert written.inputs["images"].shape[1:] == (64, 64, 3)
