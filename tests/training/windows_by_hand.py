"""Truncated backpropagation through time beside a calculation by hand, on whichever backend is set."""

import keras
import numpy as np
from keras import ops

import keras_classics as kc
from keras_classics.core.graphs.gradients import value_and_gradients
from support import reckon_in

VOCABULARY, TIME = 5, 12


def network(**options):
    return kc.models.language_model(
        VOCABULARY, 4, 2, **{"initial_range": 0.8, "seed": 3, **options}
    )


def documents(count=2, length=TIME + 1, seed=0):
    return list(np.random.default_rng(seed).integers(0, VOCABULARY, (count, length)))


def trainer(model, k1, k2=None, rows=2, optimizer=None):
    found = kc.training.TruncatedBPTT(model, rows, k1, k2)
    # Made here, for a loss keeps the precision that was set when it was made.
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="mean_with_sample_weight"
    )
    # Without compiling JAX is slow, and TensorFlow with it.
    compiled = keras.config.backend() == "jax"
    found.compile(optimizer or keras.optimizers.SGD(1.0), loss, jit_compile=compiled)
    return found


def gradients_in_training(model, k1, k2):
    """Of every window of one epoch, with the weights put back after each step."""
    kept, found = model.get_weights(), []
    learner = trainer(model, k1, k2)
    windows = kc.data.text_windows(documents(), batch_size=2, k1=k1, k2=k2)
    for step in range(windows.steps):
        inputs, targets, weights = windows.batch(step)
        learner.train_on_batch(inputs, targets, weights)
        # A step of plain gradient descent at rate 1 is the gradient.
        found.append([old - new for old, new in zip(kept, model.get_weights(), strict=True)])
        model.set_weights(kept)
    return found


def gradients_by_hand(model, k1, k2):
    """The same: the state before the last k2 tokens is a constant, and only k1 losses count."""
    ids = np.stack(documents())
    return [by_hand(model, ids, end - k1, max(0, end - k2), end) for end in range(k1, TIME + 1, k1)]


def by_hand(model, ids, first_loss, start, end):
    # JAX wants tokens of the same kind as the states, which it traces.
    ids = ops.convert_to_tensor(ids)

    def read(variables, tokens, states):
        outputs, _ = model.stateless_call(
            variables, model.non_trainable_variables, {"tokens": tokens, "states": states}
        )
        return outputs["logits"], outputs["states"]

    def loss(*variables):
        states = [ops.zeros((2, 4), "float64") for _ in range(4)]
        if start:
            _, states = read(variables, ids[:, :start], states)
            states = [ops.stop_gradient(state) for state in states]
        logits, _ = read(variables, ids[:, start:end], states)
        logs = ops.log_softmax(logits[:, first_loss - start :])
        targets = ops.one_hot(ids[:, first_loss + 1 : end + 1], VOCABULARY, dtype="float64")
        return -ops.sum(logs * targets) / (2 * (end - first_loss))

    _, gradients = value_and_gradients(loss, model.trainable_variables)
    return [ops.convert_to_numpy(gradient) for gradient in gradients]


def greatest_difference(one, other):
    return max(np.abs(a - b).max() for a, b in zip(one, other, strict=True))


def check():
    """With windows that overlap, some of them behind a stored state, for other processes."""
    reckon_in("float64")
    # Elsewhere Keras itself, as in `ops.matmul`, reckons with float64 numbers in float32.
    close = 1e-12 if keras.config.backend() == "tensorflow" else 1e-7
    model = network(dropout=0.0)
    pairs = zip(gradients_in_training(model, 4, 8), gradients_by_hand(model, 4, 8), strict=True)
    assert max(greatest_difference(*pair) for pair in pairs) < close
    learns_writes_and_reads()
    print("equal")


def learns_writes_and_reads():
    """Under `fit`: text of a period is learnt, written on, and read alike step by step."""
    reckon_in("float32")
    alphabet = kc.data.Alphabet("abc")
    ids = alphabet.encode("abc" * 400)
    windows = kc.data.text_windows([ids], batch_size=4, k1=10, k2=20)
    model = kc.models.language_model(3, 12, 1, "gru", seed=1, initial_range=0.3, dropout=0.1)
    learner = trainer(model, 10, 20, rows=4, optimizer=keras.optimizers.Adam(0.03))
    history = learner.fit(
        windows.batches(), steps_per_epoch=30, epochs=2, verbose=0, shuffle=False,
        validation_data=windows.epoch(),
    ).history  # fmt: skip
    assert history["val_loss"][-1] < 0.1, history
    decoder = kc.models.split_language_model(model)
    writer = kc.decoding.TextWriter(decoder, alphabet, prime="ca", length=7, top_k=1)
    assert writer(2) == ["bcabcab"] * 2
    states = decoder.first_states(1)
    tokens = ops.convert_to_tensor(ids[None, :20])
    whole = model({"tokens": tokens, "states": states})["logits"]
    steps, _ = decoder.record(ids[None, :20], states)
    np.testing.assert_allclose(ops.convert_to_numpy(steps), ops.convert_to_numpy(whole), atol=1e-5)
