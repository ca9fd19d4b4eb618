"""What the pixels of a mask file mean: palettes, few bits, many bits, loss, tables of colours."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from data.pictures.mask_samples import labels, write
from keras_classics.core.errors import InputError
from keras_classics.data.pictures.formats.mask_files import read_colours

TABLE = "0 0 0 background\n128 0 0 aeroplane\n0 128 0 bicycle\n224 224 192 void\n"
COLOURS = np.full((256, 3), (224, 224, 192), "uint8")
COLOURS[:3] = [(0, 0, 0), (128, 0, 0), (0, 128, 0)]


def png(path, rows, width, bits, kind):
    """A PNG of bytes that lie ready, as Pillow does not write all kinds."""

    def part(name, content):
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, len(rows), bits, kind, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    begin = b"\x89PNG\r\n\x1a\n"
    path.write_bytes(begin + part(b"IHDR", head) + part(b"IDAT", pixels) + part(b"IEND", b""))
    return path


def test_a_palette_in_order_of_appearance_is_read_by_its_colours(tmp_path):
    mask = labels()
    table = tmp_path / "table.txt"
    table.write_text(TABLE)
    path = tmp_path / "adaptive.png"
    Image.fromarray(COLOURS[mask]).quantize(4).save(path)
    # Nothing but the table says what the numbers mean.
    assert not np.array_equal(kc.data.read_mask(path), mask)
    np.testing.assert_array_equal(kc.data.read_mask(path, colours=table), mask)
    # A palette of other colours is one for the eye: its numbers are the classes.
    path = write(tmp_path / "pretty.png", mask, "P")
    np.testing.assert_array_equal(kc.data.read_mask(path, colours=table), mask)


def test_a_palette_of_which_the_table_knows_a_part_is_refused_and_the_remedies_work(tmp_path):
    mask = labels()
    table, path = tmp_path / "table.txt", tmp_path / "smoothed.png"
    table.write_text(TABLE)
    colours = COLOURS[mask]
    colours[3, 4] = (60, 64, 3)
    Image.fromarray(colours).quantize(8).save(path)
    with pytest.raises(InputError, match=r"of no class in 1 pixels, such as \(60, 64, 3\)"):
        kc.data.read_mask(path, colours=table)
    table.write_text(f"{TABLE}60 64 3 void\n")
    expected = mask.copy()
    expected[3, 4] = 255
    np.testing.assert_array_equal(kc.data.read_mask(path, colours=table), expected)
    # Of greys in a palette the table may know white, which is then the number 255 all the same.
    table.write_text("9 9 9 road\n8 8 8 car\n255 255 255 void\n")
    greys = bytes(np.arange(256, dtype="uint8").repeat(3).tobytes())
    path = write(tmp_path / "greys.png", mask, "P", greys)
    np.testing.assert_array_equal(kc.data.read_mask(path, colours=table), mask)


def test_the_colours_of_great_numbers_of_a_palette_are_their_own(tmp_path):
    mask = np.array([[1, 100, 200], [200, 1, 100]], "uint8")
    palette = np.zeros((256, 3), "uint8")
    palette[[1, 100, 200]] = [(0, 0, 1), (0, 0, 2), (0, 0, 3)]
    table = tmp_path / "table.txt"
    table.write_text("0 0 1 one\n0 0 2 two\n0 0 3 three\n")
    path = write(tmp_path / "great.png", mask, "P", palette.tobytes())
    found = kc.data.read_mask(path, colours=table)
    np.testing.assert_array_equal(found, [[0, 1, 2], [2, 0, 1]])


@pytest.mark.parametrize(("bits", "most"), [(1, 1), (2, 3), (4, 15)])
def test_grey_of_few_bits_has_the_numbers_that_were_written(tmp_path, bits, most):
    mask = np.random.default_rng(0).integers(0, most + 1, (5, 16))
    shifts = 2 ** (bits * np.arange(8 // bits)[::-1])
    rows = (mask.reshape(5, -1, 8 // bits) * shifts).sum(-1)
    path = png(tmp_path / "grey.png", rows.tolist(), 16, bits, 0)
    np.testing.assert_array_equal(kc.data.read_mask(path), mask)


@pytest.mark.parametrize(("channels", "kind"), [(1, 0), (3, 2), (2, 4), (4, 6)])
def test_sixteen_bits_are_refused_whatever_the_colours(tmp_path, channels, kind):
    path = png(tmp_path / "deep.png", [[0, 1] * channels * 3] * 2, 3, 16, kind)
    with pytest.raises(InputError, match=r"deep.png has 16 bits.*8-bit PNG"):
        kc.data.read_mask(path)


@pytest.mark.parametrize("ending", ["jpg", "jp2", "webp", "avif", "gif", "tif"])
def test_formats_with_loss_are_refused(tmp_path, ending):
    path = tmp_path / f"mask.{ending}"
    more = {"compression": "jpeg"} if ending == "tif" else {}
    try:
        Image.fromarray(labels()).save(path, **more)
    except (KeyError, OSError, ValueError):
        pytest.skip(f"this Pillow writes no {ending}")
    with pytest.raises(InputError, match="which changes values where classes meet"):
        kc.data.read_mask(path)
    if ending == "tif":
        Image.fromarray(labels()).save(path)
        np.testing.assert_array_equal(kc.data.read_mask(path), labels())


@pytest.mark.parametrize(
    "line",
    [
        "128 64 128 lane 2", "lane 2,128,64,128", "2,lane 2,128,64,128", "128,64,128,lane 2",
        "lane 2;128;64;128", "7,0,1,lane 2,128,64,128",
    ],
)  # fmt: skip
def test_names_with_numbers_and_numbered_lines(tmp_path, line):
    file = tmp_path / "table.csv"
    file.write_text(f"name,r,g,b\n{line}\n0,0,0,road\n")
    names, colours = read_colours(file)
    assert names == ("lane 2", "road") and colours == {(128, 64, 128): 0, (0, 0, 0): 1}


def test_four_numbers_and_no_name_are_refused(tmp_path):
    file = tmp_path / "table.txt"
    file.write_text("2 128 64 128\n")
    with pytest.raises(InputError, match=r"'2 128 64 128'.*4 numbers and no name"):
        read_colours(file)


@pytest.mark.parametrize(
    "lines",
    [
        "1 255 0 0 a\n2 0 255 0 b\n3 0 0 255 c d",
        "0 255 0 0 a\n7 0 255 0 b\n11 0 0 255 c d",
        "id,r,g,b,name\n0,255,0,0,a\n1,0,255,0,b\n2,0,0,255,c d",
        "r,g,b,id,name\n255,0,0,0,a\n0,255,0,1,b\n0,0,255,2,c d",
        "id,name,r,g,b\n5,a,255,0,0\n2,b,0,255,0\n9,c d,0,0,255",
        "# of 3 classes, 2026\n255 0 0 a\n\n0 255 0 b\n# 0 255 255 none\n0 0 255 c d",
        "255 0 0 a # red\n0 255 0 b\t#1 of 2\n 0 0 255 c d #",
        "a,255,0,0 # red, 1\nb,0,255,0\nc d,0,0,255  # 2",
        "1 255 0 0 a # 1, 2, 3\n2 0 255 0 b\n3 0 0 255 c d",
    ],
)  # fmt: skip
def test_the_number_of_a_class_is_no_part_of_its_colour(tmp_path, lines):
    file = tmp_path / "table.txt"
    file.write_text(lines)
    names, colours = read_colours(file)
    assert names == ("a", "b", "c d")
    assert colours == {(255, 0, 0): 0, (0, 255, 0): 1, (0, 0, 255): 2}


def test_names_may_begin_with_a_number(tmp_path):
    file = tmp_path / "table.txt"
    file.write_text("128 0 0 2 wheelers\n0 0 9 4 wheelers\n")
    assert read_colours(file)[0] == ("2 wheelers", "4 wheelers")


@pytest.mark.parametrize("line", ["0 255 b", "-1 0 0 b", "0.5 0 0 b", "1000 0 0 b", "b", "0 0 b 0"])
@pytest.mark.parametrize("place", [0, 1])
def test_no_line_is_passed_over_whose_class_the_others_would_take(tmp_path, line, place):
    file = tmp_path / "table.txt"
    lines = ["255 0 0 a", "0 0 255 c"]
    lines.insert(place, line)
    file.write_text("\n".join(lines))
    if line == "b" and place == 0:
        # A heading, for all that is known.
        assert read_colours(file)[0] == ("a", "c")
        return
    with pytest.raises(InputError, match=f"line {place + 1}, is '{line}'"):
        read_colours(file)
    file.write_text(file.read_text().replace(line, f"# {line}"))
    assert read_colours(file)[0] == ("a", "c")


@pytest.mark.parametrize("name", ["void", "Void", "unlabelled", "unlabeled", "ignore", "ignored"])
def test_what_is_named_void_does_not_count(tmp_path, name):
    file = tmp_path / "table.txt"
    file.write_text(f"0 0 0 road\n9 9 9 {name}\n7 7 7 sky\n")
    names, colours = read_colours(file)
    assert names == ("road", "sky")
    assert colours == {(0, 0, 0): 0, (9, 9, 9): 255, (7, 7, 7): 1}


def test_a_name_may_have_the_sign_of_comments_in_it(tmp_path):
    file = tmp_path / "table.txt"
    file.write_text("1 1 1 C#\n2 2 2 a#b # and so on\n")
    assert read_colours(file)[0] == ("C#", "a#b")


def test_numbers_that_go_up_by_one_are_those_of_classes_whatever_the_colours(tmp_path):
    file = tmp_path / "table.txt"
    # The blues go up too, as numbers of classes behind the colours would.
    file.write_text("0 0 0 10 a\n1 0 0 20 b\n2 0 0 30 c\n")
    names, colours = read_colours(file)
    assert names == ("a", "b", "c")
    assert colours == {(0, 0, 10): 0, (0, 0, 20): 1, (0, 0, 30): 2}


def test_a_name_before_its_colour_may_begin_with_numbers(tmp_path):
    file = tmp_path / "table.txt"
    file.write_text("1 2 3 4 go 9 9 9\n2 4 6 8 stop 7 7 7\n")
    names, colours = read_colours(file)
    assert names == ("1 2 3 4 go", "2 4 6 8 stop") and colours == {(9, 9, 9): 0, (7, 7, 7): 1}
