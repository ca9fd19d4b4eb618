"""Length and coverage penalties against published formulas worked by hand."""

import numpy as np
import pytest

from keras_classics.decoding import coverage_penalty, length_penalty

ALPHAS = (0.2, 0.6, 0.65, 0.7, 1.0)
GNMT = {
    1: (1, 1, 1, 1, 1),
    5: (1.10757, 1.35866, 1.39380, 1.42986, 1.66667),
    10: (1.20112, 1.73286, 1.81410, 1.89914, 2.5),
    20: (1.33032, 2.35436, 2.52850, 2.71551, 4.16667),
    50: (1.55755, 3.77856, 4.22121, 4.71572, 9.16667),
}


@pytest.mark.parametrize("column", range(len(ALPHAS)))
def test_gnmt_table(column):
    values = length_penalty(list(GNMT), "gnmt", ALPHAS[column])
    np.testing.assert_allclose(values, [row[column] for row in GNMT.values()], rtol=1e-5)


def test_power_and_none():
    np.testing.assert_allclose(length_penalty([1, 4, 9], "power", 0.5), [1, 2, 3], rtol=1e-6)
    np.testing.assert_allclose(length_penalty([1, 4, 9], None, 0.5), [1, 1, 1])


def test_unknown_method():
    with pytest.raises(ValueError, match="length_penalty='average' was given"):
        length_penalty(3, "average", 1.0)
    with pytest.raises(ValueError, match="coverage_method='wu' was given"):
        coverage_penalty(np.ones(3, "float32"), 1.0, "wu")


def test_coverage_of_two_and_four_steps():
    two = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1]], "float32")
    four = np.concatenate([two, np.array([[0.1, 0.8, 0.1], [0.05, 0.15, 0.8]], "float32")])
    covered = np.stack([two.sum(0), four.sum(0)])
    np.testing.assert_allclose(coverage_penalty(covered, 1.0), [-2.3025851, 0.0], atol=1e-6)
    np.testing.assert_allclose(coverage_penalty(covered, 0.2)[0], 0.2 * -2.3025851, rtol=1e-6)


def test_summary_coverage_of_two_and_four_steps():
    covered = np.array([[1.3, 0.5, 0.2], [1.45, 1.45, 1.1]], "float32")
    np.testing.assert_allclose(coverage_penalty(covered, 1.0, "summary"), [-0.3, -1.0], rtol=1e-5)
    np.testing.assert_allclose(coverage_penalty(covered, 0.2, "summary")[1], -0.2, rtol=1e-5)


def test_coverage_takes_exact_zero_for_padding():
    np.testing.assert_allclose(coverage_penalty(np.array([0.5, 0.0], "float32"), 1.0), np.log(0.5))
