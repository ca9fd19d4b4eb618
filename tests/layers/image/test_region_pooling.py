"""Maxima over regions, beside loops written after the papers."""

import math

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.core.errors import InputError
from keras_classics.layers import RegionMaxPooling, SpatialPyramidPooling
from support import answering, check_layer

RNG = np.random.default_rng(0)
MAPS = RNG.normal(size=(2, 13, 9, 3)).astype("float32")
# The last lies beyond the map of stride 8, the one before within a cell.
BOXES = np.array(
    [[[0, 0, 104, 72], [8, 16, 60, 40], [30, 9, 103, 70], [50, 50, 52, 53], [90, 60, 140, 130]],
     [[-12, -30, 20, 72], [0, 0, 8, 8], [64, 0, 104, 40], [11, 12, 90, 13], [0, 0, 300, 300]]],
    "float32",
)  # fmt: skip


def half_up(x):
    return math.floor(x + 0.5)


def bins_by_hand(maps, first, end, count):
    """Maxima `(count, count, channels)`: floor and ceil of the paper, 0 where nothing is."""
    found = np.zeros((count, count, maps.shape[-1]), "float32")
    height, width = end[0] - first[0], end[1] - first[1]
    for i in range(count):
        for j in range(count):
            rows = [
                first[0] + math.floor(i * height / count),
                first[0] + math.ceil((i + 1) * height / count),
            ]
            columns = [
                first[1] + math.floor(j * width / count),
                first[1] + math.ceil((j + 1) * width / count),
            ]
            part = maps[max(0, rows[0]) : max(0, rows[1]), max(0, columns[0]) : max(0, columns[1])]
            if part.size:
                found[i, j] = part.max(axis=(0, 1))
    return found


def pooled_by_hand(maps, boxes, count, stride):
    found = []
    for picture, regions in zip(maps, boxes, strict=True):
        for y1, x1, y2, x2 in regions:
            first = half_up(y1 / stride), half_up(x1 / stride)
            last = half_up((y2 - 1) / stride), half_up((x2 - 1) / stride)
            # No further than two cells before and behind the map.
            first, last = (
                [
                    max(-2, min(side + 2, each))
                    for side, each in zip(picture.shape, ends, strict=False)
                ]
                for ends in (first, last)
            )
            end = max(last[0] + 1, first[0] + 1), max(last[1] + 1, first[1] + 1)
            found.append(bins_by_hand(picture, first, end, count))
    return np.reshape(found, (*boxes.shape[:2], count, count, -1))


def test_contract_and_the_pooling_of_fast_rcnn():
    check_layer(RegionMaxPooling(3, stride=8), MAPS, BOXES)
    for count in (1, 3, 7):
        found = np.asarray(answering(RegionMaxPooling(count, stride=8), MAPS, BOXES)(MAPS, BOXES))
        np.testing.assert_array_equal(found, pooled_by_hand(MAPS, BOXES, count, 8))
    # The fifth box of the first picture reaches beyond the map: its outer bins are empty.
    assert (found[0, 4, -1] == 0).all() and (found[0, 4, 0, 0] != 0).all()
    # And the first of the second before it.
    assert (found[1, 0, 0] == 0).all() and (found[1, 0, -1, -1] != 0).all()


def test_contract_and_the_pyramid_of_a_whole_map():
    check_layer(SpatialPyramidPooling((1, 2)), MAPS)
    for levels in ((1, 2, 3, 6), (4,)):
        found = np.asarray(answering(SpatialPyramidPooling(levels), MAPS)(MAPS))
        expected = [
            np.concatenate([bins_by_hand(each, (0, 0), (13, 9), level).ravel() for level in levels])
            for each in MAPS
        ]
        np.testing.assert_array_equal(found, expected)
    maps = np.zeros((1, 5, 5, 256))
    assert answering(SpatialPyramidPooling(), maps)(maps).shape == (1, 12_800)


def test_the_levels_of_a_pyramid_are_the_grids_of_their_sizes_though_some_are_joined_of_others():
    # Below 0 throughout, so that an empty bin of 0 would show.
    maps = MAPS - 9
    for mapping in ("rounded", "centred"):
        levels = (2, 6, 1, 4, 3)
        found = np.asarray(SpatialPyramidPooling(levels, 8, mapping)(maps, BOXES))
        grids = [np.asarray(RegionMaxPooling(level, 8, mapping)(maps, BOXES)) for level in levels]
        parts = [np.reshape(each, (2, 5, -1)) for each in grids]
        np.testing.assert_array_equal(found, np.concatenate(parts, axis=2))
        assert (found == 0).any() == (mapping == "rounded")


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="said of TensorFlow's")
def test_the_pyramid_is_the_adaptive_pooling_of_keras_where_that_runs():
    for level in (2, 3, 6):
        theirs = keras.ops.adaptive_max_pool(keras.ops.convert_to_tensor(MAPS), level)
        ours = SpatialPyramidPooling((level,))(MAPS)
        np.testing.assert_array_equal(np.reshape(ours, theirs.shape), theirs)


def test_contract_and_windows_of_spp_net_have_the_responses_whose_centres_lie_in_them():
    found = check_layer(SpatialPyramidPooling((1, 2), stride=8), MAPS, BOXES)
    layer = SpatialPyramidPooling((1,), stride=8)
    # Pixels 8 to 59 and 16 to 39: centres 16, 24, ..., 56 and 24, 32 lie strictly between.
    alone = np.asarray(answering(layer, MAPS, BOXES)(MAPS, BOXES))
    np.testing.assert_array_equal(alone[0, 1], MAPS[0, 2:8, 3:5].max(axis=(0, 1)))
    # A window without a centre has the place in the middle.
    assert found.shape == (2, 5, 15) and np.isfinite(found).all()
    np.testing.assert_array_equal(alone[0, 3], MAPS[0, 6, 6])


def test_sizes_may_be_known_only_when_there_are_pictures():
    maps, boxes = keras.Input((None, None, 3)), keras.Input((None, 4))
    layers = (
        RegionMaxPooling(3, 8, largest_map=31),
        SpatialPyramidPooling((1, 3), 8, largest_map=31),
    )
    model = keras.Model([maps, boxes], [each(maps, boxes) for each in layers])
    assert model.output_shape == [(None, None, 3, 3, 3), (None, None, 30)]
    whole = keras.Model(maps, SpatialPyramidPooling((1, 2), largest_map=31)(maps))
    for size, count in (((13, 9), 5), ((4, 31), 2), ((1, 1), 1)):
        given = RNG.normal(size=(2, *size, 3)).astype("float32")
        found = model.predict_on_batch([given, BOXES[:, :count]])
        np.testing.assert_array_equal(found[0], pooled_by_hand(given, BOXES[:, :count], 3, 8))
        level = [bins_by_hand(each, (0, 0), size, 1).ravel() for each in given]
        np.testing.assert_array_equal(whole.predict_on_batch(given)[:, :3], level)
    assert model.predict_on_batch([MAPS, np.zeros((2, 0, 4), "float32")])[0].shape == (
        2,
        0,
        3,
        3,
        3,
    )


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="others know sizes")
def test_a_larger_map_than_was_expected_gives_nan_and_no_wrong_maximum():
    import tensorflow as tf

    layer = RegionMaxPooling(2, stride=1, largest_map=12)
    graph = tf.function(layer, input_signature=[tf.TensorSpec((None,) * 3 + (1,)),
                                                tf.TensorSpec((None, None, 4))])  # fmt: skip
    for side in (12, 16, 40, 90):
        maps = RNG.normal(size=(1, side, side, 1)).astype("float32")
        boxes = np.float32([[[0, 0, side, side], [0, 0, 7, side * 2 // 5]]])
        found, expected = graph(maps, boxes).numpy(), layer(maps, boxes)
        right = np.isnan(found) | (found == np.asarray(expected))
        assert right.all() and np.isnan(found[0, 0]).all() == (side > 33)
        assert np.isnan(found[0, 1]).any() == (side == 90)
    detectors = (kc.models.fast_rcnn, kc.models.spp_net)
    image = keras.Input((None, None, 3))
    network = keras.Model(image, keras.layers.Conv2D(2, 3, 4)(image))
    for build in detectors:
        model = build(network, 1, units=(2,), largest_map=300, train_backbone=False)
        assert model.get_layer("region_pooling").largest_map == 300


def test_windows_of_the_papers_training_leave_rows_out_where_levels_do_not_divide():
    maps = RNG.normal(size=(1, 10, 7, 2)).astype("float32")
    found = np.asarray(SpatialPyramidPooling((6, 3), form="windows")(maps))
    parts = []
    for n in (6, 3):
        for i in range(n):
            for j in range(n):
                y, x = i * (10 // n), j * (7 // n)
                parts.append(maps[0, y : y + -(-10 // n), x : x + -(-7 // n)].max(axis=(0, 1)))
    np.testing.assert_array_equal(found[0], np.concatenate(parts))
    # The last three of ten rows are in none of six windows.
    maps[0, 7:] = 99
    assert SpatialPyramidPooling((6,), form="windows")(maps).numpy().max() < 99
    whole = np.float32([[[0, 0, 80, 56]]])
    one = SpatialPyramidPooling((6, 3), 8, "rounded", form="windows")
    np.testing.assert_array_equal(one(maps, whole)[0, 0], one(maps)[0])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="one tape is enough")
def test_the_gradient_goes_to_where_the_maximum_is():
    import tensorflow as tf

    for layer in (RegionMaxPooling(2, stride=8), SpatialPyramidPooling((2,), stride=8)):
        maps = tf.Variable(MAPS)
        weights = RNG.normal(size=np.shape(layer(MAPS, BOXES))).astype("float32")
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(layer(maps, BOXES) * weights)
        found = np.array(tf.convert_to_tensor(tape.gradient(total, maps)))
        for place in RNG.integers(0, [2, 13, 9, 3], size=(25, 4)).tolist():
            moved = MAPS.copy()
            moved[tuple(place)] += 1e-3
            change = float(tf.reduce_sum((layer(moved, BOXES) - layer(MAPS, BOXES)) * weights))
            assert found[tuple(place)] == pytest.approx(change / 1e-3, abs=0.02)
        assert (found != 0).sum() > 10


def test_half_precision_does_not_move_far_corners():
    maps = np.arange(40, dtype="float32").reshape(1, 40, 1, 1) / 64
    # bfloat16 knows 2,000 and 2,016, and nothing between.
    boxes = np.array([[[2009, 0, 2010, 1]]], "float32")
    layer = RegionMaxPooling(1, stride=64, dtype="mixed_bfloat16")
    assert float(np.asarray(keras.ops.cast(layer(maps, boxes), "float32")).squeeze()) == 31 / 64


def test_arguments_that_are_none_are_refused():
    with pytest.raises(InputError, match="'centred'"):
        RegionMaxPooling(mapping="center")
    with pytest.raises(InputError, match="levels"):
        SpatialPyramidPooling(levels=())
    with pytest.raises(InputError, match="size=0"):
        RegionMaxPooling(0)


def test_a_box_beyond_the_map_on_both_sides_has_bins_larger_than_the_maps_shares():
    maps = RNG.normal(size=(1, 9, 9, 2)).astype("float32")
    # From -2 to 12: the middle one of three bins has 6 of 9 cells.
    boxes = np.float32([[[-2, -2, 12, 12], [-2, 0, 12, 9]]])
    for count in (1, 2, 3, 7):
        found = np.asarray(RegionMaxPooling(count, stride=1)(maps, boxes))
        np.testing.assert_array_equal(found, pooled_by_hand(maps, boxes, count, 1))


def test_every_size_of_a_map_and_grid_is_pooled_as_by_hand():
    for side in (1, 2, 5, 8, 16, 23):
        maps = RNG.normal(size=(1, side, side + 3, 1)).astype("float32")
        corners = RNG.integers(-2, side, (1, 12, 2)).astype("float32")
        ends = corners + RNG.integers(1, side + 5, corners.shape)
        boxes = np.concatenate([corners, ends], axis=2).astype("float32")
        for count in (1, 2, 3, 7):
            found = np.asarray(RegionMaxPooling(count, stride=1)(maps, boxes))
            np.testing.assert_array_equal(found, pooled_by_hand(maps, boxes, count, 1))


def test_regions_at_several_scales_are_pooled_each_in_its_own_map():
    maps = [RNG.normal(size=(2, *size, 3)).astype("float32") for size in ((5, 9), (12, 4), (7, 7))]
    boxes = np.float32(RNG.uniform(-10, 60, (2, 9, 2)))
    boxes = np.concatenate([boxes, boxes + RNG.uniform(1, 80, boxes.shape)], axis=2)
    boxes = boxes.astype("float32")
    scale = RNG.integers(0, 3, (2, 9)).astype("int32")
    layers = [RegionMaxPooling(3, 8), SpatialPyramidPooling((1, 2), 8),
              SpatialPyramidPooling((2, 6), 8, "rounded")]  # fmt: skip
    for layer in layers:
        found = np.asarray(answering(layer, maps, boxes, scale)(maps, boxes, scale))
        alone = np.stack([np.asarray(layer(each, boxes)) for each in maps])
        expected = np.take_along_axis(
            alone, scale.reshape(1, 2, 9, *[1] * (found.ndim - 2)), axis=0
        )[0]
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(InputError, match="NearestScale says"):
        layers[0](maps, boxes)
    with pytest.raises(InputError, match="A map and scale="):
        layers[0](maps[0], boxes, scale)
