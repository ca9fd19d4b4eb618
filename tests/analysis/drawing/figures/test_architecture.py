"""The picture of an architecture says what its card says."""

import pytest

import keras_classics as kc
from keras_classics.analysis.drawing.figures.architecture import stages


def test_stages_of_lenet_are_those_of_the_paper():
    found = stages(kc.create_model("lenet_5"))
    assert [stage.name for stage in found] == ["stage1", "stage2", "head", "logits", "predictions"]
    # C1 and S2, C3 and S4: maps, and trainable parameters, by LeCun et al. 1998.
    assert [stage.output_shape for stage in found[:2]] == [(14, 14, 6), (5, 5, 16)]
    assert [stage.parameters for stage in found[:2]] == [156 + 12, 1_516 + 32]


def test_a_stage_that_comes_again_is_one_box():
    found = stages(kc.create_model("resnet_20_cifar"))
    assert len({stage.name for stage in found}) == len(found) == 6
    assert sum(stage.multiply_adds for stage in found) == kc.card("resnet_20_cifar").multiply_adds


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture_is_written(ending, tmp_path):
    path = tmp_path / f"lenet.{ending}"
    kc.analysis.draw_architecture(path, kc.create_model("lenet_5"))
    assert path.stat().st_size > 5_000
