"""Recipes as the papers mean them: coupled decay, schedules at their milestones, one for each."""

import json
import warnings

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

import keras_classics as kc
from keras_classics.data.pictures.augmenting.augmentation import STEPS
from keras_classics.data.pictures.preparation import NORMALIZATIONS
from keras_classics.training.recipes import decay_weights, learning_rate
from support import run_on

# Trunks without a classifier have nothing to train on classes.
NAMES = [name for name in kc.list_models() if kc.card(name).classes]


def papers(name: str) -> kc.training.Recipe:
    return kc.card(name).recipes["paper"]


@pytest.mark.parametrize("name", NAMES)
def test_every_model_has_its_papers_recipe(name):
    recipes = kc.card(name).recipes
    assert "paper" in recipes
    for recipe in recipes.values():
        assert {step.name for step in recipe.augmentation} <= set(STEPS)
        assert recipe.normalization.name in NORMALIZATIONS
        optimizer = getattr(keras.optimizers, recipe.optimizer)
        optimizer(recipe.learning_rate, **recipe.options)
        builder = {"survival", "dropout", "auxiliary"}
        assert set(recipe.builder) <= builder
        assert f"{recipe.learning_rate:g}" in str(recipe)


def test_a_recipe_tells_the_length_of_the_training_beside_its_own():
    recipe = kc.training.quick_recipe(kc.create_model("lenet_5"))
    assert f"; {recipe.iterations:,} iterations of batches" in str(recipe)
    told = recipe.told(7)
    assert f"; 7 epochs (the recipe's: {recipe.iterations:,} iterations) of batches" in told
    by_epochs = papers("resnet_50")
    assert by_epochs.told(by_epochs.epochs) == by_epochs.told() == str(by_epochs)


def test_weight_decay_is_the_papers_update_with_momentum():
    decay, momentum, rate = 5e-4, 0.9, 0.1
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="dense")])
    decay_weights(model, decay)
    model.compile(keras.optimizers.SGD(rate, momentum=momentum), "mse")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 3)).astype("float32"), rng.normal(size=(4, 2)).astype("float32")
    kernel, bias = (weight.astype("float64") for weight in model.layers[0].get_weights())
    velocity = np.zeros_like(kernel), np.zeros_like(bias)
    for _ in range(3):
        model.train_on_batch(x, y)
        error = 2 * (x @ kernel + bias - y) / y.size
        # Krizhevsky et al. 2012: the decay goes through the momentum with the gradient.
        gradients = x.T @ error + decay * kernel, error.sum(axis=0)
        velocity = [momentum * v - rate * g for v, g in zip(velocity, gradients, strict=True)]
        kernel, bias = kernel + velocity[0], bias + velocity[1]
    np.testing.assert_allclose(model.layers[0].get_weights()[0], kernel, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(model.layers[0].get_weights()[1], bias, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("decayed", "kept"), [("kernels", {"kernel"}), ("all", None)])
def test_decay_covers_what_the_recipe_says(decayed, kept):
    model = kc.create_model("resnet_20_cifar", width=0.25)
    decay_weights(model, 1e-4, decayed)
    covered = {w.name for w in model.trainable_weights if w.regularizer is not None}
    assert covered == (kept or {weight.name for weight in model.trainable_weights})
    decay_weights(model, 0.0, "all")
    assert not model.losses


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_decay_reaches_the_gradient_on_other_backends(backend):
    code = (
        "import keras, numpy as np, json\n"
        "from keras_classics.training.recipes import decay_weights\n"
        "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, use_bias=False)])\n"
        "decay_weights(model, 0.5)\n"
        "before = model.get_weights()[0]\n"
        "model.compile(keras.optimizers.SGD(0.1), 'mse')\n"
        "model.train_on_batch(np.zeros((1, 2)), np.zeros((1, 2)))\n"
        "print(json.dumps((model.get_weights()[0] / before).ravel().tolist()))\n"
    )
    ratios = json.loads(run_on(backend, code).splitlines()[-1])
    np.testing.assert_allclose(ratios, 0.95, rtol=1e-5)


def rate_at(name: str, step: int, steps: int | None = None) -> float:
    recipe = papers(name)
    rate = learning_rate(recipe, steps=steps or recipe.length)
    return float(rate(step))


@pytest.mark.parametrize(
    ("name", "step", "rate"),
    [
        ("resnet_20_cifar", 0, 0.1),
        ("resnet_20_cifar", 31_999, 0.1),
        ("resnet_20_cifar", 32_000, 0.01),
        ("resnet_20_cifar", 48_000, 0.001),
        ("resnet_110_cifar", 399, 0.01),
        ("resnet_110_cifar", 400, 0.1),
        ("resnet_110_cifar", 63_999, 0.001),
        ("squeezenet_1_0", 85_000, 0.02),
        ("highway_19_cifar", 175_000, 2.5e-5),
        ("simpnet_5m_cifar", 399_999, 1e-7),
    ],
)
def test_rates_at_the_papers_iterations(name, step, rate):
    assert rate_at(name, step) == pytest.approx(rate, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "epoch", "rate"),
    [
        ("wide_resnet_28_10_cifar", 59.9, 0.1),
        ("wide_resnet_28_10_cifar", 60, 0.02),
        ("wide_resnet_28_10_cifar", 160, 0.0008),
        ("densenet_100_k12_cifar", 150, 0.01),
        ("resnext_50_32x4d", 60, 0.001),
        ("inception_v4", 2, 0.045 * 0.94),
        ("lenet_5", 0, 5e-4 / 0.02),
        ("lenet_5", 2, 2e-4 / 0.02),
        ("lenet_5", 19, 1e-5 / 0.02),
        ("maxout_cifar", 500, 0.0017),
    ],
)
def test_rates_at_the_papers_epochs_whatever_the_steps_of_an_epoch(name, epoch, rate):
    steps = 100 * papers(name).epochs
    assert rate_at(name, int(100 * epoch), steps) == pytest.approx(rate, rel=1e-4)


def test_a_shorter_training_keeps_the_shape_of_the_schedule():
    assert rate_at("resnet_20_cifar", 499, 1000) == pytest.approx(0.1)
    assert rate_at("resnet_20_cifar", 500, 1000) == pytest.approx(0.01)
    assert papers("resnet_20_cifar").epochs_of(352) == 182


def test_the_quick_recipe_rises_and_falls_to_nothing():
    model = kc.create_model("lenet_5_modern")
    recipe = kc.training.quick_recipe(model, mirror=False)
    assert recipe.optimizer == "Adam"
    assert [step.name for step in recipe.augmentation] == ["pad_crop"]
    rate = learning_rate(recipe, steps=1000)
    rates = [float(rate(step)) for step in range(0, 1001, 50)]
    peak = int(np.argmax(rates))
    assert 0 < peak < 10 and rates[peak] == pytest.approx(recipe.learning_rate, rel=0.1)
    assert rates == sorted(rates[:peak]) + sorted(rates[peak:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-8)
    normalized = kc.training.quick_recipe(kc.create_model("resnet_20_cifar", width=0.25))
    assert normalized.optimizer == "SGD" and normalized.weight_decay > 0


def test_a_training_too_short_for_batch_normalisation_says_how_long_is_enough():
    """64 digits in one batch: learned after some steps, and evaluated so only much later."""
    digits = load_digits()
    pictures = np.kron(digits.images[:64, ..., None], np.ones((2, 2, 3)))
    x = ((pictures - pictures.mean()) / pictures.std()).astype("float32")
    y = np.eye(10, dtype="float32")[digits.target[:64]]
    small = {"width": 0.25, "repeats": (1, 1, 1), "input_shape": (16, 16, 3)}

    def learned(epochs):
        keras.utils.set_random_seed(0)
        model = kc.create_model("resnet_20_cifar", **small)
        recipe = kc.training.quick_recipe(model)
        kc.training.compile_model(model, recipe, steps_per_epoch=1, epochs=epochs)
        history = model.fit(x, y, batch_size=64, epochs=epochs, verbose=0).history
        return history["accuracy"][-1], model.evaluate(x, y, verbose=0)[1]

    with pytest.warns(UserWarning, match="After 8 steps .* for 50 epochs or more") as said:
        short = learned(8)
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="After")
        enough = learned(50)
    assert short[0] - short[1] > 0.1 and enough[0] - enough[1] < 0.05 and enough[1] > 0.9
    # Without batch normalisation there are no averages.
    plain = kc.create_model("lenet_5_modern", weights=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        kc.training.compile_model(
            plain, kc.training.quick_recipe(plain), steps_per_epoch=1, epochs=2
        )


def test_a_recipe_of_auxiliary_losses_needs_the_outputs():
    recipe = papers("googlenet")
    model = kc.create_model("googlenet_bn", width=0.1)
    with pytest.raises(kc.InputError, match="1 outputs met a recipe for 3"):
        kc.training.compile_model(model, recipe, steps_per_epoch=1, epochs=1)


@pytest.mark.parametrize("given", [{}, {"epochs": 1, "iterations": 1}])
def test_a_recipe_has_one_length(given):
    with pytest.raises(ValueError, match="Give the length in the paper's unit"):
        kc.training.Recipe(learning_rate=0.1, batch_size=1, **given)


def test_metrics_of_a_classifier_against_a_hand_count():
    labels = np.array([0, 0, 1, 2])
    probabilities = np.eye(3)[[0, 1, 1, 1]] * 0.7 + 0.1
    counts = kc.training.confusion_matrix(labels, probabilities)
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 0]]
    scores = kc.training.class_scores(labels, probabilities)
    np.testing.assert_allclose(scores["precision"], [1, 1 / 3, 0])
    np.testing.assert_allclose(scores["recall"], [1 / 2, 1, 0])
    np.testing.assert_allclose(scores["F1"], [2 / 3, 1 / 2, 0])
    metrics = kc.training.classification_metrics(labels, probabilities)
    assert metrics["accuracy"] == 0.5
    assert metrics["macro F1"] == pytest.approx((2 / 3 + 1 / 2) / 3)
    assert metrics["cross-entropy"] == pytest.approx(-np.log([0.8, 0.1, 0.8, 0.1]).mean())
    assert "top-5 accuracy" not in metrics
    with pytest.raises(kc.InputError, match="one row of probabilities"):
        kc.training.confusion_matrix(labels, probabilities[:2])
