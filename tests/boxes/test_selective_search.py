"""Selective search: by hand on four regions, by two engines, on odd pictures."""

import importlib
import importlib.util

import numpy as np
import pytest

from keras_classics.boxes import Truth, proposal_quality, selective_search
from keras_classics.boxes.graph_segmentation import segment
from keras_classics.boxes.region_grouping import Regions, grouped_boxes, similarity
from keras_classics.boxes.selective_search import ENGINES, _has_opencv
from keras_classics.core.errors import InputError
from keras_classics.data import load

pytest.importorskip("numba")
LIBRARY = pytest.mark.skipif(not _has_opencv(), reason="opencv-contrib is not installed")
BOTH = pytest.mark.parametrize(
    "engine", [pytest.param(each, marks=LIBRARY if each == "opencv" else ()) for each in ENGINES]
)


def quarters():
    """Black, dark grey over white, black: of 8 x 12 pixels, the left column 4 wide."""
    image = np.zeros((8, 12, 3), "uint8")
    image[:4, 4:], image[4:, :4] = 60, 255
    regions = np.zeros((8, 12), "int32")
    regions[:4, 4:], regions[4:, :4], regions[4:, 4:] = 1, 2, 3
    return image, regions


def test_similarities_of_four_regions_by_hand():
    regions = Regions.of(*quarters())
    assert regions.sizes.tolist() == [16, 32, 16, 32]
    assert regions.boxes.tolist() == [[0, 0, 4, 4], [0, 4, 4, 12], [4, 0, 8, 4], [4, 4, 8, 12]]
    assert regions.neighbours == [{1, 2}, {0, 3}, {0, 3}, {1, 2}]
    # Flat regions of one colour: both black ones have the same histogram, and no other.
    assert similarity(regions, 0, 3, "C") == pytest.approx(1.0)
    assert similarity(regions, 0, 1, "C") == similarity(regions, 1, 2, "C") == 0.0
    assert similarity(regions, 0, 1, "S") == pytest.approx(1 - 48 / 96)
    # Side by side they fill their box; the two diagonal ones fill half of the picture.
    assert similarity(regions, 0, 1, "F") == pytest.approx(1.0)
    assert similarity(regions, 0, 3, "F") == pytest.approx(1 - (96 - 48) / 96)
    parts = sum(similarity(regions, 0, 1, term) for term in "CTSF")
    assert similarity(regions, 0, 1, "CTSF") == pytest.approx(parts)


def test_histograms_of_a_union_are_means_by_size():
    image, regions = quarters()
    both = regions.copy()
    both[both == 1], both[both == 3] = 0, 1
    joined = Regions.of(image, both)
    parts = Regions.of(image, regions)
    for name in ("colours", "textures"):
        one, other = getattr(parts, name)[:2]
        np.testing.assert_allclose(getattr(joined, name)[0], (16 * one + 32 * other) / 48)


def test_n_regions_that_hang_together_give_2_n_less_1_boxes():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (40, 50, 3)).astype("float32")
    regions = np.kron(np.arange(20).reshape(4, 5), np.ones((10, 10))).astype("int32")
    for terms in ("CTSF", "TSF", "F", "S"):
        boxes = grouped_boxes(Regions.of(image, regions), terms)
        assert len(boxes) == 2 * 20 - 1
        assert boxes[0].tolist() == [0, 0, 40, 50]
    # By size alone the two smallest neighbours are joined first.
    image, four = quarters()
    assert grouped_boxes(Regions.of(image, four), "S")[2].tolist() == [0, 0, 8, 4]


def test_segmentation_finds_flat_regions_and_joins_small_ones():
    image, regions = quarters()
    # Else the two black ones would touch at their corners.
    image[4:, 4:] = 150
    large, parts = (np.kron(each, np.ones((8, 8, 1)[: each.ndim])) for each in (image, regions))
    np.testing.assert_array_equal(segment(large, scale=10, sigma=0.1, least=1), parts)
    large[:2, :2] = 200
    assert segment(large, scale=1, sigma=0.1, least=1).max() == 4
    assert segment(large, scale=1, sigma=0.1, least=8).max() == 3
    assert segment(np.full((5, 7, 3), 9.0), scale=10).max() == 0


@LIBRARY
def test_segmentation_is_nearly_that_of_opencv():
    import cv2

    shares = []
    for seed in range(4):
        scene = load("scenes", seed=seed, train=1, validation=1, test=1, image_size=128).train[0]
        theirs = cv2.ximgproc.segmentation.createGraphSegmentation(0.8, 100, 100)
        expected = theirs.processImage(scene.image)
        found = segment(scene.image, scale=100)
        assert abs(found.max() - expected.max()) <= 2
        # Of the pixels of each of its regions the share that lies in the most alike one of ours.
        for region in np.unique(expected):
            inside = expected == region
            best = max(
                (inside & (found == each)).sum() / (inside | (found == each)).sum()
                for each in np.unique(found[inside])
            )
            shares.append(best * inside.sum() / inside.size)
    assert sum(shares) / 4 >= 0.9


@BOTH
def test_what_is_in_scenes_is_proposed(engine):
    data = load("scenes", train=6, validation=1, test=1, image_size=96)
    found = [selective_search(each.image, least_side=6, engine=engine) for each in data.train]
    classes = len(data.info.classes)
    quality = proposal_quality(found, [Truth.of(each) for each in data.train], classes)
    assert quality.recall == 1.0 and quality.mabo > 0.8
    more = selective_search(data.train[0].image, mode="quality", least_side=6, engine=engine)
    assert len(more) > len(found[0]) > 5


@BOTH
def test_the_order_is_that_of_the_seed_and_the_first_are_of_all_kinds(engine):
    image = load("scenes", train=1, validation=1, test=1, image_size=96, clutter=0.6).train[0].image
    first, again, other = (
        selective_search(image, least_side=4, engine=engine, seed=seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert {tuple(box) for box in first.tolist()} == {tuple(box) for box in other.tolist()}
    assert len(np.unique(first, axis=0)) == len(first)
    np.testing.assert_array_equal(
        selective_search(image, least_side=4, engine=engine, most=5), first[:5]
    )
    assert first.dtype == np.float32 and (first[:, 2:] - first[:, :2]).min() >= 4


@BOTH
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 40), (3, 2, 3), (40, 30), (24, 24, 1), (342, 107, 3), (300, 732, 3)]
)
def test_odd_sizes_and_grey(engine, shape):
    rng = np.random.default_rng(0)
    image = np.kron(rng.integers(0, 255, [-(-shape[0] // 16), -(-shape[1] // 16), *shape[2:]]),
                    np.ones([16, 16, 1][: len(shape)]))[: shape[0], : shape[1]]  # fmt: skip
    found = selective_search(image.astype("uint8"), mode="single", least_side=1, engine=engine)
    assert found.shape[1] == 4 and len(found) >= 1
    assert (found[:, 2:] > found[:, :2]).all()
    assert (found >= 0).all() and (found[:, 2:] <= shape[:2]).all()


@BOTH
def test_a_huge_picture_is_searched_at_a_smaller_size_and_a_flat_one_is_one_region(engine):
    image = np.full((2000, 3000, 3), 90, "uint8")
    image[500:1500, 1000:2000] = [200, 20, 20]
    found = selective_search(image, mode="single", engine=engine, longest_side=300)
    nearest = np.abs(found - [500, 1000, 1500, 2000]).max(axis=1).min()
    assert nearest <= 40
    flat = selective_search(np.full((50, 60, 3), 90, "uint8"), mode="single", engine=engine)
    assert [0, 0, 50, 60] in flat.tolist()
    assert len(selective_search(np.full((5, 5, 3), 90, "uint8"), engine=engine)) == 0


def test_what_is_no_picture_is_refused():
    for image in (np.zeros((4, 4, 2), "uint8"), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), "uint8")):
        with pytest.raises(InputError, match="kc.data.read_image"):
            selective_search(image)
    with pytest.raises(InputError, match="'fast'"):
        selective_search(np.zeros((4, 4, 3), "uint8"), mode="slow")


def test_without_opencv_our_own_form_is_taken(monkeypatch):
    # The function of this name stands for its module.
    module = importlib.import_module("keras_classics.boxes.selective_search")
    monkeypatch.setattr(module, "_has_opencv", lambda: False)
    image = load("scenes", train=1, validation=1, test=1).train[0].image
    np.testing.assert_array_equal(
        selective_search(image, least_side=4), selective_search(image, least_side=4, engine="own")
    )
    if importlib.util.find_spec("cv2") is None:
        with pytest.raises(InputError, match=r"keras-classics\[cv\]"):
            selective_search(image, engine="opencv")


def test_the_texture_of_an_edge_by_hand():
    """A step of 60 along columns, under a Gaussian derivative of width 1."""
    image = np.zeros((20, 21, 3), "uint8")
    image[:, 10:] = 60
    regions = np.repeat(np.arange(7), 3)[None].repeat(20, axis=0)
    found = Regions.of(image, regions).textures.reshape(7, 3, 8, 10)
    expected = np.zeros((7, 8, 10))
    bell = {place: np.exp(-(place**2) / 2) for place in range(-4, 5)}
    for column in range(21):
        # What lies right of the step, each weighed by its distance and the bell.
        beyond = [place * each for place, each in bell.items() if column + place >= 10]
        slope = 60 * sum(beyond) / sum(bell.values())
        for turn in range(8):
            share = max(0.0, slope * np.cos(turn * np.pi / 4)) / (255 / np.sqrt(2 * np.pi))
            expected[column // 3, turn, min(9, int(10 * share))] += 1
    expected /= expected.sum() / 7 * 3
    for channel in range(3):
        np.testing.assert_allclose(found[:, channel], expected, atol=1e-9)
    assert (expected[:, 0, 1:] > 0).any()


@LIBRARY
def test_colours_are_those_of_opencv():
    import cv2

    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), "uint8")
    module = importlib.import_module("keras_classics.boxes.selective_search")
    theirs = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).astype("float32")
    assert np.abs(module._lab(pixels) - theirs).max() <= 1
    shares = module._rgi(np.uint8([[[10, 30, 60], [0, 0, 0]]]))
    np.testing.assert_allclose(shares, [[[25.5, 76.5, 100 / 3], [0, 0, 0]]])


def test_the_settings_are_those_of_the_paper_and_large_boxes_come_early():
    module = importlib.import_module("keras_classics.boxes.selective_search")
    quality = module.MODES["quality"]
    assert quality.colours == ("hsv", "lab", "rgi", "hue", "intensity")
    assert quality.scales == (50, 100, 150, 300)
    assert quality.strategies == ("CTSF", "TSF", "F", "S")
    boxes = np.array([[0, 0, side, side] for side in range(1, 201)], "float64")
    sides = module._in_order(boxes, 0)[:, 2]
    assert sides[:50].mean() > sides[-50:].mean() + 50


def test_arguments_are_looked_at_before_the_search(monkeypatch):
    def searched(*arguments):
        raise AssertionError("searched")

    module = importlib.import_module("keras_classics.boxes.selective_search")
    monkeypatch.setattr(module, "_by_ourselves", searched)
    for wrong in ({"most": 0}, {"seed": -1}):
        with pytest.raises(InputError, match="whole number"):
            selective_search(np.zeros((30, 30, 3), "uint8"), engine="own", **wrong)


def test_the_fast_mode_is_that_of_the_paper():
    module = importlib.import_module("keras_classics.boxes.selective_search")
    fast, single = module.MODES["fast"], module.MODES["single"]
    assert (fast.colours, fast.scales) == (("hsv", "lab"), (50, 100))
    assert fast.strategies == ("CTSF", "TSF")
    assert (single.colours, single.scales, single.strategies) == (("hsv",), (100,), ("CTSF",))


def test_pixels_that_touch_at_a_corner_are_neighbours_both_ways():
    for turned in (False, True):
        pixels = np.zeros((24, 24, 3), "uint8")
        pixels[:12, :12] = pixels[12:, 12:] = 255
        if turned:
            pixels = pixels[:, ::-1].copy()
        # Two regions, each of two squares that touch in one corner only.
        regions = segment(pixels, scale=100, sigma=0.1, least=4)
        assert regions.max() == 1
