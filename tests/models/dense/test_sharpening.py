"""Neighbours agree up to the outlines: by loops over pairs, and on what is coarse."""

import numpy as np
import pytest

import keras_classics as kc
from layers.image.test_crf import softmax


@pytest.mark.parametrize("size", [(5, 4), (1, 7)])
def test_one_iteration_by_loops_over_pairs(size):
    rng = np.random.default_rng(0)
    said, drawn = softmax(rng.normal(size=(*size, 3))), rng.random(size)
    (found,) = kc.models.sharpen(
        [said], [drawn], iterations=1, width=1.0, weight=2.0, steepness=3.0
    )
    expected = np.zeros_like(said)
    for y, x in np.ndindex(size):
        message, total = 0.0, 0.0
        for v, u in np.ndindex(size):
            apart = (v - y) ** 2 + (u - x) ** 2
            if apart > 4:
                continue
            steps = max(abs(v - y), abs(u - x), 1)
            way = [
                drawn[y + round(n * (v - y) / steps), x + round(n * (u - x) / steps)]
                for n in range(steps + 1)
            ]
            near = np.exp(-apart / 2)
            total += near
            message = message + near * np.exp(-3 * max(way)) * said[v, u]
        expected[y, x] = softmax(np.log(said[y, x]) + 2 * message / total)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_what_is_coarse_ends_at_the_outlines():
    true = np.zeros((32, 32), int)
    true[9:23, 13:30] = 1
    blocks = np.eye(2)[true].reshape(4, 8, 4, 8, 2).mean((1, 3))
    said = blocks.repeat(8, axis=0).repeat(8, axis=1)
    outlines = (kc.data.boundary_map(true) == 1).astype(float)

    def wrong(answer):
        return np.mean(answer.argmax(-1) != true)

    (found,) = kc.models.sharpen([said], [outlines])
    (blurred,) = kc.models.sharpen([said], [np.zeros_like(outlines)])
    assert wrong(found) < 0.75 * min(wrong(said), wrong(blurred))


def test_what_does_not_fit_is_refused():
    said, drawn = np.full((3, 4, 2), 0.5), np.zeros((3, 4))
    for answers, outlines, told in (
        ([said], [], "1 answers and 0 maps"),
        ([said], [drawn[:2]], "Picture 0: an answer"),
        ([said], [drawn - 1], "no probabilities"),
        ([said * 9], [drawn], "no probabilities"),
        ([said * 0], [drawn], "add up to 1"),
        ([said], [drawn + 2], "no probabilities"),
    ):
        with pytest.raises(kc.InputError, match=told):
            kc.models.sharpen(answers, outlines)


@pytest.mark.parametrize("name", ["width", "weight", "steepness"])
def test_numbers_beyond_single_precision_are_refused(name):
    said, drawn = np.full((3, 4, 2), 0.5), np.zeros((3, 4))
    said[1, 1] = 0.9, 0.1
    for wrong in (1e-300, 1e300):
        with pytest.raises(kc.InputError, match=f"{name}=1e"):
            kc.models.sharpen([said], [drawn], **{name: wrong})
    for edge in (1e-9, 1e9):
        (found,) = kc.models.sharpen([said], [drawn], **{name: edge})
        np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)


def test_a_width_beyond_the_picture_hears_all_of_it_alike():
    said = np.random.default_rng(0).dirichlet(np.ones(3), (3, 4))
    (found,) = kc.models.sharpen([said], [np.zeros((3, 4))], iterations=1, width=1e9, weight=2.0)
    expected = softmax(np.log(said) + 2 * said.mean((0, 1)))
    np.testing.assert_allclose(found, expected, atol=1e-5)
