"""Pages of feature maps: which maps, where, on which scale."""

import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from callbacks import trainings
from keras_classics.analysis.drawing.pages import GAP, colour_table
from keras_classics.callbacks import activation_pictures as activations


def test_a_page_has_a_row_for_each_picture_and_a_column_for_each_channel(tmp_path):
    model, images, _ = trainings.classifier()
    callback = kc.callbacks.Activations(images[:2], tmp_path, ["first_relu"], channels=4)
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_end(0)
    page = np.asarray(Image.open(tmp_path / "activations-epoch-0001.png"))
    (maps,) = kc.analysis.FeatureMaps(model, ["first_relu"])(images[:2])
    shown = maps[..., :4] / maps[..., :4].max()
    # Ten pixels for each of the twelve, and a gap.
    side = 120 + GAP
    assert page.shape[1] == GAP + 5 * side
    for row in range(2):
        top = page.shape[0] - (2 - row) * side
        for channel in range(4):
            left = GAP + (1 + channel) * side
            cell = page[top : top + 120 : 10, left : left + 120 : 10]
            colours = colour_table("viridis")[np.round(255 * shown[row, ..., channel]).astype(int)]
            assert abs(cell.astype(int) - colours).max() <= 3


def test_a_heading_says_what_is_seen():
    maps = np.zeros((1, 2, 4, 3))
    maps[0, 0, 0, :2] = 1.5, -0.25
    heading = activations.layer_heading("conv1", maps, maps[..., :2])
    assert heading == "conv1: 3 maps of 2 x 4, shown from -0.25 to 1.5, 92% zeros"
    np.testing.assert_allclose(activations.scaled(maps)[0, 0, 0], [1, 0, 1 / 7])
    assert not activations.scaled(np.full((1, 2, 2, 1), 3.0)).any()


@pytest.mark.parametrize("arguments", [{"channels": 0}, {"pictures": np.zeros((2, 4, 4))}], ids=str)
def test_pages_that_cannot_be_made(arguments):
    with pytest.raises(ValueError, match="1 images.*Leave pictures and channels out"):
        kc.callbacks.Activations(np.zeros((1, 4, 4, 3)), "pages", **arguments)
