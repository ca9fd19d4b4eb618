"""The recogniser: lengths, training, files, faulty arguments."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from support import check_gradients, check_round_trip

DRAW = np.random.default_rng(2)
KINDS = {
    "images": ((8, None, 1), DRAW.normal(size=(2, 8, 13, 1)).astype("float32"), 2),
    "features": ((None, 5), DRAW.normal(size=(2, 13, 5)).astype("float32"), 1),
}
LENGTHS = np.array([13, 9])


def small(kind, **options):
    front_end = {"filters": (4, 3), "strides": (1, 2)}
    return kc.models.ctc_recognizer(
        labels=3, input_shape=KINDS[kind][0], units=5, **{**front_end, **options}
    )


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_a_batch_answer_as_alone(kind):
    _, inputs, axis = KINDS[kind]
    model = small(kind)
    together = model.predict_on_batch({"sequence": inputs, "length": LENGTHS})
    assert together.shape == (2, 6, 4)
    short = np.take(inputs[1:], range(9), axis=axis)
    alone = model.predict_on_batch({"sequence": short, "length": LENGTHS[1:]})
    assert alone.shape == (1, 4, 4)
    np.testing.assert_allclose(together[1, :4], alone[0], atol=1e-6)
    assert together[1, 4:].argmax(axis=-1).tolist() == [0, 0]


def behind_the_end(x, lengths):
    numbers = np.arange(x.shape[1])
    return numbers >= np.asarray(lengths).reshape(-1, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_is_made_of_rectified_convolutions_that_see_zeros_behind_the_end(kind):
    _, x, axis = KINDS[kind]
    model = small(kind)
    x, passed = x.swapaxes(1, axis), 1
    for number, stride in ((1, 1), (2, 2)):
        x = np.where(
            behind_the_end(x, LENGTHS // passed).reshape(2, -1, *(1,) * (x.ndim - 2)), 0, x
        )
        kernel, bias = model.get_layer(f"stem_conv{number}").get_weights()
        x = np.maximum(
            keras.ops.convert_to_numpy(keras.ops.conv(x, kernel, padding="same")) + bias, 0
        )
        # Steps become fewer by their stride, an image also half as high.
        x = x[:, : x.shape[1] // stride * stride]
        x = x.reshape(2, -1, stride, *x.shape[2:]).max(axis=2)
        if kind == "images":
            x = x.reshape(2, x.shape[1], -1, 2, x.shape[3]).max(axis=3)
        passed *= stride
    x = x.reshape(2, x.shape[1], -1)
    x = np.where(behind_the_end(x, LENGTHS // 2)[..., None], 0, x)
    read = keras.Model(model.input, model.get_layer("steps").output)
    found = read({"sequence": KINDS[kind][1], "length": LENGTHS})
    np.testing.assert_allclose(found, x, atol=1e-5)


def test_dropout_lies_between_layers_and_before_the_output():
    model = small("features", layers=2, dropout=0.4)
    drops = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    below = {drop.name: drop.input._keras_history.operation.name for drop in drops}
    assert below == {"dropout_1": "recurrent_1", "head_dropout": "recurrent_2"}
    assert {drop.rate for drop in drops} == {0.4}


@pytest.mark.parametrize("options", [{}, {"cell": "gru", "layers": 2}], ids=str)
def test_trains_and_reloads(options, tmp_path):
    keras.utils.set_random_seed(1)
    inputs = {"sequence": KINDS["images"][1], "length": LENGTHS}
    model = small("images", **options)
    check_round_trip(model, inputs, tmp_path)
    model.compile(keras.optimizers.Adam(0.05), kc.training.CTCLoss())
    labels = np.array([[1, 2, 2], [3, 0, 0]])
    losses = [float(model.train_on_batch(inputs, labels)) for _ in range(80)]
    assert losses[-1] < 0.2 < losses[0]
    found = kc.decoding.ctc_greedy(model.predict_on_batch(inputs))
    assert keras.ops.convert_to_numpy(found.ids)[:, 0, :3].tolist() == labels.tolist()
    reloaded = check_round_trip(model, inputs, tmp_path)
    assert isinstance(reloaded.loss, kc.training.CTCLoss)


def test_a_normalised_recogniser_does_not_hear_how_loud_a_band_is():
    model = small("features", normalized=True)
    x = KINDS["features"][1]
    given = [x, x + np.array([3, -1, 0, 7, 2], "float32")]
    heard, louder = (model.predict_on_batch({"sequence": e, "length": LENGTHS}) for e in given)
    np.testing.assert_allclose(heard, louder, atol=1e-4)
    alone = model.predict_on_batch({"sequence": x[1:, :9], "length": LENGTHS[1:]})
    np.testing.assert_allclose(heard[1, :4], alone[0], atol=1e-5)


def test_every_weight_learns():
    inputs = {"sequence": KINDS["features"][1], "length": np.array([13, 13])}
    check_gradients(small("features"), inputs, (2, 6, 4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (8, None)}, r"\(time, width\) or \(height, width, channels\)"),
        ({"input_shape": (8, 9, 1, 1)}, "input_shape="),
        ({"input_shape": (3, None, 1)}, "Images 3 high were given for 2 convolutions"),
        ({"normalized": True}, "Leave it out for images"),
        ({"strides": (1,)}, "1 strides were given for 2 convolutions"),
        ({"labels": 0}, "labels=0 was given"),
        ({"filters": (4, 0)}, "filters=0 was given"),
    ],
    ids=str,
)
def test_faulty_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        kc.models.ctc_recognizer(
            **{"labels": 3, "input_shape": (8, None, 1), "filters": (4, 3), **options}
        )
