import io
import warnings

import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from keras_classics.core import progress
from keras_classics.core.errors import InputError
from keras_classics.data.faults import Faults
from keras_classics.data.pictures.images import (
    look_at_image,
    measure_image,
    measure_images,
    read_image,
    resolve_size,
)

RED, BLUE = (200, 30, 40), (20, 40, 220)


def _two_halves(size=(6, 4)):
    """A picture of `size` (width, height) whose left half is red and right half blue."""
    picture = Image.new("RGB", size, RED)
    picture.paste(BLUE, (size[0] // 2, 0, size[0], size[1]))
    return picture


def _truncated_jpeg(path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG")
    path.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    return path


def test_rgb_comes_back_as_it_is(tmp_path):
    _two_halves().save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image.shape == (4, 6, 3) and image.dtype == np.uint8
    assert (image[:, :3] == RED).all() and (image[:, 3:] == BLUE).all()


def test_grey_has_three_equal_channels(tmp_path):
    Image.new("L", (3, 2), 77).save(tmp_path / "grey.png")
    Image.new("1", (3, 2), 1).save(tmp_path / "bit.png")
    assert (read_image(tmp_path / "grey.png") == 77).all()
    assert (read_image(tmp_path / "bit.png") == 255).all()


def test_transparency_is_laid_on_white(tmp_path):
    # Half transparent black on white is mid-grey; wholly transparent red is white.
    Image.fromarray(np.array([[[0, 0, 0, 128], [255, 0, 0, 0]]], np.uint8)).save(
        tmp_path / "rgba.png"
    )
    image = read_image(tmp_path / "rgba.png")
    np.testing.assert_array_equal(image[0], [[127, 127, 127], [255, 255, 255]])

    palette = Image.new("P", (2, 1), 0)
    palette.putpalette([*RED, *BLUE])
    palette.putpixel((1, 0), 1)
    palette.save(tmp_path / "palette.png", transparency=1)
    image = read_image(tmp_path / "palette.png")
    np.testing.assert_array_equal(image[0], [RED, (255, 255, 255)])


def test_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg", quality=95)
    np.testing.assert_allclose(read_image(tmp_path / "cmyk.jpg")[4, 4], (255, 0, 0), atol=4)


@pytest.mark.parametrize("name", ["deep.png", "deep.tiff", "deep.pgm"])
def test_sixteen_bits_are_scaled_not_clipped(tmp_path, name):
    Image.fromarray(np.array([[0, 257, 32768, 65535]], np.uint16)).save(tmp_path / name)
    np.testing.assert_array_equal(read_image(tmp_path / name)[0, :, 0], [0, 1, 128, 255])


def test_values_of_unknown_range_are_refused(tmp_path):
    Image.fromarray(np.array([[0.0, 0.5]], np.float32)).save(tmp_path / "float.tiff")
    with pytest.raises(InputError, match="float.tiff.*floating-point"):
        read_image(tmp_path / "float.tiff")
    Image.fromarray(np.array([[0, 70000]], np.int32)).save(tmp_path / "long.tiff")
    with pytest.raises(InputError, match="long.tiff.*70000"):
        read_image(tmp_path / "long.tiff")


@pytest.mark.parametrize(
    ("orientation", "shape", "red_corner"),
    # 3: rotated by 180; 6: turn clockwise, left becomes top; 8: the other way, left is bottom.
    [(1, (40, 60), (0, 0)), (3, (40, 60), (0, -1)), (6, (60, 40), (0, 0)), (8, (60, 40), (-1, 0))],
)
def test_exif_orientation_is_applied(tmp_path, orientation, shape, red_corner):
    exif = Image.Exif()
    exif[0x0112] = orientation
    _two_halves((60, 40)).save(tmp_path / "photo.jpg", exif=exif, quality=95)
    image = read_image(tmp_path / "photo.jpg")
    assert image.shape[:2] == shape == measure_image(tmp_path / "photo.jpg")
    np.testing.assert_allclose(image[red_corner], RED, atol=8)
    np.testing.assert_allclose(image[tuple(-1 - i for i in red_corner)], BLUE, atol=8)


@pytest.mark.parametrize(
    ("orientation", "size", "unseen"),
    # Of a quarter turn only the sides of what is no square tell; 9 turns nothing.
    [(1, (6, 6), False), (3, (6, 4), True), (6, (6, 6), True), (6, (6, 4), False), (9, (6, 4), False)],
)  # fmt: skip
def test_whether_a_picture_is_turned_and_its_size_does_not_tell(
    tmp_path, orientation, size, unseen
):
    exif = Image.Exif()
    exif[0x0112] = orientation
    _two_halves(size).save(tmp_path / "photo.png", exif=exif)
    found = look_at_image(tmp_path / "photo.png")
    assert found.turned_unseen == unseen
    assert found.told() == (
        f", turned by EXIF's orientation {orientation}" * (orientation in (3, 6))
    )


def test_resizing_keeps_the_whole_picture(tmp_path):
    _two_halves((60, 20)).save(tmp_path / "wide.png")
    image = read_image(tmp_path / "wide.png", 8)
    assert image.shape == (8, 8, 3)
    np.testing.assert_array_equal(image[:, 0], [RED] * 8)
    np.testing.assert_array_equal(image[:, -1], [BLUE] * 8)
    assert read_image(tmp_path / "wide.png", (5, 7)).shape == (5, 7, 3)


def test_shrinking_averages_over_the_full_support(tmp_path):
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    # Taking single pixels instead would alias the stripes into black and white.
    np.testing.assert_allclose(read_image(tmp_path / "stripes.png", 8), 127.5, atol=8)


def test_faulty_files_are_named(tmp_path):
    truncated = _truncated_jpeg(tmp_path / "cut.jpg")
    text = tmp_path / "text.png"
    text.write_text("no image")
    for path in (truncated, text, tmp_path / "absent.jpg", tmp_path):
        for read in (read_image, measure_image):
            with pytest.raises(InputError, match=str(path)):
                read(path)


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    Image.new("RGB", (100, 100)).save(tmp_path / "bomb.png")
    for most in (14_998, 9_999, 4_000):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(InputError, match="bomb.png.*pixels"):
                read_image(tmp_path / "bomb.png")
    # Two thirds of it: on its way a picture takes more than its own memory.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 15_000)
    assert read_image(tmp_path / "bomb.png").shape == (100, 100, 3)


@pytest.mark.parametrize("seconds", [2.0, -1.0], ids=["without bar", "with bar"])
def test_many_files_are_measured_in_order(tmp_path, monkeypatch, capsys, seconds):
    monkeypatch.setattr(progress, "SECONDS_WITHOUT_BAR", seconds)
    paths = []
    for side in range(1, 6):
        paths.append(tmp_path / f"{side}.png")
        Image.new("RGB", (side, 2 * side)).save(paths[-1])
    paths.insert(2, _truncated_jpeg(tmp_path / "cut.jpg"))
    faults = Faults()
    sizes = measure_images(paths, faults)
    paths.pop(2)
    assert list(sizes.items()) == list(
        zip(paths, [(2, 1), (4, 2), (6, 3), (8, 4), (10, 5)], strict=True)
    )
    assert len(faults.messages) == 1 and "cut.jpg" in faults.messages[0]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("size", [0, -3, (4,), (4, 0), (4, 5, 3), "224", 22.4])
def test_impossible_sizes_are_refused(size):
    with pytest.raises(InputError, match="image_size"):
        resolve_size(size)


@pytest.mark.parametrize("size", [4, np.int64(4), (4, 4), np.array([4, 4])])
def test_sizes_are_one_number_or_two(size):
    assert resolve_size(size) == (4, 4)


def test_what_is_no_picture_is_told_without_pythons_names(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"garbage")
    with pytest.raises(kc.InputError, match="its content is of none of these formats") as caught:
        read_image(tmp_path / "broken.jpg")
    assert "_io" not in str(caught.value)
