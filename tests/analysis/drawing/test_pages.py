"""Pages of pictures: every pixel is where and what it is said to be."""

import matplotlib
import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from keras_classics.analysis.drawing import pages as pictures
from keras_classics.analysis.drawing.pages import GAP, displayable, overlay, tiles
from keras_classics.analysis.drawing.typefaces import shortened


def random_images(shape, dtype="uint8"):
    return np.random.default_rng(0).integers(0, 256, shape).astype(dtype)


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_images_of_any_range_become_pixels(channels):
    images = random_images((2, 5, 6, *channels))
    images[0].flat[:2], images[1].flat[:2] = (0, 255), (0, 255)
    shown = displayable(images)
    assert shown.shape == (2, 5, 6, 3) and shown.dtype == np.uint8
    np.testing.assert_array_equal(shown[..., 0], images[..., 0] if channels else images)
    for given in (images / 255, images / 127.5 - 1, images * 3.0 - 4):
        np.testing.assert_array_equal(displayable(given), shown)


def test_flat_images_are_shown_without_a_warning():
    assert displayable(np.full((1, 2, 2), -3.0)).max() == 0
    assert displayable(np.full((1, 2, 2), 0.5)).max() == 128


def test_nothing_is_painted_where_the_map_is_zero_and_all_where_it_is_one():
    images = random_images((2, 4, 4, 3))
    maps = np.zeros((2, 4, 4))
    np.testing.assert_array_equal(overlay(images, maps), images)
    maps[0, 1, 2] = 1.0
    painted = overlay(images, maps, strength=1.0, colours="viridis")
    colour = matplotlib.colormaps["viridis"](0.9, bytes=True)[:3]
    np.testing.assert_array_equal(painted[0, 1, 2], colour)
    assert (painted != images).any(axis=-1).sum() == 1
    half = overlay(images, maps, strength=0.5, colours="viridis")[0, 1, 2]
    np.testing.assert_allclose(half, (images[0, 1, 2] / 2 + np.array(colour) / 2), atol=0.51)


def test_a_smaller_map_is_stretched_over_the_image():
    black = np.zeros((1, 40, 60, 3), "uint8")
    painted = overlay(black, [[[0, 1], [0, 0]]], strength=1.0, colours="gray")[0, :, :, 0]
    assert painted[:10, 45:].min() >= 229 and painted[:, :15].max() == 0
    assert (np.diff(painted[0].astype(int)) >= 0).all()


@pytest.mark.parametrize(
    ("maps", "arguments", "message"),
    [
        (np.ones((2, 3, 3)), {}, r"\(2, 3, 3\).*one map for each image"),
        (np.ones((1, 3, 3, 1)), {}, "one map for each image"),
        (np.full((1, 3, 3), 1.5), {}, "to 1.5.*kc.analysis.normalized"),
        (np.full((1, 3, 3), np.nan), {}, "nan.*kc.analysis.normalized"),
        (np.ones((1, 3, 3)), {"strength": 2}, "strength=2"),
        (np.ones((1, 3, 3)), {"colours": "mud"}, "'mud'.*turbo"),
    ],
)
def test_maps_that_cannot_be_laid_over(maps, arguments, message):
    with pytest.raises(ValueError, match=message):
        overlay(np.zeros((1, 3, 3, 3), "uint8"), maps, **arguments)


@pytest.mark.parametrize("shape", [(4, 4), (1, 4, 4, 2)])
def test_what_is_no_image(shape):
    with pytest.raises(ValueError, match="1 or 3 channels.*Give pictures"):
        displayable(np.zeros(shape))


def test_pictures_stand_in_their_cells_unchanged():
    images = random_images((5, 120, 130, 3))
    page = tiles(list(images), columns=3)
    assert page.shape == (GAP + 2 * (120 + GAP), GAP + 3 * (130 + GAP), 3)
    for number, image in enumerate(images):
        row, column = divmod(number, 3)
        top, left = GAP + row * (120 + GAP), GAP + column * (130 + GAP)
        np.testing.assert_array_equal(page[top : top + 120, left : left + 130], image)
    assert (page[-GAP:] == 255).all() and (page[:, -GAP:] == 255).all()


def test_small_pictures_grow_by_whole_pixels_and_large_ones_shrink():
    small = random_images((28, 28, 3))
    page = tiles([small])
    np.testing.assert_array_equal(page[GAP : GAP + 112 : 4, GAP : GAP + 112 : 4], small)
    assert tiles([random_images((900, 600, 3))]).shape == (224 + 2 * GAP, 149 + 2 * GAP, 3)


def test_titles_and_heading_take_room_and_ink():
    image = np.zeros((112, 112, 3), "uint8")
    bare = tiles([image, image])
    titled = tiles([image, image], ["one\ntwo", ""], inks=["red", "black"])
    assert len(titled) > len(bare) and titled.shape[1] == bare.shape[1]
    above = titled[: len(titled) - 112 - GAP].astype(int)
    red = (above[..., 0] > 200) & (above[..., 1] < 50)
    assert red[:, : 112 + GAP].any() and not red[:, 112 + 2 * GAP :].any()
    headed = tiles([image], heading="a heading wider than one single picture is")
    assert headed.shape[1] > 112 + 2 * GAP and len(headed) > len(bare)
    assert len(tiles([], heading="nothing to show")) < 40
    # What does not fit is cut, and shows it.
    assert shortened("a long title " * 9, 30, len).endswith("…")
    assert tiles([image], ["a long title " * 9]).shape[1] == 224 + 2 * GAP


@pytest.mark.parametrize(
    "arguments", [{"titles": ["a"]}, {"inks": ["red"]}, {"columns": 0}], ids=str
)
def test_grids_that_cannot_be_laid_out(arguments):
    with pytest.raises(ValueError, match="2 pictures.*one title and one ink each"):
        tiles(np.zeros((2, 4, 4, 3), "uint8"), **arguments)
    with pytest.raises(ValueError, match="0 pictures.*or a heading"):
        tiles([])


def test_pages_are_stacked_on_white():
    pages = [np.zeros((4, 30, 3), "uint8"), np.zeros((6, 20, 3), "uint8")]
    whole = pictures.stacked(pages)
    assert whole.shape == (10, 30, 3)
    assert (whole[4:, 20:] == 255).all() and whole[4:, :20].max() == 0
    assert len(pictures.stacked(pages, "heading")) > 20


def test_files_hold_the_image_beside_its_map(tmp_path):
    images = random_images((2, 112, 112, 3))
    pictures.draw_maps(tmp_path / "m.png", images, np.zeros((2, 7, 7)), ["a", "b"], columns=1)
    written = np.asarray(Image.open(tmp_path / "m.png"))
    assert written.shape[1] == 2 * 112 + GAP // 2 + 2 * GAP
    for left in (GAP, GAP + 112 + GAP // 2):
        np.testing.assert_array_equal(written[-112 - GAP : -GAP, left : left + 112], images[1])
    pictures.draw_tiles(tmp_path / "t.png", images, columns=2)
    np.testing.assert_array_equal(Image.open(tmp_path / "t.png"), tiles(images, columns=2))


def test_pictures_of_a_page_are_read_as_those_of_maps(tmp_path):
    floats = np.random.default_rng(0).random((2, 8, 8, 3), "float32")
    page = tiles(floats)
    np.testing.assert_array_equal(page, tiles(np.round(255 * floats).astype("uint8")))
    with pytest.raises(kc.InputError, match="Images of shape"):
        kc.analysis.draw_tiles(tmp_path / "x.png", [np.zeros((4, 4, 7))])
    maps = np.ones((2, 8, 8))
    with pytest.raises(kc.InputError, match=r"end in \.png.* Write 'cam5\.png'"):
        kc.analysis.draw_maps(tmp_path / "cam5", floats, maps)
    kc.analysis.draw_maps(tmp_path / "cam5.png", floats, maps)


def test_maps_too_faint_to_be_seen_are_refused_as_those_too_strong():
    images, maps = np.zeros((1, 8, 8)), np.random.default_rng(0).random((1, 8, 8))
    for factor in (1e-4, 1e2):
        with pytest.raises(kc.InputError, match=r"Use kc\.analysis\.normalized\(maps\)"):
            overlay(images, factor * maps)
        assert overlay(images, kc.analysis.normalized(factor * maps)).any()
    assert not overlay(images, 0 * maps).any()
