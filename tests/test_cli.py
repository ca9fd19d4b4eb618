"""The command line prints what the catalogue knows, and refuses in sentences."""

import argparse
import re

import keras
import numpy as np
import pytest

from keras_classics import InputError, cli, distribution
from keras_classics.core.errors import import_extra
from keras_classics.training import SkipNonFinite, record_run
from support import ROOT, load_application


def test_list_shows_parameters(capsys):
    assert cli.main(["list", "vgg_*", "--year", "2014"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"vgg_d +vgg +2014 +224x224x3 +138,357,544 +15,470,264,320", out)
    assert "resnet" not in out


def test_the_readme_holds_the_catalogue_as_it_is(capsys):
    assert cli.main(["list", "--markdown"]) == 0
    assert capsys.readouterr().out in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_tree_writes_a_picture(ending, tmp_path, capsys):
    path = tmp_path / f"tree.{ending}"
    assert cli.main(["tree", "--out", str(path)]) == 0
    assert capsys.readouterr().out.strip() == str(path)
    assert path.stat().st_size > 50_000


def test_card_shows_paper_and_published_result(capsys):
    assert cli.main(["card", "resnet_50"]) == 0
    out = capsys.readouterr().out
    assert "arXiv:1512.03385" in out and "22.85 %" in out and "25,557,032" in out


def test_summary_of_vgg_16_is_the_reference_table(capsys):
    assert cli.main(["summary", "vgg_d"]) == 0
    out = capsys.readouterr().out
    for line in (
        r"stage1_conv1 +Conv2D +224x224x64 +3,211,264 +1,792 +86,704,128",
        r"stage3_conv2 +Conv2D +56x56x256 +802,816 +590,080 +1,849,688,064",
        r"stage5_out +MaxPooling2D +7x7x512 +25,088 +0 +0",
        r"head_dense1 +Dense +4096 +4,096 +102,764,544 +102,760,448",
    ):
        assert re.search(line, out), line
    assert "138,357,544" in out and "15,470,264,320" in out


def test_summary_takes_the_builders_arguments(capsys):
    assert cli.main(["summary", "resnet_18", "--set", "classes=7", "input_shape=(64,64,3)"]) == 0
    assert re.search(r"predictions +Dense +7 ", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["card", "resnet51"], "Did you mean 'resnet_50'"),
        (["summary", "vgg_d", "--set", "clases=3"], "Did you mean 'classes'"),
        (["summary", "vgg_d", "--set", "input_shape=(8,8,3)"], "at least 32"),
        (["plot", "lenet_5", "--out", "x.txt"], "Allowed: a file ending in .dot, .png, .svg, .pdf"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_1(arguments, message, capsys):
    assert cli.main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and message in captured.err


def test_plot_writes_a_graph_without_graphviz_and_makes_its_folder(tmp_path):
    pytest.importorskip("pydot")
    path = tmp_path / "new" / "lenet.dot"
    assert cli.main(["plot", "lenet_5", "--out", str(path)]) == 0
    assert "stage1_conv1" in path.read_text()


@pytest.mark.parametrize("missing", ["pydot", "Graphviz"])
def test_plot_says_what_is_missing(missing, tmp_path, monkeypatch, capsys):
    pytest.importorskip("pydot")
    monkeypatch.setenv("PATH", str(tmp_path))
    if missing == "pydot":
        # What Keras does then.
        monkeypatch.setattr(keras.utils, "model_to_dot", lambda *_, **__: import_extra("none", ""))
    assert cli.main(["plot", "lenet_5", "--out", str(tmp_path / "lenet.png")]) == 1
    told = capsys.readouterr().err
    remedies = {"pydot": "pip install 'keras-classics[plot]'", "Graphviz": "lenet.dot"}
    assert [name for name, remedy in remedies.items() if remedy in told] == [missing]


def test_a_picture_goes_into_a_folder_that_can_be_written_to(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for verb in (["plot", "lenet_5"], ["tree"]):
        assert cli.main([*verb, "--out", str(tmp_path / "file" / "x.svg" / "x.dot")]) == 1
        assert "pip install" not in capsys.readouterr().err


def options(**given):
    return argparse.Namespace(
        **{"data": "digits", "data_options": {}, "seed": 0, "strict": False, "out": "none", **given}
    )


def test_data_are_loaded_by_flags_and_what_was_skipped_is_said(tmp_path, capsys):
    (tmp_path / "a.pos").write_text("good\n" * 9 + "\n")
    (tmp_path / "a.neg").write_text("bad\n" * 9)
    given = options(data=f"sentences:{tmp_path}", data_options={"test": 0.2})
    assert cli.load_data(given).info.classes == ("neg", "pos")
    assert capsys.readouterr().out.startswith("skipped: ")
    given.strict = True
    with pytest.raises(InputError, match="1 empty lines"):
        cli.load_data(given)


def test_data_of_a_run_that_were_made_by_other_releases_are_told(tmp_path, capsys):
    given = options(out=str(tmp_path))
    facts = cli.load_data(given).info.facts()
    record_run(tmp_path, {}, data=facts)
    cli.load_data(given)
    assert capsys.readouterr().out == ""
    (tmp_path / "run.json").unlink()
    record_run(tmp_path, {}, data={**facts, "made_with": {"scikit-learn": "0.1"}})
    cli.load_data(given)
    assert "scikit-learn 0.1, now " in capsys.readouterr().out


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_steps_that_are_not_finite_are_left_out_and_told_where_the_flag_asks(policy, capsys):
    parser = argparse.ArgumentParser()
    cli.add_skip_flag(parser)
    plain = keras.optimizers.SGD(0.1)
    assert cli.guarded_optimizer(plain, parser.parse_args([])) is plain
    optimizer = cli.guarded_optimizer(plain, parser.parse_args(["--skip-non-finite"]))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, dtype=policy)])
    model.compile(plain, "mse")
    cli.tell_skipped(model)
    assert capsys.readouterr().out == ""
    if policy != "float32":
        # As Keras does for a model of half precision.
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=1.0)
    model.compile(optimizer, "mse")
    y = np.ones((6, 1), "float32")
    y[3] = np.nan
    model.fit(np.ones((6, 2), "float32"), y, batch_size=2, shuffle=False, verbose=0)
    cli.tell_skipped(model)
    told = "1" if policy == "float32" else "0"
    assert (
        capsys.readouterr().out == f"{told} steps were left out: their gradients were not finite\n"
    )
    assert np.isfinite(model.get_weights()[0]).all()


def test_leaving_out_is_refused_under_a_strategy():
    tf = pytest.importorskip("tensorflow")
    asked = argparse.Namespace(skip_non_finite=True)
    with tf.distribute.OneDeviceStrategy("cpu:0").scope():
        with pytest.raises(InputError, match="OneDeviceStrategy. Allowed: .*--skip-non-finite"):
            cli.guarded_optimizer(keras.optimizers.SGD(), asked)
    assert isinstance(cli.guarded_optimizer(keras.optimizers.SGD(), asked), SkipNonFinite)


SMALLEST = {
    "labelling": ["train=16", "validation=8", "test=4", "digits=(2,3)"],
    "language_model": ["characters=20000"],
    "translation": ["train=70", "validation=9"],
}


def trained(application, folder):
    """Train the smallest of an application's networks; returns the exit code."""
    data = ["--data-options", *SMALLEST[application], "--batch-size", "8"]
    return load_application(application).main(
        ["train", *data, "--units", "4", "--epochs", "1", "--skip-non-finite", "--out", str(folder)]
    )


@pytest.mark.parametrize("application", SMALLEST)
def test_applications_refuse_it_under_a_strategy(application, tmp_path, capsys, monkeypatch):
    tf = pytest.importorskip("tensorflow")
    place = tf.distribute.OneDeviceStrategy("cpu:0").scope()
    monkeypatch.setattr(distribution, "strategy", lambda name: place)
    assert trained(application, tmp_path / "run") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "Train on one device" in error
    assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("application", SMALLEST)
def test_applications_count_what_is_left_out(application, tmp_path, capsys):
    assert trained(application, tmp_path) == 0
    assert "0 steps were left out" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [{"number": 3}, {"seed": 3}, {"image_size": 8}], ids=str)
def test_options_that_the_reader_does_not_have_are_refused(wrong):
    with pytest.raises(InputError, match="--data-options .* Allowed: the arguments"):
        cli.load_data(options(data_options=wrong), image_size=16)


def test_a_figure_that_a_row_lacks_is_left_empty():
    table = cli.metrics_table({"one": {"BLEU": 1.0}, "two": {"BLEU": 0.5, "flips": 0.25}}, "title")
    title, heading, one, two = table.split("\n")
    assert (title, heading.split()) == ("title", ["BLEU", "flips"])
    assert (one.split(), two.split()) == (["one", "1.000"], ["two", "0.500", "0.250"])
