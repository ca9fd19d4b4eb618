"""The family tree shows the catalogue as it is."""

import pytest
from PIL import Image

import keras_classics as kc
from keras_classics.analysis.drawing.figures.family_tree import PARENTS, TOP, WIDTH
from support import ROOT

CARDS = [kc.card(name) for name in kc.list_models()]
FAMILIES = {card.family for card in CARDS}
SINCE = {family: min(card.year for card in CARDS if card.family == family) for family in FAMILIES}


@pytest.fixture(scope="module")
def figure():
    figure = kc.analysis.family_tree()
    figure.draw_without_rendering()
    return figure


def test_every_family_model_and_year_is_in_the_picture(figure):
    [axes] = figure.axes
    texts = [text.get_text() for text in axes.texts]
    assert {family for family in FAMILIES if texts.count(family) >= 1} == FAMILIES
    words = {word.strip(",") for text in texts for word in text.split()}
    assert set(kc.list_models()) <= words
    assert {str(year) for year in SINCE.values()} <= words
    assert f"{len(CARDS)} models of {len(FAMILIES)} families" in " ".join(texts)


def test_every_model_has_a_disc(figure):
    [axes] = figure.axes
    top = [disc.get_offsets()[0][1] for disc in axes.collections]
    assert sum(y >= TOP for y in top) == len(CARDS)


def test_no_words_leave_the_page(figure):
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert all(box.x0 >= 0 and box.x1 <= WIDTH for box in boxes)


def test_no_words_overlap(figure):
    boxes = [text.get_window_extent().padded(-4) for text in figure.axes[0].texts]
    assert not any(one.overlaps(other) for n, one in enumerate(boxes) for other in boxes[:n])


def test_parents_are_older_families():
    for family, parent in PARENTS.items():
        assert parent in FAMILIES, f"{family} has the unknown parent {parent}"
        if family in FAMILIES:
            assert SINCE[parent] <= SINCE[family]


def test_only_the_perceptron_has_no_parent():
    assert FAMILIES - set(PARENTS) == {"perceptron"}


def test_an_ending_that_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(ValueError, match="ending='.gif' was given. Allowed: '.png'"):
        kc.analysis.draw_family_tree(tmp_path / "tree.gif")


def test_the_readme_shows_a_picture_of_the_width_it_was_drawn_for():
    path = "package/docs/family_tree.png"
    assert path in (ROOT / "README.md").read_text()
    assert "family_tree.png" in (ROOT / "package/docs/catalogue.md").read_text()
    with Image.open(ROOT / path) as picture:
        assert picture.width == WIDTH
