"""The evaluation attacks survivors only and says what flatters a model; its parts by hand."""

from importlib import import_module

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_classics as kc
from analysis.fooling.fooling_networks import BOUNDS, answers, fooling, linear, network, pictures
from keras_classics.analysis.fooling.attack_losses import LOSSES
from keras_classics.analysis.fooling.attack_request import AttackRequest

QUICK = dict(bounds=BOUNDS, steps=10, queries=60)


def test_losses_by_hand():
    logits = np.array([[3.0, 1.0, 0.5, -1.0], [0.0, 2.0, 1.5, 1.0]], "float32")
    classes, others = np.array([0, 2], "int32"), np.array([1, 0], "int32")

    def of(name):
        given = map(ops.convert_to_tensor, (logits, classes, others))
        return ops.convert_to_numpy(LOSSES[name](*given))

    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    own = chances[[0, 1], classes]
    np.testing.assert_allclose(of("log_odds"), np.log((1 - own) / own), rtol=1e-5)
    np.testing.assert_allclose(np.log1p(np.exp(of("log_odds"))), -np.log(own), rtol=1e-5)
    np.testing.assert_allclose(of("margin"), [-2, 0.5], rtol=1e-6)
    np.testing.assert_allclose(of("difference"), [-2, -1.5], rtol=1e-6)
    np.testing.assert_allclose(of("logits_ratio"), [-2 / 2.5, 0.5 / 1.0], rtol=1e-6)
    np.testing.assert_allclose(
        of("targeted_logits_ratio"), [-2 / (3 + 0.25), -1.5 / (2 - 0.5)], rtol=1e-6
    )


def apgd_by_hand(request, row, size, steps, norm):
    """The authors' loop for one image, of numbers drawn as ours are."""
    own = request.images[row].astype("float64")
    draw = np.random.default_rng(0)
    shape = request.images.shape
    drawn = (draw.uniform(-1, 1, shape) if norm == "linf" else draw.normal(size=shape))[row]

    def length(x):
        return np.abs(x).max() if norm == "linf" else np.sqrt((x**2).sum())

    def inside(x):
        change = x - own
        if norm == "linf":
            change = np.clip(change, -size, size)
        elif length(change) > size:
            change *= size / length(change)
        return np.clip(own + change, *BOUNDS).astype("float32").astype("float64")

    def look(x):
        logits, loss, gradient = request.gradients(x[None], np.array([row]))
        step = np.sign(gradient[0]) if norm == "linf" else gradient[0] / length(gradient[0])
        return logits[0].argmax() != request.classes[row], loss[0], step

    now = before = inside(own + size * drawn / length(drawn))
    fooled, loss, way = look(now)
    losses, best = [loss], (loss, now, way)
    step, window, counted = 2 * size, int(0.22 * steps), 0
    last_best, halved = loss, True
    for number in range(steps):
        if fooled:
            return now
        there = inside(now + step * way)
        share = 0.75 if number else 1.0
        moved = inside(now + share * (there - now) + (1 - share) * (now - before))
        now, before = moved, now
        fooled, loss, way = look(now)
        losses.append(loss)
        best = max(best, (loss, now, way), key=lambda each: each[0])
        counted += 1
        if counted == window:
            rises = (np.diff(losses[-window - 1 :]) > 0).sum()
            halve = rises <= 0.75 * window or (not halved and best[0] <= last_best)
            halved, last_best = halve, best[0]
            if halve:
                step /= 2
                _, now, way = best
            window, counted = max(window - int(0.03 * steps), int(0.06 * steps)), 0
    return now if fooled else best[1]


def hilly():
    """A network with many hills, which is always sure of class 0."""
    image = keras.Input((6, 6, 1))
    hidden = layers.Dense(24, "tanh")(layers.Flatten()(image / 127.5 - 1))
    model = keras.Model(image, layers.Dense(4)(hidden))
    draw = np.random.default_rng(5)
    weights = [draw.normal(size=(36, 24)), draw.normal(size=24), draw.normal(size=(24, 4))]
    model.set_weights([*weights, np.array([50.0, 0, 0, 0])])
    return model


@pytest.mark.parametrize(("norm", "size"), [("linf", 40), ("l2", 150)])
@pytest.mark.parametrize("make", [network, hilly])
def test_apgd_is_the_authors_image_by_image(make, norm, size):
    """Of images that are fooled on the way, and of a long way up hills on which none is."""
    model, (images, labels) = make(), pictures(6)
    size, labels = (size, 0 * labels) if make is hilly else (size / 3, labels)
    found = fooling.apgd(model, images, labels, epsilon=size, bounds=BOUNDS, norm=norm, steps=50)
    request = AttackRequest(model, images, labels, bounds=BOUNDS)
    expected = np.stack([apgd_by_hand(request, row, size, 50, norm) for row in range(6)])
    assert (answers(model, found) != labels).any() == (make is network)
    # Of 255; on a long way the last bits, which differ by processor, grow.
    np.testing.assert_allclose(found, expected, atol=0.2)


def test_each_attack_meets_the_survivors_of_the_last(monkeypatch):
    model, (images, labels) = network(), pictures()
    met = []
    run = import_module("keras_classics.analysis.fooling.auto_attack")._Run
    whole = run._square
    monkeypatch.setattr(run, "_square", lambda self, rows: met.append(rows) or whole(self, rows))
    found = fooling.auto_attack(model, images, labels, epsilon=12, **QUICK)
    shares = [*found.accuracy.values()]
    assert list(found.accuracy) == ["clean", *fooling.AUTO_ATTACKS]
    assert shares[0] == 1 and shares == sorted(shares, reverse=True) and 0 < shares[-1] < 1
    assert len(met[0]) == round(shares[3] * len(images))
    read = answers(model, found.images) == labels
    np.testing.assert_array_equal(read, found.standing)
    assert np.abs(found.images - images).max() <= 12 * (1 + 1e-5)
    # The first is the attack that one can call by itself.
    alone = fooling.apgd(model, images, labels, epsilon=12, bounds=BOUNDS, steps=10)
    assert (answers(model, alone) == labels).mean() == pytest.approx(shares[1])
    assert found.warnings == ()


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_several_sizes_are_several_evaluations(norm):
    model, (images, labels) = network(), pictures(12)
    sizes = [0, 5, 40] if norm == "linf" else [0, 20, 400]
    found = fooling.auto_attack(model, images, labels, epsilon=sizes, norm=norm, **QUICK)
    last = [each.accuracy["square"] for each in found]
    assert [each.epsilon for each in found] == sizes
    assert last[0] == 1 and last == sorted(last, reverse=True) and last[-1] == 0


def test_one_attack_is_a_name():
    images, labels = pictures(4)
    options = dict(epsilon=5, attacks="square", **QUICK)
    assert [*fooling.auto_attack(network(), images, labels, **options).accuracy] == [
        "clean", "square",
    ]  # fmt: skip
    with pytest.raises(kc.InputError, match="attacks='squares'.*'square'"):
        fooling.auto_attack(network(), images, labels, **{**options, "attacks": "squares"})


def warned(model, images, labels, words, **options):
    found = fooling.auto_attack(model, images, labels, **{**QUICK, "epsilon": 12, **options})
    assert any(words in each for each in found.warnings), found.warnings
    return found


def test_masked_gradients_are_told_by_what_sees_none():
    """Steps of brightness have no gradient; random search does not mind."""
    image = keras.Input((6, 6, 1))
    inner = network()
    model = keras.Model(image, inner(ops.floor(image / 8) * 8))
    images, labels = pictures()
    found = warned(model, images, labels, "have a gradient of zero", epsilon=20)
    assert found.accuracy["fab_t"] == found.accuracy["clean"] > found.accuracy["square"]
    assert any("masked" in each for each in found.warnings)


@keras.saving.register_keras_serializable("tests")
class AlwaysNoisy(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.generator = keras.random.SeedGenerator(0)

    def call(self, inputs):
        return inputs + keras.random.normal(ops.shape(inputs), seed=self.generator)


def test_answers_that_change_are_told_and_the_generator_stays():
    image = keras.Input((6, 6, 1))
    noise = AlwaysNoisy()
    model = keras.Model(image, network()(noise(image)))
    state = np.asarray(noise.generator.state)
    images, labels = pictures(8)
    warned(model, images, labels, "differently from call to call")
    np.testing.assert_array_equal(np.asarray(noise.generator.state), state)


@keras.saving.register_keras_serializable("tests")
class OwnSoftmax(layers.Layer):
    def call(self, inputs):
        return ops.softmax(inputs)


def test_probabilities_of_unknown_logits_are_told():
    images, labels = pictures(8)
    image = keras.Input((6, 6, 1))
    warned(
        keras.Model(image, OwnSoftmax()(network(head=None)(image))),
        images, labels, "look like probabilities",
    )  # fmt: skip


def test_three_classes_are_told_and_evaluated():
    model = linear(np.random.default_rng(0).normal(size=(4, 3)))
    images = np.random.default_rng(1).uniform(size=(9, 2, 2, 1)).astype("float32")
    found = warned(model, images, None, "3 classes are too few", epsilon=0.9, bounds=(0, 1))
    assert found.accuracy["square"] < 1


def test_the_ratio_of_logits_needs_classes():
    model = linear(np.random.default_rng(0).normal(size=(4, 3)))
    images = np.full((1, 2, 2, 1), 0.5, "float32")
    own = int(answers(model, images)[0])
    options = dict(epsilon=0.1, bounds=(0, 1), steps=3)
    fooling.apgd(model, images, loss="dlr", **options)
    with pytest.raises(kc.InputError, match="loss='dlr' was given for 3 classes.*4 classes"):
        fooling.apgd(model, images, loss="dlr", targets=(own + 1) % 3, **options)
    fooling.apgd(model, images, targets=(own + 1) % 3, **options)


def test_a_vector_is_searched_by_squares_too():
    vector = keras.Input((9,))
    model = keras.Model(vector, layers.Dense(3, "softmax")(vector))
    model.set_weights([np.random.default_rng(3).normal(size=(9, 3)), np.zeros(3)])
    images = np.random.default_rng(0).uniform(size=(8, 9)).astype("float32")
    for norm, size in (("linf", 0.5), ("l2", 1.0)):
        found = fooling.square(model, images, epsilon=size, bounds=(0, 1), norm=norm, queries=40)
        assert found.shape == images.shape
        assert (answers(model, found) != answers(model, images)).any()
