"""What the doctor remarks about masks."""

import numpy as np
import pytest

from keras_classics.data.mask_findings import MaskFindings


def test_masks_that_teach_little_and_classes_that_are_not_there():
    findings = MaskFindings(("sky", "road", "car"))
    mask = np.zeros((4, 5), "uint8")
    findings.add("train", "plain", mask)
    mask = mask.copy()
    mask[0] = 1
    findings.add("train", "both", mask)
    mask = mask.copy()
    mask[1:] = 255
    mask[1, 0] = 0
    findings.add("train", "silent", mask)
    # Just half is not more than half.
    mask = np.repeat([0, 1, 255, 255], 5).reshape(4, 5)
    findings.add("validation", "half", mask)
    findings.add("validation", "car", np.where(mask == 1, 2, 0))
    single, silent, lacking = findings.remarks()
    assert "1 mask is of a single class: plain" in single
    assert "1 mask does not count in more than half of its pixels: silent (70%)" in silent
    assert "1 class has no pixel in a training mask: car" in lacking
    head, sky, road, car = findings.table()
    assert head == ("class", "train %", "validation %", "test %")
    # Of 46 pixels that count in training.
    assert float(road[1]) == pytest.approx(100 * 10 / 46, abs=0.005)
    assert float(sky[1]) == pytest.approx(100 * 36 / 46, abs=0.005)
    assert (car[1], road[3]) == ("0.00", "0.00")
    assert float(car[2]) == pytest.approx(100 * 5 / 30, abs=0.005)
