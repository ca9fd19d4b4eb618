"""The loss of outlines by hand: balance, bags, sides, and what does not count."""

import keras
import numpy as np
import pytest

import keras_classics as kc


def softplus(x):
    return np.log1p(np.exp(x))


def by_hand(labels, logits, bag, side_weight):
    losses = []
    for true, said in zip(labels, logits, strict=True):
        height, width = true.shape
        counted = true != 255
        best, near = np.empty_like(said), np.zeros(true.shape, bool)
        for y in range(height):
            for x in range(width):
                window = slice(max(0, y - bag), y + bag + 1), slice(max(0, x - bag), x + bag + 1)
                best[y, x] = said[window].max(axis=(0, 1))
                near[y, x] = (true[window] == 1).any()
        drawn, free = true == 1, counted & ~near
        whole = drawn.sum() + free.sum()
        balance = free.sum() / whole
        each = balance * softplus(-best[drawn]).sum(0) + (1 - balance) * softplus(said[free]).sum(0)
        losses.append((each / whole * np.append(np.broadcast_to(side_weight, 2), 1)).sum())
    return np.mean(losses)


@pytest.mark.parametrize(("bag", "side_weight"), [(0, 0.5), (1, 0.5), (1, [0.75, 0.25])])
def test_the_loss_by_hand(bag, side_weight):
    rng = np.random.default_rng(0)
    labels = (rng.random((2, 6, 7)) < 0.2).astype("int32")
    labels[0, :2] = 255
    logits = rng.normal(size=(2, 6, 7, 3)).astype("float32")
    loss = kc.training.BoundaryLoss(bag, side_weight)
    expected = by_hand(labels, logits, bag, side_weight)
    assert float(loss(labels, logits)) == pytest.approx(expected, rel=1e-4)
    assert type(loss).from_config(loss.get_config()).get_config() == loss.get_config()


def test_a_picture_of_which_nothing_is_known_costs_nothing():
    labels = np.zeros((2, 4, 5), "int32")
    labels[0] = 255
    labels[1, 2] = 1
    logits = np.random.default_rng(0).normal(size=(2, 4, 5, 1)).astype("float32")
    unknown, known = kc.training.BoundaryLoss(reduction="none")(labels, logits)
    assert float(unknown) == 0 and float(known) > 0


@pytest.mark.parametrize("wrong", [2, -1, 254, 0.5])
def test_masks_of_classes_are_no_maps_of_outlines(wrong):
    labels = np.zeros((2, 4, 5), "float32")
    labels[:, 2], labels[1, 0, 0] = 1, wrong
    logits = np.zeros((2, 4, 5, 1), "float32")
    right, unknown = kc.training.BoundaryLoss(reduction="none")(labels, logits)
    assert np.isfinite(float(right)) and np.isnan(float(unknown))


def test_weights_that_are_not_one_for_each_side_are_refused():
    loss = kc.training.BoundaryLoss(side_weight=[1.0, 0.5])
    with pytest.raises(kc.InputError, match="for 1 side outputs"):
        loss(np.zeros((1, 4, 5)), np.zeros((1, 4, 5, 2)))
    with pytest.raises(kc.InputError, match="side_weight"):
        kc.training.BoundaryLoss(side_weight=[0.5, 2.0])


def test_the_weight_of_the_sides_falls_between_two_trainings():
    keras.utils.set_random_seed(0)
    image = keras.Input((4, 5, 3))
    model = keras.Model(image, keras.layers.Conv2D(3, 1)(image))
    rng = np.random.default_rng(0)
    given = rng.normal(size=(2, 4, 5, 3)), rng.integers(0, 2, (2, 4, 5))
    model.compile("adam", kc.training.BoundaryLoss(), run_eagerly=True)
    model.train_on_batch(*given)
    before = model.get_weights()[1]
    falling = kc.training.BoundaryLoss(side_weight=0.0)
    model.compile(model.optimizer, falling, run_eagerly=True)
    for _ in range(2):
        model.train_on_batch(*given)
    # Steps go on, and the sides still move by what was gathered for them.
    assert int(model.optimizer.iterations) == 3
    assert (model.get_weights()[1] != before).all()
