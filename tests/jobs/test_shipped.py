"""The page about the shipped models is what their folders hold."""

import csv
import json

import pytest

import keras_classics as kc
from keras_classics import cli
from support import ROOT

SHIPPED = ROOT / "saved_models"


def test_the_page_is_as_it_would_be_written_now(tmp_path, capsys):
    assert cli.main(["shipped", str(SHIPPED), "--out", str(tmp_path / "page.md")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text() == (SHIPPED / "README.md").read_text(), (
        "run: keras-classics shipped saved_models --out saved_models/README.md"
    )


def test_every_model_is_told_with_signature_scores_and_provenance():
    page = kc.jobs.describe_shipped(SHIPPED)
    for model in SHIPPED.glob("*/saved_model.pb"):
        [section] = [part for part in page.split("\n## ") if part.startswith(model.parent.name)]
        record = json.loads((model.parent / "run.json").read_text())
        assert f"`python {record['command']}`" in section and record["commit"] in section
        for values in json.loads((model.parent / "metrics.json").read_text()).values():
            assert all(f"{value:.4g}" in section for value in values.values())
        assert f'tf.saved_model.load("saved_models/{model.parent.name}")' in section
        examples = kc.export.read_examples(model.parent)
        assert f"the first {len(examples.inputs):,} of its {examples.split_size:,} test" in section
        assert all(f"{name} {value:.4g}" in section for name, value in examples.figures.items())


def test_examples_that_are_windows_are_told_from_whole_pictures():
    page = kc.jobs.describe_shipped(SHIPPED)
    for part in page.split("\n## ")[1:]:
        name = part.split("\n")[0]
        assert ("the window of" in part) == (name == "segmentation-scenes"), name
    record = json.loads((SHIPPED / "segmentation-scenes" / "run.json").read_text())
    height, width = kc.export.read_examples(SHIPPED / "segmentation-scenes").inputs.shape[1:3]
    side = record["settings"]["image_size"]
    assert f"of {side} x {side} pixels, there is the window of {height} x {width} where" in page


def test_the_call_on_the_page_runs():
    page = kc.jobs.describe_shipped(SHIPPED)
    code = page.split("## translation-phrases")[1].split("```python\n")[1].split("```")[0]
    answers = {}
    lines = code.replace("saved_models/", f"{SHIPPED}/").strip().splitlines()
    lines[-1] = f"answers.update({lines[-1]})"
    exec("\n".join(lines), {"answers": answers})
    assert answers["translations"].shape == (1, 5)


def test_a_folder_without_models_is_refused(tmp_path):
    with pytest.raises(kc.InputError, match="holds no exported model"):
        kc.jobs.describe_shipped(tmp_path)


# How the guides call what a table of figures calls otherwise, and digits behind the point.
TOLD = {
    "captioning-scenes": {"model": "the model", "image-blind": "image-blind (captions of"},
    "detection-scenes": {"test": "the detector"},
    "translation-phrases": {"fr": "English to French"},
}
GUIDES = {
    "captioning-scenes": "caption",
    "detection-scenes": "detection",
    "translation-phrases": "translate",
}
DIGITS = {"BLEU": 2, "chrF2": 2}


@pytest.mark.parametrize("name", TOLD)
def test_the_guides_have_the_figures_of_what_is_shipped(name):
    lines = (ROOT / "package" / "docs" / f"{GUIDES[name]}.md").read_text().splitlines()
    with (SHIPPED / name / "metrics.csv").open() as file:
        for row in csv.DictReader(file):
            named = TOLD[name][row.pop("evaluated")]
            (number,) = [n for n, line in enumerate(lines) if line.startswith(f"| {named}")]
            rule = max(n for n in range(number) if lines[n].startswith("|---"))
            columns = [cell.strip() for cell in lines[rule - 1].strip("|").split("|")][1:]
            told = [cell.strip() for cell in lines[number].strip("|").split("|")][1:]
            for column, figure in zip(columns, told, strict=True):
                assert figure == f"{float(row[column]):.{DIGITS.get(column, 3)}f}", column
