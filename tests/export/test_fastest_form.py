"""What `fastest` promises of every form: its gate, its threads, its times."""

import itertools
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.export import fastest_form, reopening, turns
from keras_classics.export.few_bits.samples import split_samples

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="exports are TensorFlow's"
)
DRAW = np.random.default_rng(0)
SAMPLES = DRAW.normal(size=(64, 3)).astype("float32")
LABELS = SAMPLES.argmax(-1)


@pytest.fixture(scope="module")
def model():
    """Which of three numbers is the largest."""
    inputs = keras.Input((3,))
    layer = keras.layers.Dense(3, activation="softmax")
    made = keras.Model(inputs, layer(inputs))
    layer.set_weights([np.eye(3), np.zeros(3)])
    return made


def refuse(*args, **options):
    raise kc.export.ExportError("Not here", "not here")


@pytest.fixture
def openvino(model, monkeypatch):
    """The table where only ONNX files are written, whatever OpenVINO answers to them."""

    def table(answer, **options):
        def written(model, path, form, *rest, **ignored):
            if form != "onnx":
                refuse()
            path.write_bytes(b"onnx")
            return 0.0, 4, ""

        monkeypatch.setattr(fastest_form, "_written", written)
        monkeypatch.setattr(fastest_form, "import_extra", lambda *names: None)
        monkeypatch.setattr(fastest_form, "timed", lambda calls, turns: dict.fromkeys(calls, 0.1))
        monkeypatch.setattr(fastest_form, "start", lambda path, threads: lambda asked: None)
        monkeypatch.setattr(
            fastest_form,
            "start_in_openvino",
            lambda path, threads: lambda asked: {"out": answer(*asked.values())},
        )
        found = kc.export.fastest(model, 4, SAMPLES, turns=1, **options)
        lines = found.table[found.table["form"] == "openvino"].set_index("numbers")
        return found.winner, lines

    return table


@pytest.mark.parametrize("wrong", [7.0, np.nan])
def test_a_runtime_that_answers_otherwise_is_a_line_without_a_time(openvino, wrong):
    winner, lines = openvino(lambda x: np.full(x.shape, wrong, "float32"))
    assert winner[0] != "openvino" and lines["milliseconds"].isna().all()
    assert lines.loc["float32", "note"].startswith("Its answers differ from the model's by")
    assert "of the model's" in lines.loc["int8", "note"]


def test_a_runtime_that_answers_alike_is_timed(openvino, model):
    _, lines = openvino(lambda x: model.predict_on_batch(x) + 5e-5)
    assert (lines["milliseconds"] > 0).all()
    assert lines.loc["float32", "difference"] == pytest.approx(5e-5, rel=0.1)
    assert lines.loc["int8", "difference"] == 0


def test_labels_judge_what_a_runtime_loses(openvino, model):
    def answer(x):
        said = model.predict_on_batch(x)
        # Of four samples one is called otherwise.
        said[0] = said[0][[1, 2, 0]]
        return said

    # Of the model's own answers a quarter is lost, which is admitted here.
    _, lines = openvino(answer, most_loss=0.3)
    assert lines.loc["int8", "difference"] == 0.25 and lines.loc["int8", "milliseconds"] > 0
    # By labels of another order nothing of these is lost, for nothing was right.
    _, lines = openvino(answer, most_loss=0.2)
    assert np.isnan(lines.loc["int8", "milliseconds"])
    _, lines = openvino(answer, most_loss=0.0, labels=(LABELS + 2) % 3)
    assert lines.loc["int8", "milliseconds"] > 0


def test_eight_bits_are_judged_as_was_asked(model, monkeypatch):
    asked = []

    def quantize(model, path, data, form, **options):
        asked.append((form, len(data), options))
        refuse()

    monkeypatch.setattr(fastest_form, "quantize", quantize)
    monkeypatch.setattr(fastest_form, "export_model", refuse)
    kc.export.fastest(model, 3, SAMPLES, labels=LABELS, most_loss=0.2, turns=1)
    assert sorted(form for form, *_ in asked) == ["litert", "onnx"]
    for _, count, options in asked:
        assert count == 64 and options.pop("labels") is LABELS
        assert options == {"batch_size": 3, "most_loss": 0.2}


def test_times_faster_is_what_keras_takes_by_what_a_form_takes(model):
    facts = dict.fromkeys([("predict_on_batch", "float32"), ("onnx", "float32")], (0.0, 0, ""))
    table = fastest_form._table(facts, dict(zip(facts, (0.006, 0.002), strict=True)))
    assert list(table["form"]) == ["onnx", "predict_on_batch"]
    np.testing.assert_allclose(table["milliseconds"], [2, 6])
    np.testing.assert_allclose(table["times_faster"], [3, 1])


def test_no_sample_is_seen_and_measured(model):
    seen, measured, classes = split_samples(model, SAMPLES, None, LABELS)
    np.testing.assert_array_equal(np.concatenate([seen, measured]), SAMPLES)
    np.testing.assert_array_equal(classes, LABELS[len(seen) :])
    assert len(seen) == len(measured)


def test_the_fastest_turn_counts(monkeypatch):
    # A second each for the first two calls, then turns of one call that take 5, 2 and 3 seconds.
    times = iter(itertools.accumulate([0, 1, 9, 5, 9, 2, 9, 3]))
    monkeypatch.setattr(turns, "time", SimpleNamespace(perf_counter=lambda: next(times)))
    called = []
    assert turns.timed({"a": lambda: called.append(1)}, 3) == {"a": 2}
    assert len(called) == 5


def test_threads_reach_the_runtimes(model, tmp_path, monkeypatch):
    onnxruntime = pytest.importorskip("onnxruntime")
    kc.export.export_model(model, tmp_path / "a.onnx", "onnx")
    sessions, begin = [], onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda *args, **options: sessions.append(begin(*args, **options)) or sessions[-1],
    )
    for threads in (3, None):
        reopening.start(tmp_path / "a.onnx", threads)
        assert sessions[-1].get_session_options().intra_op_num_threads == (threads or 0)

    given = []

    class Interpreter:
        """Keeps what it was told."""

        def __init__(self, **options):
            given.append(options)

        def get_signature_runner(self):
            return SimpleNamespace(get_input_details=dict, get_output_details=dict)

    module = SimpleNamespace(Interpreter=Interpreter)
    monkeypatch.setitem(sys.modules, "ai_edge_litert", SimpleNamespace(interpreter=module))
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", module)
    reopening.start("a.tflite", 3)
    assert given == [{"model_path": "a.tflite", "num_threads": 3}]
