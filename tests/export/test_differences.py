"""Answers are compared as they are meant: numbers nearly, texts exactly, ties in any order."""

import numpy as np
import pytest

import keras_classics as kc
from keras_classics.export.reopening import Spec


def ranked(texts, scores):
    return {"texts": np.array([texts], "S"), "scores": np.array([scores], "float32")}


@pytest.mark.parametrize(
    ("expected", "found", "distance"),
    [
        ({"y": np.float32([1e-9, 3])}, {"y": np.float32([2e-4, 3])}, 2e-4),
        # Large numbers by their share.
        ({"y": np.float32([1000])}, {"y": np.float32([1001])}, 1e-3),
        ({"y": np.float32([-np.inf, 1])}, {"y": np.float32([-np.inf, 1])}, 0),
        ({"y": np.float32([-np.inf, 1])}, {"y": np.float32([0, 1])}, np.inf),
        ({"y": np.float32([-np.inf, 1])}, {"y": np.float32([np.nan, 1])}, np.inf),
        ({"y": np.float32([np.nan, 1])}, {"y": np.float32([-np.inf, 1])}, np.inf),
        ({"y": np.float32([-np.inf, 1])}, {"y": np.float32([np.inf, 1])}, np.inf),
        ({"y": np.float32([1, 1])}, {"y": np.float32([np.nan, 1])}, np.inf),
        ({"y": np.float32([np.nan, np.inf, 1])}, {"y": np.float32([np.nan, np.inf, 1])}, 0),
        ({"y": np.float32([1])}, {"y": np.float32([[1]])}, np.inf),
        ({"y": np.float32([1])}, {"z": np.float32([1])}, np.inf),
        ({"n": np.int32([1, 2])}, {"n": np.int32([1, 3])}, np.inf),
        ({"t": np.array([b"a"], object)}, {"t": np.array(["a"])}, 0),
        (ranked([b"a", b"b"], [-1, -2]), ranked([b"a", b"c"], [-1, -2]), np.inf),
        # The two best score alike, so that either may come first.
        (ranked([b"a", b"b", b"c"], [-1, -1, -9]), ranked([b"b", b"a", b"c"], [-1, -1, -9]), 0),
        (ranked([b"a", b"b", b"c"], [-1, -1, -9]), ranked([b"b", b"a", b"d"], [-1, -1, -9]),
         np.inf),
        # Nothing was found a second time.
        (ranked([b"a", b"", b""], [-1, -np.inf, -np.inf]),
         ranked([b"a", b"", b"x"], [-1, -np.inf, -np.inf]), 0),
    ],
)  # fmt: skip
def test_differences(expected, found, distance):
    measured = max(kc.export.differences(expected, found, 1e-4).values())
    assert measured == pytest.approx(distance, rel=1e-3)


def test_made_up_inputs_have_the_shapes_and_types_asked_for():
    specs = {
        "image": Spec((None, None, None, 3), "uint8"),
        "length": Spec((None,), "int64"),
        "ids": Spec((2, None), "int32"),
        "states": Spec((None, 5), "float16"),
        "texts": Spec((None,), "string"),
    }
    made = kc.export.sample_inputs(specs, batch=4, size=8, largest_id=6)
    assert {name: array.shape for name, array in made.items()} == {
        "image": (4, 8, 10, 3), "length": (4,), "ids": (2, 8), "states": (4, 5), "texts": (4,),
    }  # fmt: skip
    for name in ("image", "length", "ids", "states"):
        assert made[name].dtype == specs[name].dtype
    assert made["ids"].max() <= 6 and made["length"].tolist() == [8, 6, 4, 2]
    assert made["image"].max() > 200


def test_batches_are_as_large_as_what_is_asked_demands():
    def answer(inputs):
        if inputs["x"].shape[1] < 20:
            raise ValueError("too small")

    first, second = kc.export.sample_batches({"x": Spec((None, None), "float32")}, answer)
    assert (first["x"].shape, second["x"].shape) == ((3, 32), (1, 48))
    with pytest.raises(ValueError, match="too small"):
        kc.export.sample_batches({"x": Spec((None, 5), "float32")}, answer)


def test_masks_may_differ_where_two_classes_are_as_probable():
    sure, torn = [0.7, 0.2, 0.1], [0.45, 0.45, 0.1]
    said = np.array([[[sure, torn]]], "float32")
    expected = {"masks": np.array([[[0, 0]]], "uint8"), "probabilities": said}
    other = {**expected, "masks": np.array([[[0, 1]]], "uint8")}
    assert kc.export.differences(expected, other, tolerance=1e-4)["masks"] == 0.0
    other = {**expected, "masks": np.array([[[1, 0]]], "uint8")}
    assert kc.export.differences(expected, other, tolerance=1e-4)["masks"] == np.inf
