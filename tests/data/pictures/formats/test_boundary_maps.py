"""Maps of outlines in files: what is made smaller keeps its lines, and where they lie."""

import numpy as np
import pytest

from data.pictures.boxed_folders import picture
from data.pictures.mask_samples import write
from keras_classics.core.errors import InputError
from keras_classics.data import boundary_map, outlined
from keras_classics.data.load import load


def written(folder, name="boundaries"):
    for number in range(3):
        picture(folder / "images" / f"p{number}.png", seed=number)
        lines = np.zeros((20, 30), "uint8")
        # One line is drawn by all, of another some are not sure.
        lines[7], lines[:, 21] = 255, 100
        lines[7, 21] = 255
        write(folder / name / f"p{number}.png", lines)
    return folder


def test_lines_of_one_pixel_are_whole_at_half_and_a_third_of_the_size(tmp_path):
    for size, row, column in (((10, 15), 3, 10), ((7, 10), 2, 7)):
        data = load(f"boundaries:{written(tmp_path)}", image_size=size)
        mask = data.train[0].class_mask
        expected = np.zeros(size, "uint8")
        expected[:, column] = 255
        expected[row] = 1
        np.testing.assert_array_equal(mask, expected)


def test_a_folder_of_matlab_files_is_none_of_maps(tmp_path):
    with pytest.raises(InputError, match="side by side.*boundaries"):
        load(f"boundaries:{written(tmp_path, 'groundTruth')}")


def test_what_is_no_mask_is_refused():
    mask = np.zeros((4, 5), "uint8")
    for wrong in (mask / 1.0, mask[:0], mask[0]):
        with pytest.raises(InputError, match="whole numbers .height, width."):
            boundary_map(wrong)
    with pytest.raises(InputError, match="have no class_mask"):
        outlined(load("digits").train)
