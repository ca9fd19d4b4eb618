"""DeepFool, Carlini and Wagner, L-BFGS and FAB on models whose nearest boundary is known."""

from importlib import import_module

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from analysis.fooling.fooling_networks import (
    BOUNDS,
    CLASSES,
    answers,
    built,
    fooling,
    linear,
    network,
)
from analysis.fooling.fooling_networks import pictures as drawn
from keras_classics.analysis.fooling.attack_request import AttackRequest

WEIGHTS = np.array([[1.0, -1.0, 0.0], [2.0, 0.0, 0.5], [-3.0, 0.5, 0.0], [0.5, 0.0, -2.0]])
PLACE = np.array([0.8, 0.6, 0.3, 0.5], "float32").reshape(1, 2, 2, 1)


def nearest(norm):
    """Distance of the place to the nearest boundary between its class and another."""
    logits = PLACE.reshape(-1) @ WEIGHTS
    own = int(logits.argmax())
    order = {"l2": 2, "linf": 1}[norm]
    return own, min(
        (logits[own] - logits[k]) / np.linalg.norm(WEIGHTS[:, own] - WEIGHTS[:, k], order)
        for k in range(3)
        if k != own
    )


def length(found, norm):
    change = (found - PLACE).ravel().astype("float64")
    return np.abs(change).max() if norm == "linf" else np.sqrt((change**2).sum())


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("head", [None, "softmax"])
def test_deepfool_of_a_linear_model_is_one_step_and_its_overshoot(norm, head):
    own, distance = nearest(norm)
    model = linear(WEIGHTS, head=head)
    found = {
        over: fooling.deepfool(model, PLACE, bounds=(-9, 9), norm=norm, overshoot=over)
        for over in (0.02, 0.5)
    }
    for over, images in found.items():
        assert answers(model, images)[0] != own
        assert length(images, norm) == pytest.approx((1 + over) * distance, rel=1e-4)


@pytest.mark.parametrize("label", [0, CLASSES - 1])
def test_deepfool_leaves_the_first_and_the_last_class(label):
    images, labels = drawn(16)
    images = images[labels == label]
    model = network()
    found = fooling.deepfool(model, images, np.full(len(images), label), bounds=BOUNDS)
    assert (answers(model, found) != label).all()


def test_deepfool_reaches_the_boundary_where_bounds_cut_its_steps():
    """Half of the values cannot move: the others have to."""
    model = linear([[1.0, -1.0]] * 4)
    images = np.array([0.0, 0.0, 0.9, 0.9], "float32").reshape(1, 2, 2, 1)
    model.layers[-1].bias.assign([0.0, 1.0])
    found = fooling.deepfool(model, images, [0], bounds=(0, 1))
    assert answers(model, found)[0] == 1


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_fab_of_a_linear_model_finds_the_nearest(norm):
    own, distance = nearest(norm)
    model = linear(WEIGHTS)
    found = fooling.fab(model, PLACE, bounds=(-9, 9), norm=norm, steps=30)
    assert answers(model, found)[0] != own
    assert distance <= length(found, norm) < 1.01 * distance


def fab_by_hand(request, row, other, steps):
    """The paper's loop in L2 for one image and one other class, within bounds that nothing meets."""
    now = own = request.images[row].astype("float64")
    best, least = own, np.inf
    for _ in range(steps):
        _, (value,), (slope,) = request.gradients(
            now[None], np.array([row]), "difference", np.array([other], "int32"),
            request.classes[[row]],
        )  # fmt: skip
        square = (slope**2).sum()
        from_here = -value * slope / square
        from_image = ((slope * (now - own)).sum() - value) * slope / square
        near, far = (np.sqrt((way**2).sum()) for way in (from_here, from_image))
        share = min(near / (near + far), 0.1)
        now = (1 - share) * (now + 1.05 * from_here) + share * (own + 1.05 * from_image)
        length = np.sqrt(((now - own) ** 2).sum())
        if request.fooled(now[None].astype("float32"), np.array([row]))[0]:
            if length < least:
                best, least = now, length
            now = own + 0.9 * (now - own)
    return best


def test_fab_is_the_papers_step_by_step():
    images, labels = drawn(6)
    model = network()
    found = fooling.fab(model, images, labels, bounds=(-9e3, 9e3), norm="l2", rivals=1, steps=9)
    request = AttackRequest(model, images, labels, bounds=(-9e3, 9e3))
    logits = request.logits(images)
    np.put_along_axis(logits, labels[:, None], -np.inf, 1)
    expected = [fab_by_hand(request, n, logits[n].argmax(), 9) for n in range(6)]
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_weights_are_tenfold_until_one_succeeds_and_then_halfway(monkeypatch):
    tried = []

    def descended(self, weights):
        tried.append(float(weights[0]))
        return weights >= 0.5

    search = import_module("keras_classics.analysis.fooling.carlini_wagner")._Search
    monkeypatch.setattr(search, "_descend", descended)
    fooling.carlini_wagner(linear(WEIGHTS), PLACE, bounds=(0, 1), searches=6)
    assert tried == pytest.approx([0.001, 0.01, 0.1, 1, 0.55, 0.325])


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (1e2, 1e-2, [100, 10, 1, 10**0.5, 10**0.75]),
        (1e-2, 1e2, [0.01, 0.1, 1, 10, 10**0.5, 10**0.75]),
        # The last is tried, though it is no tenth of the one before; it fails, and there is none.
        (1e2, 5, [100, 10, 5]),
    ],
)
def test_the_search_for_c_halves_its_logarithm(first, last, expected):
    searched = import_module("keras_classics.analysis.fooling.box_lbfgs")._searched
    tried = []

    def minimum(weight):
        tried.append(weight)
        succeeds = weight < 4.5 if first > last else weight > 4.5
        return np.array([weight]) if succeeds else None

    best = searched(minimum, first, last, bisections=2)
    assert tried == pytest.approx(expected)
    succeeded = [weight for weight in tried if (weight < 4.5) == (first > last)]
    nearest = (max if first > last else min)(succeeded, default=None)
    assert best == nearest if best is None else best[0] == nearest


def test_carlini_and_wagner_find_about_the_nearest():
    own, distance = nearest("l2")
    model = linear(WEIGHTS)
    found = fooling.carlini_wagner(model, PLACE, bounds=(0, 1), steps=300, learning_rate=0.02)
    assert answers(model, found)[0] != own
    assert distance <= length(found, "l2") < 1.1 * distance


def test_the_largest_c_that_succeeds_is_the_shortest_and_the_smallest_is_not():
    own, distance = nearest("l2")
    model = linear(WEIGHTS)
    largest, smallest = (
        fooling.lbfgs(model, PLACE, bounds=(0, 1), c=c, bisections=8)
        for c in ("largest", "smallest")
    )
    assert answers(model, largest)[0] != own != answers(model, smallest)[0]
    assert distance <= length(largest, "l2") < 1.15 * distance
    assert length(smallest, "l2") >= length(largest, "l2")


def shifted(by):
    """The network with a number added to all its logits."""
    model = built(head=None)
    model.layers[-1].bias.assign(np.full(CLASSES, by, "float32"))
    return model


def test_numbers_added_to_all_logits_change_nothing():
    images, labels = drawn(4)
    options = dict(bounds=BOUNDS, steps=40, searches=4, weight=0.1)
    pair = [fooling.carlini_wagner(shifted(by), images, labels, **options) for by in (0, -100)]
    np.testing.assert_allclose(*pair, atol=0.5)


@pytest.mark.parametrize(
    "attack, options",
    [
        ("carlini_wagner", dict(steps=100, searches=5, weight=1.0, learning_rate=0.05)),
        ("lbfgs", dict(bisections=2, iterations=15)),
        ("deepfool", {}),
        ("fab", dict(steps=20)),
    ],
)
def test_a_target_is_reached(attack, options):
    images, labels = drawn(8)
    model, targets = network(), (labels + 2) % CLASSES
    found = getattr(fooling, attack)(
        model, images, labels, bounds=BOUNDS, targets=targets, **options
    )
    assert (answers(model, found) == targets).all()


@pytest.mark.parametrize("confidence", [0.0, 3.0])
def test_confidence_is_the_margin_of_the_logits(confidence):
    images, labels = drawn(4)
    model = network(head=None)
    found = fooling.carlini_wagner(
        model, images, labels, bounds=BOUNDS, confidence=confidence, steps=150, weight=1.0,
        learning_rate=0.05, searches=4,
    )  # fmt: skip
    logits = np.asarray(model.predict_on_batch(found))
    own = np.take_along_axis(logits, labels[:, None], 1)[:, 0]
    np.put_along_axis(logits, labels[:, None], -np.inf, 1)
    assert (logits.max(1) - own >= confidence - 1e-3).all()


def test_longer_ones_are_cut_to_the_size():
    model = linear(WEIGHTS)
    whole = fooling.deepfool(model, PLACE, bounds=(-9, 9))
    half = length(whole, "l2") / 2
    cut = fooling.deepfool(model, PLACE, epsilon=[half, 9.0], bounds=(-9, 9))
    assert length(cut[0], "l2") == pytest.approx(half, rel=1e-5)
    np.testing.assert_array_equal(cut[1], whole)
    assert answers(model, cut[0]) == answers(model, PLACE)


def test_what_is_misread_already_stays():
    model, (images, labels) = network(), drawn(4)
    wrong = (labels + 1) % CLASSES
    for attack in (fooling.deepfool, fooling.carlini_wagner, fooling.lbfgs, fooling.fab):
        np.testing.assert_array_equal(attack(model, images, wrong, bounds=BOUNDS), images)


def test_a_universal_perturbation_is_one_for_all_images():
    model, (images, labels) = network(), drawn(24)
    options = dict(epsilon=60, bounds=(-100, 355), passes=3)
    noise = fooling.universal_perturbation(model, images, labels, **options)
    assert noise.shape == images.shape[1:] and np.abs(noise).max() <= 60
    found = fooling.universal(model, images, labels, **options)
    np.testing.assert_allclose(found - images, np.broadcast_to(noise, images.shape), atol=1e-4)
    others, theirs = drawn(40, seed=5)
    drawn_signs = 60 * np.sign(np.random.default_rng(0).normal(size=noise.shape))
    hit, missed = ((answers(model, others + x) != theirs).mean() for x in (noise, drawn_signs))
    assert hit > missed + 0.15


def test_the_universal_perturbation_is_the_best_of_all_passes(monkeypatch):
    """Each image adds the number of its pass; half are fooled, then none, then half."""
    steps, shares = iter([1, 1, 2, 2, 3, 3]), iter([[True, False], [False] * 2, [True, False]])
    module = import_module("keras_classics.analysis.fooling.universal")
    monkeypatch.setattr(module, "to_boundary", lambda request, start, *_: start + next(steps))
    monkeypatch.setattr(AttackRequest, "fooled", lambda *_: np.array(next(shares)))
    found = fooling.universal_perturbation(
        linear(WEIGHTS), np.repeat(PLACE, 2, 0), epsilon=99, bounds=(-99, 99), fooled=1, passes=3
    )
    np.testing.assert_allclose(found, 2, rtol=1e-5)


@pytest.mark.parametrize("limits", [(1, 0.1), (0, 1), (1,)])
def test_limits_of_c_are_two_positive_numbers(limits):
    with pytest.raises(kc.InputError, match="limits="):
        fooling.lbfgs(linear(WEIGHTS), PLACE, bounds=(0, 1), limits=limits)


def test_nothing_found_is_the_image(monkeypatch):
    """A model that always says the same cannot be fooled, and says so by leaving images alone."""
    image = keras.Input((2, 2, 1))
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(image)))
    model.set_weights([np.full((4, 2), 1e-3) * [1, -1], np.array([50.0, -50.0])])
    for attack in (fooling.carlini_wagner, fooling.lbfgs, fooling.fab):
        options = {"steps": 20} if attack is not fooling.lbfgs else {"iterations": 5}
        found = attack(model, PLACE, [0], bounds=(0, 1), **options)
        np.testing.assert_array_equal(found, PLACE)
    # Where nothing falls a search ends at its second look, a fifth of its steps.
    looks = []
    gradients = AttackRequest.gradients
    monkeypatch.setattr(
        AttackRequest, "gradients", lambda *x, **more: looks.append(1) or gradients(*x, **more)
    )
    fooling.carlini_wagner(model, PLACE, [0], bounds=(0, 1), steps=50, searches=1, weight=1e-30)
    assert len(looks) == 1 + 10
