"""Files of every format say what the model says, or are not written."""

import os
import stat
import sys

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.export import formats
from keras_classics.export.kinds import plain
from keras_classics.export.reopening import Spec

ENDINGS = {"saved_model": "", "litert": ".tflite", "onnx": ".onnx"}


def perceptron():
    """The cheapest model there is."""
    inputs = keras.Input((3,), name="x")
    return keras.Model(inputs, keras.layers.Dense(2, name="y")(inputs), name="perceptron")


def convolutions():
    """Normalisation to be folded, any size, several outputs."""
    # Drawn anew they may be so small, or all filters dark, that there is nothing to compare.
    drawn = [keras.initializers.HeUniform(seed=seed) for seed in (1, 2)]
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(4, 3, padding="same", groups=1, kernel_initializer=drawn[0])(image)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(keras.layers.ReLU()(x))
    answer = keras.layers.Dense(2, kernel_initializer=drawn[1])(x)
    model = keras.Model(image, {"class": answer, "vector": x})
    model.get_layer("norm").set_weights(np.random.default_rng(1).uniform(0.5, 1.5, (4, 4)))
    return model


def reader():
    """Two recurrent layers and a state from outside."""
    return kc.models.language_model(7, units=4, depth=1, seed=1)


@pytest.mark.slow
def test_files_answer_where_neither_keras_nor_we_nor_another_runtime_is(tmp_path):
    exported = []
    for format, ending in ENDINGS.items():
        batch = 1 if format == "litert" else None
        exported += [
            kc.export.export_model(convolutions(), tmp_path / f"c{ending}", format, size="any"),
            kc.export.export_model(reader(), tmp_path / f"r{ending}", format, batch_size=batch),
        ]
    assert {each.format for each in exported} == set(kc.export.FORMATS)
    for pictures, states in zip(exported[::2], exported[1::2], strict=True):
        assert pictures.inputs == {"image": Spec((None, None, None, 3), "float32")}
        assert set(pictures.outputs) == {"class", "vector"}
        assert states.inputs["tokens"].shape[1] is None
        assert set(states.outputs) == {"logits", "states_0", "states_1"}
    answers = kc.export.answers_elsewhere(
        [(each.path, [inputs for inputs, _ in each.asked]) for each in exported]
    )
    for each, found in zip(exported, answers, strict=True):
        small, large = ([array.shape for array in inputs.values()] for inputs, _ in each.asked)
        assert small != large, "only one size was asked about"
        for (_, expected), answer in zip(each.asked, found, strict=True):
            distances = kc.export.differences(expected, answer, 1e-4)
            assert max(distances.values()) < 1e-5
            assert all(np.ptp(array) > 0.01 for array in expected.values()), "nothing to compare"


@pytest.mark.slow
def test_preparation_and_search_travel_to_phones_and_onnx(tmp_path):
    words = kc.data.Vocabulary("a red blue circle square left right of the".split())
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(image))
    model = kc.models.captioner(keras.Model(image, x), len(words), 4)
    settings = {"image_size": (8, 8), "max_words": 3, "width": 2, "n_best": 2}
    written = kc.export.export_captioner(
        model, words, tmp_path / "captioner.tflite", format="litert", **settings
    )
    assert written.inputs["images"] == Spec((1, 8, 8, 3), "uint8")
    assert written.outputs["words"].dtype == "string"
    [answers] = kc.export.answers_elsewhere([(written.path, [written.asked[0][0]])])
    said = [" ".join(word.decode() for word in row if word) for row in answers[0]["words"][0]]
    encoder, _ = kc.models.split_captioner(model)
    pixels = written.asked[0][0]["images"] / np.float32(127.5) - 1
    search = kc.decoding.CompiledSearch(
        model.get_layer("decoder"), width=2, n_best=2, **words.search_limits(3)
    )
    found = np.asarray(search(encoder(pixels)).ids)
    assert said == [words.decode(row) for row in found[0]]

    classifier = kc.models.LeNet5Modern(classes=2)
    preparation = kc.data.fit_preparation(
        kc.training.quick_recipe(classifier),
        np.zeros((2, 32, 32, 3), "uint8"),
        size=32,
        channels=1,
    )
    written = kc.export.export_classifier(
        classifier, preparation, ["no", "yes"], tmp_path / "classifier.onnx", format="onnx"
    )
    assert written.inputs["images"] == Spec((None, 32, 32, 3), "uint8")
    assert set(written.asked[0][1]["classes"].ravel()) <= {b"no", b"yes"}


def test_a_saved_model_serves_by_name_and_by_place(tmp_path):
    import tensorflow as tf

    model = perceptron()
    written = kc.export.export_model(model, tmp_path / "saved")
    loaded = tf.saved_model.load(str(written.path))
    x = np.ones((5, 3), "float32")
    np.testing.assert_allclose(loaded.serve(x)["y"], model(x), atol=1e-6)
    np.testing.assert_allclose(
        loaded.signatures["serving_default"](x=tf.constant(x))["y"], model(x), atol=1e-6
    )
    assert written.difference < 1e-6


def test_what_says_something_else_is_not_written(tmp_path, monkeypatch):
    kept = tmp_path / "saved"
    kc.export.export_model(perceptron(), kept)
    (kept / "notes.txt").write_text("stays")
    before = (kept / "saved_model.pb").read_bytes()
    honest = formats.WRITERS["saved_model"]

    def faulty(serve, *arguments):
        honest(lambda x: {"y": serve(x)["y"] + 0.01}, *arguments)

    monkeypatch.setitem(formats.WRITERS, "saved_model", faulty)
    with pytest.raises(kc.export.ExportError, match="'y' differs by 0.01 from") as caught:
        kc.export.export_model(perceptron(), kept)
    assert caught.value.reason == "differs by 0.01"
    assert (kept / "saved_model.pb").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["saved"]
    kc.export.export_model(perceptron(), kept, tolerance=0.1)
    assert (kept / "saved_model.pb").read_bytes() != before
    assert (kept / "notes.txt").read_text() == "stays"


@pytest.mark.slow
def test_what_a_format_lacks_is_named(tmp_path):
    import tensorflow as tf

    recurrent = kc.models.rnn("many_to_one", outputs=2, input_size=2, units=2)
    with pytest.raises(kc.export.ExportError, match="Give batch_size=1") as caught:
        kc.export.export_model(recurrent, tmp_path / "recurrent.tflite", "litert")
    assert caught.value.reason == "loops need a batch of a fixed size"

    def join(texts):
        return {"joined": tf.strings.reduce_join(texts, axis=-1)}

    program = formats.Program(serve=join, inputs={"texts": Spec((None, 2), "string")})
    for format in ("litert", "onnx"):
        with pytest.raises(kc.export.ExportError, match="ReduceJoin"):
            formats.write(program, tmp_path / f"texts{ENDINGS[format]}", format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "arguments", "error", "message"),
    [
        ("m", {"format": "tflite"}, ValueError, "'saved_model', 'litert', 'onnx'"),
        ("m", {"format": "onnx"}, kc.InputError, "ending in .tflite for litert"),
        ("m.onnx", {}, kc.InputError, "Change the ending or the format"),
        ("m", {"size": "small"}, ValueError, "size='small' was given"),
        ("m", {"size": "any"}, kc.InputError, "no input of it is a picture"),
    ],
)
def test_mistakes_are_told_before_any_work(path, arguments, error, message, tmp_path):
    with pytest.raises(error, match=message):
        kc.export.export_model(perceptron(), tmp_path / path, **arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("format", "library"),
    [("litert", "ai_edge_litert.interpreter"), ("onnx", "tf2onnx"), ("onnx", "onnxruntime")],
)
def test_a_missing_library_names_its_extra(format, library, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"keras-classics\[{format}\]"):
        kc.export.export_model(perceptron(), tmp_path / f"m{ENDINGS[format]}", format)


def test_models_without_a_graph_are_refused(tmp_path):
    class Subclassed(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(kc.InputError, match="no graph of layers"):
        kc.export.export_model(Subclassed(), tmp_path / "m")


def test_any_size_keeps_the_function_at_the_old_size():
    model = convolutions()
    opened = kc.export.any_size(model)
    pictures = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    np.testing.assert_array_equal(opened(pictures)["class"], model(pictures)["class"])
    assert opened(np.zeros((1, 11, 9, 3)))["class"].shape == (1, 2)
    opened.get_layer("norm").set_weights(np.ones((4, 4)))
    assert np.any(opened(pictures)["class"] != model(pictures)["class"]), "weights are shared"


@pytest.mark.parametrize("size", ["any", None])
def test_models_that_take_any_size_already_are_exported_for_any_size(size, tmp_path):
    image = keras.Input((None, None, 3), name="image")
    x = keras.layers.Conv2D(4, 3, strides=2)(image)
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3, strides=2)(x))
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    written = kc.export.export_model(model, tmp_path / "m", size=size)
    assert written.inputs == {"image": Spec((None, None, None, 3), "float32")}
    small, large = (inputs["image"].shape[1:3] for inputs, _ in written.asked)
    assert small != large
    tall = keras.Input((None, 16, 3), name="image")
    model = keras.Model(tall, keras.layers.GlobalMaxPooling2D()(keras.layers.Conv2D(2, 3)(tall)))
    written = kc.export.export_model(model, tmp_path / "tall", size=size)
    assert written.inputs["image"].shape[1:] == (None, 16 if size is None else None, 3)


def test_models_without_a_picture_have_no_size_to_open():
    with pytest.raises(kc.InputError, match="no input of it is a picture"):
        kc.export.any_size(perceptron())


def test_any_size_is_refused_where_a_dense_layer_reads_a_map():
    with pytest.raises(kc.InputError, match="'lenet_5_modern' cannot take pictures of any size"):
        kc.export.any_size(kc.models.LeNet5Modern())


def test_a_network_of_multiples_of_a_size_is_not_of_any_size(tmp_path):
    image = keras.Input((4, 4, 1), name="image")
    halved = keras.layers.MaxPooling2D()(image)
    both = keras.layers.Add()([image, keras.layers.UpSampling2D()(halved)])
    model = keras.Model(image, both, name="ladder")
    with pytest.raises(kc.InputError, match="'ladder' cannot take pictures of any size"):
        kc.export.export_model(model, tmp_path / "ladder", size="any")
    assert list(tmp_path.iterdir()) == []


def test_a_layer_that_wants_to_know_sizes_is_named_and_a_fixed_size_is_the_way_out(tmp_path):
    picture = keras.Input((None, None, 3), name="picture")
    large = keras.layers.UpSampling2D(2, interpolation="bilinear")(picture)
    model = keras.Model(picture, large)
    told = "its UpSampling2D wants.* size=64 and batch_size=1 to export_model"
    with pytest.raises(kc.export.ExportError, match=told):
        kc.export.export_model(model, tmp_path / "large")
    written = kc.export.export_model(model, tmp_path / "large", size=64, batch_size=1)
    assert written.inputs["picture"].shape == (1, 64, 64, 3)


def test_what_is_nested_counts_for_tolerance_and_ids(tmp_path, monkeypatch):
    monkeypatch.setattr(plain, "write", lambda program, path, format: program)
    half = keras.layers.Dense(4, dtype="mixed_bfloat16")
    inner = keras.Sequential([keras.Input((5,)), half])
    outer = keras.Input((5,), name="x")
    model = keras.Model(outer, keras.layers.Activation("linear", dtype="float32")(inner(outer)))
    assert kc.export.export_model(model, tmp_path / "half").tolerance == formats.HALF_TOLERANCE
    words = keras.Sequential([keras.Input((3,), dtype="int32"), keras.layers.Embedding(7, 2)])
    ids = keras.Input((3,), dtype="int32", name="ids")
    assert kc.export.export_model(keras.Model(ids, words(ids)), tmp_path / "ids").largest_id == 6


@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_an_exported_file_keeps_its_mode_and_its_link_and_no_pipe_is_replaced(tmp_path, format):
    link = tmp_path / f"latest{ENDINGS[format]}"
    file = tmp_path / f"first{ENDINGS[format]}"
    file.touch(0o600)
    link.symlink_to(file.name)
    kc.export.export_model(perceptron(), link, format=format)
    assert link.is_symlink() and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert kc.export.reopen(file).outputs and len(os.listdir(tmp_path)) == 2
    os.mkfifo(tmp_path / f"pipe{ENDINGS[format]}")
    with pytest.raises(kc.InputError, match="is no ordinary file"):
        kc.export.export_model(perceptron(), tmp_path / f"pipe{ENDINGS[format]}", format=format)


def test_a_saved_model_holds_its_weights_once(tmp_path):
    tf = pytest.importorskip("tensorflow")
    kc.export.export_model(perceptron(), tmp_path / "saved")
    kept = tf.train.load_checkpoint(str(tmp_path / "saved" / "variables" / "variables"))
    assert list(kept.get_variable_to_shape_map().values()).count([3, 2]) == 1
