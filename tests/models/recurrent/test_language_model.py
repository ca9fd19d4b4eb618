"""The language model: published sizes, files, and steps that say what the whole says."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_classics as kc


@pytest.mark.parametrize(
    ("vocabulary_size", "units", "depth", "parameters"),
    [(65, 128, 2, 239_297), (65, 512, 2, 3_316_289), (65, 512, 3, 5_415_489),
     (101, 700, 3, 10_162_001)],
)  # fmt: skip
def test_parameters_are_char_rnns(vocabulary_size, units, depth, parameters):
    model = kc.models.language_model(vocabulary_size, units, depth)
    assert model.count_params() == parameters


def test_torchs_second_biases_make_it_240_321():
    model = kc.models.language_model(65, 128, 2)
    layers = [model.get_layer(f"recurrent_{level}") for level in (1, 2)]
    state = kc.weights.torch_recurrent_state(layers)
    logits = model.get_layer("logits").count_params()
    assert sum(array.size for array in state.values()) + logits == 240_321


def test_dropout_lies_behind_every_layer():
    model = kc.models.language_model(9, 8, 2, dropout=0.3)
    drops = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    below = {drop.name: drop.input._keras_history.operation.name for drop in drops}
    assert below == {"dropout_1": "recurrent_1", "dropout_2": "recurrent_2"}
    assert {drop.rate for drop in drops} == {0.3}
    assert model.get_layer("logits").input is model.get_layer("dropout_2").output


def given(model, rows=3, time=6, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [state.shape[1:] for state in model.input["states"]]
    return {
        "tokens": rng.integers(0, 9, (rows, time)),
        "states": [rng.normal(size=(rows, *shape)).astype("float32") for shape in shapes],
    }


@pytest.mark.parametrize(
    "options",
    [
        {"cell": "lstm"},
        {"cell": "gru", "embedding_size": 5, "initial_range": 0.1},
        {"cell": "elman", "embedding_size": 8, "tie_embeddings": True, "dropout": 0.2},
        {"cell": "gru_reset_after", "depth": 3},
    ],
    ids=lambda options: options["cell"],
)
def test_files_and_steps_say_what_the_model_says(options, tmp_path):
    model = kc.models.language_model(9, 8, **options)
    inputs = given(model)
    outputs = model(inputs)
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)
    decoder = kc.models.split_language_model(loaded)
    state, logits = decoder.initial_state(inputs["states"]), []
    for token in inputs["tokens"].T:
        step, state = decoder.step(token, state)
        logits.append(ops.convert_to_numpy(step))
    whole = ops.convert_to_numpy(outputs["logits"])
    np.testing.assert_allclose(np.stack(logits, axis=1), whole, atol=1e-5)
    for one, other in zip(state, outputs["states"], strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(one), ops.convert_to_numpy(other), atol=1e-5
        )
    recorded, states = decoder.record(inputs["tokens"], inputs["states"])
    np.testing.assert_allclose(ops.convert_to_numpy(recorded), whole, atol=1e-5)
    assert states.shape == (3, 6, sum(decoder.state_widths))


def test_char_rnns_start_is_uniform_with_the_forget_gates_open():
    model = kc.models.language_model(65, 128, initial_range=0.08, seed=1)
    kernel, recurrent, bias = model.get_layer("recurrent_1").get_weights()
    for matrix in (kernel, recurrent, model.get_layer("logits").get_weights()[0]):
        assert np.abs(matrix).max() <= 0.08
        assert matrix.std() == pytest.approx(0.08 / np.sqrt(3), rel=0.03)
    assert np.array_equal(np.flatnonzero(bias), np.arange(128, 256))
    other = model.get_layer("recurrent_2").get_weights()[1]
    assert not np.array_equal(recurrent, other)


def test_a_unit_that_is_held_says_nothing_of_the_text():
    model = kc.models.language_model(9, 8, 2)
    decoder, inputs = kc.models.split_language_model(model), given(model)
    held = np.full(32, np.nan, "float32")
    # All states of the lower layer: the upper one then sees the same whatever is read.
    held[:16] = 0.25
    states = decoder.first_states(3)
    _, recorded = decoder.record(inputs["tokens"], states, held)
    recorded = ops.convert_to_numpy(recorded)
    np.testing.assert_array_equal(recorded[..., :16], 0.25)
    np.testing.assert_allclose(recorded[0], recorded[1], atol=1e-6)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="units=0"):
        kc.models.language_model(9, 0)
    with pytest.raises(ValueError, match="embedding_size=4"):
        kc.models.language_model(9, 8, embedding_size=4, tie_embeddings=True)
    with pytest.raises(ValueError, match="cell='rnn'"):
        kc.models.language_model(9, 8, cell="rnn")
    with pytest.raises(ValueError, match="kc.models.language_model"):
        kc.models.split_language_model(kc.models.LeNet5())
