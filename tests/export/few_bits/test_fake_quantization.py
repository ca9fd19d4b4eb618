"""Training that knows of few bits: rounds as written here by hand, and learns to bear it."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from keras_classics.core.errors import InputError
from keras_classics.export.few_bits.fake_quantization import plainly
from keras_classics.layers.image.fake_quant import MOMENTUM

DRAW = np.random.default_rng(0)
POINTS = DRAW.normal(size=(64, 6)).astype("float32")


def rounded(x, low, high, bits):
    """Jacob et al., equations 12: the zero is moved so that it is a level of its own."""
    levels = 2**bits - 1
    step = (high - low) / levels
    low = -np.round(-low / step) * step
    return np.round((np.clip(x, low, low + levels * step) - low) / step) * step + low


def rounded_filters(kernel, bits):
    most = np.abs(kernel).reshape(-1, kernel.shape[-1]).max(axis=0)
    # One level less, so that there are as many below zero as above.
    step = most / (2 ** (bits - 1) - 1)
    return np.round(kernel / step) * step


def dense_pair():
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(5, name="first"), layers.BatchNormalization(),
         layers.ReLU(), layers.Dense(3, "softmax", name="last")]
    )  # fmt: skip
    for weight in model.weights:
        weight.assign(DRAW.random(weight.shape) + (0.0 if "kernel" in weight.path else 0.1))
    return model


@pytest.mark.parametrize("bits", [8, 3])
def test_numbers_are_rounded_as_by_hand(bits):
    model = dense_pair()
    aware = kc.export.quantization_aware(model, POINTS[:40], bits=bits)
    folded = kc.export.fold(model)
    x = POINTS
    for name, activation in (("first", lambda y: np.maximum(y, 0)), ("last", lambda y: y)):
        kernel, bias = folded.get_layer(name).get_weights()
        seen = x[:40] if name == "first" else folded_hidden(folded)
        low, high = min(0.0, seen.min()), max(0.0, seen.max())
        x = rounded(x, low, high, bits) @ rounded_filters(kernel, bits) + bias
        x = activation(x)
    expected = np.exp(x - x.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    found = aware.predict(POINTS, verbose=0)
    # A number that lies between two levels may go to either.
    assert np.mean(np.abs(found - expected) < 1e-4) > 0.9
    near = np.abs(found - model.predict(POINTS, verbose=0))[:40].max()
    assert near < (0.02 if bits == 8 else 0.6)


def folded_hidden(folded):
    kernel, bias = folded.get_layer("first").get_weights()
    return np.maximum(POINTS[:40] @ kernel + bias, 0)


def test_the_range_follows_the_batches_of_training():
    # Two batches, of which the first has both ends of the range.
    furthest_first = POINTS[np.argsort(-np.abs(POINTS).max(axis=1))]
    aware = kc.export.quantization_aware(dense_pair(), furthest_first)
    layer = aware.get_layer("first")
    low, high = layer.get_weights()[-1]
    assert (low, high) == (POINTS.min(), POINTS.max())
    aware(POINTS * 10)
    assert layer.get_weights()[-1][1] == high
    aware(POINTS * 10, training=True)
    found = layer.get_weights()[-1]
    np.testing.assert_allclose(found[1], MOMENTUM * high + (1 - MOMENTUM) * 10 * high, rtol=1e-5)
    # Zero is a number of every range.
    aware(np.abs(POINTS) + 1, training=True)
    np.testing.assert_allclose(layer.get_weights()[-1][0], MOMENTUM * found[0], rtol=1e-5)


def test_what_was_lost_is_learnt_again_and_shipped(tmp_path):
    """Rounding to four levels makes the loss larger; training with it makes it smaller again."""
    keras.utils.set_random_seed(0)
    labels = DRAW.integers(0, 4, 512)
    images = DRAW.normal(0, 0.6, (512, 8, 8, 1)).astype("float32")
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(label, 2)
        image[row * 4 : row * 4 + 4, column * 4 : column * 4 + 4] += 1
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(8, 3, activation="relu"),
         layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(4, "softmax")]
    )  # fmt: skip
    settings = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
    model.compile(keras.optimizers.Adam(0.01), **settings)
    model.fit(images, labels, epochs=5, verbose=0)
    aware = kc.export.quantization_aware(model, images[:64], bits=2)
    aware.compile(keras.optimizers.Adam(0.01), **settings)
    before, _ = aware.evaluate(images, labels, verbose=0)
    aware.fit(images, labels, epochs=5, verbose=0)
    after, accuracy = aware.evaluate(images, labels, verbose=0)
    real, _ = model.evaluate(images, labels, verbose=0)
    assert before > 1.5 * real and after < before / 2 and accuracy > 0.95

    aware.save(tmp_path / "aware.keras")
    again = kc.load_model(tmp_path / "aware.keras")
    np.testing.assert_array_equal(
        again.predict(images, verbose=0), aware.predict(images, verbose=0)
    )
    assert plainly(model) is model
    if keras.config.backend() == "tensorflow":
        made = kc.export.quantize(again, tmp_path / "a.onnx", images[:64], most_loss=0.1)
        assert made.measure == "agreement" and made.after >= 0.9 and len(made.layers) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bits": 1}, "bits=1"),
        ({"bits": 17}, "bits=17.*2 to 16"),
        ({"data": POINTS[:, :5]}, r"data of shape \(64, 5\)"),
        ({"data": POINTS * np.nan}, "not finite"),
        ({"model": "nothing to round"}, "0 plain Conv2D and Dense layers"),
        ({"model": "two inputs"}, "2 inputs"),
    ],
)
def test_what_cannot_be_rounded_is_refused(arguments, message):
    one, two = keras.Input((6,)), keras.Input((6,))
    models = {
        "nothing to round": keras.Model(one, layers.ReLU()(one)),
        "two inputs": keras.Model([one, two], layers.Dense(2)(layers.Add()([one, two]))),
    }
    model = models.get(arguments.pop("model", None)) or dense_pair()
    with pytest.raises(InputError, match=message):
        kc.export.quantization_aware(model, **{"data": POINTS, **arguments})


def test_a_layer_that_is_called_twice_stays_as_it_is():
    image, dense = keras.Input((6,)), layers.Dense(6, name="twice")
    model = keras.Model(image, layers.Dense(2, name="once")(dense(dense(image))))
    aware = kc.export.quantization_aware(model, POINTS)
    assert type(aware.get_layer("twice")) is layers.Dense
    assert type(aware.get_layer("once")) is kc.layers.FakeQuantDense


def test_in_half_precision_it_says_the_same_and_learns():
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(5, "relu", dtype="mixed_float16", name="first"),
         layers.Dense(3, dtype="float32", name="last")]
    )  # fmt: skip
    # Beside large inputs too, of which sixteen bits hold the range to a few units only.
    points = 3000 * POINTS
    aware = kc.export.quantization_aware(model, points)
    assert aware.get_layer("first").range.dtype == "float32"
    expected = model.predict(points, verbose=0)
    found = aware.predict(points, verbose=0)
    assert np.abs(found - expected).max() < 0.03 * np.abs(expected).max()
    # Gradients have sixteen bits as well.
    aware = kc.export.quantization_aware(model, POINTS)
    aware.compile(keras.optimizers.SGD(0.01), "mse")
    before = aware.get_weights()
    aware.fit(POINTS, np.ones((64, 3)), epochs=1, verbose=0)
    assert all(np.isfinite(weight).all() for weight in aware.get_weights())
    assert not np.array_equal(before[0], aware.get_weights()[0])
