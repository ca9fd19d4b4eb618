"""The benchmark as a user meets it."""

import importlib
import inspect
import subprocess
import sys
from itertools import product

import numpy as np
import pandas as pd
import pytest

import keras_classics as kc
from support import ROOT, load_application

TINY_SEARCH = [
    "decode", "--batch", "2", "--beam", "2", "--length", "3", "--units", "8",
    "--vocabulary", "20", "--positions", "4", "--repeats", "1",
]  # fmt: skip
TINY_IMAGES = ["--size", "32", "--batch", "2", "--steps", "1"]


def part(name):
    """A module with verbs of it."""
    return importlib.import_module(f"benchmarks.{name}")


@pytest.fixture
def application():
    return load_application("benchmark")


@pytest.fixture
def measured(application, tmp_path):
    """Rows of the file after the application was called with some arguments."""

    def measure(arguments):
        out = tmp_path / "results.csv"
        assert application.main([*arguments, "--out", str(out)]) == 0
        return pd.read_csv(out)

    return measure


@pytest.mark.slow
def test_decode_without_keras_hub(application, measured, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    monkeypatch.setattr(part("searches"), "hub_version", lambda: None)
    rows = measured(TINY_SEARCH)
    assert "pip install 'keras-classics[hub]'" in capsys.readouterr().out
    assert set(rows["model"]) == {"GRU", "GRU, attention"}
    assert not rows["beside"].str.startswith("KerasHub").any()
    assert {"kc.decoding", "the bare step", "Python loop"} <= set(rows["beside"])
    assert (rows["ratio"][rows["beside"] == "kc.decoding"] == 1).all()
    np.testing.assert_allclose(rows["ratio"], rows["ours"] / rows["peer"], rtol=1e-2)
    assert rows["machine"].str.contains("cores").all()
    assert rows["versions"].str.contains("keras 3").all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "ours", "theirs"),
    [
        ("train", "vgg_d", "VGG16"),
        ("inference", "vgg_d", "VGG16"),
        ("fold", "resnet_50", "ResNet50"),
    ],
)
def test_models_are_timed_beside_their_twins(verb, ours, theirs, measured):
    [row] = measured([verb, "--models", ours, *TINY_IMAGES]).itertuples()
    assert (row.benchmark, row.model, row.beside) == (verb, ours, theirs)
    assert (row.setting, row.unit) == ("32 x 32, batch 2", "ms")
    assert row.ours > 0 and row.ratio == pytest.approx(row.ours / row.peer, rel=1e-2)


@pytest.mark.slow
def test_points_of_landscapes_are_timed_beside_the_loop(measured, capsys):
    flags = ["--models", "lenet_5_modern", "--images", "20", "--points", "2", "--repeats", "1"]
    rows = measured(["landscape", *flags])
    difference = float(capsys.readouterr().out.split("largest difference ")[1].split()[0])
    assert difference < 1e-4
    assert set(rows["beside"]) == {"set_weights, evaluate", "the bare forward"}
    assert (rows["ours"] > 0).all()


@pytest.mark.slow
def test_steps_of_inversion_are_timed_beside_a_loop_that_finds_the_same(measured, capsys):
    flags = ["--layers", "lenet_5_modern:stage1_out", "--images", "2", "--steps", "8"]
    rows = measured(["inversion", *flags, "--repeats", "1"])
    difference = float(capsys.readouterr().out.split("largest difference ")[1].split()[0])
    assert difference < 1e-4 and rows["beside"].eq("a loop with a tape").all()


def test_attacks_want_foolbox(application, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "foolbox", None)
    assert application.main(["attacks"]) == 1
    assert "pip install 'keras-classics[peers]'" in capsys.readouterr().err


@pytest.mark.slow
def test_binary_convolution_is_timed_in_a_process_of_its_own(tmp_path):
    out = tmp_path / "results.csv"
    flags = ["--channels", "70", "--size", "5", "--calls", "1", "--repeats", "1", "--out", out]
    script = ROOT / "applications" / "benchmark.py"
    subprocess.run([sys.executable, script, "binary", *flags], check=True, capture_output=True)
    rows = pd.read_csv(out)
    assert {"numpy", "numpy, packing"} <= set(rows["model"])
    assert (rows["beside"] == "tf.nn.conv2d").all() and (rows["ratio"] > 0).all()


@pytest.mark.slow
def test_recurrent_layers_are_timed_beside_two_others(measured):
    tiny = ["--batch", "3", "--time", "5", "--units", "4", "--vocabulary", "9", "--repeats", "1"]
    rows = measured(["recurrent", *tiny])
    parts = [f"{layer}{mask}: {part}" for layer in ("LSTM", "GRU") for mask in ("", ", masked")
             for part in ("layer", "training")]  # fmt: skip
    assert set(rows["model"]) == {
        part + time for part in parts for time in ("", ", processor's time")
    }
    besides = ("keras.layers.LSTM", "torch.nn.LSTM", "keras.layers.GRU", "torch.nn.GRU")
    assert set(rows["beside"]) == set(besides) and len(rows) == 2 * 2 * len(parts)
    assert (rows["ratio"] > 0).all()


@pytest.mark.slow
def test_the_wavefront_is_timed_beside_an_equal_double_loop(measured):
    tiny = ["--batch", "2", "--side", "3", "--features", "2", "--units", "2", "--repeats", "1"]
    rows = measured(["multidimensional", *tiny])
    models = ["2-D LSTM, 2 units", "2-D LSTM, 2 units, processor's time"]
    loops = ["compiled loop over rows and columns", "Python loop over rows and columns"]
    assert [*zip(rows["model"], rows["beside"], strict=True)] == [*product(models, loops)]
    assert (rows["setting"] == "3 x 3, batch 2").all() and (rows["ratio"] > 0).all()


@pytest.mark.slow
def test_rtrl_grows_with_the_fourth_power_of_the_width(measured):
    tiny = ["--widths", "2,20", "--features", "1", "--steps", "1", "--repeats", "1"]
    rows = measured(["rtrl", *tiny, "--cells", "elman"])
    counts = rows["model"].str.extract(r": ([\d,]+) multiply-adds")[0].str.replace(",", "")
    # (H ** 2) * (H * (1 + H + 1)) for one input.
    assert counts.astype(int).tolist() == [4 * 8, 20**2 * 20 * 22]
    assert rows["ratio"].iloc[-1] == 1


@pytest.mark.slow
def test_an_exported_translator_is_timed_beside_a_loop(measured):
    tiny = ["--batch", "2", "--beam", "2", "--length", "3", "--units", "4", "--repeats", "1"]
    rows = measured(["translate", *tiny])
    assert (rows["setting"] == "batch 2, beam 2, length 3, 4 units").all() and len(rows) == 2
    assert (rows["ratio"] > 0).all()


def test_the_exact_field_is_the_same_row_by_row_as_at_once(monkeypatch):
    fields = part("fields")
    monkeypatch.setattr(fields, "BLOCK", 7)
    logits, image = fields.drawn((5, 6, 4))
    layer = fields.field("exact", 3)
    expected = np.asarray(layer([logits, image]))[0]
    np.testing.assert_allclose(fields.row_by_row(layer, logits[0], image[0]), expected, atol=1e-4)
    # Who changes nothing is wrong by all of the change.
    assert fields.error((5, 6, 4), logits[0], expected) == pytest.approx(100)
    assert fields.error((5, 6, 4), expected, expected) == 0


def test_fields_are_timed_beside_the_exact_form_in_rows(measured, monkeypatch):
    fields = part("fields")
    monkeypatch.setattr(fields, "MOST_KEPT", 4 * 30**2)
    # In this process, as another has to import an engine first.
    monkeypatch.setattr(fields, "_apart", fields.refine)
    rows = measured(["fields", "--sizes", "6x6", "--classes", "3", "--repeats", "1"])
    assert set(rows["beside"]) == {"exact, row by row"}
    assert rows["unit"].tolist() == ["ms", "MB", "% of the change"]
    assert set(rows["setting"]) == {"6 x 6, 3 classes, 10 iterations"}
    # There are more landmarks than pixels.
    assert rows["ours"].iloc[0] > 0 and 0 <= rows["ours"].iloc[2] < 5


@pytest.mark.slow
def test_maps_are_timed_beside_those_of_others(measured):
    pytest.importorskip("tf_keras_vis")
    rows = measured(
        ["maps", "--methods", "grad_cam", "--size", "64", "--batch", "2", "--repeats", "1"]
    )
    rows = rows[rows["beside"] == "tf-keras-vis"]
    notes = ("", ", processor's time")
    assert rows["model"].tolist() == [f"resnet_50, grad_cam{note}" for note in notes]
    assert set(rows["setting"]) == {"64 x 64, batch 2"} and (rows["ratio"] > 0).all()


@pytest.mark.slow
def test_building_with_and_without_a_twin(measured):
    rows = measured(["build", "--models", "lenet_5,densenet_121", "--repeats", "1"])
    assert rows["beside"].tolist() == ["alone", "DenseNet121"]
    assert rows["peer"].isna().tolist() == [True, False]
    assert (rows["ours"] > 0).all() and (rows["unit"] == "s").all()


def test_a_later_measurement_takes_the_place_of_the_earlier_of_the_same(measured):
    measured(["build", "--models", "perceptron"])
    measured(["build", "--models", "lenet_5"])
    assert measured(["build", "--models", "perceptron"])["model"].tolist() == [
        "lenet_5",
        "perceptron",
    ]


def test_tables_come_from_the_file(application, tmp_path, capsys):
    rows = pd.DataFrame(
        [
            ("build", "vgg_d", "native size", "VGG16", 0.5, 1.0, "s"),
            ("build", "lenet_5", "native size", "alone", 0.02, None, "s"),
            ("train", "vgg_d", "32 x 32, batch 2", "VGG16", 1234.0, 1234.0, "ms"),
            ("decode", "GRU", "beam 5", "kc.decoding", 4.0, 4.0, "ms"),
            ("decode", "GRU", "beam 5", "Python loop", 4.0, 100.0, "ms"),
            ("recurrent", "GRU: layer", "batch 64", "torch.nn.GRU", 300.0, 400.0, "ms"),
        ],
        columns=["benchmark", "model", "setting", "beside", "ours", "peer", "unit"],
    )
    facts = {"date": "2026-01-01", "machine": "abacus", "versions": "keras 3"}
    rows.assign(ratio=rows["ours"] / rows["peer"], **facts).to_csv(tmp_path / "r.csv", index=False)
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- benchmark -->\nold\n<!-- end of benchmark -->\nbelow\n")
    assert application.main(["table", str(tmp_path / "r.csv")]) == 0
    printed = capsys.readouterr().out
    for line in (
        "| model | beside | build: native size | train: 32 x 32, batch 2 |",
        "| vgg_d | VGG16 | 0.50 (0.5 s) | 1.00 (1,234 ms) |",
        "lenet_5, 0.02 s.",
        "| kc.decoding | 250 (1.00) |",
        "| Python loop | 10 (0.04) |",
        "| GRU: layer | torch.nn.GRU | 0.75 (300 ms) |",
        "Measured: 2026-01-01; abacus; keras 3.",
    ):
        assert line in printed
    assert application.main(["table", str(tmp_path / "r.csv"), "--insert", str(page)]) == 0
    begin, end = application.MARKS
    assert page.read_text() == f"above\n{begin}\n{printed}{end}\nbelow\n"


def test_the_page_holds_the_stored_results_as_they_are(application, capsys):
    assert application.main(["table"]) == 0
    begin, end = application.MARKS
    assert (
        f"{begin}\n{capsys.readouterr().out}{end}" in (ROOT / "package/docs/speed.md").read_text()
    )


def test_twins_are_in_the_catalogue(application):
    assert {*kc.weights.TWINS, *part("models").BUILT_ALONGSIDE} <= set(kc.list_models())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--models", "lenet_5"], "--models lenet_5 was given. Allowed: vgg_d, "),
        (["build", "--models", "vgg17"], "--models vgg17 was given"),
        (["maps", "--methods", "gradcam"], "--methods gradcam was given. Allowed: grad_cam, "),
        (["fields", "--sizes", "64,64"], "--sizes 64,64 was given"),
        (["build", "--out", "PAGE"], "a file of results"),
        (["table", "PAGE"], "a file of results"),
        (["table", "--insert", "PAGE"], "a text that has <!-- benchmark -->"),
    ],
)
def test_mistakes_are_one_sentence(arguments, message, application, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("no marks here\n")
    out = [] if "table" in arguments or "--out" in arguments else ["--out", str(tmp_path / "o.csv")]
    given = [str(page) if word == "PAGE" else word for word in arguments]
    assert application.main([*given, *out]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and message in captured.err


def test_flags_as_they_are_read_are_the_arguments_of_the_verbs(application):
    for name in application.VERBS:
        described, flags = application.read_verb(name)
        verb = application.verb_of(name)
        assert described == inspect.getdoc(verb)
        expected = inspect.signature(verb).parameters.values()
        assert [(each.name, each.default) for each in flags] == [
            (each.name, each.default) for each in expected
        ]


def test_an_unknown_verb_is_refused(application, capsys):
    assert application.main(["decodee"]) == 2
    assert "Did you mean 'decode'?" in capsys.readouterr().err


def test_depth_takes_the_memory_it_is_allowed(monkeypatch):
    train_stack = part("depth").train_stack
    asked, plain = [], kc.layers.StackedConv2D

    def stack(count, memory):
        asked.append(memory)
        return plain(count, memory=memory)

    monkeypatch.setattr(kc.layers, "StackedConv2D", stack)
    for memory in (0.0, 0.001):
        train_stack("StackedConv2D", 2, (2, 4, 5, 3), 1, memory)
    assert asked == [None, 0.001]


@pytest.mark.slow
def test_depth_is_measured_of_equal_networks(application):
    maps = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("float32")
    stack, loop = kc.layers.StackedConv2D(4), part("depth").PlainLoop(4)
    expected = stack(maps)
    loop.build(maps.shape)
    loop.set_weights(stack.get_weights())
    np.testing.assert_allclose(loop(maps), expected, atol=1e-6)
    for kind in ("StackedConv2D", "tf.while_loop", "Conv2D layers"):
        measured = part("depth").train_stack(kind, 4, maps.shape, 1)
        assert set(measured) == set(part("depth").STACK_UNITS)
        assert measured["step per layer"] > 0 and measured["operations of the graph"] > 10


def test_operations_of_a_depth_are_counted_once_more_where_no_memory_keeps_them(monkeypatch):
    depth = part("depth")
    times = pd.DataFrame({"processor": {"forward": 0.1, "both": 0.3}})
    ran = []
    monkeypatch.setattr(depth, "turns", lambda ways, steps: ran.extend(ways.values()) or times)
    monkeypatch.setattr(depth, "UNROLLED", 2)
    # Of a layer 4 x 5 x 3 numbers and 6 x 7 x 3 with their padding are kept, of four bytes.
    whole = 10 * 4e-6 * 3 * (4 * 5 + 6 * 7)
    for memory, seconds in ((0.0, 0.4), (whole / 2, 0.35), (2 * whole, 0.3)):
        found = depth.single_operations(10, (2, 4, 5, 3), 1, memory)
        assert found == {depth.PROCESSOR: pytest.approx(1e3 * seconds / 2)}
    maps, (of_maps, of_kernels) = ran[0](), ran[1]()
    assert maps.shape == of_maps.shape == (2, 4, 5, 3) and of_kernels.shape == (2, 3, 3, 3, 3)
