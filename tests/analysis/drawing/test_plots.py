"""Figures are the package's own, and every text of them is drawn as it is written."""

import io
import re
from types import SimpleNamespace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from PIL import Image

import keras_classics as kc
from keras_classics.analysis.drawing import plots
from support import ROOT

# Mathematics to Matplotlib, the second such that it cannot be read, and what XML would escape.
TEXT, BROKEN = "$5 and $6_x", r"$\frac{$"
PICTURE = np.zeros((8, 8, 3), "uint8")

# Every drawing with texts of data in all its places.
DRAWINGS = {
    "alignments": lambda path, text: kc.analysis.draw_alignments(
        path, [np.ones((2, 3))], [[text]], [[text]]
    ),
    "boxes": lambda path, text: kc.analysis.draw_boxes(
        path,
        [SimpleNamespace(image=PICTURE, name=text, boxes=[[0, 0, 4, 4]], box_labels=[0])],
        [text],
        [kc.boxes.Detections([[1, 1, 5, 5]], [0], [0.5])],
    ),
    "captions": lambda path, text: kc.analysis.draw_captions(path, [PICTURE], [text], [[text]]),
    "confusion": lambda path, text: kc.analysis.draw_confusion(
        path, np.eye(2, dtype=int), [text, "b"]
    ),
    "history": lambda path, text: kc.analysis.draw_history(
        path, pd.DataFrame({"epoch": [1], text: [0.5]}), [text]
    ),
    "projection": lambda path, text: kc.analysis.draw_projection(
        path, np.eye(2), [text, "b"], [text, "b"], [0.5, 0.5]
    ),
    "spikes": lambda path, text: kc.analysis.draw_spikes(
        path, [np.ones((4, 8))], [np.float32([[0.1, 0.9]])], [text], [text], [text]
    ),
}


def texts_of(draw, path) -> str:
    """What a drawing says, out of a file that keeps texts as texts."""
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        draw(path)
    return path.read_text().replace("&#x27;", "'")


@pytest.mark.parametrize("name", DRAWINGS)
def test_dollars_are_no_mathematics(name, tmp_path):
    for text in (TEXT, BROKEN):
        said = texts_of(lambda path: DRAWINGS[name](path, text), tmp_path / "p.svg")  # noqa: B023
        assert f">{text}" in said


def test_a_dollar_looks_like_the_one_that_matplotlib_is_told_to_draw():
    def pixels(text, prepare):
        figure, axes = plots.new_figure(2, 1)
        axes[0, 0].set_title(text)
        prepare(figure)
        file = io.BytesIO()
        figure.savefig(file)
        return np.asarray(Image.open(file))

    ours = pixels(TEXT, plots.draw_as_written)
    np.testing.assert_array_equal(ours, pixels(TEXT.replace("$", r"\$"), lambda figure: None))


@pytest.mark.parametrize("name", DRAWINGS)
def test_the_session_of_the_user_stays_as_it_was(name, tmp_path):
    usual = matplotlib.get_backend()
    matplotlib.use("svg")
    try:
        mine = pyplot.figure()
        before = dict(matplotlib.rcParams)
        DRAWINGS[name](tmp_path / "p.png", "words")
        assert Image.open(tmp_path / "p.png").width > 100
        assert matplotlib.get_backend() == "svg" and dict(matplotlib.rcParams) == before
        assert pyplot.get_fignums() == [mine.number] and pyplot.gcf() is mine
    finally:
        pyplot.close("all")
        matplotlib.use(usual)


def test_numbers_along_an_axis_are_matplotlibs_affair():
    with matplotlib.rc_context({"axes.formatter.use_mathtext": True}):
        figure, axes = plots.new_figure(3, 2)
        axes[0, 0].plot([0, 1e9], [0, 1])
        plots.draw_as_written(figure)
        figure.draw_without_rendering()
        labels = axes[0, 0].xaxis.get_majorticklabels()
        assert all(label.get_parse_math() for label in labels if "$" in label.get_text())
        assert any("$" in label.get_text() for label in labels)


def test_numbers_between_the_powers_of_a_logarithmic_axis_are_matplotlibs_too():
    figure, axes = plots.new_figure(4, 2)
    axes[0, 0].semilogx([300, 4000], [0, 1])
    plots.draw_as_written(figure)
    figure.draw_without_rendering()
    labels = [each for each in axes[0, 0].xaxis.get_minorticklabels() if each.get_text()]
    assert labels and all(label.get_parse_math() for label in labels)


@pytest.mark.parametrize("name", DRAWINGS)
def test_another_ending_is_refused_with_one_that_works(name, tmp_path):
    with pytest.raises(ValueError, match=r"'.bmp'.*\.png, \.svg|'.bmp'.*'.png'.*FILE.png"):
        DRAWINGS[name](tmp_path / "p.bmp", "words")
    DRAWINGS[name](tmp_path / "FILE.png", "words")


def test_history_of_one_epoch_is_seen(tmp_path):
    def ink(loss):
        history = pd.DataFrame({"epoch": [1], "loss": [loss], "accuracy": [0.5]})
        kc.analysis.draw_history(tmp_path / "h.png", history)
        page = np.asarray(Image.open(tmp_path / "h.png").convert("RGB")).astype(int)
        return (np.abs(page - (31, 119, 180)).sum(axis=2) < 40)[:, : page.shape[1] // 2].sum()

    # A loss that is no number has only its line in the legend.
    assert ink(0.5) >= ink(np.nan) + 6
    said = texts_of(
        lambda path: kc.analysis.draw_history(
            path, pd.DataFrame({"epoch": [1], "loss": [2]}), ["loss"]
        ),
        tmp_path / "h.svg",
    )
    # No part of an epoch stands along the axis.
    assert ">1<" in said and not {">0.5<", ">0.6<", ">1.5<"} & {*re.findall(">[^<]+<", said)}


def test_confusion_has_a_title_and_a_scale(tmp_path):
    said = texts_of(
        lambda path: kc.analysis.draw_confusion(path, np.array([[3, 1], [0, 2]]), ["cat", "dog"]),
        tmp_path / "c.svg",
    )
    for words in ("6 examples", "share of the true class", ">1.0<", ">cat<", ">predicted<"):
        assert words in said


def test_spikes_say_which_line_is_which(tmp_path):
    shares = np.full((4, 3), 0.2, "float32")
    said = texts_of(
        lambda path: kc.analysis.draw_spikes(path, [np.ones((3, 9))], [shares], "ab", ["a"], ["b"]),
        tmp_path / "s.svg",
    )
    for words in (">blank<", ">label a<", ">label b<", ">probability<", "a (true b)"):
        assert words in said


def test_captions_keep_apart(tmp_path):
    white = np.full((8, 8, 3), 255, "uint8")
    captions = ["W" * 70, "a large orange square around a small orange square " * 3] * 2
    kc.analysis.draw_captions(tmp_path / "c.png", [white] * 4, captions, [captions] * 4)
    page = np.asarray(Image.open(tmp_path / "c.png").convert("L"))
    below = page[40:]
    assert below.min() < 50
    for column in (1, 2, 3):
        middle = column * page.shape[1] // 4
        assert (below[:, middle - 4 : middle + 4] == 255).all()


def test_matplotlib_is_met_in_one_room():
    """Where every figure begins and ends as those above."""
    files = [*ROOT.glob("package/keras_classics/**/*.py"), *ROOT.glob("applications/**/*.py")]
    room = ROOT / "package" / "keras_classics" / "analysis" / "drawing"
    for file in files:
        text = file.read_text()
        if not file.is_relative_to(room):
            assert not re.search(r"^\s*(import|from) matplotlib", text, re.M), file
        # A figure is written by `write_figure`, which lets its texts be drawn as they are.
        assert "savefig(" not in text and (file.stem == "plots" or ".savefig" not in text), file
