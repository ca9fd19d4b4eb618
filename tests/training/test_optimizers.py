"""Optimizers: the courses' formulas beside Keras's, clipping, and steps that are left out."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_classics as kc
from support import run_on

RATE, DECAY, STEPS = 0.1, 0.9, 3


def keras_steps(optimizer, start=1.0, steps=STEPS):
    """Minimise w^2 with Keras's optimizer."""
    weight = keras.Variable(start, dtype="float64")
    optimizer.build([weight])
    for _ in range(steps):
        optimizer.apply([2 * ops.convert_to_tensor(weight)], [weight])
    return float(weight)


def momentum(w, v=0.0):
    for _ in range(STEPS):
        v = DECAY * v - RATE * 2 * w
        w += v
    return w, v


def nesterov(w, v=0.0):
    """The gradient is taken where the momentum alone would lead."""
    for _ in range(STEPS):
        v = DECAY * v - RATE * 2 * (w + DECAY * v)
        w += v
    return w, v


def rmsprop(w, momentum=0.0, r=0.0, m=0.0):
    for _ in range(STEPS):
        g = 2 * w
        r = 0.9 * r + 0.1 * g**2
        m = momentum * m + RATE * g / np.sqrt(r + 1e-7)
        w -= m
    return w


def adam(w, epsilon=lambda t: 1e-7, one=0.9, two=0.999, m=0.0, v=0.0):
    """`one` and `two` are the decays as the correction sees them."""
    for t in range(1, STEPS + 1):
        g = 2 * w
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        corrected = m / (1 - one**t), v / (1 - two**t)
        w -= RATE * corrected[0] / (np.sqrt(corrected[1]) + epsilon(t))
    return w


def keras_adam(w):
    """The courses' formula with a larger epsilon and with decays rounded to float32."""
    one, two = (float(np.float32(decay)) for decay in (0.9, 0.999))
    return adam(w, lambda t: 1e-7 / np.sqrt(1 - two**t), one, two)


def course_nesterov():
    w, v = nesterov(1.0)
    np.testing.assert_allclose(w, 0.17792, atol=1e-5)
    return w + DECAY * v


OPTIMIZERS = keras.optimizers
RULES = {
    "sgd": (lambda: OPTIMIZERS.SGD(RATE), lambda: (1 - 2 * RATE) ** STEPS, 0.512),
    "momentum": (
        lambda: OPTIMIZERS.SGD(RATE, momentum=DECAY), lambda: momentum(1.0)[0], 0.062),
    "nesterov": (
        lambda: OPTIMIZERS.SGD(RATE, momentum=DECAY, nesterov=True), course_nesterov, -0.108352),
    "rmsprop": (lambda: OPTIMIZERS.RMSprop(RATE), lambda: rmsprop(1.0), 0.3691806),
    "rmsprop_momentum": (
        lambda: OPTIMIZERS.RMSprop(RATE, momentum=DECAY),
        lambda: rmsprop(1.0, momentum=DECAY), -0.2682566),
    "adam": (
        lambda: OPTIMIZERS.Adam(RATE),
        lambda: keras_adam(1.0), 0.7015886),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_three_steps_are_the_references(rule):
    optimizer, course, expected = RULES[rule]
    np.testing.assert_allclose(course(), expected, atol=6e-8)
    np.testing.assert_allclose(keras_steps(optimizer()), expected, atol=6e-8)


def test_adam_of_the_courses_is_pytorchs():
    np.testing.assert_allclose(adam(1.0), 0.7015864, atol=1.2e-7)
    # Of the difference to Keras's, the larger epsilon is the smaller part.
    alike = adam(1.0, lambda t: 1e-7 / np.sqrt(1 - 0.999**t))
    assert 5 * (alike - adam(1.0)) < keras_adam(1.0) - alike


def test_adagrad_starts_at_a_tenth():
    w, total = 1.0, 0.1
    for _ in range(STEPS):
        total += (2 * w) ** 2
        w -= RATE * 2 * w / np.sqrt(total + 1e-7)
    np.testing.assert_allclose(keras_steps(OPTIMIZERS.Adagrad(RATE)), w, atol=1e-7)


GRADIENTS = [np.array([3.0, 4.0], "float32"), np.array([0.0, 12.0], "float32")]


@pytest.mark.parametrize(
    ("clipping", "expected"),
    [
        ("global_clipnorm", [[1.15385, 1.53846], [0, 4.61538]]),
        ("clipnorm", [[3, 4], [0, 5]]),
        ("clipvalue", [[3, 4], [0, 5]]),
    ],
)
def test_clipping_gives_the_references_figures(clipping, expected):
    weights = [keras.Variable(np.zeros(2, "float32")) for _ in range(2)]
    optimizer = kc.training.SkipNonFinite(OPTIMIZERS.SGD(1.0, **{clipping: 5.0}))
    optimizer.apply([ops.convert_to_tensor(g) for g in GRADIENTS], weights)
    found = [-ops.convert_to_numpy(weight) for weight in weights]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_two_clippings_together_are_refused_by_keras():
    with pytest.raises(ValueError, match="Only one of"):
        OPTIMIZERS.SGD(clipnorm=1.0, global_clipnorm=1.0)


def test_adams_first_epsilon_is_thirty_times_as_large():
    # The first step is lr g / (g + epsilon): half the rate where the gradient is epsilon.
    epsilon = 1e-7 / np.sqrt(1 - 0.999)
    np.testing.assert_allclose(epsilon, 3.16e-6, atol=5e-9)
    weight = keras.Variable(0.0, dtype="float64")
    optimizer = OPTIMIZERS.Adam(RATE)
    optimizer.build([weight])
    optimizer.apply([ops.convert_to_tensor(epsilon, "float64")], [weight])
    np.testing.assert_allclose(float(weight), -RATE / 2, rtol=1e-4)


def model_and_data(poison):
    """A small model on ids, and batches of which one has a target that is `poison`."""
    keras.utils.set_random_seed(2)
    ids = keras.Input((3,), dtype="int32")
    hidden = keras.layers.SimpleRNN(4)(keras.layers.Embedding(5, 3)(ids))
    model = keras.Model(ids, keras.layers.Dense(1)(hidden))
    x = np.random.default_rng(0).integers(0, 5, size=(12, 3))
    y = x.sum(axis=1, keepdims=True).astype("float32")
    y[5] = poison
    return model, x, y


def trained(optimizer, x_and_y, epochs=1, compiled=False):
    model, x, y = x_and_y
    model.compile(optimizer, "mse", jit_compile=compiled)
    model.fit(x, y, batch_size=4, shuffle=False, epochs=epochs, verbose=0)
    return model


@pytest.mark.parametrize(("poison", "compiled"), [(np.nan, "auto"), (1e25, False)])
def test_poisoned_batches_are_left_out_and_counted(poison, compiled):
    optimizer = kc.training.SkipNonFinite(OPTIMIZERS.Adam(0.01, global_clipnorm=1.0))
    model = trained(optimizer, model_and_data(poison), epochs=2, compiled=compiled)
    clean, x, y = model_and_data(0.0)
    keep = [0, 1, 2, 3, 8, 9, 10, 11]
    plain = OPTIMIZERS.Adam(0.01, global_clipnorm=1.0)
    trained(plain, (clean, x[keep], y[keep]), epochs=2)
    for guarded, free in zip(model.get_weights(), clean.get_weights(), strict=True):
        np.testing.assert_allclose(guarded, free, atol=1e-6)
    assert (int(optimizer.skipped), int(optimizer.iterations)) == (2, 6)
    assert int(optimizer.inner_optimizer.iterations) == 4


def test_without_it_the_weights_are_lost():
    model = trained(OPTIMIZERS.Adam(0.01, global_clipnorm=1.0), model_and_data(np.nan))
    assert not np.isfinite(model.get_weights()[1]).any()


def test_counts_and_states_are_saved(tmp_path):
    optimizer = kc.training.SkipNonFinite(OPTIMIZERS.RMSprop(0.02, global_clipnorm=1.0))
    model = trained(optimizer, model_and_data(np.nan))
    optimizer.learning_rate = 0.005
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").optimizer
    assert loaded.get_config() == optimizer.get_config()
    assert int(loaded.skipped) == 1
    np.testing.assert_allclose(float(loaded.learning_rate), 0.005)
    for old, new in zip(optimizer.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.parametrize("guarded", [False, True])
def test_a_model_ends_with_the_average_of_its_last_steps(guarded):
    class Keep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if keras.backend.backend() == "jax":
                self.model.jax_state_sync()
            kept.append(self.model.get_weights())

    kept = []
    optimizer = OPTIMIZERS.SGD(0.05, **kc.training.averaging(4))
    model, x, y = model_and_data(0.0)
    model.compile(kc.training.SkipNonFinite(optimizer) if guarded else optimizer, "mse")
    model.fit(x, y, batch_size=2, verbose=0, callbacks=[Keep()])
    mean = kept[0]
    for weights in kept[1:]:
        mean = [0.75 * m + 0.25 * w for m, w in zip(mean, weights, strict=True)]
    for found, last, expected in zip(model.get_weights(), kept[-1], mean, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert not np.allclose(found, last, atol=1e-4)


def test_an_average_over_no_step_is_none():
    assert kc.training.averaging(0) == {}
    with pytest.raises(kc.InputError, match="over -2 steps.*Allowed: 0 for none"):
        kc.training.averaging(-2)


def test_a_strategy_is_refused():
    tf = pytest.importorskip("tensorflow")
    with tf.distribute.OneDeviceStrategy("cpu:0").scope():
        weight = keras.Variable(1.0)
        optimizer = kc.training.SkipNonFinite("sgd")
        with pytest.raises(kc.InputError, match="Train on one device"):
            optimizer.apply([ops.ones(())], [weight])


ON_A_BACKEND = """
import keras, numpy as np
from training import test_optimizers as t
for poison in (np.nan, np.inf):
    t.test_poisoned_batches_are_left_out_and_counted(poison, "auto")
expected = [[1.15385, 1.53846], [0, 4.61538]]
t.test_clipping_gives_the_references_figures("global_clipnorm", expected)
print(keras.backend.backend())
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_skip_and_count_too(backend):
    assert run_on(backend, ON_A_BACKEND).split()[-1] == backend


@pytest.mark.parametrize("by_call", [False, True])
def test_a_schedule_is_given_to_each_part_of_a_divided_optimizer(by_call):
    first, second = OPTIMIZERS.SGD(0.1), OPTIMIZERS.SGD(0.2)
    optimizer = kc.training.DividedOptimizer([first, second])
    schedule = OPTIMIZERS.schedules.CosineDecay(0.5, 10)
    with pytest.raises(kc.InputError, match=r"rate of 2 optimizers.*parts\[0\].learning_rate"):
        optimizer.learning_rate = (lambda: 0.5) if by_call else schedule
    optimizer.parts[0].learning_rate = optimizer.parts[1].learning_rate = schedule
    assert float(optimizer.learning_rate) == pytest.approx(0.5)
    weights = [keras.Variable(np.ones(1)) for _ in range(2)]
    optimizer.divide([[each] for each in weights])
    optimizer.apply([np.ones(1, "float32")] * 2, weights)
    np.testing.assert_allclose([float(each[0]) for each in weights], 0.5)
