"""Moving scenes: the label is in the order of the frames alone."""

import numpy as np
import pytest

import keras_classics as kc
from keras_classics.data.worlds.moving_scenes import EVENTS
from keras_classics.data.worlds.scene_shapes import _PALETTE


@pytest.mark.parametrize("task", EVENTS)
def test_every_clip_has_a_twin_of_the_same_frames_and_the_other_label(task):
    clips = kc.data.moving_scenes(40, task)
    for first, second in zip(clips[::2], clips[1::2], strict=True):
        np.testing.assert_array_equal(first.frames, second.frames[::-1])
        assert {first.label, second.label} == {0, 1}
        # What is shown is the same, what happens is not.
        assert first.captions != second.captions
        assert first.captions[0].split()[:3] == second.captions[0].split()[:3]
        assert EVENTS[task][first.label] in first.captions[0]
    assert 0.2 < np.mean([clip.label for clip in clips[::2]]) < 0.8
    # Pure: the same index is the same clip, whatever is asked before.
    again = kc.data.moving_scenes(1, task, first=17)[0]
    np.testing.assert_array_equal(again.frames, clips[17].frames)


def across(clip):
    """The place of an object from side to side, as an angle, in each frame."""
    ink = clip.frames.astype(float).min(axis=-1) < 150
    angles = np.exp(2j * np.pi * np.arange(clip.frames.shape[2]) / clip.frames.shape[2])
    return np.angle((ink.sum(axis=1) * angles).sum(axis=1))


def test_directions_and_speeds_are_what_the_labels_say():
    for clip in kc.data.moving_scenes(20, "direction", size=48):
        moves = np.angle(np.exp(1j * np.diff(across(clip))))
        assert (moves.sum() > 0) == clip.label
    for clip in kc.data.moving_scenes(20, "speed", size=48):
        pace = np.abs(np.angle(np.exp(1j * np.diff(across(clip)))))
        assert (pace[-2:].sum() > pace[:2].sum()) == clip.label


def test_what_speeds_up_goes_from_a_tenth_of_its_mean_speed_to_almost_the_double():
    times = np.linspace(0, 1, 8)
    for clip in kc.data.moving_scenes(10, "speed", size=96):
        places = across(clip)[:: 1 if clip.label else -1]
        steps = np.abs(np.angle(np.exp(1j * np.diff(places)))) / (2 * np.pi)
        # Once around the picture, to a pixel.
        np.testing.assert_allclose(steps, np.diff(0.1 * times + 0.9 * times**2), atol=0.012)
        # No two frames are of the same paper.
        assert 6 < np.std(np.diff(clip.frames[:2, 0].astype(float), axis=0)) < 11


def ink_of(clip):
    """Where there is something before the paper `(frames, height, width)`."""
    return np.abs(clip.frames - np.median(clip.frames, axis=(0, 1, 2))).max(axis=-1) > 45


def colour_of(frame, ink):
    """The colour that is nearest to what is drawn."""
    mean = np.median(frame[ink], axis=0)
    return min(_PALETTE, key=lambda name: np.abs(mean - _PALETTE[name]).sum())


def test_two_meet_behind_a_bar_and_come_out_on_the_side_that_is_told():
    for clip in kc.data.moving_scenes(12, "bounce", frames=9, size=64):
        # Frames 2 and 6 are the meetings, of which nothing is seen but the bar.
        ink = ink_of(clip)
        assert (clip.frames[:, :, 23:41] == 90).all()
        ink[:, :, 23:41] = False
        assert not ink[[2, 6]].any() and ink[[0, 1, 3, 4, 5, 7, 8]].any(axis=(1, 2)).all()
        first, between, last = (
            colour_of(clip.frames[n, :, :23], ink[n, :, :23]) for n in (0, 4, 8)
        )
        # Who is on the left changes when they pass, and not when they bounce.
        passed = {
            (True, False): "passes and then bounces",
            (False, True): "bounces and then passes",
        }
        assert passed[first != between, between != last] in clip.captions[0]


def test_the_square_comes_before_the_triangle_or_after_it_as_is_told():
    for clip in kc.data.moving_scenes(20, "order", frames=6, size=48):
        words = clip.captions[0].split()
        square, triangle = words[1], words[-2]
        assert words[2] == "square" and words[-1] == "triangle."
        seen = [*map(colour_of, clip.frames, ink_of(clip))]
        assert len(set(seen)) == 3 and seen[:3] == seen[3:]
        [follows] = {after for one, after in zip(seen, seen[1:], strict=False) if one == square}
        assert (follows == triangle) == (clip.label == 0) == ("comes before" in clip.captions[0])


def test_no_frame_tells_the_label_even_by_its_number():
    clips = kc.data.moving_scenes(600, "direction")
    labels = np.array([clip.label for clip in clips])
    places = np.exp(1j * np.array([across(clip) for clip in clips]))
    # Where objects are at a time is the same for both labels: means of 300 places each.
    for frame in (0, 4, 7):
        means = [places[labels == label, frame].mean() for label in (0, 1)]
        assert abs(means[0] - means[1]) < 0.2


def test_three_come_up_in_turn():
    clips = kc.data.moving_scenes(60, "order")
    shown = [clip.captions[0] for clip in clips if clip.label == 0]
    assert all("square comes before a" in each and "triangle" in each for each in shown)


def test_what_comes_in_order_can_be_told_apart_in_every_frame():
    for clip in kc.data.moving_scenes(20, "order", frames=6):
        paper = np.median(clip.frames, axis=(0, 1, 2))
        ink = np.abs(clip.frames - paper).max(axis=-1) > 35
        # Shapes of about 14 pixels, which no border cuts in two.
        columns = ink.any(axis=1)
        assert not (columns[:, 0] & columns[:, -1]).any()
        assert (8 <= columns.sum(axis=1)).all() and (columns.sum(axis=1) <= 18).all()


def test_still_shapes_take_turns_and_are_of_no_clip():
    frames, labels = kc.data.still_shapes(6, ("square", "circle"), size=24)
    assert frames.shape == (6, 24, 24, 3) and labels.tolist() == [0, 1] * 3
    again, _ = kc.data.still_shapes(4, ("square", "circle"), size=24)
    np.testing.assert_array_equal(again, frames[:4])
    with pytest.raises(kc.InputError, match="kinds='cube'"):
        kc.data.still_shapes(2, ("cube",))


def test_the_splits_of_the_world_share_no_twins():
    data = kc.data.load("moving_scenes", task="speed", train=6, validation=2, test=4, size=24)
    assert data.info.sizes == {"train": 6, "validation": 2, "test": 4}
    assert data.info.classes == EVENTS["speed"]
    seen = [clip.frames.tobytes() for part in (data.train, data.validation, data.test)
            for clip in part]  # fmt: skip
    assert len(set(seen)) == 12


def test_what_is_no_task_is_refused():
    with pytest.raises(kc.InputError, match="'direction'"):
        kc.data.moving_scenes(3, "directions")
    with pytest.raises(kc.InputError, match="frames=4 or more"):
        kc.data.moving_scenes(3, frames=3)
