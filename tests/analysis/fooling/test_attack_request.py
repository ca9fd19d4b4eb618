"""What does not fit is refused in one sentence, before anything is attacked."""

import re

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_classics as kc
from analysis.fooling.fooling_networks import (
    ATTACKS,
    BOUNDS,
    answers,
    fooling,
    linear,
    network,
    pictures,
)

IMAGES, LABELS = pictures(8)
FINE = dict(epsilon=4, bounds=BOUNDS)


@pytest.fixture(scope="module")
def model():
    return network()


def changed(value):
    images = IMAGES.copy()
    images[3, 2, 1, 0] = value
    return images


@pytest.mark.parametrize(
    "message, images, labels, options",
    [
        ("Images from .* to 300 .*bounds=.0, 300", changed(300), LABELS, FINE),
        ("Images from -1 to .*bounds=.-1, ", changed(-1), LABELS, FINE),
        ("infinite or not a number", changed(np.nan), LABELS, FINE),
        ("infinite or not a number", changed(np.inf), LABELS, FINE),
        ("epsilon=-1", IMAGES, LABELS, dict(FINE, epsilon=-1)),
        ("epsilon=.*nan", IMAGES, LABELS, dict(FINE, epsilon=[1, np.nan])),
        ("epsilon=.*a number from 0", IMAGES, LABELS, dict(FINE, epsilon=[])),
        ("bounds=.*the lowest and the highest", IMAGES, LABELS, dict(FINE, bounds=(255, 0))),
        ("bounds=255", IMAGES, LABELS, dict(FINE, bounds=255)),
        ("For 8 images labels of shape .7,.|For 8 images 7 labels", IMAGES, LABELS[:7], FINE),
        ("labels from 0 to 4.*0 to 3", IMAGES, np.where(LABELS == 3, 4, LABELS), FINE),
        ("labels of float32", IMAGES, LABELS.astype("float32"), FINE),
        (r"labels of shape .8, 4.*Pass np.argmax\(labels, axis=1\)", IMAGES, np.eye(4)[LABELS], FINE),
        ("The target 0 was given for image 0", IMAGES, LABELS, dict(FINE, targets=LABELS)),
        ("The target 0 was given for image 0", IMAGES, None, dict(FINE, targets=0)),
        ("The target 1 was given for image 0", IMAGES, (LABELS + 1) % 4, dict(FINE, targets=1)),
        ("norm='l3'", IMAGES, LABELS, dict(FINE, norm="l3")),
        ("image='mask'.*'image'", IMAGES, LABELS, dict(FINE, image="mask")),
        ("batch_size=0", IMAGES, LABELS, dict(FINE, batch_size=0)),
        ("Images of shape", IMAGES[0], LABELS, FINE),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(model, message, images, labels, options):
    with pytest.raises(kc.InputError, match=message):
        fooling.fgsm(model, images, labels, **options)


def test_bounds_that_the_message_names_hold_the_pictures(model):
    images = changed(301.5)
    with pytest.raises(kc.InputError, match=r"such as bounds=\(\d+, 302\)"):
        fooling.fgsm(model, images, epsilon=1, bounds=(0, 255))
    fooling.fgsm(model, images, epsilon=1, bounds=(0, 302))


LOW, HIGH = np.array([0.0, -1, 10]), np.array([255.0, 1, 20])


def of_three_channels():
    """Pictures whose channels have units of their own, and a network of them."""
    draw = np.random.default_rng(0)
    images = draw.uniform(LOW, HIGH, (6, 2, 2, 3)).astype("float32")
    image = keras.Input((2, 2, 3))
    shares = (image - LOW.astype("float32")) / (HIGH - LOW).astype("float32")
    model = keras.Model(image, layers.Dense(3)(layers.Flatten()(shares)))
    model.set_weights([draw.normal(size=(12, 3)), np.zeros(3)])
    return model, images


@pytest.mark.parametrize("name", [
    "fgsm", "bim", "deepfool", "deepfool_linf", "carlini_wagner", "lbfgs", "fab", "square", "apgd",
])  # fmt: skip
def test_bounds_of_each_channel_are_kept(name):
    model, images = of_three_channels()
    attack, norm, _ = ATTACKS[name]
    size = 5.0 if norm == "linf" else 40.0
    found = attack(model, images, epsilon=size, bounds=(LOW, HIGH))
    assert (found >= LOW.astype("float32")).all() and (found <= HIGH.astype("float32")).all()
    assert (answers(model, found) != answers(model, images)).any()
    # A channel is moved by more than another has room for.
    assert np.abs(found - images)[..., 0].max() > 2
    # One number for each of equal channels is that number for all.
    same = [attack(model, images, epsilon=size, bounds=pair)
            for pair in ((-1, 255), (np.full(3, -1.0), np.full(3, 255.0)))]  # fmt: skip
    np.testing.assert_array_equal(*same)


def test_a_channel_out_of_its_own_bounds_is_refused():
    model, images = of_three_channels()
    images[0, 0, 0, 1] = 2
    with pytest.raises(kc.InputError, match="1 of their values outside"):
        fooling.fgsm(model, images, epsilon=1, bounds=(LOW, HIGH))
    with pytest.raises(kc.InputError, match="one for each of its 3 channels"):
        fooling.fgsm(model, images, epsilon=1, bounds=(LOW[:2], HIGH[:2]))


def signs():
    keras.utils.set_random_seed(0)
    image = keras.Input((6, 6, 1))
    x = layers.Flatten()(image)
    return keras.Model(image, layers.Dense(4)(ops.sign(x - 127)))


@pytest.mark.parametrize("attack", ["fgsm", "pgd", "deepfool", "carlini_wagner", "apgd", "fab"])
def test_behind_binary_signs_there_is_no_gradient_and_square_needs_none(attack):
    model = signs()
    labels = np.asarray(model.predict_on_batch(IMAGES)).argmax(1)
    with pytest.raises(kc.InputError, match="gradient .* is zero.*fooling.square"):
        getattr(fooling, attack)(model, IMAGES, labels, epsilon=100, bounds=BOUNDS)
    found = fooling.square(model, IMAGES, labels, epsilon=120, bounds=BOUNDS, queries=60)
    assert (np.asarray(model.predict_on_batch(found)).argmax(1) != labels).any()


def test_images_without_a_gradient_are_counted_and_stay():
    image = keras.Input((2, 2, 1))
    x = layers.ReLU()(layers.Flatten()(image))
    model = keras.Model(image, layers.Dense(3)(x))
    images = np.stack([np.full((2, 2, 1), v, "float32") for v in (-1, 1, 2)])
    with pytest.warns(UserWarning, match="1 of 3 images have a gradient of zero"):
        found = fooling.fgsm(model, images, epsilon=0.5, bounds=(-3, 3))
    assert np.array_equal(found[0], images[0]) and not np.array_equal(found[1], images[1])
    # They are no hindrance either where all others are fooled and they alone start again.
    labels = np.array([0, 1]) if answers(model, images)[1] == 0 else np.array([0, 0])
    with pytest.warns(UserWarning, match="have a gradient of zero"):
        fooling.pgd(model, images[:2], labels, epsilon=0.5, bounds=(-3, 3), restarts=3)


def test_gradients_that_are_no_numbers_are_told_though_logits_are():
    image = keras.Input((2, 2, 1))
    model = keras.Model(image, layers.Dense(2)(ops.sqrt(layers.Flatten()(image))))
    with pytest.raises(kc.InputError, match="gradients are infinite.*a root or logarithm of 0"):
        fooling.fgsm(model, np.zeros((1, 2, 2, 1)), epsilon=0.1, bounds=(0, 1))


def test_broken_weights_are_named():
    model = linear(np.full((4, 2), np.nan))
    with pytest.raises(kc.InputError, match="not a number.*model.weights"):
        fooling.fgsm(model, np.ones((1, 2, 2, 1)), epsilon=0.1, bounds=(0, 1))


@pytest.mark.parametrize(
    "message, outputs, dtype",
    [
        ("answers in the shape", lambda x: layers.Conv2D(3, 1)(x), "float32"),
        ("two classes or more", lambda x: layers.Dense(1, "softmax")(layers.Flatten()(x)), "float32"),
        ("takes uint8 as .*dtype='float32'", lambda x: layers.Dense(3)(layers.Rescaling(0.1)(layers.Flatten()(x))), "uint8"),
    ],
)  # fmt: skip
def test_models_that_are_no_classifiers_of_pictures_are_refused(message, outputs, dtype):
    image = keras.Input((2, 2, 1), dtype=dtype)
    with pytest.raises(kc.InputError, match=message):
        model = keras.Model(image, outputs(image))
        fooling.fgsm(model, np.ones((1, 2, 2, 1), dtype), epsilon=0.1, bounds=(0, 1))


def test_what_looks_ids_up_is_attacked_behind_its_embedding():
    ids = keras.Input((5,), dtype="int32")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(9, 4, name="words")(ids))
    model, given = keras.Model(ids, layers.Dense(3, "softmax")(x)), np.arange(10).reshape(2, 5) % 9
    with pytest.raises(kc.InputError) as told:
        fooling.fgsm(model, given, epsilon=1, bounds=(0, 8))
    remedy = re.search(r"keras.Model\(.*\)(?=\.$)", str(told.value)).group()
    behind = eval(remedy, dict(keras=keras, model=model))
    vectors = keras.ops.convert_to_numpy(model.get_layer("words")(given))
    moved = fooling.fgsm(behind, vectors, epsilon=0.1, bounds=(-1, 1))
    assert np.abs(moved - vectors).max() == pytest.approx(0.1, rel=1e-5)


def test_one_of_several_inputs_is_attacked():
    image, mask = keras.Input((2, 2, 1), name="picture"), keras.Input((2, 2, 1), name="mask")
    both = layers.Flatten()(layers.Multiply()([image, mask]))
    model = keras.Model([image, mask], layers.Dense(3)(both))
    pair = [np.full((2, 2, 2, 1), 0.5, "float32"), np.ones((2, 2, 2, 1), "float32")]
    pair[1][:, 0] = 0
    found = fooling.fgsm(model, pair, [0, 1], epsilon=0.1, bounds=(0, 1))
    assert np.array_equal(found[:, 0], pair[0][:, 0]) and (found[:, 1] != 0.5).all()
    masks = fooling.fgsm(model, pair, [0, 1], epsilon=0.1, bounds=(0, 1), image="mask")
    assert masks.shape == (2, 2, 2, 1) and (masks != pair[1]).any()
    # By default what is an image, though it comes second.
    number = keras.Input((1,), name="number")
    scaled = keras.Model(
        [number, image], layers.Dense(3)(layers.Flatten()(image * number[..., None, None]))
    )
    found = fooling.fgsm(scaled, [np.ones((2, 1)), pair[0]], [0, 1], epsilon=0.1, bounds=(0, 1))
    assert found.shape == pair[0].shape


def test_pictures_of_whole_numbers_are_taken(model):
    images = IMAGES.round().astype("uint8")
    found = fooling.fgsm(model, images, LABELS, **FINE)
    np.testing.assert_array_equal(
        found, fooling.fgsm(model, images.astype("float32"), LABELS, **FINE)
    )
