"""The loss of outlines by hand: balance, bags, sides, and what does not count."""

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
        losses.append((each / whole * ([side_weight] * (said.shape[-1] - 1) + [1])).sum())
    return np.mean(losses)


@pytest.mark.parametrize("bag", [0, 1])
def test_the_loss_by_hand(bag):
    rng = np.random.default_rng(0)
    labels = (rng.random((2, 6, 7)) < 0.2).astype("int32")
    labels[0, :2] = 255
    logits = rng.normal(size=(2, 6, 7, 3)).astype("float32")
    found = kc.training.BoundaryLoss(bag, 0.5)(labels, logits)
    assert float(found) == pytest.approx(by_hand(labels, logits, bag, 0.5), rel=1e-4)
    loss = kc.training.BoundaryLoss(bag, 0.5)
    assert type(loss).from_config(loss.get_config()).get_config() == loss.get_config()
