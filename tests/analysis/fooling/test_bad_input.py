"""What every attack refuses, and every tool that looks inside: one sentence with a remedy."""

import re

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from analysis.fooling.fooling_networks import ATTACKS, BOUNDS, network, pictures
from analysis.fooling.test_attack_request import signs

IMAGES, LABELS = pictures(8)
BROKEN, BRIGHT = IMAGES.copy(), IMAGES.copy()
BROKEN[2, 1, 1, 0], BRIGHT[2, 1, 1, 0] = np.nan, 256
CASES = {
    "bounds that do not hold the pictures": (dict(images=BRIGHT), "Images from .* to 256"),
    "a negative epsilon": (dict(epsilon=-1), "epsilon=-1 was given"),
    "labels of another length": (dict(labels=LABELS[:7]), "For 8 images"),
    "a target that is the present class": (dict(targets=LABELS), "of that class already"),
    "no number": (dict(images=BROKEN), "infinite or not a number"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_refuses(name, case):
    changes, message = CASES[case]
    if name == "least_likely" and "targets" in changes:
        pytest.skip("least_likely has targets of its own")
    given = dict(images=IMAGES, labels=LABELS, epsilon=4.0, bounds=BOUNDS) | changes
    images, labels = given.pop("images"), given.pop("labels")
    with pytest.raises(kc.InputError, match=message) as told:
        ATTACKS[name][0](network(), images, labels, **given)
    assert re.fullmatch(r"[^\n]+\. Allowed: [^\n]+\. [^\n]+\.", str(told.value))


@pytest.mark.parametrize("name", [each for each in ATTACKS if "square" not in each])
def test_every_attack_by_gradients_refuses_a_model_that_has_none(name):
    with pytest.raises(kc.InputError, match="gradient of the loss by every image is zero.*square"):
        ATTACKS[name][0](signs(), IMAGES, LABELS % 4, epsilon=4.0, bounds=BOUNDS)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    image = keras.Input((6, 6, 1))
    x = layers.Conv2D(3, 3, activation="relu", name="conv")(image)
    model = keras.Model(image, layers.Dense(4, "softmax")(layers.Flatten()(x)))
    model.compile(loss="sparse_categorical_crossentropy")
    return model


def broken(model):
    """A model with a weight that is no number."""
    twin = keras.models.clone_model(model)
    twin.set_weights([np.full(each.shape, np.nan) for each in model.get_weights()])
    return twin


TOOLS = {
    "invert, bounds": (lambda m: kc.analysis.invert(m, BRIGHT, "conv", bounds=BOUNDS), "to 256"),
    "invert, no number": (
        lambda m: kc.analysis.invert(m, BROKEN, "conv", bounds=BOUNDS),
        "infinite or not a number",
    ),
    "invert, broken model": (
        lambda m: kc.analysis.invert(broken(m), IMAGES, "conv", bounds=BOUNDS, steps=1),
        "no finite numbers",
    ),
    "maximize, bounds": (lambda m: kc.analysis.maximize(m, 0, bounds=(255, 0)), "bounds="),
    "patches, no number": (lambda m: kc.analysis.find_patches(m, BROKEN, "conv"), "not finite"),
    "landscape, labels": (
        lambda m: kc.analysis.loss_landscape(
            m, IMAGES, LABELS[:7], kc.analysis.random_direction(m), along=[0.0]
        ),
        "7 and 8 examples",
    ),
    "robustness, bounds": (
        lambda m: kc.analysis.fooling.robustness(m, (BRIGHT, LABELS), epsilon=1, bounds=BOUNDS),
        "to 256",
    ),
    "auto_attack, labels": (
        lambda m: kc.analysis.fooling.auto_attack(m, IMAGES, LABELS[:7], epsilon=1, bounds=BOUNDS),
        "For 8 images",
    ),
    "auto_attack, epsilon": (
        lambda m: kc.analysis.fooling.auto_attack(m, IMAGES, LABELS, epsilon=-1, bounds=BOUNDS),
        "epsilon=-1",
    ),
}


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_refuses(model, name):
    use, message = TOOLS[name]
    with pytest.raises(kc.InputError, match=message) as told:
        use(model)
    assert re.fullmatch(r"[^\n]+\. Allowed: [^\n]+\. [^\n]+\.", str(told.value))


@pytest.mark.parametrize(
    "call",
    [
        lambda m, seed: kc.analysis.fooling.pgd(m, IMAGES, epsilon=1, bounds=BOUNDS, seed=seed),
        lambda m, seed: kc.analysis.fooling.apgd(m, IMAGES, epsilon=1, bounds=BOUNDS, seed=seed),
        lambda m, seed: kc.analysis.fooling.square(m, IMAGES, epsilon=1, bounds=BOUNDS, seed=seed),
        lambda m, seed: kc.analysis.fooling.universal(
            m, IMAGES, epsilon=1, bounds=BOUNDS, seed=seed
        ),
        lambda m, seed: kc.analysis.fooling.auto_attack(
            m, IMAGES, epsilon=1, bounds=BOUNDS, seed=seed
        ),
        lambda m, seed: kc.analysis.fooling.robustness(
            m, (IMAGES, LABELS), epsilon=1, bounds=BOUNDS, seed=seed
        ),
        lambda m, seed: kc.training.AdversarialModel(m, epsilon=1, bounds=BOUNDS, seed=seed),
        lambda m, seed: kc.analysis.invert(m, IMAGES, "conv", bounds=BOUNDS, seed=seed),
        lambda m, seed: kc.analysis.maximize(m, 0, bounds=BOUNDS, seed=seed),
        lambda m, seed: kc.analysis.random_direction(m, seed=seed),
        lambda m, seed: kc.analysis.smooth_grad(m, IMAGES, seed=seed),
        lambda m, seed: kc.analysis.rise(m, IMAGES, seed=seed),
        lambda m, seed: kc.analysis.randomize_layers(m, seed=seed),
    ],
)
def test_a_seed_is_not_negative(model, call):
    with pytest.raises(kc.InputError, match="seed=-1 was given.*Pass seed=0 or more"):
        call(model, -1)


@pytest.mark.parametrize(
    "explain",
    [
        kc.analysis.cam,
        kc.analysis.deconvnet,
        kc.analysis.occlusion,
        kc.analysis.integrated_gradients,
        kc.analysis.smooth_grad,
        kc.analysis.rise,
    ],
)
def test_maps_of_what_is_no_number_are_refused(model, explain):
    # A ReLU may make 0 of it, and a map that looks like any other.
    with pytest.raises(kc.InputError, match="Images with values that are infinite or not a number"):
        explain(model, BROKEN)


FORMS = {
    "none": (lambda: IMAGES[:0], "Pass one image or more", lambda: IMAGES[:1]),
    "a single one": (lambda: IMAGES[0], r"images\[None\]", lambda: IMAGES[0][None]),
    "a list": (lambda: [*IMAGES], r"np.stack\(images\)", lambda: np.stack([*IMAGES])),
    "a generator": (lambda: iter([IMAGES]), "one batch after the other", lambda: IMAGES),
    "another size": (lambda: IMAGES[:, :5], "Resize", lambda: IMAGES),
    "one too many": (lambda: {"a": IMAGES, "b": LABELS}, "each input", lambda: [IMAGES]),
}


@pytest.mark.parametrize("form", FORMS)
def test_images_of_another_form_are_told_what_to_do(model, form):
    given, remedy, followed = FORMS[form]
    with pytest.raises(kc.InputError, match=remedy):
        kc.analysis.fooling.fgsm(model, given(), epsilon=1, bounds=BOUNDS)
    kc.analysis.fooling.fgsm(model, followed(), epsilon=1, bounds=BOUNDS)


REFUSED = {
    "labels of several lengths": (dict(labels=[[1], [1, 2], *[0] * 6]), "labels of object"),
    "one label": (dict(labels=1), "labels=1 were given"),
    "a target that is a name": (dict(targets="cat"), "targets='cat' were given"),
    "an input by half a number": (dict(image=0.0), "image=0.0 was given"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_attacks_say_what_was_given(model, case):
    changes, message = REFUSED[case]
    given = dict(model=model, images=IMAGES, epsilon=1, bounds=BOUNDS) | changes
    with pytest.raises(kc.InputError, match=message):
        kc.analysis.fooling.fgsm(**given)
