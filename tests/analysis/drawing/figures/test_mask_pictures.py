"""Colours of classes over pictures, and the page of pictures, truth and answers."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from keras_classics.analysis.drawing.figures import mask_pictures
from keras_classics.analysis.drawing.figures.mask_pictures import class_colours, overlay_classes

RED, GREEN = (128, 0, 0), (0, 128, 0)


def test_colours_are_vocs_and_no_two_are_alike():
    assert class_colours(3).tolist() == [[0, 0, 0], [*RED], [*GREEN]]
    assert len({tuple(each) for each in class_colours(255).tolist()}) == 255
    with pytest.raises(kc.InputError, match="classes=300"):
        class_colours(300)


def test_classes_have_their_colours_and_of_class_0_the_picture_is_grey():
    image = np.full((1, 4, 3), 100, "uint8")
    mask = np.array([[0, 1, 255, 7]])
    # 165 + 70 * 100 / 255; what does not count is white, a label beyond the classes black.
    painted = np.array([[192, 192, 192], [*RED], [255, 255, 255], [0, 0, 0]])
    assert overlay_classes(image, mask, 2)[0].tolist() == painted.tolist()
    found = overlay_classes(image, mask, 2, share=0.25)
    np.testing.assert_allclose(found[0], 75 + painted / 4, atol=0.6)
    assert overlay_classes(image, mask, 2, share=0.0).tolist() == image.tolist()
    with pytest.raises(kc.InputError, match="kc.data.resize_mask"):
        overlay_classes(image, mask[:, :3], 2)
    for wrong in (mask / 1.0, mask - 1, mask + 1):
        with pytest.raises(kc.InputError, match=r"whole numbers of 0 to 255.*argmax"):
            overlay_classes(image, wrong, 2)
    with pytest.raises(kc.InputError, match="share"):
        overlay_classes(image, mask, 2, share=60.0)


def test_where_nothing_was_found_no_colour_is_seen():
    # Every colour of a picture, those of the classes too: a network that says 0 of all of them.
    image = np.stack(np.meshgrid(*[np.arange(0, 256, 17)] * 3), -1).reshape(64, 64, 3)
    found = overlay_classes(image.astype("uint8"), np.zeros((64, 64), int), 255)
    assert (found == found[..., :1]).all()
    of_classes = {tuple(each) for each in class_colours(21).tolist()}
    assert not of_classes & {tuple(each) for each in found.reshape(-1, 3).tolist()}
    # What is bright stays so: the picture is to be known again.
    assert found[(image == 255).all(-1)].max() == 235 and found[(image == 0).all(-1)].min() == 165


@pytest.mark.parametrize("title", ["truth", "answer"])
def test_each_picture_is_beside_its_truth_and_what_was_said(tmp_path, monkeypatch, title):
    shown = []
    monkeypatch.setattr(mask_pictures, "write_figure", lambda path, figure: shown.append(figure))
    rng = np.random.default_rng(0)
    examples = [
        SimpleNamespace(
            image=rng.integers(0, 256, (6, 8, 3), "uint8"), name=f"p{n}",
            class_mask=np.where(np.arange(48).reshape(6, 8) < 6 * n, 1, np.eye(6, 8, 2) * 255)
            .astype("uint8"),
        )
        for n in range(3)
    ]  # fmt: skip
    answers = None if title == "answer" else [each.class_mask == 0 for each in examples]
    answers = answers and [each.astype(int) for each in answers]
    mask_pictures.draw_masks(
        tmp_path / "page.png", examples, ["road", "sky", "car"], answers, title=title
    )
    (figure,) = shown
    axes = [axis for axis in figure.axes if axis.images]
    each = 2 if answers is None else 3
    titles = [axis.get_title() for axis in axes]
    assert titles == [
        text for n in range(3) for text in (f"p{n}", title, *["answer"] * (each == 3))
    ]
    for number, example in enumerate(examples):
        own = [axis.images[0].get_array() for axis in axes[each * number : each * (number + 1)]]
        np.testing.assert_array_equal(own[0], example.image)
        expected = overlay_classes(example.image, example.class_mask, 3)
        np.testing.assert_array_equal(own[1], expected)
        if answers is not None:
            expected = overlay_classes(example.image, answers[number], 3)
            np.testing.assert_array_equal(own[2], expected)
    # Only what is to be seen is in the legend.
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["road", "sky", "does not count"]
    # Colours of the legend are those that were painted; of class 0 one of the greys.
    grey, red, white = [patch.get_facecolor()[:3] for patch in legend.get_patches()]
    assert red == pytest.approx((128 / 255, 0, 0)) and white == (1, 1, 1)
    assert grey == pytest.approx((200 / 255,) * 3)
    painted = {tuple(each) for each in axes[1 + each].images[0].get_array().reshape(-1, 3).tolist()}
    assert {(128, 0, 0), (255, 255, 255)} <= painted


def test_the_page_is_written(tmp_path):
    example = SimpleNamespace(
        image=np.full((40, 30, 3), 200, "uint8"), name="one", class_mask=np.ones((40, 30), int)
    )
    kc.analysis.draw_masks(tmp_path / "page.png", [example], ["road", "sky"])
    page = np.asarray(Image.open(tmp_path / "page.png").convert("RGB")).reshape(-1, 3)
    for examples, answers in (([], None), ([example], []), ([example], [example.class_mask] * 2)):
        with pytest.raises(kc.InputError, match="an answer for each"):
            kc.analysis.draw_masks(tmp_path / "none.png", examples, ["road", "sky"], answers)
    assert (page == [*RED]).all(1).any() and (page == 200).all(1).any()
