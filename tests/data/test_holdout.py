"""What is held out: a share of every class, whole groups, the same by the same seed."""

import numpy as np
import pytest

import keras_classics as kc
from keras_classics.data.holdout import equal_groups, hold_out


def test_a_share_of_every_class_is_held_out():
    labels = np.repeat([0, 1, 2], [40, 10, 2])
    kept, held = hold_out(labels, 0.1, 0, "test")
    assert np.bincount(labels[held]).tolist() == [4, 1, 1]
    assert sorted([*kept, *held]) == list(range(52))
    assert hold_out(labels, 0.1, 0, "test")[1].tolist() == held.tolist()
    assert hold_out(labels, 0.1, 1, "test")[1].tolist() != held.tolist()


def test_the_last_of_a_class_stays():
    kept, held = hold_out([5], 0.9, 0, "test")
    assert (kept.tolist(), held.tolist()) == ([0], [])


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_groups_are_on_one_side_and_the_share_is_of_examples(share):
    draw = np.random.default_rng(1)
    groups = draw.integers(0, 60, 400)
    kept, held = hold_out(np.zeros(400), share, 3, "test", groups)
    assert not set(groups[kept]) & set(groups[held])
    most = np.bincount(groups).max()
    assert round(share * 400) - most < len(held) <= round(share * 400)


@pytest.mark.parametrize("seed", range(8))
def test_a_group_that_is_nearly_all_stays(seed):
    groups = np.array([0] * 1000 + list(range(1, 11)))
    kept, held = hold_out(np.zeros(1010), 0.1, seed, "test", groups)
    assert len(kept) >= 1000 and 1 <= len(held) <= 10


def test_examples_that_share_a_side_are_joined_through_others():
    english = ["a", "b", "a", "c", "d", "e"]
    french = ["1", "2", "3", "3", "4", "2"]
    # a-1, a-3, c-3 hang together, b-2 and e-2 too.
    assert equal_groups(english, french).tolist() == [0, 1, 0, 0, 4, 1]
    assert equal_groups(english).tolist() == [0, 1, 0, 3, 4, 5]


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_no_share_is_refused(share):
    with pytest.raises(kc.InputError, match="validation=.* was given"):
        hold_out([0, 1], share, 0, "validation")


def test_parallel_lines_are_new_in_every_language(tmp_path):
    rows = [(f"a{n % 50}", f"b{n % 40}") for n in range(400)] + [
        (f"x{n}", f"y{n // 2}") for n in range(200)
    ]
    for language, column in zip(("en", "fr"), zip(*rows, strict=True), strict=True):
        (tmp_path / f"t.{language}").write_text("\n".join(column))
    data = kc.data.load(f"parallel:{tmp_path}/t.en,{tmp_path}/t.fr")
    for language in ("en", "fr"):
        sides = [
            {each.texts[language] for each in getattr(data, split)}
            for split in ("train", "validation", "test")
        ]
        assert all(sides) and sum(map(len, sides)) == len(set.union(*sides))
