"""Texts in scripts that the usual typeface lacks."""

import warnings

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image

import keras_classics as kc
from keras_classics.analysis.drawing import typefaces
from keras_classics.analysis.drawing.pages import tiles
from keras_classics.analysis.drawing.typefaces import BOX, drawable, plain_font, wrapped


@pytest.fixture(autouse=True)
def nothing_asked_for(monkeypatch):
    monkeypatch.setattr(typefaces, "_asked_for", set())
    monkeypatch.setattr(typefaces, "_installed", tuple)


@pytest.fixture
def cats(tmp_path):
    """A font of few letters, all full squares: the Chinese cat, a, and l and p by which lines lie."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 1000), (1000, 1000), (1000, 0)):
        pen.lineTo(corner)
    pen.closePath()
    square, empty = pen.glyph(), TTGlyphPen(None).glyph()
    font = FontBuilder(1000, isTTF=True)
    letters = {"cat": "猫", "a": "a", "l": "l", "p": "p"}
    font.setupGlyphOrder([".notdef", *letters])
    font.setupCharacterMap({ord(letter): name for name, letter in letters.items()})
    font.setupGlyf({".notdef": empty, **dict.fromkeys(letters, square)})
    font.setupHorizontalMetrics({name: (1000, 0) for name in (".notdef", *letters)})
    font.setupHorizontalHeader(ascent=1000, descent=0)
    font.setupNameTable({"familyName": "Cats", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    path = tmp_path / "cats.ttf"
    font.save(path)
    return str(path)


def test_an_installed_font_with_the_letters_is_taken(cats, monkeypatch, tmp_path):
    monkeypatch.setattr(typefaces, "_installed", lambda: (plain_font(), cats))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert drawable("plain", plain_font()) == ("plain", plain_font())
        assert drawable("猫", plain_font()) == ("猫", cats)
        assert drawable("猫 a", plain_font()) == ("猫 a", cats)
        # Where no font has all, the one that has most.
        page = tiles([np.full((112, 112, 3), 255, "uint8")], ["猫猫猫"])
        kc.analysis.draw_alignments(tmp_path / "a.png", [np.ones((2, 3))], [["猫"]], [["猫"]])
    # Three full squares, where an empty box would leave white within.
    band = page[:, :, 0] < 128
    assert band.sum(axis=1).max() >= 3 * 10


def test_a_font_to_install_is_named_once_and_the_rest_drawn():
    with pytest.warns(UserWarning) as said:
        assert drawable("two 猫 cats", plain_font()) == (f"two {BOX} cats", plain_font())
        assert drawable("犬", plain_font()) == (BOX, plain_font())
    (sentence,) = [str(each.message) for each in said]
    assert sentence.startswith("No installed font has '猫'")
    assert "install Noto Sans CJK (Debian and Ubuntu: apt install fonts-noto-cjk)" in sentence


def test_names_along_an_axis_have_boxes_and_no_warning_for_each_letter(tmp_path):
    with pytest.warns(UserWarning) as said:
        kc.analysis.draw_alignments(tmp_path / "a.png", [np.ones((2, 3))], [["猫犬"]], [["猫"]])
    assert len(said) == 1 and "fonts-noto-cjk" in str(said[0].message)


def test_fonts_are_not_searched_for_what_needs_none(monkeypatch):
    def search():
        raise AssertionError("all fonts of the machine are opened")

    monkeypatch.setattr(typefaces, "_installed", search)
    assert drawable("плain ελ", plain_font()) == ("плain ελ", plain_font())


@pytest.mark.parametrize(
    ("letter", "package"), [("ひ", "cjk"), ("한", "cjk"), ("ক", "core"), ("\U0001f9ff", "symbola")]
)
def test_each_script_has_a_package_of_its_own(letter, package):
    with pytest.warns(UserWarning, match=f"fonts-(noto-)?{package}"):
        drawable(letter, plain_font())


def test_marks_without_a_shape_are_left_out():
    assert drawable("a\ufe0fb\u200dc\td\ne", plain_font()) == ("abc d\ne", plain_font())


def letters(picture):
    """The widths of the letters that stand apart in a line, in pixels, from the left."""
    dark = "".join("x" if each else " " for each in (picture.min(axis=-1) < 200).any(axis=0))
    return [*map(len, dark.split())]


@pytest.mark.skipif(bool(typefaces._layout_to_install()), reason="an old drawing library")
def test_scripts_that_run_leftward_do(tmp_path):
    white = np.full((112, 112, 3), 255, "uint8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # The first letter, shin, is far wider than yod, which the second is.
        left, right = letters(tiles([white], ["שי"]))
        assert right > 2 * left
        kc.analysis.draw_captions(tmp_path / "a.png", [white], ["שי"], [[]])
    page = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    # The first picture's caption, below the title of the page and above the picture.
    left, right = letters(page[page.shape[0] // 6 :, : page.shape[1] // 4])
    assert right > 2 * left


def test_what_lays_lines_out_is_asked_for_once(monkeypatch):
    monkeypatch.setattr("matplotlib.__version_info__", (3, 10))
    monkeypatch.setattr("PIL.features.check", lambda name: name != "fribidi")
    typefaces._layout_to_install.cache_clear()
    with pytest.warns(UserWarning) as said:
        assert drawable("a שלום", plain_font()) == ("a שלום", plain_font())
        drawable("مرحبا", plain_font())
    typefaces._layout_to_install.cache_clear()
    (sentence,) = [str(each.message) for each in said]
    assert sentence == (
        "'ש' is drawn from left to right: install Matplotlib 3.11 (pip install -U matplotlib) and "
        "FriBiDi (Debian and Ubuntu: apt install libfribidi0) and start again"
    )


def test_lines_fit_and_lose_no_letter():
    def width(line):
        return typefaces.width_of(line, 10, plain_font())

    text = "a large orange square around averyveryverylongwordthatfitsnowhere in it"
    for most in (30, 60, 100, 1000):
        lines = wrapped(text, most, width).split("\n")
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert all(width(line) <= most for line in lines)
        short = wrapped(text, most, width, lines=1)
        assert "\n" not in short and width(short) <= most
        assert short.endswith("…") == (len(lines) > 1)
    # As long as they may be: the first word of a line would not have fitted on the one before.
    lines = wrapped("one two three four five", 60, width).split("\n")
    for line, following in zip(lines, lines[1:], strict=False):
        assert width(f"{line} {following.split()[0]}") > 60
