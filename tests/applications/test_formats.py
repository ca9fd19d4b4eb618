"""The table of formats is of every family, and is what a run gives."""

import pytest

import keras_classics as kc
from support import ROOT, load_application

PAGE = ROOT / "package" / "docs" / "formats.md"
# Cheap rows, one of each kind.
AGAIN = ["perceptron", "diracnet", "rnn, many_to_one"]


@pytest.fixture(scope="module")
def application():
    return load_application("formats")


def test_every_family_and_every_cell_has_a_row(application):
    families = {kc.card(name).family for name in kc.list_models()}
    members = {kc.card(name).family for name, _ in application.FAMILIES.values()}
    assert members == families
    assert families <= set(application.FAMILIES)
    rows = [*application.FAMILIES, *application.SEQUENCES, *application.INSIDE]
    assert f"{len(rows)} models, each asked again" in (ROOT / "package/docs/ship.md").read_text()


def test_the_stored_table_is_whole(application):
    rows = application.read(application.STORED)
    names = [*application.FAMILIES, *application.SEQUENCES, *application.INSIDE]
    expected = [(name, format) for name in names for format in kc.export.FORMATS]
    assert list(zip(rows["row"], rows["format"], strict=True)) == expected
    had = rows["reason"] == ""
    assert (rows["difference"][had] <= application.TOLERANCE).all()
    assert rows["difference"].isna().tolist() == (~had).tolist()
    # Where everything else fails, TensorFlow's own format does not.
    assert had[rows["format"] == "saved_model"].all()


def test_the_page_is_made_from_the_stored_table(application, tmp_path, capsys):
    assert application.main(["table", "--out", str(tmp_path / "formats.md")]) == 0
    assert (tmp_path / "formats.md").read_text() == PAGE.read_text()


@pytest.mark.slow
def test_a_run_gives_what_is_stored(application, tmp_path):
    out = tmp_path / "formats.csv"
    assert application.main(["run", "--rows", *AGAIN, "--out", str(out)]) == 0
    found = application.read(out)
    stored = application.read(application.STORED)
    stored = stored[stored["row"].isin(AGAIN)]
    told = ["row", "format", "batch", "size", "reason"]
    assert found[told].to_numpy().tolist() == stored[told].to_numpy().tolist()
    assert (found["difference"].dropna() <= application.TOLERANCE).all()


def test_later_rows_take_the_place_of_earlier_ones(application, tmp_path):
    import pandas as pd

    def row(name, format, difference):
        return {"row": name, "format": format, "difference": difference, "batch": "any",
                "size": "any x any", "reason": ""}  # fmt: skip

    out = tmp_path / "rows.csv"
    application.enter(pd.DataFrame([row("vgg", "onnx", 1e-7)]), out)
    application.enter(
        pd.DataFrame([row("vgg", "onnx", 2e-7), row("lenet", "saved_model", 0.0)]), out
    )
    rows = application.read(out)
    assert rows["row"].tolist() == ["lenet", "vgg"]
    assert application.markdown(rows).splitlines() == [
        "|  | SavedModel | ONNX |",
        "| --- | --- | --- |",
        "| lenet | 0e+00; any batch; any size |  |",
        "| vgg |  | 2e-07; any batch; any size |",
    ]


def test_another_file_is_refused(application, tmp_path, capsys):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    assert application.main(["table", str(tmp_path / "other.csv")]) == 1
    assert "Allowed: a file that `formats.py run` wrote" in capsys.readouterr().err
