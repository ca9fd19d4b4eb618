"""Boxes on pictures: their names can be read wherever the boxes are."""

import types

import numpy as np
import pytest
from matplotlib.figure import Figure

import keras_classics as kc


@pytest.mark.parametrize("height", [40, 400])
def test_names_stand_within_the_picture_where_there_is_no_room_beyond_the_box(
    height, tmp_path, monkeypatch
):
    drawn, save = [], Figure.savefig

    def kept(figure, *arguments, **options):
        drawn.append(figure)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", kept)
    top, low = [0, 0, height // 2, 30], [height // 2, 2, height, 30]
    picture = types.SimpleNamespace(
        image=np.zeros((height, 60, 3), "uint8"), name="street",
        boxes=np.float32([top, low]), box_labels=np.int32([0, 1]),
    )  # fmt: skip
    found = kc.boxes.Detections([top, low], [0, 1], [0.9, 0.8])
    kc.analysis.draw_boxes(tmp_path / "boxes.png", [picture], ["cat", "dog"], [found])
    axis = drawn[0].axes[0]
    places = {each.get_text(): (each.get_position()[1], each.get_va()) for each in axis.texts}
    assert places == {
        "cat": (0, "top"), "dog": (height // 2, "bottom"),
        "cat 0.90": (height // 2, "top"), "dog 0.80": (height, "bottom"),
    }  # fmt: skip
