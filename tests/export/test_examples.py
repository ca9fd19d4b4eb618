"""Test examples that a model carries with it come back as they were, and nothing else does."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from keras_classics import cli
from support import ROOT

TEXTS = [f"number {n}: 'à, \n" for n in range(1200)]
TRUE = [[f"nombre {n}", "ou \u2028 bien"] for n in range(1200)]
PICTURES = np.random.default_rng(0).integers(0, 256, (45, 6, 5, 3), "uint8")


def share_right(answers, references):
    right = [said in true for said, true in zip(answers, references, strict=True)]
    return {"right": sum(right) / len(right)}


def test_texts_come_back_with_the_figure_on_them_and_the_hash_of_all(tmp_path):
    assert kc.export.read_examples(tmp_path) is None
    answers = [true[0] if n < 500 or n >= 1000 else "?" for n, true in enumerate(TRUE)]
    kc.export.write_examples(tmp_path, TEXTS, TRUE, answers, share_right)
    found = kc.export.read_examples(tmp_path)
    assert found.inputs == TEXTS[:1000] and found.references == TRUE[:1000]
    assert found.figures == {"right": 0.5}
    assert found.split_size == 1200
    assert found.split_sha256 == kc.export.hash_examples(TEXTS, TRUE)


@pytest.mark.parametrize("count", [1, 8, 45])
def test_pictures_come_back_to_the_last_bit(tmp_path, count):
    pictures, true = PICTURES[:count], TRUE[:count]
    answers = [each[1] for each in true]
    kc.export.write_examples(tmp_path, pictures, true, answers, share_right)
    found = kc.export.read_examples(tmp_path)
    np.testing.assert_array_equal(found.inputs, pictures[:40])
    assert found.references == true[:40] and found.split_size == count
    assert found.split_sha256 == kc.export.hash_examples(pictures, true)


@pytest.mark.parametrize(
    ("inputs", "references"),
    [
        (TEXTS[:2], [TRUE[0], [*TRUE[1], "more"]]),
        (TEXTS[1::-1], TRUE[:2]),
        (TEXTS[:1], TRUE[:1]),
        ([TEXTS[0], TEXTS[1] + " "], TRUE[:2]),
    ],
)
def test_other_examples_have_another_hash(inputs, references):
    ours = kc.export.hash_examples(TEXTS[:2], TRUE[:2])
    assert kc.export.hash_examples(inputs, references) != ours
    changed = PICTURES[:2].copy()
    changed[1, 5, 4, 2] ^= 1
    assert kc.export.hash_examples(changed, TRUE[:2]) != kc.export.hash_examples(
        PICTURES[:2], TRUE[:2]
    )


@pytest.mark.parametrize(
    "damage",
    [{"references": None}, {"references": [[1]] * 3}, {"inputs": ["one"]}, {"split_size": ...}, []],
    ids=str,
)
def test_damaged_examples_are_refused(tmp_path, damage):
    kc.export.write_examples(tmp_path, TEXTS[:3], TRUE[:3], TEXTS[:3], share_right)
    content = json.loads((tmp_path / "examples.json").read_text())
    content = {**content, **damage} if damage else []
    content = {k: v for k, v in content.items() if v is not ...} if content else content
    (tmp_path / "examples.json").write_text(json.dumps(content))
    with pytest.raises(kc.InputError, match="holds something else"):
        kc.export.read_examples(tmp_path)


def test_a_sheet_of_another_size_is_refused(tmp_path):
    kc.export.write_examples(tmp_path, PICTURES, TRUE[:45], TEXTS[:45], share_right)
    Image.new("RGB", (7, 7)).save(tmp_path / "examples.png")
    with pytest.raises(kc.InputError, match="holds something else"):
        kc.export.read_examples(tmp_path)


def test_pictures_of_several_sizes_come_back_as_they_were(tmp_path):
    lines = [np.full((4, 5 + 3 * number, 3), number, "uint8") for number in range(9)]
    true = [[str(number)] for number in range(9)]
    kc.export.write_examples(tmp_path, lines, true, [str(n) for n in range(9)], share_right)
    found = kc.export.read_examples(tmp_path)
    for line, read in zip(lines, found.inputs, strict=True):
        np.testing.assert_array_equal(line, read)
    assert kc.export.hash_examples(found.inputs, true) == found.split_sha256


@pytest.fixture
def run(tmp_path):
    """A run's folder, evaluated and exported."""
    run = tmp_path / "run"
    (run / "saved_model" / "variables").mkdir(parents=True)
    (run / "saved_model" / "saved_model.pb").write_text("model")
    (run / "saved_model" / "variables" / "variables.index").write_text("weights")
    for name in ("run.json", "metrics.json", "history.csv", "alignments.png"):
        (run / name).write_text(name)
    (run / "checkpoint.npz").write_text("large")
    kc.export.write_examples(run, TEXTS[:3], TRUE[:3], TEXTS[:3], share_right)
    return run


def test_shipping_copies_what_judges_a_model_and_no_more(run, tmp_path, capsys):
    to = tmp_path / "saved_models" / "name"
    for _ in range(2):
        assert cli.main(["ship", str(run), str(to)]) == 0
    assert capsys.readouterr().out == f"{to}\n{to}\n"
    assert {str(path.relative_to(to)) for path in to.rglob("*") if path.is_file()} == {
        "saved_model.pb", "variables/variables.index", "run.json", "metrics.json", "history.csv",
        "alignments.png", "examples.json",
    }  # fmt: skip
    assert kc.export.read_examples(to) == kc.export.read_examples(run)


def test_a_run_is_shipped_with_its_own_model_or_with_that_alone(run, tmp_path, capsys):
    to, files = tmp_path / "shipped", ["model.keras", "classes.json"]
    assert cli.main(["ship", str(run), str(to), "--files", *files]) == 1
    assert "lacks model.keras, classes.json" in capsys.readouterr().err
    for name in files:
        (run / name).write_text(name)
    assert cli.main(["ship", str(run), str(to), "--files", *files]) == 0
    assert (to / "saved_model.pb").exists() and (to / "model.keras").read_text() == "model.keras"
    shutil.rmtree(run / "saved_model")
    capsys.readouterr()
    assert cli.main(["ship", str(run), str(to)]) == 1
    assert "lacks saved_model/saved_model.pb" in capsys.readouterr().err
    kc.export.ship(run, tmp_path / "alone", files)
    assert (tmp_path / "alone" / "model.keras").exists()
    with pytest.raises(kc.InputError, match="names of files in"):
        kc.export.ship(run, to, ["../secret.json"])


def test_what_cannot_be_judged_is_not_shipped_nor_over_anything_else(run, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert cli.main(["ship", str(run), str(tmp_path / "mine")]) == 1
    assert "holds something else" in capsys.readouterr().err
    (run / "examples.json").unlink()
    assert cli.main(["ship", str(run), str(tmp_path / "new")]) == 1
    assert "lacks examples.json" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_every_shipped_model_carries_small_examples():
    models = sorted(path.parent for path in (ROOT / "saved_models").glob("*/run.json"))
    assert models
    for model in models:
        examples = kc.export.read_examples(model)
        assert len(examples.inputs) >= 40 and examples.figures
        size = sum(path.stat().st_size for path in model.glob("examples.*"))
        # What is said of a pixel depends on more of a picture than what is said of all of it; a
        # style is seen at twice the side.
        most = {"segmentation": 600_000, "style": 1_200_000}.get(model.name.split("-")[0], 300_000)
        assert size <= most, f"{model.name}: {size:,} bytes"
