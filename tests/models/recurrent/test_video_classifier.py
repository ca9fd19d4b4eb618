"""Clips: any network on every frame, read in order or not."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from support import check_round_trip

CLIPS = np.random.default_rng(0).random((3, 5, 32, 32, 3)).astype("float32")


def encoder():
    return kc.create_model("resnet_20_cifar", width=0.25, include_top=False, pooling="avg")


def small(side=32):
    return keras.Sequential(
        [
            keras.Input((side, side, 3)),
            keras.layers.Conv2D(12, 5, 2, activation="relu"),
            keras.layers.Conv2D(16, 3, 2, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(24, activation="relu"),
        ]
    )


def network(over_time="gru", **given):
    return kc.models.video_classifier(small(), 4, over_time=over_time, units=6, **given)


def test_time_folded_into_the_batch_gives_the_numbers_of_time_distributed(tmp_path):
    shared = encoder()
    model = kc.models.video_classifier(shared, 4, over_time="mean")
    features = keras.layers.TimeDistributed(shared)(CLIPS)
    head = model.get_layer("predictions")
    expected = head(keras.ops.mean(features, axis=1))
    np.testing.assert_allclose(model(CLIPS), expected, rtol=1e-4, atol=1e-5)
    check_round_trip(model, CLIPS, tmp_path)


@pytest.mark.parametrize("over_time", ["lstm", "differences", "frame"])
def test_any_number_of_frames_and_reload(over_time, tmp_path):
    model = check_round_trip(network(over_time), CLIPS, tmp_path)
    assert model(CLIPS[:, :3]).shape == (3, 4)


def test_baselines_see_no_order_and_cells_do():
    back = CLIPS[:, ::-1]
    for over_time, blind in (("mean", True), ("frame", True), ("gru", False)):
        model = network(over_time)
        assert np.allclose(model(CLIPS), model(back), atol=1e-6) == blind
    # One frame is the one in the middle.
    still = CLIPS.copy()
    still[:, [0, 1, 3, 4]] = 0
    model = network("frame")
    np.testing.assert_allclose(model(still), model(CLIPS), atol=1e-6)


def test_differences_do_not_see_what_stands_still():
    model = network("differences")
    np.testing.assert_allclose(model(CLIPS + 1.5), model(CLIPS), atol=1e-4)


def test_a_convolutional_lstm_reads_clips(tmp_path):
    model = kc.models.convolutional_lstm((16, 12, 3), 4, filters=(3, 5))
    clips = CLIPS[:, :, :16, :12]
    # Shi et al.: four gates, of inputs and of states, with biases.
    first = 4 * (9 * 3 * 3 + 9 * 3 * 3 + 3)
    second = 4 * (9 * 3 * 5 + 9 * 5 * 5 + 5)
    assert model.count_params() == first + second + 5 * 4 + 4
    check_round_trip(model, clips, tmp_path)


def test_what_gives_no_vectors_is_refused():
    maps = kc.create_model("resnet_20_cifar", width=0.25, include_top=False)
    with pytest.raises(kc.InputError, match="include_top=False, pooling='avg'"):
        kc.models.video_classifier(maps, 2)
    with pytest.raises(kc.InputError, match="Only recurrent layers"):
        network("mean", layers=2)


@pytest.mark.slow
def test_the_order_of_frames_is_learned_by_recurrence_and_by_no_single_frame():
    def arrays(part):
        frames = np.stack([clip.frames for clip in part]).astype("float32") / 127.5 - 1
        return frames, np.array([clip.label for clip in part])

    train = arrays(kc.data.moving_scenes(600, "direction", frames=5, size=24))
    test = arrays(kc.data.moving_scenes(200, "direction", frames=5, size=24, first=10_000))
    accuracy = {}
    for over_time in ("gru", "frame"):
        keras.utils.set_random_seed(0)
        model = kc.models.video_classifier(small(24), 2, over_time=over_time, units=24)
        model.compile(
            keras.optimizers.Adam(0.002), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        model.fit(*train, batch_size=25, epochs=10, verbose=0)
        accuracy[over_time] = model.evaluate(*test, verbose=0)[1]
    assert accuracy["gru"] >= 0.95, accuracy
    # Of twins it says the same for both where it sees the middle frame of an odd number.
    assert accuracy["frame"] == pytest.approx(0.5, abs=1e-6)
