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


@pytest.mark.parametrize("build", [kc.models.tagger, kc.models.sequence_classifier])
def test_nothing_is_an_answer_of_its_own_and_disturbs_no_other(build, tmp_path):
    import tensorflow as tf

    model = build(classes=3, vocabulary_size=len(UNITS), units=4)
    kc.export.export_text_labeller(model, UNITS, ["D", "A", "N"], tmp_path / "m")
    shipped = tf.saved_model.load(str(tmp_path / "m"))
    alone = shipped.serve(tf.constant(["red square"]))["probabilities"].numpy()
    among = shipped.serve(tf.constant(["", "red square", "  "]))
    np.testing.assert_allclose(among["probabilities"].numpy()[1:2], alone, rtol=1e-5)
    assert among["units"].numpy().tolist() == [[b"", b""], [b"red", b"square"], [b"", b""]]
    for texts in ([""], ["  "], ["", ""]):
        said = shipped.serve(tf.constant(texts))
        assert said["units"].numpy().tolist() == [[b""]] * len(texts)
        assert np.isfinite(said["probabilities"].numpy()).all()
    nothing = shipped.serve(tf.constant([], tf.string))
    assert nothing["probabilities"].shape[0] == nothing["classes"].shape[0] == 0


def test_a_text_is_divided_as_in_training_at_every_white_space(tmp_path):
    import tensorflow as tf

    model = kc.models.tagger(classes=3, vocabulary_size=len(UNITS), units=4)
    kc.export.export_text_labeller(model, UNITS, ["D", "A", "N"], tmp_path / "m")
    shipped = tf.saved_model.load(str(tmp_path / "m"))
    spaces = [chr(code) for code in range(0x3001) if chr(code).isspace()]
    assert len(spaces) > 20
    for space in spaces:
        text = f"the{space}red{space * 2}square{space}"
        read = shipped.serve(tf.constant([text]))["units"].numpy()[0]
        assert [unit.decode() for unit in read] == UNITS.split(text), hex(ord(space))
