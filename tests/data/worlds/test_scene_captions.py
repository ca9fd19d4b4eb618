"""Captions of scenes are true, and tell one scene from another."""

import re

import numpy as np
import pytest

from data.worlds.scene_samples import WORDS, centre, holds, keeping_apart, read


@pytest.fixture(scope="module")
def sample():
    return keeping_apart()


def test_captions_are_true(sample):
    for scene in sample:
        for caption in scene.captions:
            claim, one, other, rest = read(caption, scene)
            if len(scene.objects) == 1:
                assert claim == "place"
                third = (centre(scene, 0) / (64 / 3)).astype(int).tolist()
                assert third == [one, other]
            else:
                assert {one, other} == {0, 1}
                assert holds(scene, claim, one, other), (caption, scene.boxes)
            others = {3: ("2", "one other shape"), 4: ("two other shapes",)}
            assert rest in others.get(len(scene.objects), (None, "three other shapes"))
            assert (rest is None) == (len(scene.objects) < 3)


def test_the_relation_is_that_of_the_captions(sample):
    for scene in sample:
        if scene.relation == "inside":
            assert holds(scene, "inside", 1, 0)
        elif scene.relation:
            assert holds(scene, scene.relation, 0, 1)


def test_the_main_object_can_be_told_from_the_picture(sample):
    for scene in sample:
        sizes = [thing.size for thing in scene.objects]
        if len(sizes) > 1 and sizes[0] == sizes[1]:
            # Of two alike, the left one, or the upper one where they are above each other.
            down, right = centre(scene, 1) - centre(scene, 0)
            assert (right if abs(right) > abs(down) else down) > 0
        assert sizes[:2] != ["small", "large"]
        if scene.relation not in (None, "inside", "touching"):
            assert len(sizes) == 2 or sizes == ["large", "large"] + ["small"] * (len(sizes) - 2)


def test_captions_are_five_different_grammatical_sentences(sample):
    heard = set()
    for scene in sample:
        assert len(set(scene.captions)) == 5
        for caption in scene.captions:
            words = caption.split(" ")
            heard.update(words)
            assert all(one != other for one, other in zip(words, words[1:], strict=False))
            for article, word in re.findall(r"\b(an?) (\w+)", caption):
                assert (article == "an") == (word[0] in "aeiou")
    assert heard == WORDS


def test_the_captions_of_one_scene_agree_and_those_of_another_do_not(sample):
    """Word pairs shared with the other four captions, and with four of another scene."""

    def pairs(caption):
        words = caption.split()
        return set(zip(words, words[1:], strict=False))

    own, foreign = [], []
    for scene, stranger in zip(sample, sample[1:], strict=False):
        first = pairs(scene.captions[0])
        own.append(len(first & set.union(*map(pairs, scene.captions[1:]))) / len(first))
        foreign.append(len(first & set.union(*map(pairs, stranger.captions[1:]))) / len(first))
    assert 0.7 < np.mean(own) < 0.95
    assert np.mean(foreign) < 0.5 * np.mean(own)
