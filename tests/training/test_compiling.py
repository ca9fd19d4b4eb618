"""Rates of the optimizers by hand, and losses that leave padding out."""

import math

import keras
import numpy as np
import pytest

import keras_classics as kc


def rates(optimizer, steps):
    schedule = optimizer._learning_rate
    return [float(keras.ops.convert_to_numpy(schedule(step))) for step in steps]


def test_the_rate_rises_and_then_falls_along_half_a_cosine():
    optimizer = kc.training.cosine_adam(0.4, 10, clip_norm=2.0)
    expected = [0.4 * (1 + math.cos(math.pi * step / 10)) / 2 for step in range(11)]
    assert rates(optimizer, range(11)) == pytest.approx(expected, abs=1e-6)
    assert optimizer.global_clipnorm == 2.0 and not optimizer.use_ema
    warmed = kc.training.cosine_adam(0.4, 14, warm_up_steps=4, average_steps=5)
    assert rates(warmed, range(4)) == pytest.approx([0, 0.1, 0.2, 0.3], abs=1e-6)
    assert rates(warmed, range(4, 15)) == pytest.approx(expected, abs=1e-6)
    assert warmed.use_ema and warmed.ema_momentum == pytest.approx(0.8)


def test_the_rate_falls_once_in_an_epoch_after_the_first():
    lengths = {"steps_per_epoch": 10, "epochs": 4, "factor": 0.5}
    optimizer = kc.training.falling_optimizer("rmsprop", 1.0, first=2, **lengths)
    # Keras's step counts those made before: the twentieth is the last of the second epoch.
    assert rates(optimizer, [0, 19, 20, 29, 30]) == [1, 1, 0.5, 0.5, 0.25]
    assert optimizer.global_clipnorm is None and optimizer.rho == 0.95
    longer = kc.training.falling_optimizer("adam", 1.0, first=9, clip_norm=3.0, **lengths)
    assert rates(longer, [39]) == [1] and longer.global_clipnorm == 3.0
    with pytest.raises(kc.InputError, match="optimizer='sgd'"):
        kc.training.falling_optimizer("sgd", 1.0, **lengths)


def test_padding_is_no_loss():
    loss = kc.training.unpadded_cross_entropy()
    logits = np.log(np.array([[[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]]], "float32"))
    found = float(keras.ops.convert_to_numpy(loss(np.array([[2, 0]]), logits)))
    assert found == pytest.approx(-math.log(0.7), abs=1e-6)


@pytest.mark.parametrize(("backend", "compiler"), [("jax", "auto"), ("tensorflow", False)])
def test_translators_are_compiled_where_nothing_else_is_quick(backend, compiler, monkeypatch):
    # On JAX `False` means that every operation runs by itself: ten steps took 84 s.
    asked = {}

    class Trainer(keras.Model):
        def compile(self, optimizer, loss, **arguments):
            asked.update(arguments)

    monkeypatch.setattr(keras.config, "backend", lambda: backend)
    kc.training.compile_translator(Trainer(), keras.optimizers.SGD())
    assert asked == {"jit_compile": compiler}
