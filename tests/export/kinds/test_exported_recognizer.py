"""Shipped recognisers answer about rows too short for as many texts as were asked for."""

import numpy as np

import keras_classics as kc


def test_short_rows_and_no_rows_are_answered(tmp_path):
    import tensorflow as tf

    model = kc.models.ctc_recognizer(
        labels=3, input_shape=(16, None, 1), units=5, filters=(4, 3), strides=(1, 2)
    )
    kc.export.export_recognizer(model, "abc", tmp_path / "m", n_best=3)
    shipped = tf.saved_model.load(str(tmp_path / "m"))
    found = shipped.serve(tf.zeros((2, 16, 30, 3), tf.uint8), tf.constant([30, 0]))
    texts, scores = found["texts"].numpy(), found["log_probabilities"].numpy()
    assert np.isfinite(scores[0]).all() and len({*texts[0]}) == 3
    # Nothing was shown: the empty text is certain, and there is no other.
    assert texts[1].tolist() == [b""] * 3
    assert scores[1].tolist() == [0.0, -np.inf, -np.inf]
    nothing = shipped.serve(tf.zeros((0, 16, 30, 3), tf.uint8), tf.zeros((0,), tf.int32))
    assert {name: tensor.shape[0] for name, tensor in nothing.items()} == {
        "texts": 0, "log_probabilities": 0,
    }  # fmt: skip
