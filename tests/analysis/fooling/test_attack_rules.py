"""The ten rules by which those who write attacks find out that one is broken, for every attack."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from analysis.fooling.fooling_networks import (
    ATTACKS,
    BOUNDS,
    CLASSES,
    answers,
    built,
    fooling,
    network,
    pictures,
)

IMAGES, LABELS = pictures()
# A step in L1 moves one value of 36, and what is the same for all images leaves those of one class.
LEFT_BY_THE_LARGEST = {"fgsm_l1": 1.0, "universal": 0.5}
ONE_STEP = {"fgsm", "fgsm_l2", "fgsm_l1"}
# Those that aim at something harder, or see less, than the class being left.
WEAKER = {"least_likely", "universal", "square", "square_l2", *ONE_STEP}


@pytest.fixture(scope="module")
def model():
    return network()


def success(model, images):
    """Share of those that were read right before (rule 4)."""
    right = answers(model, IMAGES) == LABELS
    assert 0.9 < right.mean() <= 1
    return float((answers(model, images) != LABELS)[right].mean())


def length(change, norm):
    rows = np.abs(change.reshape(len(change), -1).astype("float64"))
    return {
        "linf": rows.max(axis=1),
        "l2": np.sqrt((rows**2).sum(axis=1)),
        "l1": rows.sum(axis=1),
    }[norm]


def noisy(norm, size):
    drawn = np.random.default_rng(0).normal(size=IMAGES.shape)
    unit = np.sign(drawn) if norm == "linf" else drawn / length(drawn, norm)[:, None, None, None]
    return np.clip(IMAGES + size * unit, *BOUNDS)


def target_loss(model, images, targets):
    chances = np.asarray(model.predict_on_batch(images))[np.arange(len(images)), targets]
    return -np.log(np.maximum(chances, 1e-30)).mean()


@pytest.mark.parametrize("name", ATTACKS)
def test_the_ten_rules(model, name):
    attack, norm, size = ATTACKS[name]
    given, weights = IMAGES.copy(), [np.asarray(each) for each in model.get_weights()]

    def attacked(epsilon, **options):
        return attack(model, IMAGES, LABELS, epsilon=epsilon, bounds=BOUNDS, **options)

    # 1: what the attack sees of the model is what its user sees.
    table = kc.analysis.fooling.robustness(
        model, (IMAGES, LABELS), {name: attack}, epsilon=size, bounds=BOUNDS
    )
    assert table.clean == (answers(model, IMAGES) == LABELS).mean()
    sizes = [0, size / 2, size, 1e4 if norm == "l2" else 1e5 if norm == "l1" else 255]
    found = attacked(sizes)
    assert found.dtype == "float32" and found.shape == (4, *IMAGES.shape)
    # 2: bounds are kept exactly, 3: and so is the size.
    assert found.min() >= 0 and found.max() <= 255
    for each, largest in zip(found, sizes, strict=True):
        assert length(each - IMAGES, norm).max() <= largest * (1 + 1e-6) + 1e-4
    # 4: only images that were read right count.
    shares = [success(model, each) for each in found]
    assert table.success[name].iloc[0] == pytest.approx(shares[2])
    # 5: it grows with the size; 6: from nothing to everything.
    assert shares[0] == 0 and np.array_equal(found[0], IMAGES)
    assert shares == sorted(shares)
    assert shares[-1] >= 1 - LEFT_BY_THE_LARGEST.get(name, 0)
    # 5, again: and with the steps.
    if name.startswith(("bim", "pgd", "mi", "apgd", "deepfool", "carlini", "fab")):
        assert success(model, attacked(size, steps=1)) <= shares[2]
    # 7: a target becomes likelier.
    if name != "least_likely":
        targets = (LABELS + 1 + (answers(model, IMAGES) == (LABELS + 1) % CLASSES)) % CLASSES
        moved = attacked(size, targets=targets)
        most = 1.0 if name == "universal" else 0.9
        assert target_loss(model, moved, targets) < most * target_loss(model, IMAGES, targets)
    # 8: noise of the same length does much less.
    assert 2 * success(model, noisy(norm, size)) < shares[2] or name in LEFT_BY_THE_LARGEST
    # 9: what may take many steps is no weaker than one step; 10: nor than what sees no gradient.
    if name not in WEAKER and norm != "l1":
        for other in ("fgsm", "square") if norm == "linf" else ("fgsm_l2", "square_l2"):
            theirs = ATTACKS[other][0](model, IMAGES, LABELS, epsilon=size, bounds=BOUNDS)
            assert shares[2] >= success(model, theirs) - 1 / len(IMAGES)
    # Neither the caller's images nor the model have changed.
    assert np.array_equal(IMAGES, given)
    for before, after in zip(weights, model.get_weights(), strict=True):
        assert np.array_equal(before, after)


@pytest.mark.parametrize("name", ["fgsm", "pgd", "deepfool", "carlini_wagner", "fab", "square"])
def test_results_do_not_depend_on_the_batch(model, name):
    attack, _, size = ATTACKS[name]
    found = [
        attack(model, IMAGES[:9], LABELS[:9], epsilon=size, bounds=BOUNDS, batch_size=batch)
        for batch in (1, 4, 32)
    ]
    for each in found[1:]:
        np.testing.assert_allclose(each, found[0], atol=0.02)


@pytest.mark.parametrize("form", ["sequential", "nested", "loaded"])
def test_every_form_of_a_model_is_the_same_model(model, form, tmp_path):
    if form == "loaded":
        model.save(tmp_path / "model.keras")
        other = keras.saving.load_model(tmp_path / "model.keras")
    else:
        other = network(form)
    options = dict(epsilon=10, bounds=BOUNDS, steps=5)
    expected = fooling.pgd(model, IMAGES, LABELS, **options)
    np.testing.assert_allclose(fooling.pgd(other, IMAGES, LABELS, **options), expected, atol=1e-3)


def test_attacks_move_neither_statistics_nor_flags():
    """Of batch normalisation and frozen layers, which crafting in training mode would move."""
    keras.utils.set_random_seed(0)
    image = keras.Input((6, 6, 1))
    x = keras.layers.BatchNormalization(momentum=0.5)(image)
    frozen = keras.layers.Dense(8, "relu", trainable=False)
    model = keras.Model(image, keras.layers.Dense(CLASSES)(frozen(keras.layers.Flatten()(x))))
    weights, flags = model.get_weights(), [layer.trainable for layer in model.layers]
    for name in ("pgd", "deepfool", "carlini_wagner", "square"):
        ATTACKS[name][0](model, IMAGES[:6], epsilon=5.0, bounds=BOUNDS)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(after, before)
    assert [layer.trainable for layer in model.layers] == flags


def test_what_passes_together_is_no_more_than_a_batch(model, monkeypatch):
    """So memory follows `batch_size`, however many images there are."""
    from keras_classics.analysis.fooling.victim import Victim

    met = []
    whole = Victim._by_batches

    def spied(self, step, arrays, batch_size):
        def counted(*given):
            met.append(len(given[0]))
            return step(*given)

        return whole(self, counted, arrays, batch_size)

    monkeypatch.setattr(Victim, "_by_batches", spied)
    for name in ("pgd", "deepfool", "carlini_wagner", "fab", "square", "apgd"):
        attack, _, size = ATTACKS[name]
        attack(model, IMAGES, LABELS, epsilon=size, bounds=BOUNDS, batch_size=5)
    assert max(met) == 5


def test_a_model_that_is_let_go_is_not_kept():
    import gc
    import weakref

    model = built()
    fooling.fgsm(model, IMAGES, LABELS, epsilon=1, bounds=BOUNDS)
    held = weakref.ref(model)
    del model
    gc.collect()
    assert held() is None


def test_a_model_that_grew_is_read_again():
    model = built("sequential")
    first = fooling.fgsm(model, IMAGES, LABELS, epsilon=10, bounds=BOUNDS)
    turned = keras.layers.Dense(CLASSES, "softmax")
    model.pop()
    model.add(turned)
    turned.set_weights([np.random.default_rng(0).normal(size=(24, CLASSES)), np.zeros(CLASSES)])
    second = fooling.fgsm(model, IMAGES, LABELS, epsilon=10, bounds=BOUNDS)
    assert not np.array_equal(first, second)


def test_weights_count_as_they_are_at_each_call(model):
    old = model.get_weights()
    first = fooling.fgsm(model, IMAGES, LABELS, epsilon=10, bounds=BOUNDS)
    model.set_weights([-each for each in old[:2]] + old[2:])
    second = fooling.fgsm(model, IMAGES, LABELS, epsilon=10, bounds=BOUNDS)
    model.set_weights(old)
    assert not np.array_equal(first, second)
    again = fooling.fgsm(model, IMAGES, LABELS, epsilon=10, bounds=BOUNDS)
    assert np.array_equal(first, again)
