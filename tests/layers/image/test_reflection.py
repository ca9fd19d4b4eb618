"""Borders that are mirrored, as NumPy mirrors them."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from support import check_layer


@pytest.mark.parametrize("shape", [(2, 3), (1, 4), (1, 1)])
@pytest.mark.parametrize("padding", [1, 4])
def test_borders_are_mirrored_however_wide(padding, shape):
    maps = np.arange(2.0 * np.prod(shape), dtype="float32").reshape(1, *shape, 2)
    found = check_layer(kc.layers.ReflectionPadding2D(padding), maps)
    around = [(0, 0), (padding, padding), (padding, padding), (0, 0)]
    np.testing.assert_array_equal(found, np.pad(maps, around, mode="reflect"))


def test_a_file_mirrors_as_the_layer_does(tmp_path):
    pytest.importorskip("onnxruntime")
    picture = keras.Input((None, None, 3), name="picture")
    model = keras.Model(picture, kc.layers.ReflectionPadding2D(3)(picture))
    # Refused where the file says something else.
    kc.export.export_model(model, tmp_path / "border.onnx", "onnx")
