"""The table of accuracy by size, its noise and its curves."""

from functools import partial
from importlib import import_module

import pandas as pd
import pytest

import keras_classics as kc
from analysis.fooling.fooling_networks import BOUNDS, CLASSES, answers, fooling, network, pictures

IMAGES, LABELS = pictures()


def test_the_table_is_what_the_attacks_do(tmp_path):
    model = network()
    labels = LABELS.copy()
    labels[:3] = (labels[:3] + 1) % CLASSES
    sizes = [3, 12]
    attacks = {"one step": fooling.fgsm, "l2": partial(fooling.pgd, norm="l2", steps=5)}
    found = fooling.robustness(model, (IMAGES, labels), attacks, epsilon=sizes, bounds=BOUNDS)
    assert list(found.table.columns) == ["one step", "l2", "linf noise", "l2 noise"]
    assert list(found.table.index) == sizes
    right = answers(model, IMAGES) == labels
    assert found.clean == right.mean() == 21 / 24
    for row, size in enumerate(sizes):
        images = fooling.fgsm(model, IMAGES, labels, epsilon=size, bounds=BOUNDS)
        read = answers(model, images) == labels
        assert found.table["one step"].iloc[row] == pytest.approx(read.mean())
        assert found.success["one step"].iloc[row] == pytest.approx((~read)[right].mean())
        assert found.table["linf noise"].iloc[row] >= found.table["one step"].iloc[row]
    assert found.table["linf noise"].iloc[1] > found.table["one step"].iloc[1]
    found.draw(tmp_path / "curves.svg")
    picture = (tmp_path / "curves.svg").read_text()
    assert picture.startswith("<?xml") and len(picture) > 5000


def test_curves_that_are_one_are_both_seen(monkeypatch):
    figures = []
    module = import_module("keras_classics.analysis.fooling.robustness")
    monkeypatch.setattr(module, "write_figure", lambda path, figure: figures.append(figure))
    table = pd.DataFrame({"fgsm": [0.0], "pgd": [0.0], "linf noise": [1.0]}, index=[4.0])
    fooling.Robustness(table, table, 1.0).draw("curves.png")
    widths = [line.get_linewidth() for line in figures[0].axes[0].lines]
    assert widths == sorted(widths, reverse=True) and len(set(widths)) == 3
    # The legend hides none of them.
    assert figures[0].legends and figures[0].axes[0].get_legend() is None


def test_batches_are_data_too():
    model = network()
    batches = [(IMAGES[n : n + 10], LABELS[n : n + 10]) for n in (0, 10, 20)]
    pair = [
        fooling.robustness(model, data, "fgsm", epsilon=9, bounds=BOUNDS).table
        for data in (batches, (IMAGES, LABELS))
    ]
    assert pair[0].equals(pair[1])


@pytest.mark.parametrize("data", [[], IMAGES])
def test_data_without_labels_are_refused(data):
    with pytest.raises(kc.InputError, match="images and labels"):
        fooling.robustness(network(), data, epsilon=9, bounds=BOUNDS)


def test_unknown_attacks_are_refused():
    with pytest.raises(kc.InputError, match="attacks='sgd'.*'fgsm'"):
        fooling.robustness(network(), (IMAGES, LABELS), "sgd", epsilon=9, bounds=BOUNDS)
