"""Captioners: any encoder, inlined and shared; taken apart, saved and shipped without loss."""

import json

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.analysis.drawing.complexity import trainable_parameters
from keras_classics.data.captions.caption_batches import network_input
from support import check_round_trip, run_without_us

WORDS = kc.data.Vocabulary("a red blue circle square left right of the".split())


def make(attention=None, **arguments):
    keras.utils.set_random_seed(0)
    encoder = kc.models.ResNet20CIFAR(
        input_shape=(32, 32, 3), include_top=False, repeats=(1, 1), width=0.5,
        pooling=None if attention else "avg",
    )  # fmt: skip
    model = kc.models.captioner(encoder, len(WORDS), 16, attention=attention, **arguments)
    for weight in model.get_layer("decoder").trainable_weights:
        weight.assign(weight * 2.0)
    return model


def batch(count=5):
    draw = np.random.default_rng(1)
    return {
        "image": draw.normal(size=(count, 32, 32, 3)).astype("float32"),
        "target_in": draw.integers(1, len(WORDS), (count, 6)),
    }


@pytest.mark.parametrize("attention", [None, "additive"])
def test_saves_and_comes_apart_without_loss(attention, tmp_path):
    model = make(attention, start_from="first_input", cell="lstm")
    x = batch()
    loaded = check_round_trip(model, x, tmp_path)
    encoder, decoder = kc.models.split_captioner(loaded)
    parts = decoder.predict_on_batch(
        {"encoded": encoder.predict_on_batch(x["image"]), "target_in": x["target_in"]}
    )
    np.testing.assert_allclose(parts, model.predict_on_batch(x), atol=1e-6)


def test_parameters_are_those_of_scheduled_samplings_paper():
    image = keras.Input((512,))
    encoder = keras.Model(image, keras.layers.Identity()(image))
    model = kc.models.captioner(encoder, 8857, 512, "lstm", start_from="first_input")
    mapping = 512 * 512 + 512
    assert trainable_parameters(model) == mapping + 11_177_625


def test_the_encoder_is_inlined_and_shared():
    encoder = kc.models.ResNet20CIFAR(include_top=False, repeats=(1,), pooling="avg")
    model = kc.models.captioner(encoder, 9, 8)
    assert model.get_layer("stem_conv") is encoder.get_layer("stem_conv")
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)


def test_any_keras_model_encodes_and_a_frozen_one_stays_as_it_is():
    encoder = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(),
         keras.layers.GlobalAveragePooling2D()]
    )  # fmt: skip
    before = [np.array(w) for w in encoder.get_weights()]
    model = kc.models.captioner(encoder, 9, 8, train_encoder=False)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    tokens = np.ones((4, 3), "int32")
    model.fit({"image": np.ones((4, 8, 8, 3)), "target_in": tokens}, tokens, verbose=0)
    for old, new in zip(before, encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("encoder", "attention", "remedies"),
    [
        ({}, "additive", [({"include_top": False}, "additive"), ({}, None)]),
        (
            {"include_top": False},
            None,
            [
                ({"include_top": False, "pooling": "avg"}, None),
                ({"include_top": False}, "additive"),
            ],
        ),
    ],
)
def test_an_encoding_that_attention_does_not_suit_is_refused_and_both_remedies_work(
    encoder, attention, remedies
):
    def build(encoder, attention):
        small = {"width": 0.05, "dense_units": 4, "input_shape": (32, 32, 3), "weights": None}
        vgg = kc.models.VGG11(**{**small, **encoder})
        return kc.models.captioner(vgg, len(WORDS), 4, attention=attention)

    with pytest.raises(kc.InputError) as refusal:
        build(encoder, attention)
    for changed, kind in remedies:
        told = [f"{name}={value!r}" for name, value in {**changed, "attention": kind}.items()
                if {**encoder, "attention": attention}.get(name, ...) != value]  # fmt: skip
        assert all(each in str(refusal.value) for each in told), (told, str(refusal.value))
        assert build(changed, kind).name == "captioner"


def test_an_encoder_with_two_outputs_is_refused():
    image = keras.Input((4, 4, 3))
    with pytest.raises(ValueError, match="2 outputs"):
        kc.models.captioner(keras.Model(image, [image, image]), 9)


def test_mixed_precision_trains():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        for attention in (None, "additive"):
            model = make(attention)
            model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
            x = batch()
            loss = model.train_on_batch(x, x["target_in"])
            assert np.isfinite(loss)
    finally:
        keras.config.set_dtype_policy("float32")


SERVE = """
import json, sys
import numpy as np
sys.modules["keras_classics"] = None
import tensorflow as tf
for name in [name for name in sys.modules if name.split(".")[0] == "keras"]:
    sys.modules[name] = None
model = tf.saved_model.load(PATH)
images = np.load(IMAGES)
answer = model.serve(images)
print("RESULT" + json.dumps([
    [[text.decode() for text in row] for row in answer["captions"].numpy()],
    answer["log_probabilities"].numpy().tolist(),
]))
"""


# As many as there are words.
SIGNS = kc.data.make_vocabulary("character", ["一只狗 👍🏽", "aéb."])


@pytest.mark.slow
@pytest.mark.parametrize(("attention", "units"), [(None, SIGNS), ("additive", WORDS)])
def test_the_exported_model_says_the_same_where_neither_keras_nor_we_are(
    attention, units, tmp_path
):
    model = make(attention)
    kc.export.export_captioner(
        model, units, tmp_path / "model", image_size=(32, 32), max_words=6, width=4, n_best=3
    )
    images = np.random.default_rng(2).integers(0, 255, (3, 41, 57, 3)).astype("uint8")
    np.save(tmp_path / "images.npy", images)
    paths = f"PATH, IMAGES = {str(tmp_path / 'model')!r}, {str(tmp_path / 'images.npy')!r}\n"
    captions, scores = json.loads(run_without_us(paths + SERVE).split("RESULT")[1])

    encoder, _ = kc.models.split_captioner(model)
    search = kc.decoding.CompiledSearch(
        model.get_layer("decoder"),
        start=1,
        end=2,
        banned=(0, 1, 3),
        max_length=7,
        width=4,
        n_best=3,
    )
    found = search(encoder(network_input(images, (32, 32))))
    expected = [[units.decode(row) for row in rows] for rows in np.asarray(found.ids)]
    assert captions == expected
    np.testing.assert_allclose(scores, found.log_probabilities, rtol=1e-4)


def test_export_refuses_another_vocabulary(tmp_path):
    other = kc.data.Vocabulary(["one"])
    with pytest.raises(kc.InputError, match="13 words and this one 5"):
        kc.export.export_captioner(
            make(), other, tmp_path / "model", image_size=(32, 32), max_words=6
        )


def test_the_part_of_a_classifier_that_describes_follows_from_what_reads_it(tmp_path):
    small = {"width": 0.05, "repeats": (1, 1)}
    vector = kc.models.picture_encoder("resnet_18", 32, **small)
    grid = kc.models.picture_encoder("resnet_18", 32, as_map=True, **small)
    assert len(vector.output_shape) == 2 and len(grid.output_shape) == 4
    assert vector.output_shape[-1] == grid.output_shape[-1]
    first = kc.models.picture_encoder("resnet_18", 32, layer="stage1_out", as_map=True, **small)
    assert first.output_shape == grid.get_layer("stage1_out").output.shape
    kc.save_model(first, tmp_path / "own.keras")
    wide = kc.models.picture_encoder("resnet_18", (32, 64), as_map=True, **small)
    assert wide.input_shape == (None, 32, 64, 3)
    own = kc.models.picture_encoder(str(tmp_path / "own.keras"), 999)
    assert own.output_shape == first.output_shape
    with pytest.raises(kc.InputError, match="layer='stage9'"):
        kc.models.picture_encoder("resnet_18", 32, layer="stage9", **small)
