"""The overview: what cards quote is read rightly, costs are the cards', speed is measured."""

import re
from itertools import combinations

import pytest
from matplotlib.text import Text

import keras_classics as kc
from keras_classics import cli
from keras_classics.analysis.drawing.figures import overview_picture
from keras_classics.analysis.inside import overview as rows_of
from keras_classics.core.cards import index


@pytest.mark.parametrize(
    ("text", "data", "accuracy"),
    [
        ("ILSVRC-2012 validation, 10 crops: 40.7 % top-1, 18.2 % top-5 error", "imagenet", 59.3),
        ("ImageNet validation: 79.0 % top-1, 94.4 % top-5 accuracy", "imagenet", 79.0),
        ("ImageNet validation error, one scale: 29.6 % top-1, 10.4 % top-5", "imagenet", 70.4),
        ("ILSVRC-2014, one model, one crop: 10.07 % top-5 error", "imagenet", None),
        ("augmented: test error 5.24 % on CIFAR-10, 24.42 % on CIFAR-100", "cifar-10", 94.76),
        ("test accuracy 95.69 % on CIFAR-10, 78.16 % on CIFAR-100", "cifar-10", 95.69),
        ("CIFAR-10 test error 6.43 % (6.61 +- 0.16 over five runs)", "cifar-10", 93.57),
        ("CIFAR-10 test error above 60 %", "cifar-10", None),
        ("test error 24.42 % on CIFAR-100", "cifar-10", None),
        ("test error with drop-path and dropout 7.33 % on CIFAR-10", "cifar-10", 92.67),
        ("MNIST test error 0.95 %, 0.8 % with distortions", "mnist", 99.05),
        ("all depths train on MNIST and CIFAR-10, without loss of accuracy", "mnist", None),
        ("no figure quoted", "imagenet", None),
    ],
)
def test_what_cards_quote(text, data, accuracy):
    assert rows_of.published_accuracy(text, data) == accuracy


@pytest.mark.parametrize(("data", "word"), [("imagenet", "top-1"), ("cifar-10", "CIFAR-10 ")])
def test_no_quoted_figure_is_passed_over(data, word):
    """Whatever card names the data and the measure has a row, and a plausible figure."""
    named = {
        name
        for name, facts in index.read().items()
        if word in f"{facts['published']} ".replace(",", " ")
        and re.search(r"\d %", facts["published"])
        and "above" not in facts["published"]
    }
    rows = kc.analysis.overview(data=data)
    assert {row.name for row in rows} == named and len(rows) > 15
    assert all(40 < row.accuracy < 99 for row in rows)
    assert [row.accuracy for row in rows] == sorted((r.accuracy for r in rows), reverse=True)


def test_costs_are_those_of_the_cards():
    (row,) = kc.analysis.overview("resnet_50")
    card = kc.card("resnet_50")
    assert (row.parameters, row.multiply_adds) == (card.parameters, card.multiply_adds)
    assert row.published == card.published


def test_the_command_prints_and_draws(tmp_path, capsys):
    path = tmp_path / "overview.png"
    assert cli.main(["overview", "resnet*", "--data", "cifar-10", "--out", str(path)]) == 0
    told = capsys.readouterr().out
    assert "resnet_20_cifar" in told and "91.25" in told and path.stat().st_size > 10_000
    assert cli.main(["overview", "--out", str(tmp_path / "overview.txt")]) == 1
    assert cli.main(["overview", "lenet*", "--out", str(path)]) == 1
    assert "Leave the pattern out" in capsys.readouterr().err


def test_speed_is_drawn_where_it_was_measured(tmp_path, monkeypatch):
    rows = kc.analysis.overview("vgg*")
    with pytest.raises(kc.InputError, match="by='megabytes'.*Measure them"):
        kc.analysis.draw_overview(tmp_path / "x.png", rows, by="megabytes")
    figures = []
    monkeypatch.setattr(overview_picture, "write_figure", lambda path, f: figures.append(f))
    kc.analysis.draw_overview("x.png", rows)
    points = [x for group in figures[0].axes[0].collections for x in group.get_offsets().tolist()]
    for row in rows:
        assert [row.multiply_adds / 1e9, row.accuracy] in points


def test_no_name_is_drawn_over_another(monkeypatch):
    figures = []
    monkeypatch.setattr(overview_picture, "write_figure", lambda path, f: figures.append(f))
    rows = kc.analysis.overview()
    kc.analysis.draw_overview("x.png", rows)
    figures[0].draw_without_rendering()
    names = {text.get_text(): Text.get_window_extent(text) for text in figures[0].axes[0].texts}
    assert set(names) == {row.name for row in rows if row.multiply_adds}
    assert not any(one.overlaps(other) for one, other in combinations(names.values(), 2))


@pytest.mark.slow
def test_speed_and_memory_are_measured_in_a_process_of_its_own():
    rows = kc.analysis.overview("lenet*", data="mnist")[:1]
    (row,) = kc.analysis.measure_speed(rows, batch_size=4, repeats=2)
    assert row.images_per_second > 1 and 0 < row.megabytes < 5000
    with pytest.raises(kc.InputError, match="repeats=0"):
        kc.analysis.measure_speed(rows, repeats=0)
