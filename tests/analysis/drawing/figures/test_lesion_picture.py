"""What is left of networks without a block, drawn."""

import pytest

import keras_classics as kc
from keras_classics.analysis.drawing.figures.lesion_picture import _figure


def test_blocks_of_one_network_are_named():
    axis = _figure({"net": {"one": 0.5, "two": 0.25}}, {"net": 0.75}, "accuracy").axes[0]
    line, dashed = axis.get_lines()
    assert list(line.get_ydata()) == [0.5, 0.25] and set(dashed.get_ydata()) == {0.75}
    assert [each.get_text() for each in axis.get_xticklabels()] == ["one", "two"]


def test_networks_of_several_depths_stand_beside_each_other():
    networks = {"deep": dict.fromkeys("abcd", 0.5), "flat": dict.fromkeys("xy", 0.25)}
    lines = _figure(networks, {}, "accuracy").axes[0].get_lines()
    assert list(lines[0].get_xdata()) == [0.125, 0.375, 0.625, 0.875]
    assert list(lines[1].get_xdata()) == [0.25, 0.75]


@pytest.mark.parametrize("nothing", [{}, {"net": {}}])
def test_nothing_is_refused(tmp_path, nothing):
    with pytest.raises(kc.InputError, match="one network or more, each with one block"):
        kc.analysis.draw_lesions(tmp_path / "lesions.png", nothing)


def test_the_picture_is_written(tmp_path):
    kc.analysis.draw_lesions(tmp_path / "lesions.svg", {"net": {"one": 0.5}})
    assert (tmp_path / "lesions.svg").read_text("utf-8").startswith("<?xml")
