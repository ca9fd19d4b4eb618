"""Shipped labellers of texts give probabilities, whether or not the model ends in softmax."""

import keras
import numpy as np
import pytest

import keras_classics as kc

UNITS = kc.data.Units(["the", "red", "square"], "word")


@pytest.mark.parametrize("build", [kc.models.tagger, kc.models.sequence_classifier])
def test_logits_become_probabilities(build, tmp_path):
    import tensorflow as tf

    model = build(classes=3, vocabulary_size=len(UNITS), units=4, output_activation=None)
    kc.export.export_text_labeller(model, UNITS, ["D", "A", "N"], tmp_path / "m")
    shipped = tf.saved_model.load(str(tmp_path / "m"))
    said = shipped.serve(tf.constant(["the red square"]))
    expected = keras.ops.softmax(model(np.array([UNITS.encode(["the", "red", "square"])])))
    np.testing.assert_allclose(said["probabilities"], expected, rtol=1e-5)
