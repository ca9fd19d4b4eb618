"""Numbers of eight bits: as good as measured, and what is wrong with the data is told."""

import sys

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from keras_classics.core import processor
from keras_classics.core.errors import InputError
from keras_classics.export.few_bits import eight_bits
from keras_classics.export.few_bits.edge_poolings import padding_by_edges

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="exports are TensorFlow's"
)
DRAW = np.random.default_rng(0)


@pytest.fixture(scope="module")
def trained():
    """Blobs in one of four corners, and a network that knows them."""
    keras.utils.set_random_seed(0)
    labels = DRAW.integers(0, 4, 256)
    images = DRAW.normal(0, 0.3, (256, 12, 12, 1)).astype("float32")
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(label, 2)
        image[row * 6 : row * 6 + 6, column * 6 : column * 6 + 6] += 1
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            layers.Conv2D(8, 3, padding="same", name="first"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 3, activation="relu", name="second"),
            layers.Flatten(),
            layers.Dense(4, activation="softmax", name="out"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(images, labels, epochs=4, verbose=0)
    return model, images, labels


def padded_pooling(model):
    """Behind the first convolution a maximum pooling with infinities around its map."""
    inputs = keras.Input((12, 12, 1))
    x = kc.layers.PaddedMaxPooling2D(3, 2, 1, ceil_mode=True)(model.layers[0](inputs))
    x = layers.Conv2D(4, 3, kernel_initializer=keras.initializers.GlorotUniform(1))(x)
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(x))


def onnx_of(path):
    onnx = pytest.importorskip("onnx")
    return onnx.load(path)


def test_onnx_in_eight_bits_says_what_the_model_says(trained, tmp_path):
    model, images, labels = trained
    made = kc.export.quantize(model, tmp_path / "a.onnx", images, labels=labels)
    assert made.measure == "accuracy" and made.before > 0.95 and made.after >= made.before - 0.01
    assert len(made.layers) == 3 and (made.layers["decibels"] > 15).all()
    # Two halves that are not the same.
    assert made.layers["stability"].between(1, 1.5).all() and made.layers["stability"].max() > 1
    assert made.changed <= 0.02
    graph = onnx_of(tmp_path / "a.onnx").graph
    kernels = {x.name for x in graph.initializer if x.data_type == 3 and len(x.dims) > 1}
    sizes = {x.name: x.dims[0] for x in graph.initializer if x.dims}
    # A scale for each filter.
    scales = [x.input[1] for x in graph.node if x.input[0] in kernels]
    assert sorted(sizes.get(name) for name in scales) == [4, 8, 16]
    reopened = kc.export.reopen(tmp_path / "a.onnx")
    (name,) = reopened.inputs
    (found,) = reopened({name: images}).values()
    assert (found.argmax(-1) == model.predict(images, verbose=0).argmax(-1)).mean() > 0.98


def test_infinities_around_a_pooling_do_not_spoil_the_ranges(trained, tmp_path):
    model, images, _ = trained
    made = kc.export.quantize(padded_pooling(model), tmp_path / "a.onnx", images, most_loss=0.1)
    assert (made.layers["decibels"] > 20).all() and not made.floats
    assert made.exported.difference < 0.05
    # No step of its own, which would be made in real numbers.
    assert "Pad" not in {node.op_type for node in onnx_of(tmp_path / "a.onnx").graph.node}


def test_normalisations_and_concatenations_cost_a_step_each(trained, tmp_path):
    _, images, _ = trained
    inputs = keras.Input((12, 12, 1))
    x = layers.Conv2D(6, 3, kernel_initializer=keras.initializers.GlorotUniform(1))(inputs)
    norm = layers.BatchNormalization()
    y = layers.Conv2D(4, 3, padding="same", kernel_initializer=keras.initializers.GlorotUniform(2))(
        layers.ReLU()(norm(x))
    )
    outputs = layers.GlobalAveragePooling2D()(layers.Concatenate()([x, y]))
    model = keras.Model(inputs, outputs)
    norm.set_weights([np.float32([1e-9, -1, 0.5, 1, 2, 1]), np.linspace(-0.2, 0.2, 6), *[
        DRAW.uniform(0.5, 1.5, 6) for _ in range(2)]])  # fmt: skip
    made = kc.export.quantize(model, tmp_path / "a.onnx", images, most_loss=0.1)
    assert (made.layers["decibels"] > 20).all() and not made.floats
    graph = onnx_of(tmp_path / "a.onnx").graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("Conv") == 3 and not {"Mul", "Add", "Relu"} & {*kinds}
    scales = {
        node.output[0]: node.input[1] for node in graph.node if "uantizeLinear" in node.op_type
    }
    values = {x.name: onnx_numbers(x) for x in graph.initializer}
    (join,) = [node for node in graph.node if node.op_type == "Concat"]
    (after,) = [node for node in graph.node if join.output[0] in node.input]
    assert {float(values[scales[name]]) for name in join.input} == {float(values[after.input[1]])}


def onnx_numbers(tensor):
    return pytest.importorskip("onnx").numpy_helper.to_array(tensor)


def test_litert_in_eight_bits(trained, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="needs LiteRT")
    model, images, _ = trained
    made = kc.export.quantize(model, tmp_path / "a.tflite", images, "litert")
    assert made.measure == "agreement" and made.before == 1 and made.after > 0.98
    assert made.bytes_after < made.bytes_before

    # Its numbers of eight bits have no infinities to put around a pooling.
    made = kc.export.quantize(
        padded_pooling(model), tmp_path / "b.tflite", images, "litert", most_loss=0.1
    )
    assert made.exported.difference < 0.05


@pytest.mark.parametrize("size", [6, 7])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_edges_around_a_pooling_change_no_maximum(size, ceil_mode):
    inputs = keras.Input((size, size + 1, 2))
    pool = kc.layers.PaddedMaxPooling2D(4, 3, 2, ceil_mode=ceil_mode)
    dense = layers.Dense(3)
    model = keras.Model(inputs, dense(pool(inputs)))
    found = padding_by_edges(model)
    assert found is not model
    # All below zero, so that no padding but by the picture's own numbers goes unnoticed.
    pictures = -1 - DRAW.random((5, size, size + 1, 2)).astype("float32")
    np.testing.assert_allclose(found(pictures), model(pictures), rtol=1e-6)


def test_what_is_too_noisy_goes_back_to_real_numbers(trained, tmp_path, monkeypatch):
    model, images, labels = trained
    lost = iter([0.5, 0.5, 1.0])

    def loses(job, path):
        job.after = job.before * next(lost)
        return job.after < job.before - job.most_loss

    monkeypatch.setattr(eight_bits._Job, "_loses", loses)
    made = kc.export.quantize(model, tmp_path / "a.onnx", images, labels=labels)
    worst = made.layers.sort_values("decibels")["layer"].tolist()
    assert list(made.floats) == worst and len(worst) == 3
    kinds = [node.op_type for node in onnx_of(tmp_path / "a.onnx").graph.node]
    assert "Conv" in kinds


def test_nothing_is_written_where_too_much_is_lost(trained, tmp_path, monkeypatch):
    model, images, labels = trained
    monkeypatch.setattr(eight_bits._Job, "_loses", lambda job, path: True)
    with pytest.raises(kc.export.ExportError, match="In eight bits the accuracy falls"):
        kc.export.quantize(model, tmp_path / "a.tflite", images, "litert", labels=labels)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("before", "most_loss"), [(1.0, 0.01), (0.95, 0.01), (0.8, 0.2)])
def test_a_loss_of_just_what_is_admitted_is_admitted(before, most_loss, monkeypatch):
    job = object.__new__(eight_bits._Job)
    job.before, job.most_loss, job.classes = before, most_loss, np.zeros(100)
    job.said = (np.arange(100) >= 100 * before).astype(int)
    monkeypatch.setattr(eight_bits, "start", lambda path: None)
    right = round(100 * (before - most_loss))
    for fewer in (0, 1):
        job._classes = lambda _, right=right - fewer: (np.arange(100) >= right).astype(int)
        assert job._loses(None) == bool(fewer)
    assert job.changed == pytest.approx(most_loss + 0.01)


def test_the_search_for_noisy_layers_ends_where_the_last_one_makes_the_answer(
    tmp_path, monkeypatch
):
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Conv2D(3, 3, activation="relu"), layers.Flatten(),
         layers.Dense(3)]
    )  # fmt: skip
    monkeypatch.setattr(
        eight_bits._Job, "_loses", lambda job, path: setattr(job, "after", 0) or True
    )
    with pytest.raises(kc.export.ExportError, match="In eight bits the agreement falls"):
        kc.export.quantize(model, tmp_path / "a.onnx", DRAW.normal(size=(64, 4, 4, 1)))


def test_a_processor_without_the_instructions_gets_weights_of_seven_bits(
    trained, tmp_path, monkeypatch
):
    model, images, _ = trained
    largest = {}
    for has in (True, False):
        names = {"avx_vnni"} if has else {"avx2"}
        monkeypatch.setattr(processor, "flags", lambda names=names: names)
        monkeypatch.setattr(processor.platform, "machine", lambda: "x86_64")
        kc.export.quantize(model, tmp_path / "a.onnx", images)
        onnx = pytest.importorskip("onnx")
        arrays = [
            onnx.numpy_helper.to_array(each)
            for each in onnx_of(tmp_path / "a.onnx").graph.initializer
            if each.data_type == 3 and len(each.dims) > 1
        ]
        largest[has] = max(np.abs(each.astype(int)).max() for each in arrays)
    assert largest == {True: 127, False: 64}


BAD = {
    "too few": (lambda x: (x[:31], {}), "31 samples were given.*32 or more"),
    "another size": (lambda x: (x[:, :8], {}), r"\(256, 8, 12, 1\).*\(any, 12, 12, 1\)"),
    "texts": (lambda x: (np.full(x.shape, "a"), {}), "an array of numbers"),
    "not finite": (lambda x: (x * np.nan, {}), "not finite"),
    "another range": (lambda x: (255 * x, {"check": x}), "of the range that the model is used"),
    "another range than in training": (
        lambda x: (255 * x, {}),
        r"spread 1.*e\+02 times as far before 'batch_norm.*by 255",
    ),
    "nothing": (lambda x: (0 * x, {}), "of the range that the model is used"),
    "labels": (lambda x: (x, {"labels": np.zeros(7)}), "7 labels were given for 256"),
    "labels that are names": (
        lambda x: (x, {"labels": np.full(256, "cat")}),
        "labels such as 'cat' were given.*from 0 to 3",
    ),
    "labels of no class": (lambda x: (x, {"labels": np.full(256, 9)}), "labels such as 9"),
    "labels between classes": (lambda x: (x, {"labels": np.full(256, 0.5)}), "labels such as 0.5"),
    "check of nothing": (lambda x: (x, {"check": x[:0]}), "Samples up to|check of 0 samples"),
    "check of one": (lambda x: (x, {"check": x[:1]}), "check of 1 samples.*16 or more"),
    "batches of nothing": (lambda x: (x, {"batch_size": 0}), "batch_size=0"),
    "loss": (lambda x: (x, {"most_loss": 2}), "most_loss=2"),
    "format": (lambda x: (x, {"format": "saved_model"}), "format='saved_model'.*'onnx', 'litert'"),
}


@pytest.mark.parametrize("name", BAD)
def test_data_that_do_not_fit_are_refused_in_a_sentence(trained, tmp_path, name):
    model, images, _ = trained
    change, message = BAD[name]
    data, options = change(images)
    with pytest.raises(InputError, match=message) as told:
        kc.export.quantize(model, tmp_path / "a.onnx", data, **options)
    assert "\n" not in str(told.value)


def test_the_fastest_form_is_measured_and_kept(trained, tmp_path):
    model, images, labels = trained
    found = kc.export.fastest(model, 1, images, labels=labels, folder=tmp_path, turns=1)
    table = found.table
    forms = set(zip(table["form"], table["numbers"], strict=True))
    assert {("predict_on_batch", "float32"), ("saved_model", "float32")} <= forms
    assert {("onnx", "float32"), ("onnx", "int8"), ("litert", "float32")} <= forms
    # What a runtime that is not installed would take is not known, and stands last.
    known = table["milliseconds"].dropna()
    assert known.is_monotonic_increasing and known[0] > 0
    assert set(table["form"][len(known) :]) <= {"openvino"}
    assert (table["form"][0], table["numbers"][0]) == found.winner
    float32 = table[table["numbers"] == "float32"]
    assert (float32["difference"].dropna() < 1e-4).all()
    if found.path is not None:
        reopened = kc.export.reopen(found.path)
        assert len(reopened.outputs) == 1


def test_data_and_folders_that_do_not_fit_are_refused_before_anything_is_measured(
    trained, tmp_path, monkeypatch
):
    from keras_classics.export import fastest_form

    model, images, labels = trained
    monkeypatch.setattr(fastest_form, "export_model", None)
    for data, labelled, message in (
        (images[:10], None, "10 samples were given"),
        (images, labels[:5], "5 labels were given"),
        (images[:, :8], None, "as the model takes them"),
    ):
        with pytest.raises(InputError, match=message):
            kc.export.fastest(model, 1, data, labels=labelled)


def test_eight_bits_tell_how_many_samples_are_called_otherwise(trained, monkeypatch):
    from types import SimpleNamespace

    from keras_classics.export import fastest_form

    made = SimpleNamespace(changed=0.25, before=0.5, after=0.75, floats=[], bytes_after=1)
    monkeypatch.setattr(fastest_form, "quantize", lambda *args, **options: made)
    assert fastest_form._written(None, "", "onnx", "int8", 1, []) == (0.25, 1, "")


def test_all_runtimes_have_the_same_threads_and_one_that_is_absent_is_named(trained, monkeypatch):
    from keras_classics.export import fastest_form

    model, *_ = trained
    given, begin = [], fastest_form.start
    monkeypatch.setattr(
        fastest_form, "start", lambda path, threads: given.append(threads) or begin(path, threads)
    )
    monkeypatch.setattr(fastest_form, "processors", lambda: 1)
    monkeypatch.setitem(sys.modules, "openvino", None)
    found = kc.export.fastest(model, turns=1)
    assert found.threads == 1 and set(given) == {1}
    assert "keras-classics[openvino]" in found.table.set_index("form").loc["openvino", "note"]


def test_openvino_runs_the_files_of_onnx(trained, tmp_path):
    pytest.importorskip("openvino", reason="needs OpenVINO")
    model, images, _ = trained
    table = kc.export.fastest(model, 2, images[:65], turns=1).table
    lines = table[table["form"] == "openvino"].set_index("numbers")
    assert lines.loc["float32", "difference"] < 1e-4 and lines.loc["int8", "difference"] < 0.05
    assert (lines["milliseconds"] > 0).all()


def test_a_form_that_cannot_be_had_is_a_line_with_a_reason(trained, monkeypatch):
    model, *_ = trained
    from keras_classics.export import fastest_form

    def written(model, path, form, *rest, **options):
        if form == "litert":
            raise kc.export.ExportError("The model cannot be had. Allowed: others.", "no")
        return fastest_form.export_model(model, path, form, batch_size=1).difference, 1, ""

    monkeypatch.setattr(fastest_form, "_written", written)
    table = kc.export.fastest(model, turns=1).table.set_index("form")
    assert table.loc["litert", "note"] == "The model cannot be had"
    assert np.isnan(table.loc["litert", "milliseconds"])


def test_batches_larger_than_the_samples_are_filled(trained, tmp_path):
    model, images, _ = trained
    made = kc.export.quantize(model, tmp_path / "a.onnx", images[:100], batch_size=64)
    assert made.after > 0.9 and (made.layers["decibels"] > 15).all()


@pytest.mark.parametrize("format", ["onnx", "litert"])
def test_weights_that_are_not_finite_are_refused(trained, tmp_path, format):
    model = keras.models.clone_model(trained[0])
    model.get_layer("second").kernel.assign(np.full((3, 3, 8, 16), np.nan))
    path = tmp_path / ("a.onnx" if format == "onnx" else "a.tflite")
    with pytest.raises(InputError, match="weights of .*second/kernel are not all finite"):
        kc.export.quantize(model, path, trained[1], format)
    with pytest.raises(InputError, match="weights of .*second/kernel are not all finite"):
        kc.export.fastest(model)


def test_ids_of_no_word_are_refused(tmp_path):
    words = keras.Input((5,), dtype="int32")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(20, 4, name="table")(words))
    model = keras.Model(words, layers.Dense(2, activation="softmax")(x))
    ids = DRAW.integers(0, 20, (40, 5))
    for wrong, message in (
        (ids + 19, "Ids from .* to .* were given.*'table' has, from 0 to 19"),
        (ids + 0.5, "fractions"),
    ):
        with pytest.raises(InputError, match=message):
            kc.export.quantize(model, tmp_path / "a.onnx", wrong)


def test_what_a_runtime_complains_of_is_a_line_of_the_table(trained, tmp_path, monkeypatch):
    model, images, _ = trained

    def broken(*args):
        raise RuntimeError("Type tensor(bfloat16) is invalid")

    monkeypatch.setattr(eight_bits, "prepare", broken)
    with pytest.raises(kc.export.ExportError, match="bfloat16"):
        kc.export.quantize(model, tmp_path / "a.onnx", images)
    monkeypatch.undo()
    without = keras.Sequential([keras.Input((4,)), layers.Softmax()])
    with pytest.raises(kc.export.ExportError, match="multiplies by no weights.*export_model"):
        kc.export.quantize(without, tmp_path / "a.onnx", images.reshape(256, -1)[:, :4])
