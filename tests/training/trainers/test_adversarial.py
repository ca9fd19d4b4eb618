"""Adversarial training: its loss by hand, what it moves, and that it is a model like any other."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from support import run_on

DRAW = np.random.default_rng(0)
IMAGES = DRAW.uniform(0.2, 0.8, (12, 3, 4, 2)).astype("float32")
LABELS = np.arange(12, dtype="int32") % 3
UNIT = dict(bounds=(0, 1), epsilon=0.1)


def linear(head="softmax"):
    image = keras.Input((3, 4, 2))
    model = keras.Model(image, layers.Dense(3, head)(layers.Flatten()(image)))
    model.set_weights([np.random.default_rng(1).normal(size=(24, 3)), np.zeros(3)])
    return model


def normalised(seed=2):
    """A network whose first layer shows which pictures it saw."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((3, 4, 2))
    x = layers.BatchNormalization(momentum=0.5, name="seen")(image)
    x = layers.Conv2D(4, 3, padding="same", activation="tanh")(x)
    return keras.Model(image, layers.Dense(3, "softmax")(layers.Flatten()(x)))


def compiled(model, rate=0.1):
    model.compile(
        keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def cross_entropy(weights, images, labels):
    logits = images.reshape(len(images), -1).astype("float64") @ weights
    logits -= logits.max(axis=1, keepdims=True)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return chances, -np.log(chances[np.arange(len(labels)), labels]).mean()


@pytest.mark.parametrize("share", [None, 0.25, 1.0])
def test_the_loss_is_the_papers_mixture(share):
    """alpha J(x) + (1 - alpha) J(x + epsilon sign(gradient)), alpha 1/2."""
    model = kc.training.AdversarialModel(linear(), clean_share=share, **UNIT)
    weights = model.get_weights()[0].astype("float64")
    chances, clean = cross_entropy(weights, IMAGES, LABELS)
    gradient = (chances - np.eye(3)[LABELS]) @ weights.T
    moved = IMAGES + 0.1 * np.sign(gradient).reshape(IMAGES.shape)
    _, fooled = cross_entropy(weights, moved, LABELS)
    alpha = 0.5 if share is None else share
    loss = compiled(model).train_on_batch(IMAGES, LABELS, return_dict=True)["loss"]
    assert loss == pytest.approx(alpha * clean + (1 - alpha) * fooled, rel=1e-5)
    assert fooled > 1.2 * clean


def test_images_are_moved_as_the_attacks_move_them():
    plain = normalised()
    model = kc.training.AdversarialModel(plain, **UNIT)
    moved = keras.ops.convert_to_numpy(model.moved(IMAGES, LABELS))
    expected = kc.analysis.fooling.fgsm(plain, IMAGES, LABELS, **UNIT)
    np.testing.assert_allclose(moved, expected, atol=1e-6)


@pytest.mark.parametrize("labels", [LABELS[:, None], np.eye(3, dtype="float32")[LABELS]])
def test_labels_of_every_form_are_the_same(labels):
    model = kc.training.AdversarialModel(normalised(), **UNIT)
    pair = [keras.ops.convert_to_numpy(model.moved(IMAGES, each)) for each in (labels, LABELS)]
    np.testing.assert_array_equal(*pair)


@pytest.mark.parametrize("method", ["pgd", "fast"])
def test_random_places_keep_size_and_bounds_and_go_on(method):
    model = kc.training.AdversarialModel(
        normalised(), method=method, bounds=(0.2, 0.8), epsilon=0.1
    )
    first, second = (keras.ops.convert_to_numpy(model.moved(IMAGES, LABELS)) for _ in range(2))
    for moved in (first, second):
        assert np.abs(moved - IMAGES).max() <= 0.1 + 1e-6
        assert moved.min() >= np.float32(0.2) and moved.max() <= np.float32(0.8)
    assert not np.array_equal(first, second)
    stronger = compiled(normalised())
    losses = [stronger.evaluate(each, LABELS, verbose=0)[0] for each in (IMAGES, first)]
    assert losses[1] > losses[0]


@pytest.mark.parametrize("statistics", ["clean", "adversarial", "both"])
@pytest.mark.parametrize("method", ["fgsm", "pgd"])
def test_statistics_move_through_the_declared_pass_only(statistics, method):
    """Neither by crafting nor by the other pass; both is one after the other."""
    model = kc.training.AdversarialModel(
        normalised(), method=method, statistics=statistics, seed=3, **UNIT
    )
    twin = kc.training.AdversarialModel(
        normalised(), method=method, statistics="both", seed=3, **UNIT
    )
    if statistics == "both":
        # They are moved against the model as the clean pass has left it.
        twin(IMAGES, training=True)
    moved = keras.ops.convert_to_numpy(twin.moved(IMAGES, LABELS))
    passes = {"clean": [IMAGES], "adversarial": [moved], "both": [IMAGES, moved]}[statistics]
    mean = np.zeros(2)
    for images in passes:
        mean = 0.5 * mean + 0.5 * images.mean(axis=(0, 1, 2))
    compiled(model).train_on_batch(IMAGES, LABELS)
    found = keras.ops.convert_to_numpy(model.get_layer("seen").moving_mean)
    np.testing.assert_allclose(found, mean, atol=1e-5)
    assert np.abs(IMAGES.mean(axis=(0, 1, 2)) - moved.mean(axis=(0, 1, 2))).max() > 1e-3
    trainable = [layer.trainable for layer in model.layers]
    assert all(trainable)


@pytest.mark.parametrize(
    ("method", "steps", "step", "clean_share", "statistics"),
    [
        ("fgsm", 1, 0.8, 0.5, "clean"),
        ("pgd", 7, 2.5 * 0.8 / 7, 0.0, "adversarial"),
        ("fast", 1, 1.25 * 0.8, 0.0, "adversarial"),
    ],
)
def test_methods_are_those_of_their_papers(method, steps, step, clean_share, statistics):
    model = kc.training.AdversarialModel(linear(), method=method, epsilon=0.8, bounds=(0, 1))
    assert (model.steps, model.clean_share, model.statistics) == (steps, clean_share, statistics)
    assert model.step == pytest.approx(step)


def test_dropout_goes_on_drawing():
    """What is held are the statistics, not the random generators: each pass draws its own."""
    drawn = []
    for statistics in ("both", "clean", "adversarial"):
        keras.utils.set_random_seed(0)
        image = keras.Input((3, 4, 2))
        dropout = layers.Dropout(0.5, seed=1)
        plain = keras.Model(image, layers.Dense(3, "softmax")(dropout(layers.Flatten()(image))))
        model = compiled(kc.training.AdversarialModel(plain, statistics=statistics, **UNIT))
        before = keras.ops.convert_to_numpy(dropout.seed_generator.state)
        model.train_on_batch(IMAGES, LABELS)
        drawn.append(keras.ops.convert_to_numpy(dropout.seed_generator.state) - before)
    assert drawn[0].any()
    np.testing.assert_array_equal(drawn[1:], [drawn[0]] * 2)


def test_fit_takes_what_fit_takes_and_validation_is_plain():
    plain = normalised()
    model = compiled(kc.training.AdversarialModel(plain, method="pgd", **UNIT))
    seen = []
    history = model.fit(
        IMAGES, LABELS, epochs=2, batch_size=5, verbose=0, validation_data=(IMAGES, LABELS),
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda n, logs: seen.append(n))],
        sample_weight=np.ones(12),
    ).history  # fmt: skip
    assert seen == [0, 1] and set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    # The model it was made of has the same weights, and is evaluated the same.
    loss = compiled(plain).evaluate(IMAGES, LABELS, verbose=0, return_dict=True)["loss"]
    assert loss == pytest.approx(history["val_loss"][-1], rel=1e-5)


@pytest.mark.parametrize("form", ["functional", "sequential"])
def test_it_is_saved_and_loaded_like_any_other(tmp_path, form):
    plain = normalised()
    if form == "sequential":
        plain = keras.Sequential([keras.Input((3, 4, 2)), *plain.layers[1:]])
    model = compiled(kc.training.AdversarialModel(plain, statistics="both", **UNIT))
    model.train_on_batch(IMAGES, LABELS)
    model.save(tmp_path / "model.keras")
    loaded = kc.load_model(tmp_path / "model.keras")
    assert type(loaded) is kc.training.AdversarialModel
    assert loaded.get_config() == model.get_config()
    expected = plain.predict_on_batch(IMAGES)
    np.testing.assert_array_equal(loaded.predict_on_batch(IMAGES), expected)
    # It goes on as the one that was saved.
    for each in (model, loaded):
        each.train_on_batch(IMAGES, LABELS)
    for one, other in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    maps = kc.analysis.saliency(loaded, IMAGES)
    assert maps.shape == (12, 3, 4)


def test_a_training_that_was_interrupted_goes_on_the_same(tmp_path):
    def stream(first):
        return ((IMAGES[n % 3 :: 3], LABELS[n % 3 :: 3]) for n in range(first, 8))

    def trained(folder, *epochs):
        for number in epochs:
            model = compiled(
                kc.training.AdversarialModel(normalised(), method="pgd", steps=2, **UNIT)
            )
            kc.training.fit(
                model, stream, steps_per_epoch=4, epochs=number, folder=tmp_path / folder, verbose=0
            )
        return model.get_weights()

    for whole, parts in zip(trained("whole", 2), trained("parts", 1, 2), strict=True):
        np.testing.assert_allclose(whole, parts, atol=1e-6)


def test_bounds_of_each_channel_are_kept_and_saved(tmp_path):
    low, high = np.float32([0.25, 0.2]), np.float32([0.75, 0.9])
    images = np.clip(IMAGES, low, high)
    model = kc.training.AdversarialModel(
        normalised(), method="pgd", epsilon=0.3, bounds=(low, high)
    )
    moved = keras.ops.convert_to_numpy(model.moved(images, LABELS))
    assert (moved >= low).all() and (moved <= high).all() and (moved[..., 1] > 0.8).any()
    model.save(tmp_path / "model.keras")
    loaded = kc.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(np.squeeze(loaded.bounds), [low, high])


@pytest.mark.slow
def test_it_is_exported_like_any_other(tmp_path):
    model = kc.training.AdversarialModel(normalised(), **UNIT)
    kc.export.export_model(model, tmp_path / "shipped")
    import tensorflow as tf

    shipped = tf.saved_model.load(str(tmp_path / "shipped"))
    (found,) = shipped.serve(IMAGES).values()
    np.testing.assert_allclose(found, model.predict_on_batch(IMAGES), atol=1e-5)


@pytest.mark.parametrize(
    "message, options",
    [
        ("method='trades'", dict(method="trades")),
        ("epsilon=-0.1", dict(epsilon=-0.1)),
        ("bounds=.1, 0.", dict(bounds=(1, 0))),
        ("statistics='none'", dict(statistics="none")),
        ("clean_share=2", dict(clean_share=2)),
        ("steps=0", dict(steps=0)),
    ],
)
def test_what_does_not_fit_is_refused(message, options):
    with pytest.raises(kc.InputError, match=message):
        kc.training.AdversarialModel(linear(), **{**UNIT, **options})


def of_signs(sign):
    image = keras.Input((3, 4, 2))
    x = sign(layers.Flatten()(2 * image - 1))
    model = keras.Model(image, layers.Dense(3, "softmax", kernel_initializer="zeros")(x))
    return compiled(kc.training.AdversarialModel(model, **UNIT))


def test_signs_without_a_gradient_are_refused_when_the_training_begins():
    with pytest.raises(kc.InputError, match=r"no gradient.*Activation\(kc.layers.binary_sign\)"):
        of_signs(keras.ops.sign).fit(IMAGES, LABELS, verbose=0)
    # The remedy, and a head of zeros, which hands nothing on as yet.
    of_signs(layers.Activation(kc.layers.binary_sign)).fit(IMAGES, LABELS, verbose=0)


CODE = """
import numpy as np
from training.trainers.test_adversarial import after_training
np.savez(r"{path}", *after_training())
"""


def after_training():
    """Weights after some steps of a training without chance, and losses."""
    plain = normalised()
    draw = np.random.default_rng(4)
    plain.set_weights([np.abs(draw.normal(0, 0.5, w.shape)) + 0.1 for w in plain.get_weights()])
    found = []
    for statistics in ("clean", "adversarial"):
        model = compiled(
            kc.training.AdversarialModel(plain, statistics=statistics, steps=2, **UNIT)
        )
        # On JAX a callback finds the weights of the epoch only where it asks for them.
        watch = kc.callbacks.RobustAccuracy(IMAGES, LABELS, drop=1.0)
        options = dict(batch_size=12, epochs=3, verbose=0, callbacks=[watch])
        history = model.fit(IMAGES, LABELS, **options).history
        found += [history["loss"], history["robust_accuracy"], *model.get_weights()]
    return [np.asarray(each) for each in found]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backends_train_alike(backend, tmp_path):
    path = tmp_path / "found.npz"
    run_on(backend, CODE.format(path=path))
    found = np.load(path)
    for name, expected in zip(found.files, after_training(), strict=True):
        np.testing.assert_allclose(found[name], expected, atol=2e-4)
