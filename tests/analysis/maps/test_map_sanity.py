import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from keras_classics.analysis import cascading_randomization, randomize_layers
from keras_classics.analysis.maps.map_sanity import rank_correlations


def network(nested=False):
    """Two convolutions with batch normalisation; weights and statistics as if trained."""
    image = keras.Input((10, 10, 2))
    x = layers.Conv2D(4, 3, activation="relu", name="low")(image)
    trunk_input = keras.Input((8, 8, 4))
    y = layers.Conv2D(5, 3, name="high")(trunk_input if nested else x)
    y = layers.ReLU()(layers.BatchNormalization(name="norm")(y))
    if nested:
        y = keras.Model(trunk_input, y, name="trunk")(x)
    y = layers.GlobalAveragePooling2D()(y)
    model = keras.Model(image, layers.Dense(3, activation="softmax", name="predictions")(y))
    draw = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(draw.uniform(0.5, 1.5, weight.shape) * draw.choice([-1, 1], weight.shape)
                      if weight.path.endswith("kernel") else
                      draw.uniform(0.5, 1.5, weight.shape))  # fmt: skip
    return model, draw.normal(size=(4, 10, 10, 2)).astype("float32")


def same(first, second):
    return [np.array_equal(a, b) for a, b in zip(first, second, strict=True)]


@pytest.mark.parametrize("nested", [False, True])
def test_the_cascade_goes_from_the_output_down_and_leaves_the_model_alone(nested):
    model, images = network(nested)
    before = model.get_weights()
    # What this method reads below it does not know of the layers above.
    found = cascading_randomization(model, images, method="eigen_cam", layer="low", seed=1)
    assert [*found.index] == ["predictions", "norm", "high", "low"]
    assert [*found["layers"]] == [1, 2, 3, 4]
    np.testing.assert_allclose(found["rank correlation"][:3], 1, rtol=1e-6)
    assert abs(found["rank correlation"].iloc[3]) < 0.95
    assert all(same(before, model.get_weights()))


def test_maps_of_a_class_follow_the_layers_above_them():
    model, images = network()
    found = cascading_randomization(model, images, method="grad_cam_sum", layer="low", stages=2)
    assert [*found["layers"]] == [2, 4] and [*found.index] == ["norm", "low"]
    assert (found["rank correlation"].abs() < 0.99).all()


def test_layers_are_drawn_anew_with_their_statistics_and_only_those():
    model, _ = network()
    copy = randomize_layers(model, 2)
    kept, drawn = (
        same(model.get_layer(name).get_weights(), copy.get_layer(name).get_weights())
        for name in ("high", "norm")
    )
    assert all(kept) and not any(drawn)
    mean, variance = copy.get_layer("norm").get_weights()[2:]
    assert not mean.any() and (variance == 1).all()
    single = randomize_layers(model, ["low"])
    assert all(same(model.get_weights()[2:], single.get_weights()[2:]))
    assert not np.array_equal(model.get_weights()[0], single.get_weights()[0])
    assert all(same(model.get_weights(), randomize_layers(model, 0).get_weights()))
    first, again, other = (randomize_layers(model, seed=seed).get_weights() for seed in (3, 3, 4))
    assert all(same(first, again)) and not np.array_equal(first[0], other[0])


def test_rank_correlation_by_hand():
    first = np.array([[[1.0, 2], [3, 4]], [[1, 2], [3, 4]], [[1, 2], [3, 4]], [[1, 1], [1, 1]]])
    second = np.array([[[1.0, 9], [3, 80]], [[4, 3], [2, 1]], [[0, 0], [1, 1]], [[1, 2], [3, 4]]])
    expected = [0.8, -1, 2 / np.sqrt(5), 0]
    np.testing.assert_allclose(rank_correlations(first, second), expected)


def test_bad_input_is_refused():
    model, images = network()
    with pytest.raises(kc.InputError, match="0 to 4, or a list of low, high, norm, predictions"):
        randomize_layers(model, ["top"])
    with pytest.raises(kc.InputError, match="layers=5"):
        randomize_layers(model, 5)
    with pytest.raises(kc.InputError, match="stages=0"):
        cascading_randomization(model, images, stages=0)

    class Own(keras.Model):
        pass

    with pytest.raises(kc.InputError, match="has no graph of layers"):
        randomize_layers(Own())
