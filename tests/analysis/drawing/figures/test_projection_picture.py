"""No label of a projection covers another, however near the points are."""

import itertools

import numpy as np
import pytest
from matplotlib.text import Text

from keras_classics.analysis.drawing.figures.projection_picture import apart, projection_figure


def cover(one, other):
    return (one[:2] < other[2:]).all() and (other[:2] < one[2:]).all()


@pytest.mark.parametrize("seed", range(3))
def test_labels_stand_apart_near_their_points(seed):
    draw = np.random.default_rng(seed)
    points = np.concatenate([draw.uniform(50, 350, (20, 2)), np.full((5, 2), 200.0)])
    sizes = draw.uniform((20, 8), (60, 18), (25, 2))
    room = np.array([0.0, 0.0, 400.0, 400.0])
    offsets = np.array(apart(points, list(sizes), room))
    assert len(offsets) == 25
    middles = points + offsets
    boxes = np.concatenate([middles - sizes / 2, middles + sizes / 2], axis=1)
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= 400).all()
    assert not any(cover(*pair) for pair in itertools.combinations(boxes, 2))
    marks = np.concatenate([points - 2, points + 2], axis=1)
    assert not any(cover(box, mark) for box in boxes for mark in marks)


def test_a_lonely_label_stands_right_of_its_point():
    (offset,) = apart(np.array([[50.0, 50.0]]), [np.array([20.0, 8.0])], np.array([0, 0, 100, 100]))
    assert 10 < offset[0] < 20 and abs(offset[1]) < 1e-6


def test_where_there_is_no_room_nothing_is_placed():
    assert apart(np.array([[5.0, 5.0]]), [np.array([20.0, 8.0])], np.array([0, 0, 10, 10])) == []


def test_labels_of_a_dense_figure_are_apart_as_drawn():
    """Many long sentences on three points: the page grows until there is room."""
    labels = [f"sentence number {n} of many, which is a long one" for n in range(24)]
    coordinates = np.float64([[0, 0], [1, 0], [0, 1]])[np.arange(24) % 3]
    figure = projection_figure(coordinates, labels, [str(n % 8) for n in range(24)], (0.5, 0.5))
    figure.draw_without_rendering()
    axis = figure.axes[0]
    assert [note.get_text().replace("\n", " ") for note in axis.texts] == labels
    boxes = [Text.get_window_extent(note).extents for note in axis.texts]
    assert not any(cover(*pair) for pair in itertools.combinations(boxes, 2))
    (legend,) = figure.legends
    assert legend.get_window_extent().x0 > axis.get_window_extent().x1
