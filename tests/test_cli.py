"""The command line prints what the catalogue knows, and refuses in sentences."""

import re

import keras
import pytest

from data.pictures.boxed_folders import picture, several, voc, voc_object
from data.pictures.mask_samples import labels, write
from keras_classics import cli
from keras_classics.core.errors import import_extra
from support import ROOT


def test_list_shows_parameters(capsys):
    assert cli.main(["list", "vgg_*", "--year", "2014"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"vgg_d +vgg +2014 +224x224x3 +138,357,544 +15,470,264,320", out)
    assert "resnet" not in out


def test_the_page_holds_the_catalogue_as_it_is(capsys):
    assert cli.main(["list", "--markdown"]) == 0
    page = ROOT / "package" / "docs" / "catalogue.md"
    assert capsys.readouterr().out in page.read_text()


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


def test_check_data_names_faults_and_draw_data_shows_boxes(tmp_path, capsys):
    cat = voc_object("cat", 5, 5, 15, 15)
    folder = voc(tmp_path, {**several(cat), "p9": cat + voc_object("cat", 9, 9, 2, 2)})
    assert cli.main(["check-data", f"voc:{folder}"]) == 0
    out = capsys.readouterr().out
    assert "1 fault\n" in out and f"{folder / 'Annotations' / 'p9.xml'}, object 2" in out
    assert cli.main(["check-data", f"voc:{folder}", "--set", "strict=True"]) == 1
    path = tmp_path / "drawn.png"
    assert cli.main(["draw-data", f"voc:{folder}", "--out", str(path), "--count", "2"]) == 0
    assert path.stat().st_size > 5_000
    raw = path.with_name("raw.png")
    given = ["draw-data", f"voc:{folder}", "--out", str(raw), "--count", "2", "--raw"]
    assert cli.main(given) == 0 and raw.read_bytes() != path.read_bytes()
    assert cli.main(["draw-data", "digits", "--out", str(path)]) == 1
    assert "have no boxes and no masks" in capsys.readouterr().err


def test_check_data_says_what_it_looks_at_and_its_hint_for_masks_works(tmp_path, capsys):
    for number in range(6):
        picture(tmp_path / "JPEGImages" / f"p{number}.jpg", seed=number)
        write(tmp_path / "SegmentationClass" / f"p{number}.png", labels(seed=number), "P")
    assert cli.main(["check-data", f"voc:{tmp_path}"]) == 1
    assert "Give masks=True for the masks" in capsys.readouterr().err
    given = ["--set", "masks=True", "classes=ground,cat,dog"]
    assert cli.main(["check-data", f"voc:{tmp_path}", *given]) == 0
    said = capsys.readouterr().out
    assert "looked at: the class of every pixel\n" in said and "ground" in said
    boxes = voc(tmp_path / "boxes", several(voc_object("cat", 5, 5, 15, 15)))
    assert cli.main(["check-data", f"voc:{boxes}"]) == 0
    assert "looked at: boxes; with masks=True the class of" in capsys.readouterr().out
