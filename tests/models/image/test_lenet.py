"""LeNet-5 against the paper's table of connections, and on real digits."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.models.image.digit_codes import digit_codes
from keras_classics.models.image.lenet import CONNECTIONS


def test_the_paper_links_60_pairs_of_maps():
    assert sum(map(len, CONNECTIONS)) == 60
    assert sorted(map(len, CONNECTIONS)) == [3] * 6 + [4] * 9 + [6]
    assert len(set(CONNECTIONS)) == 16
    # Every S2 map is read equally often: the break of symmetry is fair.
    assert [sum(source in row for row in CONNECTIONS) for source in range(6)] == [10] * 6


def test_codes_are_84_signs_and_similar_digits_have_similar_codes():
    codes = np.array(digit_codes())
    assert codes.shape == (10, 84)
    assert set(codes.flat) == {-1.0, 1.0}
    agreement = codes @ codes.T
    assert np.all(np.diag(agreement) == 84)
    assert np.max(agreement - 84 * np.eye(10)) < 84
    assert agreement[3, 8] > agreement[1, 8]


def test_the_nearest_code_has_the_highest_probability():
    model = kc.models.LeNet5()
    distances = keras.Model(model.input, model.get_layer("head_distances").output)
    x = np.random.default_rng(0).normal(size=(5, 32, 32, 1)).astype("float32")
    nearest = np.argmin(distances(x), axis=-1)
    np.testing.assert_array_equal(np.argmax(model(x), axis=-1), nearest)


def test_width_of_the_original_is_fixed():
    with pytest.raises(ValueError, match="connection table"):
        kc.models.LeNet5(width=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "epochs", "batch_size", "peak"),
    [("lenet_5", 12, 32, 2e-3), ("lenet_5_modern", 4, 64, 4e-3)],
)
def test_reads_97_percent_of_scanned_digits(name, epochs, batch_size, peak):
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = digits.images[..., None].astype("float32")
    images = keras.ops.convert_to_numpy(keras.ops.image.resize(images, (28, 28), "bicubic"))
    images = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0))) / 16 * 1.275 - 0.1
    x, x_test, y, y_test = train_test_split(
        images, digits.target, test_size=0.25, random_state=0, stratify=digits.target
    )
    # The paper's remedy for few images: distorted copies; here moved by one pixel.
    moves = [(0, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)]
    x, y = np.concatenate([np.roll(x, move, (1, 2)) for move in moves]), np.tile(y, len(moves))
    keras.utils.set_random_seed(0)
    model = kc.create_model(name)
    rate = keras.optimizers.schedules.CosineDecay(peak, epochs * len(x) // batch_size)
    model.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(x, y, epochs=epochs, batch_size=batch_size, verbose=0)
    assert model.evaluate(x_test, y_test, verbose=0)[1] > 0.97
