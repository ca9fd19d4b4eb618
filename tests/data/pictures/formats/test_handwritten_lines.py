"""Lines of handwriting in the layout of IAM, made here."""

import numpy as np
import pytest
from PIL import Image

import keras_classics as kc


@pytest.fixture
def folder(tmp_path):
    """Six forms of three writers, two lines each; as wide as their texts are long."""
    (tmp_path / "ascii").mkdir()
    rows, forms = ["#--- lines.txt ---", "#"], ["# form writer"]
    for form in range(6):
        sheet = f"a0{form}-00{form}u"
        forms.append(f"{sheet} {form // 2:03d} 2 prt 7 5 52 36")
        place = tmp_path / "lines" / sheet[:3] / sheet
        place.mkdir(parents=True)
        for line in range(2):
            name, text = f"{sheet}-{line:02d}", f"A|MOVE|{'to ' * form}|{line}."
            rows.append(f"{name} {'ok' if line else 'err'} 154 19 408 746 1661 89 {text}")
            page = np.full((16, 10 * len(text), 3), 255, "uint8")
            page[4:8] = 10 * form
            Image.fromarray(page).save(place / f"{name}.png")
    (tmp_path / "ascii" / "lines.txt").write_text("\n".join(rows))
    (tmp_path / "ascii" / "forms.txt").write_text("\n".join(forms))
    return tmp_path


def lines(data):
    return {split: [each.name for each in getattr(data, split)]
            for split in ("train", "validation", "test")}  # fmt: skip


def test_lines_are_bright_on_dark_and_of_one_height(folder):
    data = kc.data.load(f"iam:{folder}", height=32, validation=0.3, test=0.3)
    first = next(each for part in (data.train, data.validation, data.test) for each in part
                 if each.name == "a00-000u-01")  # fmt: skip
    assert first.text == "A MOVE  1." and first.image.shape == (32, 2 * 10 * len("A|MOVE||1."), 3)
    assert (first.image[0] == 0).all() and (first.image[12] > 240).all()
    assert " " in data.info.classes and "|" not in data.info.classes


def test_a_writer_is_of_one_split(folder):
    data = kc.data.load(f"iam:{folder}", validation=0.3, test=0.3)
    writers = {split: {int(name[2]) // 2 for name in names} for split, names in lines(data).items()}
    assert sum(map(len, writers.values())) == 3 and len(set.union(*writers.values())) == 3


def test_lists_name_lines_or_forms(folder):
    (folder / "trainset.txt").write_text("a00-000u\na01-001u\n")
    (folder / "validationset1.txt").write_text("a02-002u-00\n")
    (folder / "testset.txt").write_text("a03-003u-01\na04-004u-00\n")
    found = lines(kc.data.load(f"iam:{folder}"))
    assert found["train"] == [f"a0{n}-00{n}u-0{line}" for n in (0, 1) for line in (0, 1)]
    assert found["validation"] == ["a02-002u-00"]
    assert found["test"] == ["a03-003u-01", "a04-004u-00"]


def test_lines_in_no_list_are_for_training(folder):
    (folder / "testset.txt").write_text("\ufeffa00-000u\na04-004u-00\n", encoding="utf-8")
    data = kc.data.load(f"iam:{folder}")
    found = lines(data)
    assert found["test"] == ["a00-000u-00", "a00-000u-01", "a04-004u-00"]
    assert sum(map(len, found.values())) == 12 and "every line in no list" in data.info.split_rule


def test_lists_that_share_a_line_are_refused(folder):
    (folder / "trainset.txt").write_text("a00-000u\na01-001u\n")
    (folder / "testset.txt").write_text("a03-003u\na01-001u-01\n")
    with pytest.raises(kc.InputError, match="'a01-001u-01' is in the train and in the test split"):
        kc.data.load(f"iam:{folder}")


def test_what_is_faulty_is_named(folder):
    (folder / "lines" / "a01" / "a01-001u" / "a01-001u-00.png").unlink()
    (folder / "lines" / "a02" / "a02-002u" / "a02-002u-00.png").write_bytes(b"no picture")
    # Of the height of the others it would be 288,000 pixels wide.
    Image.new("L", (9000, 1)).save(folder / "lines" / "a03" / "a03-003u" / "a03-003u-00.png")
    with open(folder / "ascii" / "lines.txt", "a") as table:
        table.write("\na09-000u-00 ok 154")
    data = kc.data.load(f"iam:{folder}", validation=0.3, test=0.3)
    told = " ".join(data.info.skipped)
    assert len(data.info.skipped) == 4 and "9000 pixels wide and 1 high" in told
    assert "no a01-001u-00.png" in told and "has 3 fields" in told and "a02-002u-00" in told
    with pytest.raises(kc.InputError, match="no a01-001u-00.png"):
        kc.data.load(f"iam:{folder}", strict=True)
    with pytest.raises(kc.InputError, match="has no lines.txt"):
        kc.data.load(f"iam:{folder / 'lines'}")
