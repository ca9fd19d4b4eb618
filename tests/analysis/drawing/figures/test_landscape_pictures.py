"""Landscapes as pictures: what the axes say, and what cannot be drawn."""

from itertools import pairwise

import numpy as np
import pytest

import keras_classics as kc
from keras_classics.analysis.drawing.figures.landscape_pictures import _figure

AXIS = np.linspace(-1, 1, 9)
HILLS = 1 + AXIS[:, None] ** 2 + 3 * AXIS[None, :] ** 2


def landscape(losses, across=AXIS):
    names = ("first way", "second way")
    return kc.analysis.Landscape(AXIS, across, losses, names, "fixed")


def test_contours_have_the_first_direction_along_the_page():
    figure = _figure(landscape(HILLS), "contours", None)
    axis, bar = figure.axes
    assert bar.get_ylabel() == "loss"
    narrow = _figure(landscape(1000 + HILLS / 1000), "contours", None).axes[1]
    texts = [label.get_text() for label in narrow.get_yticklabels()]
    assert len(set(texts)) == len(texts) > 3
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("first way", "second way")
    # The loss rises faster across, so that the outermost whole line is wider than high.
    lines = [x for group in axis.collections for x in group.get_paths() if len(x.vertices) > 8]
    widths = [np.ptp(x.vertices, axis=0) for x in lines]
    assert widths[0][0] > 1.5 * widths[0][1]


@pytest.mark.parametrize("form", ["contours", "surface"])
@pytest.mark.parametrize("losses", [HILLS, np.exp(8 * HILLS), np.full((9, 9), 2.0)])
def test_planes_are_drawn(tmp_path, form, losses):
    losses = losses.copy()
    losses[0, 0], losses[8, 8] = np.nan, np.inf
    kc.analysis.draw_landscape(tmp_path / "plane.png", landscape(losses), form=form)
    assert (tmp_path / "plane.png").stat().st_size > 5000


@pytest.mark.parametrize("losses", [HILLS[:, 4], np.exp(8 * HILLS[:, 4])])
def test_a_line_is_drawn(tmp_path, losses):
    kc.analysis.draw_landscape(tmp_path / "line.svg", landscape(losses, None))
    assert (tmp_path / "line.svg").stat().st_size > 5000


def test_what_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(kc.InputError, match="No loss.*smaller distances"):
        kc.analysis.draw_landscape(tmp_path / "x.png", landscape(np.full((9, 9), np.nan)))
    with pytest.raises(kc.InputError, match="way was given.*form='contours'"):
        kc.analysis.draw_landscape(
            tmp_path / "x.png", landscape(HILLS), form="surface", way=[(0, 0)]
        )
    with pytest.raises(kc.InputError, match="form='heap'"):
        kc.analysis.draw_landscape(tmp_path / "x.png", landscape(HILLS), form="heap")
    for way in ("states", [1, 2], [[0, np.nan]]):
        with pytest.raises(kc.InputError, match=r"way=.*\(states, 2\).*principal_trajectory"):
            kc.analysis.draw_landscape(tmp_path / "x.png", landscape(HILLS), way=way)


def test_numbers_beside_a_surface_do_not_overlap():
    figure = _figure(landscape(HILLS), "surface", None)
    figure.draw_without_rendering()
    for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
        boxes = [each.get_window_extent() for each in axis.get_majorticklabels()]
        assert len(boxes) > 2
        assert not any(one.overlaps(other) for one, other in pairwise(boxes))
