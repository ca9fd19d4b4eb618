"""The decoder: training and stepping agree, and scheduled sampling is what its paper says."""

import copy
import pickle
import re

import keras
import numpy as np
import pytest
from keras import ops

from keras_classics.layers import RecurrentDecoder, ScheduledSampler
from support import run_on

BATCH, TIME, WORDS = 6, 7, 11
FORMS = [
    {"cell": cell, "start_from": start, "attention": attention}
    for cell in ("gru", "gru_reset_after", "lstm", "elman")
    for start in ("initial_state", "first_input")
    for attention in (None, "additive")
]


def make(seed=3, **arguments):
    keras.utils.set_random_seed(1)
    decoder = RecurrentDecoder(WORDS, 8, seed=seed, **arguments)
    shape = (BATCH, 2, 3, 5) if decoder.attention else (BATCH, 5)
    encoded = np.random.default_rng(2).normal(size=shape).astype("float32")
    gold = np.random.default_rng(4).integers(1, WORDS, (BATCH, TIME))
    decoder(gold, encoded)
    # Sharper than at the start, so that draws depend on what was fed.
    for weight in decoder.trainable_weights:
        weight.assign(weight * 3.0)
    return decoder, gold, encoded


def stepped(decoder, tokens, encoded):
    state, logits = decoder.initial_state(ops.convert_to_tensor(encoded)), []
    for time in range(tokens.shape[1]):
        out, state = decoder.step(ops.convert_to_tensor(tokens[:, time]), state)
        logits.append(ops.convert_to_numpy(out))
    return np.stack(logits, axis=1)


def trained_on(decoder, gold, encoded):
    """Logits of a training call and the uniform numbers it drew."""
    generator = decoder.sampler.seed_generator
    before = ops.convert_to_numpy(generator.state)
    coins, uniforms = map(ops.convert_to_numpy, decoder.sampler.draws((BATCH, TIME)))
    generator.state.assign(before)
    return np.asarray(decoder(gold, encoded, training=True)), coins, uniforms


@pytest.mark.parametrize("form", FORMS, ids=lambda form: "-".join(map(str, form.values())))
def test_teacher_forcing_equals_stepping(form):
    decoder, gold, encoded = make(**form)
    np.testing.assert_allclose(
        decoder(gold, encoded), stepped(decoder, gold, encoded), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("attention", [None, "additive"])
def test_epsilon_one_is_teacher_forcing_to_the_last_bit(attention):
    decoder, gold, encoded = make(attention=attention)
    forced = np.asarray(decoder(gold, encoded))
    np.testing.assert_array_equal(trained_on(decoder, gold, encoded)[0], forced)
    decoder.sampler.configure("linear", k=1.0, slope=0.0)
    np.testing.assert_array_equal(trained_on(decoder, gold, encoded)[0], forced)


@pytest.mark.parametrize("epsilon", [0.0, 0.4])
@pytest.mark.parametrize("attention", [None, "additive"])
def test_tokens_are_gold_or_drawn_by_the_same_uniform_numbers(attention, epsilon):
    decoder, gold, encoded = make(attention=attention)
    decoder.sampler.configure("constant", k=epsilon)
    logits, coins, uniforms = trained_on(decoder, gold, encoded)

    # Free running, one token at a time, as the definition has it.
    state, token, expected, drawn_ever = (
        decoder.initial_state(ops.convert_to_tensor(encoded)), gold[:, 0], [], False,
    )  # fmt: skip
    for time in range(TIME):
        out, state = decoder.step(ops.convert_to_tensor(token), state)
        out = ops.convert_to_numpy(out)
        expected.append(out)
        if time + 1 < TIME:
            p = np.exp(out - out.max(axis=1, keepdims=True))
            cumulative = np.cumsum(p / p.sum(axis=1, keepdims=True), axis=1)
            drawn = np.sum(cumulative < uniforms[:, time, None], axis=1)
            keep = coins[:, time + 1] < epsilon
            drawn_ever |= bool(np.any(~keep & (drawn != gold[:, time + 1])))
            token = np.where(keep, gold[:, time + 1], drawn)
    assert drawn_ever
    np.testing.assert_allclose(logits, np.stack(expected, axis=1), rtol=1e-4, atol=1e-5)


def test_argmax_without_gold_is_greedy_decoding():
    from keras_classics.decoding import greedy

    decoder, gold, encoded = make()
    gold[:, 0] = 1
    decoder.sampler.configure("constant", k=0.0, draw="argmax")
    logits = trained_on(decoder, gold, encoded)[0]
    decoded = greedy(
        decoder.step, decoder.initial_state(ops.convert_to_tensor(encoded)),
        start=1, end=None, max_length=TIME,
    )  # fmt: skip
    np.testing.assert_array_equal(np.argmax(logits, axis=-1), decoded.ids)


def test_a_coin_is_tossed_for_every_token():
    decoder, *_ = make()
    coins, _ = decoder.sampler.draws((200, 50))
    kept = ops.convert_to_numpy(coins) < 0.3
    assert abs(kept.mean() - 0.3) < 0.02
    # Independent along the sentence: rows are mixed, not all or nothing.
    assert np.all((kept.mean(axis=1) > 0) & (kept.mean(axis=1) < 1))


@pytest.mark.parametrize(
    ("schedule", "step", "epsilon"),
    [
        ({"schedule": "inverse_sigmoid", "k": 1000}, 0, 0.9990),
        ({"schedule": "inverse_sigmoid", "k": 1000}, 1000, 0.9973),
        ({"schedule": "inverse_sigmoid", "k": 1000}, 5000, 0.8708),
        ({"schedule": "inverse_sigmoid", "k": 1000}, 6908, 0.4999),
        ({"schedule": "inverse_sigmoid", "k": 1000}, 10000, 0.0434),
        ({"schedule": "inverse_sigmoid", "k": 1}, 10**6, 0.0),
        ({"schedule": "exponential", "k": 0.99}, 100, 0.3660),
        ({"schedule": "linear", "k": 1.0, "slope": 0.01, "minimum": 0.25}, 30, 0.7),
        ({"schedule": "linear", "k": 1.0, "slope": 0.01, "minimum": 0.25}, 500, 0.25),
        ({"schedule": "constant", "k": 0.5}, 123, 0.5),
    ],
)
def test_schedules_are_the_papers(schedule, step, epsilon):
    decoder, *_ = make()
    decoder.sampler.configure(**schedule)
    decoder.sampler.steps.assign(step)
    assert float(decoder.sampler.gold_probability()) == pytest.approx(epsilon, abs=5e-5)


@pytest.mark.parametrize(
    "bad",
    [{"schedule": "cubic"}, {"schedule": "exponential", "k": 1.5}, {"schedule": "inverse_sigmoid",
     "k": 0.5}, {"schedule": "linear", "minimum": 2.0}, {"draw": "best"}],
    ids=str,
)  # fmt: skip
def test_schedules_refuse_what_is_not_admitted(bad):
    with pytest.raises(ValueError, match="Allowed"):
        make()[0].sampler.configure(**bad)


@pytest.mark.parametrize(
    ("schedule", "k"),
    [("constant", 2), ("linear", -1), ("exponential", 1000), ("inverse_sigmoid", 0)],
)
def test_what_a_refusal_of_a_constant_names_is_admitted(schedule, k):
    sampler = ScheduledSampler()
    sampler.build()
    with pytest.raises(ValueError, match="Give k=") as refusal:
        sampler.configure(schedule, k)
    remedy = re.findall(r"(k|slope|minimum)=([\d.]*\d)", str(refusal.value).partition("Give ")[2])
    sampler.configure(schedule, **{name: float(value) for name, value in remedy})
    assert float(sampler.gold_probability()) > 0.99


def test_the_penalty_asks_every_position_to_be_looked_at_once():
    decoder, gold, encoded = make(attention="additive", attention_penalty=2.0)
    gold[:, 5:] = 0
    decoder(gold, encoded, training=True)
    state, seen = decoder.initial_state(ops.convert_to_tensor(encoded)), 0
    for time in range(5):
        _, state = decoder.step(ops.convert_to_tensor(gold[:, time]), state)
        seen = seen + ops.convert_to_numpy(state["alignment"])
    assert float(decoder.losses[0]) == pytest.approx(2 * np.mean((1 - seen) ** 2), rel=1e-4)


def test_papers_parameter_count_of_the_course_captioner():
    # sequence.md 7.1: V = 10,000, E = H = 512, image vector of 4,096.
    decoder = RecurrentDecoder(10_000, 512)
    decoder.build((None, None), (None, 4096))
    trainable = sum(int(np.prod(weight.shape)) for weight in decoder.trainable_weights)
    assert trainable == 13_922_064
    after = RecurrentDecoder(10_000, 512, "gru_reset_after")
    after.build((None, None), (None, 4096))
    assert sum(int(np.prod(w.shape)) for w in after.trainable_weights) == 13_922_064 + 1_536


TRAIN = """
import keras, numpy as np
from keras_classics.callbacks import ScheduledSampling
from keras_classics.layers import RecurrentDecoder, ScheduledSampler

losses = []
for attention in (None, "additive"):
    keras.utils.set_random_seed(0)
    tokens, encoded = keras.Input((None,), dtype="int32"), keras.Input((3, 4) if attention else (4,))
    model = keras.Model([tokens, encoded], RecurrentDecoder(9, 8, attention=attention, seed=1)(tokens, encoded))
    draw = np.random.default_rng(0)
    gold = draw.integers(1, 9, (32, 6))
    x = [gold, draw.normal(size=(32, *encoded.shape[1:])).astype("float32")]
    model.compile(keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(x, gold, epochs=6, batch_size=8, verbose=0, shuffle=False,
                        callbacks=[ScheduledSampling("linear", k=1.0, slope=0.04)]).history
    assert history["loss"][-1] < history["loss"][0], history
    np.testing.assert_allclose(history["gold_probability"], 1 - 0.04 * 4 * np.arange(1, 7), atol=1e-5)
print("trained")
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_scheduled_sampling_trains_on_every_backend(backend):
    assert "trained" in run_on(backend, TRAIN)


def test_a_later_call_makes_no_loop_anew_even_from_within_a_loop(monkeypatch):
    decoder, gold, encoded = make(attention="additive")
    expected = np.asarray(decoder(gold, encoded))
    inner, step = [], decoder.attending.attend

    def nested(query, memory):
        if not inner:
            inner.append(None)
            inner.append(decoder(gold, encoded))
        return step(query, memory)

    monkeypatch.setattr(decoder.attending, "attend", nested)
    np.testing.assert_array_equal(decoder(gold, encoded), expected)
    np.testing.assert_array_equal(inner[1], expected)
    made, init = [], keras.layers.RNN.__init__
    monkeypatch.setattr(
        keras.layers.RNN, "__init__", lambda *given, **named: made.append(init(*given, **named))
    )
    np.testing.assert_array_equal(decoder(gold, encoded), expected)
    assert made == []


@pytest.mark.parametrize(
    "layer",
    [ScheduledSampler(3), RecurrentDecoder(9, 4)],
    ids=["sampler", "decoder"],
)
def test_a_layer_that_is_not_built_yet_is_copied(layer):
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert twin.get_config() == layer.get_config() | {"name": twin.name}
        assert not twin.built
