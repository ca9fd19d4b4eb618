"""The callback: one trace for all values, right under steps_per_execution, safe to resume."""

import keras
import numpy as np
import pytest

from keras_classics.callbacks import ScheduledSampling, half_way_constant
from keras_classics.layers import RecurrentDecoder
from keras_classics.training import fit


class Spy(RecurrentDecoder):
    """Counts traces and records epsilon in the graph, at every step."""

    traces = 0

    def call(self, target_in, encoded, training=False):
        if training:
            type(self).traces += 1
            import tensorflow as tf

            tf.py_function(self.seen.append, [self.sampler.gold_probability()], [])
        return super().call(target_in, encoded, training=training)


def train(epochs=1, steps_per_execution=1, **arguments):
    tokens, encoded = keras.Input((5,), dtype="int32"), keras.Input((4,))
    spy = Spy(9, 6, name="decoder")
    spy.seen = []
    model = keras.Model([tokens, encoded], spy(tokens, encoded))
    model.compile(
        "sgd",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        steps_per_execution=steps_per_execution,
    )
    gold = np.random.default_rng(0).integers(1, 9, (80, 5))
    vectors = np.random.default_rng(1).normal(size=(80, 4)).astype("float32")
    Spy.traces = 0
    model.fit(
        [gold, vectors], gold, batch_size=2, epochs=epochs, verbose=0,
        callbacks=[ScheduledSampling(**arguments)],
    )  # fmt: skip
    return model, [float(value) for value in spy.seen]


@pytest.mark.parametrize("steps_per_execution", [1, 4])
def test_forty_steps_see_forty_values_and_trace_no_more_than_two(steps_per_execution):
    k = 20.0
    _, seen = train(k=k, steps_per_execution=steps_per_execution)
    one_trace = Spy.traces
    steps = np.arange(40)
    np.testing.assert_allclose(seen, k / (k + np.exp(steps / k)), rtol=1e-5)
    _, seen = train(schedule="linear", slope=0.5, epochs=3, steps_per_execution=steps_per_execution)
    assert Spy.traces == one_trace
    # From teacher forcing on, if nobody says otherwise.
    np.testing.assert_allclose(seen[:4], [1.0, 0.5, 0.0, 0.0])


@pytest.mark.parametrize("step", [0.5, 8.0, 460.5, 6907.8])
def test_the_constant_puts_one_half_at_its_step(step):
    k = half_way_constant(step)
    assert k >= 1.0 and k * np.log(k) == pytest.approx(step)
    assert k / (k + np.exp(step / k)) == pytest.approx(0.5)


@pytest.mark.parametrize(("k", "step"), [(5, 8.0), (10, 23.0), (100, 460.5), (1000, 6907.8)])
def test_half_ways_are_the_references(k, step):
    assert k * np.log(k) == pytest.approx(step, abs=0.05)
    assert half_way_constant(step) == pytest.approx(k, rel=0.01)


@pytest.mark.parametrize(("mode", "value"), [("uniform", 0.5), ("always", 0.0)])
def test_constant_modes(mode, value):
    _, seen = train(mode=mode)
    assert seen == [value] * 40


def test_afterwards_the_model_is_back_at_teacher_forcing_and_the_count_goes_on(tmp_path):
    model, _ = train(k=20.0)
    sampler = model.get_layer("decoder").sampler
    assert float(sampler.gold_probability()) == 1.0
    assert int(sampler.steps) == 40
    model.save_weights(tmp_path / "m.weights.h5")
    sampler.steps.assign(0)
    model.load_weights(tmp_path / "m.weights.h5")
    assert int(sampler.steps) == 40


class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise KeyboardInterrupt


def small_training(tmp_path, nested):
    """A decoder's model, perhaps inside another, and a batch."""
    tokens, encoded = keras.Input((5,), dtype="int32"), keras.Input((4,))
    decoder = RecurrentDecoder(9, 6, name="decoder")
    model = keras.Model([tokens, encoded], decoder(tokens, encoded))
    if nested:
        model = keras.Model([tokens, encoded], model([tokens, encoded]))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    gold = np.random.default_rng(0).integers(1, 9, (4, 5))
    return model, decoder.sampler, ([gold, np.ones((4, 4), "float32")], gold)


@pytest.mark.parametrize("nested", [False, True])
def test_an_interrupted_training_is_back_at_teacher_forcing_and_saved_so(tmp_path, nested):
    model, sampler, (inputs, gold) = small_training(tmp_path, nested)
    sampling = ScheduledSampling(mode="always")
    with pytest.raises(KeyboardInterrupt):
        model.fit(inputs, gold, verbose=0, callbacks=[sampling, Stop()])
    # Keras tells no callback: what is saved is off all the same.
    assert float(sampler.gold_probability()) == 0.0
    model.save_weights(tmp_path / "m.weights.h5")
    model.load_weights(tmp_path / "m.weights.h5")
    assert float(sampler.gold_probability()) == 1.0

    with pytest.raises(KeyboardInterrupt):
        fit(
            model, lambda first: iter([(tuple(inputs), gold)] * 4), steps_per_epoch=4, epochs=1,
            folder=tmp_path, verbose=0, callbacks=[sampling, Stop()],
        )  # fmt: skip
    assert float(sampler.gold_probability()) == 1.0


def test_a_checkpoint_loaded_after_the_schedule_was_set_does_not_turn_it_off(tmp_path):
    model, sampler, (inputs, gold) = small_training(tmp_path, nested=False)
    model.save_weights(tmp_path / "m.weights.h5")
    loading = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: model.load_weights(tmp_path / "m.weights.h5")
    )
    seen = []
    watching = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(float(sampler.gold_probability()))
    )
    sampling = ScheduledSampling(mode="always")
    model.fit(inputs, gold, verbose=0, callbacks=[sampling, loading, watching])
    assert seen == [0.0]


def test_a_model_without_decoder_is_refused():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="has no ScheduledSampler"):
        model.fit(np.ones((2, 2)), np.ones(2), verbose=0, callbacks=[ScheduledSampling()])


@pytest.mark.parametrize("bad", [{"mode": "never"}, {"schedule": "constant"}], ids=str)
def test_bad_settings_are_refused(bad):
    with pytest.raises(ValueError, match="Allowed"):
        ScheduledSampling(**bad)
