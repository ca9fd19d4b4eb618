"""The faster LSTM and GRU: Keras's own in every number, gradient, argument and file."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_classics as kc
from support import check_layer, check_round_trip, run_without_us

DRAW = np.random.default_rng(8)
BATCH, STEPS, FEATURES, UNITS = 3, 6, 4, 5
SEQUENCES = DRAW.normal(size=(BATCH, STEPS, FEATURES))
# Padding on the right; before, between and after what is real; nothing but padding.
MASK = np.array([[1, 1, 1, 1, 0, 0], [0, 0, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0]], bool)
FORMS = {
    "LSTM": (kc.layers.LSTM, {}),
    "GRU": (kc.layers.GRU, {}),
    "GRU, reset before": (kc.layers.GRU, {"reset_after": False}),
    "LSTM, no bias": (kc.layers.LSTM, {"use_bias": False}),
    "GRU, no bias": (kc.layers.GRU, {"use_bias": False}),
}
on_tensorflow = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="elsewhere Keras's own way is taken"
)


def both(form, dtype="float64", **options):
    """Our layer and Keras's, with the same weights, none of them zero."""
    layer, own = FORMS[form]
    options = {"return_sequences": True, "return_state": True, "dtype": dtype, **own, **options}
    theirs = getattr(keras.layers, layer.__name__)(UNITS, **options)
    ours = layer(UNITS, **options)
    for one in (ours, theirs):
        one.build(SEQUENCES.shape)
    theirs.set_weights([DRAW.normal(size=w.shape, scale=0.5) for w in theirs.get_weights()])
    ours.set_weights(theirs.get_weights())
    return ours, theirs


def starts(layer, dtype="float64"):
    return [
        ops.convert_to_tensor(DRAW.normal(size=(BATCH, UNITS)), dtype) for _ in layer.state_size
    ]


def everything(layer, start, *, graph=False, **call):
    """What a layer returns, and the gradients of a mixture of it by all that goes in."""
    import tensorflow as tf

    def differentiate():
        sequences = tf.constant(SEQUENCES, layer.compute_dtype)
        given = [sequences, *start]
        with tf.GradientTape() as tape:
            tape.watch(given)
            returned = tf.nest.flatten(layer(sequences, initial_state=start or None, **call))
            mixture = sum(tf.reduce_sum(tf.sin(3 * one + n)) for n, one in enumerate(returned))
        watched = [*given, *(weight.value for weight in layer.trainable_variables)]
        return returned + tape.gradient(mixture, watched)

    return tf.function(differentiate, autograph=False)() if graph else differentiate()


def check_equal(form, *, tolerance=1e-12, start=(), options=None, **call):
    ours, theirs = both(form, **(options or {}))
    found, expected = everything(ours, start, **call), everything(theirs, start, **call)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


@pytest.mark.parametrize("form", list(FORMS)[:3])
def test_contract(form):
    layer, options = FORMS[form]
    check_layer(layer(UNITS, return_sequences=True, **options), SEQUENCES.astype("float32"))


def with_states(form):
    return starts(FORMS[form][0](UNITS))


@on_tensorflow
@pytest.mark.parametrize("form", FORMS)
def test_outputs_states_and_gradients_are_kerass(form):
    check_equal(form, start=with_states(form), graph=True, mask=MASK, training=True)


@on_tensorflow
@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("LSTM", {"go_backwards": True}),
        ("GRU", {"zero_output_for_mask": True}),
        ("GRU, reset before", {"return_sequences": False}),
    ],
)
def test_with_arguments_too_and_where_nothing_was_kept_for_the_gradient(form, options):
    check_equal(form, start=with_states(form), options=options, mask=MASK)


@on_tensorflow
@pytest.mark.parametrize("form", list(FORMS)[:3])
def test_without_a_mask_in_single_precision(form):
    options = {"dtype": "float32", "return_state": False}
    check_equal(form, options=options, tolerance=1e-5, training=True)


@on_tensorflow
@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 0.5, "seed": 3},
        {"recurrent_dropout": 0.5, "seed": 3},
        {"activation": "relu"},
        {"recurrent_activation": "hard_sigmoid"},
        {"unroll": True},
    ],
    ids=str,
)
def test_what_the_loop_does_not_do_is_done_as_keras_does_it(options):
    check_equal("GRU", options=options, mask=MASK, training=True)


@on_tensorflow
@on_tensorflow
def test_layers_of_several_widths_are_differentiated_one_after_the_other():
    import tensorflow as tf

    for units in (2, 3, 5):
        layer = kc.layers.LSTM(units)
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(layer(SEQUENCES, training=True))
        assert tape.gradient(total, layer.trainable_variables)[1].shape == (units, 4 * units)


def test_a_state_is_carried_from_batch_to_batch():
    ours, theirs = both("LSTM", stateful=True)
    for _ in range(2):
        found, expected = ours(SEQUENCES, mask=MASK), theirs(SEQUENCES, mask=MASK)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-12)


def test_states_are_forgotten_layer_by_layer():
    layer = kc.layers.LSTM(3, stateful=True)
    inputs = keras.Input(batch_shape=SEQUENCES.shape)
    model = keras.Model(inputs, layer(inputs))
    first = model.predict_on_batch(SEQUENCES)
    assert not np.array_equal(model.predict_on_batch(SEQUENCES), first)
    # Keras's documentation of RNN says that a model can do it.
    assert not hasattr(model, "reset_state") and not hasattr(model, "reset_states")
    layer.reset_state()
    np.testing.assert_array_equal(model.predict_on_batch(SEQUENCES), first)


@on_tensorflow
@pytest.mark.parametrize("form", list(FORMS)[:3])
def test_a_gradient_of_a_gradient_is_refused(form):
    import tensorflow as tf

    layer, _ = both(form, return_state=False)
    sequences = tf.constant(SEQUENCES)
    with tf.GradientTape() as outer:
        outer.watch(sequences)
        with tf.GradientTape() as inner:
            inner.watch(sequences)
            total = tf.reduce_sum(layer(sequences))
        slope = tf.reduce_sum(inner.gradient(total, sequences) ** 2)
    with pytest.raises(LookupError, match=r"Use keras\.layers\.LSTM or GRU"):
        outer.gradient(slope, sequences)


def model_with(layer, **options):
    words = keras.Input((None,), dtype="int32")
    vectors = keras.layers.Embedding(9, FEATURES, mask_zero=True)(words)
    read = keras.layers.Bidirectional(layer(UNITS, return_sequences=True, **options))(vectors)
    return keras.Model(words, layer(UNITS)(read))


WORDS = np.array([[3, 1, 4, 1, 5], [2, 6, 0, 0, 0]], "int32")


def test_files_go_both_ways(tmp_path):
    ours, theirs = model_with(kc.layers.GRU), model_with(keras.layers.GRU)
    check_round_trip(ours, WORDS, tmp_path)
    for source, target in ((ours, theirs), (theirs, ours)):
        source.set_weights([DRAW.normal(size=w.shape) for w in source.get_weights()])
        source.save_weights(tmp_path / "some.weights.h5")
        target.load_weights(tmp_path / "some.weights.h5")
        expected = source.predict_on_batch(WORDS)
        np.testing.assert_allclose(target.predict_on_batch(WORDS), expected, atol=1e-6)


@on_tensorflow
@pytest.mark.slow
def test_an_exported_model_needs_nothing_but_tensorflow(tmp_path):
    model = model_with(kc.layers.LSTM)
    model.export(tmp_path / "exported", verbose=False)
    np.save(tmp_path / "words.npy", WORDS)
    run_without_us(f"""
import logging, sys
logging.getLogger("absl").warning = lambda *_: sys.exit("a warning")
sys.modules["keras_classics"] = None
import numpy as np
import tensorflow as tf
for name in [name for name in sys.modules if name.split(".")[0] == "keras"]:
    sys.modules[name] = None
loaded = tf.saved_model.load({str(tmp_path / "exported")!r})
np.save({str(tmp_path / "found.npy")!r}, loaded.serve(np.load({str(tmp_path / "words.npy")!r})))
""")
    expected = model.predict_on_batch(WORDS)
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), expected, atol=1e-6)


@on_tensorflow
@pytest.mark.slow
def test_xla_compiles_training():
    targets = DRAW.normal(size=(2, UNITS)).astype("float32")
    losses = []
    for compiled in (False, True):
        keras.utils.set_random_seed(2)
        model = model_with(kc.layers.GRU, reset_after=False)
        model.compile("sgd", "mse", jit_compile=compiled)
        losses.append([model.train_on_batch(WORDS, targets) for _ in range(3)])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
