"""A picture beside what many methods make of it, on a page that fits a screen."""

import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from keras_classics.analysis.drawing.pages import GAP


@pytest.mark.parametrize(("methods", "rows", "columns"), [(1, 1, 2), (5, 1, 6), (12, 3, 5)])
def test_methods_stand_in_rows_beside_their_picture(methods, rows, columns, tmp_path):
    pictures = [np.full((112, 112, 3), 40, "uint8"), np.full((112, 112, 3), 60, "uint8")]
    laid = {
        str(n): [np.full((112, 112, 3), shade + n, "uint8") for shade in (100, 150)]
        for n in range(methods)
    }
    kc.analysis.draw_methods(tmp_path / "m.png", pictures, ["a", "b"], laid)
    page = np.asarray(Image.open(tmp_path / "m.png"))[..., 0]
    assert page.shape[1] == GAP + columns * (112 + GAP)
    line, step = 16, 112 + GAP
    panels = page[GAP + line + 56 :: line + step, GAP + 56 :: step].tolist()
    assert len(panels) == 2 * rows
    for number, shade in enumerate((100, 150)):
        own = panels[number * rows : (number + 1) * rows]
        assert [row[0] for row in own] == [40 + 20 * number] + [255] * (rows - 1)
        shown = [panel for row in own for panel in row[1:]]
        left = len(shown) - methods
        assert shown == [shade + n for n in range(methods)] + [255] * left
