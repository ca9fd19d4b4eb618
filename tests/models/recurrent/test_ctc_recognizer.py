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


def test_every_weight_learns():
    inputs = {"sequence": KINDS["features"][1], "length": np.array([13, 13])}
    check_gradients(small("features"), inputs, (2, 6, 4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (8, None)}, r"\(time, width\) or \(height, width, channels\)"),
        ({"input_shape": (8, 9, 1, 1)}, "input_shape="),
        ({"input_shape": (3, None, 1)}, "Images 3 high were given for 2 convolutions"),
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
