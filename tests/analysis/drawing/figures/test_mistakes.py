"""The page of mistakes begins with the surest."""

import numpy as np

import keras_classics as kc
from keras_classics.analysis.drawing.figures import mistakes


def test_the_surest_mistakes_come_first_and_right_answers_not_at_all(monkeypatch, tmp_path):
    drawn = {}
    monkeypatch.setattr(
        mistakes,
        "draw_tiles",
        lambda path, pictures, titles, heading: drawn.update(
            shown=[int(each.max()) for each in pictures], titles=titles, heading=heading
        ),
    )
    images = np.arange(4, dtype="uint8").reshape(4, 1, 1, 1).repeat(3, axis=3)
    probabilities = np.array([[0.6, 0.4], [0.4, 0.6], [0.1, 0.9], [0.3, 0.7]])
    labels = np.array([0, 0, 0, 0])
    kc.analysis.draw_mistakes(
        tmp_path / "page.png", images, labels, probabilities, ["cat", "dog"], most=2
    )
    assert drawn["shown"] == [2, 3] and drawn["heading"] == "3 of 4 wrong"
    assert drawn["titles"] == ["cat\nas dog (90%)", "cat\nas dog (70%)"]
