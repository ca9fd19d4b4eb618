import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from keras_classics.analysis import (
    draw_alignments,
    draw_projection,
    group_cosines,
    principal_components,
)
from keras_classics.core.errors import InputError


def test_components_are_those_of_the_covariance():
    states = np.random.default_rng(0).normal(size=(20, 6)) @ np.diag([9, 4, 1, 1, 1, 1]) + 5
    coordinates, shares = principal_components(states, 3)
    values, vectors = np.linalg.eigh(np.cov(states.T))
    np.testing.assert_allclose(shares, values[::-1][:3] / values.sum())
    expected = (states - states.mean(axis=0)) @ vectors[:, ::-1][:, :3]
    np.testing.assert_allclose(np.abs(coordinates), np.abs(expected), atol=1e-10)
    np.testing.assert_allclose(principal_components(-states, 3)[0], coordinates * np.sign(
        coordinates[0] / principal_components(-states, 3)[0][0]))  # fmt: skip


def test_cosines_within_and_between_groups_by_hand():
    # Centred already: two opposite pairs.
    states = np.array([[1.0, 0], [2, 0], [-1, 0], [-2, 0]])
    assert group_cosines(states, ["a", "a", "b", "b"]) == pytest.approx((1.0, -1.0))
    assert group_cosines(states, ["a", "b", "a", "b"]) == pytest.approx((-1.0, 0.0))


@pytest.mark.parametrize("groups", ["aaaa", "abcd"])
def test_groups_that_cannot_be_compared(groups):
    with pytest.raises(InputError, match="two groups or more"):
        group_cosines(np.eye(4), groups)


def test_too_few_states_are_refused():
    with pytest.raises(InputError, match=r"\(1, 4\)"):
        principal_components(np.ones((1, 4)))


def test_pictures_are_written(tmp_path):
    draw_alignments(
        tmp_path / "a.png", [np.eye(9, 12), np.eye(3, 4)], [["x"], ["y", "z"]], [["u"], ["v", "w"]]
    )
    draw_projection(tmp_path / "p.png", np.eye(3, 2), "abc", ["one", "one", "two"], (0.7, 0.2))
    assert Image.open(tmp_path / "a.png").width > 500
    assert Image.open(tmp_path / "p.png").width > 500


def test_groups_are_laid_into_the_plane_in_their_order(tmp_path):
    groups = [("a", ["one", "uno"]), ("b", ["two", "due", "deux"])]
    states = {"one": [4, 0, 0], "uno": [4, 1, 0], "two": [-4, 0, 1], "due": [-4, 1, 0]}
    states["deux"] = [-4, 0, 0]
    found = kc.analysis.project_groups(groups, lambda texts: np.array([states[t] for t in texts]))
    assert found.columns["group"] == ["a", "a", "b", "b", "b"] and len(found) == 5
    assert found.columns["sentence"] == ["one", "uno", "two", "due", "deux"]
    np.testing.assert_allclose(np.stack([found.columns["x"], found.columns["y"]], 1),
                               found.coordinates)  # fmt: skip
    expected = kc.analysis.group_cosines(np.array(list(states.values())), found.columns["group"])
    assert (found.within, found.between) == expected and found.within > 0.9 > found.between
    assert "encoder states of 5 sentences" in found.told
    found.draw(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 1000
