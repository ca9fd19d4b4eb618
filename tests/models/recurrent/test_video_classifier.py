"""Clips: any network on every frame, read in order or not."""

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

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


def answers(model, clips=CLIPS):
    return convert_to_numpy(model(clips))


def test_time_folded_into_the_batch_gives_the_numbers_of_time_distributed(tmp_path):
    shared = encoder()
    model = kc.models.video_classifier(shared, 4, over_time="mean")
    features = keras.layers.TimeDistributed(shared)(CLIPS)
    head = model.get_layer("predictions")
    expected = convert_to_numpy(head(keras.ops.mean(features, axis=1)))
    np.testing.assert_allclose(answers(model), expected, rtol=1e-4, atol=1e-5)
    check_round_trip(model, CLIPS, tmp_path)


@pytest.mark.parametrize("over_time", ["lstm", "differences", "frame"])
def test_any_number_of_frames_and_reload(over_time, tmp_path):
    model = check_round_trip(network(over_time), CLIPS, tmp_path)
    assert model(CLIPS[:, :3]).shape == (3, 4)


def test_baselines_see_no_order_and_cells_do():
    back = CLIPS[:, ::-1]
    for over_time, blind in (("mean", True), ("frame", True), ("gru", False)):
        model = network(over_time)
        assert np.allclose(answers(model), answers(model, back), atol=1e-6) == blind
    # One frame is the one in the middle.
    still = CLIPS.copy()
    still[:, [0, 1, 3, 4]] = 0
    model = network("frame")
    np.testing.assert_allclose(answers(model, still), answers(model), atol=1e-6)


def test_what_follows_from_other_arguments_is_refused():
    for name, given in (("cell", "lstm"), ("input_size", 9), ("output_activation", None)):
        with pytest.raises(kc.InputError, match=f"{name}=.* Give the cell as over_time"):
            network(**{name: given})
    vector = keras.Input((8, 8, 3))
    named = {"features": keras.layers.GlobalAveragePooling2D()(vector)}
    model = kc.models.video_classifier(keras.Model(vector, named), 2, units=3)
    assert model(CLIPS[:, :, :8, :8]).shape == (3, 2)


def test_differences_do_not_see_what_stands_still():
    model = network("differences")
    np.testing.assert_allclose(answers(model, CLIPS + 1.5), answers(model), atol=1e-4)


def test_of_one_frame_nothing_moves():
    moved = kc.layers.FrameDifferences()
    np.testing.assert_array_equal(convert_to_numpy(moved(CLIPS[:, :1])), 0 * CLIPS[:, :1])
    np.testing.assert_array_equal(
        convert_to_numpy(moved(CLIPS[:, :2])), np.diff(CLIPS[:, :2], axis=1)
    )
    assert moved.compute_output_shape((3, 1, 4)) == (3, 1, 4)
    model = network("differences")
    still = np.repeat(CLIPS[:, :1], 4, axis=1)
    # As a clip whose frames are all alike.
    one = model.predict(CLIPS[:, :1], verbose=0)
    np.testing.assert_allclose(one, answers(model, still), rtol=1e-5)


def test_outputs_are_logits_where_no_activation_is_given():
    built = [network(each, classifier_activation=None) for each in ("gru", "mean")]
    built.append(
        kc.models.convolutional_lstm((8, 8, 3), 4, filters=(3,), classifier_activation=None)
    )
    for model in built:
        clips = 9 * CLIPS[:, :, : model.input_shape[2], : model.input_shape[3]]
        assert not np.allclose(answers(model, clips).sum(axis=1), 1, atol=1e-3)


def test_a_clip_is_read_forwards_unless_it_is_told():
    states = [
        network(**given).get_layer("reader").count_params()
        for given in ({}, {"bidirectional": True})
    ]
    # 24 features, 6 units of three gates with a bias each, and the classes.
    gru = 3 * (24 * 6 + 6 * 6 + 6)
    assert states == [gru + 7 * 4, 2 * gru + 13 * 4]


def test_of_a_map_the_frames_stand_in_their_order():
    with pytest.raises(kc.InputError, match="over_time='frame'"):
        kc.models.video_encoder(small(), over_time="frame", as_map=True)
    steps = kc.models.video_encoder(small(), over_time="differences", as_map=True)
    assert answers(steps).shape == (3, 4, 1, 24)


def test_maps_of_a_convolutional_lstm_are_halved_after_each_layer():
    model = kc.models.convolutional_lstm((16, 12, 3), 4, filters=(3, 5, 2))
    shapes = [model.get_layer(f"recurrent_{level}").output.shape for level in (1, 2, 3)]
    assert [shape[-3:-1] for shape in shapes] == [(16, 12), (8, 6), (4, 3)]


def test_a_convolutional_lstm_reads_clips(tmp_path):
    model = kc.models.convolutional_lstm((16, 12, 3), 4, filters=(3, 5))
    clips = CLIPS[:, :, :16, :12]
    # Shi et al.: four gates, of inputs and of states, with biases.
    first = 4 * (9 * 3 * 3 + 9 * 3 * 3 + 3)
    second = 4 * (9 * 3 * 5 + 9 * 5 * 5 + 5)
    assert model.count_params() == first + second + 5 * 4 + 4
    check_round_trip(model, clips, tmp_path)


@pytest.mark.parametrize("attention", [None, "additive"])
def test_a_captioner_says_what_happens(attention, tmp_path):
    vocabulary = kc.data.Vocabulary(["a", "circle", "moves", "to", "the", "left", "right"])
    reader = kc.models.video_encoder(small(), units=6, as_map=attention is not None)
    assert reader.output_shape == ((None, None, 1, 6) if attention else (None, 6))
    model = kc.models.captioner(reader, len(vocabulary), 8, attention=attention)
    clips = np.round(255 * CLIPS).astype("uint8")
    said = ("a circle moves to the left", "a circle moves to the right", "a circle")
    part = kc.data.Pictures(clips, ["x", "y", "z"], captions=[(each,) for each in said])
    batches = kc.data.caption_batches(part, vocabulary, max_words=6, batch_size=3, seed=0)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert np.isfinite(model.fit(batches, steps_per_epoch=1, verbose=0).history["loss"][0])
    # Whole clips are read: their frames in reverse are another encoding.
    encoded = [kc.models.encode_images(model, each) for each in (clips, clips[:, ::-1])]
    assert not np.allclose(*encoded, atol=1e-6)
    found = list(kc.models.caption(model, vocabulary, clips, max_words=6, width=2))
    assert len(found) == 3 and all(isinstance(each.text, str) for (each,) in found)
    tokens = {"image": CLIPS, "target_in": np.ones((3, 4), "int32")}
    kc.save_model(model, tmp_path / "captioner.keras")
    again = kc.load_model(tmp_path / "captioner.keras")
    np.testing.assert_allclose(
        convert_to_numpy(again(tokens)), convert_to_numpy(model(tokens)), rtol=1e-5, atol=1e-6
    )


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


@pytest.mark.slow
def test_the_order_of_shapes_is_learned_once_shapes_are_known():
    """What comes before what is a product of what is seen twice: nothing to begin from, alone.

    An encoder that starts at random learns its training clips by heart and guesses others; one that
    has seen still shapes, as those of Donahue et al. had seen ImageNet, needs a few epochs.
    """
    keras.utils.set_random_seed(0)
    side, kinds = 32, ("square", "triangle", "circle")
    eyes = keras.Sequential(
        [
            keras.Input((side, side, 3)),
            keras.layers.Conv2D(16, 5, 2, padding="same", activation="relu"),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            # Shapes are anywhere.
            keras.layers.GlobalMaxPooling2D(),
        ]
    )
    stills, labels = kc.data.still_shapes(3000, kinds, size=side)
    head = keras.Sequential([eyes, keras.layers.Dense(3, "softmax")])
    head.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    head.fit(stills / 127.5 - 1, labels, batch_size=32, epochs=5, verbose=0)

    def arrays(count, first=0):
        part = kc.data.moving_scenes(count, "order", frames=5, size=side, first=first)
        frames = np.stack([clip.frames for clip in part]).astype("float32") / 127.5 - 1
        return frames, np.array([clip.label for clip in part])

    model = kc.models.video_classifier(eyes, 2, units=32)
    model.compile(
        keras.optimizers.Adam(0.002, clipnorm=1.0),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(*arrays(1000), batch_size=32, epochs=4, verbose=0)
    assert model.evaluate(*arrays(200, 10_000), verbose=0)[1] >= 0.95
