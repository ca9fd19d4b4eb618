"""Facts about the embedded scenes: what is said of a picture is true of its pixels."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.worlds.scene_samples import (
    COLOURS,
    HARD,
    centre,
    holds,
    keeping_apart,
    read,
    silhouette,
)
from keras_classics.core.errors import InputError
from keras_classics.data.worlds.scene_captions import SceneObject
from keras_classics.data.worlds.scene_shapes import draw_sprite
from keras_classics.data.worlds.scenes import CLASSES, SceneOptions, render_scene, scenes


@pytest.fixture(scope="module")
def sample():
    return keeping_apart()


def test_same_seed_and_index_same_scene():
    one, other = render_scene(5, 17, HARD), render_scene(5, 17, HARD)
    for field in ("image", "boxes", "box_labels", "mask"):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
    assert one.captions == other.captions and one.objects == other.objects


def test_scenes_depend_on_nothing_but_seed_and_index():
    expected = render_scene(5, 17).image
    np.random.seed(1)
    render_scene(5, 16)
    np.testing.assert_array_equal(render_scene(5, 17).image, expected)
    pictures = {render_scene(seed, index).image.tobytes() for seed in (0, 1) for index in (0, 1)}
    assert len(pictures) == 4


def test_everything_occurs_and_nothing_else(sample):
    objects = [thing for scene in sample for thing in scene.objects]
    assert {thing.kind for thing in objects} == set(CLASSES) and len(CLASSES) >= 6
    assert {thing.colour for thing in objects} == set(COLOURS)
    assert {thing.size for thing in objects} == {"large", "small"}
    assert {thing.texture for thing in objects} == {"plain", "striped", "dotted"}
    assert {scene.relation for scene in sample} == {
        None, "left", "right", "above", "below", "inside", "touching"
    }  # fmt: skip
    assert {len(scene.objects) for scene in sample} == {1, 2, 3, 4, 5}
    assert {scene.label for scene in sample} == set(range(len(CLASSES)))


def test_boxes_are_tight_on_the_mask(sample):
    for scene in sample + [render_scene(4, index, HARD) for index in range(100)]:
        assert len(np.unique(scene.mask)) == len(scene.objects) + 1
        for number, box in enumerate(scene.boxes):
            rows, columns = np.nonzero(silhouette(scene, number))
            assert box.tolist() == [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]


def test_labels_are_the_kinds(sample):
    for scene in sample:
        assert [CLASSES[label] for label in scene.box_labels] == [t.kind for t in scene.objects]
        assert scene.label == scene.box_labels[0]


def test_the_picture_has_the_named_colours_under_the_mask(sample):
    names, palette = list(COLOURS), np.array(list(COLOURS.values()))
    for scene in sample:
        for number, thing in enumerate(scene.objects):
            if thing.texture == "plain":
                seen = np.median(scene.image[silhouette(scene, number)], axis=0)
                nearest = names[np.abs(palette - seen).sum(1).argmin()]
                assert nearest == thing.colour


def test_textures_are_seen_and_plain_objects_have_none(sample):
    for scene in sample:
        for number, thing in enumerate(scene.objects):
            # Soft edges mix with what is behind, so only pixels well inside count.
            inner = silhouette(scene, number)
            for axis in (0, 0, 1, 1):
                inner = inner & np.roll(inner, 1, axis) & np.roll(inner, -1, axis)
            spread = np.ptp(scene.image[inner].astype(float), axis=0).max() if inner.any() else 0
            assert (spread > 30) == (thing.texture != "plain")


def test_large_and_small_are_clearly_apart(sample):
    for scene in sample:
        for thing, (ymin, xmin, ymax, xmax) in zip(scene.objects, scene.boxes, strict=True):
            assert (max(ymax - ymin, xmax - xmin) > 13) == (thing.size == "large")


def test_colours_are_far_apart_even_with_their_jitter():
    seen = {}
    for colour in COLOURS:
        paints = [
            draw_sprite(
                np.random.default_rng(i), SceneObject("circle", colour, "large", "plain"), 9.0, 64
            ).paint.ravel()
            for i in range(50)
        ]
        seen[colour] = np.array(paints)
    for one in seen:
        for other in seen:
            if one < other:
                gaps = np.abs(seen[one][:, None] - seen[other][None]).max(-1)
                assert gaps.min() > 45, (one, other)


def lens(distance, one, other):
    """Area common to two discs."""
    angle = math.acos((distance**2 + one**2 - other**2) / (2 * distance * one))
    opposite = math.acos((distance**2 + other**2 - one**2) / (2 * distance * other))
    kite = distance * one * math.sin(angle)
    return angle * one**2 + opposite * other**2 - kite


AREAS = {
    "circle": math.pi * 0.92**2,
    "square": 1.4**2,
    "triangle": 3 * math.sqrt(3) * 0.465**2,
    "star": 10 * (0.45 * math.sin(math.pi / 5) / 2),
    "cross": 2 * (1.88 * 0.6) - 0.6**2,
    "ring": math.pi * (0.97**2 - 0.63**2),
    "heart": 2 * 0.74**2 + math.pi * 0.74**2 / 2,
    "crescent": math.pi * 0.91**2 - lens(0.40, 0.91, 0.69),
}


@pytest.mark.parametrize("kind", CLASSES)
def test_outlines_have_the_areas_of_their_figures_within_their_circle(kind):
    radius = 100.0
    thing = SceneObject(kind, "red", "large", "plain")
    for seed in range(3):
        sprite = draw_sprite(np.random.default_rng(seed), thing, radius, 512)
        assert sprite.solid.sum() / radius**2 == pytest.approx(AREAS[kind], rel=0.01)
        assert sprite.coverage.sum() / radius**2 == pytest.approx(AREAS[kind], rel=0.01)
        reach = np.argwhere(sprite.solid) + 0.5 - sprite.half
        assert 0.9 * radius < np.hypot(*reach.T).max() <= radius


def test_without_occlusion_objects_are_apart(sample):
    for scene in sample:
        whole = len(scene.objects)
        for one in range(whole):
            for other in range(one + 1, whole):
                if (one, other) != (0, 1) or scene.relation not in ("inside", "touching"):
                    assert not holds(scene, "touching", one, other)


def test_occlusion_makes_objects_reach_over_each_other_but_hides_none():
    options = SceneOptions(objects=(4, 5), occlusion=1.0)
    meetings = 0
    for index in range(60):
        scene = render_scene(9, index, options)
        for one in range(len(scene.objects)):
            assert silhouette(scene, one).sum() >= 10
            for other in range(max(2, one + 1), len(scene.objects)):
                meetings += holds(scene, "touching", one, other)
    assert meetings > 60


def test_clutter_and_noise_change_the_background_only():
    quiet = SceneOptions(noise=0.0)
    for options in (SceneOptions(noise=0.2), SceneOptions(noise=0.0, clutter=1.0)):
        roughness = []
        for index in range(20):
            plain, hard = (render_scene(2, index, o) for o in (quiet, options))
            np.testing.assert_array_equal(plain.mask, hard.mask)
            assert plain.objects == hard.objects and plain.captions == hard.captions
            ground = (plain.mask == 0)[:, 1:] & (plain.mask == 0)[:, :-1]
            steps = [np.abs(np.diff(s.image.astype(int), axis=1))[ground] for s in (plain, hard)]
            roughness.append(steps[1].mean() / steps[0].mean())
        assert min(roughness) > 1.5


@pytest.mark.parametrize("objects", [(1, 1), (2, 2), (3, 4), (5, 5)])
def test_the_number_of_objects_is_as_asked(objects):
    options = SceneOptions(objects=objects)
    counts = {len(render_scene(0, index, options).objects) for index in range(40)}
    assert counts == set(range(objects[0], objects[1] + 1))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**40),
    index=st.integers(0, 2**40),
    size=st.integers(32, 150),
    most=st.integers(1, 5),
    clutter=st.floats(0, 1),
    occlusion=st.floats(0, 1),
    noise=st.floats(0, 0.5),
)
def test_any_options_give_a_whole_scene(seed, index, size, most, clutter, occlusion, noise):
    options = SceneOptions(size, (1, most), clutter, occlusion, noise)
    scene = render_scene(seed, index, options)
    count = len(scene.objects)
    assert scene.image.shape == (size, size, 3) and scene.image.dtype == np.uint8
    assert scene.mask.shape == (size, size) and scene.mask.dtype == np.uint8
    assert scene.boxes.shape == (count, 4) and scene.boxes.dtype == np.float32
    assert sorted(set(np.unique(scene.mask)) - {0}) == list(range(1, count + 1))
    for caption in scene.captions:
        read(caption, scene)
    if scene.relation in ("left", "right", "above", "below"):
        down, right = centre(scene, 1) - centre(scene, 0)
        assert {"left": right, "right": -right, "above": down, "below": -down}[scene.relation] > 0
    elif scene.relation == "inside" and occlusion == 0.0:
        assert holds(scene, "inside", 1, 0)
    elif scene.relation == "touching" and occlusion == 0.0:
        assert holds(scene, "touching", 0, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 31},
        {"objects": (0, 2)},
        {"objects": (3, 2)},
        {"objects": (1, 6)},
        {"objects": 3},
        {"clutter": 1.5},
        {"occlusion": -0.1},
        {"noise": 0.6},
        {"noise": float("nan")},
    ],
)
def test_bad_options_raise(wrong):
    with pytest.raises(InputError, match=f"{next(iter(wrong))}=.* Allowed: "):
        SceneOptions(**wrong)


def test_bad_numbers_raise():
    for seed, index in ((-1, 0), (0, -1)):
        with pytest.raises(InputError, match="Allowed: "):
            render_scene(seed, index)
    for wrong in ({"count": 0}, {"first": -1}, {"seed": -1}):
        with pytest.raises(InputError, match="Allowed: "):
            scenes(**{"count": 2} | wrong)


def test_scenes_are_rendered_when_they_are_asked_for():
    options = SceneOptions(size=48, objects=(1, 5))
    some = scenes(70, seed=6, first=29, options=options)
    assert len(some) == 70 and len(some[60:]) == 10
    for place in (0, 41, -1):
        scene = render_scene(6, 29 + range(70)[place], options)
        assert some[place].name == scene.name == f"scene-{29 + range(70)[place]:06d}"
        assert some[place].captions == scene.captions
        np.testing.assert_array_equal(some[place].image, scene.image)
    assert [scene.name for scene in some[68:]] == ["scene-000097", "scene-000098"]
    with pytest.raises(IndexError):
        some[70]
