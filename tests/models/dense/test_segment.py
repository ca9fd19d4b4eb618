"""What a segmenter says of pictures of several sizes."""

import keras
import numpy as np
import pytest

import keras_classics as kc


@pytest.fixture(scope="module")
def model():
    image = keras.Input((None, None, 3))
    return keras.Model(image, keras.layers.Conv2D(2, 1, kernel_initializer="glorot_normal")(image))


def test_answers_come_in_the_order_of_the_pictures_whatever_their_sizes(model):
    rng = np.random.default_rng(0)
    sizes = [(5, 4), (3, 7), (5, 4), (5, 4), (3, 7)]
    pictures = [rng.integers(0, 256, (*size, 3), "uint8") for size in sizes]
    found = kc.models.segment(model, pictures, batch_size=2)
    for picture, said in zip(pictures, found, strict=True):
        logits = model(picture[None].astype("float32") / 127.5 - 1)
        np.testing.assert_allclose(said, keras.ops.softmax(logits)[0], atol=1e-5)


@pytest.mark.parametrize(("field", "most"), [(False, 16), (True, 1)])
def test_of_a_random_field_one_picture_is_read_at_once(model, monkeypatch, field, most):
    asked = kc.models.crf_rnn(model, grid=2) if field else model
    seen, whole = [], keras.Model.predict_on_batch

    def counted(self, pictures):
        seen.append(len(pictures))
        return whole(self, pictures)

    monkeypatch.setattr(keras.Model, "predict_on_batch", counted)
    pictures = np.random.default_rng(0).integers(0, 256, (18, 4, 5, 3), "uint8")
    alone = kc.models.segment(asked, pictures)
    assert max(seen) == most and sum(seen) == 18
    for one, two in zip(alone, kc.models.segment(asked, pictures, batch_size=9), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
    assert max(seen[-2:]) == 9


def test_networks_in_half_precision_answer_in_single():
    image = keras.Input((None, None, 3))
    half = keras.Model(image, keras.layers.Conv2D(2, 1, dtype="float16")(image))
    (found,) = kc.models.segment(half, [np.full((3, 4, 3), 200, "uint8")])
    assert found.dtype == "float32"
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-6)


def test_what_is_no_segmenter_is_refused():
    picture = np.zeros((4, 4, 3), "uint8")
    image = keras.Input((4, 4, 3))
    flat = keras.layers.GlobalAveragePooling2D()(image)
    for wrong in (
        keras.Model(image, flat),
        keras.Model(image, keras.layers.MaxPooling2D()(image)),
        keras.Model(image, [image, image]),
        keras.Model(image, image[..., 0]),
    ):
        with pytest.raises(kc.InputError, match="kc.models.fcn"):
            kc.models.segment(wrong, [picture])
        with pytest.raises(kc.InputError, match="kc.models.fcn"):
            kc.training.compile_segmenter(wrong, "adam")


ENDS = {
    "softmax": lambda x: keras.layers.Softmax()(keras.layers.Conv2D(3, 1)(x)),
    "activation": lambda x: keras.layers.Conv2D(3, 1, activation="softmax")(x),
    "cropped": lambda x: keras.layers.Softmax()(
        kc.layers.CropToReference()([keras.layers.Conv2D(3, 1)(x), x])
    ),
    "log_softmax": lambda x: keras.layers.Conv2D(3, 1, activation="log_softmax")(x),
    "sigmoids": lambda x: keras.layers.Conv2D(3, 1, activation="sigmoid")(x),
    "sigmoid": lambda x: keras.layers.Conv2D(1, 1, activation="sigmoid")(x),
    "unit": lambda x: keras.layers.Conv2D(1, 1)(x),
    "relu": lambda x: keras.layers.Conv2D(3, 1, activation="relu")(x),
}


def ending(name):
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, 3))
    return keras.Model(image, ENDS[name](image))


@pytest.mark.parametrize("name", [name for name in ENDS if name != "relu"])
def test_what_a_model_says_is_read_by_its_end(name):
    model = ending(name)
    picture = np.random.default_rng(0).integers(0, 256, (5, 4, 3), "uint8")
    said = np.asarray(model(picture[None].astype("float32") / 127.5 - 1))[0]
    if name == "log_softmax":
        said = np.exp(said)
    if name == "unit":
        said = 1 / (1 + np.exp(-said))
    expected = np.concatenate([1 - said, said], -1) if said.shape[-1] == 1 else said
    np.testing.assert_allclose(kc.models.segment(model, [picture])[0], expected, atol=1e-5)


def test_independent_sigmoids_are_shared_out_before_they_are_refined():
    picture = np.random.default_rng(0).integers(0, 256, (5, 4, 3), "uint8")
    (said,) = kc.models.segment(ending("sigmoids"), [picture])
    for refine in (
        lambda each: kc.models.sharpen([each], [np.zeros((5, 4))]),
        lambda each: kc.models.dense_crf([picture], [each], grid=2),
    ):
        with pytest.raises(kc.InputError, match="segment says, those of a network") as refused:
            refine(said)
        remedy = str(refused.value).split("divided by their sum: ")[1].split(";")[0]
        (found,) = refine(eval(remedy, {"said": said}))
        np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("name", ENDS)
def test_only_logits_of_classes_are_learned_or_refined(name):
    model, image = ending(name), keras.Input((None, None, 3))
    for build in (
        lambda each: kc.models.crf_rnn(each, grid=3),
        lambda each: kc.training.compile_segmenter(each, "sgd"),
    ):
        with pytest.raises(kc.InputError, match="logits, one for each of two or more classes"):
            build(model)
        # As the refusal says.
        build(keras.Model(image, keras.layers.Conv2D(3, 1)(image)))
    if name == "relu":
        with pytest.raises(kc.InputError, match="cannot be read.*activation relu.*Conv2D"):
            kc.models.segment(model, [np.zeros((4, 4, 3), "uint8")])


def test_how_the_packages_segmenters_end_is_known():
    trunk = kc.models.VGG11(include_top=False, input_shape=(None, None, 3), width=0.05)
    fcn = kc.models.fcn(trunk, 3, 16)
    for model in (fcn, kc.models.crf_rnn(fcn, grid=3), kc.models.pixel_fabric(3, channels=4)):
        (end,) = kc.analysis.model_ends(model)
        assert (end.kind, end.units) == ("logits", 3)
    image = keras.Input((8, 8, 3))
    cut = kc.layers.CropToReference()(
        [keras.layers.Conv2D(3, 1, activation="softmax")(image), image]
    )
    (end,) = kc.analysis.model_ends(keras.Model(image, cut))
    assert end.kind == "unknown" and "softmax" in end.reason


def test_what_is_no_picture_is_refused(model):
    picture = np.zeros((4, 4, 3), "uint8")
    for wrong, told in (
        (picture[..., 0], "Picture 1 is uint8"),
        (picture / 255, "Picture 1 is float64"),
        (picture[:0], "Picture 1 is uint8"),
    ):
        with pytest.raises(kc.InputError, match=told):
            kc.models.segment(model, [picture, wrong])
