"""A field over a network: one model that learns, and pydensecrf's conventions without learning."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from layers.image.test_crf import softmax
from support import check_round_trip


def segmenter():
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, 3))
    return keras.Model(image, keras.layers.Conv2D(3, 3, padding="same")(image))


def test_both_learn_together_or_the_field_alone(tmp_path):
    rng = np.random.default_rng(0)
    pictures = rng.uniform(-1, 1, (2, 9, 7, 3)).astype("float32")
    masks = rng.integers(0, 3, (2, 9, 7))
    for train_unary in (True, False):
        model = kc.models.crf_rnn(segmenter(), grid=5, colour_width=30.0, train_unary=train_unary)
        before = model.get_weights()
        kc.training.compile_segmenter(model, keras.optimizers.SGD(0.1))
        model.fit(pictures, masks, verbose=0)
        moved = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
        names = [weight.path.split("/")[0] for weight in model.weights]
        assert {n for n, m in zip(names, moved, strict=True) if m} == (
            set(names) if train_unary else {"crf"}
        )
    check_round_trip(model, pictures, tmp_path)


@pytest.mark.slow
def test_the_field_is_in_the_export(tmp_path):
    model = kc.models.crf_rnn(segmenter(), grid=5, colour_width=30.0)
    exported = kc.export.export_segmenter(model, ["a", "b", "c"], tmp_path / "shipped")
    assert exported.difference < 1e-3
    shipped = kc.export.load_saved_model(exported.path)
    picture = np.random.default_rng(0).integers(0, 256, (1, 13, 9, 3), "uint8")
    (said,) = kc.models.segment(model, picture)
    found = shipped.serve(picture)
    np.testing.assert_allclose(found["probabilities"][0], said, atol=1e-4)
    assert (found["masks"][0] == said.argmax(-1)).numpy().mean() > 0.98
    assert [name.decode() for name in found["names"].numpy()[0]] == ["a", "b", "c"]


def test_the_picture_comes_as_colours_of_255():
    flat = segmenter()
    model = kc.models.crf_rnn(flat, grid=3)
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 6, 6, 3)).astype("float32")
    layer = model.get_layer("crf")
    expected = layer([flat(picture), picture * 127.5 + 127.5])
    np.testing.assert_allclose(model(picture), expected, atol=1e-4)


def test_a_dense_crf_by_hand_with_probabilities_of_zero():
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (4, 5, 3), "uint8")
    said = softmax(rng.normal(size=(4, 5, 3)))
    said[0, 0] = [1, 0, 0]
    (found,) = kc.models.dense_crf([image], [said], iterations=3, filtering="exact")
    places = np.stack(np.mgrid[:4, :5], -1).reshape(-1, 2).astype(float)
    colours = image.reshape(-1, 3).astype(float)

    def kernel(features):
        k = np.exp(-0.5 * ((features[:, None] - features[None]) ** 2).sum(-1))
        return k / np.sqrt(np.outer(k.sum(1), k.sum(1)))

    near, alike = kernel(places / 3), kernel(np.hstack([places / 80, colours / 13]))
    unary = -np.log(np.maximum(said, 1e-8)).reshape(-1, 3)
    q = softmax(-unary)
    for _ in range(3):
        q = softmax(-unary + 3 * near @ q + 10 * alike @ q)
    np.testing.assert_allclose(found.reshape(-1, 3), q, atol=1e-4)
    assert np.isfinite(found).all()


def test_a_scene_is_cleaned_and_sizes_may_differ():
    data = kc.data.load("scenes", train=1, validation=2, test=1)
    rng = np.random.default_rng(0)
    images = [each.image[: 50 + 7 * n] for n, each in enumerate(data.validation)]
    masks = [each.class_mask[: 50 + 7 * n] for n, each in enumerate(data.validation)]
    said = [softmax(2 * np.eye(9)[m] + rng.normal(0, 1.2, (*m.shape, 9))) for m in masks]
    found = kc.models.dense_crf(images, said, iterations=5)
    score = lambda answers: kc.training.pixel_figures(  # noqa: E731
        kc.training.pixel_confusion(masks, [each.argmax(-1) for each in answers], 9)
    )["pixel accuracy"]
    assert score(found) > max(0.97, score(said) + 0.1)


def test_what_does_not_fit_is_refused():
    with pytest.raises(kc.InputError, match="of their height and width"):
        kc.models.crf_rnn(kc.models.LeNet5Modern())
    grey = keras.Input((None, None, 1))
    with pytest.raises(kc.InputError, match="three colours"):
        kc.models.crf_rnn(keras.Model(grey, keras.layers.Conv2D(2, 1)(grey)))
    image, said = np.zeros((3, 3, 3), "uint8"), np.full((3, 3, 2), 0.5)
    for images, answers, told in (
        ([image], [said[:2]], "Picture 0 has shape"),
        ([image], [], "1 pictures and 0 answers"),
        ([image], [said - 1], "no probabilities"),
        ([image], [said * 0], "no probabilities"),
        ([image], [said * 1.5], "add up to 1"),
        ([image[:0]], [said[:0]], "Picture 0 has shape"),
        ([image], [said[..., :0]], "Picture 0 has shape"),
        ([image], [said * 40], "no probabilities"),
        ([image / 255], [said], "values of type float64"),
    ):
        with pytest.raises(kc.InputError, match=told):
            kc.models.dense_crf(images, answers)


def test_probabilities_that_eight_bits_rounded_are_some():
    said = softmax(np.random.default_rng(0).normal(size=(6, 7, 60)))
    rounded = np.rint(said * 255) / 255
    assert np.abs(rounded.sum(-1) - 1).max() > 0.01
    assert kc.models.dense_crf([np.zeros((6, 7, 3), "uint8")], [rounded], grid=3)


@pytest.mark.parametrize("name", ["spatial_weight", "bilateral_weight", "colour_width"])
def test_weights_beyond_single_precision_are_refused(name):
    image, said = np.zeros((6, 7, 3), "uint8"), np.full((6, 7, 2), 0.5)
    with pytest.raises(kc.InputError, match=rf"{name}=1e\+300"):
        kc.models.dense_crf([image], [said], **{name: 1e300})


def test_pictures_of_different_numbers_of_classes():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (6, 7, 3), "uint8")
    two, three = (softmax(rng.normal(size=(6, 7, classes))) for classes in (2, 3))
    found = kc.models.dense_crf([image, image, image], [three, two, three], iterations=2)
    (alone,) = kc.models.dense_crf([image], [two], iterations=2)
    np.testing.assert_allclose(found[1], alone, atol=1e-6)
    np.testing.assert_allclose(found[0], found[2])


def test_a_frozen_segmenter_learns_again_once_it_is_told_to():
    unary = segmenter()
    frozen = kc.models.crf_rnn(unary, grid=3, train_unary=False)
    # The layers are the caller's, and stay frozen there too.
    assert not unary.trainable_weights and len(frozen.trainable_weights) == 3
    unary.trainable = True
    assert len(unary.trainable_weights) == 2 and len(frozen.trainable_weights) == 5


def test_arguments_reach_the_layer():
    layer = kc.models.crf_rnn(
        segmenter(), filtering="exact", spatial_width=2.0, bilateral_width=40.0, colour_width=7.0,
        iterations=2, inference_iterations=4, grid=6,
    ).get_layer("crf")  # fmt: skip
    config = {**layer.get_config()}
    told = {"filtering": "exact", "spatial_width": 2.0, "bilateral_width": 40.0,
            "colour_width": 7.0, "iterations": 2, "inference_iterations": 4, "grid": 6}  # fmt: skip
    assert {name: config[name] for name in told} == told
    default = kc.models.crf_rnn(segmenter()).get_layer("crf").get_config()
    paper = {"iterations": 5, "inference_iterations": 10, "spatial_width": 3.0,
             "bilateral_width": 160.0, "colour_width": 3.0, "filtering": "landmarks", "grid": 21,
             "normalization": "after"}  # fmt: skip
    assert {name: default[name] for name in paper} == paper
    own = kc.layers.MeanFieldCRF().get_config()
    assert {name: own[name] for name in paper} == paper
    logits = np.zeros((1, 4, 4, 2))
    for wrong in ([logits, np.zeros((1, 4, 5, 3))], [logits, np.zeros((2, 4, 4, 3))], logits):
        with pytest.raises(kc.InputError, match="was called on shapes"):
            kc.layers.MeanFieldCRF()(wrong)
